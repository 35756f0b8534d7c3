/* SPDX-License-Identifier: Apache-2.0 */
/* vault.h: memory for a library through whose buffers digits pass: locked, left out of core dumps, wiped when it is given
 * back. Slower than malloc(3) and never less than a page: for few pieces.
 *
 * Unlike struct secret (base/secret.h) it is there after a fork, since the library goes on in the child for a moment.
 */
#ifndef MOHR_PROMPT_VAULT_H
#define MOHR_PROMPT_VAULT_H

#include "base/base.h"

/* As malloc(3), realloc(3), free(3), of which nothing else is true than what they say: NULL and errno where there is none that
 * can be locked. Zeroed. */
void *vault_malloc(size_t size);
void *vault_realloc(void *piece, size_t size);
void vault_free(void *piece);

#endif
