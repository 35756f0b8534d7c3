/* SPDX-License-Identifier: Apache-2.0 */
/* pen.h: what the drawing of rows and of the page share: where the pen is, and text at that place. Only the
 * drawing files include it; the others know nothing of pango.
 */
#ifndef MOHR_PAGE_PEN_H
#define MOHR_PAGE_PEN_H

#include "client-sdk/page/layout.h"
#include "client-sdk/page/qr.h"

struct pen {
        struct _cairo *cr;
        struct _PangoContext *context;
        const struct sheet *sheet;
        const struct layout *layout;
        const struct qr *qr;
        double y;
        double line_factor; /* of the font's own distance of lines, which differs a lot: pen_set_lines() */
        struct fit fit;
        bool rtl;
        bool quiet;   /* moves, and leaves no ink */
        bool outline; /* texts become a part of the current path */
};

/* A stretch of text with a face of its own. `code`: letters that stand for themselves, never joined. */
struct piece {
        const char *text;
        struct face face;
        bool code;
};

/* With the fonts and the direction of the language; whoever asks drops the reference. */
struct _PangoContext *pen_context(struct _cairo *cr, bool persian);
/* Once there is a context. */
void pen_set_lines(struct pen *pen);
/* One paragraph of several pieces at the pen's height; returns its height. */
double pen_pieces(
        const struct pen *pen, struct stretch at, const struct piece *pieces, size_t count);
double pen_text(const struct pen *pen, struct stretch at, const char *text, struct face face);
/* How many characters of this text no font here has. */
int pen_missing(const struct pen *pen, const char *text);
/* A text that covers the paper from top to bottom, behind everything. */
void pen_watermark(const struct pen *pen, const char *text, double height);

struct stretch pen_line(const struct pen *pen);       /* from margin to margin */
double pen_gaps(const struct pen *pen, double count); /* so many gaps of the layout */
void pen_rule(
        const struct pen *pen, double thickness); /* from margin to margin, at the pen's height */

/* rows.c: draws the first of these rows, or as many as belong together, and moves the pen below them. Returns
 * how many. */
_must_check_ size_t rows_draw(struct pen *pen, const struct sheet_row *rows, size_t left);

#endif
