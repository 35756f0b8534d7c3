/* SPDX-License-Identifier: Apache-2.0 */
/* room.c: see room.h. Between the intent and the end lies a person who types, and other programs may fill the disk
 * meanwhile; then the PIN would have been asked for nothing. So as much as an end needs by far is set aside in a file of its own before the
 * intent is said to be written, and given back to the disk where an end finds no room. It outlasts the worker, which may be let
 * go or killed in between. Quotas are met here as well, which statvfs(2) says nothing of.
 *
 * Where a disk cannot set anything aside, what it says is free has to do.
 */
#include "daemon/history/room.h"

#include "base/outcome.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define NAME   "history.room"
#define ROOM   (256 * 1024)
#define INODES 8 /* the log, its index, the next head */

static int refuse(struct book *book, const char *why)
{
        snprintf(book->trouble, sizeof book->trouble, "%.300s: %s", book->dir, why);
        return OUTCOME_CANNOT_RECORD;
}

/* A disk that has no number to tell tells 0 of 0. */
static int look(struct book *book)
{
        struct statvfs disk;
        if (statvfs(".", &disk) < 0)
                return -errno;
        if (disk.f_blocks != 0 && (uint64_t)disk.f_bavail * disk.f_frsize < ROOM)
                return refuse(book, "no space left for history.db: free some");
        if (disk.f_files != 0 && disk.f_favail < INODES)
                return refuse(book, "no space left for history.db: remove some files");
        return 0;
}

static bool is_kept(int fd)
{
        struct stat st;
        return fstat(fd, &st) == 0 && st.st_size >= ROOM && st.st_blocks * 512 >= ROOM;
}

static int set_aside(struct book *book, int fd)
{
        if (is_kept(fd))
                return 0;
        if (fallocate(fd, 0, 0, ROOM) == 0 || errno == EOPNOTSUPP || errno == ENOSYS)
                return 0;
        char text[128];
        int error = errno;
        (void)unlink(NAME);
        snprintf(text, sizeof text, "%s: no space left for history.db, free some", strerror(error));
        return refuse(book, text);
}

int room_keep(struct book *book)
{
        int r = look(book);
        if (r != 0)
                return r;
        _cleanup_close_ int fd =
                open(NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
        if (fd < 0)
                return errno == ENOMEM ? -ENOMEM : refuse(book, strerror(errno));
        return set_aside(book, fd);
}

bool room_hand_out(void)
{
        return unlink(NAME) == 0;
}
