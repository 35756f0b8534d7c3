/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c: `mohr-relay serve`, the phone as a reader of the computers it is paired with: what is started, in order, and ended in
 * the opposite one. Nothing listens before this command runs, and nothing after it.
 *
 * The readers are mohrd's own supervisor over the ordinary helpers; the connections are guests (door.c, guest.c), and what
 * each of them may do is a visit (visit.h). There are no privileges to gain for whatever is started from here, no core,
 * and digits are in locked memory only. SIGTERM, SIGINT and the terminal's end hang up in order: each transaction is reset,
 * each card in a reader that no service shares loses its power.
 */
#include "daemon/relay/common.h"
#include "daemon/relay/host.h"
#include "daemon/relay/relay.h"

#include "daemon/programs.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <time.h>

/* A terminal that was stopped, or a pipe that nobody reads, is not waited for: a card may be. */
static bool is_read(int fd)
{
        struct pollfd out = { .fd = fd, .events = POLLOUT };
        return poll(&out, 1, 0) == 1;
}

void host_say(const struct host *host, const char *format, ...)
{
        char now[16] = "", digits[CLI_LINE_MAX];
        struct tm local;
        time_t at = time(NULL);
        va_list args;
        if (!is_read(STDOUT_FILENO))
                return;
        if (localtime_r(&at, &local))
                strftime(now, sizeof now, "%H:%M", &local);
        printf("%s  ", cli_digits(host->cli, digits, now));
        va_start(args, format);
        vprintf(format, args);
        va_end(args);
        putchar('\n');
        fflush(stdout);
}

/* ---- who is paired ---------------------------------------------------------------------------- */

static void show_computer(const struct host *host, const struct link_peer *peer)
{
        char name[CLI_TEXT_MAX], when[96];
        printf(_("  %s, paired %s\n"), cli_text(host->cli, name, peer->name),
                cli_time(host->cli, when, peer->paired_at));
}

static int nobody(const struct host *host)
{
        return cli_report_as(host->cli, OUTCOME_USAGE,
                _("This phone is paired with no computer, so there is nobody to listen for."),
                _("On the computer: mohr phone pair. Then here: mohr-relay pair"), NULL, NULL);
}

static int show_computers(const struct host *host)
{
        struct link_peer peers[LINK_PEERS_MAX];
        _cleanup_free_ char *bad = NULL;
        ssize_t count = link_store_list(host->folder, peers, &bad);
        if (bad)
                cli_warn(host->cli, bad);
        if (count < 0)
                return (int)count;
        if (count == 0)
                return nobody(host);
        printf("%s\n", _("The readers of this phone are offered to:"));
        for (ssize_t i = 0; i < count; i++) {
                show_computer(host, &peers[i]);
                link_peer_clear(&peers[i]);
        }
        return 0;
}

/* ---- what happens ----------------------------------------------------------------------------- */

static void on_readers(void *user)
{
        struct host *host = user;
        door_tell_readers(host->door);
}

static void publish(struct host *host)
{
        if (host->options.unpublished)
                return;
        host->publish = publish_stop(host->publish);
        int r = publish_start(&host->publish, host);
        if (r < 0)
                log_kv(&host->log, r == -ENOENT ? LOG_LEVEL_INFO : LOG_LEVEL_NOTICE, NULL,
                        "not published", "why",
                        r == -ENOENT ? "no avahi-publish here" : strerror(-r), NULL);
}

/* A pairing was made, renewed or forgotten. */
static int on_folder(sd_event_source *source, const struct inotify_event *event, void *user)
{
        (void)source, (void)event;
        struct host *host = user;
        door_drop_unpaired(host->door);
        publish(host);
        return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
        (void)info, (void)user;
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* ---- start and end ---------------------------------------------------------------------------- */

static int find_prompt(struct host *host)
{
        const struct mohr_ui *ui = &host->ui;
        cli_describe_ui(host->cli, &host->ui, host->tty, sizeof host->tty);
        bool here = ui->tty || ui->display || ui->wayland_display;
        if (host->options.pin == RELAY_PIN_HERE && !here)
                return cli_report_as(host->cli, OUTCOME_NOBODY_TO_ASK,
                        _("There is no terminal and no display here to ask for a PIN on."),
                        "mohr-relay serve --pin computer", NULL, NULL);
        host->asks = here && host->options.pin != RELAY_PIN_THERE;
        return 0;
}

static int describe(struct host *host)
{
        int r = link_store_folder("computers", &host->folder);
        if (r == 0 && !host->name[0] && gethostname(host->name, sizeof host->name - 1) < 0)
                r = -errno;
        if (r == 0 && getrandom(&host->events_begin, sizeof host->events_begin, 0) < 0)
                r = -errno;
        if (r == 0)
                r = secret_new(&host->inbox, LINK_FRAME_MAX);
        if (r == 0)
                r = find_prompt(host);
        return r;
}

/* Computers are let in when it is known which readers there are: one that was waiting for this phone would else be told that it has none. */
static int look_first(struct host *host)
{
        int r = 0;
        while (r >= 0 && readers_first_look(host->readers))
                r = sd_event_run(host->event, UINT64_MAX);
        return r == -ESTALE || r > 0 ? 0 : r; /* it was told to end */
}

static int open_parts(struct host *host)
{
        const uint32_t changes = IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM;
        int r = programs_new(&host->config->programs, host->config->libexecdir);
        if (r == 0)
                r = readers_new(&host->readers, host->event, host->config, &host->log);
        if (r == 0)
                r = show_computers(host);
        if (r == 0)
                r = look_first(host);
        if (r == 0)
                r = door_open(&host->door, host);
        if (r == 0)
                r = readers_subscribe(host->readers, &host->watch, on_readers, host);
        if (r == 0)
                r = sd_event_add_inotify(
                        host->event, &host->folder_watch, host->folder, changes, on_folder, host);
        return r;
}

static void say_ready(const struct host *host)
{
        printf("%s\n", host->options.anywhere
                               ? _("Whoever can reach these addresses can knock. Ctrl-C ends it.")
                               : _("Only this network's computers are let in. Ctrl-C ends it."));
        printf("%s\n",
                host->asks ? _("The PIN is typed here.") : _("The PIN is typed at the computer."));
        fflush(stdout);
}

static int serve(struct host *host)
{
        int r = relay_open_loop(&host->event, on_stop, host);
        if (r == 0)
                r = describe(host);
        if (r == 0)
                r = open_parts(host);
        if (r != 0)
                return r;
        publish(host);
        say_ready(host);
        r = sd_event_loop(host->event);
        printf("%s\n", _("Ended."));
        return r < 0 ? r : 0;
}

static void close_all(struct host *host)
{
        host->publish = publish_stop(host->publish);
        sd_event_source_disable_unref(host->folder_watch);
        readers_watch_free(host->watch);
        readers_end(host->readers);
        door_close(host->door);
        readers_free(host->readers);
        relying_free(host->relying);
        secret_free(host->inbox);
        sd_event_unref(host->event);
        config_free(host->config);
        free(host->folder);
}

int relay_serve(struct cli *cli, int argc, char **argv)
{
        struct host host = {
                .cli = cli,
                .log = { .program = "mohr-relay",
                        .max = LOG_LEVEL_WARNING,
                        .fd = STDERR_FILENO,
                        .plain = !relay_is_journal(STDERR_FILENO),
                        .hasty = true },
        };
        int r = serve_options(&host, argc, argv);
        if (r == 0) {
                host.log.max = relay_log_level(&host.log, host.config);
                r = serve(&host);
        }
        close_all(&host);
        return r < 0 ? cli_result(cli, r, NULL) : r;
}
