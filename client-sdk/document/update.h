/* SPDX-License-Identifier: Apache-2.0 */
/* update.h: an incremental update of a PDF (ISO 32000-1 7.5.6) while it is written: objects, then the cross-references to them. */
#ifndef MOHR_DOCUMENT_UPDATE_H
#define MOHR_DOCUMENT_UPDATE_H

#include "client-sdk/document/paper.h"
#include "client-sdk/document/tail.h"

#include <stdio.h>

#define UPDATE_OBJECTS_MAX 16
#define UPDATE_MAX         (64 * 1024 * 1024)

struct object {
        int id, generation;
};

struct update {
        FILE *file; /* objects are written here; a failure shows at the end */
        char *text;
        size_t len;
        uint64_t base; /* bytes of the PDF before */
        int64_t next;  /* first number that no object has */
        size_t count;
        struct {
                struct object object;
                uint64_t at;
        } rows[UPDATE_OBJECTS_MAX];
};

/* -ENOMEM; "damaged" if the PDF does not say how many objects it has. */
_must_check_ int update_begin(
        struct update *ret, const struct paper *paper, struct verdict *verdict);
void update_drop(struct update *update);
#define _cleanup_update_ _cleanup_(update_drop)

/* A new object, to which *ret_reference can be put into others. "damaged" if there is one of that number. */
_must_check_ int update_new(struct update *update, const struct paper *paper, struct object *ret,
        qpdf_oh *ret_reference, struct verdict *verdict);
/* Offset in the file of what is written next. */
uint64_t update_at(struct update *update);
/* "N G obj"; the caller writes what follows, and "endobj". */
void update_object(struct update *update, struct object object);
/* The cross-references, of the kind that the PDF has, and its end. The paper's trailer is spent by this. "too-large": offsets that
 * no cross-reference can name. Afterwards text and len are all of the update. */
_must_check_ int update_end(struct update *update, const struct paper *paper,
        const struct tail *tail, struct verdict *verdict);

#endif
