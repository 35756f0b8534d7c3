/* SPDX-License-Identifier: Apache-2.0 */
/* checking_revocation.c: mohr verify --revocation: whose lists, how old they may be, and what not knowing means.
 *
 * The default is to look, in the store's folders, and to say what was not found: refusing would refuse
 * everybody where no lists are published, and not looking would pass over those that are there.
 */
#include "client-sdk/cli/checking.h"

#define DAY      86400
#define DAYS_MAX 3650

static const struct {
        const char *word;
        enum mohr_revocation policy;
} policies[] = {
        { "require", MOHR_REVOCATION_REQUIRE },
        { "prefer", MOHR_REVOCATION_PREFER },
        { "off", MOHR_REVOCATION_OFF },
};

static int take_policy(struct cli *cli, const char *word, struct checking *checking)
{
        for (size_t i = 0; i < ARRAY_LEN(policies); i++)
                if (strcmp(policies[i].word, word) == 0) {
                        checking->options.revocation = policies[i].policy;
                        checking->revocation_said = true;
                        return 0;
                }
        return cli_usage(cli, _("--revocation takes require, prefer or off."));
}

static int take_age(struct cli *cli, const char *text, struct checking *checking)
{
        size_t digits = strspn(text, "0123456789");
        long days = digits >= 1 && digits <= 4 && !text[digits] ? strtol(text, NULL, 10) : 0;
        if (days < 1 || days > DAYS_MAX)
                return cli_usage(cli, _("--revocation-age takes a number of days, 1 to 3650."));
        checking->options.revocation_age_s = (int64_t)days * DAY;
        return 0;
}

int checking_revocation_option(struct cli *cli, int option, struct checking *checking)
{
        if (option == CHECKING_REVOCATION)
                return take_policy(cli, optarg, checking);
        if (option == CHECKING_REVOCATION_AGE)
                return take_age(cli, optarg, checking);
        checking->revocation_from = optarg;
        return 0;
}

void checking_revocation_complete(struct checking *checking)
{
        if (!checking->revocation_said)
                checking->options.revocation = MOHR_REVOCATION_PREFER;
}

int checking_revocation_load(
        const struct cli *cli, const struct checking *checking, struct mohr_trust *trust)
{
        char problem[512] = "", text[CLI_TEXT_MAX];
        if (checking->options.revocation == MOHR_REVOCATION_OFF)
                return 0;
        int r = mohr_trust_load_revocation(
                trust, checking->revocation_from, problem, sizeof problem);
        if (r < 0)
                return cli_result(cli, r, NULL);
        if (r == 0)
                return 0;
        cli_warn(cli, _("Not all lists of revoked certificates can be used."));
        fprintf(stderr, "      %s\n", cli_text(cli, text, problem));
        return 0;
}

const char *checking_revocation_next(enum mohr_reason reason)
{
        if (reason == MOHR_REASON_REVOKED)
                return _("Do not rely on it, nor on another one made with this card.");
        if (reason == MOHR_REASON_REVOCATION_UNKNOWN)
                return _("Get the lists of its issuers (mohr trust fetch), or decide that it need "
                         "not "
                         "be known: --revocation prefer.");
        return mohr_outcome_next(OUTCOME_INVALID);
}
