/* SPDX-License-Identifier: Apache-2.0 */
/* course_works.c: the pages in their order for documents, certificates and keys.
 *
 * Documents are agreed to once for all of them, on the last page of their list, which cannot be reached but through
 * the others. What comes after that for each document is the last try's question and its PIN: `granted` leaves
 * out nothing else. A key's use is agreed to by typing the PIN on a page that says what for; where something comes before
 * that PIN (the reader's keys, the last try), or the page has no room for the words, a page of consent comes first.
 */
#include "daemon/prompt/course_internal.h"

/* ---- documents ----------------------------------------------------------------------------- */

static int show(struct course *course, const struct page *page)
{
        bool third = false;
        return dialogue_confirm(course->dialogue, page, &third);
}

static int ask_list(struct course *course)
{
        struct page page;
        size_t at = course->question->document_at;
        bool last = false;
        texts_documents_asked(course->question, &page);
        int outcome = show(course, &page);
        while (outcome == 0 && !last) {
                at = texts_documents(course->question, at, &page, &last);
                outcome = show(course, &page);
        }
        return outcome;
}

static int ask_documents(struct course *course)
{
        struct page page;
        return texts_documents_whole(course->question, &page) ? show(course, &page)
                                                              : ask_list(course);
}

static bool tells_unproven(const struct question *question)
{
        return course_tells_unproven(question) && !question->granted;
}

static bool not_granted(const struct question *question)
{
        return !question->granted;
}

/* ---- keys ---------------------------------------------------------------------------------- */

/* They say who the holder is, and no PIN comes after this page: so Enter is no "yes" here. Two buttons are enough where it
 * is none anyway. */
static int ask_certificates(struct course *course)
{
        struct page page;
        bool yes = false;
        texts_certificates(course->question, &page);
        if (!course_is_reversed(course)) {
                page.cancel = page.notok;
                page.notok = NULL;
        }
        int outcome = course_decide_page(course, &page, &yes);
        return outcome == 0 && !yes ? OUTCOME_REFUSED : outcome;
}

static int ask_key(struct course *course)
{
        return course_agree(course, texts_key);
}

static bool key_wants_consent(const struct question *question)
{
        return question->pinpad || course_is_last_try(question) || texts_entry_is_long(question);
}

/* ---- the order ----------------------------------------------------------------------------- */

const struct step document_steps[] = {
        { tells_unproven, course_unproven },
        { course_wants_consent, ask_documents },
        { course_is_last_try, course_last_try },
        { NULL, course_pin },
        { NULL, NULL },
};

const struct step certificate_steps[] = {
        { not_granted, ask_certificates },
        { course_may_remember, course_remember },
        { NULL, NULL },
};

const struct step key_steps[] = {
        { course_tells_unproven, course_unproven },
        { key_wants_consent, ask_key },
        { course_is_last_try, course_last_try },
        { NULL, course_pin },
        { NULL, NULL },
};
