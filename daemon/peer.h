/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h: who is at the other end of a connected UNIX socket.
 *
 * uid and pid are the kernel's word, taken when the peer connected. The executable is what /proc
 * shows now: it is told to the person and written to the log, and nothing is ever decided by it,
 * because another program of the same user can borrow any executable it likes.
 */
#ifndef MOHR_PEER_H
#define MOHR_PEER_H

#include "base/base.h"

struct peer {
        uid_t uid;
        pid_t pid;
        char executable
                [256];     /* /proc/PID/exe, sanitised; "" if unknown. Shown, never decided on. */
        char script[256];  /* of an interpreter: the file it runs, as its command line says; "" */
        char flatpak[256]; /* application id by which the session's software manager knows it; "" */
        char snap[256];    /* "name.app"; "" */
        char unit[256];    /* systemd unit, user or system, that is not a plain session's; "" */
        bool system_unit; /* `unit` is the system manager's: no program of this user could have made it */
};

/* How history, limits and policy call this caller: "flatpak:ID", "snap:NAME.APP", "unit:NAME", "program:/PATH", or
 * "unknown". Of an interpreter: "script:/PATH/OF/INTERPRETER FILE". */
#define PEER_KEY_MAX 600
void peer_key(const struct peer *peer, char dst[static PEER_KEY_MAX]);

_must_check_ int peer_of_socket(int fd, struct peer *ret);
/* "" unless the process is there, belongs to uid and stayed the same process while it was read. */
void peer_executable(pid_t pid, uid_t uid, char *dst, size_t cap);

#endif
