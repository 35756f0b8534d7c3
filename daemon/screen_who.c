/* SPDX-License-Identifier: Apache-2.0 */
/* screen_who.c: which program may hold the role, by the one word that root's configuration has for it.
 *
 * unit:NAME is a unit of the system manager: only root, through it, starts a process there.
 *
 * program:/PATH is the very file that the process runs, by device and inode: its name could be another's. File and
 * folders must be root's, and nobody else's to change, without symbolic links. That keeps other programs
 * out, but not one of the same user that runs this file with a library of its own before it (LD_PRELOAD): it is
 * for machines where the screen is all that user runs. docs/screen.md says so. An interpreter is no program of
 * this kind, whatever it runs.
 */
#include "daemon/screen_internal.h"

#include "base/portable.h"
#include "daemon/peer_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define NAME_SIZE 256

static bool only_roots(int fd, mode_t type, struct stat *ret)
{
        return fstat(fd, ret) == 0 && (ret->st_mode & S_IFMT) == type && ret->st_uid == 0 &&
               !(ret->st_mode & (S_IWGRP | S_IWOTH));
}

/* The next name of a path, and how far it goes; false for one that no plain path holds. */
static bool next_name(const char **at, char name[static NAME_SIZE])
{
        size_t len = strcspn(*at, "/");
        if (len == 0 || len >= NAME_SIZE)
                return false;
        memcpy(name, *at, len);
        name[len] = '\0';
        *at += len;
        return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* `path` begins behind the first slash. */
static bool find_program(const char *path, struct stat *ret)
{
        char name[NAME_SIZE];
        _cleanup_close_ int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        bool last = false;
        while (at >= 0 && !last) {
                if (!only_roots(at, S_IFDIR, ret) || !next_name(&path, name))
                        return false;
                last = *path == '\0';
                path += !last;
                int next = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
                close(at);
                at = next;
        }
        return at >= 0 && only_roots(at, S_IFREG, ret);
}

static const char *why_not_program(const struct peer *peer, const char *path)
{
        char link[32];
        struct stat wanted;
        struct statx running;
        if (path[0] != '/' || peer_is_interpreter(path))
                return "[person] screen names an interpreter, or no path";
        if (!find_program(path + 1, &wanted))
                return "[person] screen names no file that only root can change, by a path without "
                       "links";
        snprintf(link, sizeof link, "/proc/%d/exe", (int)peer->pid);
        _cleanup_close_ int exe =
                open(link, O_PATH | O_CLOEXEC); /* which may be on any file system */
        if (exe < 0 || portable_statx(exe, STATX_INO, &running) < 0)
                return "which program it runs cannot be seen";
        bool same = makedev(running.stx_dev_major, running.stx_dev_minor) == wanted.st_dev &&
                    running.stx_ino == wanted.st_ino;
        return same ? NULL : "another program";
}

static const char *why_not_unit(const struct peer *peer, const char *unit)
{
        bool same = peer->system_unit && unit[0] && strcmp(peer->unit, unit) == 0;
        return same ? NULL : "not of that unit of the system";
}

const char *screen_refusal(const struct config *config, const struct peer *peer)
{
        static const struct {
                const char *prefix;
                const char *(*why_not)(const struct peer *peer, const char *rest);
        } kinds[] = { { "unit:", why_not_unit }, { "program:", why_not_program } };
        for (size_t i = 0; config->screen && i < ARRAY_LEN(kinds); i++) {
                size_t len = strlen(kinds[i].prefix);
                if (strncmp(config->screen, kinds[i].prefix, len) == 0)
                        return kinds[i].why_not(peer, config->screen + len);
        }
        return "no screen is configured ([person] screen)";
}
