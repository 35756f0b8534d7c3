/* SPDX-License-Identifier: Apache-2.0 */
/* course.c: see course.h. The order is a table for each work; a row says when its page is needed and how it is asked.
 *
 * On a page whose answer costs something, Enter must not be the "yes": where it is the first button's, the
 * buttons change places. Where there is no third button, what needs one is asked on a page of its own or not at
 * all: what is not asked is not allowed.
 */
#include "daemon/prompt/course_internal.h"

/* ---- kinds of pages ------------------------------------------------------------------------ */

int course_agree(struct course *course, compose_page compose)
{
        struct page page;
        bool third = false;
        compose(course->question, &page);
        return dialogue_confirm(course->dialogue, &page, &third);
}

bool course_is_reversed(const struct course *course)
{
        return course->flavour->enter_agrees && !course->flavour->two_buttons;
}

int course_decide_page(struct course *course, struct page *page, bool *ret_yes)
{
        bool third = false, reversed = course_is_reversed(course);
        if (reversed) {
                const char *yes = page->ok;
                page->ok = page->notok;
                page->notok = yes;
        }
        int outcome = dialogue_confirm(course->dialogue, page, &third);
        *ret_yes = outcome == 0 && third == reversed;
        return outcome;
}

int course_decide(struct course *course, compose_page compose, bool *ret_yes)
{
        struct page page;
        compose(course->question, &page);
        return course_decide_page(course, &page, ret_yes);
}

/* ---- the pages ----------------------------------------------------------------------------- */

static int ask_choice(struct course *course)
{
        struct page page;
        bool another = false;
        texts_choice(course->question, &page);
        int outcome = dialogue_confirm(course->dialogue, &page, &another);
        return outcome == 0 && another ? OUTCOME_NO_CARD : outcome;
}

static int ask_search(struct course *course)
{
        return course_agree(course, texts_search);
}

int course_unproven(struct course *course)
{
        return course_agree(course, texts_unproven);
}

static int show_asked(struct course *course)
{
        return course_agree(course, texts_asked);
}

static int show_what_for(struct course *course)
{
        return course_agree(course, texts_what_for);
}

/* Two buttons stand for three: whoever agrees is asked of the optional next, where cancel leaves it out. */
static int ask_consent_twice(struct course *course)
{
        int outcome = course_agree(course, texts_consent_first);
        if (outcome != 0)
                return outcome;
        outcome = course_agree(course, texts_optional);
        if (outcome == 0)
                course->released |= course->question->optional;
        return outcome == OUTCOME_REFUSED ? 0 : outcome;
}

static int ask_consent(struct course *course)
{
        struct page page;
        bool only_required = false;
        texts_consent(course->question, &page);
        if (page.notok && course->flavour->two_buttons)
                return ask_consent_twice(course);
        int outcome = dialogue_confirm(course->dialogue, &page, &only_required);
        if (outcome == 0 && !only_required)
                course->released |= course->question->optional;
        return outcome;
}

int course_remember(struct course *course)
{
        if (course->flavour->two_buttons)
                return 0;
        return course_decide(course, texts_remember, &course->remember);
}

int course_last_try(struct course *course)
{
        bool yes = false;
        int outcome = course_decide(course, texts_last_try, &yes);
        return outcome == OUTCOME_REFUSED || (outcome == 0 && !yes) ? OUTCOME_LAST_TRY_DECLINED
                                                                    : outcome;
}

static int show_granted(struct course *course)
{
        return course_agree(course, texts_granted);
}

static int show_keys(struct course *course)
{
        return course_agree(course, texts_entry);
}

static int ask_pin(struct course *course)
{
        const struct question *question = course->question;
        struct page page;
        texts_entry(question, &page);
        for (int i = 0; i < PIN_ENTRIES; i++) {
                bool overlong = false;
                int outcome = dialogue_type(course->dialogue, &page,
                        i > 0 ? texts_bad_pin(question) : NULL, course->pin, &overlong);
                if (outcome != 0)
                        return outcome;
                if (!overlong && course->pin->len >= question_pin_min(question) &&
                        answer_pin_valid(course->pin->data, course->pin->len))
                        return 0;
        }
        return OUTCOME_REFUSED;
}

int course_pin(struct course *course)
{
        return course->question->pinpad ? show_keys(course) : ask_pin(course);
}

/* ---- the order ----------------------------------------------------------------------------- */

bool course_tells_unproven(const struct question *question)
{
        return question->tell_unproven;
}

/* On a phone the PIN's page says it all, unless something comes before it. */
static bool is_one_page(const struct question *question)
{
        return *question->computer && !question->pinpad && !course_is_last_try(question) &&
               !texts_entry_is_long(question);
}

bool course_wants_consent(const struct question *question)
{
        return !question->granted && !is_one_page(question);
}

static bool long_consent(const struct question *question)
{
        return course_wants_consent(question) && texts_consent_is_long(question);
}

static bool cut_consent(const struct question *question)
{
        return long_consent(question) && texts_asked_is_cut(question);
}

static bool long_grant(const struct question *question)
{
        return question->granted && texts_entry_is_long(question);
}

bool course_may_remember(const struct question *question)
{
        return question->may_remember;
}

bool course_is_last_try(const struct question *question)
{
        return question->tries_left <= 1; /* unknown is less */
}

static const struct step choice[] = { { NULL, ask_choice }, { NULL, NULL } };
static const struct step search[] = { { NULL, ask_search }, { NULL, NULL } };
static const struct step sign[] = {
        { course_tells_unproven, course_unproven },
        { long_consent, show_asked },
        { cut_consent, show_what_for },
        { course_wants_consent, ask_consent },
        { course_may_remember, course_remember },
        { long_grant, show_granted },
        { course_is_last_try, course_last_try },
        { NULL, course_pin },
        { NULL, NULL },
};

static const struct step *const works[WORKS] = {
        [WORK_SIGN] = sign,
        [WORK_CHANGE_PIN] = pinchange_steps,
        [WORK_UNBLOCK_PIN] = pinunblock_steps,
        [WORK_DOCUMENTS] = document_steps,
        [WORK_CERTIFICATES] = certificate_steps,
        [WORK_KEY] = key_steps,
};

static const struct step *steps_of(const struct question *question)
{
        if (question->choice)
                return choice;
        return question->search ? search : works[question->work];
}

static int walk(struct course *course)
{
        int outcome = 0;
        for (const struct step *step = steps_of(course->question); outcome == 0 && step->ask;
                step++)
                if (!step->needed || step->needed(course->question))
                        outcome = step->ask(course);
        return outcome;
}

struct answer course_run(
        struct dialogue *dialogue, const struct question *question, struct secret *pin)
{
        struct course course = {
                .dialogue = dialogue,
                .question = question,
                .flavour = dialogue_flavour(dialogue),
                .pin = pin,
        };
        int outcome = walk(&course);
        if (outcome != 0) {
                secret_wipe(pin);
                return (struct answer){ .outcome = outcome_of(outcome) };
        }
        bool about_readers = question->choice || question->search;
        return (struct answer){
                .released = about_readers ? 0 : question->required | course.released,
                .remember = course.remember,
                .pin = { pin->data, pin->len },
        };
}
