/* SPDX-License-Identifier: Apache-2.0 */
/* draw.h: a sheet as one page of PDF. */
#ifndef MOHR_PAGE_DRAW_H
#define MOHR_PAGE_DRAW_H

#include "base/bytes.h"
#include "client-sdk/page/sheet.h"

#define DRAW_PDF_MAX (4 * 1024 * 1024)

/* Appends the PDF to `pdf`. -ENOENT: no font on this machine has the letters of the page's own words or of the
 * name; -E2BIG: more text than a page holds; -EFBIG: a longer PDF than `pdf` holds; -ENOMEM; -EIO. */
_must_check_ int draw_sheet(const struct sheet *sheet, struct out *pdf);

#endif
