/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c: each kind of row on paper: see pen.h. A kind is a row of the table `draws`. The beginning of a
 * line is its left end or its right one (layout_slice()), so that no function here knows which language it
 * draws.
 */
#include "client-sdk/page/pen.h"

#include <cairo.h>

#define LRI "\xE2\x81\xA6"
#define PDI "\xE2\x81\xA9"

#define HAIR 0.6

/* What the page says itself is never cut. */
static double put_words(
        const struct pen *pen, struct stretch at, const char *text, struct face face)
{
        struct pen patient = *pen;
        patient.fit.lines = 0;
        return pen_text(&patient, at, text, face);
}

static size_t draw_plain(struct pen *pen, const struct sheet_row *row, size_t left)
{
        (void)left;
        pen->y += put_words(pen, pen_line(pen), row->text, pen->layout->faces[row->kind]);
        pen->y += pen_gaps(pen, 1);
        return 1;
}

/* In a frame. */
static size_t draw_notice(struct pen *pen, const struct sheet_row *row, size_t left)
{
        struct stretch line = pen_line(pen);
        double pad = pen_gaps(pen, 4), top = pen->y + pen_gaps(pen, 2);
        struct stretch inner = { line.x + pad, line.width - 2 * pad };
        (void)left;
        pen->y = top + pad;
        double height = put_words(pen, inner, row->text, pen->layout->faces[row->kind]) + 2 * pad;
        if (!pen->quiet) {
                cairo_set_source_rgb(pen->cr, 0, 0, 0);
                cairo_set_line_width(pen->cr, 2 * HAIR);
                cairo_rectangle(pen->cr, line.x, top, line.width, height);
                cairo_stroke(pen->cr);
        }
        pen->y = top + height + pen_gaps(pen, 2);
        return 1;
}

static size_t draw_section(struct pen *pen, const struct sheet_row *row, size_t left)
{
        (void)left;
        pen->y += pen_gaps(pen, 4);
        pen_rule(pen, HAIR);
        pen->y += pen_gaps(pen, 2);
        return draw_plain(pen, row, left);
}

/* Large, unless that takes more than two lines: what a long name needs is room. It has twice as many lines
 * as any name of 255 bytes in an alphabet takes; there are letters as wide as a word. */
#define NAME_LINES 8

static size_t draw_name(struct pen *pen, const struct sheet_row *row, size_t left)
{
        const struct face *faces = pen->layout->faces, *large = &faces[SHEET_NAME];
        const struct face small = { faces[SHEET_FIELD].size, true, 0 };
        struct stretch line = pen_line(pen);
        struct pen quiet = *pen, patient = *pen;
        (void)left;
        quiet.quiet = true;
        patient.fit.lines = pen->fit.lines > 0 ? NAME_LINES : 0;
        bool fits = put_words(&quiet, line, row->text, *large) <
                    2.5 * put_words(&quiet, line, "0", *large);
        pen->y += pen_text(&patient, line, row->text, fits ? *large : small) + pen_gaps(pen, 1);
        return 1;
}

/* ---- label and text ---- */

/* The text with its note; before it the label, if there is no column for labels. */
static double put_field(const struct pen *pen, const struct sheet_row *row, struct stretch at)
{
        const struct layout *layout = pen->layout;
        const bool inlined = layout->label_width <= 0, noted = row->note[0] != '\0';
        const struct piece pieces[] = {
                { inlined ? row->label : "", layout->label, false },
                { inlined ? ": " : "", layout->label, false },
                { row->text, layout->faces[SHEET_FIELD], false },
                { noted ? "  " LRI : "", layout->note, true },
                { row->note, layout->note, true },
                { noted ? PDI : "", layout->note, true },
        };
        return pen_pieces(pen, at, pieces, ARRAY_LEN(pieces));
}

static size_t draw_field(struct pen *pen, const struct sheet_row *row, size_t left)
{
        const struct layout *layout = pen->layout;
        struct stretch line = pen_line(pen);
        struct stretch label = layout_slice(line, pen->rtl, 0, layout->label_width);
        double from = layout->label_width * 1.05, beside = 0;
        struct stretch rest = layout_slice(line, pen->rtl, from, line.width - from);
        (void)left;
        if (layout->label_width > 0)
                beside = put_words(pen, label, row->label, layout->label);
        pen->y += layout_greater(put_field(pen, row, rest), beside) + pen_gaps(pen, 1);
        return 1;
}

/* ---- what was checked, and what was not ---- */

static void mark(const struct pen *pen, enum sheet_kind kind, struct stretch at, double tall)
{
        static const double tick[][2] = { { 0, 0.55 }, { 0.35, 0.9 }, { 1, 0.1 } };
        static const double dash[][2] = { { 0, 0.55 }, { 0.5, 0.55 }, { 1, 0.55 } };
        const double(*line)[2] = kind == SHEET_DONE ? tick : dash;
        double size = at.width, top = pen->y + (tall - size) / 2;
        if (pen->quiet)
                return;
        cairo_set_source_rgb(pen->cr, 0, 0, 0);
        cairo_set_line_width(pen->cr, size * 0.18);
        cairo_new_path(pen->cr);
        for (size_t i = 0; i < ARRAY_LEN(tick); i++)
                cairo_line_to(pen->cr, at.x + line[i][0] * size, top + line[i][1] * size);
        cairo_stroke(pen->cr);
}

static double put_item(const struct pen *pen, const struct sheet_row *row, struct stretch column)
{
        const struct face *face = &pen->layout->list;
        double letter = face->size * pen->fit.scale;
        struct stretch sign = layout_slice(column, pen->rtl, 0, letter * 0.55);
        struct stretch rest = layout_slice(column, pen->rtl, letter, column.width - letter);
        mark(pen, row->kind, sign, letter * 1.3);
        return pen_text(pen, rest, row->text, *face) + pen_gaps(pen, 0.5);
}

/* A heading and its items, downwards from the pen, which stays. Returns the height of all. */
static double put_list(
        const struct pen *pen, const struct sheet_row *rows, size_t count, struct stretch column)
{
        struct pen moving = *pen;
        if (count > 0)
                moving.y +=
                        pen_text(pen, column, rows[0].label, pen->layout->label) + pen_gaps(pen, 1);
        for (size_t i = 0; i < count; i++)
                moving.y += put_item(&moving, &rows[i], column);
        return moving.y - pen->y;
}

static size_t count_kind(const struct sheet_row *rows, size_t left, enum sheet_kind kind)
{
        size_t count = 0;
        while (count < left && rows[count].kind == kind)
                count++;
        return count;
}

/* All that was checked beside all that was not, or above it. */
static size_t draw_lists(struct pen *pen, const struct sheet_row *rows, size_t left)
{
        const size_t columns = pen->layout->columns;
        struct stretch line = pen_line(pen);
        double width = columns > 1 ? (line.width - pen_gaps(pen, 6)) / (double)columns : line.width;
        size_t done = count_kind(rows, left, SHEET_DONE);
        size_t open = count_kind(rows + done, left - done, SHEET_OPEN);
        double first = put_list(pen, rows, done, layout_slice(line, pen->rtl, 0, width));
        if (columns == 1) {
                pen->y += first + pen_gaps(pen, 1);
                first = 0;
        }
        struct stretch second = layout_slice(line, pen->rtl, line.width - width, width);
        pen->y +=
                layout_greater(put_list(pen, rows + done, open, second), first) + pen_gaps(pen, 2);
        return done + open;
}

/* ---- where the evidence is ---- */

static void put_code(const struct pen *pen, double x, double side)
{
        const struct qr *qr = pen->qr;
        double module = side / (double)(qr->side + 2 * QR_QUIET);
        if (pen->quiet)
                return;
        cairo_set_source_rgb(pen->cr, 1, 1, 1);
        cairo_rectangle(pen->cr, x, pen->y, side, side);
        cairo_fill(pen->cr);
        cairo_set_source_rgb(pen->cr, 0, 0, 0);
        for (size_t i = 0; i < qr->side * qr->side; i++)
                if (qr->dark[i])
                        cairo_rectangle(pen->cr, x + (double)(i % qr->side + QR_QUIET) * module,
                                pen->y + (double)(i / qr->side + QR_QUIET) * module, module,
                                module);
        cairo_fill(pen->cr);
}

static double put_pointer(const struct pen *pen, const struct sheet_row *row, struct stretch at)
{
        const struct layout *layout = pen->layout;
        const struct piece pieces[] = {
                { row->text, layout->faces[row->kind], false },
                { "\n" LRI, layout->code, true },
                { row->note, layout->code, true },
                { PDI, layout->code, true },
        };
        struct pen patient = *pen;
        patient.fit.lines = 0;
        return pen_pieces(&patient, at, pieces, ARRAY_LEN(pieces));
}

/* The code with the words beside it, or below. */
static size_t draw_pointer(struct pen *pen, const struct sheet_row *row, size_t left)
{
        struct stretch line = pen_line(pen);
        double side = pen->layout->qr_side, from = side + pen_gaps(pen, 1);
        (void)left;
        pen->y += pen_gaps(pen, 3);
        pen_rule(pen, HAIR);
        pen->y += pen_gaps(pen, 3);
        if (pen->layout->columns > 1) {
                double quiet = side * QR_QUIET / (double)(pen->qr->side + 2 * QR_QUIET);
                put_code(pen, layout_slice(line, pen->rtl, -quiet, side).x, side);
                struct stretch words = layout_slice(line, pen->rtl, from, line.width - from);
                pen->y += layout_greater(put_pointer(pen, row, words), side);
        } else {
                put_code(pen, line.x + (line.width - side) / 2, side);
                pen->y += side + pen_gaps(pen, 1);
                pen->y += put_pointer(pen, row, line);
        }
        pen->y += pen_gaps(pen, 2);
        return 1;
}

static size_t (*const draws[SHEET_KINDS])(struct pen *, const struct sheet_row *, size_t) = {
        [SHEET_TITLE] = draw_plain,
        [SHEET_NOTICE] = draw_notice,
        [SHEET_SECTION] = draw_section,
        [SHEET_NAME] = draw_name,
        [SHEET_FIELD] = draw_field,
        [SHEET_DONE] = draw_lists,
        [SHEET_OPEN] = draw_lists,
        [SHEET_REMARK] = draw_plain,
        [SHEET_POINTER] = draw_pointer,
};

size_t rows_draw(struct pen *pen, const struct sheet_row *rows, size_t left)
{
        return draws[rows->kind](pen, rows, left);
}
