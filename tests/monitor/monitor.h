/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.h: a witness between a driver and a card, who knows the rules of card-facts 7.2 and nothing
 * of either.
 *
 * It is shown each command with its answer, and what happened to the card's power, and keeps its own
 * picture: which application is selected, whether an Iranian issuer was read from this card, which
 * counter was answered, whether a PIN is verified. It shares no code with driver or simulator: a
 * misreading in one of them must not be able to hide here.
 *
 * Rules 11, 12, 14 and 15 concern logs, results and display; they cannot be seen from here and have
 * tests of their own. What a rig does not know (transactions, what a person typed) is inferred
 * as weakly as needed: without transactions one VERIFY between two resets, without entries
 * no PIN that is anybody's default.
 */
#ifndef MOHR_MONITOR_H
#define MOHR_MONITOR_H

#include "base/base.h"

struct monitor;

enum monitor_event {
        MONITOR_RESET,   /* power on, warm reset: the same card */
        MONITOR_REMOVED, /* another card may come */
        MONITOR_BEGIN,   /* an exclusive transaction begins */
        MONITOR_END,     /* and ends */
};

struct monitor_breach {
        int rule;              /* of card-facts 7.2 */
        unsigned int exchange; /* counted from 1; 0 before the first */
        uint8_t header[4];     /* CLA INS P1 P2 of the command, zeros for an event */
        const char *what;      /* static */
};
#define MONITOR_BREACHES_MAX 64

_must_check_ int monitor_new(struct monitor **ret);
struct monitor *monitor_free(struct monitor *monitor);

/* No answer at all: rsp_len 0. */
void monitor_exchange(struct monitor *monitor, const uint8_t *cmd, size_t cmd_len,
        const uint8_t *rsp, size_t rsp_len);
void monitor_event(struct monitor *monitor, enum monitor_event event);
/* A person typed these digits, knowing whether it is the last try. Once called, every VERIFY needs one. */
void monitor_entry(struct monitor *monitor, const char *digits, bool last_try_agreed);

/* In order of appearance; borrowed until the next call. */
const struct monitor_breach *monitor_breaches(const struct monitor *monitor, size_t *ret_count);
bool monitor_broke(const struct monitor *monitor, int rule);

static inline void monitor_free_cleanup(struct monitor **slot)
{
        *slot = monitor_free(*slot);
}
#define _cleanup_monitor_ _cleanup_(monitor_free_cleanup)

#endif
