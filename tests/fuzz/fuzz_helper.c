/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_helper.c: whatever mohrd, or somebody in its place, may send to a helper. The input is a list of
 * frames (a length byte, then so many bytes), and between them changes of what the fake card does (a
 * zero length, then one byte). Whatever the order, these hold: at most one VERIFY or one new PIN, with digits only and
 * inside a transaction; every transaction is ended; after either it is ended by a reset; every answer
 * is a frame that decodes; no PIN is left behind.
 */
#include "drivers/helper/session.h"

#include "tests/unit/fake_card.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void change(uint8_t how)
{
        static const int outcomes[] = { 0, OUTCOME_CARD_REMOVED, OUTCOME_WRONG_PIN, -EIO };
        fake->event = how % 3;
        fake->transmit = how & 4 ? OUTCOME_CARD_REMOVED : 0;
        fake->verify = outcomes[how >> 3 & 3];
        fake->end = how & 32 ? OUTCOME_TIMED_OUT : 0;
        fake->other_atr = (how & 64) != 0;
        fake->counter.tries = how & 128 ? 0 : 3;
        fake->pinpad = how & 1 ? PINPAD_VERIFY : 0;
}

static bool step(struct session *session, struct view frame)
{
        static uint8_t reply[OPS_FRAME_MAX];
        struct op_frame answer;
        bool was_open = fake->open;
        unsigned int spent = fake->verifies + fake->renewals;
        ssize_t len = session_step(session, frame.data, frame.len, reply, sizeof reply);
        require(fake->verifies + fake->renewals == spent || was_open);
        if (len < 0)
                return false;
        require(op_frame_decode(reply, (size_t)len, &answer) == 0);
        struct in in = in_new(answer.payload.data, answer.payload.len);
        int outcome;
        uint16_t sw;
        require(answer.reply && op_get_result(&in, &outcome, &sw) == 0);
        return session_gone(session) == 0;
}

static void run(struct session *session, struct in *in)
{
        bool alive = true;
        while (alive && in_left(in) > 0) {
                size_t len = in_u8(in);
                if (len == 0)
                        change(in_u8(in));
                else
                        alive = step(session, in_bytes(in, base_min(len, in_left(in))));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static struct fake life;
        struct session *session = NULL;
        struct in in = in_new(data, len);
        life = (struct fake){ .counter = { .known = true, .tries = 3, .sw = 0x63c3 },
                .pinpad = PINPAD_VERIFY };
        fake = &life;
        if (session_new(&session, &fake_driver, NULL) < 0)
                return 0;
        run(session, &in);
        unsigned int spent = fake->verifies + fake->renewals;
        for (size_t i = 0; spent > 0 && i < fake->pin_len; i++)
                require(fake->pin_seen[i] == 0);
        session_free(session);
        require(!fake->open && spent <= 1);
        bool by_keys = memchr(fake->asked, 'k', fake->asked_len);
        require(spent == 0 || by_keys || (fake->pin_len >= 4 && fake->pin_len <= OPS_PIN_MAX));
        const char *sent = strpbrk(fake->asked, "kvn");
        const char *end = sent ? strpbrk(sent, "<>!") : NULL;
        require(!end || *end == '!');
        return 0;
}
