/* SPDX-License-Identifier: Apache-2.0 */
/* confine.c: see confine.h. The texts of a receipt are chosen by whoever made the assertion, and they go through
 * shaping and drawing libraries of some size. Should one of them be led astray, what it can do is to spoil a
 * page that whoever started this program will not take for evidence anyway.
 *
 * A list of what is denied, not of what is allowed: what a font library reads, maps and asks differs by
 * version and configuration. Denied calls fail and the libraries go on, as when a cache cannot be written.
 */
#include "client-sdk/page/confine.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define CPU_SECONDS 60

struct denial {
        int call;
        int error;
        unsigned int args; /* how many of these must hold */
        struct scmp_arg_cmp arg;
};

#define ALWAYS(name, error)                                                                        \
        {                                                                                          \
                SCMP_SYS(name), error, 0,                                                          \
                {                                                                                  \
                        0                                                                          \
                }                                                                                  \
        }
#define IF_BITS(name, index, bits, value)                                                          \
        {                                                                                          \
                SCMP_SYS(name), EACCES, 1,                                                         \
                {                                                                                  \
                        (index), SCMP_CMP_MASKED_EQ, (bits), (value)                               \
                }                                                                                  \
        }

/* Libraries that try what the kernel may not have (openat2, clone3, io_uring) take ENOSYS for an answer. */
static const struct denial denials[] = {
        ALWAYS(socket, EACCES),
        ALWAYS(socketpair, EACCES),
        ALWAYS(connect, EACCES),
        ALWAYS(bind, EACCES),
        ALWAYS(sendto, EACCES),
        ALWAYS(sendmsg, EACCES),
        ALWAYS(io_uring_setup, ENOSYS),
        ALWAYS(execve, EACCES),
        ALWAYS(execveat, EACCES),
        ALWAYS(fork, EACCES),
        ALWAYS(vfork, EACCES),
        ALWAYS(ptrace, EPERM),
        ALWAYS(process_vm_readv, EPERM),
        ALWAYS(process_vm_writev, EPERM),
        ALWAYS(pidfd_getfd, EPERM),
        ALWAYS(kill, EPERM),
        IF_BITS(open, 1, O_ACCMODE, O_WRONLY),
        IF_BITS(open, 1, O_ACCMODE, O_RDWR),
        IF_BITS(openat, 2, O_ACCMODE, O_WRONLY),
        IF_BITS(openat, 2, O_ACCMODE, O_RDWR),
        ALWAYS(openat2, ENOSYS),
        ALWAYS(creat, EACCES),
        ALWAYS(truncate, EACCES),
        ALWAYS(unlink, EACCES),
        ALWAYS(unlinkat, EACCES),
        ALWAYS(rename, EACCES),
        ALWAYS(renameat, EACCES),
        ALWAYS(renameat2, EACCES),
        ALWAYS(link, EACCES),
        ALWAYS(linkat, EACCES),
        ALWAYS(symlink, EACCES),
        ALWAYS(symlinkat, EACCES),
        ALWAYS(mkdir, EACCES),
        ALWAYS(mkdirat, EACCES),
        ALWAYS(chmod, EACCES),
        ALWAYS(fchmodat, EACCES),
        ALWAYS(chown, EACCES),
        ALWAYS(fchownat, EACCES),
};

static void release_filter(scmp_filter_ctx *filter)
{
        seccomp_release(*filter);
}

static int deny(scmp_filter_ctx filter, const struct denial *denial)
{
        int r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint32_t)denial->error),
                denial->call, denial->args, &denial->arg);
        return r == -EDOM ? 0 : r; /* no such call on this architecture */
}

static int load_filter(void)
{
        _cleanup_(release_filter) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        if (!filter)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_LEN(denials); i++) {
                int r = deny(filter, &denials[i]);
                if (r < 0)
                        return r;
        }
        return seccomp_load(filter); /* sets no-new-privileges first */
}

int confine(void)
{
        const struct rlimit no_core = { 0, 0 }, cpu = { CPU_SECONDS, CPU_SECONDS };
        if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0 ||
                setrlimit(RLIMIT_CPU, &cpu) < 0)
                return -errno;
        return load_filter();
}
