/* SPDX-License-Identifier: Apache-2.0 */
/* phone.h: what the subcommands of mohr phone share. */
#ifndef MOHR_CLI_PHONE_H
#define MOHR_CLI_PHONE_H

#include "client-sdk/cli/dial.h"
#include "client-sdk/cli/paired.h"

/* phone.c */
extern const struct paired_end phone_end;
void phone_show_help(void);
int command_phone(struct cli *cli, int argc, char **argv);
/* The subcommands; argv[0] is the subcommand's name. They return an exit code. */
int phone_pair(struct cli *cli, int argc, char **argv);
int phone_list(struct cli *cli, int argc, char **argv);
int phone_forget(struct cli *cli, int argc, char **argv);
int phone_rename(struct cli *cli, int argc, char **argv);
int phone_renew(struct cli *cli, int argc, char **argv);
int phone_add_address(struct cli *cli, int argc, char **argv);

/* phone_listen.c: where this computer can be reached while it pairs. */
struct phone_listen {
        int fds[PAIR_ADDRESSES];
        size_t fd_count;
        char addresses[PAIR_ADDRESSES][LINK_ADDRESS_MAX]; /* with port, as a phone is told */
        size_t address_count;
};
struct phone_wish {
        const char *address; /* only this one; NULL: whatever this machine has */
        uint16_t port;       /* 0: any that is free */
        bool anywhere;       /* not local networks alone */
};
/* -EADDRNOTAVAIL: this machine has no such address, or none at all; -EPERM: it is no local one; -EADDRINUSE. */
_must_check_ int phone_listen(const struct phone_wish *wish, struct phone_listen *ret);
void phone_listen_close(struct phone_listen *listen);

/* phone_talk.c: a paired phone, called by its address. */
struct phone_talk {
        struct link *link;
        struct secret *buf;       /* what came last */
        char name[LINK_NAME_MAX]; /* as it calls itself */
        int ms;                   /* of one round trip */
        char why[CLI_LINE_MAX];   /* of an outcome: a line for people */
};
/* 0: past HELLO and WELCOME. Else an outcome, and `why` says more. In any case to be ended. */
_must_check_ int phone_talk(const struct meeting *meeting, const struct link_peer *peer,
        enum link_role role, bool anywhere, struct phone_talk *ret);
/* One frame of this type, into talk->buf; the same. */
_must_check_ int phone_hear(
        const struct meeting *meeting, struct phone_talk *talk, enum link_type type);
/* Says goodbye, if it is `orderly`, and hangs up. */
void phone_talk_end(const struct meeting *meeting, struct phone_talk *talk, bool orderly);

#endif
