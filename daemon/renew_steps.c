/* SPDX-License-Identifier: Apache-2.0 */
/* renew_steps.c: what the card is asked for a new PIN, before the prompt and after it.
 *
 * Before: which card is it, is it a staff card confirmed by an anchor, what is left of its PIN. The certificate is
 * read by itself each time, and nothing is taken from what is remembered of cards: a PIN is changed seldom. After:
 * the very same certificate, byte for byte, on a card that identifies itself again unless the helper saw it lie
 * there undisturbed; the counter again, which must not have gone down.
 *
 * Then the one command, and what is known after it. A card that was asked and did not answer may have spent a try,
 * or have taken the new PIN: both are said, and neither is guessed.
 */
#include "daemon/renew_internal.h"

#include "daemon/chain.h"
#include "daemon/unpack.h"

static int other_card(struct renew *renew)
{
        renew->detail = "another card lies there than the one the person was asked about";
        return OUTCOME_CARD_REMOVED;
}

/* ---- the reader ---------------------------------------------------------------------------- */

static void on_waited(void *user)
{
        struct renew *renew = user;
        renew->waited = true;
        renew->wait = readers_wait_free(renew->wait);
        renew_run(renew, AGAIN);
}

/* A phone would refuse the digits when they were typed. */
static int take_here(struct renew *renew)
{
        struct reader_info info;
        int r = readers_acquire(
                renew->context->readers, renew->reader_name, &renew->reader, &renew->detail);
        if (r != 0)
                return r;
        reader_describe(renew->reader, &info);
        if (!info.linked)
                return 0;
        renew->detail = DETAIL_NEW_PIN_AFAR;
        return OUTCOME_POLICY;
}

int renew_take_reader(struct renew *renew, struct out *args)
{
        const struct request_context *context = renew->context;
        (void)args;
        if (renew->waited || readers_settled(context->readers))
                return take_here(renew);
        int r = readers_wait_new(&renew->wait, context->readers, context->event,
                context->config->card_timeout_ms * 1000ULL, on_waited, renew);
        return r < 0 ? r : WAIT;
}

static int take_card(struct renew *renew, struct in *fields, struct driver_card *ret)
{
        struct reader_info info;
        if (op_get_card(fields, ret) < 0)
                return -EBADMSG;
        reader_describe(renew->reader, &info);
        renew->simulated = info.simulated;
        renew->events = info.events;
        return 0;
}

int renew_begun(struct renew *renew, int outcome, struct in *fields)
{
        struct driver_card card;
        (void)outcome;
        int r = take_card(renew, fields, &card);
        if (r < 0)
                return r;
        renew->insertion = card.insertion;
        return renew_allows_card(
                renew, renew->context->config->pinpad && card.pinpad & PINPAD_VERIFY);
}

/* ---- which card ---------------------------------------------------------------------------- */

int renew_identified(struct renew *renew, int outcome, struct in *fields)
{
        (void)outcome;
        if (op_get_identity(fields, &renew->identity) < 0)
                return -EBADMSG;
        if (renew->identity.family == CARD_NID) {
                renew->detail = DETAIL_OFFICE;
                return OUTCOME_CARD_NOT_SUPPORTED;
        }
        if (!renew->identity.supported) {
                renew->detail = "this kind of card can only be looked at";
                return OUTCOME_CARD_NOT_SUPPORTED;
        }
        gate_chain_begin(&renew->chain, renew->identity.family, CARD_USE_SIGNATURE);
        return 0;
}

int renew_ask_leaf(struct renew *renew, struct out *args)
{
        (void)renew;
        out_u8(args, OBJECT_CERTIFICATE_1);
        return 0;
}

int renew_leaf_came(struct renew *renew, int outcome, struct in *fields)
{
        struct view file = in_bytes16(fields, CARD_FILE_MAX);
        enum leaf_class class;
        if (outcome != 0)
                return 0; /* without a certificate it will not be confirmed */
        if (in_done(fields) < 0)
                return -EBADMSG;
        int r = chain_take(renew->context->known, renew->identity.family, &renew->chain,
                OBJECT_CERTIFICATE_1, file, &class);
        return r == -EBADMSG ? 0 : r;
}

int renew_judge(struct renew *renew, struct out *args)
{
        (void)args;
        return chain_confirm(
                renew->context->known, &renew->chain, &renew->identity, &renew->detail);
}

/* Nothing is signed here: no key needs a right. */
int renew_confirm(struct renew *renew, struct out *args)
{
        (void)renew;
        out_u8(args, 0);
        return 0;
}

int renew_confirmed(struct renew *renew, int outcome, struct in *fields)
{
        (void)renew, (void)outcome;
        (void)in_bytes16(fields, CARD_NOTE_MAX);
        return in_done(fields);
}

/* ---- the counter --------------------------------------------------------------------------- */

int renew_ask_counter(struct renew *renew, struct out *args)
{
        out_u8(args, (uint8_t)gate_pin_copy(&renew->identity));
        return 0;
}

/* A blocked PIN is what the code that unblocks is for. */
static int judge_counter(struct renew *renew, const struct pin_counter *counter)
{
        int r = gate_counter(counter, &renew->detail);
        return r == OUTCOME_PIN_BLOCKED && renew->how == RENEW_BY_PUK ? 0 : r;
}

int renew_counted(struct renew *renew, int outcome, struct in *fields)
{
        struct pin_counter counter;
        (void)outcome;
        if (op_get_counter(fields, &counter) < 0)
                return -EBADMSG;
        renew->tries_left = counter.known ? counter.tries : -1;
        return judge_counter(renew, &counter);
}

int renew_leave(struct renew *renew, struct out *args)
{
        (void)renew;
        out_u8(args, DRIVER_LEAVE);
        return 0;
}

/* ---- after the prompt ---------------------------------------------------------------------- */

int renew_begun_again(struct renew *renew, int outcome, struct in *fields)
{
        struct driver_card card;
        (void)outcome;
        int r = take_card(renew, fields, &card);
        if (r < 0)
                return r;
        renew->another = card.event != CARD_SAME || card.insertion != renew->insertion;
        return 0;
}

bool renew_is_another(const struct renew *renew)
{
        return renew->another;
}

int renew_identified_again(struct renew *renew, int outcome, struct in *fields)
{
        struct card_identity identity;
        if (outcome != 0)
                return other_card(renew);
        if (op_get_identity(fields, &identity) < 0)
                return -EBADMSG;
        return gate_same_kind(&identity, &renew->identity) ? 0 : other_card(renew);
}

int renew_same_leaf(struct renew *renew, int outcome, struct in *fields)
{
        uint8_t unpacked[UNPACK_MAX];
        struct view file = in_bytes16(fields, CARD_FILE_MAX), der = { 0 };
        if (outcome != 0)
                return other_card(renew);
        if (in_done(fields) < 0)
                return -EBADMSG;
        int r = unpack_certificate(renew->identity.family, file, unpacked, &der);
        if (r == -ENOMEM)
                return r;
        bool same = r == 0 && gate_same_leaf(&renew->chain, der.data, der.len);
        return same ? 0 : other_card(renew);
}

int renew_counted_again(struct renew *renew, int outcome, struct in *fields)
{
        struct pin_counter counter;
        (void)outcome;
        if (op_get_counter(fields, &counter) < 0)
                return -EBADMSG;
        known_card_tries(renew->context->known, renew->events, 0);
        int r = judge_counter(renew, &counter);
        if (r == 0 && renew->how == RENEW_BY_PIN && counter.tries < renew->tries_left) {
                renew->detail = "the tries left went down while the prompt was open";
                r = OUTCOME_BUSY;
        }
        return r;
}

int renew_stored(struct renew *renew, int outcome, struct in *fields)
{
        (void)renew, (void)outcome;
        return in_done(fields);
}

/* ---- the one command ----------------------------------------------------------------------- */

void renew_doubt(struct renew *renew)
{
        renew->detail = DETAIL_WHICH_PIN;
}

/* What is certain after an answer, by the standard's words; all others leave a doubt. */
static const struct {
        uint16_t sw;
        const char *detail;
} refusals[] = {
        { 0x6A80, DETAIL_NEW_PIN_REFUSED },
        { 0x6A81, DETAIL_NO_NEW_PIN },
        { 0x6D00, DETAIL_NO_NEW_PIN },
        { 0x6E00, DETAIL_NO_NEW_PIN },
};

static const char *refusal(uint16_t sw)
{
        for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
                if (refusals[i].sw == sw)
                        return refusals[i].detail;
        return DETAIL_WHICH_PIN;
}

int renew_came(struct renew *renew, int outcome, uint16_t sw, struct in *fields)
{
        int tries = in_left(fields) > 0 ? (int8_t)in_u8(fields) : -1;
        if (in_done(fields) < 0) {
                renew_doubt(renew);
                return -EBADMSG;
        }
        renew->renewed = outcome == 0;
        if (outcome == OUTCOME_WRONG_PIN || outcome == OUTCOME_PIN_BLOCKED) {
                renew->proof_left = tries;
                renew->detail = renew->how == RENEW_BY_PIN       ? NULL
                                : outcome == OUTCOME_PIN_BLOCKED ? DETAIL_PUK_BLOCKED
                                                                 : DETAIL_WRONG_PUK;
        } else if (outcome != 0) {
                renew->detail =
                        outcome == OUTCOME_CARD_NOT_SUPPORTED ? refusal(sw) : DETAIL_WHICH_PIN;
        }
        return outcome;
}

bool renew_is_begun(const struct renew *renew)
{
        return renew->reader && reader_in_transaction(renew->reader);
}

int renew_reset(struct renew *renew, struct out *args)
{
        (void)renew;
        out_u8(args, DRIVER_RESET);
        return 0;
}
