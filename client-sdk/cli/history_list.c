/* SPDX-License-Identifier: Apache-2.0 */
/* history_list.c: mohr history list. A request is its `asked` and what ended it, told as one; one that
 * nothing ended is told as that. A request is in the list by what was asked, whenever it ended.
 */
#include "client-sdk/cli/checking.h"
#include "client-sdk/cli/history.h"

#include "client-sdk/assertion.h"

#define LIMIT_DEFAULT 20
#define LIMIT_MAX     100000

struct listing {
        const char *from, *app, *audience;
        int64_t since;
        size_t limit;    /* 0: all */
        json_t *entries; /* owned */
        json_t *open; /* owned: entries whose end is to come, by request; null: not in the list */
};

static void clear_listing(struct listing *listing)
{
        json_decref(listing->entries);
        json_decref(listing->open);
}

/* ---- Reading ---- */

static bool contains(const json_t *body, const char *member, const char *wanted)
{
        const char *text = json_string_value(json_object_get(body, member));
        return !wanted || (text && strstr(text, wanted));
}

static bool is_wanted(const struct listing *listing, const json_t *body)
{
        return contains(body, "app", listing->app) &&
               contains(body, "audience", listing->audience) &&
               json_integer_value(json_object_get(body, "at")) >= listing->since;
}

/* Only the newest are kept, with room for as many again, so that dropping costs little. */
static void drop_oldest(const struct listing *listing, size_t keep)
{
        size_t count = json_array_size(listing->entries);
        if (!listing->limit || count <= keep)
                return;
        for (size_t i = 0; i + listing->limit < count; i++)
                json_array_remove(listing->entries, 0);
}

static int add_entry(struct listing *listing, const struct ledger_row *row, const char *member,
        json_t *body, json_t **ret)
{
        _cleanup_json_ json_t *entry = history_entry(row->seq, member, body);
        if (json_array_append(listing->entries, entry) < 0)
                return -ENOMEM;
        drop_oldest(listing, 2 * listing->limit);
        if (ret)
                *ret = entry;
        return 0;
}

static int add_asked(struct listing *listing, const struct ledger_row *row, json_t *body)
{
        const char *request = json_string_value(json_object_get(body, "request"));
        json_t *entry = NULL;
        bool wanted = is_wanted(listing, body);
        int r = wanted ? add_entry(listing, row, "asked", body, &entry) : 0;
        if (r < 0)
                return r;
        json_t *kept = wanted ? json_incref(entry) : json_null(); /* its end is passed over */
        return json_object_set_new(listing->open, request, kept) < 0 ? -ENOMEM : 0;
}

/* One whose beginning is not there any more was pruned. */
static int add_end(struct listing *listing, const struct ledger_row *row, json_t *body)
{
        const char *request = json_string_value(json_object_get(body, "request"));
        json_t *entry = json_object_get(listing->open, request);
        bool about_all = !listing->app && !listing->audience;
        if (!entry)
                return about_all && is_wanted(listing, body)
                               ? add_entry(listing, row, "end", body, NULL)
                               : 0;
        if (json_is_object(entry) && json_object_set(entry, "end", body) < 0)
                return -ENOMEM;
        json_object_del(listing->open, request);
        return 0;
}

static int list_row(void *user, const struct ledger_row *row)
{
        struct listing *listing = user;
        _cleanup_json_ json_t *body = NULL;
        enum ledger_event event;
        const char *why;
        int r = row->body ? ledger_body(row->body, row->len, &event, &body, &why) : 0;
        if (r < 0 || !body) /* what is no row, the check tells */
                return r < 0 ? r : 0;
        if (event == LEDGER_ASKED)
                return add_asked(listing, row, body);
        if (event == LEDGER_ENDED || event == LEDGER_INTERRUPTED)
                return add_end(listing, row, body);
        if (event == LEDGER_CREATED || !is_wanted(listing, body))
                return 0;
        return add_entry(listing, row, ledger_event_name(event), body, NULL);
}

/* ---- Telling ---- */

static void print_headline(
        const struct cli *cli, const json_t *entry, const json_t *body, const char *what)
{
        char when[96];
        printf("%lld  %s\n", (long long)json_integer_value(json_object_get(entry, "row")),
                cli_time(cli, when, json_integer_value(json_object_get(body, "at"))));
        if (what)
                printf("    %s\n", what);
}

/* An assertion goes without saying. */
static const char *other_work(const json_t *asked)
{
        static const struct {
                const char *method, *text;
        } rows[] = {
                { "ChangePin", N_("A new PIN was asked for, by the present one.") },
                { "UnblockPin", N_("A new PIN was asked for, by the unblocking code (PUK).") },
                { "SignDocument", N_("A signature of a document was asked for.") },
                { "ShowCertificates", N_("The card's certificates were asked for.") },
                { "UseKey", N_("A signature by a key of the card was asked for.") },
        };
        const char *method = json_string_value(json_object_get(asked, "method"));
        for (size_t i = 0; method && i < ARRAY_LEN(rows); i++)
                if (strcmp(rows[i].method, method) == 0)
                        return _(rows[i].text);
        return NULL;
}

static void print_request(const struct cli *cli, const json_t *entry)
{
        static const char *const asked_names[] = { "app", "organization", "audience", "purpose",
                "document", "form", "content", "key", "request", NULL };
        static const char *const given_names[] = { "released", "declined", NULL };
        static const char *const other_names[] = { "tries_left", NULL };
        const json_t *asked = json_object_get(entry, "asked"), *end = json_object_get(entry, "end");
        print_headline(cli, entry, asked ? asked : end, other_work(asked));
        history_print_members(cli, asked, asked_names);
        printf("    %s%s%s\n", cli_style(stdout, history_style(end)), history_result(asked, end),
                cli_style(stdout, STYLE_PLAIN));
        history_print_members(
                cli, end, json_object_get(end, "assertion") ? given_names : other_names);
}

static void print_other(const struct cli *cli, const json_t *entry)
{
        static const struct {
                const char *member, *text;
        } rows[] = {
                { "granted", N_("You allowed it to ask without the consent page. The PIN is asked "
                                "for all the same.") },
                { "revoked", N_("A permission to ask was taken back.") },
                { "refused", N_("It was refused without asking you.") },
                { "pruned", N_("What older rows said was taken out, as the settings say.") },
        };
        static const char *const names[] = { "app", "organization", "audience", "purpose", "grant",
                "released", "why", "through", NULL };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const json_t *body = json_object_get(entry, rows[i].member);
                if (body)
                        print_headline(cli, entry, body, _(rows[i].text));
                history_print_members(cli, body, names);
        }
}

static void print_entries(const struct cli *cli, const json_t *entries)
{
        for (size_t i = 0; i < json_array_size(entries); i++) {
                const json_t *entry = json_array_get(entries, i);
                if (json_object_get(entry, "asked") || json_object_get(entry, "end"))
                        print_request(cli, entry);
                else
                        print_other(cli, entry);
        }
        if (json_array_size(entries) == 0)
                printf("%s\n", _("Nothing of this kind is recorded."));
}

static int tell_entries(const struct cli *cli, const struct listing *listing,
        const struct history_source *source, bool none)
{
        drop_oldest(listing, listing->limit);
        if (!cli->json) {
                if (none)
                        printf("%s\n", _("There is no history here. One begins with the first "
                                         "request; --from names another folder."));
                else
                        print_entries(cli, listing->entries);
                history_doubt(cli, source, none);
                return cli_flushed() ? 0 : OUTCOME_INTERNAL;
        }
        _cleanup_json_ json_t *all = json_pack(
                "{s:b, s:O}", "whole", history_is_whole(source, none), "entries", listing->entries);
        return history_print_json(cli, all);
}

static int read_limit(const struct cli *cli, size_t *ret)
{
        char *end;
        long value = strtol(optarg, &end, 10);
        if (end == optarg || *end || value < 0 || value > LIMIT_MAX)
                return cli_usage(cli, _("--limit takes a number of entries; 0 is all."));
        *ret = (size_t)value;
        return 0;
}

static int parse_list(struct cli *cli, int argc, char **argv, struct listing *ret)
{
        static const struct option options[] = { { "limit", required_argument, NULL, 'l' },
                { "since", required_argument, NULL, 's' }, { "app", required_argument, NULL, 'a' },
                { "audience", required_argument, NULL, 'u' },
                { "from", required_argument, NULL, 'f' }, { "json", no_argument, NULL, 'j' },
                { 0 } };
        int r = 0;
        for (int option; r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                switch (option) {
                case 'l': r = read_limit(cli, &ret->limit); break;
                case 'a': ret->app = optarg; break;
                case 'u': ret->audience = optarg; break;
                case 'f': ret->from = optarg; break;
                case 'j': cli->json = true; break;
                case 's':
                        ret->since = checking_time(optarg);
                        if (ret->since == 0)
                                r = cli_usage(cli,
                                        _("%s takes a time such as 2026-11-21T22:47:36Z or "
                                          "seconds."),
                                        "--since");
                        break;
                default:
                        return cli_usage(
                                cli, _("This option is not known here, or lacks its value."));
                }
        return r == 0 && optind < argc ? cli_usage(cli, _("This takes no arguments.")) : r;
}

int history_list(struct cli *cli, int argc, char **argv)
{
        _cleanup_(clear_listing) struct listing listing = { .limit = LIMIT_DEFAULT };
        _cleanup_source_ struct history_source source = { 0 };
        bool none = false;
        int r = parse_list(cli, argc, argv, &listing);
        if (r != 0)
                return r;
        listing.entries = json_array();
        listing.open = json_object();
        if (!listing.entries || !listing.open)
                return cli_result(cli, -ENOMEM, NULL);
        r = history_open(cli, listing.from, &source);
        if (r == 0)
                r = history_read(cli, &source, list_row, &listing, &none);
        return r == 0 ? tell_entries(cli, &listing, &source, none) : r;
}
