/* SPDX-License-Identifier: Apache-2.0 */
/* draw.c: see draw.h. The rows are gone through several times by the same code: with a quiet pen at
 * smaller and smaller scales until they fit, and at last with one that draws.
 *
 * PDF 1.4, because a reader of that version needs a plain cross-reference table, and so the bundle can be
 * appended by an incremental update. Nothing depends on the clock: equal sheets give equal bytes.
 */
#include "client-sdk/page/draw.h"

#include "base/text.h"
#include "client-sdk/page/pen.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>

/* No reader of PDF need take a page that is longer (ISO 32000-1, annex C). */
#define LONGEST 14400.0

static void unref_context(PangoContext **context)
{
        if (*context)
                g_object_unref(*context);
}

static void destroy_cairo(cairo_t **cr)
{
        cairo_destroy(*cr);
}

static void destroy_surface(cairo_surface_t **surface)
{
        cairo_surface_destroy(*surface);
}

/* ---- rows ---- */

static void draw_rows(struct pen *pen, size_t from, size_t to)
{
        for (size_t i = from; i < to;)
                i += rows_draw(pen, &pen->sheet->rows[i], to - i);
}

static double height_from(const struct pen *pen, size_t from, struct fit fit)
{
        struct pen quiet = *pen;
        quiet.quiet = true;
        quiet.fit = fit;
        quiet.y = 0;
        draw_rows(&quiet, from, pen->sheet->count);
        return quiet.y;
}

static double height_at(void *user, struct fit fit)
{
        return height_from(user, 0, fit);
}

/* A paper that has a height of its own has the pointer at its foot. */
static void draw_all(struct pen *pen, double height)
{
        const struct sheet *sheet = pen->sheet;
        size_t foot = 0;
        while (foot < sheet->count && sheet->rows[foot].kind != SHEET_POINTER)
                foot++;
        double lowest = height - pen->layout->margin - height_from(pen, foot, pen->fit);
        pen->y = pen->layout->margin;
        draw_rows(pen, 0, foot);
        if (pen->y < lowest)
                pen->y = lowest;
        draw_rows(pen, foot, sheet->count);
}

/* Whether the fonts of this machine have the letters of the page's own words and of the holder's name: boxes
 * are no receipt. */
static bool letters_are_there(const struct pen *pen)
{
        int missing = 0;
        for (size_t i = 0; i < pen->sheet->count; i++) {
                const struct sheet_row *row = &pen->sheet->rows[i];
                if (row->kind == SHEET_TITLE || row->kind == SHEET_SECTION ||
                        row->kind == SHEET_NAME)
                        missing += pen_missing(pen, row->text);
                if (row->label)
                        missing += pen_missing(pen, row->label);
        }
        return missing == 0;
}

/* ---- the page ---- */

static cairo_status_t collect(void *closure, const unsigned char *data, unsigned int len)
{
        struct out *pdf = closure;
        out_bytes(pdf, data, len);
        return pdf->error ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

static void describe(cairo_surface_t *surface, const struct sheet *sheet)
{
        char made_at[24];
        text_iso8601(made_at, sheet->made_at);
        cairo_pdf_surface_restrict_to_version(surface, CAIRO_PDF_VERSION_1_4);
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, sheet->title);
        cairo_pdf_surface_set_metadata(
                surface, CAIRO_PDF_METADATA_CREATOR, "mohr-page " MOHR_VERSION);
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, made_at);
}

static int draw_with(struct pen *pen, cairo_surface_t *surface)
{
        const struct layout *layout = pen->layout;
        double height = layout->height > 0 ? layout->height : LONGEST;
        if (!letters_are_there(pen))
                return -ENOENT;
        if (!layout_fit(&pen->fit, height_at, pen, height - 2 * layout->margin))
                return -E2BIG;
        if (layout->height <= 0)
                height = height_at(pen, pen->fit) + 2 * layout->margin;
        cairo_pdf_surface_set_size(surface, layout->width, height);
        if (pen->sheet->watermark)
                pen_watermark(pen, pen->sheet->watermark, height);
        draw_all(pen, height);
        return 0;
}

static int status_of(cairo_status_t status)
{
        if (status == CAIRO_STATUS_SUCCESS)
                return 0;
        return status == CAIRO_STATUS_NO_MEMORY ? -ENOMEM : -EIO;
}

static int draw_on(cairo_surface_t *surface, const struct sheet *sheet, const struct qr *qr)
{
        _cleanup_(destroy_cairo) cairo_t *cr = cairo_create(surface);
        _cleanup_(unref_context) PangoContext *context = pen_context(cr, sheet->persian);
        struct pen pen = { .cr = cr,
                .context = context,
                .sheet = sheet,
                .layout = layout_of(sheet->size),
                .qr = qr,
                .fit = { .scale = 1 },
                .rtl = sheet->persian };
        pen_set_lines(&pen);
        return draw_with(&pen, surface);
}

int draw_sheet(const struct sheet *sheet, struct out *pdf)
{
        struct qr qr = { 0 };
        const double width = layout_of(sheet->size)->width;
        int r = qr_make(&qr, sheet->code, QR_PAPER);
        if (r < 0)
                return r;
        _cleanup_(destroy_surface) cairo_surface_t *surface =
                cairo_pdf_surface_create_for_stream(collect, pdf, width, width);
        describe(surface, sheet);
        r = draw_on(surface, sheet, &qr);
        cairo_surface_finish(surface);
        if (r < 0)
                return r;
        return pdf->error ? -EFBIG : status_of(cairo_surface_status(surface));
}
