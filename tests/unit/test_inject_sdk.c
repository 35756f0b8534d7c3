/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_sdk.c: composing, verifying and asking while memory and system calls fail, one by one and
 * all at once. Whatever fails: the answer is an error or "does not hold", never a text that says less
 * than was asked, never a yes that is not deserved; and the same objects serve the next caller.
 */
#include "client-sdk/assertion.h"
#include "client-sdk/client.h"
#include "client-sdk/leaf.h"
#include "client-sdk/mohr.h"
#include "tests/support/inject.h"
#include "tests/support/testpki.h"

#include "base/outcome.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <cmocka.h>

#define AUD   "https://bank.example"
#define NONCE "n-0S6_WzA2Mj"

struct fixture {
        struct testpki *pki;
        X509 *national; /* with a national number and a policy: every optional member is there */
        json_t *station;
        struct assertion_request request;
        char *input, *good, *forged; /* the calm ones */
        uint8_t sig[512];
        size_t sig_len;
        char anchors[64];
};

static const struct assertion_facts facts = { .issuer_id = "00112233445566778899aabbccddeeff",
        .now = TESTPKI_NOW,
        .auth_time = TESTPKI_NOW - 3,
        .life = ASSERTION_LIFE,
        .pin_entry = "pinentry",
        .software = "mohr 0.1.0",
        .reader = "Test Reader 00",
        .card = { .generation = "mav4",
                .expiry = "2030-01-01",
                .expiry_raw = "feff",
                .simulated = true } };

static const struct mohr_verify_options strict = {
        .audience = AUD, .nonce = NONCE, .at = TESTPKI_NOW + 10
};

/* One attempt for each call of our own and of jansson; every eleventh of OpenSSL's. */
#define OWN     INJECT(INJECT_MEMORY | INJECT_SYSTEM)
#define OPENSSL INJECT_EVERY(INJECT_OPENSSL, 11)
static const struct inject sweeps[] = { OWN, OPENSSL };

/* ---- certificates -------------------------------------------------------------------------- */

static void a_leaf_is_read_whole_or_not_at_all(void **state)
{
        struct fixture *f = *state;
        unsigned char *der = NULL;
        int len = i2d_X509(f->national, &der);
        struct leaf calm, leaf;
        X509 *cert = NULL;
        assert_int_equal(leaf_parse(der, (size_t)len, &cert, &calm), 0);
        X509_free(cert);
        FOR_EACH_FAILURE(in, sweeps)
        {
                cert = NULL;
                memset(&leaf, 0, sizeof leaf);
                inject_arm(&in);
                int r = leaf_parse(der, (size_t)len, &cert, &leaf);
                inject_disarm(&in);
                EXPECT(in, r == 0 ? cert != NULL : r < 0 && cert == NULL);
                EXPECT(in, r != 0 || memcmp(&leaf, &calm, sizeof leaf) == 0);
                EXPECT(in, in.failed || r == 0);
                X509_free(cert);
        }
        OPENSSL_free(der);
}

/* ---- composing ----------------------------------------------------------------------------- */

static void what_is_composed_is_all_of_it(void **state)
{
        struct fixture *f = *state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                char *input = NULL;
                const char *why = NULL;
                inject_arm(&in);
                int r = assertion_signing_input(
                        &f->request, &facts, f->national, f->pki->ca, &input, &why);
                inject_disarm(&in);
                EXPECT(in, r == 0 ? input != NULL : input == NULL);
                EXPECT(in, r != 0 || strcmp(input, f->input) == 0);
                EXPECT(in, in.failed || r == 0);
                EXPECT(in, r == 0 || r == -ENOMEM || (r == OUTCOME_INVALID && why));
                free(input);
        }
}

static void a_signature_is_appended_only_when_it_was_checked(void **state)
{
        struct fixture *f = *state;
        uint8_t bad[sizeof f->sig];
        memcpy(bad, f->sig, sizeof bad);
        bad[17] ^= 1;
        FOR_EACH_FAILURE(in, sweeps)
        {
                char *whole = NULL, *never = NULL;
                inject_arm(&in);
                int r = assertion_finish(f->input, f->national, f->sig, f->sig_len, &whole);
                inject_disarm(&in);
                EXPECT(in, r == 0 ? strcmp(whole, f->good) == 0 : whole == NULL);
                EXPECT(in, in.failed || r == 0);
                EXPECT(in, r == 0 || r == -ENOMEM || r == OUTCOME_NO_STANDARD_SIGNATURE);
                free(whole);
                struct inject same = in;
                inject_arm(&same);
                r = assertion_finish(f->input, f->national, bad, f->sig_len, &never);
                inject_disarm(&same);
                EXPECT(in, r != 0 && never == NULL);
        }
}

/* ---- verifying ----------------------------------------------------------------------------- */

static struct mohr_trust *trust_of(struct fixture *f)
{
        struct mohr_trust *trust = NULL;
        char problem[128] = "";
        if (mohr_trust_load(&trust, f->anchors, problem, sizeof problem) != 0)
                fail_msg("%s", problem);
        return trust;
}

static void anchors_are_loaded_all_or_none(void **state)
{
        struct fixture *f = *state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct mohr_trust *trust = NULL;
                struct mohr_result *result = NULL;
                char problem[128] = "";
                inject_arm(&in);
                int r = mohr_trust_load(&trust, f->anchors, problem, sizeof problem);
                inject_disarm(&in);
                EXPECT(in, in.failed || r == 0);
                EXPECT(in, r == 0 ? trust != NULL : trust == NULL);
                EXPECT(in, r == 0 || r == -ENOMEM || (r == OUTCOME_INVALID && problem[0]));
                if (r == 0) {
                        r = mohr_verify(trust, f->good, strlen(f->good), &strict, &result);
                        /* OpenSSL 3.0 hides a failure while it decodes a key: such an anchor
                         * vouches for nobody, and another load has it right. */
                        EXPECT(in, r == 0 || (in.failed && r == OUTCOME_INVALID));
                        mohr_result_free(result);
                }
                mohr_trust_free(trust);
        }
}

/* The same trust object is used for all attempts, or (fresh) a new one for each. */
static void verify_while_failing(struct fixture *f, const char *jws,
        const struct mohr_verify_options *options, bool deserved, bool fresh)
{
        struct mohr_trust *trust = trust_of(f);
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct mohr_result *result = NULL, *calm = NULL;
                inject_arm(&in);
                int r = mohr_verify(trust, jws, strlen(jws), options, &result);
                inject_disarm(&in);
                EXPECT(in, r != 0 || deserved);
                EXPECT(in, r < 0 ? result == NULL : result != NULL);
                EXPECT(in, r < 0 || r == 0 || r == OUTCOME_INVALID);
                EXPECT(in, in.failed || r == (deserved ? 0 : OUTCOME_INVALID));
                if (r == 0)
                        EXPECT(in, strcmp(mohr_result_claim(result, "national_number"),
                                           "0012345679") == 0);
                if (r > 0)
                        EXPECT(in, mohr_result_claim(result, "given_name") == NULL);
                mohr_result_free(result);
                /* what was half learnt does no harm afterwards */
                r = mohr_verify(trust, jws, strlen(jws), options, &calm);
                EXPECT(in, r == (deserved ? 0 : OUTCOME_INVALID));
                mohr_result_free(calm);
                if (fresh) {
                        mohr_trust_free(trust);
                        trust = trust_of(f);
                }
        }
        mohr_trust_free(trust);
}

static void a_good_assertion_is_at_worst_refused(void **state)
{
        struct fixture *f = *state;
        verify_while_failing(f, f->good, &strict, true, true);
        verify_while_failing(f, f->good, &strict, true, false);
}

static void a_forged_assertion_is_never_accepted(void **state)
{
        struct fixture *f = *state;
        verify_while_failing(f, f->forged, &strict, false, true);
        verify_while_failing(f, f->forged, &strict, false, false);
}

static void another_audience_is_never_accepted(void **state)
{
        struct mohr_verify_options other = strict;
        struct fixture *f = *state;
        other.audience = "https://other.example";
        verify_while_failing(f, f->good, &other, false, true);
        verify_while_failing(f, f->good, &other, false, false);
}

/* jansson 2.14 drops a character of a text that it has no room for, and goes on. Made for somebody whose
 * name is ours and one character more, an assertion must not become ours by that. */
static void a_longer_audience_does_not_shrink_to_ours(void **state)
{
        struct fixture *f = *state;
        struct mohr_trust *trust = trust_of(f);
        const char *ours = "https://bank.example/with/a/name/over/thirty-two/bytes";
        const struct mohr_verify_options options = { .audience = ours, .at = TESTPKI_NOW + 10 };
        static const size_t places[] = { 14, 15, 16, 30, 31,
                32 }; /* where jansson's buffer grows */
        for (size_t i = 0; i < ARRAY_LEN(places); i++) {
                const size_t at = places[i];
                char theirs[96];
                json_t *header = testpki_header("RS256", f->pki->leaf, f->pki->ca, NULL);
                json_t *payload =
                        testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
                json_t *first = json_object();
                snprintf(theirs, sizeof theirs, "%.*sX%s", (int)at, ours, ours + at);
                json_object_set_new(first, "aud", json_string(theirs)); /* read before all others */
                json_object_update_missing(first, payload);
                char *jws = testpki_sign_json(header, first, f->pki->leaf_key, "RS256");
                for (struct inject in = INJECT(INJECT_MEMORY); !in.onwards && inject_next(&in);) {
                        struct mohr_result *result = NULL;
                        inject_arm(&in);
                        int r = mohr_verify(trust, jws, strlen(jws), &options, &result);
                        inject_disarm(&in);
                        EXPECT(in, r != 0);
                        mohr_result_free(result);
                }
                free(jws);
                json_decref(first);
                json_decref(payload);
                json_decref(header);
        }
        mohr_trust_free(trust);
}

static void the_result_is_told_whole_or_not_at_all(void **state)
{
        struct fixture *f = *state;
        const struct mohr_verify_options rows[] = { strict, { .at = TESTPKI_NOW + 10 },
                { .audience = "https://other.example", .at = TESTPKI_NOW + 10 } };
        struct mohr_trust *trust = trust_of(f);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct mohr_result *result = NULL;
                assert_true(mohr_verify(trust, f->good, strlen(f->good), &rows[i], &result) >= 0);
                char *calm = mohr_result_json(result);
                FOR_EACH_FAILURE(in, sweeps)
                {
                        inject_arm(&in);
                        char *text = mohr_result_json(result);
                        inject_disarm(&in);
                        EXPECT(in, in.failed || text);
                        EXPECT(in, !text || strcmp(text, calm) == 0);
                        free(text);
                }
                free(calm);
                mohr_result_free(result);
        }
        mohr_trust_free(trust);
}

/* ---- asking -------------------------------------------------------------------------------- */

#define PICTURE "{\"parameters\":{\"readers\":[],\"backends\":[]}}"
#define PHASE   "{\"parameters\":{\"request\":\"r1\",\"phase\":\"card\"},\"continues\":true}"
#define LAST    "{\"parameters\":{\"request\":\"r1\",\"assertion\":\"a.b.c\"}}"
#define WRONG   "{\"error\":\"mohr.Identity.WrongPin\",\"parameters\":{\"tries_left\":2}}"

/* A server for all attempts: a call that holds `key` is answered by `answer`, NULs and all. */
static const struct {
        const char *key, *answer;
        size_t len;
} answers[] = {
        { "Status", PICTURE, sizeof PICTURE },
        { "Watch", PICTURE, sizeof PICTURE },
        { "wrong-pin", WRONG, sizeof WRONG },
        { "Assert", PHASE "\0" LAST, sizeof PHASE + sizeof LAST },
};

static void answer_one(int fd)
{
        char call[8192] = "";
        size_t got = 0;
        while (got < sizeof call - 1) {
                ssize_t n = recv(fd, call + got, sizeof call - 1 - got, 0);
                if (n <= 0)
                        return;
                got += (size_t)n;
                if (call[got - 1] != '\0')
                        continue;
                for (size_t i = 0; i < ARRAY_LEN(answers); i++)
                        if (strstr(call, answers[i].key)) {
                                send(fd, answers[i].answer, answers[i].len, MSG_NOSIGNAL);
                                break;
                        }
                got = 0;
        }
}

static pid_t serve(char path[64])
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        snprintf(path, 64, "/tmp/mohr-inject-%d.sock", (int)getpid());
        unlink(path);
        memcpy(address.sun_path, path, strlen(path) + 1);
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(listen(listener, 4096), 0); /* as many as are given up before it looks */
        pid_t pid = fork();
        if (pid == 0)
                for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd))
                        answer_one(fd);
        close(listener);
        return pid;
}

static int seen_once(void *user, const char *json)
{
        (*(int *)user)++;
        return json ? 77 : -1;
}

struct asked {
        int connect, status, watch, assert, wrong, watched, tries;
        char *picture, *assertion, *never;
};

static void ask_everything(const char *path, struct asked *a)
{
        static const struct mohr_station station = { .branch = "b", .photo_checked = "yes" };
        static const struct mohr_ui ui = { .tty = "/dev/pts/7" };
        const struct mohr_request request = {
                .audience = "https://a", .nonce = "12345678", .station = &station, .ui = &ui
        };
        const struct mohr_request wrong = { .audience = "https://wrong-pin", .nonce = "12345678" };
        struct mohr_client *client = NULL;
        a->connect = mohr_client_connect(&client, path);
        if (a->connect != 0)
                return;
        a->status = mohr_client_status(client, &a->picture);
        a->watch = mohr_client_watch(client, seen_once, &a->watched);
        mohr_client_free(client);
        client = NULL;
        a->connect = mohr_client_connect(&client, path);
        if (a->connect != 0)
                return;
        a->assert = mohr_client_assert(client, &request, NULL, NULL, &a->assertion);
        mohr_client_free(client);
        client = NULL;
        a->connect = mohr_client_connect(&client, path);
        if (a->connect != 0)
                return;
        a->wrong = mohr_client_assert(client, &wrong, NULL, NULL, &a->never);
        a->tries = mohr_client_tries_left(client);
        mohr_client_free(client);
}

static void asking_fails_with_an_answer(void **state)
{
        char path[64];
        pid_t pid = serve(path);
        (void)state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct asked a = { 0 };
                inject_arm(&in);
                ask_everything(path, &a);
                inject_disarm(&in);
                EXPECT(in, (a.connect == 0) || a.connect < 0 || a.connect == OUTCOME_UNREACHABLE);
                EXPECT(in, a.assert != 0 || !a.assertion || strcmp(a.assertion, "a.b.c") == 0);
                EXPECT(in, a.status == 0 || !a.picture);
                EXPECT(in, a.assert == 0 || !a.assertion);
                EXPECT(in, !a.never);
                if (!in.failed) {
                        EXPECT(in, a.connect == 0 && a.status == 0 && a.watch == 77);
                        EXPECT(in, a.assert == 0 && a.assertion && a.watched == 1);
                        EXPECT(in, a.wrong == OUTCOME_WRONG_PIN && a.tries == 2);
                }
                free(a.picture);
                free(a.assertion);
        }
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        unlink(path);
}

static int lowest_free(void)
{
        int fd = dup(STDIN_FILENO);
        close(fd);
        return fd;
}

static int pass_two(const char *path, const char **ret_error)
{
        const int fds[] = { STDIN_FILENO, STDOUT_FILENO };
        _cleanup_client_ struct mohr_client *client = NULL;
        int r = mohr_client_connect(&client, path);
        const struct wire_call call = { .method = "mohr.Identity.Status",
                .parameters = json_object(),
                .fds = fds,
                .fd_count = ARRAY_LEN(fds) };
        if (r == 0)
                r = client_start(client, &call, NULL);
        else
                json_decref(call.parameters);
        if (r == 0)
                r = client_await(client, wire_deadline(30000), NULL, NULL);
        *ret_error = r == 0 ? client_error(client)[0] ? "an error" : "" : NULL;
        return r;
}

/* However far it came, none of our copies of the descriptors is left open. */
static void a_call_with_descriptors_keeps_none(void **state)
{
        char path[64];
        pid_t pid = serve(path);
        (void)state;
        int before = lowest_free();
        FOR_EACH_FAILURE(in, sweeps)
        {
                const char *error = NULL;
                inject_arm(&in);
                int r = pass_two(path, &error);
                inject_disarm(&in);
                EXPECT(in, r <= 0 || r == OUTCOME_UNREACHABLE);
                EXPECT(in, lowest_free() == before);
                if (!in.failed)
                        EXPECT(in, r == 0 && error && !error[0]);
        }
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        unlink(path);
}

/* ---- fixture ------------------------------------------------------------------------------- */

static void sign(struct fixture *f)
{
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        f->sig_len = sizeof f->sig;
        assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, f->pki->leaf_key), 1);
        assert_int_equal(EVP_DigestSign(md, f->sig, &f->sig_len, (const uint8_t *)f->input,
                                 strlen(f->input)),
                1);
        EVP_MD_CTX_free(md);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);
        const char *why = "";
        alarm(360); /* nothing here may hang */
        f->pki = testpki_new();
        f->national = testpki_issue(f->pki,
                &(struct testpki_spec){ .cn = TESTPKI_CN_NN, .policies = "2.16.364.101.1.1.2" });
        f->station = json_pack(
                "{s:s, s:s, s:b}", "operator", "op 7", "case_number", "1405/7", "photo_checked", 1);
        f->request = (struct assertion_request){ .audience = AUD,
                .nonce = NONCE,
                .purpose = "open an account",
                .expect_national_number = "0012345679",
                .station = f->station };
        assert_int_equal(assertion_signing_input(
                                 &f->request, &facts, f->national, f->pki->ca, &f->input, &why),
                0);
        sign(f);
        assert_int_equal(assertion_finish(f->input, f->national, f->sig, f->sig_len, &f->good), 0);
        f->forged = strdup(f->good);
        char *last = f->forged + strlen(f->forged) - 20;
        *last = *last == 'A' ? 'B' : 'A';
        snprintf(f->anchors, sizeof f->anchors, "/tmp/mohr-inject-%d.pem", (int)getpid());
        testpki_write_pem(f->anchors, (X509 *[]){ f->pki->root, f->pki->ca, NULL });
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;
        unlink(f->anchors);
        json_decref(f->station);
        free(f->input);
        free(f->good);
        free(f->forged);
        X509_free(f->national);
        testpki_free(f->pki);
        free(f);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_leaf_is_read_whole_or_not_at_all),
                cmocka_unit_test(what_is_composed_is_all_of_it),
                cmocka_unit_test(a_signature_is_appended_only_when_it_was_checked),
                cmocka_unit_test(anchors_are_loaded_all_or_none),
                cmocka_unit_test(a_good_assertion_is_at_worst_refused),
                cmocka_unit_test(a_forged_assertion_is_never_accepted),
                cmocka_unit_test(another_audience_is_never_accepted),
                cmocka_unit_test(a_longer_audience_does_not_shrink_to_ours),
                cmocka_unit_test(the_result_is_told_whole_or_not_at_all),
                cmocka_unit_test(asking_fails_with_an_answer),
                cmocka_unit_test(a_call_with_descriptors_keeps_none),
        };
        inject_init();
        return cmocka_run_group_tests_name("inject_sdk", tests, setup, teardown);
}
