/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_drivers.c: the helper's session and the software card while memory and system calls fail,
 * one by one and all at once. Whatever fails: at most one VERIFY per PIN, no transaction and no verified
 * state left behind, the PIN's pages go back wiped; a card is made whole or not at all, and goes on after
 * a command it had no memory for.
 */
#include "base/secret.h"
#include "drivers/helper/loop.h"
#include "drivers/helper/session.h"
#include "tests/support/inject.h"
#include "tests/unit/fake_card.h"
#include "tests/unit/softcard_talk.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <cmocka.h>

static const struct inject sweeps[] = { INJECT(INJECT_MEMORY | INJECT_SYSTEM),
        INJECT_EVERY(INJECT_OPENSSL, 13) };

/* ---- the helper ---------------------------------------------------------------------------- */

static void holds_no_pin(const uint8_t *at, size_t len)
{
        assert_false(inject_mapping_holds(at, len, FAKE_PIN));
}

/* A signature from door to door. */
static const struct {
        uint8_t op;
        const char *payload;
        size_t len;
} visit[] = {
        { OP_BEGIN, "", 0 },
        { OP_IDENTIFY, "", 0 },
        { OP_READ, "\0", 1 },
        { OP_CONFIRM, "\0", 1 },
        { OP_COUNTER, "\0", 1 },
        { OP_PIN, FAKE_PIN, 8 },
        { OP_VERIFY, "", 0 },
        { OP_SIGN, "\7\0\0\4hash", 8 },
        { OP_CLEAR, "", 0 },
        { OP_END, "\1", 1 },
};

/* All frames are sent before anything fails; the session finds them in its socket. */
static int visitor(void)
{
        int pair[2], room = 1 << 20;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        for (size_t i = 0; i < ARRAY_LEN(visit); i++) {
                uint8_t frame[64];
                struct out out =
                        op_frame_begin(frame, sizeof frame, visit[i].op, false, (uint16_t)i);
                out_bytes(&out, visit[i].payload, visit[i].len);
                ssize_t len = op_frame_finish(frame, &out);
                assert_true(len > 0);
                assert_int_equal(send(pair[0], frame, (size_t)len, 0), len);
        }
        assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
        assert_int_equal(dup2(pair[1], 200), 200);
        close(pair[1]);
        return pair[0];
}

static unsigned int count(char letter)
{
        unsigned int n = 0;
        for (size_t i = 0; i < fake->asked_len; i++)
                n += fake->asked[i] == letter;
        return n;
}

static void a_visit_ends_clean_wherever_it_ends(void **state)
{
        static struct fake the_fake;
        (void)state;
        fake = &the_fake;
        inject_watch_munmap(holds_no_pin);
        for (struct inject in = sweeps[0]; inject_next(&in);) {
                struct session *session = NULL;
                struct secret *inbox = NULL;
                *fake = (struct fake){ .counter = { .known = true, .tries = 3, .sw = 0x63c3 } };
                int ours = visitor();
                inject_arm(&in);
                int r = secret_new(&inbox, OPS_FRAME_MAX);
                if (r == 0)
                        r = session_new(&session, &fake_driver, NULL);
                if (r == 0)
                        r = loop_serve(200, session, inbox);
                session_free(session);
                secret_free(inbox);
                inject_disarm(&in);
                EXPECT(in, fake->verifies <= 1 && count('v') <= 1);
                EXPECT(in, fake->verifies == 0 || fake->pin_was_right);
                EXPECT(in, !fake->open && !fake->verified);
                EXPECT(in, count('v') == 0 || count('!') == 1);
                EXPECT(in, in.failed || (count('s') == 1 && fake->begins == 1));
                close(ours);
                close(200);
        }
        inject_watch_munmap(NULL);
}

/* ---- the software card --------------------------------------------------------------------- */

static int make_card(struct softcard **ret, const char *pki)
{
        char option[64];
        const char *bad = NULL;
        snprintf(option, sizeof option, "pki=%s", pki);
        const char *const options[] = { option, NULL };
        return softcard_new(ret, options, NULL, &bad);
}

static void a_software_card_is_made_whole_or_not_at_all(void **state)
{
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct softcard *card = NULL;
                inject_arm(&in);
                int r = make_card(&card, *state);
                inject_disarm(&in);
                EXPECT(in, r == 0 ? card != NULL : r < 0 && !card);
                EXPECT(in, in.failed || r == 0);
                softcard_free(card);
        }
}

#define SIGNATURE IAS PIN MSE("42") HASH CDS

static void a_software_card_goes_on_after_a_failure(void **state)
{
        struct softcard *card = NULL;
        assert_int_equal(make_card(&card, *state), 0);
        softcard_power_on(card);
        talk_expect(card, SIGNATURE, "#258");
        FOR_EACH_FAILURE(in, sweeps)
        {
                inject_arm(&in);
                struct talk heard = talk(card, SIGNATURE);
                inject_disarm(&in);
                EXPECT(in, heard.result <= 0);
                EXPECT(in, heard.result < 0 || heard.len == 258 || heard.len == 2);
                EXPECT(in, in.failed || heard.len == 258);
                softcard_power_on(card);
                talk_expect(card, SIGNATURE, "#258");
                softcard_power_on(card);
        }
        softcard_free(card);
}

static int begin(void **state)
{
        alarm(360); /* nothing here may hang */
        return pki_setup(state);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_visit_ends_clean_wherever_it_ends),
                cmocka_unit_test(a_software_card_is_made_whole_or_not_at_all),
                cmocka_unit_test(a_software_card_goes_on_after_a_failure),
        };
        inject_init();
        return cmocka_run_group_tests_name("inject_drivers", tests, begin, pki_teardown);
}
