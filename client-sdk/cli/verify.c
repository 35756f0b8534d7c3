/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c: mohr verify: an assertion from a file or standard input, a verdict as the exit code.
 *
 * White space around the assertion is the shell's and is taken off; everything else is the
 * verifier's to judge. What was not asked to be checked is said on stderr, as loudly as it deserves.
 */
#include "client-sdk/cli/cli.h"

#include "base/text.h"
#include "client-sdk/assertion.h"

#include <fcntl.h>
#include <time.h>

#define INPUT_MAX  65536
#define YEAR_10000 253402300800

struct arguments {
        const char *trust, *staff, *file;
        struct mohr_verify_options options;
};

enum { TRUST = 256, STAFF, AUDIENCE, NONCE, AT, EXPIRED, JSON };

static const struct option options[] = {
        { "trust", required_argument, NULL, TRUST },
        { "staff-anchors", required_argument, NULL, STAFF },
        { "audience", required_argument, NULL, AUDIENCE },
        { "nonce", required_argument, NULL, NONCE },
        { "at", required_argument, NULL, AT },
        { "expired-cert", required_argument, NULL, EXPIRED },
        { "json", no_argument, NULL, JSON },
        { 0 },
};

/* Seconds since the epoch, or ISO 8601 in UTC: 2026-11-21T22:47:36Z, 2026-11-21. 0 if it is neither, or no
 * time that an assertion can have. */
static int64_t parse_time(const char *text)
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
                if (end && *end == '\0')
                        return timegm(&tm);
        }
        return 0;
}

static int parse_option(struct cli *cli, int option, struct arguments *arguments)
{
        switch (option) {
        case TRUST: arguments->trust = optarg; return 0;
        case STAFF: arguments->staff = optarg; return 0;
        case AUDIENCE: arguments->options.audience = optarg; return 0;
        case NONCE: arguments->options.nonce = optarg; return 0;
        case JSON: cli->json = true; return 0;
        case AT:
                arguments->options.at = parse_time(optarg);
                return arguments->options.at > 0
                               ? 0
                               : cli_usage(cli, _("--at takes a time such as 2026-11-21T22:47:36Z "
                                                  "or seconds."));
        case EXPIRED:
                if (strcmp(optarg, "report") == 0)
                        arguments->options.expired = MOHR_EXPIRED_REPORT;
                else if (strcmp(optarg, "refuse") != 0)
                        return cli_usage(cli, _("--expired-cert takes refuse or report."));
                return 0;
        }
        return cli_usage(cli, _("This option is not known here, or lacks its value."));
}

static int parse(struct cli *cli, int argc, char **argv, struct arguments *arguments)
{
        int r = 0;
        for (int option; r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                r = parse_option(cli, option, arguments);
        if (r != 0)
                return r;
        if (!arguments->trust && !arguments->staff)
                return cli_usage(
                        cli, _("--trust is needed: the file or folder of the roots you trust."));
        if (argc - optind > 1)
                return cli_usage(cli, _("This takes one file, or - for standard input."));
        arguments->file = optind < argc ? argv[optind] : "-";
        return 0;
}

/* Reads it whole and takes white space off both ends. *ret_len may be INPUT_MAX: too large anyway. */
static int read_input(const char *file, char *buffer, const char **ret, size_t *ret_len)
{
        bool is_stdin = strcmp(file, "-") == 0;
        _cleanup_close_ int opened = is_stdin ? -1 : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        int fd = is_stdin ? STDIN_FILENO : opened;
        size_t len = 0;
        if (fd < 0)
                return -errno;
        for (ssize_t got = 1; got != 0 && len < INPUT_MAX;) {
                got = read(fd, buffer + len, INPUT_MAX - len);
                if (got < 0 && errno != EINTR)
                        return -errno;
                len += got > 0 ? (size_t)got : 0;
        }
        while (len > 0 && memchr(" \t\r\n", buffer[len - 1], 4))
                len--;
        size_t skip = 0;
        while (skip < len && memchr(" \t\r\n", buffer[skip], 4))
                skip++;
        *ret = buffer + skip;
        *ret_len = len - skip;
        return 0;
}

static void free_trust(struct mohr_trust **trust)
{
        *trust = mohr_trust_free(*trust);
}

static void free_result(struct mohr_result **result)
{
        *result = mohr_result_free(*result);
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

/* The verdict in words on stderr: the outcome, the reason, which claim. With --json stdout has it all. */
static void explain(const struct cli *cli, const struct mohr_trust *trust,
        const struct mohr_result *result, int outcome)
{
        char text[CLI_TEXT_MAX], name[160];
        enum mohr_reason reason = mohr_result_reason(result);
        if (outcome == OUTCOME_INVALID) {
                snprintf(name, sizeof name, "%s%s%s", mohr_reason_name(reason),
                        mohr_result_detail(result)[0] ? ": " : "", mohr_result_detail(result));
                cli_headline(cli, mohr_outcome_text(outcome), outcome);
                fprintf(stderr, "      %s (%s)\n      %s\n", mohr_reason_text(reason),
                        cli_text(cli, text, name), mohr_outcome_next(outcome));
        } else {
                struct cli quiet = *cli;
                quiet.json = false;
                cli_report(&quiet, outcome, NULL, NULL);
        }
        if (reason == MOHR_REASON_UNTRUSTED)
                explain_root(cli, trust);
}

/* Whose certificate it is, nobody vouches for: it may well be a staff card's. */
static void explain_staff(const struct arguments *arguments, const struct mohr_result *result)
{
        if (mohr_result_reason(result) == MOHR_REASON_UNTRUSTED && !arguments->staff)
                fprintf(stderr, "      %s\n",
                        _("If it was made with an organisation's staff card, give --staff-anchors "
                          "the certificate of the card's issuer."));
}

static void warn(const struct cli *cli, const struct arguments *arguments, const char *json)
{
        _cleanup_json_ json_t *all = json_loads(json, 0, NULL);
        if (json_is_true(json_object_get(json_object_get(all, "card"), "simulated")))
                cli_warn(cli, _("SIMULATED CARD, for testing only: this is nobody's identity."));
        if (!arguments->options.audience)
                cli_warn(cli, _("Not checked: for whom it was made. Use --audience."));
        if (!arguments->options.nonce)
                cli_warn(cli, _("Not checked: whether it answers your request. Use --nonce."));
}

static int print_result(const struct cli *cli, const struct mohr_trust *trust,
        const struct arguments *arguments, const struct mohr_result *result, int outcome)
{
        _cleanup_free_ char *json = mohr_result_json(result);
        if (!json)
                return cli_result(cli, -ENOMEM, NULL);
        bool tells = mohr_result_claim(result, "sub") != NULL;
        if (cli->json)
                printf("%s\n", json);
        else if (tells)
                show_result(cli, result);
        if (outcome != 0) {
                explain(cli, trust, result, outcome);
                explain_staff(arguments, result);
        }
        if (tells)
                warn(cli, arguments, json);
        return cli_flushed() ? outcome : cli_result(cli, -EIO, NULL);
}

static int load_trust(
        struct mohr_trust **trust, const struct arguments *arguments, char *problem, size_t cap)
{
        int r = arguments->trust ? mohr_trust_load(trust, arguments->trust, problem, cap) : 0;
        return r == 0 && arguments->staff
                       ? mohr_trust_load_staff(trust, arguments->staff, problem, cap)
                       : r;
}

int command_verify(struct cli *cli, int argc, char **argv)
{
        _cleanup_(free_trust) struct mohr_trust *trust = NULL;
        _cleanup_(free_result) struct mohr_result *result = NULL;
        struct arguments arguments = { 0 };
        char buffer[INPUT_MAX], problem[512] = "";
        const char *assertion = buffer;
        size_t len = 0;
        int r = parse(cli, argc, argv, &arguments);
        if (r != 0)
                return r;
        r = read_input(arguments.file, buffer, &assertion, &len);
        if (r < 0)
                return cli_usage(cli, "%s: %s", arguments.file, strerror(-r));
        r = load_trust(&trust, &arguments, problem, sizeof problem);
        if (r != 0)
                return report_no_trust(cli, r, problem);
        r = mohr_verify(trust, assertion, len, &arguments.options, &result);
        if (r < 0)
                return cli_result(cli, r, NULL);
        return print_result(cli, trust, &arguments, result, r);
}
