/* SPDX-License-Identifier: Apache-2.0 */
/* test_client.c: the client against a scripted server: what is said, what is heard, what comes of it.
 *
 * The server is a child that accepts one connection, checks the one call it gets and answers with the
 * row's bytes, NULs and mistakes included, then hangs up.
 */
#include "client-sdk/mohr.h"
#include "client-sdk/wire.h"

#include "base/base.h"
#include "base/outcome.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <cmocka.h>

#define HANG_UP NULL, 0

struct server {
        char path[64];
        int listener;
        pid_t pid;
};

static void listen_at(struct server *server)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        snprintf(server->path, sizeof server->path, "/tmp/mohr-client-%d.sock", (int)getpid());
        unlink(server->path);
        memcpy(address.sun_path, server->path, strlen(server->path) + 1);
        server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(listen(server->listener, 1), 0);
}

/* Exits 0 if the call held `expected`. */
static void serve(int listener, const char *expected, const char *answer, size_t len)
{
        char call[32768];
        size_t got = 0;
        int fd = accept(listener, NULL, NULL);
        while (got < sizeof call && (got == 0 || call[got - 1] != '\0')) {
                ssize_t n = read(fd, call + got, sizeof call - got);
                if (n <= 0)
                        _exit(2);
                got += (size_t)n;
        }
        bool good = strstr(call, expected) != NULL;
        if (!good)
                fprintf(stderr, "the call was: %s\n", call);
        while (len > 0) {
                ssize_t n = send(fd, answer, len, MSG_NOSIGNAL);
                if (n <= 0)
                        break;
                answer += n;
                len -= (size_t)n;
        }
        _exit(good ? 0 : 1);
}

static void start(struct server *server, const char *expected, const char *answer, size_t len)
{
        listen_at(server);
        server->pid = fork();
        if (server->pid == 0)
                serve(server->listener, expected, answer, len);
        close(server->listener);
}

static void stop(struct server *server)
{
        int status;
        assert_int_equal(waitpid(server->pid, &status, 0), server->pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        unlink(server->path);
}

#define ANSWER(text) text, sizeof text /* with the NUL that ends it */
#define PICTURE      "\"readers\":[],\"backends\":[]"
#define SAY(error)   ANSWER("{\"error\":\"" error "\",\"parameters\":{}}")

static const struct {
        const char *what, *answer;
        size_t len;
        int outcome;
} statuses[] = {
        { "a picture", ANSWER("{\"parameters\":{\"version\":\"1\"," PICTURE "}}"), 0 },
        { "no readers in it", ANSWER("{\"parameters\":{\"backends\":[]}}"), -EBADMSG },
        { "readers that are no list", ANSWER("{\"parameters\":{\"readers\":1,\"backends\":[]}}"),
                -EBADMSG },
        { "nothing", HANG_UP, OUTCOME_UNREACHABLE },
        { "half a reply", "{\"parameters\":", 14, OUTCOME_UNREACHABLE },
        { "an empty frame", ANSWER(""), -EBADMSG },
        { "an array", ANSWER("[]"), -EBADMSG },
        { "a member twice", ANSWER("{\"parameters\":{},\"parameters\":{" PICTURE "}}"), -EBADMSG },
        { "parameters that are no object", ANSWER("{\"parameters\":[]}"), -EBADMSG },
        { "an error that is no text", ANSWER("{\"error\":1}"), -EBADMSG },
        { "an error without a name", ANSWER("{\"error\":\"\"}"), -EBADMSG },
        { "bytes that are no UTF-8", ANSWER("{\"error\":\"\xFF\"}"), -EBADMSG },
        { "an error of ours", SAY("mohr.Identity.Busy"), OUTCOME_BUSY },
        { "an error not in the list", SAY("mohr.Identity.Unheard"), OUTCOME_INTERNAL },
        { "an error of another interface", SAY("org.example.Busy"), OUTCOME_INTERNAL },
        { "a bad parameter", SAY("org.varlink.service.InvalidParameter"), OUTCOME_USAGE },
        { "an error that goes on", ANSWER("{\"error\":\"mohr.Identity.Busy\",\"continues\":true}"),
                OUTCOME_BUSY },
};

static void status_answers_as_it_was_told(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
                struct server server;
                struct mohr_client *client = NULL;
                char *json = NULL;
                start(&server, "\"mohr.Identity.Status\"", statuses[i].answer, statuses[i].len);
                assert_int_equal(mohr_client_connect(&client, server.path), 0);
                int r = mohr_client_status(client, &json);
                if (r != statuses[i].outcome)
                        fail_msg("%s: %d", statuses[i].what, r);
                assert_true((r == 0) == (json != NULL));
                free(json);
                mohr_client_free(client);
                stop(&server);
        }
}

/* A card that went leaves a transcript at most; what comes with an error is text or nothing. */
static void an_examination_may_end_in_a_transcript_alone(void **state)
{
#define GONE "{\"error\":\"mohr.Identity.CardRemoved\",\"parameters\":{"
        static const struct {
                const char *answer;
                size_t len;
                int outcome;
                const char *told;
        } rows[] = {
                { ANSWER("{\"parameters\":{\"card\":{\"exit\":0}}}"), 0, "\"exit\"" },
                { ANSWER("{\"parameters\":{\"transcript\":\"x\"}}"), -EBADMSG, NULL },
                { ANSWER("{\"parameters\":{\"card\":[]}}"), -EBADMSG, NULL },
                { ANSWER(GONE "\"transcript\":\"said\"}}"), OUTCOME_CARD_REMOVED, "\"said\"" },
                { ANSWER(GONE "\"transcript\":7}}"), OUTCOME_CARD_REMOVED, NULL },
                { ANSWER(GONE "}}"), OUTCOME_CARD_REMOVED, NULL },
                { HANG_UP, OUTCOME_UNREACHABLE, NULL },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct server server;
                struct mohr_client *client = NULL;
                char *json = NULL;
                start(&server, "\"transcript\":true", rows[i].answer, rows[i].len);
                assert_int_equal(mohr_client_connect(&client, server.path), 0);
                assert_int_equal(mohr_client_examine(client, NULL, true, &json), rows[i].outcome);
                assert_true(rows[i].told ? json && strstr(json, rows[i].told) : !json);
                free(json);
                mohr_client_free(client);
                stop(&server);
        }
}

static void a_reply_over_the_cap_is_refused(void **state)
{
        size_t len = WIRE_RECEIVE_MAX + 1;
        char *big = malloc(len);
        struct server server;
        struct mohr_client *client = NULL;
        char *json = NULL;
        (void)state;
        memset(big, ' ', len);
        start(&server, "Status", big, len);
        assert_int_equal(mohr_client_connect(&client, server.path), 0);
        assert_int_equal(mohr_client_status(client, &json), -EBADMSG);
        mohr_client_free(client);
        stop(&server);
        free(big);
}

/* ---- Assert ---- */

static const struct mohr_request good = { .audience = "https://bank.example", .nonce = "12345678" };

struct heard {
        char phases[256];
};

static void hear(void *user, const char *phase)
{
        struct heard *heard = user;
        size_t len = strlen(heard->phases);
        snprintf(heard->phases + len, sizeof heard->phases - len, "%s ", phase);
}

#define PHASE(name)                                                                                \
        "{\"parameters\":{\"request\":\"r1\",\"phase\":\"" name "\"},\"continues\":true}\0"
#define LAST(text) "{\"parameters\":{\"request\":\"r1\",\"assertion\":\"" text "\"}}"

static const struct {
        const char *what, *answer;
        size_t len;
        int outcome, tries;
        const char *phases, *detail;
} asserts[] = {
        { "all phases",
                ANSWER(PHASE("reader") PHASE("card") PHASE("consent") PHASE("pin") PHASE("sign")
                                LAST("a.b.c")),
                0, -1, "reader card consent pin sign ", "" },
        { "at once", ANSWER(LAST("a.b.c")), 0, -1, "", "" },
        { "an assertion with a line end", ANSWER(LAST("a.b.c\\n")), -EBADMSG, -1, "", "" },
        { "an assertion that is no text", ANSWER("{\"parameters\":{\"assertion\":1}}"), -EBADMSG,
                -1, "", "" },
        { "no assertion", ANSWER("{\"parameters\":{}}"), -EBADMSG, -1, "", "" },
        { "a phase with an escape", ANSWER(PHASE("\\u001b[2J") LAST("a.b.c")), 0, -1, "[2J ", "" },
        { "hung up in the middle", PHASE("reader"), sizeof PHASE("reader") - 1, OUTCOME_UNREACHABLE,
                -1, "reader ", "" },
        { "a wrong PIN",
                ANSWER(PHASE("pin") "{\"error\":\"mohr.Identity.WrongPin\",\"parameters\":{"
                                    "\"request\":\"r1\","
                                    "\"detail\":\"63C2\",\"tries_left\":2}}"),
                OUTCOME_WRONG_PIN, 2, "pin ", "63C2" },
        { "tries that cannot be",
                ANSWER("{\"error\":\"mohr.Identity.WrongPin\",\"parameters\":{\"tries_left\":99}}"),
                OUTCOME_WRONG_PIN, -1, "", "" },
        { "tries that are negative",
                ANSWER("{\"error\":\"mohr.Identity.WrongPin\",\"parameters\":{\"tries_left\":-1}}"),
                OUTCOME_WRONG_PIN, -1, "", "" },
        { "a detail with an escape",
                ANSWER("{\"error\":\"mohr.Identity.CardRemoved\",\"parameters\":{\"detail\":"
                       "\"a\\u001bb\"}}"),
                OUTCOME_CARD_REMOVED, -1, "", "ab" },
        { "a parameter refused",
                ANSWER("{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{"
                       "\"parameter\":\"ui\"}}"),
                OUTCOME_USAGE, -1, "", "ui" },
};

static void assert_goes_as_it_was_told(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(asserts); i++) {
                struct server server;
                struct mohr_client *client = NULL;
                struct heard heard = { "" };
                char *assertion = NULL;
                start(&server,
                        "\"mohr.Identity.Assert\",\"parameters\":{\"audience\":\"https://"
                        "bank.example\","
                        "\"nonce\":\"12345678\"},\"more\":true}",
                        asserts[i].answer, asserts[i].len);
                assert_int_equal(mohr_client_connect(&client, server.path), 0);
                int r = mohr_client_assert(client, &good, hear, &heard, &assertion);
                if (r != asserts[i].outcome)
                        fail_msg("%s: %d", asserts[i].what, r);
                assert_int_equal(mohr_client_tries_left(client), asserts[i].tries);
                assert_string_equal(mohr_client_detail(client), asserts[i].detail);
                assert_string_equal(heard.phases, asserts[i].phases);
                if (r == 0)
                        assert_string_equal(assertion, "a.b.c");
                free(assertion);
                mohr_client_free(client);
                stop(&server);
        }
}

static void every_member_goes_out_under_its_name(void **state)
{
        static const struct mohr_station station = { .operator_name = "o",
                .branch = "b",
                .device = "d",
                .case_number = "c",
                .photo_checked = "yes" };
        static const struct mohr_ui ui = { .tty = "/dev/pts/7",
                .term = "xterm",
                .display = ":0",
                .wayland_display = "wayland-0",
                .xauthority = "/x",
                .language = "fa" };
        const struct mohr_request full = { .audience = "a:b",
                .nonce = "12345678",
                .purpose = "p",
                .reader = "r",
                .expect_national_number = "0012345679",
                .timeout_s = 7,
                .station = &station,
                .ui = &ui };
        struct server server;
        struct mohr_client *client = NULL;
        char *assertion = NULL;
        (void)state;
        start(&server,
                "{\"audience\":\"a:b\",\"nonce\":\"12345678\",\"purpose\":\"p\",\"reader\":\"r\","
                "\"timeout_ms\":7000,"
                "\"expect_national_number\":\"0012345679\",\"station\":{\"operator\":\"o\","
                "\"branch\":\"b\","
                "\"device\":\"d\",\"case_number\":\"c\",\"photo_checked\":true},\"ui\":{\"tty\":\"/"
                "dev/pts/7\","
                "\"term\":\"xterm\",\"display\":\":0\",\"wayland_display\":\"wayland-0\","
                "\"xauthority\":\"/x\","
                "\"language\":\"fa\"}}",
                ANSWER(LAST("a.b.c")));
        assert_int_equal(mohr_client_connect(&client, server.path), 0);
        assert_int_equal(mohr_client_assert(client, &full, NULL, NULL, &assertion), 0);
        free(assertion);
        mohr_client_free(client);
        stop(&server);
}

static void claims_and_signed_requests_are_asked_for_by_name(void **state)
{
        static const char *const none[] = { NULL }, *const two[] = { "card_expiry", "reader",
                NULL };
        static const struct {
                struct mohr_request request;
                const char *expected;
        } rows[] = {
                { { .audience = "a:b", .nonce = "12345678", .required = two, .optional = none },
                        "\"nonce\":\"12345678\",\"claims\":{\"required\":[\"card_expiry\","
                        "\"reader\"],\"optional\":[]}}" },
                { { .audience = "a:b", .nonce = "12345678", .optional = two },
                        "\"claims\":{\"optional\":[\"card_expiry\",\"reader\"]}}" },
                { { .signed_request = "a.b.c", .reader = "r", .remember = true },
                        "\"parameters\":{\"reader\":\"r\",\"signed_request\":\"a.b.c\","
                        "\"remember\":true}" },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct server server;
                struct mohr_client *client = NULL;
                char *assertion = NULL;
                start(&server, rows[i].expected, ANSWER(LAST("a.b.c")));
                assert_int_equal(mohr_client_connect(&client, server.path), 0);
                assert_int_equal(
                        mohr_client_assert(client, &rows[i].request, NULL, NULL, &assertion), 0);
                mohr_client_free(client);
                free(assertion);
                stop(&server);
        }
}

static void what_is_out_of_bounds_is_never_sent(void **state)
{
        static const char *const unknown[] = { "name", NULL },
                                 *const twice[] = { "reader", "reader", NULL },
                                 *const one[] = { "reader", NULL };
        static const struct mohr_station odd_photo = { .photo_checked = "maybe" },
                                         escape = { .branch = "\x1b" };
        static const struct mohr_ui odd_ui = { .display = "\xFF" };
        static const struct {
                struct mohr_request request;
                const char *detail;
        } rows[] = {
                { { .nonce = "12345678" }, "audience" },
                { { .audience = "a:b" }, "nonce" },
                { { .audience = "a:b", .nonce = "12345678", .purpose = "\xFF" }, "purpose" },
                { { .audience = "a:b", .nonce = "12345678", .reader = "" }, "reader" },
                { { .audience = "a:b", .nonce = "12345678", .timeout_s = -1 }, "timeout_ms" },
                { { .audience = "a:b", .nonce = "12345678", .timeout_s = 601 }, "timeout_ms" },
                { { .audience = "a:b", .nonce = "12345678", .expect_national_number = "1" },
                        "expect_national_number" },
                { { .audience = "a:b", .nonce = "12345678", .station = &odd_photo }, "station" },
                { { .audience = "a:b", .nonce = "12345678", .station = &escape }, "station" },
                { { .audience = "a:b", .nonce = "12345678", .ui = &odd_ui }, "ui" },
                { { .audience = "a:b", .nonce = "12345678", .required = unknown }, "claims" },
                { { .audience = "a:b", .nonce = "12345678", .optional = twice }, "claims" },
                { { .audience = "a:b", .nonce = "12345678", .required = one, .optional = one },
                        "claims" },
                { { .signed_request = "" }, "signed_request" },
                { { .signed_request = "a.b.c d" }, "signed_request" },
                { { .signed_request = "a.b.c", .audience = "a:b" }, "signed_request" },
                { { .signed_request = "a.b.c", .nonce = "12345678" }, "signed_request" },
                { { .signed_request = "a.b.c", .purpose = "p" }, "signed_request" },
                { { .signed_request = "a.b.c", .expect_national_number = "0012345679" },
                        "signed_request" },
                { { .signed_request = "a.b.c", .required = one }, "signed_request" },
                { { .signed_request = "a.b.c", .optional = one }, "signed_request" },
        };
        struct server server;
        struct mohr_client *client = NULL;
        char *assertion = NULL;
        (void)state;
        start(&server, "\"mohr.Identity.Assert\"", ANSWER(LAST("a.b.c")));
        assert_int_equal(mohr_client_connect(&client, server.path), 0);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                assert_int_equal(
                        mohr_client_assert(client, &rows[i].request, NULL, NULL, &assertion),
                        OUTCOME_USAGE);
                assert_string_equal(mohr_client_detail(client), rows[i].detail);
        }
        assert_int_equal(mohr_client_assert(client, &good, NULL, NULL, &assertion),
                0); /* the first that goes out */
        free(assertion);
        mohr_client_free(client);
        stop(&server);
}

/* ---- Watch ---- */

static int count_pictures(void *user, const char *json)
{
        int *count = user;
        assert_non_null(strstr(json, "readers"));
        return ++*count == 3 ? 77 : 0;
}

static void watch_calls_back_until_told_to_stop(void **state)
{
        static const char answers[] = "{\"parameters\":{" PICTURE "},\"continues\":true}\0"
                                      "{\"parameters\":{" PICTURE "},\"continues\":true}\0"
                                      "{\"parameters\":{" PICTURE "},\"continues\":true}\0"
                                      "{\"parameters\":{" PICTURE "},\"continues\":true}";
        struct server server;
        struct mohr_client *client = NULL;
        int count = 0;
        (void)state;
        start(&server, "\"mohr.Identity.Watch\"", answers, sizeof answers);
        assert_int_equal(mohr_client_connect(&client, server.path), 0);
        assert_int_equal(mohr_client_watch(client, count_pictures, &count), 77);
        assert_int_equal(count, 3);
        mohr_client_free(client);
        stop(&server);
}

/* ---- connecting ---- */

static void an_absent_daemon_is_an_answer(void **state)
{
        struct mohr_client *client = NULL;
        char endless[300];
        (void)state;
        memset(endless, 'a', sizeof endless - 1);
        endless[sizeof endless - 1] = '\0';
        assert_int_equal(
                mohr_client_connect(&client, "/nonexistent/mohr.sock"), OUTCOME_UNREACHABLE);
        assert_int_equal(mohr_client_connect(&client, endless), OUTCOME_UNREACHABLE);
        unsetenv("MOHR_SOCKET");
        unsetenv("XDG_RUNTIME_DIR");
        assert_int_equal(mohr_client_connect(&client, NULL), OUTCOME_UNREACHABLE);
        setenv("XDG_RUNTIME_DIR", "relative", 1);
        assert_int_equal(mohr_client_connect(&client, NULL), OUTCOME_UNREACHABLE);
        assert_null(client);
}

static void a_cancelled_call_ends(void **state)
{
        struct server server;
        struct mohr_client *client = NULL;
        char *json = NULL;
        (void)state;
        start(&server, "", HANG_UP);
        assert_int_equal(mohr_client_connect(&client, server.path), 0);
        mohr_client_cancel(client);
        assert_int_equal(mohr_client_status(client, &json), OUTCOME_UNREACHABLE);
        mohr_client_free(client);
        kill(server.pid, SIGKILL);
        waitpid(server.pid, NULL, 0);
        unlink(server.path);
}

/* Steps until a reply is there, or for so long. */
static int receive(struct wire *wire, int ms)
{
        int64_t deadline = wire_deadline(ms);
        for (;;) {
                _cleanup_reply_ struct wire_reply reply = { 0 };
                bool found = false;
                int r = wire_step(wire, &reply, &found);
                if (r == 0 && !found)
                        r = wire_wait(wire, deadline);
                if (r != 0 || found)
                        return r;
        }
}

static void deadlines_hold_against_silence(void **state)
{
        int pair[2];
        struct wire *wire = calloc(1, sizeof *wire);
        (void)state;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        wire->fd = pair[0];
        assert_int_equal(receive(wire, 30), OUTCOME_TIMED_OUT);
        assert_int_equal(write(pair[1], "{", 1), 1);
        assert_int_equal(receive(wire, 30), OUTCOME_TIMED_OUT);
        assert_int_equal(write(pair[1], "}", 2), 2);
        assert_int_equal(receive(wire, 30000), 0);
        wire_close(wire);
        close(pair[1]);
        free(wire);
}

static void every_outcome_has_words(void **state)
{
        static const int outcomes[] = { 0, 2,
#define X(number, id, name) number,
                OUTCOME_LIST(X)
#undef X
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
                assert_true(strlen(mohr_outcome_text(outcomes[i])) >= 5);
                assert_true(outcomes[i] == 0 || strlen(mohr_outcome_next(outcomes[i])) >= 5);
                assert_true(outcomes[i] == 70 ||
                            strcmp(mohr_outcome_text(outcomes[i]), mohr_outcome_text(70)) != 0);
        }
        assert_string_equal(mohr_outcome_name(13), "WrongPin");
        assert_string_equal(mohr_outcome_text(9999), mohr_outcome_text(70));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(status_answers_as_it_was_told),
                cmocka_unit_test(an_examination_may_end_in_a_transcript_alone),
                cmocka_unit_test(a_reply_over_the_cap_is_refused),
                cmocka_unit_test(assert_goes_as_it_was_told),
                cmocka_unit_test(every_member_goes_out_under_its_name),
                cmocka_unit_test(claims_and_signed_requests_are_asked_for_by_name),
                cmocka_unit_test(what_is_out_of_bounds_is_never_sent),
                cmocka_unit_test(watch_calls_back_until_told_to_stop),
                cmocka_unit_test(an_absent_daemon_is_an_answer),
                cmocka_unit_test(a_cancelled_call_ends),
                cmocka_unit_test(deadlines_hold_against_silence),
                cmocka_unit_test(every_outcome_has_words),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
