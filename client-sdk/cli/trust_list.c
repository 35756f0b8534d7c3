/* SPDX-License-Identifier: Apache-2.0 */
/* trust_list.c: mohr trust list and remove: what is trusted, why, until when, and how old what belongs to
 * it is; and how one certificate stops being trusted.
 */
#include "client-sdk/cli/trust.h"

#include "base/file.h"
#include "client-sdk/bundle_store.h"

#include <time.h>

#define PREFIX_MIN 4
#define HEX_MAX    65

static const struct kind {
        enum store_kind kind;
        enum trust_use use;
        const char *name, *title;
} kinds[] = {
        { STORE_ANCHORS, TRUST_USE_CITIZENS, "cards", N_("For national cards:") },
        { STORE_STAFF, TRUST_USE_STAFF, "staff", N_("For staff cards:") },
        { STORE_SIGNERS, TRUST_USE_BUNDLES, "bundles", N_("Signers of bundles:") },
};

/* ---- list ---- */

struct listing {
        const struct cli *cli;
        const struct kind *kind;
        json_t *all;
        bool titled;
};

static void print_row(struct listing *listing, const struct appraisal *a, const char *path,
        enum appraisal_verdict verdict)
{
        char text[CLI_TEXT_MAX], when[96], print[32];
        if (!listing->titled)
                printf("%s\n", _(listing->kind->title));
        listing->titled = true;
        snprintf(print, sizeof print, "%.23s", a->fingerprint);
        printf("  %s  %s", cli_text(listing->cli, text, print),
                a->national ? a->national->name : "-");
        printf("  %s\n", cli_text(listing->cli, text, a->subject));
        printf("      %s: %s\n", _("Valid until"), cli_time(listing->cli, when, a->not_after));
        printf("      %s\n", cli_text(listing->cli, text, path));
        if (verdict != APPRAISAL_FIT)
                printf("      %s%s%s\n", cli_style(stdout, STYLE_BAD), trust_objection(verdict),
                        cli_style(stdout, STYLE_PLAIN));
}

static int list_one(void *user, const struct store_entry *entry)
{
        struct listing *listing = user;
        struct appraisal appraisal;
        int r = appraise(entry->der, entry->len, &appraisal);
        if (r < 0)
                return r;
        enum appraisal_verdict verdict =
                appraisal_judge(&appraisal, listing->kind->use, time(NULL));
        json_t *row = trust_json(&appraisal);
        if (json_object_set_new(row, "use", json_string(listing->kind->name)) < 0 ||
                json_object_set_new(row, "path", json_string(entry->path)) < 0 ||
                json_object_set_new(row, "verdict", json_string(appraisal_name(verdict))) < 0 ||
                json_array_append_new(listing->all, row) < 0)
                return -ENOMEM;
        if (!listing->cli->json)
                print_row(listing, &appraisal, entry->path, verdict);
        return 0;
}

static int report_store(const struct cli *cli, int r, const char *problem)
{
        if (r == -EBADMSG)
                problem = "a file that is no certificate in strict DER";
        return cli_report_as(cli, r == -EBADMSG ? OUTCOME_INVALID : outcome_of(r),
                _("The trusted certificates cannot be relied on as they are."),
                _("Correct what the line in brackets names: until then nothing is checked with "
                  "them."),
                r < 0 && r != -EBADMSG ? strerror(-r) : problem, NULL);
}

static int list_kinds(const struct cli *cli, json_t *all)
{
        char problem[512] = "";
        int r = 0;
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds); i++) {
                struct listing listing = { cli, &kinds[i], all, false };
                for (enum store_level level = 0; r == 0 && level < STORE_LEVELS; level++)
                        r = store_read(
                                level, kinds[i].kind, list_one, &listing, problem, sizeof problem);
        }
        return r == 0 ? 0 : report_store(cli, r, problem);
}

static int list_all(const struct cli *cli, const json_t *all)
{
        json_t *certificates = json_object_get(all, "certificates");
        size_t overdue = 0;
        int r = list_kinds(cli, certificates);
        if (r != 0)
                return r;
        r = trust_ages(cli, !cli->json, json_object_get(all, "bundles"),
                json_object_get(all, "revocation"), &overdue);
        if (r != 0)
                return cli_result(cli, r, NULL);
        if (cli->json)
                return trust_print_json(cli, all);
        if (json_array_size(certificates) == 0)
                printf("%s\n",
                        _("No certificate is trusted yet. Add one with: mohr trust add FILE"));
        return 0;
}

int trust_list(struct cli *cli, int argc, char **argv)
{
        int parsed = cli_only_json(cli, argc, argv);
        if (parsed != 0)
                return parsed;
        if (optind < argc)
                return cli_usage(cli, _("This takes no arguments."));
        _cleanup_json_ json_t *all =
                json_pack("{s:[], s:[], s:[]}", "certificates", "bundles", "revocation");
        if (!all)
                return cli_result(cli, -ENOMEM, NULL);
        int r = list_all(cli, all);
        return r == 0 && !cli_flushed() ? OUTCOME_INTERNAL : r;
}

/* ---- remove ---- */

#define PLACES_MAX 16

struct search {
        char prefix[HEX_MAX + 1], hex[HEX_MAX]; /* what was asked for, and what was found first */
        struct {
                char *path;
                enum store_kind kind;
        } places[PLACES_MAX];
        size_t count;
        char *last; /* the file that was looked at last */
        bool ambiguous, several;
        struct appraisal appraisal;
};

static void clear_search(struct search *search)
{
        for (size_t i = 0; i < search->count; i++)
                free(search->places[i].path);
        free(search->last);
}

static int add_place(struct search *search, const struct store_entry *entry, const char *hex)
{
        if (search->count == PLACES_MAX)
                return -ENOSPC;
        char *path = strdup(entry->path);
        if (!path)
                return -ENOMEM;
        search->ambiguous |= search->count > 0 && strcmp(hex, search->hex) != 0;
        snprintf(search->hex, sizeof search->hex, "%s", hex);
        search->places[search->count].path = path;
        search->places[search->count++].kind = entry->kind;
        return 0;
}

/* A file that somebody filled by hand with several is not ours to rewrite. *ret: others of it came before. */
static int note_file(struct search *search, const char *path, bool *ret)
{
        *ret = search->last && strcmp(search->last, path) == 0;
        if (*ret)
                return 0;
        free(search->last);
        search->last = strdup(path);
        return search->last ? 0 : -ENOMEM;
}

static int look_at(void *user, const struct store_entry *entry)
{
        struct search *search = user;
        struct appraisal appraisal;
        char hex[HEX_MAX];
        bool not_first = false;
        int r = appraise(entry->der, entry->len, &appraisal);
        if (r == 0)
                r = note_file(search, entry->path, &not_first);
        if (r < 0)
                return r;
        trust_plain_hex(appraisal.fingerprint, hex, sizeof hex);
        bool hit = strncmp(hex, search->prefix, strlen(search->prefix)) == 0;
        bool with_hit = search->count > 0 &&
                        strcmp(search->places[search->count - 1].path, entry->path) == 0;
        search->several |= not_first && (hit || with_hit);
        if (!hit)
                return 0;
        search->appraisal = appraisal;
        return add_place(search, entry, hex);
}

static int find(const struct cli *cli, enum store_level level, struct search *search)
{
        char problem[512] = "", text[CLI_TEXT_MAX];
        int r = 0;
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds); i++)
                r = store_read(level, kinds[i].kind, look_at, search, problem, sizeof problem);
        if (r != 0)
                return report_store(cli, r, problem);
        if (search->count == 0)
                return cli_usage(cli, _("No trusted certificate here has such a fingerprint; for "
                                        "those in /etc/mohr give --system."));
        if (search->ambiguous)
                return cli_usage(cli, _("Several certificates have such a fingerprint: give more "
                                        "digits."));
        if (search->several)
                return cli_usage(cli, _("%s holds several certificates: edit this file."),
                        cli_text(cli, text, search->places[0].path));
        return 0;
}

static int agree(const struct cli *cli, const struct search *search)
{
        int outcome = 0;
        if (strlen(search->prefix) == HEX_MAX - 1)
                return 0; /* it was named in full */
        if (cli_ask(_("Stop trusting this certificate? Type yes:"), &outcome))
                return 0;
        return cli_report_as(cli, outcome, _("Nothing was changed."),
                outcome == OUTCOME_NOBODY_TO_ASK ? _("Give the whole fingerprint.") : "", NULL,
                NULL);
}

/* With a signer goes what its bundles brought: nobody stands for that any more. */
static int remove_places(enum store_level level, const struct search *search)
{
        int r = 0;
        for (size_t i = 0; r == 0 && i < search->count; i++) {
                if (search->places[i].kind == STORE_SIGNERS)
                        r = bundle_forget(level, search->appraisal.fingerprint);
                if (r == 0)
                        r = file_remove(search->places[i].path);
        }
        return r;
}

static int tell_removed(const struct cli *cli, const struct search *search)
{
        char text[CLI_TEXT_MAX];
        if (cli->json) {
                _cleanup_json_ json_t *object = trust_json(&search->appraisal);
                return object ? trust_print_json(cli, object) : cli_result(cli, -ENOMEM, NULL);
        }
        bool signer = false;
        printf("%s\n", _("It is not trusted any more. Removed:"));
        for (size_t i = 0; i < search->count; i++) {
                printf("  %s\n", cli_text(cli, text, search->places[i].path));
                signer = signer || search->places[i].kind == STORE_SIGNERS;
        }
        if (signer)
                printf("%s\n", _("What its bundles brought is gone as well."));
        return 0;
}

static int remove_found(const struct cli *cli, enum store_level level, const struct search *search)
{
        if (!cli->json)
                trust_print(cli, &search->appraisal);
        int r = agree(cli, search);
        if (r != 0)
                return r;
        r = remove_places(level, search);
        return r < 0 ? trust_report_unwritten(cli, r) : tell_removed(cli, search);
}

int trust_remove(struct cli *cli, int argc, char **argv)
{
        static const struct option options[] = { { "system", no_argument, NULL, 'y' },
                { "json", no_argument, NULL, 'j' }, { 0 } };
        enum store_level level = STORE_USER;
        _cleanup_(clear_search) struct search search = { 0 };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
                if (option == '?')
                        return cli_usage(
                                cli, _("This option is not known here, or lacks its value."));
                level = option == 'y' ? STORE_SYSTEM : level;
                cli->json = cli->json || option == 'j';
        }
        if (argc - optind == 1)
                trust_plain_hex(argv[optind], search.prefix, sizeof search.prefix);
        size_t digits = strlen(search.prefix);
        if (digits < PREFIX_MIN || digits >= HEX_MAX ||
                strspn(search.prefix, "0123456789abcdef") != digits)
                return cli_usage(cli, _("This takes one fingerprint, or its first digits, at least "
                                        "four."));
        int r = find(cli, level, &search);
        if (r == 0)
                r = remove_found(cli, level, &search);
        return r == 0 && !cli_flushed() ? OUTCOME_INTERNAL : r;
}
