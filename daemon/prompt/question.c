/* SPDX-License-Identifier: Apache-2.0 */
/* question.c: see question.h. One table drives both directions, so the order cannot drift; bounds are
 * checked in one place, on the decoded struct, by sender and receiver alike.
 */
#include "daemon/prompt/question.h"

#include "base/outcome.h"

#define TRIES_UNKNOWN 255

struct field {
        size_t at, cap;
        bool steers; /* reaches a program's options: no control characters */
};
#define FIELD(name, steers)                                                                        \
        {                                                                                          \
                offsetof(struct question, name), sizeof(((struct question *)0)->name), steers      \
        }

static const struct field fields[] = {
        FIELD(tty, true),
        FIELD(term, true),
        FIELD(display, true),
        FIELD(language, true),
        FIELD(pinentry, true),
        FIELD(request, false),
        FIELD(app, false),
        FIELD(asker_name, false),
        FIELD(organization, false),
        FIELD(audience, false),
        FIELD(purpose, false),
        FIELD(given_name, false),
        FIELD(family_name, false),
        FIELD(card_number, false),
        FIELD(reader, false),
};

#define FLAG(name) offsetof(struct question, name)

static const size_t flags[] = {
        /* bit 0 first */
        FLAG(simulated),
        FLAG(tell_unproven),
        FLAG(expired),
        FLAG(pinpad),
        FLAG(staff),
        FLAG(choice),
        FLAG(search),
        FLAG(granted),
        FLAG(may_remember),
        FLAG(recorded),
};
#define FLAGS ((1u << ARRAY_LEN(flags)) - 1)

static bool has_control(const char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        return true;
        return false;
}

static bool shares_in_bounds(const struct question *question)
{
        return ((question->required | question->optional) & ~SHARE_ALL) == 0 &&
               (question->required & question->optional) == 0 &&
               !(question->granted && (question->optional != 0 || question->may_remember));
}

static bool in_bounds(const struct question *question)
{
        for (size_t i = 0; i < ARRAY_LEN(fields); i++)
                if (fields[i].steers && has_control((const char *)question + fields[i].at))
                        return false;
        return question->tries_left >= -1 && question->tries_left <= QUESTION_TRIES_MAX &&
               question->timeout_s >= 1 && question->timeout_s <= 3600 && question->work < WORKS &&
               question->asker < ASKERS && shares_in_bounds(question);
}

static uint16_t flags_of(const struct question *question)
{
        unsigned int set = 0;
        for (size_t i = 0; i < ARRAY_LEN(flags); i++)
                set |= *(const bool *)((const char *)question + flags[i]) ? 1u << i : 0;
        return (uint16_t)set;
}

static void take_flags(struct question *question, uint16_t set)
{
        for (size_t i = 0; i < ARRAY_LEN(flags); i++)
                *(bool *)((char *)question + flags[i]) = (set >> i & 1) != 0;
}

int question_encode(const struct question *question, uint8_t *frame, size_t cap, size_t *ret_len)
{
        if (!in_bounds(question))
                return -EINVAL;
        struct out out = out_new(frame, base_min(cap, QUESTION_FRAME_MAX));
        out_u8(&out, QUESTION_VERSION);
        for (size_t i = 0; i < ARRAY_LEN(fields); i++)
                out_text16(&out, (const char *)question + fields[i].at);
        out_u8(&out, question->tries_left < 0 ? TRIES_UNKNOWN : (uint8_t)question->tries_left);
        out_u16(&out, flags_of(question));
        out_u16(&out, question->timeout_s);
        out_u8(&out, question->reader_count);
        out_u8(&out, (uint8_t)question->work);
        out_u8(&out, (uint8_t)question->asker);
        out_u8(&out, question->required);
        out_u8(&out, question->optional);
        int r = out_done(&out);
        if (r < 0)
                return r;
        *ret_len = out.len;
        return 0;
}

int question_decode(const void *frame, size_t len, struct question *ret)
{
        if (len > QUESTION_FRAME_MAX)
                return -EBADMSG;
        struct in in = in_new(frame, len);
        struct question question = { 0 };
        uint8_t version = in_u8(&in);
        for (size_t i = 0; i < ARRAY_LEN(fields); i++)
                in_text16(&in, (char *)&question + fields[i].at, fields[i].cap);
        uint8_t tries = in_u8(&in);
        uint16_t set = in_u16(&in);
        question.timeout_s = in_u16(&in);
        question.reader_count = in_u8(&in);
        question.work = in_u8(&in);
        question.asker = in_u8(&in);
        question.required = in_u8(&in);
        question.optional = in_u8(&in);
        question.tries_left = tries == TRIES_UNKNOWN ? -1 : tries;
        take_flags(&question, set);
        int r = in_done(&in);
        if (r < 0)
                return r;
        if (version != QUESTION_VERSION || (set & ~FLAGS) != 0 || !in_bounds(&question))
                return -EBADMSG;
        *ret = question;
        return 0;
}

size_t question_pin_min(const struct question *question)
{
        return question->staff ? QUESTION_PIN_MIN_STAFF : QUESTION_PIN_MIN;
}

/* ---- answers ------------------------------------------------------------------------------- */

bool answer_pin_valid(const void *digits, size_t len)
{
        const uint8_t *bytes = digits;
        if (len < QUESTION_PIN_MIN || len > QUESTION_PIN_MAX)
                return false;
        for (size_t i = 0; i < len; i++)
                if (bytes[i] < '0' || bytes[i] > '9')
                        return false;
        return true;
}

/* Both are PINs of a staff card; the code has all its digits. */
bool answer_pair(
        enum question_work work, struct view pair, struct view *ret_proof, struct view *ret_new_pin)
{
        struct in in = in_new(pair.data, pair.len);
        struct view proof = in_bytes(&in, in_u8(&in)), new_pin = in_bytes(&in, in_left(&in));
        size_t least = work == WORK_UNBLOCK_PIN ? QUESTION_PUK : QUESTION_PIN_MIN_STAFF;
        if (in_done(&in) < 0 || work == WORK_SIGN || proof.len < least ||
                new_pin.len < QUESTION_PIN_MIN_STAFF)
                return false;
        if (!answer_pin_valid(proof.data, proof.len) ||
                !answer_pin_valid(new_pin.data, new_pin.len))
                return false;
        *ret_proof = proof;
        *ret_new_pin = new_pin;
        return true;
}

static bool typed_possible(struct view typed)
{
        struct view proof, new_pin;
        return typed.len == 0 || answer_pin_valid(typed.data, typed.len) ||
               answer_pair(WORK_CHANGE_PIN, typed, &proof, &new_pin);
}

static bool typed_for(enum question_work work, struct view typed)
{
        struct view proof, new_pin;
        return work == WORK_SIGN ? answer_pin_valid(typed.data, typed.len)
                                 : answer_pair(work, typed, &proof, &new_pin);
}

static bool outcome_possible(int outcome)
{
        static const int possible[] = { OUTCOME_OK, OUTCOME_REFUSED, OUTCOME_LAST_TRY_DECLINED,
                OUTCOME_TIMED_OUT, OUTCOME_NOBODY_TO_ASK, OUTCOME_NO_CARD, OUTCOME_INTERNAL };
        for (size_t i = 0; i < ARRAY_LEN(possible); i++)
                if (possible[i] == outcome)
                        return true;
        return false;
}

/* What an answer may bring besides its outcome, whatever was asked. */
static bool answer_possible(const struct answer *answer)
{
        if (!outcome_possible(answer->outcome) || (answer->released & ~SHARE_ALL) != 0)
                return false;
        bool nothing = answer->released == 0 && !answer->remember && answer->pin.len == 0;
        return answer->outcome == OUTCOME_OK ? typed_possible(answer->pin) : nothing;
}

int answer_encode(const struct answer *answer, uint8_t *frame, size_t cap, size_t *ret_len)
{
        struct out out = out_new(frame, base_min(cap, ANSWER_FRAME_MAX));
        out_u8(&out, (uint8_t)answer->outcome);
        out_u8(&out, answer->released);
        out_u8(&out, answer->remember);
        out_bytes(&out, answer->pin.data, answer->pin.len);
        if (!answer_possible(answer) || out_done(&out) < 0)
                return -EINVAL;
        *ret_len = out.len;
        return 0;
}

static bool answers(const struct question *question, const struct answer *answer)
{
        uint8_t asked = question->required | question->optional;
        bool about_readers = question->choice || question->search;
        bool digits = !about_readers && !question->pinpad;
        if (answer->outcome != OUTCOME_OK)
                return true;
        if (about_readers) /* nothing of a holder is released by such an answer */
                return answer->released == 0 && !answer->remember && answer->pin.len == 0;
        if (digits && !typed_for(question->work, answer->pin))
                return false;
        return (answer->released & ~asked) == 0 &&
               (answer->released & question->required) == question->required &&
               (question->may_remember || !answer->remember) && digits == (answer->pin.len > 0);
}

int answer_decode(
        const void *frame, size_t len, const struct question *question, struct answer *ret)
{
        struct in in = in_new(frame, len);
        struct answer answer = { 0 };
        answer.outcome = in_u8(&in);
        answer.released = in_u8(&in);
        uint8_t remember = in_u8(&in);
        answer.remember = remember == 1;
        answer.pin = in_bytes(&in, in_left(&in));
        int r = in_done(&in);
        if (r < 0)
                return r;
        if (remember > 1 || !answer_possible(&answer) || !answers(question, &answer))
                return -EBADMSG;
        *ret = answer;
        return 0;
}
