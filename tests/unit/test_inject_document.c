/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_document.c: work on documents while calls fail: the whole answer, or an error and an empty result. Never a
 * signature in half a file, and never a digest of anything but what was written.
 */
#include "tests/support/inject.h"
#include "tests/unit/document_world.h"

#define STAMP                                                                                      \
        "{\"hash\":\"sha256\",\"name\":\"Maryam\",\"reason\":\"to test\",\"at\":1795324800,"       \
        "\"room\":64,\"stamp\":{\"page\":1,\"x\":0,\"y\":0,\"width\":9,\"height\":9,"              \
        "\"content\":\"MCAwIDkgOSByZSBmCg==\"}}"

static const struct {
        const char *name;
        int (*work)(struct task *task);
        const char *asked;
} rows[] = {
        { "inspect", task_inspect, "{\"copy\":true}" },
        { "prepare", task_prepare, STAMP },
        { "text", task_text, "{\"hash\":\"sha384\",\"header\":\"abc\"}" },
        { "signatures", task_signatures, "{}" },
        { "write cms", task_write, "{\"form\":\"cms\",\"cms\":\"MAA=\"}" },
        { "write jws", task_write, "{\"form\":\"jws\",\"header\":\"abc\",\"signature\":\"abc\"}" },
        { "countersign", task_countersign, "{\"hash\":\"sha256\",\"signer\":0}" },
};

/* What is right but for what no failure changes: fresh parts of an identifier. */
static bool same_answer(const json_t *answer, const json_t *calm)
{
        const char *name;
        json_t *value;
        json_object_foreach ((json_t *)(uintptr_t)calm, name, value)
                if (!json_object_get(answer, name) ||
                        (strcmp(name, "digest") != 0 &&
                                !json_equal(json_object_get(answer, name), value)))
                        return false;
        return json_object_size(answer) == json_object_size(calm);
}

static void attempt(struct inject *in, size_t row, int from, const json_t *asked,
        const json_t *calm, int calm_r, size_t calm_size)
{
        int to = memfd_create("result", MFD_CLOEXEC);
        json_t *answer = NULL;
        const char *why = NULL;
        assert_true(to >= 0);
        inject_arm(in);
        int r = world_do(rows[row].work, asked, from, to, &answer, &why);
        inject_disarm(in);
        EXPECT_TELLING(*in, rows[row].name, r <= 0 || r == OUTCOME_INVALID);
        if (r == 0) {
                EXPECT_TELLING(*in, rows[row].name, calm_r == 0 && same_answer(answer, calm));
                EXPECT_TELLING(*in, rows[row].name, world_size(to) == calm_size);
        } else if (strcmp(in->what, "ftruncate") != 0 && !in->onwards)
                EXPECT_TELLING(*in, rows[row].name, world_size(to) == 0);
        json_decref(answer);
        close(to);
}

/* The file with one signature more; takes `from`. */
static int signed_once_more(int from)
{
        int room = memfd_create("room", MFD_CLOEXEC), to = memfd_create("signed", MFD_CLOEXEC);
        json_t *asked = json_loads(STAMP, 0, NULL), *place = NULL, *answer = NULL;
        const char *why = NULL;
        assert_int_equal(world_do(task_prepare, asked, from, room, &place, &why), 0);
        json_t *write = json_pack("{s:s, s:s, s:O, s:O}", "form", "pdf", "cms", "MAA=", "offset",
                json_object_get(place, "offset"), "room", json_object_get(place, "room"));
        assert_int_equal(world_do(task_write, write, room, to, &answer, &why), 0);
        json_decref(asked);
        json_decref(place);
        json_decref(write);
        json_decref(answer);
        close(room);
        close(from);
        return to;
}

static void all_of_it_or_nothing(void **state)
{
        char pdf[WORLD_PDF_MAX];
        int from = signed_once_more(signed_once_more(world_file(pdf, world_pdf(pdf))));
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                json_t *asked = json_loads(rows[i].asked, 0, NULL), *calm = NULL;
                int to = memfd_create("result", MFD_CLOEXEC);
                const char *why = NULL;
                int r = world_do(rows[i].work, asked, from, to, &calm, &why);
                assert_true(r == 0 || strcmp(rows[i].name, "countersign") == 0);
                const struct inject sweeps[] = { INJECT(INJECT_MEMORY | INJECT_SYSTEM),
                        INJECT_EVERY(INJECT_OPENSSL, 3) };
                FOR_EACH_FAILURE(in, sweeps)
                attempt(&in, i, from, asked, calm, r, world_size(to));
                json_decref(calm);
                json_decref(asked);
                close(to);
        }
        close(from);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(all_of_it_or_nothing) };
        inject_init();
        return cmocka_run_group_tests_name("inject_document", tests, NULL, NULL);
}
