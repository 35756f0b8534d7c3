/* SPDX-License-Identifier: Apache-2.0 */
/* require.h: what must hold for any input; a target that is wrong about it ends at once, whatever NDEBUG says. */
#ifndef MOHR_FUZZ_REQUIRE_H
#define MOHR_FUZZ_REQUIRE_H

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static inline void require(bool holds)
{
        if (!holds)
                abort();
}

/* Ends within its bounds, and is UTF-8. */
static inline void require_text(const char *text, size_t cap)
{
        size_t len = strnlen(text, cap);
        require(len < cap && text_utf8_valid(text, len));
}

#endif
