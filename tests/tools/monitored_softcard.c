/* SPDX-License-Identifier: Apache-2.0 */
/* monitored_softcard.c: mohr-softcard with the rule monitor (tests/monitor) between reader and card.
 *
 * It is that program, source and all, but for the loop it serves the reader with: options, statistics
 * and signals cannot differ from what is shipped. Each breach is told on standard error when it
 * happens, and a card that saw one ends with exit code 1. A second process of the same reader session
 * cannot be seen from here, nor can PC/SC transactions: the monitor knows only power and commands.
 */
#include "drivers/softcard/vpcd.h"
#include "tests/monitor/monitor.h"

#include <stdio.h>

struct watch {
        const struct softcard_hooks *inner;
        void *user;
        struct monitor *monitor;
        size_t told;
};

static void tell(struct watch *watch)
{
        size_t count;
        const struct monitor_breach *breaches = monitor_breaches(watch->monitor, &count);
        for (; watch->told < count; watch->told++) {
                const struct monitor_breach *breach = &breaches[watch->told];
                char header[9];
                hex_encode(header, breach->header, sizeof breach->header);
                fprintf(stderr, "BREACH of rule %d at exchange %u (%s): %s\n", breach->rule,
                        breach->exchange, header, breach->what);
        }
}

static void watched_before(void *user, const uint8_t *cmd, size_t len)
{
        struct watch *watch = user;
        watch->inner->before(watch->user, cmd, len);
}

static void watched_after(
        void *user, const uint8_t *cmd, size_t len, const uint8_t *rsp, size_t rsp_len, int result)
{
        struct watch *watch = user;
        monitor_exchange(watch->monitor, cmd, len, rsp, rsp_len);
        tell(watch);
        watch->inner->after(watch->user, cmd, len, rsp, rsp_len, result);
}

static void watched_power(void *user, enum softcard_power what)
{
        struct watch *watch = user;
        monitor_event(watch->monitor, what == SOFTCARD_GONE ? MONITOR_REMOVED : MONITOR_RESET);
        tell(watch);
        watch->inner->power(watch->user, what);
}

static bool watched_wake(void *user)
{
        struct watch *watch = user;
        return watch->inner->wake(watch->user);
}

static int watched_run(struct softcard *card, const char *host, const char *port, int patience_ms,
        int wake_fd, const struct softcard_hooks *hooks, void *user)
{
        static const struct softcard_hooks watched = { watched_before, watched_after, watched_power,
                watched_wake };
        _cleanup_monitor_ struct monitor *monitor = NULL;
        int r = monitor_new(&monitor);
        if (r < 0)
                return r;
        struct watch watch = { .inner = hooks, .user = user, .monitor = monitor };
        r = softcard_vpcd_run(card, host, port, patience_ms, wake_fd, &watched, &watch);
        return watch.told > 0 ? -EPERM : r;
}

#undef softcard_vpcd_run /* a tool that includes this one may have another line to the reader */
#define softcard_vpcd_run watched_run
#include "drivers/softcard/main.c"
