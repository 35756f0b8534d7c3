/* SPDX-License-Identifier: Apache-2.0 */
/* listen.c: see listen.h.
 *
 * The folder is the protection: it belongs to this user, nobody else may write to it, and its last
 * component is no symbolic link. It is opened once; the socket is looked at, replaced and bound through
 * that descriptor while it is locked, so that two daemons starting at once do not both believe the old
 * socket to be dead. A socket at the path is replaced only if nobody answers on it; anything else that
 * lies there is left alone.
 */
#include "daemon/listen.h"

#include "base/outcome.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#define BACKLOG 128

struct place {
        const char *path;
        char *error;
        size_t error_cap;
};

_printf_(3, 4) static int refuse(const struct place *place, int outcome, const char *format, ...)
{
        va_list args;
        int head = snprintf(place->error, place->error_cap, "%s: ", place->path);
        if (head > 0 && (size_t)head < place->error_cap) {
                va_start(args, format);
                vsnprintf(place->error + head, place->error_cap - (size_t)head, format, args);
                va_end(args);
        }
        return outcome;
}

static int open_folder(const struct place *place, const char *folder, int *ret)
{
        struct stat st;
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
                return refuse(place, OUTCOME_USAGE, "cannot make its folder: %s", strerror(errno));
        _cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return refuse(place, OUTCOME_USAGE, "cannot open its folder: %s", strerror(errno));
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_uid != geteuid() || (st.st_mode & 022))
                return refuse(place, OUTCOME_USAGE,
                        "its folder must belong to you, and only you may write to it");
        if (flock(fd, LOCK_EX) < 0)
                return -errno;
        *ret = base_take_fd(&fd);
        return 0;
}

/* The socket's address through the opened folder: no other path is walked, and no path is too long. */
static void address_in(const struct listener *l, struct sockaddr_un *ret)
{
        *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
        snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/%.80s", l->folder, l->name);
}

/* A child that a killed mohrd had just begun holds its socket for a moment: what counts is who listened. */
static bool listener_lives(int fd)
{
        struct ucred cred;
        socklen_t len = sizeof cred;
        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || cred.pid <= 0 ||
               kill(cred.pid, 0) == 0 || errno != ESRCH;
}

static bool answers(const struct listener *l)
{
        struct sockaddr_un address;
        address_in(l, &address);
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return true; /* not known to be dead */
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
                return listener_lives(fd);
        return errno != ECONNREFUSED;
}

static int clear_stale(const struct place *place, const struct listener *l)
{
        struct stat st;
        if (fstatat(l->folder, l->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
                return refuse(place, OUTCOME_USAGE, "something else lies there");
        if (answers(l))
                return refuse(place, OUTCOME_BUSY, "another mohrd answers there");
        return unlinkat(l->folder, l->name, 0) < 0 ? -errno : 0;
}

static int bind_new(struct listener *l)
{
        struct sockaddr_un address;
        struct stat st;
        address_in(l, &address);
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || fchmod(fd, 0600) < 0 || /* taken over by the name that bind() makes */
                bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
                fstatat(l->folder, l->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
                listen(fd, BACKLOG) < 0)
                return -errno;
        l->dev = st.st_dev;
        l->ino = st.st_ino;
        l->fd = base_take_fd(&fd);
        return 0;
}

static int make(struct listener *l, const struct place *place)
{
        const char *slash = strrchr(place->path, '/');
        if (!slash || slash == place->path || !slash[1] || place->path[0] != '/')
                return refuse(place, OUTCOME_USAGE, "not an absolute path in a folder");
        if (strlen(slash + 1) > 80)
                return refuse(place, OUTCOME_USAGE, "its last part is longer than 80 bytes");
        _cleanup_free_ char *folder = strndup(place->path, (size_t)(slash - place->path));
        if (!folder)
                return -ENOMEM;
        snprintf(l->name, sizeof l->name, "%s", slash + 1);
        int r = open_folder(place, folder, &l->folder);
        if (r == 0)
                r = clear_stale(place, l);
        if (r == 0)
                r = bind_new(l);
        if (l->folder >= 0)
                flock(l->folder, LOCK_UN);
        return r;
}

static int take_passed(struct listener *l, const struct place *place, int count)
{
        int fd = SD_LISTEN_FDS_START;
        if (count > 1 || sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0)
                return refuse(
                        place, OUTCOME_USAGE, "expected exactly one listening UNIX stream socket");
        if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        l->fd = fd;
        return 0;
}

int listener_open(struct listener *ret, const char *path, char *error, size_t error_cap)
{
        struct listener l = { .fd = -1, .folder = -1 };
        struct place place = { path, error, error_cap };
        int passed = sd_listen_fds(1), r;
        if (passed < 0)
                return passed;
        if (passed > 0) {
                place.path = "LISTEN_FDS";
                r = take_passed(&l, &place, passed);
        } else if (!path) {
                place.path = "socket";
                r = refuse(&place, OUTCOME_USAGE,
                        "no place for it: set XDG_RUNTIME_DIR or give --socket PATH");
        } else {
                r = make(&l, &place);
        }
        if (r != 0) {
                listener_close(&l);
                return r;
        }
        *ret = l;
        return 0;
}

void listener_close(struct listener *l)
{
        struct stat st;
        if (l->fd >= 0 && l->folder >= 0 &&
                fstatat(l->folder, l->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == l->dev &&
                st.st_ino == l->ino)
                unlinkat(l->folder, l->name, 0);
        if (l->folder >= 0)
                close(l->folder);
        if (l->fd >= 0)
                close(l->fd);
        l->fd = l->folder = -1;
}
