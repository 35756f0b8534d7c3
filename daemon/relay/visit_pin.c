/* SPDX-License-Identifier: Apache-2.0 */
/* visit_pin.c: what a PIN may come by. An announcement is judged before anything else, allows one question or one PIN, and is
 * used up by it whatever comes of that.
 *
 * Where this phone has something to ask on, it asks: who wants what is told from the announcement, the digits go from its
 * own prompt to the helper beside it, and to the computer the phone looks like a reader with keys, in the words of PC/SC
 * part 10. Elsewhere the digits come from the computer, sealed, or are typed on the reader's own keys. Digits from a computer
 * are no proof of a person, and whoever types on keys has read what a computer shows: so the last try is not spent where
 * nothing here asks about it, unless the phone's owner lends it. A computer that lies can then not block a card.
 *
 * The card's transaction stays open while the person reads and types. To let go of the card meanwhile and prove it again
 * afterwards was rejected: between the two anything may be laid on the reader, whereas an open transaction is the proof
 * itself, and a reader with keys holds the card in just this way. It is bounded: by the prompt's time, by the
 * computer's word each second, and by its hanging up, which takes the prompt down and resets the card.
 */
#include "daemon/relay/visit_internal.h"

#include "apdu/pinpad.h"

#define PROMPT_S 80 /* below the time that a computer waits for a reader's keys */

int visit_announce(struct visit *visit, struct visit_op *op)
{
        struct announced *announced = NULL;
        int r = visit->world.judge(visit->user, (struct view){ op->payload, op->len }, &announced);
        if (r != 0)
                return r;
        visit_conclude(visit);
        announced_free(visit->announced);
        visit->announced = announced;
        visit->fresh = true;
        visit->result = VISIT_NOT_SENT;
        visit->world.tell(visit->user, VISIT_ASKS, announced, -1);
        visit_reply(visit, OUTCOME_OK, 0, NULL);
        return 0;
}

/* ---- digits that came from the computer ------------------------------------------------------- */

static int pass_digits(struct visit *visit, reader_done done)
{
        int r = !visit->over && visit->world.holds(visit->user)
                        ? visit->world.pass(visit->user, OP_PIN, false, visit->pin->data,
                                  visit->pin->len, done, visit)
                        : OUTCOME_CARD_REMOVED;
        secret_wipe(visit->pin);
        return r;
}

/* Where nobody can be asked here. */
static int look_at_last_try(struct visit *visit)
{
        if (visit->tries > 1 || visit->world.lends_last_try(visit->user))
                return 0;
        visit->result = VISIT_LAST_TRY;
        return OUTCOME_LAST_TRY_DECLINED;
}

int visit_pin(struct visit *visit, struct visit_op *op _unused_)
{
        visit->fresh = false;
        int r = look_at_last_try(visit);
        if (r == 0)
                return pass_digits(visit, visit_replied);
        secret_wipe(visit->pin);
        return r;
}

int visit_armed(
        struct visit *visit, int outcome, struct in fields _unused_, struct out *out _unused_)
{
        visit->armed = outcome == 0;
        return 0;
}

/* From here on a try is at stake: never again in this visit. */
static void spend(struct visit *visit)
{
        visit->spent = true;
        visit->armed = visit->counted = false;
        visit->result = VISIT_AT_RISK;
}

/* What is typed here goes, and the computer knows. */
static int send_typed(struct visit *visit, enum op op, const void *payload, size_t len)
{
        int r = visit->world.sending(visit->user, true);
        if (r < 0)
                return r;
        spend(visit);
        visit->by_keys = op == OP_PINPAD;
        return visit->world.pass(visit->user, op, false, payload, len, visit_replied, visit);
}

int visit_verify(struct visit *visit, struct visit_op *op)
{
        spend(visit);
        return visit_pass(visit, op);
}

/* In the words of a reader with keys, which a card does not have: its person typed nothing that could be sent. */
static bool is_unsent(const struct visit *visit, int outcome)
{
        return outcome != 0 && visit->by_keys && pinpad_outcome(visit->sw) == outcome;
}

int visit_verified(struct visit *visit, int outcome, struct in fields, struct out *out _unused_)
{
        int tries = in_left(&fields) > 0 ? (int8_t)in_u8(&fields) : -1;
        if (outcome == 0) {
                visit->state = VISIT_VERIFIED;
                visit->result = VISIT_UNSIGNED;
        }
        if (is_unsent(visit, outcome)) {
                visit->result = VISIT_NOT_SENT;
                return visit->world.sending(visit->user, false);
        }
        if (outcome == OUTCOME_WRONG_PIN || outcome == OUTCOME_PIN_BLOCKED) {
                visit->result = VISIT_WRONG_PIN;
                visit->tries = tries;
        }
        return 0;
}

/* ---- digits that are typed here --------------------------------------------------------------- */

/* What a reader's keys would have said; the card was sent nothing, and has the tries it had. */
static void answer_unsent(struct visit *visit, int outcome)
{
        static const struct {
                int outcome;
                uint16_t sw;
        } words[] = { { OUTCOME_TIMED_OUT, 0x6400 }, { OUTCOME_REFUSED, 0x6401 },
                { OUTCOME_LAST_TRY_DECLINED, 0x6401 } };
        uint8_t tries = (uint8_t)visit->tries;
        const struct in fields = in_new(&tries, 1);
        uint16_t sw = 0;
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (words[i].outcome == outcome)
                        sw = words[i].sw;
        visit->result = VISIT_NOT_SENT;
        visit_reply(visit, outcome, sw, &fields);
}

static void on_typed_stored(
        void *user, int outcome, uint16_t sw _unused_, struct in *fields _unused_)
{
        struct visit *visit = user;
        if (outcome == 0 && visit->over) /* nobody waits for it any more: no try is put at stake */
                outcome = OUTCOME_CARD_REMOVED;
        if (outcome == 0)
                outcome = outcome_of(send_typed(visit, OP_VERIFY, NULL, 0));
        if (outcome == 0)
                return;
        answer_unsent(visit, outcome);
        visit_go_on(visit);
}

static int use_answer(struct visit *visit)
{
        const struct visit_op *op = visit->running;
        return !visit->keys || visit->over ? pass_digits(visit, on_typed_stored)
                                           : send_typed(visit, OP_PINPAD, op->payload, op->len);
}

void visit_withdraw(struct visit *visit)
{
        visit->world.hush(visit->user);
        visit->asking = false;
        answer_unsent(visit, OUTCOME_REFUSED);
}

static void on_answered(struct visit *visit, int outcome)
{
        visit->asking = false;
        if (outcome == 0)
                outcome = outcome_of(use_answer(visit));
        if (outcome == 0)
                return;
        answer_unsent(visit, outcome);
        visit_go_on(visit);
}

int visit_pinpad(struct visit *visit, struct visit_op *op)
{
        if (op->len != 1)
                return -EBADMSG;
        visit->fresh = false;
        if (!visit->world.ask) {
                int last = look_at_last_try(visit);
                return last != 0 ? last : send_typed(visit, OP_PINPAD, op->payload, op->len);
        }
        const struct visit_question question = {
                .announced = visit->announced,
                .tries_left = visit->tries,
                .timeout_s = op->payload[0] > 0 && op->payload[0] < PINPAD_FIRST_KEY_S
                                     ? op->payload[0]
                                     : PROMPT_S,
                .pin = visit->keys ? NULL : visit->pin,
        };
        int r = visit->world.ask(visit->user, &question, on_answered, visit);
        visit->asking = r == 0;
        if (r > 0)
                answer_unsent(visit, r);
        return r < 0 ? r : 0;
}
