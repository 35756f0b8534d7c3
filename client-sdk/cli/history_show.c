/* SPDX-License-Identifier: Apache-2.0 */
/* history_show.c: mohr history show: all rows of one request, with everything they say. A row's number is as
 * good: it is found out first which request it belongs to.
 */
#include "client-sdk/cli/history.h"

#include "client-sdk/assertion.h"

struct search {
        char request[33]; /* what the row that was named is about, as well */
        int64_t row;      /* 0: named by the request */
        json_t *rows;     /* owned */
};

static void clear_search(struct search *search)
{
        json_decref(search->rows);
}

static bool is_about(const struct search *search, const json_t *body)
{
        static const char *const members[] = { "request", "grant" };
        for (size_t i = 0; search->request[0] && i < ARRAY_LEN(members); i++) {
                const char *value = json_string_value(json_object_get(body, members[i]));
                if (value && strcmp(value, search->request) == 0)
                        return true;
        }
        return false;
}

static int keep_row(const struct search *search, const struct ledger_row *row, json_t *body)
{
        _cleanup_json_ json_t *entry = history_entry(row->seq, "body", body);
        return json_array_append(search->rows, entry) < 0 ? -ENOMEM : 0;
}

/* First it is found out which request a row belongs to, then all rows of that request. */
static int find_request(void *user, const struct ledger_row *row)
{
        struct search *search = user;
        _cleanup_json_ json_t *body = NULL;
        enum ledger_event event;
        const char *why, *request;
        if (row->seq != search->row || !row->body)
                return 0;
        int r = ledger_body(row->body, row->len, &event, &body, &why);
        if (r < 0)
                return r;
        request = json_string_value(json_object_get(body, "request"));
        if (request)
                snprintf(search->request, sizeof search->request, "%s", request);
        return 0;
}

static int find_rows(void *user, const struct ledger_row *row)
{
        struct search *search = user;
        _cleanup_json_ json_t *body = NULL;
        enum ledger_event event;
        const char *why;
        if (!row->body)
                return 0;
        int r = ledger_body(row->body, row->len, &event, &body, &why);
        if (r != 0)
                return r < 0 ? r : 0;
        bool wanted = row->seq == search->row || is_about(search, body);
        return wanted ? keep_row(search, row, body) : 0;
}

static const char *event_text(const json_t *body)
{
        static const struct {
                const char *event, *text;
        } rows[] = {
                { "created", N_("The history begins") },
                { "asked", N_("Somebody asks") },
                { "ended", N_("What became of it") },
                { "interrupted", N_("The daemon ended in the middle") },
                { "granted", N_("A permission to ask was given") },
                { "revoked", N_("A permission to ask was taken back") },
                { "refused", N_("Refused without asking you") },
                { "pruned", N_("What older rows said was taken out") },
        };
        const char *event = json_string_value(json_object_get(body, "event"));
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (strcmp(rows[i].event, event) == 0)
                        return _(rows[i].text);
        return event;
}

static int tell_rows(
        const struct cli *cli, const struct search *search, const struct history_source *source)
{
        if (cli->json) {
                _cleanup_json_ json_t *all = json_pack("{s:b, s:O}", "whole",
                        ledger_check_sum(source->check)->findings == 0, "rows", search->rows);
                return history_print_json(cli, all);
        }
        for (size_t i = 0; i < json_array_size(search->rows); i++) {
                const json_t *entry = json_array_get(search->rows, i),
                             *body = json_object_get(entry, "body");
                printf("%lld  %s\n", (long long)json_integer_value(json_object_get(entry, "row")),
                        event_text(body));
                history_print_members(cli, body, NULL);
        }
        history_doubt(cli, source, false);
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}

static int search_all(const struct cli *cli, const char *from, struct search *search)
{
        _cleanup_source_ struct history_source first = { 0 }, second = { 0 };
        bool none = false;
        int r = 0;
        if (search->row) {
                r = history_open(cli, from, &first);
                if (r == 0)
                        r = history_read(cli, &first, find_request, search, &none);
        }
        if (r == 0)
                r = history_open(cli, from, &second);
        if (r == 0)
                r = history_read(cli, &second, find_rows, search, &none);
        if (r != 0)
                return r;
        if (json_array_size(search->rows) == 0)
                return cli_report_as(cli, OUTCOME_USAGE, _("Nothing of this kind is recorded."),
                        _("The numbers of requests and rows are in: mohr history"), NULL, NULL);
        return tell_rows(cli, search, &second);
}

/* A row's number is shorter than a request's. */
static bool read_what(const char *text, struct search *ret)
{
        size_t digits = strspn(text, "0123456789"), hex = strspn(text, "0123456789abcdef");
        if (hex == sizeof ret->request - 1 && text[hex] == '\0')
                memcpy(ret->request, text, sizeof ret->request);
        else if (digits >= 1 && digits <= 15 && text[digits] == '\0')
                ret->row = strtoll(text, NULL, 10);
        else
                return false;
        return ret->request[0] || ret->row > 0;
}

int history_show(struct cli *cli, int argc, char **argv)
{
        static const struct option options[] = { { "from", required_argument, NULL, 'f' },
                { "json", no_argument, NULL, 'j' }, { 0 } };
        _cleanup_(clear_search) struct search search = { .rows = json_array() };
        const char *from = NULL;
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
                if (option == '?')
                        return cli_usage(
                                cli, _("This option is not known here, or lacks its value."));
                cli->json = cli->json || option == 'j';
                from = option == 'f' ? optarg : from;
        }
        if (argc - optind != 1 || !read_what(argv[optind], &search))
                return cli_usage(cli,
                        _("This takes the number of one request, or of one row, as mohr history "
                          "shows them."));
        return search.rows ? search_all(cli, from, &search) : cli_result(cli, -ENOMEM, NULL);
}
