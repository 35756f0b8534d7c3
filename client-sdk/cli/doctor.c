/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.c: mohr doctor: a table of looks, each with a finding and the next thing to do.
 *
 * Nothing is sent to a card and nothing is changed (doctor_card.c does ask a card). The exit code is the outcome an app would meet
 * first; what only a verifier or other programs need, and what mohrd may see otherwise, is told
 * but does not count.
 */
#include "client-sdk/cli/doctor.h"

#include "client-sdk/assertion.h"
#include "client-sdk/client.h"

static const struct look {
        const char *name; /* for scripts, too */
        look_function at;
} looks[] = {
        { "daemon", look_at_daemon },
        { "session", look_at_runtime },
        { "socket", look_at_socket },
        { "unit", look_at_unit },
        { "config", look_at_config },
        { "version", look_at_version },
        { "bus", look_at_bus },
        { "pcscd", look_at_pcscd },
        { "pcscd-start", look_at_pcscd_start },
        { "polkit", look_at_polkit },
        { "reader", look_at_reader },
        { "phones", look_at_phones },
        { "held", look_at_holder },
        { "kernel", look_at_kernel },
        { "card", look_at_card },
        { "pinentry", look_at_pinentry },
        { "clock", look_at_clock },
        { "time", look_at_time },
        { "memory", look_at_memory },
        { "disk", look_at_disk },
        { "documents", look_at_documents },
        { "page", look_at_page },
        { "root", look_at_root },
        { "anchors", look_at_anchors },
        { "bundles", look_at_bundles },
        { "pkcs11", look_at_module },
        { "browsers", look_at_browsers },
};

/* ---- words --------------------------------------------------------------------------------- */

static const char *state_of(const struct finding *finding)
{
        return finding->outcome == 0 ? "ok" : finding->advice ? "advice" : "problem";
}

static void print_finding(
        const struct cli *cli, const struct look *look, const struct finding *finding)
{
        char text[CLI_TEXT_MAX];
        const char *mark = finding->outcome == 0 ? "+" : finding->advice ? "?" : "-";
        enum cli_style style = finding->outcome == 0 ? STYLE_GOOD : STYLE_BAD;
        printf("%s%s%s %s: %s\n", cli_style(stdout, style), mark, cli_style(stdout, STYLE_PLAIN),
                cli_text(cli, text, look->name), _(finding->text));
        if (finding->next && finding->next[0])
                printf("  %s", _(finding->next));
        if (finding->command)
                printf(" %s", cli_text(cli, text, finding->command));
        printf("%s", finding->next && finding->next[0] ? "\n" : "");
        if (finding->data && finding->data[0])
                printf("  %s\n", cli_text(cli, text, finding->data));
}

/* "next" is a sentence for people with the command in it, "command" that alone. */
static json_t *finding_json(const struct look *look, const struct finding *finding)
{
        char next[CLI_TEXT_MAX] = "";
        if (finding->next && finding->next[0])
                snprintf(next, sizeof next, "%s%s%s", _(finding->next), finding->command ? " " : "",
                        finding->command ? finding->command : "");
        return json_pack("{s:s, s:s, s:i, s:s, s:s*, s:s*, s:s*}", "check", look->name, "state",
                state_of(finding), "exit", finding->outcome, "text", _(finding->text), "next",
                next[0] ? next : NULL, "command", finding->command, "data", finding->data);
}

/* ---- the looks ----------------------------------------------------------------------------- */

static void ask_daemon(struct examination *e)
{
        _cleanup_client_ struct mohr_client *client = NULL;
        _cleanup_free_ char *json = NULL;
        int r = mohr_client_connect_why(&client, NULL, e->unreached, sizeof e->unreached);
        if (r == 0)
                r = mohr_client_status(client, &json);
        if (r == 0)
                e->status = json_loads(json, 0, NULL);
        e->status_outcome = r == 0 ? 0 : outcome_of(r);
}

json_t *doctor_examine(const struct cli *cli, const char *root, const char *trust, int *ret_outcome)
{
        struct examination e = { .root = root ? root : "", .trust = trust };
        json_t *findings = json_array();
        int first = 0;
        ask_daemon(&e);
        for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
                struct finding finding = looks[i].at(&e);
                if (first == 0 && !finding.advice)
                        first = finding.outcome;
                json_array_append_new(findings, finding_json(&looks[i], &finding));
                if (cli)
                        print_finding(cli, &looks[i], &finding);
        }
        json_decref(e.status);
        *ret_outcome = first;
        return findings;
}

/* ---- the command --------------------------------------------------------------------------- */

struct wishes {
        const char *trust, *reader, *transcript, *root;
        bool card;
};

static int parse(struct cli *cli, int argc, char **argv, struct wishes *ret)
{
        static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                { "trust", required_argument, NULL, 't' }, { "card", no_argument, NULL, 'c' },
                { "reader", required_argument, NULL, 'r' },
                { "transcript", required_argument, NULL, 'w' },
                { "root", required_argument, NULL, 'R' }, { 0 } };
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
                if (option == 'R')
                        ret->root = optarg;
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
        int outcome = parse(cli, argc, argv, &wishes);
        if (outcome != 0)
                return outcome;
        if (wishes.card)
                return doctor_card(cli, wishes.reader, wishes.transcript);
        _cleanup_json_ json_t *findings =
                doctor_examine(cli->json ? NULL : cli, wishes.root, wishes.trust, &outcome);
        if (cli->json) {
                _cleanup_free_ char *text = findings ? json_dumps(findings, JSON_INDENT(2)) : NULL;
                printf("%s\n", text ? text : "[]");
        }
        return cli_flushed() ? outcome : OUTCOME_INTERNAL;
}
