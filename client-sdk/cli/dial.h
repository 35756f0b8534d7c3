/* SPDX-License-Identifier: Apache-2.0 */
/* dial.h: a TCP connection to a device whose address a person typed or scanned, within a meeting's time and ways out. */
#ifndef MOHR_CLI_DIAL_H
#define MOHR_CLI_DIAL_H

#include "client-sdk/cli/meeting.h"

/* "HOST:PORT", "[V6]:PORT"; with port 0 wanted, else HOST alone means that port. `host` as getaddrinfo(3) takes it, `service` in
 * digits. -EINVAL. */
struct dial_address {
        char host[LINK_ADDRESS_MAX], service[8];
};
_must_check_ int dial_parse(const char *text, uint16_t port, struct dial_address *ret);

/* A port's number alone, from 1 to 65535. */
_must_check_ int dial_port(const char *text, uint16_t *ret);

/* 0; OUTCOME_POLICY: it is on no local network and `anywhere` is false; OUTCOME_UNREACHABLE; what meeting_wait() says. *ret_why
 * is set with OUTCOME_UNREACHABLE, a line of the system's. */
_must_check_ int dial(const struct meeting *meeting, const struct dial_address *address,
        bool anywhere, int *ret_fd, const char **ret_why);

#endif
