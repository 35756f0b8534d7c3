/* SPDX-License-Identifier: Apache-2.0 */
/* making.h: what the two halves of "prepare" share: prepare.c reads the question and proves the result, field.c writes the objects. */
#ifndef MOHR_DOCUMENT_MAKING_H
#define MOHR_DOCUMENT_MAKING_H

#include "client-sdk/document/update.h"
#include "client-sdk/document/works.h"

#define MAKING_EDITS_MAX   8
#define MAKING_RANGE_WIDTH 48 /* letters that the byte range has */

struct making_asked {
        const EVP_MD *hash;
        const char *name, *reason, *location;
        int64_t at, room;
        int64_t page; /* 0: no stamp, and the field is on the first page */
        int corner[2], size[2];
        uint8_t *ink;
        size_t ink_len;
};

/* One document on its way. */
struct making {
        struct task *task;
        const struct making_asked *asked;
        const struct paper *paper;
        struct update *update;
        size_t pages, signatures; /* as they were */
        qpdf_oh page;
        qpdf_oh edits[MAKING_EDITS_MAX]; /* objects of the document that have to be written anew */
        size_t edit_count;
        struct object signature, field, appearance;
        qpdf_oh field_reference;
        uint64_t range_at, gap; /* in the file: the byte range's place, the room's "<" */
};

static inline int making_damaged(struct making *making, const char *detail)
{
        return verdict_no(&making->task->verdict, "damaged", detail);
}

/* The signature's dictionary, its field, the stamp, and what has to name the field, written to the update. */
_must_check_ int making_write_objects(struct making *making);

#endif
