/* SPDX-License-Identifier: Apache-2.0 */
/* dial.h: a TCP connection to a device whose address a person typed or scanned, within a meeting's time and ways out. */
#ifndef MOHR_CLI_DIAL_H
#define MOHR_CLI_DIAL_H

#include "client-sdk/cli/meeting.h"
#include "client-sdk/link/place.h"

/* 0; OUTCOME_POLICY: it is on no local network and `anywhere` is false; OUTCOME_UNREACHABLE; what meeting_wait() says. *ret_why
 * is set with OUTCOME_UNREACHABLE, a line of the system's. */
_must_check_ int dial(const struct meeting *meeting, const struct link_place *address,
        bool anywhere, int *ret_fd, const char **ret_why);

#endif
