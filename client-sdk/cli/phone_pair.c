/* SPDX-License-Identifier: Apache-2.0 */
/* phone_pair.c: mohr phone pair: this computer listens for as long as a person looks at it, one phone connects, and both prove
 * themselves (client-sdk/link/pair.h).
 *
 * One connection at a time and PAIR_ATTEMPTS in all, each with its end in words: who keeps trying is seen. A secret is good for one
 * proof: after a wrong one there is nothing left to guess at, and it ends. Whatever ends it, no socket, no picture and no half
 * of a pairing stays.
 */
#include "client-sdk/cli/phone_invite.h"

#include "base/clock.h"
#include "base/secret.h"
#include "client-sdk/assertion.h"

#include <openssl/rand.h>
#include <sys/socket.h>

struct pairing_job {
        const struct cli *cli;
        struct phone_wish wish;
        const char *name;
        bool by_code;
        int seconds;
        struct phone_invite invite;
        struct phone_listen listen;
        struct meeting meeting;
        struct pair_uri uri;
        struct link_peer own; /* key and certificate of this pairing */
        char own_name[LINK_NAME_MAX];
        char *folder;
};

static void job_clear(struct pairing_job *job)
{
        phone_invite_end(&job->invite);
        phone_listen_close(&job->listen);
        meeting_close(&job->meeting);
        explicit_bzero(&job->uri, sizeof job->uri);
        link_peer_clear(&job->own);
        free(job->folder);
}

/* ---- What is asked for ---- */

static int take_option(struct cli *cli, struct pairing_job *job, int option)
{
        switch (option) {
        case 'c': job->by_code = true; return 0;
        case 'n': job->name = optarg; return 0;
        case 'a': job->wish.address = optarg; return 0;
        case 'q': job->invite.qr = optarg; return 0;
        case 'w': job->wish.anywhere = true; return 0;
        case 'j': cli->json = true; return 0;
        case 'p':
                return link_port_read(optarg, strlen(optarg), &job->wish.port) == 0
                               ? 0
                               : cli_usage(cli, _("--port takes a number from 1 to 65535."));
        case 't':
                return meeting_seconds(optarg, &job->seconds) == 0
                               ? 0
                               : cli_usage(cli, _("--timeout takes seconds, from %d to %d."),
                                         MEETING_SECONDS_MIN, MEETING_SECONDS_MAX);
        default: return cli_usage(cli, _("This option is not known here, or lacks its value."));
        }
}

static int parse(struct cli *cli, int argc, char **argv, struct pairing_job *job)
{
        static const struct option options[] = { { "code", no_argument, NULL, 'c' },
                { "name", required_argument, NULL, 'n' },
                { "address", required_argument, NULL, 'a' },
                { "port", required_argument, NULL, 'p' }, { "qr", required_argument, NULL, 'q' },
                { "timeout", required_argument, NULL, 't' }, { "anywhere", no_argument, NULL, 'w' },
                { "json", no_argument, NULL, 'j' }, { 0 } };
        int r = 0;
        for (int option; r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                r = take_option(cli, job, option);
        if (r == 0 && optind != argc)
                r = cli_usage(cli, _("This takes no arguments."));
        if (r == 0 && job->by_code && job->invite.qr)
                r = cli_usage(cli, _("--code shows no QR code: give one of --code and --qr."));
        return r == 0 ? phone_invite_check(cli, job->invite.qr) : r;
}

/* ---- Before anybody is told where ---- */

static int report_listen(const struct cli *cli, int r)
{
        if (r == -EPERM)
                return cli_report_as(cli, OUTCOME_POLICY,
                        _("This address belongs to no local network."),
                        _("If the phone shall come from elsewhere, give --anywhere as well."), NULL,
                        NULL);
        if (r == -EADDRNOTAVAIL)
                return cli_report_as(cli, OUTCOME_UNREACHABLE,
                        _("This computer has no such address in a local network."),
                        _("Connect both to the same network (Wi-Fi or a cable between them), then "
                          "try again."),
                        NULL, NULL);
        return cli_report_as(cli, OUTCOME_UNREACHABLE, _("This computer cannot listen there."),
                _("Give another --port, or none."), strerror(-r), NULL);
}

static int make_uri(struct pairing_job *job)
{
        struct pair_uri *uri = &job->uri;
        memcpy(uri->addresses, job->listen.addresses, sizeof uri->addresses);
        uri->address_count = job->listen.address_count;
        memcpy(uri->name, job->own_name, sizeof uri->name);
        if (RAND_bytes(uri->secret, sizeof uri->secret) != 1)
                return -EIO;
        return link_identity_print(job->own.certificate, uri->print);
}

static int open_doors(const struct cli *cli, struct pairing_job *job)
{
        meeting_name(job->own_name, job->name);
        int r = link_identity_make(&job->own.key, &job->own.certificate, &job->own.expires_at);
        if (r == 0)
                r = meeting_open(&job->meeting, cli, job->seconds, false);
        if (r < 0)
                return cli_result(cli, r, NULL);
        r = phone_listen(&job->wish, &job->listen);
        if (r < 0)
                return report_listen(cli, r);
        r = job->by_code ? 0 : make_uri(job);
        return r < 0 ? cli_result(cli, r, NULL) : 0;
}

/* ---- One phone after the other ---- */

/* The next connection from where one may come, or what ended the waiting. */
static int next_phone(struct pairing_job *job, int *ret_fd)
{
        for (;;) {
                struct pollfd fds[PAIR_ADDRESSES];
                for (size_t i = 0; i < job->listen.fd_count; i++)
                        fds[i] = (struct pollfd){ .fd = job->listen.fds[i], .events = POLLIN };
                int r = meeting_wait(&job->meeting, fds, job->listen.fd_count, INT64_MAX);
                for (size_t i = 0; r == 0 && i < job->listen.fd_count; i++) {
                        struct sockaddr_storage from = { 0 };
                        socklen_t len = sizeof from;
                        _cleanup_close_ int fd =
                                fds[i].revents ? accept4(fds[i].fd, (struct sockaddr *)&from, &len,
                                                         SOCK_NONBLOCK | SOCK_CLOEXEC)
                                               : -1;
                        if (fd < 0 || (!job->wish.anywhere &&
                                              !link_is_local((const struct sockaddr *)&from)))
                                continue;
                        *ret_fd = base_take_fd(&fd);
                        return 0;
                }
                if (r != 0)
                        return r;
        }
}

/* Keeps it, or says why not. */
static int keep(struct pairing_job *job, struct pairing *pairing, struct link_peer *peer)
{
        int r = pair_take(pairing, peer);
        if (r < 0)
                return cli_result(job->cli, r, NULL);
        r = paired_keep(job->cli, &phone_end, job->folder, peer);
        if (r != 0)
                cli_warn(job->cli, _("The phone believes that it is paired. Have it forget this "
                                     "computer: mohr-relay forget"));
        return r;
}

struct met {
        enum pair_failure failure;
        bool spent; /* nobody may try the secret any more */
        bool paired;
};

static int meet(struct pairing_job *job, int fd, struct link_peer *ret, struct met *met)
{
        const struct pair_side side = {
                .name = job->own_name,
                .secret = job->by_code ? NULL : job->uri.secret,
                .key = job->own.key,
                .certificate = job->own.certificate,
        };
        struct pairing *pairing = NULL;
        int r = pair_listen(&pairing, fd, &side);
        if (r < 0)
                return r;
        r = meeting_hold(&job->meeting, pairing, &met->failure);
        met->spent = pair_spent(pairing);
        met->paired = r == 0;
        if (met->paired)
                r = keep(job, pairing, ret);
        pair_free(pairing);
        return r;
}

/* A no was meant, and a secret that was tried is used up; after all else another phone may try. */
static bool may_try_again(enum pair_failure failure)
{
        return failure != PAIR_NO_FAILURE && failure != PAIR_REFUSED_HERE &&
               failure != PAIR_REFUSED_THERE;
}

static int too_many(const struct pairing_job *job)
{
        return cli_report_as(job->cli, OUTCOME_POLICY,
                _("Too many connections were no phone that pairs. Nothing was kept."),
                _("Something in this network keeps calling. Start again, or pair in another "
                  "network."),
                NULL, NULL);
}

static int meet_phones(struct pairing_job *job, struct link_peer *ret)
{
        for (int attempt = 1;; attempt++) {
                struct met met = { .failure = PAIR_NO_FAILURE };
                int fd = -1, r = next_phone(job, &fd);
                if (r == 0) {
                        meeting_say(_("A phone is connecting ..."));
                        r = meet(job, fd, ret, &met);
                }
                if (met.paired)
                        return r;
                if (met.spent || !may_try_again(met.failure))
                        return meeting_report(&job->meeting, r, met.failure);
                meeting_note(&job->meeting, met.failure);
                if (attempt == PAIR_ATTEMPTS)
                        return too_many(job);
        }
}

static int tell_paired(const struct cli *cli, const struct link_peer *peer)
{
        char text[CLI_TEXT_MAX];
        if (cli->json) {
                _cleanup_json_ json_t *object = paired_json(peer);
                _cleanup_free_ char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
                if (!line)
                        return cli_result(cli, -ENOMEM, NULL);
                printf("%s\n", line);
                return cli_flushed() ? 0 : OUTCOME_INTERNAL;
        }
        printf("%s%s %s%s\n", cli_style(stdout, STYLE_GOOD), _("Paired with the phone:"),
                cli_text(cli, text, peer->name), cli_style(stdout, STYLE_PLAIN));
        printf("%s\n", _("Now start its reader on the phone: mohr-relay serve. It is then in: mohr "
                         "status"));
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}

int phone_pair(struct cli *cli, int argc, char **argv)
{
        _cleanup_(job_clear) struct pairing_job job = {
                .cli = cli, .seconds = MEETING_SECONDS, .meeting = { .signals = -1 }
        };
        _cleanup_peer_ struct link_peer peer = { 0 };
        int r = parse(cli, argc, argv, &job);
        if (r == 0 && job.by_code && (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)))
                r = meeting_nobody(cli);
        if (r == 0)
                r = paired_room(cli, &phone_end, &job.folder);
        if (r == 0)
                r = open_doors(cli, &job);
        if (r != 0)
                return r;
        job.invite.uri = job.by_code ? NULL : &job.uri;
        job.invite.seconds = job.seconds;
        r = phone_invite_show(cli, &job.invite, &job.listen);
        if (r == 0)
                r = meet_phones(&job, &peer);
        return r == 0 ? tell_paired(cli, &peer) : r;
}
