/* SPDX-License-Identifier: Apache-2.0 */
/* layout.h: the measures of both papers, and the decisions about place that need no font. Points (1/72 inch)
 * from the upper left corner.
 */
#ifndef MOHR_PAGE_LAYOUT_H
#define MOHR_PAGE_LAYOUT_H

#include "client-sdk/page/sheet.h"

struct face {
        double size;
        bool bold;
        double grey; /* 0 black */
};

struct layout {
        double width, height; /* height 0: as long as it must be */
        double margin;
        double label_width; /* 0: labels stand before their text, in one line with it */
        size_t columns;     /* of the lists of what was checked */
        double qr_side;
        double gap;         /* after a row; others are multiples of it */
        double line_height; /* from line to line, in sizes of its letters, whatever the font wants */
        struct face faces[SHEET_KINDS], label, note, list, code;
        double watermark, watermark_every, watermark_grey;
        bool watermark_outline; /* a printer that knows no grey */
};

const struct layout *layout_of(enum facts_size size);

/* A stretch of a line. */
struct stretch {
        double x, width;
};
/* The part of `whole` that begins `from` after its beginning: its left end, or its right one. */
struct stretch layout_slice(struct stretch whole, bool rtl, double from, double width);

static inline double layout_greater(double a, double b)
{
        return a > b ? a : b;
}

/* How small everything is written, and after how many lines a text is cut with an ellipsis (0: never). */
struct fit {
        double scale;
        int lines;
};

/* The most generous fit with which `height_at` is at most `room`. False if there is none. */
_must_check_ bool layout_fit(
        struct fit *ret, double (*height_at)(void *user, struct fit fit), void *user, double room);

#endif
