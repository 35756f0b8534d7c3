/* SPDX-License-Identifier: Apache-2.0 */
/* trust_bundle.c: mohr trust bundle: anchors and CRLs as one signed file, for a network without another.
 *
 * What could not be trusted on the other side is not put in. The key is read from a file, with its pass
 * phrase asked on the terminal if it has one; whoever keeps it in a token signs the content with another
 * tool (docs/trust.md).
 */
#include "client-sdk/cli/trust.h"

#include "base/file.h"
#include "client-sdk/bundle.h"
#include "client-sdk/certfile.h"
#include "client-sdk/leaf.h"
#include "client-sdk/revocation.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <time.h>

#define DAYS_DEFAULT 30
#define DAYS_MAX     3660
#define DAY_S        86400

struct making {
        const char *out, *signer, *key;
        long days;
        X509 *cert;
        EVP_PKEY *pkey;
        struct appraisal appraisal;
        struct bundle bundle;
        struct revocation *lists;
        char problem[512];
};

static int complain(struct making *making, const char *path, const char *what)
{
        snprintf(making->problem, sizeof making->problem, "%s: %s", path, what);
        return OUTCOME_INVALID;
}

/* ---- what goes in ---- */

static int take_certificate(struct making *making, const char *path, const uint8_t *der, size_t len)
{
        struct appraisal appraisal;
        int r = appraise(der, len, &appraisal);
        if (r < 0)
                return r == -EBADMSG ? complain(making, path, "neither a certificate nor a CRL")
                                     : r;
        enum appraisal_verdict verdict =
                appraisal_judge(&appraisal, TRUST_USE_CITIZENS, time(NULL));
        if (verdict != APPRAISAL_FIT)
                return complain(making, path, appraisal_name(verdict));
        r = bundle_add_anchor(&making->bundle, der, len);
        return r == -ENOSPC ? complain(making, path, "too many certificates") : r;
}

static int take(void *user, const char *path, const uint8_t *der, size_t len)
{
        struct making *making = user;
        char why[REVOCATION_WHY_MAX] = "";
        const unsigned char *at = der;
        X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)len);
        bool is_crl = crl && at == der + len;
        X509_CRL_free(crl);
        ERR_clear_error();
        if (!is_crl)
                return take_certificate(making, path, der, len);
        int r = revocation_add(making->lists, der, len, false, why);
        if (r != 0)
                return r > 0 ? complain(making, path, why) : r;
        r = bundle_add_crl(&making->bundle, der, len);
        return r == -ENOSPC ? complain(making, path, "too many CRLs") : r;
}

static int take_file(struct making *making, const char *path)
{
        static const char *const labels[] = { "CERTIFICATE", "X509 CRL", NULL };
        static const char *const endings[] = { ".pem", ".crt", ".cer", ".der", ".crl", NULL };
        static const struct certfile_kind kind = { .labels = labels,
                .endings = endings,
                .file_max = BUNDLE_MAX,
                .what = "neither a certificate nor a CRL in it",
                .size = "not a plain file of 1 byte to 16 MiB" };
        const struct certfile in = { .each = take,
                .user = making,
                .kind = &kind,
                .problem = making->problem,
                .problem_cap = sizeof making->problem };
        return certfile_read(&in, path);
}

/* ---- who signs ---- */

static int take_signer(void *user, const char *path, const uint8_t *der, size_t len)
{
        struct making *making = user;
        struct leaf leaf;
        if (making->cert)
                return complain(making, path, "more than one certificate");
        int r = leaf_parse(der, len, &making->cert, &leaf);
        if (r == 0)
                r = appraise(der, len, &making->appraisal);
        return r == -EBADMSG ? complain(making, path, "not a certificate in strict DER") : r;
}

static int load_signer(struct making *making)
{
        const struct certfile in = { .each = take_signer,
                .user = making,
                .problem = making->problem,
                .problem_cap = sizeof making->problem };
        int r = certfile_read(&in, making->signer);
        if (r != 0)
                return r;
        enum appraisal_verdict verdict =
                appraisal_judge(&making->appraisal, TRUST_USE_BUNDLES, time(NULL));
        if (verdict != APPRAISAL_FIT)
                return complain(making, making->signer, appraisal_name(verdict));
        FILE *file = fopen(making->key, "re");
        if (!file)
                return complain(making, making->key, strerror(errno));
        making->pkey = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        fclose(file);
        bool fits = making->pkey && X509_check_private_key(making->cert, making->pkey) == 1;
        ERR_clear_error();
        return fits ? 0 : complain(making, making->key, "not the signer's private key");
}

/* ---- making it ---- */

static int write_bundle(struct making *making)
{
        making->bundle.issued_at = (int64_t)time(NULL);
        making->bundle.next_update = making->bundle.issued_at + making->days * DAY_S;
        _cleanup_free_ char *content = bundle_compose(&making->bundle);
        _cleanup_free_ uint8_t *cms = NULL;
        size_t len = 0;
        int r = content ? bundle_seal(
                                  content, strlen(content), making->cert, making->pkey, &cms, &len)
                        : -ENOMEM;
        if (r == 0 && len > BUNDLE_MAX)
                r = -EFBIG;
        return r == 0 ? file_replace(making->out, cms, len, 0644) : r;
}

static int make(struct making *making, int count, char **files)
{
        making->lists = revocation_new();
        int r = making->lists ? 0 : -ENOMEM;
        for (int i = 0; r == 0 && i < count; i++)
                r = take_file(making, files[i]);
        if (r == 0)
                r = load_signer(making);
        return r == 0 ? write_bundle(making) : r;
}

static int parse(struct cli *cli, int argc, char **argv, struct making *making)
{
        static const struct option options[] = { { "out", required_argument, NULL, 'o' },
                { "signer", required_argument, NULL, 's' }, { "key", required_argument, NULL, 'k' },
                { "days", required_argument, NULL, 'd' }, { 0 } };
        char *end = NULL;
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                switch (option) {
                case 'o': making->out = optarg; break;
                case 's': making->signer = optarg; break;
                case 'k': making->key = optarg; break;
                case 'd':
                        making->days = strtol(optarg, &end, 10);
                        if (*end || making->days < 1 || making->days > DAYS_MAX)
                                return cli_usage(
                                        cli, _("--days takes a number from 1 to %d."), DAYS_MAX);
                        break;
                default:
                        return cli_usage(
                                cli, _("This option is not known here, or lacks its value."));
                }
        if (!making->out || !making->signer || !making->key || optind == argc)
                return cli_usage(
                        cli, _("This takes --out, --signer, --key and at least one file of "
                               "certificates or CRLs."));
        return 0;
}

static void clear(struct making *making)
{
        X509_free(making->cert);
        EVP_PKEY_free(making->pkey);
        bundle_clear(&making->bundle);
        revocation_free(making->lists);
}

int trust_bundle(struct cli *cli, int argc, char **argv)
{
        _cleanup_(clear) struct making making = { .days = DAYS_DEFAULT };
        char text[CLI_TEXT_MAX];
        int r = parse(cli, argc, argv, &making);
        if (r == 0)
                r = make(&making, argc - optind, argv + optind);
        else
                return r;
        if (r < 0)
                return cli_report_as(cli, OUTCOME_INTERNAL, _("The bundle could not be written."),
                        "", strerror(-r), NULL);
        if (r > 0)
                return cli_report_as(cli, r, _("No bundle was made."),
                        _("Correct what the line in brackets names."), making.problem, NULL);
        printf("%s %s\n", _("The bundle is ready:"), cli_text(cli, text, making.out));
        printf("  %s: %zu, %s: %zu\n", _("Certificates"), making.bundle.anchor_count, _("CRLs"),
                making.bundle.crl_count);
        printf("  %s:\n    %.47s\n    %s\n", _("Fingerprint of the signer"),
                making.appraisal.fingerprint, making.appraisal.fingerprint + 48);
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}
