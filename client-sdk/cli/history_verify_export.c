/* SPDX-License-Identifier: Apache-2.0 */
/* history_verify_export.c: mohr history verify --export: rows, head, and the chip's word on them.
 *
 * That word is an assertion whose nonce is the digest of the export. It is judged as of the time it says it was made,
 * which is the word of the computer it was made on: whoever knows better says --at. The history went on after an
 * export, so that later anchors say nothing of it.
 */
#include "client-sdk/cli/history_verify.h"

#include "client-sdk/assertion.h"
#include "client-sdk/base64.h"
#include "client-sdk/members.h"

/* When an assertion says it was made; 0: it says nothing that can be read. */
static int64_t issued_at(const char *assertion)
{
        uint8_t payload[ASSERTION_MAX];
        const char *from = strchr(assertion, '.'), *to = from ? strchr(from + 1, '.') : NULL;
        ssize_t len = to ? base64_decode(BASE64_URL, payload, sizeof payload, from + 1,
                                   (size_t)(to - from - 1))
                         : -1;
        bool starved;
        _cleanup_json_ json_t *all =
                len > 0 ? members_read((const char *)payload, (size_t)len, &starved) : NULL;
        const json_t *iat = json_object_get(all, "iat");
        return json_is_integer(iat) && json_integer_value(iat) > 0 ? json_integer_value(iat) : 0;
}

static int verify_signature(
        struct cli *cli, struct verifying *v, const char *data, const struct ledger_export *export)
{
        char nonce[LEDGER_NONCE_CAP];
        if (!ledger_export_nonce(data, export->signed_len, nonce))
                return cli_result(cli, -ENOMEM, NULL);
        int r = checking_complete(cli, &v->checking);
        if (r == 0)
                r = checking_trust(cli, &v->checking, &v->trust);
        if (r != 0)
                return r;
        struct mohr_verify_options options = v->checking.options;
        options.audience = LEDGER_EXPORT_AUDIENCE;
        options.nonce = nonce;
        options.at = options.at ? options.at : issued_at(export->assertion);
        r = mohr_verify(
                v->trust, export->assertion, strlen(export->assertion), &options, &v->result);
        return r < 0 ? cli_result(cli, r, NULL) : r;
}

static int tell_signed(const struct cli *cli, const struct verifying *v, int outcome)
{
        _cleanup_free_ char *json = mohr_result_json(v->result);
        bool tells = mohr_result_claim(v->result, "sub") != NULL;
        if (!json)
                return cli_result(cli, -ENOMEM, NULL);
        if (outcome != 0)
                checking_explain(cli, &v->checking, v->trust, v->result, outcome);
        if (tells && !cli->json) {
                printf("%s\n", _("A chip vouches for this export, by the clock of the computer it "
                                 "was made on:"));
                show_result(cli, v->result);
        }
        if (tells)
                checking_warn(cli, json);
        return outcome;
}

static int judge_export(
        struct cli *cli, struct verifying *v, const char *data, const struct ledger_export *export)
{
        bool later = false;
        int r = ledger_anchors_add(&v->source.anchors, &export->head);
        if (r == 0)
                r = verify_add_given(v, export->head.seq, &later);
        if (r == 0)
                r = ledger_check_end(v->source.check, &v->source.anchors, 0);
        if (r < 0)
                return cli_result(cli, r, NULL);
        if (later) /* the history went on */
                cli_warn(cli, _("Some anchors are of rows after this export: nothing was compared "
                                "with them."));
        int outcome = ledger_check_sum(v->source.check)->findings ? OUTCOME_INVALID : 0;
        if (export->assertion) {
                int signature = verify_signature(cli, v, data, export);
                if (!v->result)
                        return signature;
                signature = tell_signed(cli, v, signature);
                outcome = outcome ? outcome : signature;
        } else {
                cli_warn(cli, _("Nobody vouches for this export: it is not signed."));
        }
        return verify_tell(cli, v, outcome);
}

int verify_export(struct cli *cli, struct verifying *v)
{
        _cleanup_input_ struct checking_input input = { 0 };
        _cleanup_export_ struct ledger_export export = { 0 };
        char problem[LEDGER_PROBLEM_MAX] = "";
        int r = checking_read_upto(v->export, LEDGER_EXPORT_MAX + 1, &input);
        if (r == 0)
                r = ledger_check_new(&v->source.check);
        if (r == 0)
                r = ledger_export_read(
                        input.text, input.len, ledger_check_row, v->source.check, &export, problem);
        if (r < 0)
                return cli_result(cli, r, NULL);
        if (r > 0)
                return cli_report_as(cli, r,
                        _("This is no export of a history, or not as it was "
                          "written."),
                        _("Ask for it again, and carry it as a file, unchanged."), problem, NULL);
        return judge_export(cli, v, input.text, &export);
}
