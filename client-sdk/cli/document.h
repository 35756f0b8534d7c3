/* SPDX-License-Identifier: Apache-2.0 */
/* document.h: a signed document that mohr verify was given, from the file to the report. */
#ifndef MOHR_CLI_DOCUMENT_H
#define MOHR_CLI_DOCUMENT_H

#include "client-sdk/cli/checking.h"

struct document_look {
        const struct cli *cli;
        const struct checking *checking;
        const struct mohr_trust *authorities; /* or NULL */
        struct mohr_trust *trust;
        int fd; /* the file; can be read at any place */
        uint64_t size;
        const char *file;    /* its name */
        const char *content; /* --content, or NULL */
};

/* What is told in the end: as mohr_signed_json() writes it. */
struct document_report {
        json_t *all; /* owned */
        enum mohr_reason reason;
        char detail[64];
        int outcome;
};
static inline void document_report_clear(struct document_report *report)
{
        json_decref(report->all);
}
#define _cleanup_report_ _cleanup_(document_report_clear)

/* verify_place.c: the bytes that a signature of a PDF covers, which are all of a beginning of the file but the one string that it is. */
struct document_place {
        struct mohr_range ranges[2];
        uint8_t *cms; /* owned */
        size_t cms_len;
};
static inline void document_place_clear(struct document_place *place)
{
        free(place->cms);
}
#define _cleanup_place_ _cleanup_(document_place_clear)
/* 0; 21: it does not lie where this row says. */
_must_check_ int document_find_place(
        const struct document_look *look, const json_t *row, struct document_place *place);

/* verify_pdf.c: every signature of a PDF. 0 with a report whatever its verdict is; else an exit code that was reported. */
_must_check_ int document_verify_pdf(
        const struct document_look *look, struct document_report *report);
/* Is it this one's to judge: a file in the form of a signature, or a PDF that is no receipt of ours? */
bool document_is_one(int fd, uint64_t size);
/* Judges and shows it; an exit code. */
int document_verify(const struct cli *cli, const struct checking *checking, int fd, uint64_t size,
        const char *file, const char *content);

#endif
