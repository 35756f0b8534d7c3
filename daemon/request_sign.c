/* SPDX-License-Identifier: Apache-2.0 */
/* request_sign.c: the second visit, with the PIN in hand or on the person's mind: prove that this is the
 * card the person was asked about, read the counter again, verify once, sign, check.
 *
 * The same card is one that the helper's driver saw neither reset nor removed nor counted anew, and that
 * the watcher still gives the same number. Anything else (a contactless card lifted and laid back, a helper that
 * had to be replaced meanwhile) must show the very certificate again, byte for byte, and is confirmed
 * anew before its counter is touched. Another certificate is another card: the PIN is dropped.
 *
 * After VERIFY the steps of the plan are tried in turn in the same transaction, each signature checked
 * against the leaf. None of them leads back to VERIFY: its row lies behind.
 */
#include "daemon/announce.h"
#include "daemon/request_internal.h"
#include "daemon/unpack.h"

#include <time.h>

/* Of the request's time: below this no reader is asked, and this is kept for the signature. */
#define KEYS_LEAST_S 3
#define KEYS_SPARE_S 2

static int other_card(struct request *request)
{
        request->detail = "another card lies there than the one the person was asked about";
        return OUTCOME_CARD_REMOVED;
}

/* ---- whoever shows it elsewhere ---------------------------------------------------------------- */

static bool is_linked(const struct request *request)
{
        struct reader_info info;
        reader_describe(request->reader, &info);
        return info.linked;
}

bool sign_is_announced(const struct request *request)
{
        return work_signs(request) && is_linked(request);
}

int sign_announce(struct request *request, struct out *args)
{
        return announce_make(request, args);
}

/* ---- the same card? ------------------------------------------------------------------------ */

int sign_begun(struct request *request, int outcome, struct in *fields)
{
        struct driver_card card;
        struct reader_info info;
        (void)outcome;
        if (op_get_card(fields, &card) < 0)
                return -EBADMSG;
        reader_describe(request->reader, &info);
        request->lost_identity = card.event != CARD_SAME || card.insertion != request->insertion;
        request->lost_leaf = request->lost_identity || info.events != request->events;
        request->events = info.events;
        request->insertion = card.insertion;
        if (request->pinpad && !(card.pinpad & PINPAD_VERIFY)) {
                request->detail = "the reader's PIN pad is no longer there";
                return OUTCOME_NO_READER;
        }
        return 0;
}

bool sign_is_wanted(const struct request *request)
{
        return work_signs(request);
}

bool sign_lost_identity(const struct request *request)
{
        return request->lost_identity;
}

bool sign_lost_leaf(const struct request *request)
{
        return request->lost_leaf;
}

int sign_identified(struct request *request, int outcome, struct in *fields)
{
        struct card_identity identity;
        if (outcome != 0)
                return other_card(request);
        if (op_get_identity(fields, &identity) < 0)
                return -EBADMSG;
        return gate_same_kind(&identity, &request->card.identity) ? 0 : other_card(request);
}

int sign_leaf(struct request *request, struct out *args)
{
        out_u8(args, (uint8_t)request->card.chain.leaf_object);
        return 0;
}

int sign_same_leaf(struct request *request, int outcome, struct in *fields)
{
        uint8_t unpacked[UNPACK_MAX];
        struct view file = in_bytes16(fields, CARD_FILE_MAX), der = { 0 };
        if (outcome != 0)
                return other_card(request);
        if (in_done(fields) < 0)
                return -EBADMSG;
        int r = unpack_certificate(request->card.identity.family, file, unpacked, &der);
        if (r == -ENOMEM)
                return r;
        return r == 0 && gate_same_leaf(&request->card.chain, der.data, der.len)
                       ? 0
                       : other_card(request);
}

int sign_confirmed(struct request *request, int outcome, struct in *fields)
{
        int r = look_confirmed(request, outcome, fields);
        if (r != 0)
                return r;
        request->card.insertion = request->insertion;
        known_card_put(request->context->known, request->events, &request->card);
        log_kv(request->context->log, LOG_LEVEL_INFO, request->id, "card was away and is the same",
                NULL);
        return 0;
}

/* ---- counter and VERIFY -------------------------------------------------------------------- */

int sign_counted(struct request *request, int outcome, struct in *fields)
{
        struct pin_counter counter;
        (void)outcome;
        if (op_get_counter(fields, &counter) < 0)
                return -EBADMSG;
        int r = gate_counter(&counter, &request->detail);
        if (r == 0 && counter.tries < request->tries_left) {
                request->detail = "the tries left went down while the prompt was open";
                r = OUTCOME_BUSY;
        }
        if (!request->plan.counters_differ || counter.tries < request->tries_left)
                request->tries_left = counter.known ? counter.tries : -1;
        known_card_tries(request->context->known, request->events, 0);
        return r;
}

bool sign_takes_digits(const struct request *request)
{
        return work_signs(request) && !request->pinpad;
}

bool sign_uses_keys(const struct request *request)
{
        return work_signs(request) && request->pinpad;
}

static int prepare(struct request *request)
{
        request->verified = true;
        request->wants_issuer_keys =
                false; /* from here on only what a signature was refused with counts */
        request->auth_time = time(NULL);
        return work_compose(request, request->auth_time);
}

int sign_verified(struct request *request, int outcome, struct in *fields)
{
        bool answered = in_left(fields) > 0;
        int tries = answered ? (int8_t)in_u8(fields) : -1;
        if (in_done(fields) < 0)
                return -EBADMSG;
        if (outcome == 0)
                return prepare(request);
        request->tries_left = tries;
        if (outcome != OUTCOME_WRONG_PIN && outcome != OUTCOME_PIN_BLOCKED && tries < 0)
                request->detail = DETAIL_TRY_AT_RISK;
        return outcome;
}

/* Nobody can call a reader back, so it must give up before the request does; and one that has no time left
 * to give is not asked at all. */
int sign_keys(struct request *request, struct out *args)
{
        uint64_t end = 0, now = 0;
        int r = sd_event_source_get_time(request->limit, &end);
        if (r >= 0)
                r = sd_event_now(request->context->event, CLOCK_MONOTONIC, &now);
        if (r < 0)
                return r;
        uint64_t left_s = end > now ? (end - now) / 1000000 : 0;
        if (left_s < KEYS_LEAST_S) {
                request->detail = "no time was left for the reader's keys; nothing was sent";
                return OUTCOME_TIMED_OUT;
        }
        out_u8(args, (uint8_t)base_min(left_s - KEYS_SPARE_S, PINPAD_FIRST_KEY_S));
        return 0;
}

/* The reader's own words: by them, the card was sent nothing. */
struct word {
        int outcome; /* 0: any */
        uint16_t sw;
        const char *detail;
};
static const struct word reader_words[] = {
        { 0, 0x6400, "the reader says that nobody typed in time and nothing was sent" },
        { 0, 0x6401, "the reader says that its cancel key was pressed and nothing was sent" },
        { 0, 0x6403,
                "the reader says that what was typed is too short or too long and nothing was "
                "sent" },
        { 0, 0x6B80,
                "the reader does not take this request on its keys ([pin] pad = no avoids them)" },
};
static const struct word phone_words[] = {
        { 0, 0x6400, DETAIL_PHONE_NOBODY },
        { 0, 0x6401, DETAIL_PHONE_CANCELLED },
        { 0, 0x6403,
                DETAIL_PHONE_CANCELLED }, /* by the keys of a reader there: too short, and given up */
        { OUTCOME_NOBODY_TO_ASK, 0, DETAIL_PHONE_NOTHING_TO_ASK_ON },
        { OUTCOME_POLICY, 0, DETAIL_PHONE_REFUSED },
        { OUTCOME_LAST_TRY_DECLINED, 0, DETAIL_PHONE_LAST_TRY },
};

static const char *word_of(const struct word *words, size_t count, int outcome, uint16_t sw)
{
        for (size_t i = 0; i < count; i++)
                if (words[i].sw == sw && (words[i].outcome == outcome || words[i].outcome == 0))
                        return words[i].detail;
        return NULL;
}

static const char *reader_detail(const struct request *request, int outcome)
{
        return word_of(reader_words, ARRAY_LEN(reader_words), outcome, request->sw);
}

/* A phone that has not said that it sends a PIN has sent none, whatever became of it; as far as it was heard. */
static const char *phone_detail(const struct request *request, int outcome, const char *before)
{
        const char *word = word_of(phone_words, ARRAY_LEN(phone_words), outcome, request->sw);
        bool doubted = request->detail && strcmp(request->detail, DETAIL_TRY_AT_RISK) == 0;
        bool lost = outcome == OUTCOME_CARD_REMOVED || outcome == OUTCOME_NO_READER ||
                    outcome == OUTCOME_TIMED_OUT;
        if (request_pin_at_risk(request))
                return NULL;
        if (word || !doubted)
                return word;
        return lost     ? DETAIL_PHONE_LOST_ASKING
               : before ? before
                        : "the phone sent no PIN to the card";
}

int sign_typed(struct request *request, int outcome, struct in *fields)
{
        const char *before = request->detail;
        int tries = request->tries_left;
        int r = sign_verified(request, outcome, fields);
        if (r <= 0)
                return r;
        const char *detail = ask_on_phone(request) ? phone_detail(request, r, before)
                                                   : reader_detail(request, r);
        if (detail) {
                request->detail = detail;
                request->tries_left = tries;
        }
        return r;
}

/* ---- the signature ------------------------------------------------------------------------- */

bool sign_has_steps(const struct request *request)
{
        return work_signs(request) && request->step < request->plan.step_count;
}

int sign_step(struct request *request, struct out *args)
{
        const struct gate_step *step = &request->plan.steps[request->step];
        const struct request_to_sign *to_sign = &request->to_sign;
        out_u8(args, step->key);
        out_u8(args, to_sign->method == SIGN_METHOD_COUNT ? step->method : to_sign->method);
        out_bytes16(args, to_sign->bytes, to_sign->len);
        return 0;
}

/* What worked goes first from now on. */
static void learn_step(struct request *request)
{
        struct known_key *plan = &request->plan;
        struct gate_step worked = plan->steps[request->step];
        plan->steps[request->step] = plan->steps[0];
        plan->steps[0] = worked;
        plan->proven = true;
        if (gate_tries_return(request->card.identity.family))
                known_card_tries(request->context->known, request->events, request->tries_left);
        known_key_put(request->context->known, request->card.chain.print, plan);
}

/* No step gave a signature that verifies. What the last refusals say is believed only of a key that
 * never signed for us, and only when nothing was signed at all; and not for long if only a reader's word
 * stands for it that the PIN was verified. */
static int exhausted(struct request *request)
{
        struct known_key *plan = &request->plan;
        if (request->made_signature || !request->wants_issuer_keys) {
                request->detail = "no method of this card made a signature that verifies";
                return OUTCOME_NO_STANDARD_SIGNATURE;
        }
        request->detail = "the key answers to the issuer's keys only";
        if (!plan->proven && !request->pinpad) {
                plan->needs_issuer_keys = true;
                known_key_put(request->context->known, request->card.chain.print, plan);
        }
        return OUTCOME_NEEDS_ISSUER_KEYS;
}

int sign_signed(struct request *request, int outcome, struct in *fields)
{
        int r = outcome;
        if (outcome == 0) {
                struct view sig = in_bytes16(fields, CARD_SIG_MAX);
                if (in_done(fields) < 0)
                        return -EBADMSG;
                r = work_finish(request, sig.data, sig.len);
                request->made_signature |= r == OUTCOME_NO_STANDARD_SIGNATURE;
        }
        if (r == 0)
                learn_step(request);
        if (r <= 0)
                return r;
        request->wants_issuer_keys |= r == OUTCOME_NEEDS_ISSUER_KEYS;
        request->step++;
        return sign_has_steps(request) ? AGAIN : exhausted(request);
}

/* ---- the way out --------------------------------------------------------------------------- */

bool sign_is_verified(const struct request *request)
{
        return request->verified && sign_is_begun(request);
}

bool sign_is_begun(const struct request *request)
{
        return request->reader && reader_in_transaction(request->reader);
}

int sign_reset(struct request *request, struct out *args)
{
        (void)request;
        out_u8(args, DRIVER_RESET);
        return 0;
}
