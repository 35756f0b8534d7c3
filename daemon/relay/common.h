/* SPDX-License-Identifier: Apache-2.0 */
/* common.h: what `mohr-relay serve` and `mohr-relay assert` need alike: a loop that a person can end, arguments for the
 * configuration, and how much the journal is told.
 */
#ifndef MOHR_RELAY_COMMON_H
#define MOHR_RELAY_COMMON_H

#include "base/log.h"
#include "client-sdk/cli/cli.h"
#include "daemon/config.h"

#include <systemd/sd-event.h>

/* From here on SIGTERM, SIGINT and SIGHUP call `on_stop`, but for what somebody had ignored before us (nohup); and whatever is
 * started from here has no privileges to gain. */
_must_check_ int relay_open_loop(sd_event **ret, sd_event_signal_handler_t on_stop, void *user);

struct relay_arguments { /* for config_load(); its own name is the first */
        char *argv[2 * CONFIG_DRIVERS_MAX + 6];
        int argc;
};
/* 0, or an exit code that was told of. */
_must_check_ int relay_hand_on(
        const struct cli *cli, struct relay_arguments *to, const char *name, char *value);

/* Is this what systemd's journal reads? Levels in front of lines are for it alone. */
bool relay_is_journal(int fd);
/* On a terminal there are lines for people already. */
enum log_level relay_log_level(const struct log *log, const struct config *config);

#endif
