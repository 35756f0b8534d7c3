/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: mohrd, the daemon of one user session: puts the parts together and ends them in order.
 *
 * Born closed: umask 077, not dumpable, no core file, before anything is read. SIGTERM and SIGINT
 * drain: no new connection, no new call, streams end, running requests go on for at most ten seconds;
 * the second signal ends at once. Everything a request holds (prompt, PIN, reader) is given back by
 * the same cancel that a client's hang-up causes. Nothing here runs on a timer unless something is
 * going on.
 *
 * An upgrade does not end it: what runs goes on, with the helpers that it was built with (programs.h), and as soon as
 * nobody is connected it makes room for the new one, whom the service manager starts for the next app. It does so only
 * if the socket is the service manager's: one that was started by hand would be missing.
 */
#include "base/outcome.h"
#include "daemon/config.h"
#include "daemon/config_check.h"
#include "daemon/history.h"
#include "daemon/keys_turn.h"
#include "daemon/known.h"
#include "daemon/listen.h"
#include "daemon/methods.h"
#include "daemon/programs.h"
#include "daemon/relying.h"
#include "daemon/screen.h"
#include "daemon/seat.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define DRAIN_US 10000000

struct mohrd {
        struct log log;
        sd_event *event;
        struct config *config;
        struct listener listener;
        struct request_context context;
        struct seat *seat;
        struct methods *methods;
        struct server *server;
        sd_event_source *drain_limit;
        bool draining, replaced;
};

static const char usage[] =
        "mohrd [--check] [--socket PATH] [--config FILE] [--driver NAME]... [--usb-fd N]\n"
        "Answers mohr.Identity on a socket, for the user who started it. See "
        "mohrd(8), mohr.conf(5).\n";

static int close_doors(void)
{
        const struct rlimit none = { 0, 0 };
        umask(077);
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
                return -errno;
        return 0;
}

static int on_drain_limit(sd_event_source *source, uint64_t usec, void *user)
{
        struct mohrd *d = user;
        (void)usec;
        log_kv(&d->log, LOG_LEVEL_WARNING, NULL, "requests cut off", "why", "not done in time",
                NULL);
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int begin_drain(struct mohrd *d);

/* After every event: is this the moment to go? */
static int on_step(sd_event_source *source, void *user)
{
        struct mohrd *d = user;
        if (d->draining)
                return server_pending(d->server)
                               ? 0
                               : sd_event_exit(sd_event_source_get_event(source), 0);
        return d->replaced && server_idle(d->server) ? begin_drain(d) : 0;
}

static void on_replaced(void *user)
{
        struct mohrd *d = user;
        d->replaced = true;
        log_kv(&d->log, LOG_LEVEL_INFO, NULL, "replaced", "until", "nobody is connected", NULL);
}

static int begin_drain(struct mohrd *d)
{
        d->draining = true;
        sd_notify(false, "STOPPING=1");
        log_kv(&d->log, LOG_LEVEL_INFO, NULL, "stopping", NULL);
        methods_drain(d->methods);
        server_stop_accepting(d->server);
        listener_close(
                &d->listener); /* whoever comes now is refused at once, or waits for the next daemon */
        if (!server_pending(d->server))
                return sd_event_exit(d->event, 0);
        return sd_event_add_time_relative(
                d->event, &d->drain_limit, CLOCK_MONOTONIC, DRAIN_US, 0, on_drain_limit, d);
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
        struct mohrd *d = user;
        (void)info;
        if (d->draining || begin_drain(d) < 0)
                return sd_event_exit(sd_event_source_get_event(source), 0);
        return 0;
}

static int open_loop(struct mohrd *d)
{
        sigset_t stops;
        sigemptyset(&stops);
        sigaddset(&stops, SIGTERM);
        sigaddset(&stops, SIGINT);
        if (sigprocmask(SIG_BLOCK, &stops, NULL) < 0 || signal(SIGHUP, SIG_IGN) == SIG_ERR ||
                signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;
        int r = sd_event_new(&d->event);
        if (r >= 0)
                r = sd_event_add_signal(d->event, NULL, SIGTERM, on_stop, d);
        if (r >= 0)
                r = sd_event_add_signal(d->event, NULL, SIGINT, on_stop, d);
        if (r >= 0)
                r = sd_event_add_post(d->event, NULL, on_step, d);
        if (r >= 0)
                r = sd_event_set_watchdog(d->event, true); /* only if the service manager asks */
        return r < 0 ? r : 0;
}

static int open_parts(struct mohrd *d, char *error, size_t error_cap)
{
        d->context =
                (struct request_context){ .event = d->event, .config = d->config, .log = &d->log };
        int r = known_new(&d->context.known, d->config, &d->log);
        if (r == 0)
                r = relying_new(&d->context.relying, d->config, error, error_cap);
        if (r == 0)
                r = history_new(&d->context.history, d->event, d->config, &d->log);
        if (r == 0)
                r = readers_new(&d->context.readers, d->event, d->config, &d->log);
        if (r == 0)
                r = keys_turns_new(&d->context.reader_turns, d->event, d->context.readers);
        if (r == 0)
                r = seat_new(&d->seat, d->event, d->context.readers);
        if (r == 0)
                r = screen_new(&d->context.screen, d->event, d->config, &d->log);
        if (r == 0)
                r = methods_new(&d->methods, &d->context);
        if (r == 0)
                r = server_new(&d->server, d->event, d->listener.fd, methods_table,
                        methods_interfaces, d->methods, &d->log);
        return r;
}

/* Without the watch (a user may have only so many) the old daemon stays until the session ends. */
static int watch_upgrades(struct mohrd *d)
{
        if (d->listener.folder >= 0)
                return 0;
        int r = programs_watch(d->config->programs, d->event, on_replaced, d);
        if (r < 0)
                log_kv(&d->log, LOG_LEVEL_NOTICE, NULL, "an upgrade will not be noticed", "error",
                        strerror(-r), NULL);
        return r == -ENOMEM ? r : 0;
}

static void close_all(struct mohrd *d)
{
        readers_end(d->context.readers);
        server_free(d->server); /* hangs up: running requests are cancelled */
        methods_free(d->methods);
        keys_turns_free(d->context.reader_turns);
        screen_free(d->context.screen);
        history_free(d->context.history);
        relying_free(d->context.relying);
        seat_free(d->seat);
        readers_free(d->context.readers);
        known_free(d->context.known);
        listener_close(&d->listener);
        sd_event_source_unref(d->drain_limit);
        sd_event_unref(d->event);
        config_free(d->config);
}

static int run(struct mohrd *d, char *error, size_t error_cap)
{
        int r = open_parts(d, error, error_cap);
        if (r != 0)
                return r;
        log_kv(&d->log, LOG_LEVEL_INFO, NULL, "ready", "version", MOHR_VERSION, NULL);
        sd_notify(false, "READY=1");
        return sd_event_loop(d->event);
}

static int start(struct mohrd *d, int argc, char *const *argv, char *error, size_t error_cap)
{
        int r = close_doors();
        if (r == 0)
                r = config_load(&d->config, argc, argv, error, error_cap);
        if (r == 0) {
                d->log.max = d->config->log_level;
                r = open_loop(d);
        }
        if (r == 0)
                r = programs_new(&d->config->programs, d->config->libexecdir);
        if (r == 0)
                r = listener_open(&d->listener, d->config->socket, error, error_cap);
        if (r == 0)
                r = watch_upgrades(d);
        return r == 0 ? run(d, error, error_cap) : r;
}

static bool answer_about_itself(int argc, char *const *argv)
{
        if (argc != 2 || (strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "--version") != 0))
                return false;
        fputs(argv[1][2] == 'h' ? usage : "mohrd " MOHR_VERSION "\n", stdout);
        return true;
}

int main(int argc, char **argv)
{
        struct mohrd d = {
                .log = { .program = "mohrd",
                        .max = LOG_LEVEL_INFO,
                        .fd = STDERR_FILENO,
                        .plain = isatty(STDERR_FILENO) == 1 },
                .listener = { .fd = -1, .folder = -1 },
        };
        char error[1024] = "";
        if (answer_about_itself(argc, argv))
                return 0;
        bool checks = argc > 1 && strcmp(argv[1], "--check") == 0;
        int r = checks ? config_check(argc, argv, error, sizeof error)
                       : start(&d, argc, argv, error, sizeof error);
        close_all(&d);
        if (error[0])
                fprintf(stderr, "mohrd: %s\n", error);
        else if (r != 0)
                fprintf(stderr, "mohrd: cannot run: %s\n", r < 0 ? strerror(-r) : outcome_name(r));
        return outcome_of(r);
}
