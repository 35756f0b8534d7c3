/* SPDX-License-Identifier: Apache-2.0 */
/* files.c: see files.h. A document is read once, by offsets of our own and never by the position that the descriptor
 * shares with whoever passed it. That it is still the same file of the same size and times at the end catches honest
 * writers; a dishonest one gains nothing, since what is hashed and what is copied are the same bytes.
 *
 * The result is written from front to back with plain write(), which a file that is open for appending does as well. Nothing is
 * written at an offset, so that no file ever holds a hole where bytes were to come.
 */
#include "client-sdk/document/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#define PIECE (256 * 1024)

static bool can(int fd, bool reading)
{
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || (flags & O_PATH) != 0)
                return false;
        return (flags & O_ACCMODE) == O_RDWR ||
               (flags & O_ACCMODE) == (reading ? O_RDONLY : O_WRONLY);
}

int source_open(struct source *ret, int fd, struct verdict *verdict)
{
        struct stat seen;
        if (!can(fd, true) || fstat(fd, &seen) < 0 || !S_ISREG(seen.st_mode))
                return verdict_no(verdict, "not-a-file", NULL);
        if (seen.st_size < 0 || seen.st_size > FILES_SIZE_MAX)
                return verdict_no(verdict, "too-large", NULL);
        *ret = (struct source){ fd, (uint64_t)seen.st_size, seen };
        return 0;
}

static bool same_time(struct timespec a, struct timespec b)
{
        return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static ssize_t read_some(int fd, uint8_t *dst, size_t len, uint64_t at)
{
        ssize_t got;
        do
                got = pread(fd, dst, len, (off_t)at);
        while (got < 0 && errno == EINTR);
        return got;
}

/* Files that a kernel makes up have more bytes than they say. */
int source_unchanged(const struct source *source, struct verdict *verdict)
{
        const struct stat *then = &source->seen;
        struct stat now;
        uint8_t more;
        ssize_t got = read_some(source->fd, &more, 1, source->size);
        if (got < 0 || fstat(source->fd, &now) < 0)
                return verdict_no(verdict, "read", NULL);
        if (got > 0)
                return verdict_no(verdict, "changed", NULL);
        if (now.st_size != then->st_size || !same_time(now.st_mtim, then->st_mtim))
                return verdict_no(verdict, "changed", NULL);
        return 0;
}

/* A file system that does not say how large it is is believed to have room. */
static bool fits(int fd, uint64_t size)
{
        struct statvfs disk;
        return fstatvfs(fd, &disk) < 0 || disk.f_blocks == 0 || disk.f_frsize == 0 ||
               size / disk.f_frsize < disk.f_bavail;
}

int sink_open(struct sink *ret, int fd, const struct source *source, bool readable,
        struct verdict *verdict)
{
        struct stat seen;
        if (!can(fd, false) || (readable && !can(fd, true)) || fstat(fd, &seen) < 0 ||
                !S_ISREG(seen.st_mode) || seen.st_size != 0 || lseek(fd, 0, SEEK_CUR) != 0)
                return verdict_no(verdict, "output", NULL);
        if (seen.st_dev == source->seen.st_dev && seen.st_ino == source->seen.st_ino)
                return verdict_no(verdict, "output", NULL);
        if (!fits(fd, source->size))
                return verdict_no(verdict, "disk-full", NULL);
        *ret = (struct sink){ .fd = fd };
        return 0;
}

static const char *why_not_written(int error)
{
        if (error == ENOSPC || error == EDQUOT)
                return "disk-full";
        return error == EFBIG ? "too-large" : "write";
}

int sink_put(struct sink *sink, const void *data, size_t len, struct verdict *verdict)
{
        const uint8_t *at = data;
        while (len > 0) {
                ssize_t put = write(sink->fd, at, len);
                if (put < 0 && errno == EINTR)
                        continue;
                if (put <= 0)
                        return verdict_no(verdict, why_not_written(put < 0 ? errno : 0), NULL);
                at += put;
                len -= (size_t)put;
                sink->size += (uint64_t)put;
        }
        return 0;
}

/* A file in memory has no disk, and says so by EINVAL or succeeds. */
int sink_settle(struct sink *sink, struct verdict *verdict)
{
        struct stat seen;
        if (fsync(sink->fd) < 0 && errno != EINVAL)
                return verdict_no(verdict, why_not_written(errno), NULL);
        if (fstat(sink->fd, &seen) < 0 || (uint64_t)seen.st_size != sink->size)
                return verdict_no(verdict, "write", "Somebody else wrote to the result.");
        return 0;
}

void sink_empty(struct sink *sink)
{
        if (sink->size > 0 && ftruncate(sink->fd, 0) == 0)
                sink->size = 0;
}

/* ---- bytes ---- */

int source_pass(const struct source *source, uint64_t from, uint64_t to, files_piece piece,
        void *user, struct verdict *verdict)
{
        _cleanup_free_ uint8_t *room = from < to ? malloc(PIECE) : NULL;
        if (from < to && !room)
                return -ENOMEM;
        while (from < to) {
                size_t want = to - from < PIECE ? (size_t)(to - from) : PIECE;
                ssize_t got = read_some(source->fd, room, want, from);
                if (got < 0)
                        return verdict_no(verdict, "read", NULL);
                if (got == 0)
                        return verdict_no(verdict, "changed", NULL);
                int r = piece(user, room, (size_t)got, verdict);
                if (r != 0)
                        return r;
                from += (uint64_t)got;
        }
        return 0;
}

int sink_piece(void *user, const uint8_t *data, size_t len, struct verdict *verdict)
{
        return sink_put(user, data, len, verdict);
}

int source_copy(const struct source *source, uint64_t from, uint64_t to, struct sink *sink,
        struct verdict *verdict)
{
        return source_pass(source, from, to, sink_piece, sink, verdict);
}

static int keep_piece(void *user, const uint8_t *data, size_t len, struct verdict *verdict)
{
        struct out *out = user;
        (void)verdict;
        out_bytes(out, data, len);
        return out->error;
}

int source_read(const struct source *source, uint64_t from, uint64_t to, size_t max, uint8_t **ret,
        size_t *ret_len, struct verdict *verdict)
{
        if (from > to || to - from > max)
                return verdict_no(verdict, "too-large", NULL);
        size_t len = (size_t)(to - from);
        _cleanup_free_ uint8_t *data = malloc(len + 1);
        struct out out = out_new(data, len);
        if (!data)
                return -ENOMEM;
        int r = source_pass(source, from, to, keep_piece, &out, verdict);
        if (r != 0)
                return r;
        data[len] = 0;
        *ret = data;
        *ret_len = len;
        data = NULL;
        return 0;
}

/* ---- in the address space ---- */

int map_file(struct map *ret, int fd, uint64_t size, struct verdict *verdict)
{
        if (size == 0 || size > SIZE_MAX / 2)
                return verdict_no(verdict, size == 0 ? "not-a-pdf" : "too-large", NULL);
        void *at = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (at == MAP_FAILED)
                return verdict_no(verdict, errno == ENOMEM ? "too-large" : "read", NULL);
        *ret = (struct map){ at, (size_t)size };
        return 0;
}

void map_drop(struct map *map)
{
        if (map->data)
                munmap((void *)(uintptr_t)map->data, map->len);
        *map = (struct map){ 0 };
}

const EVP_MD *files_hash(const char *name)
{
        if (name && strcmp(name, "sha256") == 0)
                return EVP_sha256();
        return name && strcmp(name, "sha384") == 0 ? EVP_sha384() : NULL;
}
