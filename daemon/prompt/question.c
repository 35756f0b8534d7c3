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
        FIELD(content_text, false),
        FIELD(computer, false),
        FIELD(content_host, false),
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
        FLAG(authentication_key),
        FLAG(on_phone),
        FLAG(not_proven_here),
        FLAG(recorded_identity),
        FLAG(recorded_by_station),
};
#define FLAGS ((1u << ARRAY_LEN(flags)) - 1)

/* What the holder types for each work, where the reader has no keys of its own, and what belongs to its question. */
enum typed { TYPED_PIN, TYPED_PAIR, TYPED_NOTHING };
static const struct work {
        enum typed typed;
        bool documents;
        bool no_keys; /* the reader's are not for this */
        bool each;    /* agreed to each time, never for the next time */
} works[WORKS] = {
        [WORK_SIGN] = { TYPED_PIN, .each = false },
        [WORK_CHANGE_PIN] = { TYPED_PAIR, .each = false },
        [WORK_UNBLOCK_PIN] = { TYPED_PAIR, .each = false },
        [WORK_DOCUMENTS] = { TYPED_PIN, .documents = true, .each = true },
        [WORK_CERTIFICATES] = { TYPED_NOTHING, .no_keys = true },
        [WORK_KEY] = { TYPED_PIN, .each = true },
};

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

static bool record_in_bounds(const struct question *question)
{
        unsigned int ways =
                (unsigned int)question->recorded_identity + question->recorded_by_station;
        return ways <= question->recorded;
}

static bool documents_in_bounds(const struct question *question)
{
        if (!works[question->work].documents)
                return question->document_count == 0 && question->document_at == 0;
        for (size_t i = 0; i < question->document_count && i < QUESTION_DOCUMENTS_MAX; i++)
                if (question->documents[i].kind >= DOCUMENT_KINDS ||
                        question->documents[i].form >= FORMS ||
                        question->documents[i].commitment >= COMMITMENTS)
                        return false;
        return question->document_count <= QUESTION_DOCUMENTS_MAX &&
               question->document_at < question->document_count;
}

static bool work_in_bounds(const struct question *question)
{
        return question->work < WORKS && question->content < CONTENTS &&
               !(question->pinpad && works[question->work].no_keys) &&
               !(question->may_remember && works[question->work].each) &&
               documents_in_bounds(question);
}

/* On a phone nothing is left to be said but the PIN; a new one is for nobody's phone. */
static bool phone_in_bounds(const struct question *question)
{
        bool here = question->choice || question->search || question->granted ||
                    question->optional != 0 || question->may_remember || question->on_phone;
        if (!*question->computer)
                return !question->not_proven_here;
        return !here && works[question->work].typed == TYPED_PIN && question->document_count <= 1;
}

static bool in_bounds(const struct question *question)
{
        for (size_t i = 0; i < ARRAY_LEN(fields); i++)
                if (fields[i].steers && has_control((const char *)question + fields[i].at))
                        return false;
        return question->tries_left >= -1 && question->tries_left <= QUESTION_TRIES_MAX &&
               question->timeout_s >= 1 && question->timeout_s <= 3600 &&
               work_in_bounds(question) && question->asker < ASKERS && shares_in_bounds(question) &&
               record_in_bounds(question) && phone_in_bounds(question);
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

static void put_documents(struct out *out, const struct question *question)
{
        out_u8(out, (uint8_t)question->content);
        out_u8(out, question->document_count);
        out_u8(out, question->document_at);
        for (size_t i = 0; i < question->document_count; i++) {
                const struct question_document *document = &question->documents[i];
                out_text16(out, document->name);
                out_text16(out, document->countersigned);
                out_text16(out, document->location);
                out_text16(out, document->policy);
                out_u8(out, (uint8_t)document->kind);
                out_u8(out, (uint8_t)document->form);
                out_u8(out, (uint8_t)document->commitment);
                out_u64(out, document->size);
                out_u32(out, document->pages);
                out_u32(out, document->stamp_page);
                out_bytes(out, document->digest, sizeof document->digest);
        }
}

static void take_document(struct in *in, struct question_document *ret)
{
        in_text16(in, ret->name, sizeof ret->name);
        in_text16(in, ret->countersigned, sizeof ret->countersigned);
        in_text16(in, ret->location, sizeof ret->location);
        in_text16(in, ret->policy, sizeof ret->policy);
        ret->kind = in_u8(in);
        ret->form = in_u8(in);
        ret->commitment = in_u8(in);
        ret->size = in_u64(in);
        ret->pages = in_u32(in);
        ret->stamp_page = in_u32(in);
        struct view digest = in_bytes(in, sizeof ret->digest);
        if (digest.len > 0)
                memcpy(ret->digest, digest.data, sizeof ret->digest);
}

/* More than there is room for is left in the frame, and so refused. */
static void take_documents(struct in *in, struct question *ret)
{
        ret->content = in_u8(in);
        ret->document_count = in_u8(in);
        ret->document_at = in_u8(in);
        for (size_t i = 0; i < base_min(ret->document_count, QUESTION_DOCUMENTS_MAX); i++)
                take_document(in, &ret->documents[i]);
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
        put_documents(&out, question);
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
        take_documents(&in, &question);
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
        if (in_done(&in) < 0 || works[work].typed != TYPED_PAIR || proof.len < least ||
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

static bool typed_for(const struct question *question, struct view typed)
{
        struct view proof, new_pin;
        switch (works[question->work].typed) {
        case TYPED_PIN:
                return typed.len >= question_pin_min(question) &&
                       answer_pin_valid(typed.data, typed.len);
        case TYPED_PAIR: return answer_pair(question->work, typed, &proof, &new_pin);
        case TYPED_NOTHING: break;
        }
        return typed.len == 0;
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
        bool digits =
                !about_readers && !question->pinpad && works[question->work].typed != TYPED_NOTHING;
        if (answer->outcome != OUTCOME_OK)
                return true;
        if (about_readers) /* nothing of a holder is released by such an answer */
                return answer->released == 0 && !answer->remember && answer->pin.len == 0;
        if (digits && !typed_for(question, answer->pin))
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
