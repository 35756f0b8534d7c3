/* SPDX-License-Identifier: Apache-2.0 */
/* meeting.h: a pairing (client-sdk/link/pair.h) as the person at one of its two ends meets it: bounded time, a way out by
 * Ctrl-C at every moment (but while the system looks up a name: dial.h), numbers to compare, and each end in words. `mohr phone
 * pair` and `mohr-relay pair` hold it alike.
 */
#ifndef MOHR_CLI_MEETING_H
#define MOHR_CLI_MEETING_H

#include "client-sdk/cli/cli.h"
#include "client-sdk/link/pair.h"

#include <poll.h>

#define MEETING_SECONDS     180 /* unless told otherwise */
#define MEETING_SECONDS_MIN 1
#define MEETING_SECONDS_MAX 3600

struct meeting {
        const struct cli *cli;
        int signals;   /* becomes readable when the person breaks it off */
        int64_t until; /* of clock_ms() */
        bool on_phone; /* this end is the phone */
};

/* From here on SIGINT, SIGTERM and SIGHUP end it in order, and a connection that is gone is no signal. */
_must_check_ int meeting_open(
        struct meeting *ret, const struct cli *cli, int seconds, bool on_phone);
void meeting_close(struct meeting *meeting);

/* Waits for any of them. 0: poll(2) has something to tell, or `until` (at most that of the meeting) is there and it has not;
 * OUTCOME_TIMED_OUT: the meeting's time is over; OUTCOME_REFUSED: the person broke it off. */
_must_check_ int meeting_wait(
        const struct meeting *meeting, struct pollfd *fds, size_t count, int64_t until);

/* Takes it to its end, asking the person for what is theirs to say. 0: pair_take() has everything. Else an outcome, and
 * *ret_failure says why, or PAIR_NO_FAILURE: broken off, or no time left. */
_must_check_ int meeting_hold(
        const struct meeting *meeting, struct pairing *pairing, enum pair_failure *ret_failure);

/* What meeting_hold() came to, in words on stderr (and as JSON); returns the outcome. */
int meeting_report(const struct meeting *meeting, int outcome, enum pair_failure failure);
/* Numbers are to be compared, and there is no terminal. */
int meeting_nobody(const struct cli *cli);
/* The same as a note in passing, where another attempt is still possible. */
void meeting_note(const struct meeting *meeting, enum pair_failure failure);

/* "90" within the bounds above; -EINVAL. */
_must_check_ int meeting_seconds(const char *text, int *ret);
/* How this device calls itself: `wish`, or the machine's name. Safe to show. */
void meeting_name(char dst[static LINK_NAME_MAX], const char *wish);
/* A line of progress, dimmed, on stderr. */
void meeting_say(const char *line);

#endif
