/* SPDX-License-Identifier: Apache-2.0 */
/* checking.c: see checking.h.
 *
 * What was not asked to be checked is said on stderr, as loudly as it deserves.
 */
#include "client-sdk/cli/checking.h"

#include "client-sdk/assertion.h"
#include "client-sdk/store.h"

#include <time.h>

#define YEAR_10000 253402300800
#define INPUT_MAX  (MOHR_RECEIPT_MAX + 1)

/* Seconds since the epoch, or ISO 8601 in UTC: 2026-11-21T22:47:36Z, 2026-11-21. 0 if it is neither, or no
 * time that an assertion can have. */
int64_t checking_time(const char *text)
{
        static const char *const formats[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ",
                "%Y-%m-%d" };
        size_t digits = strspn(text, "0123456789");
        if (digits >= 1 && digits <= 12 && text[digits] == '\0') {
                int64_t when = strtoll(text, NULL, 10);
                return when < YEAR_10000 ? when : 0;
        }
        for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
                struct tm tm = { 0 };
                const char *end = strptime(text, formats[i], &tm);
                const int day = tm.tm_mday;
                const int64_t when =
                        timegm(&tm); /* which makes a day of March out of 31 February */
                if (end && *end == '\0' && tm.tm_mday == day)
                        return when;
        }
        return 0;
}

static int read_time(struct cli *cli, const char *option, int64_t *ret)
{
        *ret = checking_time(optarg);
        if (*ret > 0)
                return 0;
        return cli_usage(
                cli, _("%s takes a time such as 2026-11-21T22:47:36Z or seconds."), option);
}

static int read_expired(struct cli *cli, enum mohr_expired *ret)
{
        static const char *const names[] = { [MOHR_EXPIRED_REFUSE] = "refuse",
                [MOHR_EXPIRED_REPORT] = "report",
                [MOHR_EXPIRED_ACCEPT] = "accept" };
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (strcmp(optarg, names[i]) == 0) {
                        *ret = (enum mohr_expired)i;
                        return 0;
                }
        return cli_usage(cli, _("--expired-cert takes refuse, report or accept."));
}

int checking_option(struct cli *cli, int option, struct checking *checking)
{
        switch (option) {
        case CHECKING_TRUST: checking->trust = optarg; return 0;
        case CHECKING_STAFF: checking->staff = optarg; return 0;
        case CHECKING_AUDIENCE: checking->options.audience = optarg; return 0;
        case CHECKING_NONCE: checking->options.nonce = optarg; return 0;
        case CHECKING_TSA: checking->tsa = optarg; return 0;
        case CHECKING_JSON: cli->json = true; return 0;
        case CHECKING_ISSUERS: checking->issuers = optarg; return 0;
        case CHECKING_AT: return read_time(cli, "--at", &checking->options.at);
        case CHECKING_ASKED_AT: return read_time(cli, "--asked-at", &checking->options.asked_at);
        case CHECKING_EXPIRED: return read_expired(cli, &checking->options.expired);
        case CHECKING_REVOCATION:
        case CHECKING_REVOCATION_FROM:
        case CHECKING_REVOCATION_AGE: return checking_revocation_option(cli, option, checking);
        }
        return cli_usage(cli, _("This option is not known here, or lacks its value."));
}

int checking_complete(struct cli *cli, struct checking *checking)
{
        _cleanup_trust_ struct mohr_trust *stored = NULL;
        char problem[512] = "";
        checking_revocation_complete(checking);
        if (checking->trust || checking->staff ||
                mohr_trust_load_store(&stored, problem, sizeof problem) == 0)
                return 0;
        return cli_usage(cli,
                _("--trust is needed: the file or folder of the roots you trust. To keep a root "
                  "for "
                  "good: mohr trust add FILE (%s)"),
                problem);
}

static void trim(struct checking_input *input)
{
        if (mohr_form_of(input->text, input->len) != MOHR_FORM_ASSERTION)
                return;
        while (input->len > 0 && memchr(" \t\r\n", input->text[input->len - 1], 4))
                input->len--;
        while (input->len > 0 && memchr(" \t\r\n", input->text[0], 4)) {
                input->text++;
                input->len--;
        }
}

int checking_read(const char *file, struct checking_input *ret)
{
        int r = checking_read_upto(file, INPUT_MAX, ret);
        if (r == 0)
                trim(ret);
        return r;
}

static void explain_root(const struct cli *cli, const struct mohr_trust *trust)
{
        char text[CLI_TEXT_MAX];
        if (trust && mohr_trust_has_national_root(trust))
                return;
        fprintf(stderr, "      %s\n      %s\n",
                _("National cards need the certificate \"IRAN Root CA1\". Its SHA-256 fingerprint "
                  "must be:"),
                cli_text(cli, text, mohr_national_root_fingerprint()));
}

static int report_no_trust(const struct cli *cli, int r, const char *problem)
{
        if (r < 0)
                return cli_result(cli, r, NULL);
        r = cli_report_as(cli, r, _("The roots you trust cannot be read, so nothing was checked."),
                _("The assertion may be good. Give --trust a file or folder of root certificates."),
                problem, NULL);
        explain_root(cli, NULL);
        return r;
}

/* What mohrd kept spares a certificate in x5c; nobody misses it. */
static int load_kept_issuers(struct mohr_trust *trust)
{
        _cleanup_free_ char *path = NULL;
        char problem[512];
        int r = store_issuers(&path);
        if (r == 0)
                r = mohr_trust_load_issuers(trust, path, problem, sizeof problem);
        return r == -ENOMEM ? r : 0;
}

static int load_issuers(
        const struct cli *cli, const struct checking *checking, struct mohr_trust *trust)
{
        char problem[512] = "", text[CLI_TEXT_MAX];
        int r = checking->issuers
                        ? mohr_trust_load_issuers(trust, checking->issuers, problem, sizeof problem)
                        : load_kept_issuers(trust);
        if (r == 0 && problem[0])
                cli_warn(cli, cli_text(cli, text, problem));
        return r == 0 ? 0 : report_no_trust(cli, r, problem);
}

int checking_trust(const struct cli *cli, const struct checking *checking, struct mohr_trust **ret)
{
        _cleanup_trust_ struct mohr_trust *trust = NULL;
        char problem[512] = "";
        int r = 0;
        if (checking->trust)
                r = mohr_trust_load(&trust, checking->trust, problem, sizeof problem);
        else if (!checking->staff)
                r = mohr_trust_load_store(&trust, problem, sizeof problem);
        if (r == 0 && checking->staff)
                r = mohr_trust_load_staff(&trust, checking->staff, problem, sizeof problem);
        if (r != 0)
                return report_no_trust(cli, r, problem);
        r = load_issuers(cli, checking, trust);
        if (r == 0)
                r = checking_revocation_load(cli, checking, trust);
        if (r != 0)
                return r;
        *ret = trust;
        trust = NULL;
        return 0;
}

int checking_authorities(
        const struct cli *cli, const struct checking *checking, struct mohr_trust **ret)
{
        char problem[512] = "";
        int r = checking->tsa ? mohr_trust_load(ret, checking->tsa, problem, sizeof problem) : 0;
        if (r <= 0)
                return cli_result(cli, r, NULL);
        return cli_report_as(cli, r, _("The roots of timestamping authorities cannot be read."),
                _("Give --tsa-anchors a file or folder of their root certificates."), problem,
                NULL);
}

static void explain_invalid(const struct cli *cli, const struct mohr_result *result)
{
        char text[CLI_TEXT_MAX], name[160];
        enum mohr_reason reason = mohr_result_reason(result);
        snprintf(name, sizeof name, "%s%s%s", mohr_reason_name(reason),
                mohr_result_detail(result)[0] ? ": " : "", mohr_result_detail(result));
        cli_headline(cli, mohr_outcome_text(OUTCOME_INVALID), OUTCOME_INVALID);
        fprintf(stderr, "      %s (%s)\n      %s\n", mohr_reason_text(reason),
                cli_text(cli, text, name), checking_revocation_next(reason));
        if (reason == MOHR_REASON_NOT_COMPACT)
                fprintf(stderr, "      %s\n",
                        _("If it is a document whose signature stands beside it: mohr verify "
                          "FILE.p7s"));
}

void checking_explain_untrusted(
        const struct cli *cli, const struct checking *checking, const struct mohr_trust *trust)
{
        explain_root(cli, trust);
        if (!checking->staff) /* whose certificate it is, nobody vouches for */
                fprintf(stderr, "      %s\n",
                        _("If it was made with an organisation's staff card, give --staff-anchors "
                          "the certificate of the card's issuer."));
}

void checking_explain(const struct cli *cli, const struct checking *checking,
        const struct mohr_trust *trust, const struct mohr_result *result, int outcome)
{
        if (outcome == OUTCOME_INVALID) {
                explain_invalid(cli, result);
        } else {
                struct cli quiet = *cli;
                quiet.json = false;
                cli_report(&quiet, outcome, NULL, NULL);
        }
        if (mohr_result_reason(result) == MOHR_REASON_UNTRUSTED)
                checking_explain_untrusted(cli, checking, trust);
}

static bool was_left_out(const json_t *all, const char *what)
{
        const json_t *list = json_object_get(json_object_get(all, "verification"), "not_checked");
        for (size_t i = 0; i < json_array_size(list); i++)
                if (strcmp(json_string_value(json_array_get(list, i)), what) == 0)
                        return true;
        return false;
}

void checking_warn(const struct cli *cli, const char *json)
{
        _cleanup_json_ json_t *all = json_loads(json, 0, NULL);
        if (json_is_true(json_object_get(json_object_get(all, "card"), "simulated")))
                cli_warn(cli, _("SIMULATED CARD, for testing only: this is nobody's identity."));
        if (was_left_out(all, "audience"))
                cli_warn(cli, _("Not checked: for whom it was made. Use --audience."));
        if (was_left_out(all, "nonce"))
                cli_warn(cli, _("Not checked: whether it answers your request. Use --nonce."));
        const json_t *verification = json_object_get(all, "verification"),
                     *times = json_object_get(verification, "times_by");
        if (json_is_string(times) &&
                strcmp(json_string_value(times), "unsynchronised-station-clock") == 0)
                cli_warn(cli,
                        _("The times are by a clock that was not synchronised. Say when you gave "
                          "out the nonce: --asked-at."));
        if (json_array_size(json_object_get(verification, "accepted")) > 0)
                cli_warn(cli,
                        _("The certificate is expired, and was accepted because you said so."));
}
