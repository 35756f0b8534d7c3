/* SPDX-License-Identifier: Apache-2.0 */
/* session_pin.c: the operations of the PIN family. Which of them is allowed when stands in session.c's table; here
 * stands what they have in common: a right to send is given up before it is used, digits are wiped whatever the
 * card said, and after one command with a PIN the process takes no other.
 */
#include "drivers/helper/session_internal.h"

/* Ends the transaction in a reset and begins another with the same card: one that never left, by the
 * driver's own count. If that is not to be had, nothing more goes to whatever lies there. And as a card
 * that was reset has to show its certificate again before a PIN, none is taken before the next BEGIN,
 * which tells of the reset. */
static int lock_again(struct session *session)
{
        struct driver_card found = { 0 };
        int r = session->driver->end(session->reader, DRIVER_RESET);
        if (r == 0)
                r = session->driver->begin(session->reader, &found);
        /* What the driver says happened is our own doing; its count and the ATR are not. */
        bool same = r == 0 && found.insertion == session->insertion &&
                    found.atr_len == session->card.atr_len &&
                    memcmp(found.atr, session->card.atr, found.atr_len) == 0;
        if (r == 0 && !same)
                r = OUTCOME_CARD_REMOVED;
        session->disturbed = session->locked_anew = true;
        session->lost = r;
        card_forget(&session->card);
        return r;
}

/* A card that calls itself verified before anybody's PIN was sent here was left so by another program.
 * Where its profile cannot end that, a reset does; once, in the transaction that looks at the card. In a
 * later one the answer stands as it is, and mohrd ends it. */
static int read_counter(struct session *session, enum pin_copy copy, struct pin_counter *ret)
{
        int r = session->card.profile->counter(&session->card, copy, ret);
        if (r != 0 || ret->known || ret->sw != 0x9000 || session->looked)
                return r;
        r = lock_again(session);
        return r == 0 ? session->card.profile->counter(&session->card, copy, ret) : r;
}

int session_counter(struct session *session, const struct args *args, struct out *fields)
{
        struct pin_counter counter = { 0 };
        int r = read_counter(session, (enum pin_copy)args->u8[0], &counter);
        if (args->u8[0] == PIN_COPY_IAS) {
                session->told = r == 0 && counter.known && !session->locked_anew;
                session->counted = session->told && counter.tries > 0;
        }
        if (r == 0)
                op_put_counter(fields, &counter);
        return r;
}

int session_pin(struct session *session, const struct args *args, struct out *fields _unused_)
{
        memcpy(session->pin->data, args->bytes.data, args->bytes.len);
        session->pin->len = args->bytes.len;
        return 0;
}

/* Before the one command: whatever comes of it, no other follows. */
static void spend(struct session *session)
{
        session->spent = true;
        session->counted = session->told = false;
}

static int verify_once(struct session *session, const uint8_t *pin, struct out *fields)
{
        int tries = -1;
        spend(session);
        int r = session->card.profile->verify(&session->card, pin, session->pin->len, &tries);
        secret_wipe(session->pin);
        out_u8(fields, (uint8_t)tries);
        return r;
}

int session_verify(struct session *session, const struct args *args _unused_, struct out *fields)
{
        return verify_once(session, session->pin->data, fields);
}

int session_pinpad(struct session *session, const struct args *args, struct out *fields)
{
        session->patience_s = args->u8[0];
        return verify_once(session, NULL, fields); /* the reader asks */
}

/* The proof stays where it came in, in the locked frame that is wiped when this was answered. */
static int renew_once(
        struct session *session, enum card_renewal how, const struct args *args, struct out *fields)
{
        int tries = -1;
        const struct view new_pin = { session->pin->data, session->pin->len };
        spend(session);
        int r = session->card.profile->renew(&session->card, how, args->bytes, new_pin, &tries);
        secret_wipe(session->pin);
        out_u8(fields, (uint8_t)tries);
        return r;
}

int session_change_pin(struct session *session, const struct args *args, struct out *fields)
{
        return renew_once(session, RENEW_BY_PIN, args, fields);
}

int session_unblock_pin(struct session *session, const struct args *args, struct out *fields)
{
        return renew_once(session, RENEW_BY_PUK, args, fields);
}
