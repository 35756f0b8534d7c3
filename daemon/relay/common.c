/* SPDX-License-Identifier: Apache-2.0 */
/* common.c: see common.h. A signal is blocked and heard by the loop, so that it never ends an operation in the middle: readers are let
 * go and cards are reset by whoever runs the loop, when it has ended.
 */
#include "daemon/relay/common.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static int stop_by(sd_event *event, int number, sd_event_signal_handler_t on_stop, void *user)
{
        struct sigaction before;
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, number);
        if (sigaction(number, NULL, &before) < 0)
                return -errno;
        if (before.sa_handler == SIG_IGN)
                return 0;
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        return sd_event_add_signal(event, NULL, number, on_stop, user);
}

int relay_open_loop(sd_event **ret, sd_event_signal_handler_t on_stop, void *user)
{
        static const int stops[] = { SIGTERM, SIGINT, SIGHUP };
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        int r = sd_event_new(ret);
        for (size_t i = 0; r >= 0 && i < ARRAY_LEN(stops); i++)
                r = stop_by(*ret, stops[i], on_stop, user);
        return r < 0 ? r : 0;
}

int relay_hand_on(const struct cli *cli, struct relay_arguments *to, const char *name, char *value)
{
        if (to->argc + 3 > (int)ARRAY_LEN(to->argv))
                return cli_usage(cli, _("%s is given too often."), name);
        to->argv[to->argc++] = (char *)(uintptr_t)name; /* it is only read */
        to->argv[to->argc++] = value;
        return 0;
}

/* By device and inode (systemd.exec(5)): who was started from a service and writes elsewhere has the variable as well. */
bool relay_is_journal(int fd)
{
        const char *said = getenv("JOURNAL_STREAM");
        char own[48];
        struct stat st;
        if (!said || fstat(fd, &st) < 0)
                return false;
        snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
        return strcmp(own, said) == 0;
}

enum log_level relay_log_level(const struct log *log, const struct config *config)
{
        bool person = isatty(log->fd) == 1;
        return person && config->log_level == LOG_LEVEL_INFO ? LOG_LEVEL_WARNING
                                                             : config->log_level;
}
