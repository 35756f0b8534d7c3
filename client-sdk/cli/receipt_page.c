/* SPDX-License-Identifier: Apache-2.0 */
/* receipt_page.c: the page of a receipt, drawn by mohr-page (client-sdk/page/page.h has the contract).
 *
 * A program of its own, as it needs fonts and drawing libraries that nobody else here does, and may not be
 * installed. It is told what the verifier tells, through a file without a name, and what it says is read
 * within a bound and a time. The bundle goes into its PDF afterwards: the page shows the bundle's digest.
 */
#include "client-sdk/cli/receipt.h"

#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/cli/output.h"
#include "client-sdk/members.h"

#include <limits.h>
#include <sys/mman.h>

#define PROGRAM  "mohr-page"
#define PAGE_MAX (MOHR_RECEIPT_MAX - MOHR_EVIDENCE_MAX)
#define PATIENCE 60 /* seconds */

/* ---- what it is told ---- */

/* The first that was believed; null if there is none. */
static json_t *timestamp_of(const json_t *evidence)
{
        const json_t *first = json_array_get(json_object_get(evidence, "timestamps"), 0);
        const char *authority = json_string_value(json_object_get(first, "authority"));
        if (!json_is_true(json_object_get(first, "trusted")))
                return json_null();
        if (!authority || !authority[0])
                authority = json_string_value(json_object_get(first, "policy"));
        return json_pack("{s:O, s:s}", "at", json_object_get(first, "at"), "authority", authority);
}

static bool set_known(json_t *page, const json_t *all)
{
        json_t *revocation = json_object_get(all, "revocation");
        bool simulated = json_is_true(json_object_get(json_object_get(all, "card"), "simulated"));
        return json_object_set(page, "signed_at", json_object_get(all, "iat")) == 0 &&
               json_object_set(page, "verification", json_object_get(all, "verification")) == 0 &&
               json_object_set(page, "revocation", revocation ? revocation : json_null()) == 0 &&
               json_object_set_new(
                       page, "timestamp", timestamp_of(json_object_get(all, "evidence"))) == 0 &&
               json_object_set_new(page, "simulated", json_boolean(simulated)) == 0;
}

/* Everything about the holder, and nothing twice. */
static bool set_claims(json_t *page, json_t *all)
{
        static const char *const apart[] = { "evidence", "revocation", "verification" };
        json_t *claims = json_copy(all);
        for (size_t i = 0; claims && i < ARRAY_LEN(apart); i++)
                json_object_del(claims, apart[i]);
        return json_object_set_new(page, "claims", claims) == 0;
}

static char *describe(const struct receipt *receipt)
{
        _cleanup_free_ char *json = mohr_result_json(receipt->result);
        bool starved = false;
        _cleanup_json_ json_t *all = json ? members_read(json, strlen(json), &starved) : NULL;
        const json_t *evidence = json_object_get(all, "evidence");
        bool staff = mohr_result_holder(receipt->result) == MOHR_HOLDER_STAFF;
        const struct member rows[] = {
                { "language", receipt->language },
                { "size", receipt->size },
                { "digest", json_string_value(json_object_get(evidence, "sha256")) },
                { "holder", staff ? "staff" : "citizen" },
        };
        _cleanup_json_ json_t *page = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (!page || !all || !set_known(page, all) || !set_claims(page, all) ||
                json_object_set(page, "received_at", json_object_get(evidence, "received_at")) < 0)
                return NULL;
        return members_text(page, JSON_COMPACT);
}

/* ---- running it ---- */

/* A file that only this process and its child ever see, at its beginning. */
static int nameless(const char *text)
{
        _cleanup_close_ int fd = memfd_create("page", MFD_CLOEXEC);
        size_t len = strlen(text);
        if (fd < 0)
                return -errno;
        if (write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)
                return -EIO;
        return base_take_fd(&fd);
}

static int run(const char *program, const char *text, unsigned char *dst, size_t *ret_len)
{
        static const char *const argv[] = { PROGRAM, NULL };
        _cleanup_close_ int in = nameless(text);
        const struct output_of page = {
                .program = program, .argv = argv, .in = in, .patience_s = PATIENCE
        };
        return in < 0 ? in : output_read(&page, dst, PAGE_MAX, ret_len);
}

/* ---- */

static int no_program(const struct cli *cli)
{
        return cli_report_as(cli, OUTCOME_INTERNAL,
                _("The program that draws the page is not installed, so nothing was written."),
                _("Install the package mohr-receipt, or keep the evidence without a page: "
                  "--bundle NAME.json instead of --out."),
                PROGRAM, NULL);
}

static int no_page(const struct cli *cli, int r)
{
        return cli_report_as(cli, OUTCOME_INTERNAL,
                _("The page could not be drawn, so nothing was written."),
                _("Keep the evidence without a page: --bundle NAME.json instead of --out."),
                r < 0 ? strerror(-r) : PROGRAM, NULL);
}

int receipt_draw(const struct cli *cli, struct receipt *receipt)
{
        char program[PATH_MAX];
        size_t len = 0;
        if (!cli_program(PROGRAM, program))
                return no_program(cli);
        _cleanup_free_ char *text = describe(receipt);
        _cleanup_free_ unsigned char *page = malloc(PAGE_MAX);
        if (!text || !page)
                return cli_result(cli, -ENOMEM, NULL);
        int r = run(program, text, page, &len);
        if (r == 0)
                r = mohr_receipt_embed(page, len, receipt->bundle, strlen(receipt->bundle),
                        &receipt->pdf, &receipt->pdf_len);
        return r == 0 ? 0 : no_page(cli, r);
}
