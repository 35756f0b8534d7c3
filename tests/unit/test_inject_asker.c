/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_asker.c: who asks, and for whom, while memory and system calls fail. A request that could not be read
 * to its end is never accepted (jansson and OpenSSL 3.0 hide some failures, and then it is refused and can be brought again: it
 * was not used up); a caller of whom not all could be read is called by less and never by more than it is.
 */
#include "daemon/peer.h"
#include "daemon/relying.h"
#include "tests/support/inject.h"
#include "tests/support/testorg.h"

#include "base/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

struct fixture {
        struct testorg *org;
        char *jws;
        char anchors[64];
};

static const struct inject sweeps[] = { INJECT(INJECT_MEMORY | INJECT_SYSTEM),
        INJECT_EVERY(INJECT_OPENSSL, 13) };

static void anchors_are_loaded_whole_or_not_at_all(void **state)
{
        struct fixture *f = *state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct relying *relying = NULL;
                struct relying_request request = { 0 };
                const char *detail = "";
                char error[256] = "";
                inject_arm(&in);
                int r = relying_load(&relying, f->anchors, geteuid(), error, sizeof error);
                inject_disarm(&in);
                EXPECT(in, in.failed || r == 0);
                EXPECT(in, r == 0 ? relying != NULL : !relying);
                EXPECT(in, r <= 0 || (r == OUTCOME_USAGE && error[0]));
                if (relying)
                        EXPECT(in, relying_check(relying, f->jws, TESTPKI_NOW, &request, &detail) ==
                                           0);
                relying_request_clear(&request);
                relying_free(relying);
        }
}

static void a_request_is_taken_whole_or_not_at_all(void **state)
{
        struct fixture *f = *state;
        struct relying *relying = NULL;
        char error[256] = "";
        assert_int_equal(relying_load(&relying, f->anchors, geteuid(), error, sizeof error), 0);
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct relying_request request = { 0 };
                const char *detail = NULL;
                inject_arm(&in);
                int r = relying_check(relying, f->jws, TESTPKI_NOW, &request, &detail);
                inject_disarm(&in);
                EXPECT(in, in.failed || r == 0);
                EXPECT(in, r == 0 || (!request.audience && !request.replay_key[0]));
                EXPECT(in, r != 0 || (strcmp(request.audience, TESTORG_URI) == 0 &&
                                             strcmp(request.purpose, "open an account") == 0 &&
                                             strlen(request.organization_key) == 64 &&
                                             strcmp(request.organization, TESTORG_NAME) == 0));
                EXPECT(in, r <= 0 || (detail && detail[0] && !request.audience));
                relying_request_clear(&request);
        }
        relying_free(relying);
}

static void a_caller_is_told_as_it_is_or_by_less(void **state)
{
        struct peer whole;
        char expected[PEER_KEY_MAX], key[PEER_KEY_MAX];
        (void)state;
        peer_of_process(getpid(), geteuid(), &whole);
        peer_key(&whole, expected);
        for (struct inject in = INJECT(INJECT_MEMORY | INJECT_SYSTEM); inject_next(&in);) {
                struct peer peer;
                inject_arm(&in);
                peer_of_process(getpid(), geteuid(), &peer);
                inject_disarm(&in);
                peer_key(&peer, key);
                EXPECT(in, in.failed || strcmp(key, expected) == 0);
                EXPECT(in, !peer.executable[0] || strcmp(peer.executable, whole.executable) == 0);
                EXPECT(in, !peer.unit[0] || strcmp(peer.unit, whole.unit) == 0);
                EXPECT(in, !peer.flatpak[0] && !peer.snap[0] && peer.pid == getpid());
        }
}

static int set_up(void **state)
{
        static struct fixture f = { .anchors = "/tmp/mohr-relying-XXXXXX" };
        int fd = mkstemp(f.anchors);
        assert_true(fd >= 0);
        close(fd);
        f.org = testorg_new();
        testpki_write_pem(f.anchors, (X509 *[]){ f.org->root, NULL });
        f.jws = testorg_sign(f.org, testorg_header(f.org, "RS256", NULL), testorg_payload());
        *state = &f;
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;
        free(f->jws);
        testorg_free(f->org);
        return unlink(f->anchors);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(anchors_are_loaded_whole_or_not_at_all),
                cmocka_unit_test(a_request_is_taken_whole_or_not_at_all),
                cmocka_unit_test(a_caller_is_told_as_it_is_or_by_less),
        };
        inject_init();
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
