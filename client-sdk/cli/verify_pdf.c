/* SPDX-License-Identifier: Apache-2.0 */
/* verify_pdf.c: the signatures of a PDF (ISO 32000-1 12.8, ETSI EN 319 142-1): each is one CMS over all bytes of a beginning of the
 * file but itself.
 *
 * Which bytes those are a worker says that has read the PDF, and hostile PDF at that; so here the file is asked: the range begins at
 * its first byte and leaves out one hexadecimal string, and that string is this very signature. What was added to the file
 * later is covered by a later signature, or by none, and then the whole does not hold: a reader would show what nobody signed.
 */
#include "client-sdk/cli/document.h"
#include "client-sdk/cli/document_work.h"

#include "base/bytes.h"
#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/members.h"
#include "client-sdk/signed.h"

struct pdf {
        const struct document_look *look;
        struct document_report *report;
        json_t *signatures; /* told; owned by the report */
        uint64_t covered;   /* the most of the file that a signature covers */
        uint64_t covers;    /* what the one at hand does; 0: not known */
};

/* ---- judging one ---- */

static void weigh(
        struct document_report *report, enum mohr_reason reason, const char *detail, int outcome)
{
        bool worse = outcome != 0 &&
                     (report->outcome == 0 ||
                             (outcome == OUTCOME_INVALID && report->outcome != OUTCOME_INVALID));
        if (!worse)
                return;
        report->outcome = outcome;
        report->reason = reason;
        snprintf(report->detail, sizeof report->detail, "%s", detail);
}

/* A row that has nothing to tell but why. */
static json_t *refusal(struct pdf *pdf, enum mohr_reason reason, const char *detail)
{
        weigh(pdf->report, reason, detail, OUTCOME_INVALID);
        return json_pack("{s:{}, s:o}", "claimed", "verification",
                signed_verdict(reason, detail, OUTCOME_INVALID));
}

/* The row of its one signer. */
static json_t *row_of(struct pdf *pdf, const struct mohr_signed *result, int outcome)
{
        bool starved;
        if (mohr_signed_count(result) != 1)
                return refusal(pdf, MOHR_REASON_DOCUMENT_FORM,
                        mohr_signed_count(result) ? "too-many-signers"
                                                  : mohr_signed_detail(result));
        _cleanup_free_ char *text = mohr_signed_json(result);
        _cleanup_json_ json_t *all = text ? members_read(text, strlen(text), &starved) : NULL;
        weigh(pdf->report, mohr_signed_reason(result), mohr_signed_detail(result), outcome);
        return json_incref(json_array_get(json_object_get(all, "signatures"), 0));
}

static bool filter_is_known(const json_t *row)
{
        const char *filter = json_string_value(json_object_get(row, "sub_filter"));
        return filter && (strcmp(filter, "ETSI.CAdES.detached") == 0 ||
                                 strcmp(filter, "adbe.pkcs7.detached") == 0);
}

static int judge_place(struct pdf *pdf, const struct document_place *place, json_t **ret)
{
        const struct document_look *look = pdf->look;
        struct mohr_signed *result = NULL;
        const struct mohr_document document = { .form = MOHR_DOCUMENT_CMS,
                .content = look->fd,
                .ranges = place->ranges,
                .range_count = 2,
                .signature = place->cms,
                .signature_len = place->cms_len };
        int r = mohr_document_verify(
                look->trust, &document, &look->checking->options, look->authorities, &result);
        if (r < 0)
                return r;
        *ret = row_of(pdf, result, r);
        pdf->covers = place->ranges[1].offset + place->ranges[1].len;
        if (mohr_signed_count(result) == 1 && pdf->covers > pdf->covered)
                pdf->covered = pdf->covers;
        mohr_signed_free(result);
        return *ret ? 0 : -ENOMEM;
}

static int judge(struct pdf *pdf, const json_t *row, json_t **ret)
{
        _cleanup_place_ struct document_place place = { .cms = NULL };
        const char *why = json_string_value(json_object_get(row, "why"));
        int r = 0;
        if (why) {
                *ret = refusal(pdf, MOHR_REASON_DOCUMENT_FORM, why);
        } else if (!filter_is_known(row)) {
                *ret = refusal(pdf, MOHR_REASON_DOCUMENT_FORM, "sub-filter");
        } else {
                r = document_find_place(pdf->look, row, &place);
                if (r == 0)
                        return judge_place(pdf, &place, ret);
                if (r > 0)
                        *ret = refusal(pdf, MOHR_REASON_DOCUMENT_FORM, "range");
        }
        return r < 0 ? r : *ret ? 0 : -ENOMEM;
}

/* ---- telling ---- */

/* What the PDF says of it, in the bytes it covers: texts, and nothing of another kind. */
static json_t *words_of(const json_t *row)
{
        static const char *const names[] = { "field", "sub_filter", "shown", "name", "reason",
                "location", "at" };
        json_t *words = json_object();
        for (size_t i = 0; words && i < ARRAY_LEN(names); i++) {
                json_t *value = json_object_get(row, names[i]);
                if (json_is_string(value) && json_object_set(words, names[i], value) < 0) {
                        json_decref(words);
                        return NULL;
                }
        }
        return words;
}

/* By what the file itself has shown of it, not by the worker's word. */
static bool tell_cover(const struct pdf *pdf, json_t *words)
{
        if (pdf->covers == 0)
                return true;
        return json_object_set_new(words, "covers", json_integer((json_int_t)pdf->covers)) == 0 &&
               json_object_set_new(words, "whole", json_boolean(pdf->covers == pdf->look->size)) ==
                       0;
}

/* Is what came after a signature covered by a later one? Known when the last of them is. */
static int tell_after(const struct pdf *pdf)
{
        size_t index;
        json_t *row;
        json_array_foreach (pdf->signatures, index, row) {
                json_t *words = json_object_get(row, "pdf");
                const char *after = pdf->covered == pdf->look->size ? "signed" : "unsigned";
                if (json_is_true(json_object_get(words, "whole")))
                        after = "nothing";
                if (json_object_get(words, "covers") &&
                        json_object_set_new(words, "after", json_string(after)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* A later signer, as good as any, may have signed other pages than this one. The stamp of a later signature is none of that: it is
 * told, with the advice to look what it covers. */
static void weigh_shown(struct pdf *pdf, const json_t *row)
{
        const char *shown = json_string_value(json_object_get(row, "shown"));
        bool whole = pdf->covers == pdf->look->size;
        bool kept = shown && (strcmp(shown, "same") == 0 || strcmp(shown, "stamped") == 0);
        if (pdf->covers > 0 && !whole && !kept)
                weigh(pdf->report, MOHR_REASON_DOCUMENT_CHANGED, "pages", OUTCOME_INVALID);
}

static int tell(struct pdf *pdf, const json_t *row)
{
        json_t *told = NULL;
        pdf->covers = 0;
        int r = judge(pdf, row, &told);
        if (r < 0)
                return r;
        weigh_shown(pdf, row);
        size_t index = json_array_size(pdf->signatures);
        json_t *words = words_of(row);
        if (json_object_set_new(told, "index", json_integer((json_int_t)index)) < 0 ||
                json_object_set_new(told, "pdf", words) < 0 || !tell_cover(pdf, words)) {
                json_decref(told);
                return -ENOMEM;
        }
        return json_array_append_new(pdf->signatures, told) < 0 ? -ENOMEM : 0;
}

static int tell_document(struct pdf *pdf, const struct document_work *work)
{
        struct signed_hashes hashes;
        char sha256[65];
        int r = signed_hash(pdf->look->fd, NULL, 0, 0, &hashes);
        if (r < 0)
                return r;
        hex_encode(sha256, hashes.sha256, sizeof hashes.sha256);
        const struct member rows[] = { { "form", "pdf" }, { "sha256", sha256 } };
        json_t *document = members_of(json_object(), rows, ARRAY_LEN(rows));
        json_t *pages = json_object_get(work->last, "pages");
        if (document &&
                (!json_is_integer(pages) || json_object_set(document, "pages", pages) == 0) &&
                json_object_set_new(document, "size", json_integer((json_int_t)hashes.size)) == 0)
                return json_object_set_new(pdf->report->all, "document", document) < 0 ? -ENOMEM
                                                                                       : 0;
        json_decref(document);
        return -ENOMEM;
}

static void judge_whole(struct pdf *pdf, const struct document_work *work)
{
        json_int_t count = json_integer_value(json_object_get(work->last, "signatures"));
        size_t told = json_array_size(pdf->signatures);
        if (work->why[0])
                weigh(pdf->report, MOHR_REASON_DOCUMENT_FORM, work->why, OUTCOME_INVALID);
        else if (told == 0)
                weigh(pdf->report, MOHR_REASON_DOCUMENT_UNSIGNED, "", OUTCOME_INVALID);
        else if ((size_t)count != told)
                weigh(pdf->report, MOHR_REASON_DOCUMENT_FORM, "too-many-signers", OUTCOME_INVALID);
        else if (pdf->covered != pdf->look->size)
                weigh(pdf->report, MOHR_REASON_DOCUMENT_EXTENDED, "", OUTCOME_INVALID);
}

static int tell_verdict(struct pdf *pdf)
{
        struct document_report *report = pdf->report;
        const int64_t at = pdf->look->checking->options.at;
        char when[24];
        text_iso8601(when, at ? (time_t)at : time(NULL));
        json_t *verdict = signed_verdict(report->reason, report->detail, report->outcome);
        if (verdict && json_object_set_new(verdict, "checked_at", json_string(when)) == 0)
                return json_object_set_new(report->all, "verification", verdict) < 0 ? -ENOMEM : 0;
        json_decref(verdict);
        return -ENOMEM;
}

static int report_all(struct pdf *pdf, const struct document_work *work)
{
        struct document_report *report = pdf->report;
        size_t index;
        json_t *row;
        int r = 0;
        report->all = json_pack("{s:[]}", "signatures");
        pdf->signatures = json_object_get(report->all, "signatures");
        if (!pdf->signatures)
                return -ENOMEM;
        json_array_foreach (work->rows, index, row) {
                r = tell(pdf, row);
                if (r < 0)
                        return r;
        }
        judge_whole(pdf, work);
        r = tell_after(pdf);
        if (r == 0)
                r = tell_document(pdf, work);
        return r == 0 ? tell_verdict(pdf) : r;
}

int document_verify_pdf(const struct document_look *look, struct document_report *report)
{
        char program[PATH_MAX];
        _cleanup_work_ struct document_work work = { .rows = NULL };
        struct pdf pdf = { .look = look, .report = report };
        if (!cli_program(DOCUMENT_PROGRAM, program))
                return cli_report_as(look->cli, OUTCOME_INTERNAL,
                        _("The program that looks into documents is not installed, so nothing was "
                          "checked."),
                        _("Install the package mohr again."), DOCUMENT_PROGRAM, NULL);
        int r = document_signatures(program, look->fd, &work);
        if (r >= 0)
                r = report_all(&pdf, &work);
        return r < 0 ? cli_result(look->cli, r, NULL) : 0;
}
