/* SPDX-License-Identifier: Apache-2.0 */
/* paper.h: a PDF as libqpdf reads it: its pages, its form's fields, its signatures' dictionaries.
 *
 * Only the files of this room include it; what they hand on are numbers and texts. Nothing is repaired: a PDF whose
 * cross-references do not hold is damaged, since what one reader would make of it another would not.
 */
#ifndef MOHR_DOCUMENT_PAPER_H
#define MOHR_DOCUMENT_PAPER_H

#include "client-sdk/document/outcome.h"

#include <qpdf/qpdf-c.h>

#define PAPER_PAGES_MAX  200000
#define PAPER_FIELDS_MAX 200000
#define PAPER_DEPTH_MAX  64
#define PAPER_NAME_MAX   256

struct paper {
        qpdf_data q;
        const uint8_t *data; /* borrowed */
        size_t len;
        qpdf_oh trailer, root;
};

/* The bytes stay where they are as long as the paper. "not-a-pdf", "encrypted", "damaged". */
_must_check_ int paper_open(
        struct paper *ret, const uint8_t *data, size_t len, struct verdict *verdict);
void paper_close(struct paper *paper);
#define _cleanup_paper_ _cleanup_(paper_close)

/* 0, "damaged" with this detail if the library met an error since the last look, -ENOMEM. */
_must_check_ int paper_sound(
        const struct paper *paper, const char *detail, struct verdict *verdict);
/* Where "%PDF-" begins, in the first 1024 bytes; false: nowhere. */
bool paper_begins(const uint8_t *data, size_t len, size_t *ret_at);

bool paper_is(const struct paper *paper, qpdf_oh object, enum qpdf_object_type_e type);
/* Members of dictionaries, by their name with its slash; an object that is null if there is none. */
qpdf_oh paper_get(const struct paper *paper, qpdf_oh dictionary, const char *key);
bool paper_integer(const struct paper *paper, qpdf_oh object, int64_t *ret);
/* Text as UTF-8, cut at `cap`; false: no string. */
bool paper_text(const struct paper *paper, qpdf_oh object, char *dst, size_t cap);
bool paper_name_is(const struct paper *paper, qpdf_oh object, const char *name);

/* Told each page in order; what is not 0 ends it and is returned. The handle is good for the visit only. */
typedef int (*paper_page)(void *user, qpdf_oh page);
_must_check_ int paper_each_page(
        const struct paper *paper, paper_page visit, void *user, struct verdict *verdict);
/* Number of pages, and with `wanted` >= 1 the page of this number in *ret_page (unset if there is none). */
_must_check_ int paper_pages(const struct paper *paper, size_t wanted, qpdf_oh *ret_page,
        size_t *ret_count, struct verdict *verdict);
/* An attribute of a page or, if it has none, of the nearest node above it. */
qpdf_oh paper_inherited(const struct paper *paper, qpdf_oh page, const char *key);

struct paper_signature {
        char field[PAPER_NAME_MAX];
        qpdf_oh value; /* the signature's dictionary */
};
/* The form's fields that are signed: the first `cap` of them, and how many there are. */
_must_check_ int paper_signatures(const struct paper *paper, struct paper_signature *ret,
        size_t cap, size_t *ret_count, struct verdict *verdict);
/* Does one of these signatures, or the catalogue, allow no change at all (ISO 32000-1 12.8.2.2)? */
bool paper_is_certified(
        const struct paper *paper, const struct paper_signature *signatures, size_t count);

#endif
