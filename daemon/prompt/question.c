/* SPDX-License-Identifier: Apache-2.0 */
/* question.c: see question.h. One table drives both directions, so the order cannot drift; bounds are
 * checked in one place, on the decoded struct, by sender and receiver alike.
 */
#include "daemon/prompt/question.h"

#include "base/outcome.h"

enum {
        FLAG_SIMULATED = 1,
        FLAG_UNPROVEN = 2,
        FLAG_EXPIRED = 4,
        FLAG_PINPAD = 8,
        FLAG_STAFF = 16,
        FLAG_CHOICE = 32,
        FLAG_SEARCH = 64,
        FLAGS = 127
};
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
        FIELD(audience, false),
        FIELD(purpose, false),
        FIELD(given_name, false),
        FIELD(family_name, false),
        FIELD(card_number, false),
        FIELD(reader, false),
};

static bool has_control(const char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        return true;
        return false;
}

static bool in_bounds(const struct question *question)
{
        for (size_t i = 0; i < ARRAY_LEN(fields); i++)
                if (fields[i].steers && has_control((const char *)question + fields[i].at))
                        return false;
        return question->tries_left >= -1 && question->tries_left <= QUESTION_TRIES_MAX &&
               question->timeout_s >= 1 && question->timeout_s <= 3600;
}

static uint8_t flags_of(const struct question *question)
{
        return (uint8_t)((question->simulated ? FLAG_SIMULATED : 0) |
                         (question->tell_unproven ? FLAG_UNPROVEN : 0) |
                         (question->expired ? FLAG_EXPIRED : 0) |
                         (question->pinpad ? FLAG_PINPAD : 0) | (question->staff ? FLAG_STAFF : 0) |
                         (question->choice ? FLAG_CHOICE : 0) |
                         (question->search ? FLAG_SEARCH : 0));
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
        out_u8(&out, flags_of(question));
        out_u16(&out, question->timeout_s);
        out_u8(&out, question->reader_count);
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
        uint8_t tries = in_u8(&in), flags = in_u8(&in);
        question.timeout_s = in_u16(&in);
        question.reader_count = in_u8(&in);
        question.tries_left = tries == TRIES_UNKNOWN ? -1 : tries;
        question.simulated = flags & FLAG_SIMULATED;
        question.tell_unproven = flags & FLAG_UNPROVEN;
        question.expired = flags & FLAG_EXPIRED;
        question.pinpad = flags & FLAG_PINPAD;
        question.staff = flags & FLAG_STAFF;
        question.choice = flags & FLAG_CHOICE;
        question.search = flags & FLAG_SEARCH;
        int r = in_done(&in);
        if (r < 0)
                return r;
        if (version != QUESTION_VERSION || (flags & ~FLAGS) != 0 || !in_bounds(&question))
                return -EBADMSG;
        *ret = question;
        return 0;
}

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

static bool outcome_possible(int outcome)
{
        static const int possible[] = { OUTCOME_OK, OUTCOME_REFUSED, OUTCOME_LAST_TRY_DECLINED,
                OUTCOME_TIMED_OUT, OUTCOME_NOBODY_TO_ASK, OUTCOME_NO_CARD, OUTCOME_INTERNAL };
        for (size_t i = 0; i < ARRAY_LEN(possible); i++)
                if (possible[i] == outcome)
                        return true;
        return false;
}

size_t question_pin_min(const struct question *question)
{
        return question->staff ? QUESTION_PIN_MIN_STAFF : QUESTION_PIN_MIN;
}

int answer_decode(
        const void *frame, size_t len, bool digits, int *ret_outcome, struct view *ret_pin)
{
        struct in in = in_new(frame, len);
        int outcome = in_u8(&in);
        struct view pin = in_bytes(&in, in_left(&in));
        int r = in_done(&in);
        if (r < 0)
                return r;
        bool expected = digits && outcome == OUTCOME_OK;
        bool fits = expected ? answer_pin_valid(pin.data, pin.len) : pin.len == 0;
        if (!fits || !outcome_possible(outcome))
                return -EBADMSG;
        *ret_outcome = outcome;
        *ret_pin = pin;
        return 0;
}
