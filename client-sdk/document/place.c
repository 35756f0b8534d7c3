/* SPDX-License-Identifier: Apache-2.0 */
/* place.c: see place.h (ISO 32000-1 7.7.3.3, 12.5.5). What is seen of a page is its crop box, turned by /Rotate. So a corner of
 * the page that is seen is one of four corners of that box, and the stamp has to be turned back.
 */
#include "client-sdk/document/place.h"

#define COORDINATE_MAX 1e6
#define SLACK          0.5 /* paper sizes are rounded by whoever names them */

struct box {
        double left, bottom, right, top;
};

static bool read_box(const struct paper *paper, qpdf_oh page, const char *key, struct box *ret)
{
        double n[4];
        qpdf_oh box = paper_inherited(paper, page, key);
        if (!paper_is(paper, box, ot_array) || qpdf_oh_get_array_n_items(paper->q, box) != 4)
                return false;
        for (int i = 0; i < 4; i++) {
                qpdf_oh item = qpdf_oh_get_array_item(paper->q, box, i);
                if (!qpdf_oh_get_value_as_number(paper->q, item, &n[i]) ||
                        !(n[i] > -COORDINATE_MAX && n[i] < COORDINATE_MAX))
                        return false;
        }
        *ret = (struct box){ n[0] < n[2] ? n[0] : n[2], n[1] < n[3] ? n[1] : n[3],
                n[0] < n[2] ? n[2] : n[0], n[1] < n[3] ? n[3] : n[1] };
        return true;
}

/* What is outside the medium is not seen either. */
static void clip(struct box *box, const struct box *medium)
{
        box->left = box->left > medium->left ? box->left : medium->left;
        box->bottom = box->bottom > medium->bottom ? box->bottom : medium->bottom;
        box->right = box->right < medium->right ? box->right : medium->right;
        box->top = box->top < medium->top ? box->top : medium->top;
}

static int quarter_turns(const struct paper *paper, qpdf_oh page)
{
        int64_t degrees = 0;
        if (!paper_integer(paper, paper_inherited(paper, page, "/Rotate"), &degrees))
                return 0;
        return (int)((degrees / 90 % 4 + 4) % 4);
}

static void put_rectangle(
        double to[static 4], double left, double bottom, double width, double height)
{
        to[0] = left;
        to[1] = bottom;
        to[2] = left + width;
        to[3] = bottom + height;
}

static void turn(struct place *place, const struct box *box, int turns, const int at[static 2],
        const int size[static 2])
{
        static const int matrices[4][4] = { { 1, 0, 0, 1 }, { 0, 1, -1, 0 }, { -1, 0, 0, -1 },
                { 0, -1, 1, 0 } };
        const int x = at[0], y = at[1], w = size[0], h = size[1];
        double *to = place->rectangle;
        memcpy(place->matrix, matrices[turns], sizeof matrices[turns]);
        if (turns == 0)
                put_rectangle(to, box->left + x, box->bottom + y, w, h);
        if (turns == 1)
                put_rectangle(to, box->right - y - h, box->bottom + x, h, w);
        if (turns == 2)
                put_rectangle(to, box->right - x - w, box->top - y - h, w, h);
        if (turns == 3)
                put_rectangle(to, box->left + y, box->top - x - w, h, w);
}

int place_on_page(const struct paper *paper, qpdf_oh page, const int at[static 2],
        const int size[static 2], struct place *ret, struct verdict *verdict)
{
        struct box medium, box;
        if (!read_box(paper, page, "/MediaBox", &medium))
                return verdict_no(verdict, "damaged", "The page does not tell its size.");
        if (!read_box(paper, page, "/CropBox", &box))
                box = medium;
        clip(&box, &medium);
        int turns = quarter_turns(paper, page);
        double width = box.right - box.left, height = box.top - box.bottom;
        double seen_width = turns % 2 == 0 ? width : height;
        double seen_height = turns % 2 == 0 ? height : width;
        if (at[0] + size[0] > seen_width + SLACK || at[1] + size[1] > seen_height + SLACK)
                return verdict_no(verdict, "page", NULL);
        *ret = (struct place){ 0 };
        turn(ret, &box, turns, at, size);
        return 0;
}
