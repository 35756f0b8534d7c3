/* SPDX-License-Identifier: Apache-2.0 */
/* inject.c: see inject.h. The linker's --wrap sends each call of a listed function to its __wrap_ twin
 * here; the real one stays callable, so that the sanitizers' own allocators keep working beneath. Calls
 * made inside shared libraries are not seen: OpenSSL and jansson are asked to use our allocator instead,
 * and of the event loop what we call of it can fail.
 *
 * vfork shares no memory: a function that returned from vfork would leave its frame to the child.
 */
#include "tests/support/inject.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <systemd/sd-event.h>

static struct {
        unsigned int kinds;
        unsigned long at, seen;
        bool onwards;
        int paused;
        const char *what;
        void (*going)(const uint8_t *at, size_t len);
} armed;

static bool fails(enum inject_kind kind, const char *name)
{
        if (!(armed.kinds & kind) || armed.paused)
                return false;
        armed.seen++;
        bool failing = armed.seen == armed.at || (armed.onwards && armed.seen > armed.at);
        if (failing && !armed.what)
                armed.what = name;
        return failing;
}

bool inject_next(struct inject *in)
{
        if (in->n > 0 && !in->failed) {
                if (in->onwards)
                        return false;
                in->onwards = true;
                in->n = 0;
        }
        in->n += in->n == 0 ? 1 : in->step;
        in->failed = false;
        in->what = "nothing";
        return true;
}

void inject_arm(const struct inject *in)
{
        armed.kinds = in->kinds;
        armed.at = in->n;
        armed.seen = 0;
        armed.onwards = in->onwards;
        armed.what = NULL;
}

void inject_disarm(struct inject *in)
{
        armed.kinds = 0;
        in->failed = armed.what != NULL;
        in->what = armed.what ? armed.what : "nothing";
}

void inject_pause(void)
{
        armed.paused++;
}

void inject_resume(void)
{
        armed.paused--;
}

/* ---- what fails ---------------------------------------------------------------------------- */

#define WRAP(kind, type, name, params, args, bad, error)                                           \
        type __real_##name params;                                                                 \
        type __wrap_##name params;                                                                 \
        type __wrap_##name params                                                                  \
        {                                                                                          \
                if (fails(kind, #name)) {                                                          \
                        errno = (error);                                                           \
                        return bad;                                                                \
                }                                                                                  \
                return __real_##name args;                                                         \
        }

/* clang-format off */
#define MEMORY(type, name, params, args) WRAP(INJECT_MEMORY, type, name, params, args, NULL, ENOMEM)
#define SOURCE(name, params, args)       WRAP(INJECT_MEMORY, int, name, params, args, -ENOMEM, ENOMEM)
#define SYSTEM(name, params, args, error) WRAP(INJECT_SYSTEM, int, name, params, args, -1, error)
#define STREAM(name, params, args, error) WRAP(INJECT_SYSTEM, ssize_t, name, params, args, -1, error)

MEMORY(void *, malloc, (size_t len), (len))
MEMORY(void *, calloc, (size_t n, size_t len), (n, len))
MEMORY(void *, realloc, (void *old, size_t len), (old, len))
MEMORY(char *, strdup, (const char *text), (text))
MEMORY(char *, strndup, (const char *text, size_t len), (text, len))

SOURCE(sd_event_new, (sd_event **ret), (ret))
SOURCE(sd_event_add_io, (sd_event *e, sd_event_source **s, int fd, uint32_t events, sd_event_io_handler_t f, void *user), (e, s, fd, events, f, user))
SOURCE(sd_event_add_time, (sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec, uint64_t accuracy, sd_event_time_handler_t f, void *user), (e, s, clock, usec, accuracy, f, user))
SOURCE(sd_event_add_time_relative, (sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec, uint64_t accuracy, sd_event_time_handler_t f, void *user), (e, s, clock, usec, accuracy, f, user))
SOURCE(sd_event_add_defer, (sd_event *e, sd_event_source **s, sd_event_handler_t f, void *user), (e, s, f, user))
SOURCE(sd_event_add_post, (sd_event *e, sd_event_source **s, sd_event_handler_t f, void *user), (e, s, f, user))
SOURCE(sd_event_source_set_priority, (sd_event_source *s, int64_t priority), (s, priority))
SOURCE(sd_event_source_set_io_events, (sd_event_source *s, uint32_t events), (s, events))
SOURCE(sd_event_source_set_time_relative, (sd_event_source *s, uint64_t usec), (s, usec))

SYSTEM(socket, (int domain, int type, int protocol), (domain, type, protocol), EMFILE)
SYSTEM(socketpair, (int domain, int type, int protocol, int pair[2]), (domain, type, protocol, pair), EMFILE)
SYSTEM(accept4, (int fd, struct sockaddr *to, socklen_t *len, int flags), (fd, to, len, flags), EMFILE)
SYSTEM(connect, (int fd, const struct sockaddr *to, socklen_t len), (fd, to, len), EAGAIN)
SYSTEM(getsockopt, (int fd, int level, int name, void *value, socklen_t *len), (fd, level, name, value, len), ENOBUFS)
SYSTEM(setsockopt, (int fd, int level, int name, const void *value, socklen_t len), (fd, level, name, value, len), ENOBUFS)
SYSTEM(pidfd_open, (pid_t pid, unsigned int flags), (pid, flags), EMFILE)
SYSTEM(mlock, (const void *at, size_t len), (at, len), ENOMEM)
SYSTEM(mprotect, (void *at, size_t len, int how), (at, len, how), ENOMEM)
SYSTEM(madvise, (void *at, size_t len, int how), (at, len, how), EAGAIN)
SYSTEM(mkdir, (const char *path, mode_t mode), (path, mode), ENOSPC)
SYSTEM(rename, (const char *from, const char *to), (from, to), ENOSPC)
SYSTEM(fsync, (int fd), (fd), EIO)
SYSTEM(fstat, (int fd, struct stat *st), (fd, st), EIO)
STREAM(read, (int fd, void *to, size_t len), (fd, to, len), EIO)
STREAM(pread, (int fd, void *to, size_t len, off_t from), (fd, to, len, from), EIO)
SYSTEM(ftruncate, (int fd, off_t len), (fd, len), EIO)
SYSTEM(fallocate, (int fd, int mode, off_t from, off_t len), (fd, mode, from, len), EDQUOT)
MEMORY(FILE *, open_memstream, (char **text, size_t *len), (text, len))
STREAM(write, (int fd, const void *from, size_t len), (fd, from, len), ENOSPC)
STREAM(recv, (int fd, void *to, size_t len, int flags), (fd, to, len, flags), ENOMEM)
STREAM(recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), ENOMEM)
STREAM(send, (int fd, const void *from, size_t len, int flags), (fd, from, len, flags), ENOBUFS)
STREAM(getrandom, (void *to, size_t len, unsigned int flags), (to, len, flags), EINTR)
WRAP(INJECT_SYSTEM, void *, mmap, (void *at, size_t len, int how, int flags, int fd, off_t from), (at, len, how, flags, fd, from), MAP_FAILED, ENOMEM)
SYSTEM(mkostemp, (char *path, int flags), (path, flags), ENOSPC)
SYSTEM(fchmod, (int fd, mode_t mode), (fd, mode), EPERM)
SYSTEM(scandir, (const char *path, struct dirent ***names, int (*fits)(const struct dirent *), int (*order)(const struct dirent **, const struct dirent **)), (path, names, fits, order), ENOMEM)
WRAP(INJECT_SYSTEM, DIR *, opendir, (const char *path), (path), NULL, EMFILE)
WRAP(INJECT_SYSTEM, FILE *, fdopen, (int fd, const char *mode), (fd, mode), NULL, ENOMEM)
WRAP(INJECT_SYSTEM, FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL, EMFILE)
WRAP(INJECT_SYSTEM, size_t, fread, (void *to, size_t size, size_t n, FILE *file), (to, size, n, file), 0, EIO)
/* clang-format on */

/* ---- the ones with a form of their own ------------------------------------------------------ */

int __wrap_asprintf(char **ret, const char *format, ...) _printf_(2, 3);
int __real_vasprintf(char **ret, const char *format, va_list args) _printf_(2, 0);
int __wrap_vasprintf(char **ret, const char *format, va_list args) _printf_(2, 0);
int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list args) _printf_(3, 0);
int __wrap___asprintf_chk(char **ret, int flag, const char *format, ...) _printf_(3, 4);
pid_t __wrap_vfork(void);
int __wrap_munmap(void *at, size_t len);
int __real_munmap(void *at, size_t len);
int __wrap_open(const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_fcntl(int fd, int command, ...);
int __real_open(const char *path, int flags, ...);
int __real_openat(int dir, const char *path, int flags, ...);
int __real_fcntl(int fd, int command, ...);

int __wrap_asprintf(char **ret, const char *format, ...)
{
        va_list args;
        if (fails(INJECT_MEMORY, "asprintf"))
                return -1;
        va_start(args, format);
        int len = __real_vasprintf(ret, format, args);
        va_end(args);
        return len;
}

int __wrap___asprintf_chk(char **ret, int flag, const char *format, ...)
{
        va_list args;
        (void)flag;
        if (fails(INJECT_MEMORY, "asprintf"))
                return -1;
        va_start(args, format);
        int len = __real_vasprintf(ret, format, args);
        va_end(args);
        return len;
}

int __wrap_vasprintf(char **ret, const char *format, va_list args)
{
        return fails(INJECT_MEMORY, "vasprintf") ? -1 : __real_vasprintf(ret, format, args);
}

int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list args)
{
        (void)flag;
        return __wrap_vasprintf(ret, format, args);
}

bool inject_mapping_holds(const uint8_t *at, size_t len, const char *text)
{
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        for (size_t from = 0; from + page <= len; from += page) {
                uint8_t bytes[65536];
                struct iovec to = { bytes, page };
                struct iovec there = { (uint8_t *)(uintptr_t)at + from, page };
                if (process_vm_readv(getpid(), &to, 1, &there, 1, 0) == (ssize_t)page &&
                        memmem(bytes, page, text, strlen(text)))
                        return true;
        }
        return false;
}

void inject_watch_munmap(void (*going)(const uint8_t *at, size_t len))
{
        armed.going = going;
}

int __wrap_munmap(void *at, size_t len)
{
        if (armed.going)
                armed.going(at, len);
        return __real_munmap(at, len);
}

/* In memory of its own; but like vfork's parent, ours goes on when the child has begun its program, with a group that can be killed. */
pid_t __wrap_vfork(void)
{
        if (!fails(INJECT_SYSTEM, "vfork"))
                return (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, NULL);
        errno = EAGAIN;
        return -1;
}

static int mode_of(int flags, va_list args)
{
        return flags & O_CREAT ? va_arg(args, int) : 0;
}

int __wrap_open(const char *path, int flags, ...)
{
        va_list args;
        va_start(args, flags);
        int mode = mode_of(flags, args);
        va_end(args);
        if (!fails(INJECT_SYSTEM, "open"))
                return __real_open(path, flags, mode);
        errno = EMFILE;
        return -1;
}

int __wrap_openat(int dir, const char *path, int flags, ...)
{
        va_list args;
        va_start(args, flags);
        int mode = mode_of(flags, args);
        va_end(args);
        if (!fails(INJECT_SYSTEM, "openat"))
                return __real_openat(dir, path, flags, mode);
        errno = EMFILE;
        return -1;
}

int __wrap_fcntl(int fd, int command, ...)
{
        va_list args;
        va_start(args, command);
        long value = va_arg(args, long); /* every command of ours has one, or ignores it */
        va_end(args);
        if (!fails(INJECT_SYSTEM, "fcntl"))
                return __real_fcntl(fd, command, value);
        errno = EMFILE;
        return -1;
}

/* ---- the two libraries with allocators of their own ----------------------------------------- */

static void *ssl_malloc(size_t len, const char *file, int line)
{
        (void)file, (void)line;
        return fails(INJECT_OPENSSL, "OpenSSL malloc") ? NULL : __real_malloc(len);
}

static void *ssl_realloc(void *old, size_t len, const char *file, int line)
{
        (void)file, (void)line;
        return fails(INJECT_OPENSSL, "OpenSSL realloc") ? NULL : __real_realloc(old, len);
}

static void ssl_free(void *old, const char *file, int line)
{
        (void)file, (void)line;
        free(old);
}

static void *json_malloc(size_t len)
{
        return fails(INJECT_MEMORY, "jansson malloc") ? NULL : __real_malloc(len);
}

void inject_init(void)
{
        if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1)
                abort();
        json_set_alloc_funcs(json_malloc, free);
}
