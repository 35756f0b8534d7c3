/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_revocation.c: asking about revocation while memory and system calls fail, one by one and all at
 * once. Whoever is revoked is never called good by that, nor is "no memory" told as "not known"; and what was
 * half found out does not stay: the next one who asks gets the right answer.
 */
#include "client-sdk/fetched.h"
#include "client-sdk/http.h"
#include "client-sdk/trust.h"
#include "tests/support/inject.h"
#include "tests/support/testlists.h"

#include "base/outcome.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <cmocka.h>

static const struct inject sweeps[] = { INJECT(INJECT_MEMORY | INJECT_SYSTEM),
        INJECT_EVERY(INJECT_OPENSSL, 3) };

enum { GOOD_LIST, BAD_LIST, GOOD_ANSWER, BAD_ANSWER, DELEGATE, WORDS };

struct fixture {
        struct testpki *pki;
        X509 *delegate;
        struct testlists_bytes words[WORDS];
};

static const enum revocation_state states[WORDS] = { REVOCATION_GOOD, REVOCATION_REVOKED,
        REVOCATION_GOOD, REVOCATION_REVOKED, REVOCATION_GOOD };

static int set_up(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);
        f->pki = testpki_new();
        f->delegate = testlists_responder(f->pki, &(struct testlists_responder){ 0 });
        const struct testlists_crl lists[] = { { .scope = "onlyuser = TRUE" },
                { .revoked = f->pki->leaf, .reason = 2, .invalid_from = TESTPKI_NOW - 9999 } };
        const struct testlists_ocsp answers[] = { { 0 },
                { .status = V_OCSP_CERTSTATUS_REVOKED, .reason = 2 },
                { .signer = f->delegate, .key = f->pki->other_key, .sent = f->delegate } };
        for (size_t i = 0; i < ARRAY_LEN(lists); i++)
                f->words[GOOD_LIST + i] = testlists_crl(f->pki, &lists[i]);
        for (size_t i = 0; i < ARRAY_LEN(answers); i++)
                f->words[GOOD_ANSWER + i] = testlists_ocsp(f->pki, &answers[i]);
        *state = f;
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;
        for (size_t i = 0; i < WORDS; i++)
                testlists_free(&f->words[i]);
        X509_free(f->delegate);
        testpki_free(f->pki);
        free(f);
        return 0;
}

static struct revocation *set_of(const struct testlists_bytes *bytes)
{
        char why[REVOCATION_WHY_MAX];
        struct revocation *set = revocation_new();
        assert_int_equal(revocation_add(set, bytes->der, bytes->len, false, why), 0);
        return set;
}

static void what_comes_is_taken_or_there_was_no_memory(void **state)
{
        const struct fixture *f = *state;
        for (size_t i = 0; i < WORDS; i++)
                FOR_EACH_FAILURE(in, sweeps)
                {
                        char why[REVOCATION_WHY_MAX] = "";
                        struct revocation *set = revocation_new();
                        inject_arm(&in);
                        int r = revocation_add(set, f->words[i].der, f->words[i].len, false, why);
                        inject_disarm(&in);
                        EXPECT(in, r == 0 || (in.failed && r == -ENOMEM));
                        EXPECT(in, revocation_count(set) == (r == 0 ? 1 : 0));
                        revocation_free(set);
                }
}

static void nobody_is_called_other_than_he_is(void **state)
{
        const struct fixture *f = *state;
        for (size_t i = 0; i < WORDS; i++)
                FOR_EACH_FAILURE(in, sweeps)
                {
                        struct revocation *set = set_of(&f->words[i]);
                        struct revocation_verdict verdict = { 0 }, calm = { 0 };
                        inject_arm(&in);
                        int r = revocation_check(
                                set, f->pki->leaf, f->pki->ca, TESTPKI_NOW, 0, &verdict);
                        inject_disarm(&in);
                        EXPECT(in, r == 0 || (in.failed && r == -ENOMEM));
                        EXPECT(in, r < 0 || verdict.state == states[i]);
                        revocation_verdict_clear(&verdict);
                        r = revocation_check(set, f->pki->leaf, f->pki->ca, TESTPKI_NOW, 0, &calm);
                        EXPECT(in, r == 0 && calm.state == states[i]);
                        revocation_verdict_clear(&calm);
                        revocation_free(set);
                }
}

static void what_is_kept_was_judged(void **state)
{
        const struct fixture *f = *state;
        STACK_OF(X509) *authorities = sk_X509_new_null();
        sk_X509_push(authorities, f->pki->root);
        sk_X509_push(authorities, f->pki->ca);
        for (size_t i = GOOD_LIST; i <= BAD_LIST; i++)
                FOR_EACH_FAILURE(in, sweeps)
                {
                        char why[REVOCATION_WHY_MAX] = "";
                        struct fetched fetched;
                        inject_arm(&in);
                        int r = fetched_list(f->words[i].der, f->words[i].len, authorities,
                                TESTPKI_NOW, &fetched, why);
                        inject_disarm(&in);
                        EXPECT(in, r == 0 || (in.failed && r == -ENOMEM));
                        EXPECT(in, r < 0 || fetched.as_of == TESTPKI_NOW - 3600);
                }
        sk_X509_free(authorities);
}

static void an_answer_is_asked_for_whole_and_judged(void **state)
{
        const struct fixture *f = *state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                OCSP_REQUEST *question = NULL;
                unsigned char *der = NULL;
                size_t len = 0;
                char why[REVOCATION_WHY_MAX] = "";
                struct fetched fetched;
                inject_arm(&in);
                int r = fetched_question(f->pki->leaf, f->pki->ca, &question, &der, &len);
                int judged = r == 0 ? fetched_answer(f->words[GOOD_ANSWER].der,
                                              f->words[GOOD_ANSWER].len, question, f->pki->leaf,
                                              f->pki->ca, TESTPKI_NOW, &fetched, why)
                                    : 0;
                inject_disarm(&in);
                EXPECT(in, r == 0 ? question && der && len > 0
                                  : in.failed && r == -ENOMEM && !question);
                EXPECT(in, judged == 0 || (in.failed && judged == -ENOMEM));
                OCSP_REQUEST_free(question);
                OPENSSL_free(der);
        }
}

static void a_folder_is_read_or_the_answer_says_that_it_was_not(void **state)
{
        const struct fixture *f = *state;
        char folder[] = "/tmp/mohr-test-inject-XXXXXX", path[64];
        X509 *anchors[] = { f->pki->root, NULL };
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof path, "%s/a.crl", folder);
        FILE *file = fopen(path, "w");
        assert_int_equal(fwrite(f->words[BAD_LIST].der, 1, f->words[BAD_LIST].len, file),
                f->words[BAD_LIST].len);
        fclose(file);
        FOR_EACH_FAILURE(in, sweeps)
        {
                char problem[256] = "";
                struct mohr_trust *trust = testpki_trust(anchors);
                inject_arm(&in);
                int r = mohr_trust_load_revocation(trust, folder, problem, sizeof problem);
                inject_disarm(&in);
                EXPECT(in, r == 0 || in.failed);
                EXPECT(in, r <= 0 || (r == OUTCOME_INVALID && problem[0]));
                EXPECT(in, revocation_count(trust->revocation) == (r == 0 ? 1 : 0));
                mohr_trust_free(trust);
        }
        unlink(path);
        rmdir(folder);
}

/* ---- fetching ------------------------------------------------------------------------------ */

#define REPLY "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static void answer(int fd)
{
        char call[1024];
        if (recv(fd, call, sizeof call, 0) > 0)
                (void)!send(fd, REPLY, sizeof REPLY - 1, MSG_NOSIGNAL);
}

/* A server for all attempts, in processes that no failure reaches: one for each connection, as OpenSSL keeps one
 * that it had no memory to give back. */
static pid_t serve(uint16_t *ret_port)
{
        struct sockaddr_in at = { .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof at;
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 &&
                    listen(listener, 64) == 0 &&
                    getsockname(listener, (struct sockaddr *)&at, &len) == 0);
        *ret_port = ntohs(at.sin_port);
        pid_t child = fork();
        if (child == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                signal(SIGCHLD, SIG_IGN);
                for (;;) {
                        int fd = accept(listener, NULL, NULL);
                        if (fork() == 0) {
                                prctl(PR_SET_PDEATHSIG, SIGKILL);
                                answer(fd);
                                _exit(0);
                        }
                        close(fd);
                }
        }
        close(listener);
        return child;
}

/* OpenSSL 3.0 loses a connection when it has no memory right after connecting. The leak sanitizer need not
 * hear of that; ours it hears of in the sweep in which OpenSSL has all it wants. */
__attribute__((weak)) void __lsan_disable(void);
__attribute__((weak)) void __lsan_enable(void);

static void look_away(const struct inject *in, void (*how)(void))
{
        if (how && (in->kinds & INJECT_OPENSSL))
                how();
}

static void what_is_fetched_is_whole(void **state)
{
        uint16_t port = 0;
        char url[64];
        pid_t server = serve(&port);
        (void)state;
        snprintf(url, sizeof url, "http://127.0.0.1:%u/a.crl", port);
        FOR_EACH_FAILURE(in, sweeps)
        {
                const struct http_request request = { .url = url, .cap = 100, .timeout_s = 60 };
                uint8_t *body = NULL;
                size_t len = 0;
                char problem[256] = "";
                look_away(&in, __lsan_disable);
                inject_arm(&in);
                int r = http_fetch(&request, &body, &len, problem, sizeof problem);
                inject_disarm(&in);
                EXPECT(in, in.failed || r == 0);
                EXPECT(in, r == 0 || r == -ENOMEM || (r == OUTCOME_INVALID && problem[0]));
                look_away(&in, __lsan_enable);
                EXPECT(in, r == 0 ? len == 5 && memcmp(body, "hello", 5) == 0 : body == NULL);
                free(body);
        }
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_comes_is_taken_or_there_was_no_memory),
                cmocka_unit_test(nobody_is_called_other_than_he_is),
                cmocka_unit_test(what_is_kept_was_judged),
                cmocka_unit_test(an_answer_is_asked_for_whole_and_judged),
                cmocka_unit_test(a_folder_is_read_or_the_answer_says_that_it_was_not),
                cmocka_unit_test(what_is_fetched_is_whole),
        };
        inject_init();
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
