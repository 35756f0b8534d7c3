/* SPDX-License-Identifier: Apache-2.0 */
/* file.c: see file.h. rename(2) makes the change, fsync(2) of file and folder makes it last, where that is waited for. */
#include "base/file.h"

#include "base/portable.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

int file_make_folders(const char *path, mode_t mode)
{
        _cleanup_free_ char *copy = strdup(path);
        if (!copy || !*path)
                return copy ? -EINVAL : -ENOMEM;
        for (char *c = copy + 1; *c; c++)
                if (*c == '/') {
                        *c = '\0';
                        if (mkdir(copy, mode) < 0 && errno != EEXIST)
                                return -errno;
                        *c = '/';
                }
        return mkdir(copy, mode) < 0 && errno != EEXIST ? -errno : 0;
}

ssize_t file_read_upto(int fd, void *data, size_t cap)
{
        size_t len = 0;
        while (len < cap) {
                ssize_t n = read(fd, (char *)data + len, cap - len);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                len += (size_t)n;
        }
        return (ssize_t)len;
}

int file_write(int fd, const void *data, size_t len)
{
        const uint8_t *at = data;
        while (len > 0) {
                ssize_t n = write(fd, at, len);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                at += n;
                len -= (size_t)n;
        }
        return 0;
}

/* The folder's own record of its names. */
int file_settle_folder(const char *path)
{
        _cleanup_free_ char *folder = strdup(path);
        if (!folder)
                return -ENOMEM;
        char *slash = strrchr(folder, '/');
        if (slash)
                slash[slash == folder] = '\0';
        _cleanup_close_ int fd =
                open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return errno == EACCES ? 0 : -errno; /* one that may be written to and not listed */
        return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

enum how {
        HOW_OVER = 1,    /* what has the name goes */
        HOW_SETTLED = 2, /* it outlasts a power cut from here on */
};

static int fill(int fd, const void *data, size_t len, mode_t mode, unsigned int how)
{
        int r = file_write(fd, data, len);
        if (r == 0 && (fchmod(fd, mode) < 0 || (how & HOW_SETTLED && fsync(fd) < 0)))
                r = -errno;
        return r;
}

/* "/folder/name" -> "/folder/.new-XXXXXX": no reader of folders takes it for one of its files. */
static int name_beside(const char *path, char **ret)
{
        const char *slash = strrchr(path, '/');
        int len = slash ? (int)(slash + 1 - path) : 0;
        return asprintf(ret, "%.*s.new-XXXXXX", len, path) < 0 ? -ENOMEM : 0;
}

/* rename(2) would put a file in the place of a device or a pipe as well, if root asks: /dev/full is no file of ours. */
static int replace(const char *fresh, const char *path)
{
        struct stat there;
        if (lstat(path, &there) < 0) {
                if (errno != ENOENT)
                        return -errno;
        } else if (!S_ISREG(there.st_mode) && !S_ISLNK(there.st_mode))
                return S_ISDIR(there.st_mode) ? -EISDIR : -EPERM;
        return rename(fresh, path) < 0 ? -errno : 0;
}

/* The last resort, where a file may have no second name (apps on Android): an empty one holds the name for a moment. */
static int take_name(const char *fresh, const char *path)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        int r = rename(fresh, path) < 0 ? -errno : 0;
        if (r < 0)
                unlink(path);
        return r;
}

/* Not every file system can rename without replacing; where it cannot, a second name does the same. */
int file_take_place(const char *fresh, const char *path, bool over)
{
        if (over)
                return replace(fresh, path);
        if (portable_rename_new(fresh, path) == 0)
                return 0;
        if (errno != EINVAL && errno != ENOSYS)
                return -errno;
        if (link(fresh, path) == 0)
                return unlink(fresh), 0;
        return errno == EPERM || errno == EACCES ? take_name(fresh, path) : -errno;
}

static int put(const char *path, const void *data, size_t len, mode_t mode, unsigned int how)
{
        _cleanup_free_ char *fresh = NULL;
        int r = name_beside(path, &fresh);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = mkostemp(fresh, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = fill(fd, data, len, mode, how);
        if (r == 0)
                r = file_take_place(fresh, path, how & HOW_OVER);
        if (r < 0) {
                unlink(fresh);
                return r;
        }
        return how & HOW_SETTLED ? file_settle_folder(path) : 0;
}

int file_replace(const char *path, const void *data, size_t len, mode_t mode)
{
        return put(path, data, len, mode, HOW_OVER | HOW_SETTLED);
}

int file_create(const char *path, const void *data, size_t len, mode_t mode)
{
        return put(path, data, len, mode, HOW_SETTLED);
}

int file_replace_soon(const char *path, const void *data, size_t len, mode_t mode)
{
        return put(path, data, len, mode, HOW_OVER);
}

int file_remove(const char *path)
{
        if (unlink(path) < 0)
                return errno == ENOENT ? 0 : -errno;
        return file_settle_folder(path);
}
