/* SPDX-License-Identifier: Apache-2.0 */
/* helper.c: see helper.h. The order in which a helper gives things up is the order of the lines in
 * helper_main() and below: environment and descriptors, the device, locked memory, the sandbox, "ready". What
 * may fail at a person's machine (no pcscd, no such reader) ends in a documented exit status; a log
 * line goes to stderr only for what somebody has to repair.
 */
#include "drivers/helper/helper.h"

#include "base/log.h"
#include "base/secret.h"
#include "drivers/helper/loop.h"
#include "drivers/helper/sandbox.h"
#include "drivers/helper/stack.h"
#include "drivers/helper/session.h"

#include <getopt.h>
#include <signal.h>
#include <sys/prctl.h>

#define OPTIONS_MAX 48

struct plan {
        const struct driver *driver;
        const char *driver_name, *reader;
        const char *options[OPTIONS_MAX + 1];
        size_t option_count;
        bool watch;
        int device; /* --usb-fd: a descriptor that somebody opened for us; else -1 */
};

#define HANDED_OVER "fd:4" /* where sandbox_prepare() puts it */

static const struct option long_options[] = {
        { "driver", required_argument, NULL, 'd' },
        { "reader", required_argument, NULL, 'r' },
        { "option", required_argument, NULL, 'o' },
        { "watch", no_argument, NULL, 'w' },
        { "usb-fd", required_argument, NULL, 'u' },
        { 0 },
};

static int take_device(struct plan *plan, const char *value)
{
        char *end;
        long fd = strtol(value, &end, 10);
        if (end == value || *end || fd < 0 || fd == OPS_FD || fd > 65535)
                return -EINVAL;
        plan->device = (int)fd;
        plan->reader = HANDED_OVER;
        return 0;
}

static int take_option(struct plan *plan, int which, const char *value)
{
        switch (which) {
        case 'd': plan->driver_name = value; return 0;
        case 'r': plan->reader = value; return 0;
        case 'w': plan->watch = true; return 0;
        case 'u': return take_device(plan, value);
        case 'o':
                if (plan->option_count == OPTIONS_MAX || !strchr(value, '='))
                        return -EINVAL;
                plan->options[plan->option_count++] = value;
                return 0;
        default: return -EINVAL;
        }
}

static const struct driver *find_driver(const struct driver *const *drivers, const char *name)
{
        for (; *drivers; drivers++)
                if (name && strcmp((*drivers)->name, name) == 0)
                        return *drivers;
        return NULL;
}

static int plan_parse(struct plan *plan, const struct driver *const *drivers, int argc, char **argv)
{
        opterr = 0;
        for (int which; (which = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
                int r = take_option(plan, which, optarg);
                if (r < 0)
                        return r;
        }
        plan->driver = find_driver(drivers, plan->driver_name);
        if (!plan->driver || optind != argc)
                return -EINVAL;
        bool complete = plan->watch ? plan->driver->watch_open != NULL
                                    : plan->driver->open != NULL && plan->reader;
        return complete ? 0 : -EINVAL;
}

/* Reports what went wrong on the way to "ready" and turns it into the exit status. */
static int refuse(const struct plan *plan, const char *what, int r)
{
        const struct log log = {
                .program = "mohr-reader", .max = LOG_LEVEL_INFO, .fd = STDERR_FILENO
        };
        if (r < 0)
                log_kv(&log, LOG_LEVEL_ERR, NULL, what, "driver", plan->driver->name, "error",
                        strerror(-r), NULL);
        return outcome_of(r);
}

static const char *confined_as(const struct driver *driver)
{
        return driver->confined_as ? driver->confined_as : driver->name;
}

static int run_watcher(const struct plan *plan)
{
        void *watch = NULL;
        int r = plan->driver->watch_open(&watch, plan->options);
        if (r != 0)
                return refuse(plan, "cannot open the backend", r);
        r = sandbox_close(confined_as(plan->driver));
        if (r == 0)
                r = loop_say_ready(OPS_FD, plan->driver);
        if (r < 0)
                return refuse(plan, "cannot close the sandbox", r);
        return loop_watch(OPS_FD, plan->driver, watch);
}

static int serve_reader(const struct plan *plan, void *reader)
{
        _cleanup_secret_ struct secret *inbox = NULL;
        _cleanup_session_ struct session *session = NULL;
        int r = secret_new(&inbox, OPS_FRAME_MAX);
        if (r == 0)
                r = session_new(&session, plan->driver, reader);
        if (r < 0)
                return refuse(plan, "cannot lock memory", r);
        (void)stack_lock(); /* where it cannot be, what waits is locked all the same */
        r = sandbox_close(confined_as(plan->driver));
        if (r == 0)
                r = loop_say_ready(OPS_FD, plan->driver);
        if (r < 0)
                return refuse(plan, "cannot close the sandbox", r);
        return loop_serve(OPS_FD, session, inbox);
}

/* The device runs the card's profile by itself; there is no session here. */
static int serve_linked(const struct plan *plan, void *reader)
{
        int r = sandbox_close(confined_as(plan->driver));
        if (r < 0)
                return refuse(plan, "cannot close the sandbox", r);
        return plan->driver->serve(reader, OPS_FD);
}

/* Nobody resets a direct reader's card when its helper is killed. So the end of mohrd, which the channel
 * tells of, must not kill it, nor a service manager that ends what mohrd left: it goes by itself, after it
 * has taken the power off. */
static int outlive_mohrd(const struct driver *driver)
{
        if (!driver->wait)
                return 0;
        if (prctl(PR_SET_PDEATHSIG, 0) < 0 || signal(SIGTERM, SIG_IGN) == SIG_ERR)
                return -errno;
        return 0;
}

static int run_helper(const struct plan *plan)
{
        void *reader = NULL;
        int r = outlive_mohrd(plan->driver);
        if (r == 0)
                r = plan->driver->open(&reader, plan->reader, plan->options);
        if (r != 0)
                return refuse(plan, "cannot open the reader", r);
        int status = plan->driver->serve ? serve_linked(plan, reader) : serve_reader(plan, reader);
        plan->driver->close(reader);
        return status;
}

int helper_main(const struct driver *const *drivers, int argc, char **argv)
{
        struct plan plan = { .device = -1 };
        if (plan_parse(&plan, drivers, argc, argv) < 0)
                return OUTCOME_USAGE;
        int r = sandbox_prepare(OPS_FD, &plan.device);
        if (r < 0)
                return refuse(&plan, "cannot prepare the sandbox", r);
        return plan.watch ? run_watcher(&plan) : run_helper(&plan);
}
