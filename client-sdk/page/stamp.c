/* SPDX-License-Identifier: Apache-2.0 */
/* stamp.c: see stamp.h. Texts are shaped as on a page and then leave as outlines: the PDF they go into needs no font, whatever
 * reads it has no choice in how they look, and the one that puts them there can check that a drawing is all it is.
 *
 * All is made smaller alike until it fits the stamp; lines are cut only when it is as small as can be read.
 */
#include "client-sdk/page/stamp.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/i18n.h"
#include "client-sdk/members.h"
#include "client-sdk/page/page.h"
#include "client-sdk/page/pen.h"

#include <cairo.h>
#include <pango/pangocairo.h>
#include <stdio.h>

#define LATEST    253402214400 /* the last day of the year 9999 begins */
#define ROWS_MAX  5
#define UNITS     20 /* coordinates are whole numbers of so many to a point */
#define NAME_SIZE 16.0
#define TEXT_SIZE 9.5
#define SMALLEST  0.25 /* of these sizes: 4 points for a name */
#define LARGEST   3.0
#define BAR       3.0
#define BORDER    0.75
#define WARNING   "0.8 0 0"       /* for a card that is none */
#define INK       "0.08 0.2 0.42" /* of frame and heading */

struct row {
        char text[STAMP_TEXT_MAX + 64];
        struct face face;
        bool coloured, name;
};

struct drawing {
        const struct stamp *stamp;
        struct layout layout;
        struct pen pen;
        struct row rows[ROWS_MAX];
        size_t count;
        int units; /* coordinates are whole numbers of so many to a point */
};

/* ---- the question ---- */

static bool read_text(const json_t *asked, const char *name, bool needed, char *dst)
{
        const json_t *value = json_object_get(asked, name);
        const char *text = json_string_value(value);
        if (!value)
                return !needed;
        if (!text || strlen(text) >= STAMP_TEXT_MAX)
                return false;
        text_sanitize(dst, STAMP_TEXT_MAX, text, STAMP_TEXT_MAX);
        return !needed || dst[0];
}

static bool read_side(const json_t *asked, const char *name, int *ret)
{
        const json_t *value = json_object_get(asked, name);
        if (!json_is_integer(value) || json_integer_value(value) < PAGE_STAMP_MIN ||
                json_integer_value(value) > PAGE_STAMP_SIDE)
                return false;
        *ret = (int)json_integer_value(value);
        return true;
}

static bool read_stamp(const json_t *asked, struct stamp *stamp)
{
        const char *language = json_string_value(json_object_get(asked, "language"));
        const json_t *at = json_object_get(asked, "at");
        if (!language || !json_is_integer(at) || json_integer_value(at) < 0 ||
                json_integer_value(at) > LATEST)
                return false;
        stamp->persian = strncmp(language, "fa", 2) == 0;
        stamp->at = json_integer_value(at);
        stamp->simulated = json_is_true(json_object_get(asked, "simulated"));
        return read_text(asked, "name", true, stamp->name) &&
               read_text(asked, "purpose", false, stamp->purpose) &&
               read_text(asked, "location", false, stamp->location) &&
               read_side(asked, "width", &stamp->width) &&
               read_side(asked, "height", &stamp->height);
}

int stamp_read(struct stamp *ret, const char *json, size_t len)
{
        bool starved = false;
        if (len > PAGE_INPUT_MAX)
                return OUTCOME_USAGE;
        _cleanup_json_ json_t *asked = members_read(json, len, &starved);
        *ret = (struct stamp){ 0 };
        if (starved)
                return -ENOMEM;
        return read_stamp(asked, ret) ? 0 : OUTCOME_USAGE;
}

/* ---- words ---- */

_printf_(5, 6) static void add(
        struct drawing *drawing, double size, bool bold, bool coloured, const char *format, ...)
{
        struct row *row = &drawing->rows[drawing->count++];
        va_list args;
        va_start(args, format);
        vsnprintf(row->text, sizeof row->text, format, args);
        va_end(args);
        row->face = (struct face){ size, bold, 0 };
        row->coloured = coloured;
        row->name = size == NAME_SIZE;
}

static void write_rows(struct drawing *drawing)
{
        const struct stamp *stamp = drawing->stamp;
        char moment[SHEET_MOMENT_MAX];
        sheet_moment(moment, stamp->persian, stamp->at);
        add(drawing, TEXT_SIZE, true, true, "%s",
                stamp->simulated ? _("SIMULATED CARD") : _("Signed with a smart card"));
        add(drawing, NAME_SIZE, true, false, "\u2068%s\u2069", stamp->name);
        add(drawing, TEXT_SIZE, false, false, "%s", moment);
        if (stamp->purpose[0])
                add(drawing, TEXT_SIZE, false, false, "%s: \u2068%s\u2069", _("Reason"),
                        stamp->purpose);
        if (stamp->location[0])
                add(drawing, TEXT_SIZE, false, false, "\u2068%s\u2069", stamp->location);
}

/* ---- places ---- */

static struct stretch inside(const struct drawing *drawing)
{
        double margin = drawing->layout.margin, bar = drawing->pen.rtl ? 0 : BAR;
        return (struct stretch){ margin + bar, drawing->layout.width - 2 * margin - BAR };
}

/* A cut name is another name. */
static double pass_row(struct drawing *drawing, const struct row *row)
{
        struct pen pen = drawing->pen;
        if (row->name)
                pen.fit.lines = 0;
        return pen_text(&pen, inside(drawing), row->text, row->face);
}

static double measure(struct drawing *drawing, struct fit fit)
{
        struct pen *pen = &drawing->pen;
        pen->fit = fit;
        pen->quiet = true;
        pen->y = 0;
        for (size_t i = 0; i < drawing->count; i++)
                pen->y += pass_row(drawing, &drawing->rows[i]);
        return pen->y;
}

static bool find_fit(struct drawing *drawing, double room)
{
        struct fit fit = { .scale = LARGEST };
        for (; fit.scale > SMALLEST; fit.scale *= 0.93)
                if (measure(drawing, fit) <= room)
                        return true;
        fit.lines = 1;
        return measure(drawing, fit) <= room;
}

/* ---- ink ---- */

struct trace {
        struct out *out;
        int units;
        long x, y; /* where it is */
};

static long nearest(double coordinate)
{
        return (long)(coordinate + (coordinate < 0 ? -0.5 : 0.5));
}

static void print_points(struct trace *trace, const cairo_path_data_t *data, int first, int last,
        const char *operator)
{
        for (int i = first; i <= last; i++) {
                trace->x = nearest(data[i].point.x * trace->units);
                trace->y = nearest(data[i].point.y * trace->units);
                out_print(trace->out, "%ld %ld ", trace->x, trace->y);
        }
        out_print(trace->out, "%s\n", operator);
}

/* How far the path goes on from where it is, the longer way of both. */
static long reach(const struct trace *trace, const cairo_path_data_t *end)
{
        long x = labs(nearest(end->point.x * trace->units) - trace->x);
        long y = labs(nearest(end->point.y * trace->units) - trace->y);
        return x > y ? x : y;
}

/* A bow of two units is a line, and a line of none is nothing: most of a font's fine work is finer than that. */
static void print_step(struct trace *trace, const cairo_path_data_t *data)
{
        switch (data->header.type) {
        case CAIRO_PATH_MOVE_TO: print_points(trace, data, 1, 1, "m"); break;
        case CAIRO_PATH_LINE_TO:
                if (reach(trace, &data[1]) > 0)
                        print_points(trace, data, 1, 1, "l");
                break;
        case CAIRO_PATH_CURVE_TO:
                if (reach(trace, &data[3]) > 2)
                        print_points(trace, data, 1, 3, "c");
                else if (reach(trace, &data[3]) > 0)
                        print_points(trace, data, 3, 3, "l");
                break;
        case CAIRO_PATH_CLOSE_PATH: out_print(trace->out, "h\n"); break;
        }
}

static void print_path(struct out *out, const cairo_path_t *path, int units)
{
        struct trace trace = { .out = out, .units = units };
        for (int i = 0; i < path->num_data; i += path->data[i].header.length)
                print_step(&trace, &path->data[i]);
        out_print(out, "f\n");
}

static int draw_row(struct drawing *drawing, const struct row *row, struct out *out)
{
        struct pen *pen = &drawing->pen;
        cairo_new_path(pen->cr);
        pen->y += pass_row(drawing, row);
        cairo_path_t *path = cairo_copy_path(pen->cr);
        cairo_status_t status = path->status;
        if (status == CAIRO_STATUS_SUCCESS) {
                const char *ink = drawing->stamp->simulated ? WARNING : INK;
                out_print(out, "%s rg\n", row->coloured ? ink : "0 0 0");
                print_path(out, path, drawing->units);
        }
        cairo_path_destroy(path);
        if (status == CAIRO_STATUS_NO_MEMORY)
                return -ENOMEM;
        return status == CAIRO_STATUS_SUCCESS ? 0 : -EIO;
}

/* The frame, with a bar where a line begins; then coordinates grow downwards, as letters have them. */
static void draw_frame(const struct drawing *drawing, struct out *out)
{
        const struct stamp *stamp = drawing->stamp;
        out_print(out, "q\n" INK " RG\n" INK " rg\n%.2f w\n", BORDER);
        out_print(out, "%.2f %.2f %.2f %.2f re\nS\n", BORDER / 2, BORDER / 2, stamp->width - BORDER,
                stamp->height - BORDER);
        out_print(out, "%.2f 0 %.2f %d re\nf\n", drawing->pen.rtl ? stamp->width - BAR : 0.0, BAR,
                stamp->height);
        out_print(out, "%.2f 0 0 -%.2f 0 %d cm\n", 1.0 / drawing->units, 1.0 / drawing->units,
                stamp->height);
}

static int draw_all(struct drawing *drawing, double top, struct out *out)
{
        int r = 0;
        drawing->pen.quiet = false;
        drawing->pen.y = top;
        draw_frame(drawing, out);
        for (size_t i = 0; r == 0 && i < drawing->count; i++)
                r = draw_row(drawing, &drawing->rows[i], out);
        out_print(out, "Q\n");
        return r;
}

/* As fine as the room allows: a tenth of a point is a dot of a good printer. */
static int draw_finest(struct drawing *drawing, double top, struct out *out)
{
        static const int units[] = { 20, 10, 5 };
        const struct out empty = *out;
        int r = 0;
        for (size_t i = 0; i < ARRAY_LEN(units); i++) {
                *out = empty;
                drawing->units = units[i];
                r = draw_all(drawing, top, out);
                if (r < 0 || !out->error)
                        return r;
        }
        *out = empty;
        return -EFBIG;
}

/* Texts that are too long to be drawn even so are cut, where everybody sees it. */
static int draw_rows(struct drawing *drawing, struct out *out)
{
        static const int cuts[] = { 0, 2, 1 };
        double room = drawing->stamp->height - 2 * drawing->layout.margin;
        int r = -EFBIG;
        if (pen_missing(&drawing->pen, drawing->stamp->name) > 0 ||
                pen_missing(&drawing->pen, drawing->rows[0].text) > 0)
                return -ENOENT;
        if (!find_fit(drawing, room))
                return -E2BIG;
        for (size_t i = drawing->pen.fit.lines == 1 ? 2 : 0; r == -EFBIG && i < ARRAY_LEN(cuts);
                i++) {
                struct fit fit = { drawing->pen.fit.scale, cuts[i] };
                double left = room - measure(drawing, fit);
                r = draw_finest(drawing, drawing->layout.margin + left / 2, out);
        }
        return r;
}

static void set_layout(struct drawing *drawing)
{
        const struct stamp *stamp = drawing->stamp;
        double margin = (stamp->width < stamp->height ? stamp->width : stamp->height) / 12.0;
        drawing->layout = (struct layout){ .width = stamp->width,
                .height = stamp->height,
                .margin = layout_greater(2, margin < 12 ? margin : 12),
                .line_height = 1.3,
                .label = { TEXT_SIZE, false, 0 } };
}

int stamp_draw(const struct stamp *stamp, struct out *out)
{
        _cleanup_free_ struct drawing *drawing = calloc(1, sizeof *drawing);
        if (!drawing)
                return -ENOMEM;
        /* Without bounds: cairo leaves out glyphs that lie far outside a surface, of a path, too. */
        cairo_surface_t *surface = cairo_recording_surface_create(CAIRO_CONTENT_ALPHA, NULL);
        cairo_t *cr = cairo_create(surface);
        PangoContext *context = pen_context(cr, stamp->persian);
        drawing->stamp = stamp;
        set_layout(drawing);
        drawing->pen = (struct pen){ .cr = cr,
                .context = context,
                .layout = &drawing->layout,
                .fit = { .scale = 1 },
                .rtl = stamp->persian,
                .outline = true };
        pen_set_lines(&drawing->pen);
        write_rows(drawing);
        int r = draw_rows(drawing, out);
        g_object_unref(context);
        cairo_destroy(cr);
        cairo_surface_destroy(surface);
        return r;
}
