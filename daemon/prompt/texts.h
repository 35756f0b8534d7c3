/* SPDX-License-Identifier: Apache-2.0 */
/* texts.h: the words of the prompt, composed so that each fits one Assuan line.
 *
 * What an app, a card or a certificate says is sanitised here (base/text.h), its white space folded
 * to single blanks so that it can neither start a line nor be pushed to one, '<' taken from it so that
 * no toolkit sees markup, and wrapped in FSI..PDI so that it cannot turn the direction of our words.
 * When a page is too long, the app's strings (who, for whom, purpose) are cut, longest first, never
 * the holder, a warning or the number of tries. The path of a program loses its beginning, everything
 * else its end: what identifies it stays.
 */
#ifndef MOHR_PROMPT_TEXTS_H
#define MOHR_PROMPT_TEXTS_H

#include "daemon/prompt/question.h"

#define TEXTS_LINE_MAX 1000 /* bytes of an Assuan line without its line feed */

struct page {
        const char *title, *ok, *cancel, *prompt,
                *notok; /* static or gettext's; prompt only on PIN pages */
        char desc
                [TEXTS_LINE_MAX]; /* lines separated by '\n', not yet escaped; "" if they do not fit */
};

/* Says nothing of the holder: who that is, the person is asked about afterwards. */
void texts_choice(const struct question *question, struct page *ret);
/* Nor does this: what it shows was named by the app or by readers. */
void texts_search(const struct question *question, struct page *ret);
void texts_unproven(const struct question *question, struct page *ret);
void texts_consent(const struct question *question, struct page *ret);
void texts_last_try(const struct question *question, struct page *ret);
void texts_pin(const struct question *question, struct page *ret);
void texts_keys(const struct question *question, struct page *ret); /* instead: the reader asks */
const char *texts_bad_pin(
        const struct question *question); /* said when what was typed cannot be a PIN */

/* "COMMAND text" with Assuan's percent escapes. -EMSGSIZE if it would not fit one line. */
_must_check_ int texts_line(
        char dst[static TEXTS_LINE_MAX + 1], const char *command, const char *text);
/* One outside string as it is shown, without isolates. */
void texts_outside(char *dst, size_t cap, const char *src, size_t max_chars);

#endif
