/* SPDX-License-Identifier: Apache-2.0 */
/* pinchange.h: the words for a new PIN, page by page; as texts.h, for pinchange.c and the test of the words. */
#ifndef MOHR_PROMPT_PINCHANGE_H
#define MOHR_PROMPT_PINCHANGE_H

#include "daemon/prompt/texts.h"

/* Who wants a new PIN for whose card, and that it is recorded. */
void pintexts_consent(const struct question *question, struct page *ret);
/* The code that unblocks may have one try left, and nobody can know. ok: yes, notok: no. */
void pintexts_code_try(const struct question *question, struct page *ret);
/* The present PIN, or the code that unblocks. */
void pintexts_proof(const struct question *question, struct page *ret);
void pintexts_new_pin(const struct question *question, struct page *ret);
void pintexts_again(const struct question *question, struct page *ret);

#endif
