/* SPDX-License-Identifier: Apache-2.0 */
/* sign_place.c: a result that is there whole or not at all.
 *
 * It is written to a file in the same folder that has no name (O_TMPFILE), and gets its name when it is complete: so nothing is left of one
 * that never was, however this process ends. Where a file system has no such files (those of USB sticks, of some networks) it has
 * the name of a temporary file meanwhile. A name that is taken is taken over only if that was asked for, in one step, and from no
 * device, pipe or folder.
 */
#include "client-sdk/cli/sign.h"

#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>

static int folder_of(const char *path, char **ret)
{
        const char *slash = strrchr(path, '/');
        size_t len = slash ? (size_t)(slash - path) : 1;
        *ret = slash ? strndup(path, len > 0 ? len : 1) : strdup(".");
        return *ret ? 0 : -ENOMEM;
}

static int beside_of(const char *folder, char **ret)
{
        return asprintf(ret, "%s/.new-XXXXXX", folder) < 0 ? -ENOMEM : 0;
}

static int open_named(const char *folder, mode_t mode, char **ret_beside)
{
        _cleanup_free_ char *name = NULL;
        int r = beside_of(folder, &name);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = mkostemp(name, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fchmod(fd, mode) < 0 && errno != EPERM) { /* a file system may have no modes */
                r = -errno;
                unlink(name);
                return r;
        }
        *ret_beside = name;
        name = NULL;
        return base_take_fd(&fd);
}

/* A descriptor, or a negative errno; *ret_beside stays NULL for one without a name. */
static int open_result(const char *out, mode_t mode, char **ret_beside)
{
        char *made = NULL;
        int r = folder_of(out, &made);
        _cleanup_free_ char *folder = made;
        if (r < 0)
                return r;
        int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
        if (fd >= 0)
                return fd;
        if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
                return -errno;
        return open_named(folder, mode, ret_beside);
}

int place_open(struct sign_item *item)
{
        int fd = open_result(item->out, item->mode, &item->beside);
        if (fd < 0)
                return fd;
        item->to = fd;
        return 0;
}

int place_anew(struct sign_item *item, char **ret_beside, int *ret)
{
        *ret_beside = NULL;
        int fd = open_result(item->out, item->mode, ret_beside);
        if (fd < 0)
                return fd;
        *ret = fd;
        return 0;
}

void place_swap(struct sign_item *item, int fd, char *beside)
{
        if (item->beside)
                unlink(item->beside);
        free(item->beside);
        if (item->to >= 0)
                close(item->to);
        item->beside = beside;
        item->to = fd;
}

/* A name for what has none, which nobody else has. */
static int give_name(int fd, const char *name)
{
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        return linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static int name_beside(struct sign_item *item)
{
        char *made = NULL;
        int r = folder_of(item->out, &made);
        _cleanup_free_ char *folder = made, *name = NULL;
        if (r == 0)
                r = beside_of(folder, &name);
        if (r < 0)
                return r;
        /* mkstemp finds a name that is free; it is free again for the moment until the link. */
        int fd = mkostemp(name, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        close(fd);
        unlink(name);
        r = give_name(item->to, name);
        if (r < 0)
                return r;
        item->beside = name;
        name = NULL;
        return 0;
}

static int take_over(struct sign_item *item)
{
        int r = item->beside ? 0 : name_beside(item);
        return r == 0 ? file_take_place(item->beside, item->out, true) : r;
}

static int take_free_name(struct sign_item *item)
{
        return item->beside ? file_take_place(item->beside, item->out, false)
                            : give_name(item->to, item->out);
}

int place_put(struct sign_item *item)
{
        if (fsync(item->to) < 0)
                return -errno;
        int r = item->replace ? take_over(item) : take_free_name(item);
        if (r < 0)
                return r;
        free(item->beside);
        item->beside = NULL;
        return file_settle_folder(item->out);
}

int place_copy(int from, uint64_t offset, uint64_t len, int to)
{
        char piece[65536];
        while (len > 0) {
                size_t want = len < sizeof piece ? (size_t)len : sizeof piece;
                ssize_t n = pread(from, piece, want, (off_t)offset);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                int r = file_write(to, piece, (size_t)n);
                if (r < 0)
                        return r;
                offset += (uint64_t)n;
                len -= (uint64_t)n;
        }
        return 0;
}
