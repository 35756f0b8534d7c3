/* SPDX-License-Identifier: Apache-2.0 */
/* trust_ages.c: how old is what was carried here? The second half of mohr trust list: bundles and CRLs, each
 * with its day and the day of the next one. Age is told and judged by nobody here: an old list still says
 * what it said, and how old it may be is the verifier's policy.
 */
#include "client-sdk/cli/trust.h"

#include "base/text.h"
#include "client-sdk/bundle_store.h"
#include "client-sdk/certfile.h"
#include "client-sdk/revocation.h"

#include <openssl/err.h>
#include <time.h>

#define DAY_S 86400

struct ages {
        const struct cli *cli;
        bool print;
        json_t *rows;
        const char *title;
        size_t overdue;
        int64_t now;
};

static void print_age(const struct ages *ages, int64_t issued, int64_t next)
{
        char when[96], line[128], digits[CLI_LINE_MAX];
        long days = issued < ages->now ? (long)((ages->now - issued) / DAY_S) : 0;
        snprintf(line, sizeof line,
                dngettext("mohr", "%ld day old", "%ld days old", (unsigned long)days), days);
        printf("      %s: %s%s %s\n", _("Issued"), cli_time(ages->cli, when, issued),
                ages->cli->persian ? "،" : ",", cli_digits(ages->cli, digits, line));
        if (next == 0)
                return;
        printf("      %s: %s\n", _("Next one due"), cli_time(ages->cli, when, next));
        if (next < ages->now)
                printf("      %s%s%s\n", cli_style(stdout, STYLE_BAD), _("It is overdue."),
                        cli_style(stdout, STYLE_PLAIN));
}

static int add_row(
        struct ages *ages, const char *name, const char *path, int64_t issued, int64_t next)
{
        char text[CLI_TEXT_MAX], from[24], to[24] = "";
        bool overdue = next != 0 && next < ages->now;
        ages->overdue += overdue;
        text_iso8601(from, (time_t)issued);
        if (next != 0)
                text_iso8601(to, (time_t)next);
        json_t *row = json_pack("{s:s, s:s, s:s, s:s?, s:b}", "subject", name, "path", path,
                "issued_at", from, "next_update", to[0] ? to : NULL, "overdue", overdue);
        if (json_array_append_new(ages->rows, row) < 0)
                return -ENOMEM;
        if (!ages->print)
                return 0;
        if (json_array_size(ages->rows) == 1)
                printf("%s\n", ages->title);
        printf("  %s\n", cli_text(ages->cli, text, name));
        print_age(ages, issued, next);
        printf("      %s\n", cli_text(ages->cli, text, path));
        return 0;
}

/* ---- bundles ---- */

/* A signer's newest bundle may have been taken for the computer and for the user. */
static int age_bundles(void *user, const struct store_entry *entry)
{
        struct ages *ages = user;
        struct appraisal appraisal;
        int r = appraise(entry->der, entry->len, &appraisal);
        for (enum store_level level = entry->level; r == 0 && level < STORE_LEVELS; level++) {
                _cleanup_free_ char *folder = NULL;
                struct bundle_record record = { 0 };
                r = store_folder(level, STORE_BUNDLES, &folder);
                if (r == 0)
                        r = bundle_record_read(level, appraisal.fingerprint, &record);
                if (r == 0 && record.issued_at > 0)
                        r = add_row(ages, appraisal.subject, folder, record.issued_at,
                                record.next_update);
                r = r == -ENOENT || r == -EBADMSG ? 0 : r;
        }
        return r == -EBADMSG ? 0 : r;
}

/* ---- CRLs ---- */

static int64_t seconds_of(const ASN1_TIME *time)
{
        struct tm tm;
        return time && ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static int age_list(void *user, const char *path, const uint8_t *der, size_t len)
{
        struct ages *ages = user;
        const unsigned char *at = der;
        char issuer[256] = "";
        X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)len);
        ERR_clear_error();
        if (!crl)
                return 0; /* an OCSP response: it is about one card, and short-lived */
        X509_NAME_get_text_by_NID(X509_CRL_get_issuer(crl), NID_commonName, issuer, sizeof issuer);
        char clean[256];
        text_sanitize(clean, sizeof clean, issuer, sizeof clean);
        int r = add_row(ages, clean, path, seconds_of(X509_CRL_get0_lastUpdate(crl)),
                seconds_of(X509_CRL_get0_nextUpdate(crl)));
        X509_CRL_free(crl);
        return r;
}

static int age_lists(struct ages *ages, enum store_level level)
{
        _cleanup_free_ char *folder = NULL;
        char problem[512] = "", text[CLI_TEXT_MAX];
        const struct certfile in = { .each = age_list,
                .user = ages,
                .kind = &revocation_files,
                .go_on = true,
                .guarded = true,
                .may_lack = true,
                .problem = problem,
                .problem_cap = sizeof problem };
        int r = store_folder(level, STORE_CRLS, &folder);
        if (r == 0)
                r = certfile_read(&in, folder);
        if (r > 0 && ages->print)
                cli_warn(ages->cli, cli_text(ages->cli, text, problem));
        return r == -ENOENT || r > 0 ? 0 : r;
}

int trust_ages(
        const struct cli *cli, bool print, json_t *bundles, json_t *lists, size_t *ret_overdue)
{
        char problem[512] = "";
        struct ages ages = { .cli = cli,
                .print = print,
                .rows = bundles,
                .title = _("Bundles:"),
                .now = (int64_t)time(NULL) };
        int r = 0;
        for (enum store_level level = 0; r == 0 && level < STORE_LEVELS; level++)
                r = store_read(level, STORE_SIGNERS, age_bundles, &ages, problem, sizeof problem);
        ages.rows = lists;
        ages.title = _("Lists of revoked certificates (CRL):");
        for (enum store_level level = 0; r == 0 && level < STORE_LEVELS; level++)
                r = age_lists(&ages, level);
        if (r == 0)
                *ret_overdue = ages.overdue;
        return r;
}
