/* SPDX-License-Identifier: Apache-2.0 */
/* child_launch.c: see child_launch.h.
 *
 * vfork, because a copy of our page tables would cost more than the helper's whole life; what runs
 * between vfork and execve is one function of plain system calls that touches no memory of ours. The
 * child is a session leader: its process group is its own, a terminal's ^C does not reach it, and what
 * it starts (pinentry) is never stopped for reading "from the background".
 */
#include "daemon/child_launch.h"

#include "base/portable.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define CHILD_FD 3
#define FILES_FD 4

static int place_files(const struct launch *launch)
{
        for (int i = 0; i < CHILD_FILES; i++) {
                int r = launch->files[i] >= 0 ? dup2(launch->files[i], FILES_FD + i)
                                              : close(FILES_FD + i);
                if (r < 0 && launch->files[i] >= 0)
                        return -1;
        }
        /* Open until the exec itself: the program may be one of them (programs.h). */
        return portable_close_from(FILES_FD + CHILD_FILES, true);
}

/* Runs in the parent's memory until execve: only system calls, nothing written but `error`. */
static void run_child(const struct launch *launch, volatile int *error)
{
        static const int defaults[] = { SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGTSTP,
                SIGTTOU };
        sigset_t none;
        sigemptyset(&none);
        for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
                signal(defaults[i], SIG_DFL);
        if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || dup2(launch->null, 0) < 0 ||
                dup2(launch->null, 1) < 0 || dup2(launch->channel, CHILD_FD) < 0 ||
                place_files(launch) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0) {
                *error = errno;
                return;
        }
        if (getppid() != launch->parent) /* it died before PDEATHSIG was set */
                return;
        execve(launch->argv[0], (char *const *)launch->argv, (char *const *)launch->env);
        *error = errno;
}

int child_launch(const struct launch *launch, pid_t *ret_pid)
{
        sigset_t all, before;
        volatile int error = 0;
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, &before); /* no handler may run in the shared memory */
        pid_t pid = vfork();
        if (pid == 0) {
                run_child(launch, &error);
                _exit(127);
        }
        int r = pid < 0 ? -errno : -error;
        sigprocmask(SIG_SETMASK, &before, NULL);
        if (r < 0) {
                if (pid > 0)
                        waitpid(pid, NULL, 0);
                return r;
        }
        *ret_pid = pid;
        return 0;
}
