/* SPDX-License-Identifier: Apache-2.0 */
/* trust_import.c: mohr trust import: takes a bundle whose signer was trusted before, and says what changes.
 *
 * Nobody is asked: pinning the signer was the consent, and a timer may run this. All of the bundle is judged
 * before any of it is taken; one certificate that must not be trusted refuses it whole.
 */
#include "client-sdk/cli/trust.h"

#include "client-sdk/bundle_store.h"
#include "client-sdk/certfile.h"
#include "client-sdk/leaf.h"
#include "client-sdk/revocation.h"

#include <time.h>

struct importing {
        enum store_level level;
        bool dry;
        STACK_OF(X509) * signers;
        X509 *signer; /* borrowed */
        char fingerprint[NATIONAL_PRINT_MAX];
        struct bundle bundle;
        const char *why;
        char problem[640];
        size_t changes;
        json_t *all;
        const struct cli *cli;
};

static void clear(struct importing *importing)
{
        sk_X509_pop_free(importing->signers, X509_free);
        bundle_clear(&importing->bundle);
        json_decref(importing->all);
}

/* ---- who may sign ---- */

/* A signer whose time is over signs nothing any more. */
static int take_signer(void *user, const struct store_entry *entry)
{
        struct importing *importing = user;
        struct appraisal appraisal;
        struct leaf leaf;
        X509 *cert = NULL;
        int r = appraise(entry->der, entry->len, &appraisal);
        if (r != 0 || appraisal_judge(&appraisal, TRUST_USE_BUNDLES, time(NULL)) != APPRAISAL_FIT)
                return r == -EBADMSG ? 0 : r;
        r = leaf_parse(entry->der, entry->len, &cert, &leaf);
        if (r == 0 && sk_X509_push(importing->signers, cert) <= 0) {
                X509_free(cert);
                r = -ENOMEM;
        }
        return r;
}

/* Whom a user trusts says nothing about the whole computer. */
static int load_signers(struct importing *importing)
{
        importing->signers = sk_X509_new_null();
        int r = importing->signers ? 0 : -ENOMEM;
        for (enum store_level level = STORE_SYSTEM; r == 0 && level <= importing->level; level++)
                r = store_read(level, STORE_SIGNERS, take_signer, importing, importing->problem,
                        sizeof importing->problem);
        return r;
}

/* ---- what it is worth ---- */

static int judge_anchors(struct importing *importing)
{
        const struct bundle *bundle = &importing->bundle;
        for (size_t i = 0; i < bundle->anchor_count; i++) {
                struct appraisal appraisal;
                int r = appraise(bundle->anchors[i].der, bundle->anchors[i].len, &appraisal);
                if (r < 0 && r != -EBADMSG)
                        return r;
                enum appraisal_verdict verdict =
                        r == 0 ? appraisal_judge(&appraisal, TRUST_USE_CITIZENS, time(NULL))
                               : APPRAISAL_NO_CA;
                if (verdict != APPRAISAL_FIT) {
                        snprintf(importing->problem, sizeof importing->problem, "%s: %s",
                                r == 0 ? appraisal.subject : "anchor", appraisal_name(verdict));
                        importing->why = "anchor";
                        return OUTCOME_INVALID;
                }
        }
        return 0;
}

static int judge_lists(struct importing *importing)
{
        const struct bundle *bundle = &importing->bundle;
        struct revocation *lists = revocation_new();
        int r = lists ? 0 : -ENOMEM;
        for (size_t i = 0; r == 0 && i < bundle->crl_count; i++) {
                char why[REVOCATION_WHY_MAX] = "";
                r = revocation_add(lists, bundle->crls[i].der, bundle->crls[i].len, false, why);
                if (r > 0) {
                        snprintf(importing->problem, sizeof importing->problem, "%s", why);
                        importing->why = "crl";
                }
        }
        revocation_free(lists);
        return r;
}

static int judge(struct importing *importing)
{
        struct bundle_record record = { 0 };
        int r = national_fingerprint(importing->signer, importing->fingerprint) ? 0 : -ENOMEM;
        if (r == 0)
                r = bundle_record_read(importing->level, importing->fingerprint, &record);
        if (r == -EBADMSG) {
                importing->why = "record";
                return OUTCOME_INVALID;
        }
        if (r == 0)
                r = bundle_timely(
                        &importing->bundle, (int64_t)time(NULL), record.issued_at, &importing->why);
        if (r == 0)
                r = judge_anchors(importing);
        return r == 0 ? judge_lists(importing) : r;
}

static int open_one(void *user, const char *path, const uint8_t *der, size_t len)
{
        struct importing *importing = user;
        _cleanup_free_ char *content = NULL;
        size_t content_len = 0;
        (void)path;
        if (importing->signer) {
                importing->why = "not-a-bundle"; /* one file, one bundle */
                return OUTCOME_INVALID;
        }
        int r = bundle_open(der, len, importing->signers, &importing->signer, &content,
                &content_len, &importing->why);
        return r == 0 ? bundle_parse(content, content_len, &importing->bundle, &importing->why) : r;
}

static int open_bundle(struct importing *importing, const char *path)
{
        static const char *const labels[] = { "CMS", NULL };
        static const char *const endings[] = { ".bundle", NULL };
        static const struct certfile_kind kind = { .labels = labels,
                .endings = endings,
                .file_max = BUNDLE_MAX,
                .what = "no bundle in it",
                .size = "not a plain file of 1 byte to 16 MiB" };
        const struct certfile in = { .each = open_one,
                .user = importing,
                .kind = &kind,
                .problem = importing->problem,
                .problem_cap = sizeof importing->problem };
        return certfile_read(&in, path);
}

/* ---- telling ---- */

static const char *next_of(const char *why)
{
        static const struct {
                const char *why, *text;
        } rows[] = {
                { "unknown-signer",
                        N_("Its signer is not trusted here. If it should be: mohr trust "
                           "add --bundle-signer CERTIFICATE") },
                { "signature", N_("It was changed after it was signed. Get it again.") },
                { "older", N_("A newer bundle was taken before. Get the newest one.") },
                { "expired", N_("Its time is over. Get a newer one.") },
                { "not-yet-valid",
                        N_("It is from the future: look at the clock of this computer.") },
                { "too-large", N_("It is larger than any bundle may be.") },
                { "anchor", N_("It holds a certificate that must not be trusted.") },
                { "crl", N_("It holds a CRL that cannot be used.") },
                { "record", N_("The record of the bundle before it is damaged. Remove it from the "
                               "folder bundles only if you know that this bundle is newer.") },
        };
        for (size_t i = 0; why && i < ARRAY_LEN(rows); i++)
                if (strcmp(rows[i].why, why) == 0)
                        return _(rows[i].text);
        return _("It is not a bundle as mohr trust bundle makes them.");
}

static int report(const struct cli *cli, const struct importing *importing, int r)
{
        char detail[768];
        if (r < 0)
                return cli_report_as(cli, OUTCOME_INTERNAL, _("The bundle could not be taken."), "",
                        strerror(-r), NULL);
        snprintf(detail, sizeof detail, "%s%s%s", importing->why ? importing->why : "",
                importing->why && importing->problem[0] ? ": " : "", importing->problem);
        return cli_report_as(cli, r, _("The bundle is not taken, and nothing was changed."),
                importing->why ? next_of(importing->why)
                               : _("Correct what the line in brackets names."),
                detail, NULL);
}

static int tell(void *user, const struct bundle_change *change)
{
        struct importing *importing = user;
        char text[CLI_TEXT_MAX];
        struct appraisal appraisal = { 0 };
        importing->changes++;
        if (change->added && change->kind == STORE_ANCHORS &&
                appraise(change->item->der, change->item->len, &appraisal) == -ENOMEM)
                return -ENOMEM;
        json_t *row = json_pack("{s:s, s:s, s:s*}", "change", change->added ? "add" : "remove",
                "file", change->name, "subject", appraisal.subject[0] ? appraisal.subject : NULL);
        if (json_array_append_new(importing->all, row) < 0)
                return -ENOMEM;
        if (importing->cli->json)
                return 0;
        printf("  %s %s\n", change->added ? "+" : "-",
                cli_text(importing->cli, text, change->name));
        if (appraisal.subject[0])
                printf("      %s\n", cli_text(importing->cli, text, appraisal.subject));
        return 0;
}

static int take(struct importing *importing)
{
        const struct cli *cli = importing->cli;
        char when[96];
        importing->all = json_array();
        if (!importing->all)
                return -ENOMEM;
        if (!cli->json) {
                printf("%s: %s\n", _("Issued"), cli_time(cli, when, importing->bundle.issued_at));
                printf("%s: %s\n", _("Next one due"),
                        cli_time(cli, when, importing->bundle.next_update));
        }
        int r = bundle_changes(
                importing->level, importing->fingerprint, &importing->bundle, tell, importing);
        if (r == 0 && !importing->dry)
                r = bundle_install(importing->level, importing->fingerprint, &importing->bundle);
        if (r == 0 && !cli->json && importing->changes == 0)
                printf("%s\n", _("Nothing changes: all of it is there."));
        return r == 0 && cli->json ? trust_print_json(cli, importing->all) : r;
}

int trust_import(struct cli *cli, int argc, char **argv)
{
        static const struct option options[] = { { "system", no_argument, NULL, 'y' },
                { "dry-run", no_argument, NULL, 'd' }, { "json", no_argument, NULL, 'j' }, { 0 } };
        _cleanup_(clear) struct importing importing = { .level = STORE_USER, .cli = cli };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
                if (option == '?')
                        return cli_usage(
                                cli, _("This option is not known here, or lacks its value."));
                importing.level = option == 'y' ? STORE_SYSTEM : importing.level;
                importing.dry = importing.dry || option == 'd';
                cli->json = cli->json || option == 'j';
        }
        if (argc - optind != 1)
                return cli_usage(cli, _("This takes one bundle."));
        _cleanup_close_ int held = -1;
        int r = load_signers(&importing);
        if (r == 0)
                r = open_bundle(&importing, argv[optind]);
        if (r == 0 && !importing.dry && (r = store_hold(importing.level, &held)) < 0)
                return trust_report_unwritten(cli, r);
        if (r == 0)
                r = judge(&importing);
        if (r != 0)
                return report(cli, &importing, r);
        r = take(&importing);
        if (r < 0)
                return trust_report_unwritten(cli, r);
        return r == 0 && !cli_flushed() ? OUTCOME_INTERNAL : r;
}
