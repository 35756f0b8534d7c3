/* SPDX-License-Identifier: Apache-2.0 */
/* portable.h: the few calls that not every C library or kernel has which Mohr's phone side meets (docs/phone.md has the list):
 * musl from 1.2.3 on, Android's bionic from API level 24 on, kernels from 4.4 on.
 *
 * Where the library has a call, that one is made; else the kernel's, unless this is Android, whose filter for apps kills whoever
 * makes a call that it does not know. What is not there answers ENOSYS, and each caller has another way.
 */
#ifndef MOHR_PORTABLE_H
#define MOHR_PORTABLE_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <sys/pidfd.h>
#endif
#ifndef STATX_TYPE /* musl before 1.2.5 */
#include <linux/stat.h>
#endif

/* A row that nobody's kernel numbers so: it is answered ENOSYS everywhere. */
#define PORTABLE_NO_CALL (-1)
#if defined(__ANDROID__)
#define PORTABLE_CALL(number) PORTABLE_NO_CALL
#else
#define PORTABLE_CALL(number) (number)
#endif

static inline long portable_syscall(long number, long a, long b, long c, long d, long e)
{
        if (number != PORTABLE_NO_CALL)
                return syscall(number, a, b, c, d, e);
        errno = ENOSYS;
        return -1;
}

/* "EIO"; where the library does not know its names, its sentence. */
static inline const char *portable_errno_name(int error)
{
#ifdef __GLIBC__
        return strerrorname_np(error);
#else
        return strerror(error);
#endif
}

static inline int portable_pidfd_open(pid_t pid)
{
#ifdef __GLIBC__
        return pidfd_open(pid, 0);
#else
        return (int)portable_syscall(PORTABLE_CALL(SYS_pidfd_open), pid, 0, 0, 0, 0);
#endif
}

static inline int portable_pidfd_kill(int pidfd)
{
#ifdef __GLIBC__
        return pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
#else
        return (int)portable_syscall(PORTABLE_CALL(SYS_pidfd_send_signal), pidfd, SIGKILL, 0, 0, 0);
#endif
}

/* linux/close_range.h, which not all have. */
#define PORTABLE_CLOSE_ON_EXEC (1U << 2)

static inline int portable_close_range(unsigned int first, unsigned int flags)
{
#ifdef __GLIBC__
        return close_range(first, ~0U, (int)flags);
#else
        return (int)portable_syscall(PORTABLE_CALL(SYS_close_range), first, ~0U, flags, 0, 0);
#endif
}

/* All from `first` on. Makes system calls and nothing else: it may run between vfork and execve. */
#define PORTABLE_FILES_MAX 65536
static inline int portable_close_from(unsigned int first, bool on_exec)
{
        struct rlimit files = { 0, 0 };
        if (portable_close_range(first, on_exec ? PORTABLE_CLOSE_ON_EXEC : 0) == 0)
                return 0;
        if (errno != ENOSYS && errno != EINVAL)
                return -1;
        if (getrlimit(RLIMIT_NOFILE, &files) < 0)
                return -1;
        int end = files.rlim_cur < PORTABLE_FILES_MAX ? (int)files.rlim_cur : PORTABLE_FILES_MAX;
        for (int fd = (int)first; fd < end; fd++)
                (void)(on_exec ? fcntl(fd, F_SETFD, FD_CLOEXEC) : close(fd));
        return 0;
}

/* rename(2) that replaces nothing. */
static inline int portable_rename_new(const char *from, const char *to)
{
#ifdef __GLIBC__
        return renameat2(AT_FDCWD, from, AT_FDCWD, to, 1U);
#else
        return (int)portable_syscall(
                PORTABLE_CALL(SYS_renameat2), AT_FDCWD, (long)from, AT_FDCWD, (long)to, 1);
#endif
}

/* What an open file is, as far as that can be told without waiting for its file system. */
static inline int portable_statx(int fd, unsigned int mask, struct statx *ret)
{
        const int flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
#ifdef __GLIBC__
        return statx(fd, "", flags, mask, ret);
#else
        return (int)portable_syscall(
                PORTABLE_CALL(SYS_statx), fd, (long)"", flags, mask, (long)ret);
#endif
}

#ifdef __ANDROID__
#if __ANDROID_API__ < 28
/* Its own library makes this call, and the filter knows it. */
static inline ssize_t getrandom(void *dst, size_t len, unsigned int flags)
{
        return syscall(SYS_getrandom, dst, len, flags);
}
#else
#include <sys/random.h>
#endif
static inline void explicit_bzero(void *dst, size_t len)
{
        memset(dst, 0, len);
        __asm__ __volatile__("" : : "r"(dst) : "memory");
}
#endif

#endif
