/* SPDX-License-Identifier: Apache-2.0 */
/* texts_internal.h: what the pages have in common; for the texts*.c files alone.
 *
 * Each adds lines to a page that is being composed, and says nothing about order.
 */
#ifndef MOHR_PROMPT_TEXTS_INTERNAL_H
#define MOHR_PROMPT_TEXTS_INTERNAL_H

#include "daemon/prompt/texts.h"

/* A name that is never cut further: 64 letters, and what an Assuan line makes of them is no longer than 128 bytes. */
#define TEXTS_NAME_SIZE 129
void texts_name(char dst[static TEXTS_NAME_SIZE], const char *name);

/* Title and two plain buttons; above all else what holds for the whole talk: a simulated card, another language. */
void texts_begin(struct parts *parts, const struct question *question, struct page *ret);
void texts_add_asker(struct parts *parts, const struct question *question); /* who, and for whom */
void texts_add_purpose(struct parts *parts, const struct question *question);
void texts_add_audience(struct parts *parts, const struct question *question);
void texts_add_holder(struct parts *parts, const struct question *question);
void texts_add_reader(struct parts *parts, const struct question *question);
void texts_add_request(struct parts *parts, const struct question *question);
void texts_add_count(
        struct parts *parts, const char *format, const struct question *question, int n);
/* "a, b, c" of SHARE_ bits; nothing if there are none. */
void texts_add_shares(
        struct parts *parts, const struct question *question, const char *format, uint8_t shares);
/* Name, number, what the certificate says, what goes along: all that is given away. */
void texts_add_given_away(struct parts *parts, const struct question *question);
void texts_add_record(struct parts *parts, const struct question *question);
/* What the PIN or the last try is for, where it is no assertion: this document, or this use of a key. */
void texts_add_matter(struct parts *parts, const struct question *question);
void texts_add_content(struct parts *parts, const struct question *question); /* of WORK_KEY */
/* The same with all that consent wants to know: the present document, or what is signed and whose key does it. */
void texts_add_document(struct parts *parts, const struct question *question);
void texts_add_key(struct parts *parts, const struct question *question);
void texts_add_pin(struct parts *parts, const struct question *question); /* which, and where */
void texts_add_tries(struct parts *parts, const struct question *question);
#define TEXTS_NUMBER_SIZE 48 /* Persian digits have two bytes */
void texts_number(char dst[static TEXTS_NUMBER_SIZE], const struct question *question, uint64_t n);
bool texts_in_persian(const struct question *question);

#endif
