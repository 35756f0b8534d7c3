/* SPDX-License-Identifier: Apache-2.0 */
/* trust_words.c: certificates, objections and uses in words. Everything that stands in a certificate is
 * somebody else's text and passes cli_text().
 */
#include "client-sdk/cli/trust.h"

#include "base/text.h"

#include <time.h>

const char *trust_objection(enum appraisal_verdict verdict)
{
        static const char *const texts[APPRAISAL_VERDICTS] = {
                [APPRAISAL_NO_CA] = N_("It is not the certificate of a certificate authority."),
                [APPRAISAL_OTHER_NATIONAL] =
                        N_("It is for signatures made with other tokens: no national card leads to "
                           "it."),
                [APPRAISAL_CARDS_ONLY] =
                        N_("It is the root of the national cards and stands for nobody else."),
                [APPRAISAL_NO_SIGNER] = N_("Its key is not for signing documents."),
                [APPRAISAL_WEAK_KEY] = N_("Its key is too short to be relied on."),
                [APPRAISAL_WEAK_DIGEST] =
                        N_("Its issuer signed it with a digest that can be forged."),
                [APPRAISAL_NOT_YET_VALID] =
                        N_("It is not valid yet, by the clock of this computer."),
                [APPRAISAL_EXPIRED] = N_("It has expired, by the clock of this computer."),
        };
        return texts[verdict] ? _(texts[verdict]) : "";
}

const char *trust_meaning(const struct appraisal *appraisal, enum trust_use use)
{
        static const char *const texts[TRUST_USES] = {
                [TRUST_USE_CITIZENS] = N_(
                        "Whoever holds the key of this authority could make you believe any name "
                        "and any number of a citizen."),
                [TRUST_USE_STAFF] = N_(
                        "Whoever holds the key of this authority could make you believe any staff "
                        "card."),
                [TRUST_USE_BUNDLES] = N_(
                        "Whoever holds this key could decide, by a bundle, which authorities you "
                        "trust."),
        };
        if (use == TRUST_USE_CITIZENS && appraisal->national && appraisal->national->for_cards)
                return _("Every national card whose certificate leads to it would be believed.");
        return _(texts[use]);
}

static void print_line(const struct cli *cli, const char *label, const char *value)
{
        char text[CLI_TEXT_MAX];
        printf("  %s: %s\n", label, cli_text(cli, text, value));
}

static void print_national(const struct cli *cli, const struct mohr_national *national)
{
        char text[CLI_TEXT_MAX], line[CLI_TEXT_MAX + 128];
        if (!national) {
                printf("  %s\n",
                        _("It is none of the published certificates of the national PKI."));
                return;
        }
        snprintf(line, sizeof line,
                _("It is %s of the published certificates of the national PKI."),
                cli_text(cli, text, national->name));
        printf("  %s\n", line);
        printf("  %s\n", national->for_cards ? _("It is the root of the national cards.")
                                             : trust_objection(APPRAISAL_OTHER_NATIONAL));
}

void trust_print(const struct cli *cli, const struct appraisal *appraisal)
{
        char from[96], to[96];
        print_line(cli, _("Certificate of"), appraisal->subject);
        print_line(cli, _("Issued by"), appraisal->self_signed ? _("itself") : appraisal->issuer);
        printf("  %s: %s\n", _("Valid from"), cli_time(cli, from, appraisal->not_before));
        printf("  %s: %s\n", _("Valid until"), cli_time(cli, to, appraisal->not_after));
        print_line(cli, _("Key"), appraisal->key);
        print_line(cli, _("Signed with"), appraisal->signature);
        printf("  %s:\n", _("SHA-256 fingerprint"));
        printf("    %.47s\n    %s\n", appraisal->fingerprint, appraisal->fingerprint + 48);
        print_national(cli, appraisal->national);
}

json_t *trust_json(const struct appraisal *appraisal)
{
        char from[24], to[24];
        const char *national = appraisal->national ? appraisal->national->name : NULL;
        text_iso8601(from, (time_t)appraisal->not_before);
        text_iso8601(to, (time_t)appraisal->not_after);
        return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:s?, s:b}", "fingerprint",
                appraisal->fingerprint, "subject", appraisal->subject, "issuer", appraisal->issuer,
                "not_before", from, "not_after", to, "key", appraisal->key, "signature",
                appraisal->signature, "authority", appraisal->authority, "self_signed",
                appraisal->self_signed, "national", national, "for_cards",
                appraisal->national && appraisal->national->for_cards);
}
