/* SPDX-License-Identifier: Apache-2.0 */
/* ink.h: what a stamp may hold: shapes and colours. */
#ifndef MOHR_DOCUMENT_INK_H
#define MOHR_DOCUMENT_INK_H

#include "base/base.h"

/* Is this a content stream (ISO 32000-1 7.8) of numbers, path, paint, colour and state operators only, each with as many numbers as
 * it takes, with q and Q in pairs? Then it can name nothing outside itself. */
bool ink_is_plain(const uint8_t *data, size_t len);

#endif
