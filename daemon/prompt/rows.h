/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h: the rows of a page, for a toolkit that breaks none itself. */
#ifndef MOHR_PROMPT_ROWS_H
#define MOHR_PROMPT_ROWS_H

#include "daemon/prompt/parts.h"

/* `text` with a line separator (U+2028) where a row would have more than so many letters, in the place of the last blank before
 * that or of U+200B. What has neither stays whole, and so does what would find no room. */
void rows_break(char dst[static PARTS_LINE_MAX], const char *text, size_t columns);

#endif
