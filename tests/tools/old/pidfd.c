/* SPDX-License-Identifier: Apache-2.0 */
/* pidfd.c: linked into a test, a kernel from before 5.3: no descriptor tells of a process's end. */
#include <errno.h>
#include <sys/pidfd.h>

int pidfd_open(pid_t pid, unsigned int flags)
{
        (void)pid, (void)flags;
        errno = ENOSYS;
        return -1;
}
