/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_documents.c: documents on a connection with mohrd's side in the test's own hands: what goes out and with which
 * descriptors, what is never sent, and what each reply comes to.
 */
#include "client-sdk/mohr.h"

#include "base/base.h"
#include "base/outcome.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <cmocka.h>

#define HANDLE "00000000000000000000000000000001"
#define SHA256 "abababababababababababababababababababababababababababababababab"

struct world {
        char path[64];
        int listener, peer, files[2];
        struct mohr_client *client;
        char heard[32768];
        int passed[2];
        size_t passed_count;
};

static int set_up(void **state)
{
        static struct world w;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        snprintf(w.path, sizeof w.path, "/tmp/mohr-documents-%d.sock", (int)getpid());
        unlink(w.path);
        memcpy(address.sun_path, w.path, strlen(w.path) + 1);
        w.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(w.listener, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(listen(w.listener, 1), 0);
        assert_int_equal(mohr_client_connect(&w.client, w.path), 0);
        w.peer = accept4(w.listener, NULL, NULL, SOCK_CLOEXEC);
        assert_int_equal(pipe2(w.files, O_CLOEXEC), 0);
        w.passed_count = 0;
        *state = &w;
        return 0;
}

static int tear_down(void **state)
{
        struct world *w = *state;
        w->client = mohr_client_free(w->client);
        for (size_t i = 0; i < w->passed_count; i++)
                close(w->passed[i]);
        close(w->files[0]);
        close(w->files[1]);
        close(w->peer);
        close(w->listener);
        unlink(w->path);
        return 0;
}

/* The frame that came, and what came with it. */
static void hear(struct world *w)
{
        union {
                char room[CMSG_SPACE(2 * sizeof(int))];
                struct cmsghdr aligned;
        } control = { 0 };
        struct iovec iov = { w->heard, sizeof w->heard - 1 };
        struct msghdr message = { .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof control };
        ssize_t n = recvmsg(w->peer, &message, MSG_CMSG_CLOEXEC);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        assert_true(n > 0 && w->heard[n - 1] == '\0');
        if (header) {
                w->passed_count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                assert_true(w->passed_count <= 2);
                memcpy(w->passed, CMSG_DATA(header), w->passed_count * sizeof(int));
        }
}

static bool same_file(int a, int b)
{
        struct stat one, other;
        return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_ino == other.st_ino;
}

#define SAY(w, text) assert_int_equal(write((w)->peer, text, sizeof text), sizeof text)
#define assert_heard(w, text)                                                                      \
        do {                                                                                       \
                if (!strstr((w)->heard, text))                                                     \
                        fail_msg("%s is not in %s", text, (w)->heard);                             \
        } while (0)

static void every_member_goes_out_with_both_descriptors(void **state)
{
        struct world *w = *state;
        const struct mohr_stamp stamp = { 2, 10, 20, 200, 80 };
        const struct mohr_to_sign document = { .name = "قرارداد",
                .form = "pdf",
                .location = "Tehran",
                .stamp = &stamp,
                .commitment = "approval",
                .policy = "1.2.3",
                .policy_digest = SHA256,
                .no_time = true };
        char *json = NULL;
        SAY(w, "{\"parameters\":{\"document\":\"" HANDLE "\",\"kind\":\"pdf\"}}");
        assert_int_equal(
                mohr_client_add_document(w->client, &document, w->files[0], w->files[1], &json), 0);
        hear(w);
        assert_heard(w, "\"method\":\"mohr.Documents.Add\"");
        assert_heard(w, "\"location\":\"Tehran\"");
        assert_heard(w, "\"stamp\":{\"page\":2,\"x\":10,\"y\":20,\"width\":200,\"height\":80}");
        assert_heard(w, "\"commitment\":\"approval\"");
        assert_heard(w, "\"policy\":\"1.2.3\"");
        assert_heard(w, "\"policy_digest\":\"" SHA256 "\"");
        assert_heard(w, "\"no_time\":true");
        assert_null(strstr(w->heard, "signer"));
        assert_int_equal(w->passed_count, 2);
        assert_true(same_file(w->passed[0], w->files[0]) && w->passed[0] != w->files[0]);
        assert_true(fcntl(w->files[1], F_GETFD) >= 0); /* both stay the caller's */
        assert_non_null(strstr(json, HANDLE));
        free(json);
}

static void what_is_out_of_bounds_is_never_sent(void **state)
{
        static char long_name[130];
        memset(long_name, 'n', sizeof long_name - 1);
        const struct {
                struct mohr_to_sign document;
                const char *detail;
        } rows[] = {
                { { .form = "cms" }, "name" },
                { { .name = "", .form = "cms" }, "name" },
                { { .name = "a\nb", .form = "cms" }, "name" },
                { { .name = "\xE2\x80\xAEtxt", .form = "cms" }, "name" },
                { { .name = long_name, .form = "cms" }, "name" },
                { { .name = "n" }, "form" },
                { { .name = "n", .form = "C M S" }, "form" },
                { { .name = "n", .form = "pdf", .location = "\x1b[31m" }, "location" },
                { { .name = "n", .form = "cms", .policy = "1.2" }, "policy_digest" },
                { { .name = "n", .form = "cms", .policy = "1.2", .policy_digest = "AB" },
                        "policy_digest" },
        };
        struct world *w = *state;
        char *json = NULL, byte;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                assert_int_equal(mohr_client_add_document(w->client, &rows[i].document, w->files[0],
                                         w->files[1], &json),
                        OUTCOME_USAGE);
                assert_string_equal(mohr_client_detail(w->client), rows[i].detail);
        }
        const char *none[] = { NULL }, *bad[] = { "no handle", NULL };
        const char *many[66] = { NULL };
        for (size_t i = 0; i < 65; i++)
                many[i] = HANDLE;
        const struct mohr_signing signings[] = { { .documents = NULL }, { .documents = none },
                { .documents = bad }, { .documents = many },
                { .documents = (const char *[]){ HANDLE, NULL }, .timeout_s = 601 },
                { .documents = (const char *[]){ HANDLE, NULL }, .purpose = "\n" } };
        for (size_t i = 0; i < ARRAY_LEN(signings); i++)
                assert_int_equal(mohr_client_sign_documents(w->client, &signings[i], NULL, NULL),
                        OUTCOME_USAGE);
        assert_int_equal(recv(w->peer, &byte, 1, MSG_DONTWAIT), -1);
}

static void note(void *user, const char *document, const char *phase)
{
        char *told = user;
        snprintf(told + strlen(told), 256 - strlen(told), "%.2s %s,", document + 30, phase);
}

static void progress_is_told_document_by_document(void **state)
{
        struct world *w = *state;
        const char *const documents[] = { HANDLE, "00000000000000000000000000000002", NULL };
        const struct mohr_signing signing = { .documents = documents,
                .purpose = "two",
                .reader = "R",
                .timeout_s = 9,
                .ui = &(struct mohr_ui){ .display = ":7", .language = "fa" } };
        char told[256] = "";
        SAY(w, "{\"parameters\":{\"document\":\"" HANDLE
               "\",\"request\":\"r1\",\"phase\":\"consent\"},"
               "\"continues\":true}");
        SAY(w, "{\"parameters\":{\"document\":\"" HANDLE
               "\",\"request\":\"r1\",\"phase\":\"signed\"},"
               "\"continues\":true}");
        SAY(w, "{\"parameters\":{\"phase\":7},\"continues\":true}");
        SAY(w, "{\"error\":\"mohr.Documents.WrongPin\",\"parameters\":{\"document\":"
               "\"00000000000000000000000000000002\",\"request\":\"r2\",\"tries_left\":2}}");
        assert_int_equal(
                mohr_client_sign_documents(w->client, &signing, note, told), OUTCOME_WRONG_PIN);
        hear(w);
        assert_heard(w, "\"documents\":[\"" HANDLE "\",\"00000000000000000000000000000002\"]");
        assert_heard(w, "\"timeout_ms\":9000");
        assert_heard(w, "\"more\":true");
        assert_heard(w, "\"display\":\":7\"");
        assert_string_equal(told, "01 consent,01 signed,");
        assert_int_equal(mohr_client_tries_left(w->client), 2);
        assert_non_null(strstr(mohr_client_text(w->client), "00000000000000000000000000000002"));
        assert_string_equal(mohr_client_request_id(w->client), "r2");
}

static void what_mohrd_says_of_a_document_is_an_answer(void **state)
{
        static const struct {
                const char *answer;
                size_t len;
                int outcome;
        } rows[] = {
#define ROW(text, outcome) { text, sizeof text, outcome }
                ROW("{\"error\":\"mohr.Documents.DocumentUnusable\",\"parameters\":{\"why\":"
                    "\"encrypted\",\"detail\":\"The PDF is encrypted.\"}}",
                        OUTCOME_DOCUMENT),
                ROW("{\"error\":\"mohr.Documents.TooManyDocuments\",\"parameters\":{}}",
                        OUTCOME_INTERNAL),
                ROW("{\"parameters\":{}}", -EBADMSG),
        };
        const struct mohr_to_sign document = { .name = "n", .form = "countersignature" };
        struct world *w = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char *json = NULL;
                assert_int_equal(write(w->peer, rows[i].answer, rows[i].len), rows[i].len);
                assert_int_equal(mohr_client_add_document(
                                         w->client, &document, w->files[0], w->files[1], &json),
                        rows[i].outcome);
                hear(w);
                assert_heard(w, "\"signer\":0");
                while (w->passed_count > 0)
                        close(w->passed[--w->passed_count]);
                assert_null(json);
                if (i == 0)
                        assert_non_null(strstr(mohr_client_text(w->client), "encrypted"));
                if (i == 1)
                        assert_string_equal(
                                mohr_client_detail(w->client), "mohr.Documents.TooManyDocuments");
        }
}

static void one_is_removed_by_its_handle(void **state)
{
        struct world *w = *state;
        SAY(w, "{\"parameters\":{}}");
        assert_int_equal(mohr_client_remove_document(w->client, HANDLE), 0);
        hear(w);
        assert_heard(w, "\"mohr.Documents.Remove\"");
        assert_heard(w, "\"document\":\"" HANDLE "\"");
        SAY(w, "{\"error\":\"mohr.Documents.NoSuchDocument\",\"parameters\":{\"document\":\"x\"}}");
        assert_int_equal(mohr_client_remove_document(w->client, HANDLE), OUTCOME_INTERNAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(every_member_goes_out_with_both_descriptors),
                TEST(what_is_out_of_bounds_is_never_sent),
                TEST(progress_is_told_document_by_document),
                TEST(what_mohrd_says_of_a_document_is_an_answer),
                TEST(one_is_removed_by_its_handle),
        };
        alarm(360);
        return cmocka_run_group_tests_name("client_documents", tests, NULL, NULL);
}
