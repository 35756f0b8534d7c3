/* SPDX-License-Identifier: Apache-2.0 */
/* assert.c: mohr assert: asks mohrd, says how far it is, prints the assertion and nothing else.
 *
 * The holder is asked where this command runs: on its terminal if it has one, else on its screen. A
 * Ctrl-C ends the process, the kernel closes the socket, and mohrd takes the prompt away.
 */
#include "client-sdk/cli/cli.h"

#include "client-sdk/asking.h"
#include "client-sdk/assertion.h"
#include "client-sdk/claimset.h"
#include "client-sdk/cli/checking.h"
#include "client-sdk/client.h"
#include "client-sdk/fields.h"

#include <unistd.h>

struct request {
        struct mohr_request to;
        struct mohr_station station;
        struct claims {
                char *text; /* owned; the names are in it */
                const char *names[CLAIMSET_COUNT + 1];
        } required, optional;
        const char *require, *claims, *signed_file; /* as they were given */
        char *signed_request;                       /* owned */
};

enum {
        AUDIENCE = 256,
        NONCE,
        PURPOSE,
        READER,
        TIMEOUT,
        EXPECT,
        CLAIMS,
        REQUIRE,
        SIGNED_REQUEST,
        REMEMBER,
        OPERATOR,
        BRANCH,
        DEVICE,
        CASE,
        PHOTO,
        JSON
};

static const struct option options[] = {
        { "audience", required_argument, NULL, AUDIENCE },
        { "nonce", required_argument, NULL, NONCE },
        { "purpose", required_argument, NULL, PURPOSE },
        { "reader", required_argument, NULL, READER },
        { "timeout", required_argument, NULL, TIMEOUT },
        { "expect-national-number", required_argument, NULL, EXPECT },
        { "claims", required_argument, NULL, CLAIMS },
        { "require", required_argument, NULL, REQUIRE },
        { "signed-request", required_argument, NULL, SIGNED_REQUEST },
        { "remember", no_argument, NULL, REMEMBER },
        { "operator", required_argument, NULL, OPERATOR },
        { "branch", required_argument, NULL, BRANCH },
        { "device", required_argument, NULL, DEVICE },
        { "case-number", required_argument, NULL, CASE },
        { "photo-checked", required_argument, NULL, PHOTO },
        { "json", no_argument, NULL, JSON },
        { 0 },
};

/* 1..600 seconds, 0 if it is no such number. */
static int seconds(const char *text)
{
        char *end;
        long value = strtol(text, &end, 10);
        return end != text && *end == '\0' && value >= 1 && value <= 600 ? (int)value : 0;
}

static int parse(struct cli *cli, int argc, char **argv, struct request *request)
{
        const struct {
                int option;
                const char **slot;
        } texts[] = { { AUDIENCE, &request->to.audience }, { NONCE, &request->to.nonce },
                { PURPOSE, &request->to.purpose }, { READER, &request->to.reader },
                { EXPECT, &request->to.expect_national_number }, { CLAIMS, &request->claims },
                { REQUIRE, &request->require }, { SIGNED_REQUEST, &request->signed_file },
                { OPERATOR, &request->station.operator_name }, { BRANCH, &request->station.branch },
                { DEVICE, &request->station.device }, { CASE, &request->station.case_number },
                { PHOTO, &request->station.photo_checked } };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
                if (option == '?')
                        return cli_usage(
                                cli, _("This option is not known here, or lacks its value."));
                if (option == JSON)
                        cli->json = true;
                if (option == REMEMBER)
                        request->to.remember = true;
                if (option == TIMEOUT && (request->to.timeout_s = seconds(optarg)) == 0)
                        return cli_usage(cli, _("--timeout takes 1 to 600 seconds."));
                for (size_t i = 0; i < ARRAY_LEN(texts); i++)
                        if (texts[i].option == option)
                                *texts[i].slot = optarg;
        }
        return optind < argc ? cli_usage(cli, _("This takes no arguments.")) : 0;
}

/* "card_expiry,reader", or "none". False for more names than there are. */
static bool split_claims(const char *list, struct claims *claims)
{
        char *rest = list ? strdup(list) : NULL;
        claims->text = rest;
        if (!rest || strcmp(rest, "none") == 0)
                return rest || !list;
        for (size_t i = 0; rest && i < CLAIMSET_COUNT; i++)
                claims->names[i] = strsep(&rest, ",");
        return rest == NULL;
}

static bool take_claims(struct request *request)
{
        if (!split_claims(request->require, &request->required) ||
                !split_claims(request->claims, &request->optional))
                return false;
        if (request->require || request->claims) {
                request->to.required = request->required.names;
                request->to.optional = request->optional.names;
        }
        return asking_claims_are_good(&request->to);
}

/* 0, or the outcome already reported. What the request says is mohrd's to judge. */
static int take_signed_request(const struct cli *cli, struct request *request)
{
        _cleanup_(checking_free_input) struct checking_input input = { 0 };
        if (!request->signed_file)
                return 0;
        int r = checking_read(request->signed_file, &input);
        if (r < 0)
                return cli_usage(cli, "%s: %s", request->signed_file, strerror(-r));
        if (input.len == 0)
                return cli_usage(cli, _("The signed request is empty."));
        request->signed_request = strndup(input.text, input.len);
        request->to.signed_request = request->signed_request;
        return request->signed_request ? 0 : cli_result(cli, -ENOMEM, NULL);
}

/* A signed request says these itself. */
static bool says_nothing_beside(const struct request *request)
{
        const struct mohr_request *to = &request->to;
        return !to->audience && !to->nonce && !to->purpose && !to->expect_national_number &&
               !request->claims && !request->require;
}

static int check(const struct cli *cli, const struct request *request)
{
        const struct mohr_request *to = &request->to;
        const char *photo = request->station.photo_checked;
        bool is_signed = request->signed_file != NULL;
        const struct {
                bool good;
                const char *complaint;
        } rows[] = {
                { !is_signed || says_nothing_beside(request),
                        N_("A signed request says itself what it is for: leave out --audience, "
                           "--nonce, --purpose, --expect-national-number, --claims and "
                           "--require.") },
                { is_signed || (to->audience && field_is_uri(to->audience)),
                        N_("--audience is needed: the address of the service that asks, such as "
                           "https://bank.example") },
                { is_signed || (to->nonce && field_is_nonce(to->nonce)),
                        N_("--nonce is needed: 8 to 128 characters without spaces, new for each "
                           "request.") },
                { !to->purpose || field_is_text(to->purpose, FIELD_PURPOSE_MAX),
                        N_("--purpose takes up to 256 bytes of plain text.") },
                { !to->reader || to->reader[0],
                        N_("--reader takes the name of a reader, as mohr status shows it.") },
                { field_is_stated(&request->station),
                        N_("--operator, --branch, --device and --case-number take 1 to 128 bytes "
                           "of plain text each.") },
                { !to->expect_national_number || field_is_digits(to->expect_national_number, 10),
                        N_("--expect-national-number takes ten digits.") },
                { !photo || strcmp(photo, "yes") == 0 || strcmp(photo, "no") == 0,
                        N_("--photo-checked takes yes or no.") },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (!rows[i].good)
                        return cli_usage(cli, "%s", _(rows[i].complaint));
        return 0;
}

/* 0, or the outcome already reported. */
static int complete(const struct cli *cli, struct request *request)
{
        int r = check(cli, request);
        if (r == 0 && !take_claims(request))
                r = cli_usage(cli, _("--claims and --require take names of claims with commas "
                                     "between them, each once, or none: card_generation, "
                                     "card_expiry, reader, station."));
        return r == 0 ? take_signed_request(cli, request) : r;
}

static void clear_request(struct request *request)
{
        free(request->required.text);
        free(request->optional.text);
        free(request->signed_request);
}

int cli_ask_holder(const struct cli *cli, struct mohr_client *client,
        const struct mohr_request *request, char **ret)
{
        struct mohr_request to = *request;
        struct mohr_ui ui = { 0 };
        char tty[64];
        cli_describe_ui(cli, &ui, tty, sizeof tty);
        to.ui = &ui;
        return mohr_client_assert(
                client, &to, isatty(STDERR_FILENO) ? cli_show_phase : NULL, NULL, ret);
}

static bool print_assertion(
        const struct cli *cli, const struct mohr_client *client, const char *assertion)
{
        if (!cli->json) {
                printf("%s\n", assertion);
                return cli_flushed();
        }
        _cleanup_json_ json_t *object = json_pack("{s:s, s:i, s:s, s:s}", "outcome", "ok", "exit",
                0, "request", mohr_client_request_id(client), "assertion", assertion);
        _cleanup_free_ char *text = json_dumps(object, JSON_INDENT(2));
        printf("%s\n", text ? text : "");
        return text && cli_flushed();
}

int command_assert(struct cli *cli, int argc, char **argv)
{
        _cleanup_client_ struct mohr_client *client = NULL;
        _cleanup_free_ char *assertion = NULL;
        _cleanup_(clear_request) struct request request = { 0 };
        int r = parse(cli, argc, argv, &request);
        if (r == 0)
                r = complete(cli, &request);
        if (r == 0)
                r = cli_connect(cli, &client);
        if (r != 0)
                return r;
        request.to.station = &request.station;
        r = cli_ask_holder(cli, client, &request.to, &assertion);
        if (r == 0 && !print_assertion(cli, client, assertion))
                r = -EIO;
        return cli_result(cli, r, client);
}
