/* SPDX-License-Identifier: Apache-2.0 */
/* stamp.h: what stands visibly on a page that was signed: by whom, when, what for. */
#ifndef MOHR_PAGE_STAMP_H
#define MOHR_PAGE_STAMP_H

#include "base/bytes.h"

#define STAMP_TEXT_MAX 513

/* Texts are fit to be seen; "" where there is none. */
struct stamp {
        bool persian, simulated;
        char name[STAMP_TEXT_MAX], purpose[STAMP_TEXT_MAX], location[STAMP_TEXT_MAX];
        int64_t at;
        int width, height; /* points */
};

/* 0; 2 if the question is not as page.h says; -ENOMEM. */
_must_check_ int stamp_read(struct stamp *ret, const char *json, size_t len);
/* Appends the content stream. -ENOENT: no font here has the letters of the name; -E2BIG: it does not fit the stamp; -EFBIG: a longer
 * stream than `out` holds; -ENOMEM; -EIO. */
_must_check_ int stamp_draw(const struct stamp *stamp, struct out *out);

#endif
