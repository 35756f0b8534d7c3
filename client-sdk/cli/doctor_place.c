/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_place.c: files of the computer that is looked at. Reading is bounded, follows what is there, and waits for nothing:
 * what is no plain file is not read.
 */
#include "client-sdk/cli/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool place_path(char dst[static PATH_MAX], const struct examination *e, const char *path)
{
        int len = snprintf(dst, PATH_MAX, "%s%s", e->root, path);
        return len > 0 && len < PATH_MAX;
}

bool place_is(const struct examination *e, const char *path, struct stat *ret)
{
        char whole[PATH_MAX];
        return place_path(whole, e, path) && lstat(whole, ret) == 0;
}

/* Files of /proc have no size: they are read to their end, or to that of the room. */
static bool read_some(int fd, char *dst, size_t cap)
{
        size_t used = 0;
        ssize_t n = 1;
        while (n > 0 && used < cap - 1) {
                n = read(fd, dst + used, cap - 1 - used);
                used += n > 0 ? (size_t)n : 0;
        }
        dst[used] = '\0';
        return n >= 0;
}

bool place_read(const struct examination *e, const char *path, char *dst, size_t cap)
{
        char whole[PATH_MAX];
        struct stat st;
        if (!place_path(whole, e, path))
                return false;
        _cleanup_close_ int fd = open(whole, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && read_some(fd, dst, cap);
}

static const char *named(const char *name)
{
        const char *value = getenv(name);
        return value && value[0] ? value : NULL;
}

const char *place_runtime(void)
{
        return named("XDG_RUNTIME_DIR");
}

const char *place_named_socket(void)
{
        return named("MOHR_SOCKET");
}

int place_connect(const char *path)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t len = strlen(path);
        if (len >= sizeof address.sun_path)
                return ENAMETOOLONG;
        memcpy(address.sun_path, path, len);
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return errno;
        return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ||
                               errno == EAGAIN
                       ? 0
                       : errno;
}

bool place_program(const struct examination *e, const char *name)
{
        char path[PATH_MAX + 64], whole[PATH_MAX];
        if (!e->root[0])
                return cli_program(name, whole);
        snprintf(path, sizeof path, "%s/%s", MOHR_LIBEXECDIR, name);
        return place_path(whole, e, path) && access(whole, X_OK) == 0;
}
