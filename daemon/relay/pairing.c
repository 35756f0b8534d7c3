/* SPDX-License-Identifier: Apache-2.0 */
/* pairing.c: mohr-relay pair, list, forget: the phone's side of a pairing, as its owner meets it. The same meeting as the computer's
 * (client-sdk/cli/meeting.h), the same files (client-sdk/cli/paired.h).
 *
 * The phone connects, the computer listens. What the QR code says may be an argument, but other users of a machine can read those:
 * by default it is pasted, or read from a program that sees with a camera. It names its addresses itself: only those of local networks
 * are called unless the person says otherwise.
 */
#include "daemon/relay/relay.h"

#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/cli/dial.h"
#include "client-sdk/cli/paired.h"
#include "daemon/config.h"

#include <termios.h>

static const struct paired_end end = {
        .which = "computers",
        .none = N_("No computer is paired with this phone. Pair one with: mohr-relay pair"),
        .unknown = N_("No paired computer is called %s: mohr-relay list"),
        .question = N_("Forget the computer %s? Type yes:"),
        .forgotten = N_("The computer %s is forgotten, and cannot use this phone any more."),
        .same = N_("There was a computer called %s before. If it is the same one, forget the older "
                   "pairing: mohr-relay forget %s"),
};

int relay_list(struct cli *cli, int argc, char **argv)
{
        return paired_command_list(cli, argc, argv, &end);
}

int relay_forget(struct cli *cli, int argc, char **argv)
{
        return paired_command_forget(cli, argc, argv, &end);
}

/* ---- What is asked for ---- */

struct wish {
        const char *name;
        char *target; /* NULL: it is pasted */
        int seconds;
        uint16_t port; /* where this phone will listen */
        bool anywhere;
};

struct job {
        struct cli *cli;
        struct wish wish;
        struct config *config;   /* [relay]: what was not said by an argument */
        char text[PAIR_URI_MAX]; /* of the QR code, or an address */
        bool by_code;
        struct pair_uri uri; /* by code: its one address */
        struct meeting meeting;
        struct link_peer own; /* key and certificate of this pairing */
        char own_name[LINK_NAME_MAX];
        char *folder;
};

static void job_clear(struct job *job)
{
        meeting_close(&job->meeting);
        link_peer_clear(&job->own);
        config_free(job->config);
        free(job->folder);
        explicit_bzero(job->text, sizeof job->text);
        explicit_bzero(&job->uri, sizeof job->uri);
}

static int take_option(struct cli *cli, struct wish *wish, int option)
{
        switch (option) {
        case 'n': wish->name = optarg; return 0;
        case 'w': wish->anywhere = true; return 0;
        case 'j': cli->json = true; return 0;
        case 'p':
                return link_port_read(optarg, strlen(optarg), &wish->port) == 0
                               ? 0
                               : cli_usage(cli, _("--port takes a number from 1 to 65535."));
        case 't':
                return meeting_seconds(optarg, &wish->seconds) == 0
                               ? 0
                               : cli_usage(cli, _("--timeout takes seconds, from %d to %d."),
                                         MEETING_SECONDS_MIN, MEETING_SECONDS_MAX);
        default: return cli_usage(cli, _("This option is not known here, or lacks its value."));
        }
}

static int parse(struct cli *cli, int argc, char **argv, struct wish *wish)
{
        static const struct option options[] = { { "name", required_argument, NULL, 'n' },
                { "port", required_argument, NULL, 'p' },
                { "timeout", required_argument, NULL, 't' }, { "anywhere", no_argument, NULL, 'w' },
                { "json", no_argument, NULL, 'j' }, { 0 } };
        int r = 0;
        for (int option; r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                r = take_option(cli, wish, option);
        if (r == 0 && argc - optind > 1)
                r = cli_usage(
                        cli, _("This takes the text of the QR code, an address with its port, "
                               "or - for a text that is piped in."));
        if (r == 0 && optind < argc && strcmp(argv[optind], "-") != 0)
                wish->target = argv[optind];
        return r;
}

/* As mohr-relay serve will have it. */
static int adopt_config(struct job *job)
{
        static char name[] = "mohr-relay";
        char *argv[] = { name, NULL }, error[1024] = "";
        int r = config_load(&job->config, 1, argv, error, sizeof error);
        if (r != 0)
                return error[0] ? cli_usage(job->cli, "%s", error) : cli_result(job->cli, r, NULL);
        const struct config_relay *relay = &job->config->relay;
        if (job->wish.port == 0)
                job->wish.port = (uint16_t)relay->port;
        if (!job->wish.name)
                job->wish.name = relay->name;
        job->wish.anywhere |= relay->anywhere;
        return 0;
}

/* ---- With whom ---- */

/* A text that came in two lines is the likely one: what is left of it is no command for a shell, and has the secret. */
static int no_text(const struct job *job)
{
        if (!job->wish.target && isatty(STDIN_FILENO))
                (void)tcflush(STDIN_FILENO, TCIFLUSH);
        return cli_usage(
                job->cli, _("This is no text of Mohr's QR codes, or not all of it: it must "
                            "be one line."));
}

/* The first line with anything on it: what a camera's program writes, or a person pastes. */
static int read_target(struct job *job)
{
        if (isatty(STDIN_FILENO)) {
                fprintf(stderr, "%s\n> ",
                        _("Paste the text of the QR code, or type the address that the computer "
                          "shows:"));
                fflush(stderr);
        }
        do {
                if (!fgets(job->text, sizeof job->text, stdin))
                        return cli_usage(
                                job->cli, _("There was no text of a QR code, and no address."));
        } while (strspn(job->text, " \t\r\n") == strlen(job->text));
        if (!strchr(job->text, '\n') && !feof(stdin))
                return no_text(job);
        job->text[strcspn(job->text, "\r\n")] = '\0';
        return 0;
}

static int read_address(struct job *job)
{
        struct link_place address;
        if (link_place_read(job->text, strlen(job->text), 0, &address) < 0)
                return cli_usage(
                        job->cli, _("An address is HOST:PORT or [IPv6]:PORT, with the port "
                                    "that the computer shows."));
        snprintf(job->uri.addresses[0], sizeof job->uri.addresses[0], "%s", job->text);
        job->uri.address_count = 1;
        job->by_code = true;
        return 0;
}

static int find_target(struct job *job)
{
        static const char scheme[] = "mohr-pair:";
        int r = 0;
        if (!job->wish.target)
                r = read_target(job);
        else if (text_copy(job->text, sizeof job->text, job->wish.target) < 0)
                r = no_text(job);
        if (job->wish.target) /* whoever lists the processes need not see it as long as this runs */
                explicit_bzero(job->wish.target, strlen(job->wish.target));
        if (r != 0)
                return r;
        if (strncmp(job->text + strspn(job->text, " \t"), scheme, strlen(scheme)) != 0)
                return read_address(job);
        return pair_uri_read(job->text, &job->uri) == 0 ? 0 : no_text(job);
}

/* ---- The meeting ---- */

static int report_dial(const struct job *job, int r, const char *why)
{
        if (r == OUTCOME_POLICY)
                return cli_report_as(job->cli, r,
                        _("The computer's address belongs to no local network."),
                        _("If it shall be paired from afar, give --anywhere."), NULL, NULL);
        if (r == OUTCOME_UNREACHABLE)
                return cli_report_as(job->cli, r, _("The computer cannot be reached."),
                        _("See that both are in the same network, and that mohr phone pair still "
                          "waits there."),
                        why, NULL);
        return meeting_report(&job->meeting, r, PAIR_NO_FAILURE);
}

/* The first of the computer's addresses that answers. */
static int call(const struct job *job, int *ret_fd)
{
        const char *why = "";
        int r = OUTCOME_UNREACHABLE;
        for (size_t i = 0; i < job->uri.address_count; i++) {
                struct link_place address;
                if (link_place_read(
                            job->uri.addresses[i], strlen(job->uri.addresses[i]), 0, &address) < 0)
                        continue;
                r = dial(&job->meeting, &address, job->wish.anywhere, ret_fd, &why);
                if (r == 0 || r == OUTCOME_REFUSED || r == OUTCOME_TIMED_OUT)
                        break;
        }
        return r == 0 ? 0 : report_dial(job, r, why);
}

static int meet(struct job *job, int fd, struct link_peer *ret)
{
        const struct pair_side side = {
                .name = job->own_name,
                .port = job->wish.port,
                .secret = job->by_code ? NULL : job->uri.secret,
                .print = job->by_code ? NULL : job->uri.print,
                .key = job->own.key,
                .certificate = job->own.certificate,
        };
        enum pair_failure failure = PAIR_NO_FAILURE;
        struct pairing *pairing = NULL;
        int r = pair_connect(&pairing, fd, &side);
        if (r == 0)
                r = meeting_hold(&job->meeting, pairing, &failure);
        if (r != 0)
                r = meeting_report(&job->meeting, r, failure);
        else if ((r = pair_take(pairing, ret)) < 0)
                r = cli_result(job->cli, r, NULL);
        pair_free(pairing);
        return r;
}

static int tell_paired(const struct cli *cli, const struct link_peer *peer)
{
        char text[CLI_TEXT_MAX];
        if (cli->json) {
                _cleanup_json_ json_t *object = paired_json(peer);
                return paired_print_json(cli, object);
        }
        printf("%s%s %s%s\n", cli_style(stdout, STYLE_GOOD), _("Paired with the computer:"),
                cli_text(cli, text, peer->name), cli_style(stdout, STYLE_PLAIN));
        printf("%s\n", _("Its requests are heard while this runs: mohr-relay serve"));
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}

static int hold_meeting(struct job *job)
{
        _cleanup_peer_ struct link_peer peer = { 0 };
        int fd = -1;
        meeting_name(job->own_name, job->wish.name);
        int r = link_identity_make(&job->own.key, &job->own.certificate, &job->own.expires_at);
        if (r == 0)
                r = meeting_open(&job->meeting, job->cli, job->wish.seconds, true);
        if (r < 0)
                return cli_result(job->cli, r, NULL);
        fprintf(stderr, "%s%s%s\n", cli_style(stderr, STYLE_BAD),
                _("Never pair with a stranger's computer: it says what your card is to sign. Only "
                  "with your own, or that of the counter where you work."),
                cli_style(stderr, STYLE_PLAIN));
        meeting_say(_("Calling the computer ..."));
        r = call(job, &fd);
        if (r == 0)
                r = meet(job, fd, &peer);
        if (r == 0)
                r = paired_keep(job->cli, &end, job->folder, &peer);
        return r == 0 ? tell_paired(job->cli, &peer) : r;
}

int relay_pair(struct cli *cli, int argc, char **argv)
{
        _cleanup_(job_clear) struct job job = {
                .cli = cli, .wish = { .seconds = MEETING_SECONDS }, .meeting = { .signals = -1 }
        };
        int r = parse(cli, argc, argv, &job.wish);
        if (r == 0)
                r = adopt_config(&job);
        if (r == 0)
                r = paired_room(cli, &end, &job.folder);
        if (r == 0)
                r = find_target(&job);
        if (r == 0 && job.by_code && (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)))
                r = meeting_nobody(cli);
        return r == 0 ? hold_meeting(&job) : r;
}
