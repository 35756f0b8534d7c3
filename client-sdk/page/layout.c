/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c: see layout.h. The two papers differ in numbers only. A4 is filed: two columns, greys, room to
 * the left and right for the holes of a binder. The roll of 80 mm is printed by heat: 72 mm wide at the
 * most, black and nothing else, and each line costs paper.
 *
 * Text that does not fit A4 is made smaller, all of it alike and not under what can be read. A second page
 * could be lost, so there is none: texts of hostile length are cut, where everybody sees it, before that. What
 * they say in full is in the evidence.
 */
#include "client-sdk/page/layout.h"

#define MM 72.0 / 25.4

static const struct layout layouts[] = {
        [FACTS_A4] = { .width = 210 * MM,
                .height = 297 * MM,
                .margin = 18 * MM,
                .label_width = 46 * MM,
                .columns = 2,
                .qr_side = 34 * MM,
                .gap = 2.6,
                .line_height = 1.3,
                .faces = { [SHEET_TITLE] = { 28, true, 0 },
                        [SHEET_NOTICE] = { 12, true, 0 },
                        [SHEET_SECTION] = { 12.5, true, 0 },
                        [SHEET_NAME] = { 21, true, 0 },
                        [SHEET_FIELD] = { 12, false, 0 },
                        [SHEET_REMARK] = { 10, false, 0.3 },
                        [SHEET_POINTER] = { 12, false, 0 } },
                .label = { 12, false, 0.35 },
                .note = { 9.5, false, 0.35 },
                .list = { 11.5, false, 0 },
                .code = { 11, false, 0 },
                .watermark = 64,
                .watermark_every = 260,
                .watermark_grey = 0.92 },
        [FACTS_80MM] = { .width = 80 * MM,
                .margin = 4 * MM,
                .columns = 1,
                .qr_side = 40 * MM,
                .gap = 1.5,
                .line_height = 1.27,
                .faces = { [SHEET_TITLE] = { 19, true, 0 },
                        [SHEET_NOTICE] = { 11, true, 0 },
                        [SHEET_SECTION] = { 11.5, true, 0 },
                        [SHEET_NAME] = { 16, true, 0 },
                        [SHEET_FIELD] = { 11, false, 0 },
                        [SHEET_REMARK] = { 9.5, false, 0 },
                        [SHEET_POINTER] = { 10.5, false, 0 } },
                .label = { 10, true, 0 },
                .note = { 8.5, false, 0 },
                .list = { 10.5, false, 0 },
                .code = { 10, false, 0 },
                .watermark = 26,
                .watermark_every = 110,
                .watermark_grey = 0.55,
                .watermark_outline = true },
};

const struct layout *layout_of(enum facts_size size)
{
        return &layouts[size];
}

struct stretch layout_slice(struct stretch whole, bool rtl, double from, double width)
{
        double x = rtl ? whole.x + whole.width - from - width : whole.x + from;
        return (struct stretch){ x, width };
}

bool layout_fit(
        struct fit *ret, double (*height_at)(void *user, struct fit fit), void *user, double room)
{
        static const struct fit fits[] = { { 1, 0 }, { 0.95, 0 }, { 0.9, 0 }, { 0.85, 0 },
                { 0.8, 0 }, { 0.75, 0 }, { 0.7, 0 }, { 0.65, 0 }, { 0.6, 0 }, { 0.6, 4 },
                { 0.6, 3 }, { 0.6, 2 }, { 0.6, 1 }, { 0.5, 1 } };
        for (size_t i = 0; i < ARRAY_LEN(fits); i++)
                if (height_at(user, fits[i]) <= room) {
                        *ret = fits[i];
                        return true;
                }
        return false;
}
