/* SPDX-License-Identifier: Apache-2.0 */
/* documents_file.c: what a stranger's two descriptors must be, and files of our own that have no name.
 *
 * Only what a descriptor is in itself is looked at here: mode, kind, identity, as the kernel has them at hand
 * (AT_STATX_DONT_SYNC). Nothing is read, written or asked of a file system, which may be one that never answers: that is the
 * worker's part, which can be killed, and which checks all of this again before it begins.
 *
 * A copy of somebody's contract is a secret of theirs. It has no name from the first moment on (O_TMPFILE), cannot be given one
 * (O_EXCL), and is gone with the last descriptor, however this process ends. It lies on a disk and not in memory, since its size
 * has no bound.
 */
#include "daemon/documents_internal.h"

#include "base/portable.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define PATIENCE_US  60000000ULL
#define BYTES_PER_US 4ULL /* of a slow disk: 4 MB in a second */
#define PATIENCE_MAX (6 * 3600 * 1000000ULL)
#define NOTICED      (STATX_TYPE | STATX_INO | STATX_SIZE)

static bool open_for(int fd, int mode)
{
        int flags = fcntl(fd, F_GETFL);
        int access = flags & O_ACCMODE;
        return flags >= 0 && !(flags & O_PATH) && (access == mode || access == O_RDWR);
}

static bool is_file(int fd, struct statx *ret)
{
        return portable_statx(fd, NOTICED, ret) == 0 && S_ISREG(ret->stx_mode);
}

static bool same_file(const struct statx *one, const struct statx *other)
{
        return one->stx_ino == other->stx_ino && one->stx_dev_major == other->stx_dev_major &&
               one->stx_dev_minor == other->stx_dev_minor;
}

int file_pair_fits(int from, int to, uint64_t *ret_size, const char **ret_why)
{
        struct statx source, sink;
        *ret_why = "not-a-file";
        if (!open_for(from, O_RDONLY) || !is_file(from, &source))
                return OUTCOME_DOCUMENT;
        *ret_why = "output";
        if (!open_for(to, O_WRONLY) || !is_file(to, &sink) || sink.stx_size != 0 ||
                same_file(&source, &sink))
                return OUTCOME_DOCUMENT;
        *ret_why = NULL;
        *ret_size = source.stx_size;
        return 0;
}

static bool is_of_memory(int fd)
{
        struct statfs fs;
        return fstatfs(fd, &fs) < 0 || fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC;
}

static int nameless_in(const char *folder)
{
        if (!folder || folder[0] != '/')
                return -ENOENT;
        _cleanup_close_ int fd = open(folder, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        return is_of_memory(fd) ? -EOPNOTSUPP : base_take_fd(&fd);
}

int file_nameless(const struct request_context *context)
{
        const char *const folders[] = { getenv("TMPDIR"), "/var/tmp", context->config->state_dir };
        int r = -ENOENT;
        for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
                int fd = nameless_in(folders[i]);
                if (fd >= 0)
                        return fd;
                r = fd == -ENOENT ? r : fd;
        }
        log_kv(context->log, LOG_LEVEL_ERR, NULL, "no folder on a disk for copies of documents",
                "error", portable_errno_name(-r), NULL);
        return r;
}

uint64_t file_limit_us(uint64_t size)
{
        uint64_t more = size / BYTES_PER_US;
        return more > PATIENCE_MAX ? PATIENCE_MAX : PATIENCE_US + more;
}
