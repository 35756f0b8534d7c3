/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h: who is at the other end of a connected UNIX socket.
 *
 * uid and pid are the kernel's word, taken when the peer connected. Everything else is what /proc shows now: it is
 * told to the person and written to the log. How much each word is worth against another program of the same user stands in
 * docs/relying-parties.md, "Who is asking"; the short form: only a system unit cannot be had by a program that was
 * not started as it, and even that one's process can be borrowed by its own user.
 */
#ifndef MOHR_PEER_H
#define MOHR_PEER_H

#include "base/base.h"

enum peer_sandbox { PEER_MAY_BE_CONFINED, PEER_IS_FREE, PEER_IS_CONFINED };

struct peer {
        uid_t uid;
        pid_t pid;
        char executable
                [256];     /* /proc/PID/exe, sanitised; "" if unknown. Shown, never decided on. */
        char script[256];  /* of an interpreter: the file it runs, as its command line says; "" */
        char flatpak[256]; /* application id by which the session's software manager knows it; "" */
        char snap[256];    /* "name.app"; "" */
        char unit
                [256]; /* systemd unit, user or system, that is not a plain session's, by its exact name; "" */
        bool system_unit; /* `unit` is the system manager's: no program of this user could have made it */
        enum peer_sandbox sandbox; /* a Snap's or Flatpak's, whichever app it says that it is */
};

/* How history, limits and policy call this caller: "flatpak:ID", "snap:NAME.APP", "unit:NAME", "program:/PATH", or
 * "unknown". Of an interpreter: "script:/PATH/OF/INTERPRETER FILE", or without a FILE if it was given none. */
#define PEER_KEY_MAX 600
void peer_key(const struct peer *peer, char dst[static PEER_KEY_MAX]);
/* The unit's name for people: "\x2d" and the like written out. Never compare it: two units may read the same. */
void peer_unit_shown(const struct peer *peer, char dst[static 256]);

_must_check_ int peer_of_socket(int fd, struct peer *ret);
/* Nothing but uid and pid unless the process is there, belongs to uid and stayed the same while it was read. */
void peer_of_process(pid_t pid, uid_t uid, struct peer *ret);

#endif
