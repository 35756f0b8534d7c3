/* SPDX-License-Identifier: Apache-2.0 */
/* history_verify.c: mohr history verify: the history here, or an export of one, against its anchors; 21 if anything
 * was tampered with. What was found is said with the number of the row, what was not proven is said as well.
 */
#include "client-sdk/cli/history_verify.h"

#include "base/bytes.h"

#include "client-sdk/assertion.h"

enum { ANCHOR = 1, ANCHORS, FROM, EXPORT };

static void clear_verifying(struct verifying *v)
{
        ledger_anchors_clear(&v->given);
        history_close(&v->source);
        v->trust = mohr_trust_free(v->trust);
        v->result = mohr_result_free(v->result);
}

/* ---- What was asked ---- */

static int take_anchor(const struct cli *cli, struct verifying *v)
{
        struct ledger_anchor anchor;
        if (!ledger_anchor_parse(optarg, &anchor))
                return cli_usage(cli, _("--anchor takes the number of a row, a colon, and its link "
                                        "of 64 digits."));
        int r = ledger_anchors_add(&v->given, &anchor);
        return r < 0 ? cli_result(cli, r, NULL) : 0;
}

static int parse(struct cli *cli, int argc, char **argv, struct verifying *v)
{
        static const struct option options[] = { { "anchor", required_argument, NULL, ANCHOR },
                { "anchors", required_argument, NULL, ANCHORS },
                { "from", required_argument, NULL, FROM },
                { "export", required_argument, NULL, EXPORT }, CHECKING_OPTIONS, { 0 } };
        int r = 0;
        for (int option; r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                switch (option) {
                case ANCHOR: r = take_anchor(cli, v); break;
                case ANCHORS: v->anchors_from = optarg; break;
                case FROM: v->from = optarg; break;
                case EXPORT: v->export = optarg; break;
                default: r = checking_option(cli, option, &v->checking);
                }
        if (r == 0 && optind < argc)
                return cli_usage(cli, _("This takes no arguments."));
        if (r == 0 && v->from && v->export)
                return cli_usage(cli, _("Give --from or --export, not both."));
        return r;
}

static void close_stream(FILE **stream)
{
        if (*stream && *stream != stdin)
                fclose(*stream);
}

/* Before the history: what it says now cannot be older than an anchor then. */
static int read_anchors(const struct cli *cli, struct verifying *v)
{
        if (!v->anchors_from)
                return 0;
        bool is_stdin = strcmp(v->anchors_from, "-") == 0;
        _cleanup_(close_stream) FILE *from = is_stdin ? stdin : fopen(v->anchors_from, "re");
        size_t before = v->given.count;
        int r = from ? ledger_anchors_read(&v->given, from) : -errno;
        if (r < 0)
                return cli_result(cli, r, NULL);
        if (v->given.unread > 0)
                cli_warn(cli, _("Some lines of anchors cannot be read, and nothing was compared "
                                "with them."));
        if (v->given.count == before)
                return cli_usage(cli, _("There is no anchor in what --anchors names. Those of the "
                                        "journal: journalctl --user -t mohrd -o cat"));
        return 0;
}

int verify_add_given(struct verifying *v, int64_t last, bool *ret_later)
{
        int r = 0;
        *ret_later = false;
        for (size_t i = 0; r == 0 && i < v->given.count; i++) {
                const struct ledger_anchor *anchor = &v->given.rows[i];
                if (anchor->seq <= last)
                        r = ledger_anchors_add(&v->source.anchors, anchor);
                else
                        *ret_later = true;
        }
        return r;
}

/* ---- The verdict ---- */

static const char not_proven[] =
        N_("Not proven: that no program of yours wrote all of it anew, history.head included. Only "
           "anchors from elsewhere show that:");
static const char with_the_journal[] =
        "journalctl --user -t mohrd -o cat | mohr history verify --anchors -";

static json_t *findings_json(const struct cli *cli, const struct ledger_check *check)
{
        _cleanup_json_ json_t *list = json_array();
        const struct ledger_finding *finding;
        for (size_t i = 0; (finding = ledger_check_finding(check, i)); i++) {
                char text[512];
                history_explain(cli, finding, text, sizeof text);
                _cleanup_json_ json_t *row = json_pack("{s:s, s:I, s:I, s:s}", "fault",
                        ledger_fault_name(finding->fault), "row", (json_int_t)finding->seq, "other",
                        (json_int_t)finding->other, "text", text);
                if (finding->why && json_object_set_new(row, "why", json_string(finding->why)) < 0)
                        return NULL;
                if (json_array_append(list, row) < 0)
                        return NULL;
        }
        return json_incref(list);
}

static json_t *verdict_json(const struct cli *cli, const struct verifying *v, int outcome)
{
        const struct ledger_sum *sum = ledger_check_sum(v->source.check);
        char link[2 * LEDGER_HASH + 1];
        hex_encode(link, sum->head.link, LEDGER_HASH);
        _cleanup_json_ json_t *all = json_pack(
                "{s:b, s:i, s:s, s:{s:I, s:s}, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
                "whole", sum->findings == 0, "exit", outcome, "id", sum->head.id, "last", "row",
                (json_int_t)sum->head.seq, "link", link, "rows", (json_int_t)sum->rows, "pruned",
                (json_int_t)sum->pruned, "requests", (json_int_t)sum->requests, "unanswered",
                (json_int_t)sum->unanswered, "interrupted", (json_int_t)sum->interrupted,
                "anchored", (json_int_t)sum->anchored, "anchors_that_hold", (json_int_t)sum->held,
                "anchors_of_others", (json_int_t)sum->foreign, "findings_in_all",
                (json_int_t)sum->findings, "findings", findings_json(cli, v->source.check));
        _cleanup_free_ char *signed_by = v->result ? mohr_result_json(v->result) : NULL;
        if (v->result && json_object_set_new(all, "signature",
                                 signed_by ? json_loads(signed_by, 0, NULL) : NULL) < 0)
                return NULL;
        return json_incref(all);
}

static void print_findings(const struct cli *cli, const struct ledger_check *check)
{
        const struct ledger_finding *finding;
        size_t i = 0;
        for (; (finding = ledger_check_finding(check, i)); i++) {
                char text[512];
                history_explain(cli, finding, text, sizeof text);
                fprintf(stderr, "      %s\n", text);
        }
        if (ledger_check_sum(check)->findings > i)
                fprintf(stderr, "      %s\n", _("... and more."));
}

static void print_number(const struct cli *cli, const char *label, int64_t number)
{
        char text[32], digits[CLI_LINE_MAX];
        snprintf(text, sizeof text, "%lld", (long long)number);
        printf("    %s: %s\n", label, cli_digits(cli, digits, text));
}

static void print_sum(const struct cli *cli, const struct verifying *v)
{
        const struct ledger_sum *sum = ledger_check_sum(v->source.check);
        printf("%s%s%s\n", cli_style(stdout, STYLE_GOOD), _("The history is whole."),
                cli_style(stdout, STYLE_PLAIN));
        print_number(cli, _("Rows"), sum->rows);
        print_number(cli, _("Requests"), sum->requests);
        if (sum->unanswered > 0)
                print_number(cli, _("Requests without an end"), sum->unanswered);
        if (sum->interrupted > 0)
                print_number(cli, _("Requests in which the daemon ended"), sum->interrupted);
        if (sum->pruned > 0)
                print_number(
                        cli, _("Rows whose words were taken out when they were old"), sum->pruned);
        print_number(cli, _("Anchors that agree"), (int64_t)sum->held);
        print_number(cli, _("Rows that an anchor stands for"), sum->anchored);
        if (sum->head.seq > sum->anchored)
                print_number(cli, _("Rows after the last anchor, that could be cut off unnoticed"),
                        sum->head.seq - sum->anchored);
        if (!v->export && !v->given.count)
                printf("%s\n    %s\n", _(not_proven), with_the_journal);
}

/* Who moved a history away, as mohrd said, has anchors of that one in the journal still. */
static void print_hint_of_two(const struct ledger_check *check)
{
        const struct ledger_finding *finding;
        for (size_t i = 0; (finding = ledger_check_finding(check, i)); i++)
                if (finding->fault == LEDGER_OTHER) {
                        fprintf(stderr, "      %s\n",
                                _("If it was you who began it anew, give the journal's lines since "
                                  "then alone (journalctl --since); when it began: mohr history "
                                  "show 1"));
                        return;
                }
}

static void report_tampering(const struct cli *cli, const struct verifying *v)
{
        cli_headline(cli, _("The history was tampered with, or damaged."), OUTCOME_INVALID);
        print_findings(cli, v->source.check);
        print_hint_of_two(v->source.check);
        fprintf(stderr, "      %s\n",
                _("Keep what is left, and do not trust the programs that ran under your name."));
}

int verify_tell(const struct cli *cli, const struct verifying *v, int outcome)
{
        bool whole = ledger_check_sum(v->source.check)->findings == 0;
        if (!whole)
                report_tampering(cli, v);
        if (cli->json) {
                _cleanup_json_ json_t *all = verdict_json(cli, v, outcome);
                int r = history_print_json(cli, all);
                return r == 0 ? outcome : r;
        }
        if (whole && outcome == 0)
                print_sum(cli, v);
        else if (whole)
                fprintf(stderr, "      %s\n",
                        _("The rows agree with each other and with the head; but the assertion "
                          "that vouches for them does not hold."));
        return cli_flushed() ? outcome : OUTCOME_INTERNAL;
}

/* ---- A history ---- */

/* None where an anchor says that there was one is no history that nobody began. */
static int judge_none(const struct cli *cli, const struct verifying *v)
{
        if (history_is_whole(&v->source, true))
                return cli_report_as(cli, OUTCOME_USAGE, _("There is no history here."),
                        _("Nothing was checked. One begins with the first request; --from names "
                          "another folder."),
                        v->source.folder, NULL);
        return cli_report_as(cli, OUTCOME_INVALID,
                _("There is no history here, but an anchor of one: it was removed as a whole."),
                _("Keep what is left, and do not trust the programs that ran under your name."),
                v->source.folder, NULL);
}

static int verify_here(const struct cli *cli, struct verifying *v)
{
        bool none = false, later;
        int r = history_open(cli, v->from, &v->source);
        if (r != 0)
                return r;
        r = verify_add_given(v, INT64_MAX, &later);
        if (r < 0)
                return cli_result(cli, r, NULL);
        r = history_read(cli, &v->source, NULL, NULL, &none);
        if (r != 0)
                return r;
        if (none)
                return judge_none(cli, v);
        bool whole = ledger_check_sum(v->source.check)->findings == 0;
        return verify_tell(cli, v, whole ? 0 : OUTCOME_INVALID);
}

int history_verify(struct cli *cli, int argc, char **argv)
{
        _cleanup_(clear_verifying) struct verifying v = { 0 };
        int r = parse(cli, argc, argv, &v);
        if (r == 0)
                r = read_anchors(cli, &v);
        if (r != 0)
                return r;
        return v.export ? verify_export(cli, &v) : verify_here(cli, &v);
}
