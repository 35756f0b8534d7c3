/* SPDX-License-Identifier: Apache-2.0 */
/* check_internal.h: what the two halves of the check share: rows as they come (check.c), and the chain and its
 * anchors once all are there (chain.c).
 */
#ifndef MOHR_LEDGER_CHECK_INTERNAL_H
#define MOHR_LEDGER_CHECK_INTERNAL_H

#include "client-sdk/history/ledger.h"

struct ledger_stored { /* of each row, what the chain is made of */
        int64_t seq;
        uint8_t digest[LEDGER_HASH], link[LEDGER_HASH];
        bool body;
};

struct ledger_check {
        struct ledger_stored *rows; /* by rising numbers */
        size_t count, cap;
        json_t *requests, *grants; /* what is known of each, by its number */
        int64_t through;           /* pruned up to there */
        int64_t ended;             /* rows of that kind */
        bool unread;               /* some row is missing, or could not be read */
        struct ledger_finding *findings;
        size_t findings_cap;
        struct ledger_sum sum;
};

_must_check_ int ledger_find(struct ledger_check *check, enum ledger_fault fault, int64_t seq,
        int64_t other, const char *why);
/* chain.c */
_must_check_ int ledger_chain(struct ledger_check *check);
_must_check_ int ledger_compare(struct ledger_check *check, const struct ledger_anchors *anchors);

#endif
