/* SPDX-License-Identifier: Apache-2.0 */
/* peer_internal.h: what /proc/PID says, one parser for each of its files.
 *
 * All of it may be the peer's own choice of bytes: its command line, the names of its user's units, a whole root folder.
 * So each parser takes bounded bytes, gives a text of harmless characters, or "" at the first thing it does
 * not know. None of them allocates.
 */
#ifndef MOHR_PEER_INTERNAL_H
#define MOHR_PEER_INTERNAL_H

#include "daemon/peer.h"

#define PEER_TEXT_MAX sizeof((struct peer){ 0 }.unit)

/* What the control group tells. A Flatpak and a Snap are claims until something else says the same. */
struct peer_group {
        char unit[PEER_TEXT_MAX], flatpak[PEER_TEXT_MAX], snap[PEER_TEXT_MAX];
        bool system_unit;
};

/* /proc/PID/cgroup: the line of the unified hierarchy ("0::", cgroups(7)). */
void peer_read_group(const char *text, size_t len, struct peer_group *ret);
/* .flatpak-info: `name` of the one section [Application]. */
void peer_read_flatpak(const char *text, size_t len, char dst[static PEER_TEXT_MAX]);
/* /proc/PID/attr/current: the AppArmor label of a Snap's program, as "name.app". */
void peer_read_label(const char *text, size_t len, char dst[static PEER_TEXT_MAX]);
/* /proc/PID/cmdline of a process that runs this executable: the file an interpreter was given. */
void peer_read_script(
        const char *executable, const char *arguments, size_t len, char dst[static PEER_TEXT_MAX]);
bool peer_is_interpreter(const char *executable);

/* A path to be shown: sanitised, and ending in U+2026 if that is not all of it. */
void peer_put_path(char dst[static PEER_TEXT_MAX], const char *path);
/* Is there a Flatpak's file in the process's root folder, whatever stands in it? */
enum peer_sandbox peer_sandbox_of_root(int proc);
/* The application's id, if the process's root folder holds one that can be read without waiting for anybody. */
void peer_flatpak_of_root(int proc, char dst[static PEER_TEXT_MAX]);

/* Reads all of a file below a folder. Bytes, or a negative errno; -EFBIG if it does not fit. */
_must_check_ ssize_t peer_read_file(int folder, const char *name, char *dst, size_t cap);

/* Fills all but uid and pid from an open /proc/PID, if it belongs to uid and stays the same process meanwhile. */
void peer_look(int proc, uid_t uid, struct peer *peer);

#endif
