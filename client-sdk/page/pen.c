/* SPDX-License-Identifier: Apache-2.0 */
/* pen.c: see pen.h; by pango (shaping, both directions, line breaks) and cairo.
 *
 * Texts are never markup: size and weight are attributes of ranges of bytes, so that no letter of a name
 * means anything. The paragraph's direction is the page's; a text's own is in its isolates (sheet.h). A quiet
 * pen goes the same way as one that draws, so that what was measured is what is drawn.
 */
#include "client-sdk/page/pen.h"

#include <pango/pangocairo.h>

/* What Debian's package depends on comes first; others serve where it is not. */
#define FONTS "Amiri, Noto Naskh Arabic, DejaVu Serif, DejaVu Sans, serif"

static void unref_layout(PangoLayout **layout)
{
        if (*layout)
                g_object_unref(*layout);
}
#define _cleanup_layout_ _cleanup_(unref_layout)

static void add_attribute(PangoAttrList *list, PangoAttribute *attribute, size_t from, size_t to)
{
        attribute->start_index = (guint)from;
        attribute->end_index = (guint)to;
        pango_attr_list_insert(list, attribute);
}

static void add_face(PangoAttrList *list, const struct pen *pen, const struct piece *piece,
        size_t from, size_t to)
{
        const struct face *face = &piece->face;
        int size = (int)(face->size * pen->fit.scale * PANGO_SCALE);
        guint16 grey = (guint16)(face->grey * 65535);
        PangoWeight weight = face->bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL;
        add_attribute(list, pango_attr_size_new_absolute(size), from, to);
        add_attribute(list, pango_attr_weight_new(weight), from, to);
        add_attribute(list, pango_attr_foreground_new(grey, grey, grey), from, to);
        if (piece->code)
                add_attribute(list, pango_attr_font_features_new("liga=0, clig=0"), from, to);
}

static PangoLayout *paragraph(
        const struct pen *pen, double width, const struct piece *pieces, size_t count)
{
        char text[2 * SHEET_TEXT_MAX] = "";
        size_t len = 0;
        PangoLayout *made = pango_layout_new(pen->context);
        PangoAttrList *list = pango_attr_list_new();
        for (size_t i = 0; i < count; i++) {
                size_t more = base_min(strlen(pieces[i].text), sizeof text - 1 - len);
                memcpy(text + len, pieces[i].text, more);
                add_face(list, pen, &pieces[i], len, len + more);
                len += more;
        }
        /* A hyphen at the end of a line would be one more letter of an address or a name. */
        add_attribute(list, pango_attr_insert_hyphens_new(FALSE), 0, len);
        pango_layout_set_text(made, text, (int)len);
        pango_layout_set_attributes(made, list);
        pango_attr_list_unref(list);
        pango_layout_set_auto_dir(made, FALSE);
        pango_layout_set_alignment(made, pen->rtl ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
        pango_layout_set_wrap(made, PANGO_WRAP_WORD_CHAR);
        pango_layout_set_line_spacing(made, (float)pen->line_factor);
        pango_layout_set_width(made, (int)(width * PANGO_SCALE));
        if (pen->fit.lines > 0) {
                pango_layout_set_height(made, -pen->fit.lines);
                pango_layout_set_ellipsize(made, PANGO_ELLIPSIZE_END);
        }
        return made;
}

static void set_fonts(PangoContext *context)
{
        PangoFontDescription *fonts = pango_font_description_from_string(FONTS);
        cairo_font_options_t *options = cairo_font_options_create();
        cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
        cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
        pango_cairo_context_set_font_options(context, options);
        pango_context_set_round_glyph_positions(context, FALSE);
        pango_context_set_font_description(context, fonts);
        cairo_font_options_destroy(options);
        pango_font_description_free(fonts);
}

PangoContext *pen_context(cairo_t *cr, bool persian)
{
        PangoContext *context = pango_cairo_create_context(cr);
        pango_cairo_context_set_resolution(context, 72);
        pango_context_set_base_dir(context, persian ? PANGO_DIRECTION_RTL : PANGO_DIRECTION_LTR);
        pango_context_set_language(context, pango_language_from_string(persian ? "fa" : "en"));
        set_fonts(context);
        return context;
}

void pen_set_lines(struct pen *pen)
{
        const int size = 1000 * PANGO_SCALE;
        PangoFontDescription *face =
                pango_font_description_copy(pango_context_get_font_description(pen->context));
        pango_font_description_set_absolute_size(face, size);
        PangoFontMetrics *metrics = pango_context_get_metrics(pen->context, face, NULL);
        double wanted = pen->layout->line_height * size;
        pen->line_factor =
                wanted / layout_greater(pango_font_metrics_get_height(metrics), size / 2.0);
        pango_font_metrics_unref(metrics);
        pango_font_description_free(face);
}

/* How much of the first line's height is left out: pango's factor is for the lines after it only, and the
 * fonts have room for more signs above and below than any name has. */
static double surplus(const struct pen *pen, PangoLayout *paragraph)
{
        PangoRectangle first;
        pango_layout_line_get_extents(pango_layout_get_line_readonly(paragraph, 0), NULL, &first);
        return (double)first.height / PANGO_SCALE * (1 - pen->line_factor);
}

double pen_pieces(
        const struct pen *pen, struct stretch at, const struct piece *pieces, size_t count)
{
        _cleanup_layout_ PangoLayout *made = paragraph(pen, at.width, pieces, count);
        double less = surplus(pen, made);
        int height = 0;
        pango_layout_get_size(made, NULL, &height);
        if (!pen->quiet) {
                cairo_move_to(pen->cr, at.x, pen->y - less / 2);
                if (pen->outline)
                        pango_cairo_layout_path(pen->cr, made);
                else
                        pango_cairo_show_layout(pen->cr, made);
        }
        return (double)height / PANGO_SCALE - less;
}

double pen_text(const struct pen *pen, struct stretch at, const char *text, struct face face)
{
        const struct piece piece = { text, face, false };
        return pen_pieces(pen, at, &piece, 1);
}

int pen_missing(const struct pen *pen, const char *text)
{
        const struct piece piece = { text, pen->layout->label, false };
        _cleanup_layout_ PangoLayout *made = paragraph(pen, pen->layout->width, &piece, 1);
        return pango_layout_get_unknown_glyphs_count(made);
}

struct stretch pen_line(const struct pen *pen)
{
        const struct layout *layout = pen->layout;
        return (struct stretch){ layout->margin, layout->width - 2 * layout->margin };
}

double pen_gaps(const struct pen *pen, double count)
{
        return count * pen->layout->gap * pen->fit.scale;
}

void pen_rule(const struct pen *pen, double thickness)
{
        struct stretch line = pen_line(pen);
        if (pen->quiet)
                return;
        cairo_set_source_rgb(pen->cr, 0, 0, 0);
        cairo_rectangle(pen->cr, line.x, pen->y, line.width, thickness);
        cairo_fill(pen->cr);
}

/* Once, aslant, with its middle here, and no wider than the paper. */
static void stamp(const struct pen *pen, PangoLayout *text, double x, double y)
{
        const struct layout *layout = pen->layout;
        const double widest = 0.95 * layout->width * PANGO_SCALE;
        int width, height;
        pango_layout_get_size(text, &width, &height);
        cairo_save(pen->cr);
        cairo_translate(pen->cr, x, y);
        cairo_rotate(pen->cr, -0.4);
        if (width > widest)
                cairo_scale(pen->cr, widest / width, widest / width);
        cairo_move_to(pen->cr, -(double)width / PANGO_SCALE / 2, -(double)height / PANGO_SCALE / 2);
        double grey = layout->watermark_grey;
        cairo_set_source_rgb(pen->cr, grey, grey, grey);
        cairo_set_line_width(pen->cr, 0.4);
        pango_cairo_layout_path(pen->cr, text);
        if (layout->watermark_outline)
                cairo_stroke(pen->cr);
        else
                cairo_fill(pen->cr);
        cairo_restore(pen->cr);
}

void pen_watermark(const struct pen *pen, const char *text, double height)
{
        const struct layout *layout = pen->layout;
        const struct piece piece = { text, { layout->watermark, true, 0 }, false };
        struct pen unscaled = *pen;
        unscaled.fit = (struct fit){ .scale = 1 };
        _cleanup_layout_ PangoLayout *made = paragraph(&unscaled, 0, &piece, 1);
        pango_layout_set_width(made, -1); /* one line */
        for (double y = layout->watermark_every / 2; y < height; y += layout->watermark_every)
                stamp(pen, made, layout->width / 2, y);
}
