/* SPDX-License-Identifier: Apache-2.0 */
/* texts.h: the words of the prompt, page by page.
 *
 * What comes from outside is cleaned, cut and wrapped by parts.h; which of it stands where, and in which words,
 * is said here. Never cut are the holder, a warning, the number of tries, and the first 64 letters of a
 * verified organisation's name.
 */
#ifndef MOHR_PROMPT_TEXTS_H
#define MOHR_PROMPT_TEXTS_H

#include "daemon/prompt/parts.h"
#include "daemon/prompt/question.h"

struct page {
        const char *title, *ok, *cancel, *prompt,
                *notok; /* static or gettext's; prompt only on PIN pages */
        char desc
                [PARTS_LINE_MAX]; /* lines separated by '\n', not yet escaped; "" if they do not fit */
};

/* Says nothing of the holder: who that is, the person is asked about afterwards. */
void texts_choice(const struct question *question, struct page *ret);
/* Nor does this: what it shows was named by the app or by readers. */
void texts_search(const struct question *question, struct page *ret);
void texts_unproven(const struct question *question, struct page *ret);

/* Where the consent page would have to cut what the app says, that is said whole on a page of its own before. */
bool texts_consent_is_long(const struct question *question);
void texts_asked(const struct question *question, struct page *ret);
/* Audience and purpose alone, where the page before could not say them whole. */
bool texts_asked_is_cut(const struct question *question);
void texts_what_for(const struct question *question, struct page *ret);
/* With something optional: ok is all, notok only what is required, cancel nothing. */
void texts_consent(const struct question *question, struct page *ret);
/* The same without that choice, where texts_optional() comes next. */
void texts_consent_first(const struct question *question, struct page *ret);
/* The optional by itself, for a pinentry that has no third button: ok adds it, cancel leaves it out. */
void texts_optional(const struct question *question, struct page *ret);
/* May it ask again without the consent page? ok: yes, notok: no. */
void texts_remember(const struct question *question, struct page *ret);

/* One document and all that consent wants to know on one page; false: there is more, or something had to be cut. */
_must_check_ bool texts_documents_whole(const struct question *question, struct page *ret);
/* Else: who asks and what for ... */
void texts_documents_asked(const struct question *question, struct page *ret);
/* ... then the documents from this one on, as many as there is room for. Returns the next one's number; *ret_last: none is
 * left, and this is the page to agree on. */
size_t texts_documents(
        const struct question *question, size_t from, struct page *ret, bool *ret_last);

/* Who wants what signed by which key. Where there is room the PIN's page says that, too. */
void texts_key(const struct question *question, struct page *ret);
void texts_certificates(const struct question *question, struct page *ret);

/* Also where the number of tries is not known. ok: yes, notok: no. */
void texts_last_try(const struct question *question, struct page *ret);

/* The PIN's page; where it is typed on the reader's keys or on the phone, the page that leads there. What was allowed before,
 * what a key signs, and on a phone all that the computer asks is told on it, or where that is long on a page of its own before. */
void texts_entry(const struct question *question, struct page *ret);
bool texts_entry_is_long(const struct question *question); /* there is no room for that */
void texts_granted(const struct question *question, struct page *ret);
const char *texts_bad_pin(
        const struct question *question); /* said when what was typed cannot be a PIN */

#endif
