/* SPDX-License-Identifier: Apache-2.0 */
/* trust_add.c: mohr trust add: shows a certificate, then trusts it if a person who saw it says so.
 *
 * A script says so by giving the whole fingerprint, which it must have from somewhere else than the file;
 * an option that only says yes was rejected. What must not be trusted is refused before anybody is asked.
 */
#include "client-sdk/cli/trust.h"

#include "base/text.h"
#include "client-sdk/certfile.h"
#include "client-sdk/members.h"
#include "client-sdk/store.h"

#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <time.h>

#define DER_MAX 16384
#define HEX_MAX 65

struct adding {
        enum trust_use use;
        enum store_level level;
        const char *fingerprint, *file;
        struct appraisal appraisal;
        size_t count, len;
        uint8_t der[DER_MAX];
        char problem[512];
};

static const enum store_kind kinds[TRUST_USES] = {
        [TRUST_USE_CITIZENS] = STORE_ANCHORS,
        [TRUST_USE_STAFF] = STORE_STAFF,
        [TRUST_USE_BUNDLES] = STORE_SIGNERS,
};

void trust_plain_hex(const char *text, char *dst, size_t cap)
{
        size_t len = 0;
        for (; *text && len + 1 < cap; text++)
                if (*text != ':' && *text != ' ')
                        dst[len++] = (char)tolower((unsigned char)*text);
        dst[len] = '\0';
}

static int take_one(void *user, const char *path, const uint8_t *der, size_t len)
{
        struct adding *adding = user;
        if (adding->count++ > 0) {
                snprintf(adding->problem, sizeof adding->problem,
                        "%s: more than one certificate: give them one by one", path);
                return OUTCOME_INVALID;
        }
        int r = len > DER_MAX ? -EBADMSG : appraise(der, len, &adding->appraisal);
        if (r == -EBADMSG) {
                snprintf(adding->problem, sizeof adding->problem,
                        "%s: not a certificate in strict DER", path);
                return OUTCOME_INVALID;
        }
        if (r == 0) {
                memcpy(adding->der, der, len);
                adding->len = len;
        }
        return r;
}

static int read_certificate(const struct cli *cli, struct adding *adding)
{
        const struct certfile in = { .each = take_one,
                .user = adding,
                .problem = adding->problem,
                .problem_cap = sizeof adding->problem };
        int r = certfile_read(&in, adding->file);
        return r == 0 ? 0 : trust_report_unreadable(cli, r, adding->problem);
}

/* What is never trusted, whoever says yes. */
static int refuse_unfit(const struct cli *cli, const struct adding *adding)
{
        enum appraisal_verdict verdict =
                appraisal_judge(&adding->appraisal, adding->use, time(NULL));
        if (verdict == APPRAISAL_FIT)
                return 0;
        return cli_report_as(cli, OUTCOME_INVALID,
                _("This certificate is not trusted, and nothing was changed."),
                trust_objection(verdict), appraisal_name(verdict), NULL);
}

static int compare(const struct cli *cli, const struct adding *adding)
{
        char expected[HEX_MAX + 1], is[HEX_MAX];
        trust_plain_hex(adding->fingerprint, expected, sizeof expected);
        trust_plain_hex(adding->appraisal.fingerprint, is, sizeof is);
        if (strcmp(expected, is) == 0)
                return 0;
        return cli_report_as(cli, OUTCOME_INVALID,
                _("The fingerprint of this file is not the expected one, and nothing was changed."),
                _("It is not the file you mean, or somebody changed it. Get it again from a source "
                  "you trust."),
                adding->appraisal.fingerprint, NULL);
}

static int ask(const struct cli *cli)
{
        int outcome = 0;
        if (isatty(STDIN_FILENO))
                fprintf(stderr, "%s\n",
                        _("Compare the fingerprint with one that you got in another way, digit by "
                          "digit."));
        if (cli_ask(_("Trust this certificate? Type yes:"), &outcome))
                return 0;
        if (outcome == OUTCOME_NOBODY_TO_ASK)
                return cli_report_as(cli, outcome,
                        _("There is nobody to ask, and nothing was changed."),
                        _("Give --fingerprint with the SHA-256 fingerprint that you compared."),
                        NULL, NULL);
        return cli_report_as(cli, outcome, _("Nothing was changed."), "", NULL, NULL);
}

int trust_report_unwritten(const struct cli *cli, int r)
{
        const char *next =
                r == -EACCES || r == -EPERM || r == -EROFS
                        ? _("Only somebody who may write to this folder can do that; for "
                            "/etc/mohr that is the administrator.")
                        : _("Look for what keeps this folder from being written to.");
        return cli_report_as(cli, OUTCOME_INTERNAL,
                _("The trusted certificates could not be changed."), next, strerror(-r), NULL);
}

int trust_store_certificate(enum store_level level, enum store_kind kind, const char *prefix,
        const char *fingerprint, const uint8_t *der, size_t len, char **ret_path)
{
        char hex[HEX_MAX], name[HEX_MAX + 64], *text = NULL;
        trust_plain_hex(fingerprint, hex, sizeof hex);
        snprintf(name, sizeof name, "%s%s.pem", prefix, hex);
        BIO *bio = BIO_new(BIO_s_mem());
        long size = bio && PEM_write_bio(bio, "CERTIFICATE", "", der, (long)len) > 0
                            ? BIO_get_mem_data(bio, &text)
                            : 0;
        int r = size > 0 ? store_put(level, kind, name, text, (size_t)size, ret_path) : -ENOMEM;
        BIO_free(bio);
        return r;
}

static int keep(const struct cli *cli, const struct adding *adding)
{
        _cleanup_free_ char *path = NULL;
        char text[CLI_TEXT_MAX];
        int r = trust_store_certificate(adding->level, kinds[adding->use], "",
                adding->appraisal.fingerprint, adding->der, adding->len, &path);
        if (r < 0)
                return trust_report_unwritten(cli, r);
        if (!cli->json) {
                printf("%s %s\n", _("It is trusted from now on:"), cli_text(cli, text, path));
                if (adding->use != TRUST_USE_BUNDLES)
                        printf("%s\n",
                                _("A mohrd that is running learns of it at its next start."));
                return cli_flushed() ? 0 : OUTCOME_INTERNAL;
        }
        _cleanup_json_ json_t *object = trust_json(&adding->appraisal);
        if (json_object_set_new(object, "path", json_string(path)) < 0)
                return cli_result(cli, -ENOMEM, NULL);
        r = trust_print_json(cli, object);
        return r == 0 && !cli_flushed() ? OUTCOME_INTERNAL : r;
}

static int parse(struct cli *cli, int argc, char **argv, struct adding *adding)
{
        static const struct option options[] = { { "staff", no_argument, NULL, 's' },
                { "bundle-signer", no_argument, NULL, 'b' }, { "system", no_argument, NULL, 'y' },
                { "fingerprint", required_argument, NULL, 'f' }, { "json", no_argument, NULL, 'j' },
                { 0 } };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                switch (option) {
                case 's': adding->use = TRUST_USE_STAFF; break;
                case 'b': adding->use = TRUST_USE_BUNDLES; break;
                case 'y': adding->level = STORE_SYSTEM; break;
                case 'f': adding->fingerprint = optarg; break;
                case 'j': cli->json = true; break;
                default:
                        return cli_usage(
                                cli, _("This option is not known here, or lacks its value."));
                }
        if (argc - optind != 1)
                return cli_usage(cli, _("This takes one file with one certificate."));
        adding->file = argv[optind];
        return 0;
}

int trust_add(struct cli *cli, int argc, char **argv)
{
        struct adding adding = { .use = TRUST_USE_CITIZENS, .level = STORE_USER };
        int r = parse(cli, argc, argv, &adding);
        if (r == 0)
                r = read_certificate(cli, &adding);
        if (r != 0)
                return r;
        if (!cli->json)
                trust_print(cli, &adding.appraisal);
        r = refuse_unfit(cli, &adding);
        if (r != 0)
                return r;
        if (!cli->json)
                printf("  %s\n", trust_meaning(&adding.appraisal, adding.use));
        r = adding.fingerprint ? compare(cli, &adding) : ask(cli);
        return r == 0 ? keep(cli, &adding) : r;
}
