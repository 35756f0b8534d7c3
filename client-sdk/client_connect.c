/* SPDX-License-Identifier: Apache-2.0 */
/* client_connect.c: reaching mohrd, and letting go of it.
 *
 * A listener that runs under another user is no mohrd of ours: it would learn who is asked for what,
 * and could ask for a PIN. The descriptor is not inherited by programs that are started (CLOEXEC).
 */
#include "client-sdk/client_object.h"

#include "base/outcome.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

/* Where to say why nobody was reached. */
struct why {
        char *text;
        size_t cap; /* 0: nobody wants to know */
};

_printf_(2, 3) static int unreachable(const struct why *why, const char *format, ...)
{
        char line[512];
        va_list args;
        va_start(args, format);
        vsnprintf(line, sizeof line, format, args);
        va_end(args);
        if (why->cap > 0)
                text_sanitize(why->text, why->cap, line, sizeof line);
        return OUTCOME_UNREACHABLE;
}

static int socket_path(const char *wanted, char *dst, size_t cap, const struct why *why)
{
        const char *named = wanted ? wanted : getenv("MOHR_SOCKET");
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        int len;
        if (named && named[0])
                len = snprintf(dst, cap, "%s", named);
        else if (!runtime || !runtime[0])
                return unreachable(why, "XDG_RUNTIME_DIR is not set");
        else if (runtime[0] != '/')
                return unreachable(why, "XDG_RUNTIME_DIR is no absolute path: %s", runtime);
        else
                len = snprintf(dst, cap, "%s/mohr/mohr.sock", runtime);
        if (len > 0 && (size_t)len < cap)
                return 0;
        return unreachable(why, "%s...: %s", dst, strerror(ENAMETOOLONG));
}

/* Ours, or root's: behind a system unit's socket it was systemd itself that called listen(). */
static bool is_ours(int fd)
{
        struct ucred peer;
        socklen_t len = sizeof peer;
        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
               (peer.uid == geteuid() || peer.uid == 0);
}

static int reach(int fd, const struct sockaddr_un *address, const struct why *why)
{
        const struct timeval patience = { .tv_sec = 5 }; /* a full backlog */
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0)
                return unreachable(why, "%s: %s", address->sun_path, strerror(errno));
        if (!is_ours(fd))
                return unreachable(
                        why, "%s: the listener belongs to another user", address->sun_path);
        return 0;
}

int mohr_client_connect_why(
        struct mohr_client **ret, const char *socket_name, char *problem, size_t problem_cap)
{
        const struct why why = { problem, problem_cap };
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int r = socket_path(socket_name, address.sun_path, sizeof address.sun_path, &why);
        if (r != 0)
                return r;
        _cleanup_client_ struct mohr_client *client = calloc(1, sizeof *client);
        if (!client)
                return -ENOMEM;
        client->tries_left = -1;
        client->owner = getpid();
        client->wire.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (client->wire.fd < 0)
                return -errno;
        r = reach(client->wire.fd, &address, &why);
        if (r != 0)
                return r;
        *ret = client;
        client = NULL;
        return 0;
}

int mohr_client_connect(struct mohr_client **ret, const char *socket_name)
{
        return mohr_client_connect_why(ret, socket_name, NULL, 0);
}

struct mohr_client *mohr_client_free(struct mohr_client *client)
{
        if (!client)
                return NULL;
        wire_close(&client->wire);
        wire_reply_cleanup(&client->reply);
        free(client->text);
        free(client);
        return NULL;
}

/* Only async-signal-safe calls, and errno is that of whoever was interrupted. A forked process would end its
 * parent's call. */
void mohr_client_cancel(struct mohr_client *client)
{
        int kept = errno;
        if (client->owner == getpid())
                shutdown(client->wire.fd, SHUT_RDWR);
        errno = kept;
}
