/* SPDX-License-Identifier: Apache-2.0 */
/* trust.c: mohr trust: a table of subcommands, and the one that changes nothing: show.
 *
 * Whoever shows a file to mohr trust show trusts it no more than before. It says what the certificate is,
 * which of the published national ones or that it is none, and what trusting it would mean.
 */
#include "client-sdk/cli/trust.h"

#include "client-sdk/certfile.h"
#include "client-sdk/members.h"

#include <time.h>

static const struct subcommand {
        const char *name;
        int (*run)(struct cli *cli, int argc, char **argv);
        const char *arguments, *help;
} subcommands[] = {
        { "show", trust_show, "FILE [--json]",
                N_("Show which certificate a file holds, before anybody trusts it") },
        { "add", trust_add,
                "[--staff|--bundle-signer] [--system] [--fingerprint SHA256] [--json] FILE",
                N_("Show it, ask, and trust it from then on") },
        { "list", trust_list, "[--json]", N_("Show what is trusted, until when, and from where") },
        { "remove", trust_remove, "[--system] [--json] FINGERPRINT",
                N_("Stop trusting the certificate whose fingerprint begins so") },
        { "bundle", trust_bundle, "--out FILE --signer CERTIFICATE --key KEY [--days N] FILE...",
                N_("Sign certificates and CRLs as one file for a closed network") },
        { "import", trust_import, "[--system] [--dry-run] [--json] FILE",
                N_("Take such a file, if its signer was trusted with add --bundle-signer") },
        { "fetch", trust_fetch,
                "[--system] [--into FOLDER] [--trust FILE-or-DIR] [--staff-anchors FILE-or-DIR]\n"
                "            [--timeout SECONDS] [--json] [URL|CERTIFICATE...]",
                N_("Get lists of revoked certificates from where issuers publish them, and keep "
                   "those "
                   "that are good") },
};

void trust_show_help(void)
{
        for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
                printf("mohr trust %s %s\n    %s.\n", subcommands[i].name, subcommands[i].arguments,
                        _(subcommands[i].help));
}

int command_trust(struct cli *cli, int argc, char **argv)
{
        const char *name = argc > 1 ? argv[1] : "";
        if (strcmp(name, "help") == 0) {
                trust_show_help();
                return cli_flushed() ? 0 : OUTCOME_INTERNAL;
        }
        for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
                if (strcmp(subcommands[i].name, name) == 0)
                        return subcommands[i].run(cli, argc - 1, argv + 1);
        return cli_usage(cli, _("This takes one of its subcommands: mohr trust help"));
}

/* ---- show ---- */

struct showing {
        const struct cli *cli;
        json_t *all;
        char *problem;
        size_t problem_cap;
};

static int show_one(void *user, const char *path, const uint8_t *der, size_t len)
{
        struct showing *showing = user;
        struct appraisal appraisal;
        int r = appraise(der, len, &appraisal);
        if (r == -EBADMSG) {
                snprintf(showing->problem, showing->problem_cap,
                        "%s: not a certificate in strict DER", path);
                return OUTCOME_INVALID;
        }
        if (r < 0)
                return r;
        enum appraisal_verdict verdict =
                appraisal_judge(&appraisal, TRUST_USE_CITIZENS, time(NULL));
        json_t *object = trust_json(&appraisal);
        if (json_object_set_new(object, "verdict", json_string(appraisal_name(verdict))) < 0 ||
                json_array_append_new(showing->all, object) < 0)
                return -ENOMEM;
        if (showing->cli->json)
                return 0;
        trust_print(showing->cli, &appraisal);
        printf("  %s\n", verdict == APPRAISAL_FIT ? trust_meaning(&appraisal, TRUST_USE_CITIZENS)
                                                  : trust_objection(verdict));
        return 0;
}

int trust_report_unreadable(const struct cli *cli, int r, const char *problem)
{
        if (r < 0)
                return cli_result(cli, r, NULL);
        return cli_report_as(cli, r, _("The certificate cannot be read, so nothing was changed."),
                _("Give a file with one certificate in it, PEM or DER."), problem, NULL);
}

int trust_print_json(const struct cli *cli, const json_t *json)
{
        _cleanup_free_ char *text = members_text(json, JSON_INDENT(2));
        if (!text)
                return cli_result(cli, -ENOMEM, NULL);
        printf("%s\n", text);
        return 0;
}

int trust_show(struct cli *cli, int argc, char **argv)
{
        int parsed = cli_only_json(cli, argc, argv);
        if (parsed != 0)
                return parsed;
        if (argc - optind != 1)
                return cli_usage(cli, _("This takes one file of certificates."));
        char problem[512] = "";
        _cleanup_json_ json_t *all = json_array();
        struct showing showing = { cli, all, problem, sizeof problem };
        struct certfile in = { .each = show_one,
                .user = &showing,
                .problem = problem,
                .problem_cap = sizeof problem };
        int r = certfile_read(&in, argv[optind]);
        if (r != 0)
                return trust_report_unreadable(cli, r, problem);
        r = cli->json ? trust_print_json(cli, all) : 0;
        return r == 0 && !cli_flushed() ? OUTCOME_INTERNAL : r;
}
