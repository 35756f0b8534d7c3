/* SPDX-License-Identifier: Apache-2.0 */
/* pinchange.c: the pages of a new PIN in their order: consent, the last try's own yes, what proves the right to it, the
 * new PIN, the new PIN again.
 *
 * Nothing leaves before all of it was typed, so a slip of the finger costs nothing: what cannot be a PIN is asked
 * again, as are two new ones that differ and one that is the old one, three times in all. What was typed lies in
 * locked memory, and what was not good is wiped there.
 */
#include "daemon/prompt/pinchange.h"

#include "base/secret.h"
#include "daemon/prompt/course_internal.h"

#include <libintl.h>

#define _(text)    gettext(text)
#define TYPED_SIZE 64

struct typed {
        struct secret *proof, *new_pin, *again;
};

static void typed_free(struct typed *typed)
{
        typed->proof = secret_free(typed->proof);
        typed->new_pin = secret_free(typed->new_pin);
        typed->again = secret_free(typed->again);
}

static int typed_new(struct typed *typed)
{
        int r = secret_new(&typed->proof, TYPED_SIZE);
        if (r == 0)
                r = secret_new(&typed->new_pin, TYPED_SIZE);
        return r == 0 ? secret_new(&typed->again, TYPED_SIZE) : r;
}

static bool equal(const struct secret *a, const struct secret *b)
{
        return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* One page; *ret_fits is false for what has not so many digits. */
static int type(struct course *course, compose_page compose, const char *error, size_t least,
        struct secret *ret, bool *ret_fits)
{
        struct page page;
        bool overlong = false;
        compose(course->question, &page);
        int outcome = dialogue_type(course->dialogue, &page, error, ret, &overlong);
        *ret_fits = outcome == 0 && !overlong && ret->len >= least &&
                    answer_pin_valid(ret->data, ret->len);
        return outcome;
}

static int type_proof(struct course *course, struct secret *ret)
{
        bool code = course->question->work == WORK_UNBLOCK_PIN, fits = false;
        const char *error = NULL;
        for (int i = 0; i < PIN_ENTRIES && !fits; i++) {
                int outcome = type(course, pintexts_proof, error,
                        code ? QUESTION_PUK : QUESTION_PIN_MIN_STAFF, ret, &fits);
                if (outcome != 0)
                        return outcome;
                error = code ? _("The unblocking code has 8 digits. Nothing was sent to the card; "
                                 "no try was spent.")
                             : texts_bad_pin(course->question);
        }
        return fits ? 0 : OUTCOME_REFUSED;
}

/* Twice the same, and another than the old one: NULL, or what is said with the next page. */
static const char *objection(const struct course *course, const struct typed *typed, bool fits)
{
        if (!fits)
                return texts_bad_pin(course->question);
        if (equal(typed->new_pin, typed->proof))
                return _("This is the same as what you typed before: take another one. Nothing was "
                         "sent to the card.");
        return NULL;
}

static int type_new_pin(struct course *course, struct typed *typed)
{
        const char *error = NULL;
        for (int i = 0; i < PIN_ENTRIES; i++) {
                bool fits = false, fits_again = false;
                int outcome = type(course, pintexts_new_pin, error, QUESTION_PIN_MIN_STAFF,
                        typed->new_pin, &fits);
                error = objection(course, typed, fits);
                if (outcome == 0 && error)
                        continue;
                if (outcome == 0)
                        outcome = type(course, pintexts_again, NULL, QUESTION_PIN_MIN_STAFF,
                                typed->again, &fits_again);
                if (outcome != 0)
                        return outcome;
                if (equal(typed->new_pin, typed->again))
                        return 0;
                error = _("The two were not the same. Nothing was sent to the card.");
        }
        return OUTCOME_REFUSED;
}

/* The pair of question.h. */
static int put_pair(struct secret *ret, const struct typed *typed)
{
        struct out out = out_new(ret->data, ret->cap);
        out_u8(&out, (uint8_t)typed->proof->len);
        out_bytes(&out, typed->proof->data, typed->proof->len);
        out_bytes(&out, typed->new_pin->data, typed->new_pin->len);
        ret->len = out.len;
        return out_done(&out);
}

static int ask_all(struct course *course)
{
        _cleanup_(typed_free) struct typed typed = { 0 };
        int outcome = typed_new(&typed);
        if (outcome == 0)
                outcome = type_proof(course, typed.proof);
        if (outcome == 0)
                outcome = type_new_pin(course, &typed);
        return outcome == 0 ? put_pair(course->pin, &typed) : outcome;
}

static int ask_consent(struct course *course)
{
        return course_agree(course, pintexts_consent);
}

static int ask_code_try(struct course *course)
{
        bool yes = false;
        int outcome = course_decide(course, pintexts_code_try, &yes);
        return outcome == OUTCOME_REFUSED || (outcome == 0 && !yes) ? OUTCOME_LAST_TRY_DECLINED
                                                                    : outcome;
}

const struct step pinchange_steps[] = {
        { NULL, ask_consent },
        { course_is_last_try, course_last_try },
        { NULL, ask_all },
        { NULL, NULL },
};

const struct step pinunblock_steps[] = {
        { NULL, ask_consent },
        { NULL, ask_code_try },
        { NULL, ask_all },
        { NULL, NULL },
};
