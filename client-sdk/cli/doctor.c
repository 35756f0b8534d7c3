/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.c: mohr doctor: a table of looks, each with a finding and the next thing to do.
 *
 * Nothing is sent to a card and nothing is changed (doctor_card.c does ask a card). The exit code is the outcome an app would meet
 * first; what only a verifier needs (clock, root), and what mohrd may see otherwise (pinentry), is told
 * but does not count.
 */
#include "client-sdk/cli/trust.h"

#include "base/program.h"
#include "client-sdk/assertion.h"

#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <unistd.h>

#define PCSCD_SOCKET "/run/pcscd/pcscd.comm"

struct finding {
        int outcome;      /* 0: good */
        bool advice;      /* does not count for the exit code */
        const char *text; /* untranslated or translated already */
        const char *next; /* the same, or "" */
        const char *data; /* something to be shown as it is, or "" */
};

struct examination {
        const char *trust; /* NULL: what mohr trust keeps */
        json_t *status;    /* mohrd's picture, or NULL */
        int status_outcome;
        char problem[512], unreached[512];
};

static struct finding look_at_daemon(struct examination *e)
{
        if (e->status)
                return (struct finding){ .text = N_("The Mohr service is running.") };
        return (struct finding){ .outcome = e->status_outcome,
                .text = mohr_outcome_text(e->status_outcome),
                .next = e->status_outcome == OUTCOME_UNREACHABLE
                                ? cli_unreachable_next()
                                : mohr_outcome_next(e->status_outcome),
                .data = e->unreached };
}

/* Connecting is what every PC/SC program does first; it also wakes a socket-activated pcscd. */
static int connect_pcscd(void)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *named = getenv("PCSCLITE_CSOCK_NAME");
        int len = snprintf(address.sun_path, sizeof address.sun_path, "%s",
                named && named[0] ? named : PCSCD_SOCKET);
        if (len < 0 || (size_t)len >= sizeof address.sun_path)
                return ENAMETOOLONG;
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return errno;
        return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ||
                               errno == EAGAIN
                       ? 0
                       : errno;
}

/* What mohrd says of the driver for pcscd; "": it is told to use others; NULL: it cannot be asked. */
static const char *pcsc_state(const struct examination *e)
{
        size_t index;
        json_t *backend;
        json_array_foreach (json_object_get(e->status, "backends"), index, backend) {
                const char *driver = json_string_value(json_object_get(backend, "driver"));
                if (driver && strcmp(driver, "pcsc") == 0)
                        return json_string_value(json_object_get(backend, "state"));
        }
        return e->status ? "" : NULL;
}

static bool any_reader(const struct examination *e, const char *state)
{
        size_t index;
        json_t *reader;
        json_array_foreach (json_object_get(e->status, "readers"), index, reader) {
                const char *is = json_string_value(json_object_get(reader, "state"));
                if (!state || (is && strcmp(is, state) == 0))
                        return true;
        }
        return false;
}

/* The first reader that something keeps from being used; NULL: there is one that can be, or none at all. */
static const char *why_no_reader(const struct examination *e)
{
        size_t index;
        json_t *reader;
        const char *first = NULL;
        json_array_foreach (json_object_get(e->status, "readers"), index, reader) {
                const char *why = json_string_value(json_object_get(reader, "why"));
                if (!why)
                        return NULL;
                first = first ? first : why;
        }
        return first;
}

static bool usable_reader(const struct examination *e)
{
        return any_reader(e, NULL) && !why_no_reader(e);
}

static struct finding look_at_pcscd(struct examination *e)
{
        static const struct {
                int error;
                struct finding finding;
        } rows[] = {
                { 0, { .text = N_(
                               "The smart card service (pcscd) is running and can be reached.") } },
                { ENOENT, { .outcome = OUTCOME_READER_SERVICE,
                                  .text = N_("The smart card service (pcscd) is not there."),
                                  .next = N_("Install and start it: sudo apt install pcscd && sudo "
                                             "systemctl start pcscd.socket") } },
                { ECONNREFUSED,
                        { .outcome = OUTCOME_READER_SERVICE,
                                .text = N_("The smart card service (pcscd) does not run."),
                                .next = N_("Start it: sudo systemctl restart pcscd.socket") } },
                { EACCES, { .outcome = OUTCOME_READER_SERVICE,
                                  .text = N_("The smart card service (pcscd) denies access."),
                                  .next = N_("Log in at the computer itself, or ask the person who "
                                             "looks after it: sudo adduser $USER mohr") } },
        };
        const char *state = pcsc_state(e);
        if (state && !*state)
                return (struct finding){ .text = N_("The smart card service (pcscd) is not needed: "
                                                    "mohrd is told to use other drivers.") };
        /* A pcscd that asks polkit lets everybody connect and denies afterwards. */
        int error = state && strcmp(state, "denied") == 0 ? EACCES : connect_pcscd();
        struct finding finding = { .outcome = OUTCOME_READER_SERVICE,
                .data = strerror(error),
                .text = N_("The smart card service (pcscd) cannot be reached."),
                .next = N_("Start it: sudo systemctl restart pcscd.socket") };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].error == error)
                        finding = rows[i].finding;
        finding.advice = finding.outcome != 0 && usable_reader(e); /* of another driver */
        return finding;
}

static struct finding unseen(int outcome)
{
        return (struct finding){ .advice = true,
                .outcome = outcome,
                .text = N_("This cannot be seen while the Mohr service cannot be reached.") };
}

/* What a request would end with. */
static int outcome_why(const char *why)
{
        static const struct {
                const char *why;
                int outcome;
        } rows[] = { { "held", OUTCOME_BUSY }, { "no-access", OUTCOME_READER_SERVICE },
                { "no-answer", OUTCOME_NO_READER }, { "settings", OUTCOME_READER_SERVICE } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (strcmp(rows[i].why, why) == 0)
                        return rows[i].outcome;
        return OUTCOME_INTERNAL;
}

static struct finding look_at_reader(struct examination *e)
{
        if (!e->status)
                return unseen(OUTCOME_NO_READER);
        const char *why = why_no_reader(e);
        if (why)
                return (struct finding){ .outcome = outcome_why(why),
                        .text = N_("A card reader was found, but it cannot be used."),
                        .next = show_why(why) };
        if (usable_reader(e))
                return (struct finding){ .text = N_("A card reader was found.") };
        return (struct finding){ .outcome = OUTCOME_NO_READER,
                .text = N_("No card reader was found."),
                .next = N_("Connect the card reader to this computer, then try again.") };
}

static struct finding look_at_card(struct examination *e)
{
        if (!e->status)
                return unseen(OUTCOME_NO_CARD);
        if (!usable_reader(e))
                return (struct finding){ .advice = true,
                        .outcome = OUTCOME_NO_CARD,
                        .text = N_("This cannot be seen while there is no reader to use.") };
        if (any_reader(e, "card") || any_reader(e, "in_use"))
                return (struct finding){ .text = N_("There is a card in the reader.") };
        if (any_reader(e, "busy"))
                return (struct finding){ .outcome = OUTCOME_BUSY,
                        .text = N_("The card reader is in use by another request or program."),
                        .next = N_("Wait a moment or close the other program, then try again.") };
        return (struct finding){ .outcome = OUTCOME_NO_CARD,
                .text = N_("There is no card in the reader."),
                .next = N_("Put the card into the reader, or hold it on the reader, then try "
                           "again.") };
}

/* Advice only: mohr.conf may name another program, and mohrd may have another PATH. */
static struct finding look_at_pinentry(struct examination *e)
{
        char file[4096];
        (void)e;
        if (program_find("pinentry", file, sizeof file)) /* as mohrd looks */
                return (struct finding){
                        .text = N_("The program that asks for the PIN (pinentry) is there.")
                };
        return (struct finding){ .advice = true,
                .outcome = OUTCOME_NOBODY_TO_ASK,
                .text = N_("The program that asks for the PIN (pinentry) is not in PATH."),
                .next = N_("Install it: sudo apt install pinentry-curses (on a desktop: "
                           "pinentry-gtk2). "
                           "It is not needed if mohr.conf names another program.") };
}

static struct finding look_at_clock(struct examination *e)
{
        struct timex state = { 0 };
        (void)e;
        if (adjtimex(&state) >= 0 && !(state.status & STA_UNSYNC))
                return (struct finding){ .text = N_("The clock is synchronised.") };
        return (struct finding){ .advice = true,
                .outcome = OUTCOME_INVALID,
                .text = N_(
                        "The clock is not synchronised: assertions may look too old or too new."),
                .next = N_("Switch it on: sudo timedatectl set-ntp true") };
}

static struct finding look_at_root(struct examination *e)
{
        struct mohr_trust *trust = NULL;
        int r = e->trust ? mohr_trust_load(&trust, e->trust, e->problem, sizeof e->problem)
                         : mohr_trust_load_store(&trust, e->problem, sizeof e->problem);
        bool found = r == 0 && mohr_trust_has_national_root(trust);
        mohr_trust_free(trust);
        if (found)
                return (struct finding){ .text = N_("The root certificate of the national cards is "
                                                    "there, with the right fingerprint.") };
        return (struct finding){ .advice = true,
                .outcome = OUTCOME_INVALID,
                .text = N_("The root certificate of the national cards (IRAN Root CA1) is not "
                           "there. Reading cards and "
                           "signing work without it; checking assertions does not."),
                .next = N_("Get it from a source you trust, then: mohr trust add FILE. Its SHA-256 "
                           "fingerprint must be:"),
                .data = mohr_national_root_fingerprint() };
}

/* Files that somebody carries here are forgotten more easily than a timer. */
static struct finding look_at_bundles(struct examination *e)
{
        const struct cli quiet = { .json = true };
        size_t overdue = 0;
        _cleanup_json_ json_t *bundles = json_array(), *lists = json_array();
        (void)e;
        if (trust_ages(&quiet, false, bundles, lists, &overdue) != 0 || overdue > 0)
                return (struct finding){ .advice = true,
                        .outcome = OUTCOME_INVALID,
                        .text = N_("A bundle or a list of revoked certificates is overdue."),
                        .next = N_("See which: mohr trust list. Then get the newest one.") };
        return (struct finding){ .text = N_("No bundle and no list of revoked certificates is "
                                            "overdue.") };
}

static const struct look {
        const char *name;
        struct finding (*at)(struct examination *e);
} looks[] = {
        { "daemon", look_at_daemon },
        { "pcscd", look_at_pcscd },
        { "reader", look_at_reader },
        { "card", look_at_card },
        { "pinentry", look_at_pinentry },
        { "clock", look_at_clock },
        { "root", look_at_root },
        { "bundles", look_at_bundles },
};

static void print_finding(
        const struct cli *cli, const struct look *look, const struct finding *finding)
{
        char text[CLI_TEXT_MAX], name[CLI_TEXT_MAX];
        const char *mark = finding->advice ? "?" : "-";
        enum cli_style style = finding->outcome == 0 ? STYLE_GOOD : STYLE_BAD;
        printf("%s%s%s %s: %s\n", cli_style(stdout, style), finding->outcome == 0 ? "+" : mark,
                cli_style(stdout, STYLE_PLAIN), cli_text(cli, name, look->name), _(finding->text));
        if (finding->next && finding->next[0])
                printf("  %s\n", _(finding->next));
        if (finding->data && finding->data[0])
                printf("  %s\n", cli_text(cli, text, finding->data));
}

static json_t *finding_json(const struct look *look, const struct finding *finding)
{
        const char *state = finding->outcome == 0 ? "ok" : finding->advice ? "advice" : "problem";
        return json_pack("{s:s, s:s, s:i, s:s, s:s*, s:s*}", "check", look->name, "state", state,
                "exit", finding->outcome, "text", _(finding->text), "next",
                finding->next ? _(finding->next) : NULL, "data", finding->data);
}

static void ask_daemon(struct examination *e)
{
        struct mohr_client *client = NULL;
        char *json = NULL;
        int r = mohr_client_connect_why(&client, NULL, e->unreached, sizeof e->unreached);
        if (r == 0)
                r = mohr_client_status(client, &json);
        if (r == 0)
                e->status = json_loads(json, 0, NULL);
        e->status_outcome = r == 0 ? 0 : outcome_of(r);
        free(json);
        mohr_client_free(client);
}

struct wishes {
        const char *trust, *reader, *transcript;
        bool card;
};

static int parse(struct cli *cli, int argc, char **argv, struct wishes *ret)
{
        static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                { "trust", required_argument, NULL, 't' }, { "card", no_argument, NULL, 'c' },
                { "reader", required_argument, NULL, 'r' },
                { "transcript", required_argument, NULL, 'w' }, { 0 } };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
                if (option == '?')
                        return cli_usage(
                                cli, _("This option is not known here, or lacks its value."));
                if (option == 't')
                        ret->trust = optarg;
                if (option == 'r')
                        ret->reader = optarg;
                if (option == 'w')
                        ret->transcript = optarg;
                ret->card = ret->card || option == 'c';
                cli->json = cli->json || option == 'j';
        }
        if (!ret->card && (ret->reader || ret->transcript))
                return cli_usage(cli, _("--reader and --transcript go with --card."));
        return optind < argc ? cli_usage(cli, _("This takes no arguments.")) : 0;
}

int command_doctor(struct cli *cli, int argc, char **argv)
{
        struct wishes wishes = { 0 };
        int first = parse(cli, argc, argv, &wishes);
        if (first != 0)
                return first;
        if (wishes.card)
                return doctor_card(cli, wishes.reader, wishes.transcript);
        struct examination e = { .trust = wishes.trust };
        ask_daemon(&e);
        _cleanup_json_ json_t *findings = json_array();
        for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
                struct finding finding = looks[i].at(&e);
                if (first == 0 && !finding.advice)
                        first = finding.outcome;
                json_array_append_new(findings, finding_json(&looks[i], &finding));
                if (!cli->json)
                        print_finding(cli, &looks[i], &finding);
        }
        json_decref(e.status);
        if (cli->json) {
                _cleanup_free_ char *text = json_dumps(findings, JSON_INDENT(2));
                printf("%s\n", text ? text : "[]");
        }
        return cli_flushed() ? first : OUTCOME_INTERNAL;
}
