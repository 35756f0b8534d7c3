/* SPDX-License-Identifier: Apache-2.0 */
/* phone_invite.h: what this computer shows while it waits for a phone. */
#ifndef MOHR_CLI_PHONE_INVITE_H
#define MOHR_CLI_PHONE_INVITE_H

#include "client-sdk/cli/phone.h"

struct phone_invite {
        const char *qr;             /* "terminal", a file's name, or NULL: the terminal if it can */
        const struct pair_uri *uri; /* NULL: by numbers */
        int seconds;
        char written[PATH_MAX]; /* the picture that must be taken away again, or "" */
};

/* 0, or the outcome already reported. */
_must_check_ int phone_invite_check(const struct cli *cli, const char *qr);
_must_check_ int phone_invite_show(
        const struct cli *cli, struct phone_invite *invite, const struct phone_listen *listen);
/* Takes away what was written. */
void phone_invite_end(struct phone_invite *invite);

#endif
