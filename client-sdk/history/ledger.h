/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.h: reading and checking a history, by docs/history.md alone.
 *
 * Whoever writes a history (daemon/history/) shares no code with this room: two readings of one document check
 * each other. A history is hostile input like everything else: its owner's other programs can write to it, and
 * finding that they did is what this is for. So the file is opened for reading only, no text of it is ever run,
 * every row is bounded before it is looked at, and what does not fit is a finding with the number of its row.
 *
 * What is found is relative to anchors, the head of the chain as it was told elsewhere. A program of the same user that
 * writes the whole history anew, its head file included, is found by the journal's anchors alone.
 */
#ifndef MOHR_LEDGER_H
#define MOHR_LEDGER_H

#include "base/base.h"
#include <jansson.h>
#include <stdio.h>

#define LEDGER_HASH        32
#define LEDGER_BODY_MAX    16384
#define LEDGER_ROWS_MAX    4000000
#define LEDGER_ANCHORS_MAX 1000000
#define LEDGER_PROBLEM_MAX 512

/* ---- Rows ---- */

struct ledger_row { /* everything is borrowed for the call */
        int64_t seq;
        const char *body; /* NULL: pruned; not checked for anything, may hold any byte */
        size_t len;
        uint8_t digest[LEDGER_HASH], link[LEDGER_HASH];
};

typedef int (*ledger_each)(
        void *user, const struct ledger_row *row); /* other than 0 ends the reading */

/* $XDG_STATE_HOME/mohr, to be freed. -ENOENT: this user has no home. */
_must_check_ int ledger_folder(char **ret);
/* Tells all rows of FOLDER/history.db by rising numbers, as of one moment, whoever writes meanwhile. -ENOENT: there
 * is none, or nothing in it yet. -EPROTONOSUPPORT: a newer version than this one wrote it. 21 with an English line for operators: it is no history, or it has not the form of one. What
 * `each` returns is returned. */
_must_check_ int ledger_read(
        const char *folder, ledger_each each, void *user, char problem[static LEDGER_PROBLEM_MAX]);

/* ---- Bodies ---- */

enum ledger_event {
        LEDGER_CREATED,
        LEDGER_ASKED,
        LEDGER_ENDED,
        LEDGER_INTERRUPTED,
        LEDGER_GRANTED,
        LEDGER_REVOKED,
        LEDGER_REFUSED,
        LEDGER_PRUNED,
        LEDGER_EVENTS,
};

const char *ledger_event_name(enum ledger_event event);
/* A JSON object, compact, its members sorted, nothing escaped that need not be. 21 with *ret_why (static text): it is none. */
_must_check_ int ledger_object(const char *text, size_t len, json_t **ret, const char **ret_why);
/* A body in its one form, with the members that its event has. 21 with *ret_why (static text): it is none. */
_must_check_ int ledger_body(const char *text, size_t len, enum ledger_event *ret_event,
        json_t **ret, const char **ret_why);

/* ---- Anchors ---- */

struct ledger_anchor {
        char id[33]; /* "": not said */
        int64_t seq;
        uint8_t link[LEDGER_HASH];
        bool head; /* it is the one of history.head */
};

struct ledger_anchors { /* all zero has none */
        struct ledger_anchor *rows;
        size_t count, cap;
        size_t unread; /* lines that name themselves one and are none */
};

void ledger_anchors_clear(struct ledger_anchors *anchors);
#define _cleanup_anchors_ _cleanup_(ledger_anchors_clear)
_must_check_ int ledger_anchors_add(struct ledger_anchors *to, const struct ledger_anchor *anchor);
/* "SEQ:LINK". False: it is none. */
_must_check_ bool ledger_anchor_parse(const char *text, struct ledger_anchor *ret);
/* A line of mohrd's log or of a history.head. 0, LEDGER_NO_ANCHOR (another line), or LEDGER_BAD_ANCHOR. */
enum { LEDGER_NO_ANCHOR = 1, LEDGER_BAD_ANCHOR = 2 };
_must_check_ int ledger_anchor_line(const char *line, struct ledger_anchor *ret);
/* All lines of a stream; what is no anchor is passed over. */
_must_check_ int ledger_anchors_read(struct ledger_anchors *to, FILE *from);
/* FOLDER/history.head. 0, -ENOENT, LEDGER_BAD_ANCHOR for what is none, or a negative errno. To be read before the
 * rows: the head is told after they were written. */
_must_check_ int ledger_head(const char *folder, struct ledger_anchor *ret);

/* ---- Checking ---- */

#define LEDGER_FAULTS(X)                                                                           \
        X(CHANGED, "changed") /* row seq: its body is not the one that was written */              \
        X(REMOVED, "removed") /* rows seq..other are missing */                                    \
        X(CLOSED_UP,                                                                               \
                "removed-before") /* other rows before seq are missing, the rest renumbered */     \
        X(INSERTED,                                                                                \
                "inserted-before") /* before seq stand other rows that were not written there */   \
        X(MOVED, "moved")          /* row seq was written as row other */                          \
        X(REPLACED, "does-not-follow") /* row seq does not follow from the one before it */        \
        X(CUT, "cut-off")              /* after row seq; there were at least other rows */         \
        X(REWRITTEN, "rewritten") /* row seq is not what an anchor saw; other: the last that is */ \
        X(OTHER, "other-history") /* anchors are of another one, which had other rows */           \
        X(NO_HEAD, "head-missing")     /* history.head is not there, and should be */              \
        X(BAD_HEAD, "head-unreadable") /* history.head is no anchor */                             \
        X(BODY_GONE, "body-missing")   /* of row seq; nothing says that it was pruned */           \
        X(FORM, "form")                /* row seq is none: why */                                  \
        X(ORDER, "order")              /* row seq cannot come here: why */

enum ledger_fault {
#define X(id, name) LEDGER_##id,
        LEDGER_FAULTS(X)
#undef X
                LEDGER_FAULT_COUNT,
};
const char *ledger_fault_name(enum ledger_fault fault); /* stable */

struct ledger_finding {
        enum ledger_fault fault;
        int64_t seq, other;
        const char *why; /* English, static; or NULL */
};

#define LEDGER_FINDINGS_MAX 200 /* further ones are only counted */

struct ledger_sum {
        int64_t rows, pruned;                      /* pruned: without their body */
        int64_t requests, unanswered, interrupted; /* unanswered: no end is recorded */
        int64_t anchored;          /* the last row that an anchor stands for; 0: none */
        size_t held, foreign;      /* anchors that hold; that are of another history */
        struct ledger_anchor head; /* the last row, as an anchor */
        size_t findings;
};

struct ledger_check;

_must_check_ int ledger_check_new(struct ledger_check **ret);
struct ledger_check *ledger_check_free(struct ledger_check *check);
/* A ledger_each; `user` is the check. 0 or negative errno: a bad row is a finding. */
_must_check_ int ledger_check_row(void *user, const struct ledger_row *row);
/* After the last row. `head_read` is ledger_head()'s answer, or 0 where the head is among the anchors. */
_must_check_ int ledger_check_end(
        struct ledger_check *check, const struct ledger_anchors *anchors, int head_read);
const struct ledger_sum *ledger_check_sum(const struct ledger_check *check);
/* By rising rows; NULL after the last. */
const struct ledger_finding *ledger_check_finding(const struct ledger_check *check, size_t index);

static inline void ledger_check_cleanup(struct ledger_check **slot)
{
        *slot = ledger_check_free(*slot);
}
#define _cleanup_check_ _cleanup_(ledger_check_cleanup)

/* SHA-256. False: out of memory. */
_must_check_ bool ledger_hash(const void *data, size_t len, uint8_t ret[static LEDGER_HASH]);
_must_check_ bool ledger_link(const uint8_t before[static LEDGER_HASH], int64_t seq,
        const uint8_t digest[static LEDGER_HASH], uint8_t ret[static LEDGER_HASH]);

/* ---- Exports ---- */

#define LEDGER_EXPORT_MAX      (256 * 1024 * 1024)
#define LEDGER_EXPORT_AUDIENCE "urn:mohr:history-export"

/* Writes one row as a line; at last the head. -EILSEQ: a body that is no text. */
_must_check_ int ledger_export_row(FILE *to, const struct ledger_row *row);
_must_check_ int ledger_export_head(FILE *to, const struct ledger_anchor *head);
/* The line behind the head of one that is signed. */
_must_check_ int ledger_export_signature(FILE *to, const char *assertion);
/* What an assertion about `len` bytes must have as its nonce. False: out of memory. */
#define LEDGER_NONCE_CAP 44
_must_check_ bool ledger_export_nonce(
        const void *data, size_t len, char ret[static LEDGER_NONCE_CAP]);

struct ledger_export {
        struct ledger_anchor head;
        size_t signed_len; /* bytes that the nonce is about */
        char *assertion;   /* owned; NULL: it is not signed */
};
static inline void ledger_export_clear(struct ledger_export *read)
{
        free(read->assertion);
}
#define _cleanup_export_ _cleanup_(ledger_export_clear)

/* Tells its rows. 21 with the problem: it has not the form of one, to the last byte. */
_must_check_ int ledger_export_read(const char *data, size_t len, ledger_each each, void *user,
        struct ledger_export *ret, char problem[static LEDGER_PROBLEM_MAX]);

#endif
