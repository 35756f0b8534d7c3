/* SPDX-License-Identifier: Apache-2.0 */
/* confine.c: see confine.h. A list of what is allowed: this program reads, writes and asks for memory, and that is all. The
 * document is in the address space or comes through a descriptor that is open already, so that no call that
 * takes a name is needed. What is not in the list fails, and a library that tries it goes on without.
 *
 * The limit of memory is above the document's own size, since the map of a file counts. Sanitizers reserve more
 * address space than any limit, and do at their end what a filter forbids.
 */
#include "client-sdk/document/confine.h"
#include "client-sdk/document/work.h"

#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define MEMORY           (1024ULL * 1024 * 1024)
#define CPU_SECONDS      60
#define BYTES_PER_SECOND (20ULL * 1024 * 1024) /* of a slow machine, for both hashes */
#define WRITE_MORE       (128ULL * 1024 * 1024)

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

struct allowed {
        int call;
        unsigned int fixed; /* how many of these hold */
        struct scmp_arg_cmp arg;
};

#define ALWAYS(name)                                                                               \
        {                                                                                          \
                SCMP_SYS(name), 0,                                                                 \
                {                                                                                  \
                        0                                                                          \
                }                                                                                  \
        }
#define WHEN(name, index, value)                                                                   \
        {                                                                                          \
                SCMP_SYS(name), 1,                                                                 \
                {                                                                                  \
                        (index), SCMP_CMP_EQ, (value), 0                                           \
                }                                                                                  \
        }
#define UNLESS_BIT(name, index, bit)                                                               \
        {                                                                                          \
                SCMP_SYS(name), 1,                                                                 \
                {                                                                                  \
                        (index), SCMP_CMP_MASKED_EQ, (bit), 0                                      \
                }                                                                                  \
        }
#define WHEN_BIT(name, index, bit)                                                                 \
        {                                                                                          \
                SCMP_SYS(name), 1,                                                                 \
                {                                                                                  \
                        (index), SCMP_CMP_MASKED_EQ, (bit), (bit)                                  \
                }                                                                                  \
        }

static const struct allowed allowed[] = {
        /* the question and its answers */
        WHEN(recvfrom, 0, DOCUMENT_CHANNEL),
        WHEN(sendto, 0, DOCUMENT_CHANNEL),
        /* the files */
        WHEN(pread64, 0, DOCUMENT_READ),
        WHEN(write, 0, DOCUMENT_WRITE),
        WHEN(ftruncate, 0, DOCUMENT_WRITE),
        WHEN(fsync, 0, DOCUMENT_WRITE),
        WHEN(fcntl, 1, F_GETFL),
        ALWAYS(fstat),
        WHEN_BIT(newfstatat, 3, AT_EMPTY_PATH), /* fstat of newer C libraries */
        ALWAYS(fstatfs),
        ALWAYS(lseek),
        ALWAYS(close),
        /* memory, never executable */
        UNLESS_BIT(mmap, 2, PROT_EXEC),
        UNLESS_BIT(mprotect, 2, PROT_EXEC),
        ALWAYS(munmap),
        ALWAYS(mremap),
        ALWAYS(madvise),
        ALWAYS(brk),
        /* libraries: locks, seeds, time, who am I, and how a process ends */
        ALWAYS(futex),
        ALWAYS(getrandom),
        ALWAYS(clock_gettime),
        ALWAYS(gettimeofday),
        ALWAYS(getpid),
        ALWAYS(gettid),
        ALWAYS(rt_sigprocmask),
        ALWAYS(rt_sigreturn),
        ALWAYS(exit),
        ALWAYS(exit_group),
        ALWAYS(restart_syscall),
};

/* What a sanitizer does besides, at its reports and its end. */
static const struct allowed sanitizers[] = {
        ALWAYS(sigaltstack),
        ALWAYS(rt_sigaction),
        ALWAYS(prctl),
        ALWAYS(sched_yield),
        WHEN(write, 0, STDERR_FILENO),
};

int document_settle(void)
{
        const struct rlimit none = { 0, 0 };
        if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
                return -errno;
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                setrlimit(RLIMIT_CORE, &none) < 0)
                return -errno;
        return close_range(DOCUMENT_WRITE + 1, ~0U, 0) < 0 ? -errno : 0;
}

/* A limit that is lower already stays: who started this may have reasons. */
static int limit(__rlimit_resource_t what, uint64_t value)
{
        struct rlimit both;
        if (getrlimit(what, &both) < 0)
                return -errno;
        if (both.rlim_max == RLIM_INFINITY || both.rlim_max > value)
                both.rlim_max = (rlim_t)value;
        both.rlim_cur = both.rlim_max;
        return setrlimit(what, &both) < 0 ? -errno : 0;
}

static void release_filter(scmp_filter_ctx *filter)
{
        seccomp_release(*filter);
}

static int allow(scmp_filter_ctx filter, const struct allowed *rows, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                int r = seccomp_rule_add_array(
                        filter, SCMP_ACT_ALLOW, rows[i].call, rows[i].fixed, &rows[i].arg);
                if (r < 0 && r != -EDOM) /* no such call on this architecture */
                        return r;
        }
        return 0;
}

static int load_filter(void)
{
        _cleanup_(release_filter) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        int r = filter ? allow(filter, allowed, ARRAY_LEN(allowed)) : -ENOMEM;
        if (r == 0 && SANITIZED)
                r = allow(filter, sanitizers, ARRAY_LEN(sanitizers));
        return r < 0 ? r : seccomp_load(filter);
}

int document_confine(uint64_t size)
{
        int r = SANITIZED ? 0 : limit(RLIMIT_AS, MEMORY + 3 * size);
        if (r == 0)
                r = limit(RLIMIT_CPU, CPU_SECONDS + size / BYTES_PER_SECOND);
        if (r == 0)
                r = limit(RLIMIT_FSIZE, WRITE_MORE + 2 * size);
        return r < 0 ? r : load_filter();
}
