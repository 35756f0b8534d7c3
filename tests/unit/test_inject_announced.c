/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_announced.c: an announcement is judged while memory and OpenSSL fail: it is believed whole or not at all, and no
 * failure makes an organisation's word of a computer's, or the reverse.
 */
#include "tests/support/inject.h"
#include "tests/unit/announced_talk.h"

#include "base/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct inject sweeps[] = { INJECT(INJECT_MEMORY | INJECT_SYSTEM),
        INJECT_EVERY(INJECT_OPENSSL, 17) };

struct fixture {
        struct testorg *org;
        struct relying *known;
        char *jws;
};

static void expect(const struct fixture *f, const struct question *question, bool is_good)
{
        static struct announcement said;
        const struct announced_by by = { "counter-3", f->known, TESTPKI_NOW };
        assert_true(announced_say(&said, question, f->jws));
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct announced *announced = NULL;
                const char *detail = NULL;
                inject_arm(&in);
                int r = announced_take(
                        &announced, (struct view){ said.bytes, said.len }, &by, &detail);
                inject_disarm(&in);
                EXPECT(in, (r == 0) == (announced != NULL));
                EXPECT(in, in.failed || (r == 0) == is_good);
                EXPECT(in, is_good || r != 0);
                EXPECT(in, r <= 0 || detail);
                EXPECT(in, !announced || !announced_question(announced).not_proven_here);
                announced_free(announced);
        }
}

static void what_is_believed_was_proven(void **state)
{
        struct question question = announced_signed();
        expect(*state, &question, true);
}

static void a_lie_is_none_the_truer(void **state)
{
        struct question question = announced_signed();
        SET(question.purpose, "open an account, and a loan");
        expect(*state, &question, false);
}

static int up(void **state)
{
        static struct fixture f;
        f.org = testorg_new();
        f.known = announced_anchors(f.org);
        f.jws = testorg_sign(f.org, testorg_header(f.org, "RS256", NULL), testorg_payload());
        *state = &f;
        return f.known ? 0 : -1;
}

static int down(void **state)
{
        struct fixture *f = *state;
        relying_free(f->known);
        testorg_free(f->org);
        free(f->jws);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_believed_was_proven),
                cmocka_unit_test(a_lie_is_none_the_truer),
        };
        inject_init();
        return cmocka_run_group_tests(tests, up, down);
}
