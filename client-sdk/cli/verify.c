/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c: mohr verify: an assertion, an evidence bundle or a receipt, told apart by what they hold, from a
 * file or standard input; a verdict as the exit code.
 */
#include "client-sdk/cli/checking.h"

static const struct option options[] = {
        CHECKING_OPTIONS,
        { 0 },
};

static int parse(
        struct cli *cli, int argc, char **argv, struct checking *checking, const char **ret_file)
{
        int r = 0;
        for (int option; r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                r = checking_option(cli, option, checking);
        if (r == 0)
                r = checking_complete(cli, checking);
        if (r != 0)
                return r;
        if (argc - optind > 1)
                return cli_usage(cli, _("This takes one file, or - for standard input."));
        *ret_file = optind < argc ? argv[optind] : "-";
        return 0;
}

static int print_result(const struct cli *cli, const struct mohr_trust *trust,
        const struct checking *checking, const struct mohr_result *result, int outcome)
{
        _cleanup_free_ char *json = mohr_result_json(result);
        if (!json)
                return cli_result(cli, -ENOMEM, NULL);
        bool tells = mohr_result_claim(result, "sub") != NULL;
        if (cli->json)
                printf("%s\n", json);
        else if (tells)
                show_result(cli, result);
        if (outcome != 0)
                checking_explain(cli, checking, trust, result, outcome);
        if (tells)
                checking_warn(cli, json);
        return cli_flushed() ? outcome : cli_result(cli, -EIO, NULL);
}

static int check(const struct cli *cli, struct mohr_trust *trust, const struct checking *checking,
        const struct checking_input *input, struct mohr_result **ret)
{
        _cleanup_trust_ struct mohr_trust *authorities = NULL;
        int r = checking_authorities(cli, checking, &authorities);
        if (r != 0)
                return r;
        if (mohr_form_of(input->text, input->len) == MOHR_FORM_ASSERTION)
                return mohr_verify(trust, input->text, input->len, &checking->options, ret);
        return mohr_evidence_verify(
                trust, input->text, input->len, &checking->options, authorities, ret);
}

int command_verify(struct cli *cli, int argc, char **argv)
{
        _cleanup_trust_ struct mohr_trust *trust = NULL;
        _cleanup_result_ struct mohr_result *result = NULL;
        _cleanup_input_ struct checking_input input = { 0 };
        struct checking checking = { 0 };
        const char *file = "-";
        int r = parse(cli, argc, argv, &checking, &file);
        if (r != 0)
                return r;
        r = checking_read(file, &input);
        if (r < 0)
                return cli_usage(cli, "%s: %s", file, strerror(-r));
        r = checking_trust(cli, &checking, &trust);
        if (r != 0)
                return r;
        r = check(cli, trust, &checking, &input, &result);
        if (r < 0)
                return cli_result(cli, r, NULL);
        return result ? print_result(cli, trust, &checking, result, r) : r;
}
