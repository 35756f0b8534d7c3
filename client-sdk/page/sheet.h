/* SPDX-License-Identifier: Apache-2.0 */
/* sheet.h: the page as words: rows from top to bottom, in one language, before anything is measured. */
#ifndef MOHR_PAGE_SHEET_H
#define MOHR_PAGE_SHEET_H

#include "client-sdk/page/facts.h"

#define SHEET_ROWS_MAX 96
#define SHEET_TEXT_MAX 1200

enum sheet_kind {
        SHEET_TITLE,   /* text */
        SHEET_NOTICE,  /* text, in a frame: what must not be overlooked */
        SHEET_SECTION, /* text: a heading */
        SHEET_NAME,    /* text: who, large */
        SHEET_FIELD,   /* label, text, note */
        SHEET_DONE,    /* text: was checked; label: heading of the list */
        SHEET_OPEN,    /* text: was not; label as well */
        SHEET_REMARK,  /* text, small */
        SHEET_POINTER, /* text, note: beside the QR code */
        SHEET_KINDS
};

/* Texts that came from outside stand isolated in a Persian one. `note` is for machines: ISO 8601, hex; always from
 * left to right, smaller. */
struct sheet_row {
        enum sheet_kind kind;
        const char *label; /* of the catalogue */
        char text[SHEET_TEXT_MAX], note[96];
};

struct sheet {
        bool persian;
        enum facts_size size;
        const char *title;     /* of the document */
        const char *watermark; /* NULL: none */
        char code[128];        /* what the QR code says */
        int64_t made_at;
        size_t count;
        struct sheet_row rows[SHEET_ROWS_MAX];
};

#define SHEET_MOMENT_MAX 160
/* The day by Iran's calendar and the hour in Tehran. */
void sheet_moment(char dst[static SHEET_MOMENT_MAX], bool persian, int64_t when);

/* Writes the page's rows. The catalogue of the language is already chosen (i18n.h). -ENOSPC if they are too
 * many, which bounded facts never are. */
_must_check_ int sheet_write(struct sheet *ret, const struct facts *facts);

#endif
