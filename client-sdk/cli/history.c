/* SPDX-License-Identifier: Apache-2.0 */
/* history.c: mohr history: a table of subcommands, and what they share: finding the history, and checking it on
 * the way. Whoever looks at a history that is not whole is told so, whatever they asked for.
 *
 * The daemon is not asked: what it says of its own past would be no check of it.
 */
#include "client-sdk/cli/history.h"

#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/members.h"

static const struct subcommand {
        const char *name;
        int (*run)(struct cli *cli, int argc, char **argv);
        const char *arguments, *help;
} subcommands[] = {
        { "list", history_list,
                "[--limit N] [--since TIME] [--app TEXT] [--audience TEXT]\n"
                "            [--from FOLDER] [--json]",
                N_("Show who asked for what, when, and what became of it; the newest last") },
        { "show", history_show, "[--from FOLDER] [--json] REQUEST|ROW",
                N_("Show all that is recorded of one request") },
        { "verify", history_verify,
                "[--anchor ROW:LINK]... [--anchors FILE|-] [--from FOLDER] [--json]\n"
                "mohr history verify --export FILE [--trust FILE-or-DIR] ...",
                N_("Check that nothing was changed, removed, put in, moved or cut off") },
        { "export", history_export,
                "[--sign] [--reader NAME] [--force] [--from FOLDER] [--json] FILE",
                N_("Write all of it into one file; with --sign, vouched for by your card") },
};

void history_show_help(void)
{
        for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
                printf("mohr history %s %s\n    %s.\n", subcommands[i].name,
                        subcommands[i].arguments, _(subcommands[i].help));
}

int command_history(struct cli *cli, int argc, char **argv)
{
        const char *name = argc > 1 ? argv[1] : "";
        if (strcmp(name, "help") == 0) {
                history_show_help();
                return cli_flushed() ? 0 : OUTCOME_INTERNAL;
        }
        if (name[0] == '\0' || name[0] == '-')
                return history_list(cli, argc, argv);
        for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
                if (strcmp(subcommands[i].name, name) == 0)
                        return subcommands[i].run(cli, argc - 1, argv + 1);
        return cli_usage(cli, _("This takes one of its subcommands: mohr history help"));
}

json_t *history_entry(int64_t row, const char *member, json_t *body)
{
        char time[24];
        text_iso8601(time, json_integer_value(json_object_get(body, "at")));
        return json_pack("{s:I, s:s, s:O}", "row", (json_int_t)row, "time", time, member, body);
}

int history_print_json(const struct cli *cli, const json_t *json)
{
        _cleanup_free_ char *text = json ? members_text(json, JSON_INDENT(2)) : NULL;
        if (!text)
                return cli_result(cli, -ENOMEM, NULL);
        printf("%s\n", text);
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}

/* ---- Reading it ---- */

void history_close(struct history_source *source)
{
        free(source->folder);
        ledger_anchors_clear(&source->anchors);
        source->check = ledger_check_free(source->check);
}

static int unreadable(const struct cli *cli, int r, const char *problem)
{
        if (r == -EPROTONOSUPPORT)
                return cli_report_as(cli, OUTCOME_USAGE,
                        _("This history was written by a newer version of Mohr."),
                        _("Nothing was checked. Update Mohr here, or read it where it was "
                          "written."),
                        NULL, NULL);
        return cli_report_as(cli, outcome_of(r), _("The history cannot be read."),
                _("Who may read it is its owner alone. If it is damaged, keep a copy before "
                  "anything is repaired."),
                r < 0 ? strerror(-r) : problem, NULL);
}

int history_open(const struct cli *cli, const char *folder, struct history_source *ret)
{
        struct ledger_anchor head;
        int r = 0;
        if (folder)
                ret->folder = strdup(folder);
        else
                r = ledger_folder(&ret->folder);
        if (r == -ENOENT)
                return cli_usage(cli, _("No home folder is known. Name the folder of the history: "
                                        "--from"));
        if (r == 0 && !ret->folder)
                r = -ENOMEM;
        if (r == 0)
                r = ledger_check_new(&ret->check);
        if (r < 0)
                return cli_result(cli, r, NULL);
        ret->head_read = ledger_head(ret->folder, &head);
        if (ret->head_read == 0)
                r = ledger_anchors_add(&ret->anchors, &head);
        else if (ret->head_read < 0 && ret->head_read != -ENOENT && ret->head_read != -ENOTDIR)
                r = ret->head_read;
        return r < 0 ? unreadable(cli, r, NULL) : 0;
}

struct both {
        struct ledger_check *check;
        ledger_each each;
        void *user;
};

static int tell_both(void *user, const struct ledger_row *row)
{
        const struct both *both = user;
        int r = ledger_check_row(both->check, row);
        return r == 0 && both->each ? both->each(both->user, row) : r;
}

int history_read(const struct cli *cli, struct history_source *source, ledger_each each, void *user,
        bool *ret_none)
{
        struct both both = { source->check, each, user };
        char problem[LEDGER_PROBLEM_MAX] = "";
        int r = ledger_read(source->folder, tell_both, &both, problem);
        *ret_none = r == -ENOENT || r == -ENOTDIR;
        if (*ret_none)
                return 0;
        if (r == 0)
                r = ledger_check_end(source->check, &source->anchors, source->head_read);
        return r == 0 ? 0 : unreadable(cli, r, problem);
}

bool history_is_whole(const struct history_source *source, bool none)
{
        if (none)
                return source->anchors.count == 0 && source->head_read != LEDGER_BAD_ANCHOR;
        return ledger_check_sum(source->check)->findings == 0;
}

void history_doubt(const struct cli *cli, const struct history_source *source, bool none)
{
        if (history_is_whole(source, none))
                return;
        if (none)
                cli_warn(cli, _("There is no history here, but an anchor of one: it was removed as "
                                "a whole."));
        else
                cli_warn(cli, _("This history is not as it was written. See what is wrong with "
                                "it: mohr history verify"));
}
