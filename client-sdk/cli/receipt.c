/* SPDX-License-Identifier: Apache-2.0 */
/* receipt.c: mohr receipt: what an office keeps instead of a photocopy.
 *
 * First the check, on the terms of mohr verify; what does not hold makes no receipt. Then the bundle, the
 * timestamp if a service is named, the page. What is about to be written is checked once more, as somebody
 * will check it in ten years, and only then written: whole or not at all, and over nothing that is there.
 * Only a --timestamp goes online, and only to the URL that was given.
 */
#include "client-sdk/cli/receipt.h"

#include "base/file.h"
#include "client-sdk/assertion.h"
#include "client-sdk/http.h"

#include <time.h>

#define FILE_MODE    0600 /* it names a person */
#define RESPONSE_MAX 65536
#define QUERY        "application/timestamp-query"
#define REPLY        "application/timestamp-reply"

enum { OUT = 256, BUNDLE, SIZE, LANGUAGE, TIMESTAMP, RENEW, FORCE };

static const struct option options[] = {
        CHECKING_OPTIONS,
        { "out", required_argument, NULL, OUT },
        { "bundle", required_argument, NULL, BUNDLE },
        { "size", required_argument, NULL, SIZE },
        { "lang", required_argument, NULL, LANGUAGE },
        { "timestamp", required_argument, NULL, TIMESTAMP },
        { "renew", required_argument, NULL, RENEW },
        { "force", no_argument, NULL, FORCE },
        { 0 },
};

static void receipt_clear(struct receipt *receipt)
{
        mohr_trust_free(receipt->trust);
        mohr_trust_free(receipt->authorities);
        mohr_result_free(receipt->result);
        free(receipt->bundle);
        free(receipt->pdf);
}

/* ---- what was asked ---- */

static int one_of(struct cli *cli, const char *text, const char *one, const char *other,
        const char **ret, const char *complaint)
{
        if (strcmp(text, one) != 0 && strcmp(text, other) != 0)
                return cli_usage(cli, "%s", complaint);
        *ret = text;
        return 0;
}

static int take(struct cli *cli, int option, struct receipt *receipt)
{
        switch (option) {
        case OUT: receipt->out = optarg; return 0;
        case BUNDLE: receipt->bundle_out = optarg; return 0;
        case TIMESTAMP: receipt->url = optarg; return 0;
        case RENEW: receipt->renew = optarg; return 0;
        case FORCE: receipt->force = true; return 0;
        case SIZE:
                return one_of(
                        cli, optarg, "a4", "80mm", &receipt->size, _("--size takes a4 or 80mm."));
        case LANGUAGE:
                return one_of(
                        cli, optarg, "fa", "en", &receipt->language, _("--lang takes fa or en."));
        }
        return checking_option(cli, option, &receipt->checking);
}

static int complain_of_rest(struct cli *cli, const struct receipt *receipt, int left)
{
        if (!receipt->out && !receipt->bundle_out)
                return cli_usage(cli, _("Nothing to write: give --out NAME.pdf, --bundle "
                                        "NAME.json or both."));
        if (receipt->out && receipt->bundle_out && strcmp(receipt->out, receipt->bundle_out) == 0)
                return cli_usage(cli, _("--out and --bundle are two files."));
        if (receipt->url && !receipt->checking.tsa)
                return cli_usage(cli, _("--timestamp needs --tsa-anchors: the roots of the "
                                        "timestamping authorities you trust."));
        if (receipt->renew && (!receipt->url || left > 0))
                return cli_usage(cli, _("--renew takes a bundle or receipt, a --timestamp and no "
                                        "other file."));
        if (left > 1)
                return cli_usage(cli, _("This takes one file, or - for standard input."));
        return 0;
}

static int parse(struct cli *cli, int argc, char **argv, struct receipt *receipt)
{
        int r = 0;
        for (int option; r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                r = take(cli, option, receipt);
        if (r == 0)
                r = complain_of_rest(cli, receipt, argc - optind);
        if (r == 0)
                r = checking_complete(cli, &receipt->checking);
        receipt->file = receipt->renew ? receipt->renew : optind < argc ? argv[optind] : "-";
        return r;
}

/* Before anybody is asked for anything: what cannot be written in the end need not be begun. */
static int refuse_to_overwrite(struct cli *cli, const struct receipt *receipt)
{
        const char *const paths[] = { receipt->out, receipt->bundle_out };
        for (size_t i = 0; i < ARRAY_LEN(paths) && !receipt->force; i++)
                if (paths[i] && access(paths[i], F_OK) == 0)
                        return cli_usage(
                                cli, _("%s is there already. --force replaces it."), paths[i]);
        return 0;
}

/* ---- the bundle ---- */

/* What `mohr verify` will say of it. The result replaces the one before. */
static int check(const struct cli *cli, struct receipt *receipt, const void *file, size_t len)
{
        struct mohr_verify_options terms = receipt->checking.options;
        struct mohr_result *result = NULL;
        terms.at = 0; /* --at is when it was received; what is kept is checked now */
        int r = mohr_evidence_verify(
                receipt->trust, file, len, &terms, receipt->authorities, &result);
        if (r < 0)
                return cli_result(cli, r, NULL);
        mohr_result_free(receipt->result);
        receipt->result = result;
        return r;
}

static int too_large(const struct cli *cli)
{
        return cli_report_as(cli, OUTCOME_INTERNAL,
                _("The evidence is larger than a bundle may be, so nothing was written."),
                _("The list of revoked certificates is probably too long to be kept with every "
                  "receipt: use --revocation off, or an OCSP response instead of the list."),
                NULL, NULL);
}

static int make(const struct cli *cli, struct receipt *receipt, const struct checking_input *input)
{
        int r = mohr_evidence_make(receipt->trust, input->text, input->len,
                &receipt->checking.options, &receipt->result, &receipt->bundle);
        if (r == -EFBIG)
                return too_large(cli);
        if (r < 0)
                return cli_result(cli, r, NULL);
        if (!receipt->bundle)
                checking_explain(cli, &receipt->checking, receipt->trust, receipt->result, r);
        return receipt->bundle ? 0 : r;
}

/* An older one, whichever form it has. */
static int take_older(
        const struct cli *cli, struct receipt *receipt, const struct checking_input *input)
{
        const char *bundle = input->text;
        size_t len = input->len;
        int r = check(cli, receipt, input->text, input->len);
        if (!receipt->result)
                return r;
        if (!mohr_result_claim(receipt->result, "sub")) {
                checking_explain(cli, &receipt->checking, receipt->trust, receipt->result, r);
                return r;
        }
        if (mohr_form_of(input->text, input->len) == MOHR_FORM_RECEIPT)
                r = mohr_receipt_extract(input->text, input->len, &bundle, &len);
        receipt->bundle = r < 0 ? NULL : strndup(bundle, len);
        return receipt->bundle ? 0 : cli_result(cli, r < 0 ? r : -ENOMEM, NULL);
}

static int no_timestamp(const struct cli *cli, int r, const char *problem)
{
        if (r < 0)
                return r == -EFBIG ? too_large(cli) : cli_result(cli, r, NULL);
        return cli_report_as(cli, r, _("There is no timestamp that holds, so nothing was written."),
                _("Try again later, ask whoever runs the service, or leave --timestamp out: then "
                  "the time of the receipt is your own word."),
                problem, NULL);
}

/* Asks the service about the bundle as it is, and takes its answer if it holds. */
static int stamp(const struct cli *cli, struct receipt *receipt)
{
        char problem[512] = "", *stamped = NULL;
        unsigned char *asked = NULL;
        uint8_t *came = NULL;
        size_t asked_len = 0, came_len = 0, len = strlen(receipt->bundle);
        int r = mohr_evidence_timestamp_request(receipt->bundle, len, &asked, &asked_len);
        const struct http_request request = { .url = receipt->url,
                .content_type = QUERY,
                .body = asked,
                .body_len = asked_len,
                .expect = REPLY,
                .cap = RESPONSE_MAX };
        if (r == 0)
                r = http_fetch(&request, &came, &came_len, problem, sizeof problem);
        if (r == 0)
                r = mohr_evidence_timestamp_add(receipt->bundle, len, asked, asked_len, came,
                        came_len, receipt->authorities, 0, &stamped, problem, sizeof problem);
        free(asked);
        free(came);
        if (r != 0)
                return no_timestamp(cli, r, problem);
        free(receipt->bundle);
        receipt->bundle = stamped;
        return 0;
}

static int gather(const struct cli *cli, struct receipt *receipt)
{
        _cleanup_input_ struct checking_input input = { 0 };
        struct cli named = *cli;
        int r = checking_read(receipt->file, &input);
        if (r < 0)
                return cli_usage(&named, "%s: %s", receipt->file, strerror(-r));
        r = checking_trust(cli, &receipt->checking, &receipt->trust);
        if (r == 0)
                r = checking_authorities(cli, &receipt->checking, &receipt->authorities);
        if (r != 0)
                return r;
        if (!receipt->renew && mohr_form_of(input.text, input.len) != MOHR_FORM_ASSERTION)
                return cli_usage(&named, _("This is a bundle or a receipt already. --renew adds a "
                                           "timestamp to it."));
        r = receipt->renew ? take_older(cli, receipt, &input) : make(cli, receipt, &input);
        if (r == 0 && receipt->url)
                r = stamp(cli, receipt);
        return r;
}

/* ---- writing ---- */

static int not_as_expected(const struct cli *cli, const struct receipt *receipt, int r)
{
        if (!receipt->result || r >= OUTCOME_INTERNAL)
                return r;
        return cli_report_as(cli, OUTCOME_INTERNAL,
                _("What was made does not hold itself, so nothing was written."), "",
                mohr_reason_name(mohr_result_reason(receipt->result)), NULL);
}

/* The last look. 0, or 22 where the policy tells an expired certificate. */
static int look_again(const struct cli *cli, struct receipt *receipt, const void *file, size_t len)
{
        int r = check(cli, receipt, file, len);
        bool good = receipt->result && mohr_result_claim(receipt->result, "sub") &&
                    (r == 0 || r == OUTCOME_CERTIFICATE_EXPIRED);
        return good ? 0 : not_as_expected(cli, receipt, r);
}

static int write_one(const struct cli *cli, const struct receipt *receipt, const char *path,
        const void *data, size_t len)
{
        char text[CLI_TEXT_MAX], line[CLI_TEXT_MAX + 128];
        int r = receipt->force ? file_replace(path, data, len, FILE_MODE)
                               : file_create(path, data, len, FILE_MODE);
        if (r == 0)
                return 0;
        snprintf(line, sizeof line, "%s: %s", cli_text(cli, text, path), strerror(-r));
        return cli_report_as(
                cli, OUTCOME_INTERNAL, _("The file cannot be written."), "", line, NULL);
}

static int write_all(const struct cli *cli, const struct receipt *receipt)
{
        int r = 0;
        if (receipt->bundle_out)
                r = write_one(cli, receipt, receipt->bundle_out, receipt->bundle,
                        strlen(receipt->bundle));
        if (r == 0 && receipt->out)
                r = write_one(cli, receipt, receipt->out, receipt->pdf, receipt->pdf_len);
        return r;
}

/* ---- telling ---- */

static int tell_json(const struct cli *cli, const struct receipt *receipt, const char *json)
{
        _cleanup_json_ json_t *all = json_loads(json, 0, NULL), *written = json_object();
        bool good = all && written &&
                    (!receipt->out || json_object_set_new(written, "receipt",
                                              json_string(receipt->out)) == 0) &&
                    (!receipt->bundle_out || json_object_set_new(written, "bundle",
                                                     json_string(receipt->bundle_out)) == 0) &&
                    json_object_set(all, "written", written) == 0;
        _cleanup_free_ char *text = good ? json_dumps(all, JSON_INDENT(2)) : NULL;
        if (!text)
                return cli_result(cli, -ENOMEM, NULL);
        printf("%s\n", text);
        return 0;
}

static void tell_people(const struct cli *cli, const struct receipt *receipt, const char *json)
{
        char text[CLI_TEXT_MAX];
        _cleanup_json_ json_t *all = json_loads(json, 0, NULL);
        if (receipt->out)
                printf("%s %s\n", _("Receipt:"), cli_text(cli, text, receipt->out));
        if (receipt->bundle_out)
                printf("%s %s\n", _("Evidence bundle:"), cli_text(cli, text, receipt->bundle_out));
        show_evidence(cli, all);
}

static int tell(const struct cli *cli, const struct receipt *receipt)
{
        _cleanup_free_ char *json = mohr_result_json(receipt->result);
        int r = json ? 0 : cli_result(cli, -ENOMEM, NULL);
        if (r == 0 && cli->json)
                r = tell_json(cli, receipt, json);
        else if (r == 0)
                tell_people(cli, receipt, json);
        if (r != 0)
                return r;
        checking_warn(cli, json);
        if (mohr_result_reason(receipt->result) != MOHR_REASON_OK)
                checking_explain(cli, &receipt->checking, receipt->trust, receipt->result,
                        OUTCOME_CERTIFICATE_EXPIRED);
        if (!cli_flushed())
                return cli_result(cli, -EIO, NULL);
        return mohr_result_reason(receipt->result) == MOHR_REASON_OK ? 0
                                                                     : OUTCOME_CERTIFICATE_EXPIRED;
}

int command_receipt(struct cli *cli, int argc, char **argv)
{
        _cleanup_(receipt_clear) struct receipt receipt = { .size = "a4",
                .language = cli->persian ? "fa" : "en" };
        int r = parse(cli, argc, argv, &receipt);
        if (r == 0)
                r = refuse_to_overwrite(cli, &receipt);
        if (r == 0)
                r = gather(cli, &receipt);
        if (r == 0)
                r = look_again(cli, &receipt, receipt.bundle, strlen(receipt.bundle));
        if (r == 0 && receipt.out)
                r = receipt_draw(cli, &receipt);
        if (r == 0 && receipt.out)
                r = look_again(cli, &receipt, receipt.pdf, receipt.pdf_len);
        if (r == 0)
                r = write_all(cli, &receipt);
        return r == 0 ? tell(cli, &receipt) : r;
}
