/* SPDX-License-Identifier: Apache-2.0 */
/* test_document.c: the small parsers of mohr-document, and its sandbox. Whole documents are tests/system/document.py's business.
 */
#include "client-sdk/document/confine.h"
#include "client-sdk/document/ink.h"
#include "client-sdk/document/range.h"
#include "client-sdk/document/tail.h"
#include "tests/unit/document_world.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void the_end_of_a_file_names_its_newest_section(void **state)
{
        static const struct {
                const char *text;
                bool found, stream;
                uint64_t at;
        } rows[] = {
                { "xref\n0 1\nstartxref\n0\n%%EOF\n", true, false, 0 },
                { "  12 0 obj\nstartxref 0 %%EOF", true, true, 0 },
                { "xref\nstartxref\n0\n7 0 obj startxref\r\n17\r\n%%EOF", true, true, 17 },
                { "xref\nstartxref\n0\nstartxref\nnone", true, false, 0 },
                { "xrefs\nstartxref\n0\n", false, false, 0 },
                { "trailer\nstartxref\n0\n", false, false, 0 },
                { "xref\nstartxref\n99\n", false, false, 0 },
                { "xref\nstartxref\n-1\n", false, false, 0 },
                { "xref\nstartxref\n18446744073709551616\n", false, false, 0 },
                { "startxref", false, false, 0 },
                { "startxre", false, false, 0 },
                { "", false, false, 0 },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct tail tail = { 0 };
                bool found = tail_find((const uint8_t *)rows[i].text, strlen(rows[i].text), &tail);
                if (found != rows[i].found || tail.stream != rows[i].stream ||
                        tail.at != rows[i].at)
                        fail_msg("row %zu", i);
        }
}

static void a_stamp_holds_shapes_and_colours_only(void **state)
{
        static const struct {
                const char *text;
                bool plain;
        } rows[] = {
                { "", true },
                { "q 1 0 0 1 5 5 cm 0 0 m 1 -2.5 l 1 1 2 2 3 3 c h f Q\n", true },
                { "0 0 9 9 re W n .5 g 1 0 0 RG 2 w S", true },
                { "0 0 9 9 re f*\n1 2 3 4 v 1 2 3 4 y B*", true },
                { "0 0 m 1 l", false },
                { "1 2 3 4 5 6 7 c", false },
                { "/F1 12 Tf", false },
                { "/Im0 Do", false },
                { "BT", false },
                { "(x) Tj", false },
                { "<00> Tj", false },
                { "BI ID EI", false },
                { "/GS0 gs", false },
                { "/Sh0 sh", false },
                { "% comment", false },
                { "q", false },
                { "Q q", false },
                { "1", false },
                { "1e3 w", false },
                { "1..2 w", false },
                { "- w", false },
                { "12345678901 w", false },
                { "1\tw", false },
                { "1 w\rf", false },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (ink_is_plain((const uint8_t *)rows[i].text, strlen(rows[i].text)) !=
                        rows[i].plain)
                        fail_msg("%s", rows[i].text);
        assert_false(ink_is_plain((const uint8_t *)"f\0f", 3));
}

static void a_gap_is_the_hex_of_its_value(void **state)
{
        const uint8_t value[] = { 0x30, 0xab, 0x00 };
        static const struct {
                const char *gap;
                bool good;
        } rows[] = { { "<30ab00>", true }, { "<30AB00>", true }, { "<30ab0>", false },
                { "<30ab0000>", false }, { "<30 ab00>", false }, { "<30ac00>", false },
                { "(30ab00)", false }, { "<30ab00)", false }, { "<30ag00>", false },
                { "<>", false }, { "<", false }, { "", false } };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (range_gap_is((const uint8_t *)rows[i].gap, strlen(rows[i].gap), value,
                            sizeof value) != rows[i].good)
                        fail_msg("%s", rows[i].gap);
}

static void a_value_is_one_sequence_and_zeros(void **state)
{
        (void)state;
        assert_int_equal(range_der((const uint8_t *)"\x30\x01x", 3), 3);
        assert_int_equal(range_der((const uint8_t *)"\x30\x01x\0\0", 5), 3);
        assert_int_equal(range_der((const uint8_t *)"\x30\x01x\0\1", 5), 0);
        assert_int_equal(range_der((const uint8_t *)"\x30\x04x", 3), 0);
        assert_int_equal(range_der((const uint8_t *)"\x30\x80x\0\0", 5), 0);
        assert_int_equal(range_der((const uint8_t *)"\x31\x01x", 3), 0);
        assert_int_equal(range_der((const uint8_t *)"\x30", 1), 0);
        assert_int_equal(range_der((const uint8_t *)"\0\0\0", 3), 0);
}

/* What it could not do, as bits; 0 if all of it is denied. */
static int try_everything(void)
{
        int done = 0;
        done |= open("/etc/passwd", O_RDONLY) >= 0;
        done |= (openat(AT_FDCWD, ".", O_RDONLY) >= 0) << 1;
        done |= (socket(AF_UNIX, SOCK_STREAM, 0) >= 0) << 2;
        done |= (unlink("/nonexistent") == 0 || errno != EPERM) << 3;
        done |= (kill(getppid(), 0) == 0) << 4;
        done |= (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
                        MAP_FAILED)
                << 5;
        pid_t child = fork();
        if (child == 0)
                _exit(0);
        return done | (child >= 0) << 6;
}

static void the_sandbox_denies_all_but_its_work(void **state)
{
        int status = 0;
        (void)state;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
                _exit(document_settle() != 0          ? 101
                        : document_confine(1000) != 0 ? 102
                                                      : try_everything());
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

/* Refusals that only a caller with bad intent meets. */
static void questions_out_of_bounds_are_refused(void **state)
{
        static const struct {
                int (*work)(struct task *task);
                const char *asked;
        } rows[] = {
                { task_inspect, "{}" },
                { task_text, "{\"hash\":\"md5\",\"header\":\"a\"}" },
                { task_text, "{\"hash\":\"sha256\"}" },
                { task_text, "{\"hash\":\"sha256\",\"header\":\"a\\u0000b\"}" },
                { task_prepare, "{\"hash\":\"sha256\",\"name\":\"n\",\"at\":0,\"room\":0}" },
                { task_prepare, "{\"hash\":\"sha256\",\"name\":\"n\",\"at\":-1,\"room\":9}" },
                { task_prepare, "{\"hash\":\"sha256\",\"name\":7,\"at\":1,\"room\":9}" },
                { task_prepare,
                        "{\"hash\":\"sha256\",\"name\":\"n\",\"at\":1,\"room\":9,\"stamp\":7}" },
                { task_countersign, "{\"hash\":\"sha256\",\"signer\":32}" },
                { task_write, "{\"form\":\"jws\",\"header\":\"a\"}" },
                { task_write, "{\"form\":7}" },
        };
        char pdf[WORLD_PDF_MAX];
        int from = world_file(pdf, world_pdf(pdf));
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                int to = memfd_create("result", MFD_CLOEXEC);
                json_t *asked = json_loads(rows[i].asked, JSON_ALLOW_NUL, NULL), *answer = NULL;
                const char *why = NULL;
                assert_int_equal(
                        world_do(rows[i].work, asked, from, to, &answer, &why), OUTCOME_INVALID);
                assert_string_equal(why, "question");
                assert_int_equal(world_size(to), 0);
                json_decref(asked);
                close(to);
        }
        close(from);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_end_of_a_file_names_its_newest_section),
                cmocka_unit_test(a_stamp_holds_shapes_and_colours_only),
                cmocka_unit_test(a_gap_is_the_hex_of_its_value),
                cmocka_unit_test(a_value_is_one_sequence_and_zeros),
                cmocka_unit_test(the_sandbox_denies_all_but_its_work),
                cmocka_unit_test(questions_out_of_bounds_are_refused),
        };
        return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
