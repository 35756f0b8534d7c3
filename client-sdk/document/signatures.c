/* SPDX-License-Identifier: Apache-2.0 */
/* signatures.c: what a PDF holds of signatures, for whoever can judge them. No cryptography is done here, and nothing is trusted that a
 * signature does not cover: what is told of each is read from the file as it was when it was made, that is from the bytes up to where it
 * covers it, taken for a PDF of their own. So an update that came later changes nothing of what is told of an earlier signature, neither
 * its reason nor its name.
 *
 * Of a signature that something was added after, it is told as well whether the document still shows what it showed then (shown.h).
 *
 * One bad signature does not hide the others: it is told with the reason.
 */
#include "base/text.h"
#include "client-sdk/base64.h"
#include "client-sdk/cms.h"
#include "client-sdk/document/range.h"
#include "client-sdk/document/shown.h"
#include "client-sdk/document/works.h"

struct entry {
        const struct paper_signature *signature;
        struct range range;
        struct verdict verdict; /* why is NULL if its range is good */
        size_t order;
};

struct listing {
        struct task *task;
        const struct paper *paper;
        struct paper_signature signatures[DOCUMENT_SIGNATURES_MAX];
        struct entry entries[DOCUMENT_SIGNATURES_MAX];
        size_t count, shown, pages;
        bool covered; /* the last of them covers all of the file */
        bool has_shown, can_be_shown;
        struct shown last; /* by the whole file, if any state before is compared with it */
};

static const char *detail_of(const struct verdict *verdict)
{
        static const struct verdict rows[] = {
                { "range", "Its byte range leaves out more than its own value." },
                { "contents", "Its value is no single DER value." },
                { "revision", "What it covers is no PDF with this signature." },
        };
        for (size_t i = 0; !verdict->detail && i < ARRAY_LEN(rows); i++)
                if (strcmp(rows[i].why, verdict->why) == 0)
                        return rows[i].detail;
        return verdict->detail ? verdict->detail : "";
}

/* ---- one of them ---- */

static int say_cms(struct listing *listing, json_t *row, const struct paper *paper,
        qpdf_oh signature, struct verdict *verdict)
{
        size_t len = 0;
        (void)listing;
        const char *bytes = qpdf_oh_get_binary_string_value(
                paper->q, paper_get(paper, signature, "/Contents"), &len);
        size_t der = range_der((const uint8_t *)bytes, len);
        if (der == 0 || der > CMS_SIGNED_MAX)
                return verdict_no(verdict, "contents", NULL);
        int r = task_say(row, "cms", base64_json(bytes, der));
        return r == 0 ? task_say(row, "room", json_integer((json_int_t)len)) : r;
}

static int say_texts(json_t *row, const struct paper *paper, qpdf_oh signature)
{
        static const struct {
                const char *key, *name;
        } texts[] = { { "/Name", "name" }, { "/Reason", "reason" }, { "/Location", "location" },
                { "/M", "at" } };
        char text[DOCUMENT_TEXT_MAX + 1];
        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                qpdf_oh value = paper_get(paper, signature, texts[i].key);
                if (!paper_text(paper, value, text, sizeof text))
                        continue;
                int r = task_say(row, texts[i].name, json_string(text));
                if (r < 0)
                        return r;
        }
        qpdf_oh filter = paper_get(paper, signature, "/SubFilter");
        const char *name =
                paper_is(paper, filter, ot_name) ? qpdf_oh_get_name(paper->q, filter) : "/";
        text_sanitize(text, sizeof text, name + 1, sizeof text);
        return task_say(row, "sub_filter", json_string(text));
}

static int say_range(struct listing *listing, json_t *row, const struct entry *entry)
{
        const struct range *range = &entry->range;
        bool whole = range->covers == listing->paper->len;
        const char *after = listing->covered ? "signed" : "unsigned";
        json_t *list = json_pack("[I, I, I, I]", (json_int_t)0, (json_int_t)range->gap,
                (json_int_t)range->resume, (json_int_t)(range->covers - range->resume));
        int r = task_say(row, "range", list);
        if (r == 0)
                r = task_say(row, "offset", json_integer((json_int_t)range->gap));
        if (r == 0)
                r = task_say(row, "covers", json_integer((json_int_t)range->covers));
        if (r == 0)
                r = task_say(row, "whole", json_boolean(whole));
        return r == 0 ? task_say(row, "after", json_string(whole ? "nothing" : after)) : r;
}

/* What cannot be compared is not called the same. Stamps that were there must be there still, in their order. */
static const char *word_for(const struct shown *then, const struct shown *last)
{
        size_t kept = 0;
        if (memcmp(then->digest, last->digest, sizeof then->digest) != 0)
                return "changed";
        for (size_t i = 0; i < last->stamps && kept < then->stamps; i++)
                kept += memcmp(then->stamp[kept], last->stamp[i], SHOWN_LEN) == 0;
        if (kept < then->stamps)
                return "changed";
        return then->stamps == last->stamps ? "same" : "stamped";
}

static int say_shown(struct listing *listing, json_t *row, const struct paper *paper)
{
        struct shown then;
        struct verdict ignored;
        int r = 0;
        if (!listing->has_shown) {
                r = shown_of(listing->paper, &listing->last, &ignored);
                listing->has_shown = r >= 0;
                listing->can_be_shown = r == 0;
        }
        if (r >= 0)
                r = shown_of(paper, &then, &ignored);
        if (r < 0)
                return r;
        bool known = r == 0 && listing->can_be_shown;
        return task_say(
                row, "shown", json_string(known ? word_for(&then, &listing->last) : "changed"));
}

/* The same signature, by field and range, in the file as it was then. */
static int find_then(
        const struct paper *then, const struct entry *entry, qpdf_oh *ret, struct verdict *verdict)
{
        _cleanup_free_ struct paper_signature *signatures =
                calloc(DOCUMENT_SIGNATURES_MAX, sizeof *signatures);
        size_t count = 0;
        struct verdict ignored;
        if (!signatures)
                return -ENOMEM;
        int r = paper_signatures(then, signatures, DOCUMENT_SIGNATURES_MAX, &count, &ignored);
        for (size_t i = 0; r == 0 && i < base_min(count, DOCUMENT_SIGNATURES_MAX); i++) {
                struct range range;
                r = range_read(then, signatures[i].value, &range, &ignored);
                if (r == 0 && strcmp(signatures[i].field, entry->signature->field) == 0 &&
                        range.gap == entry->range.gap && range.covers == entry->range.covers) {
                        *ret = signatures[i].value;
                        return 0;
                }
                r = r < 0 ? r : 0;
        }
        return r < 0 ? r : verdict_no(verdict, "revision", NULL);
}

static int say_then(
        struct listing *listing, json_t *row, const struct entry *entry, struct verdict *verdict)
{
        _cleanup_paper_ struct paper then = { 0 };
        struct verdict ignored;
        qpdf_oh signature;
        int r = paper_open(&then, listing->paper->data, (size_t)entry->range.covers, &ignored);
        if (r != 0)
                return r < 0 ? r : verdict_no(verdict, "revision", NULL);
        r = find_then(&then, entry, &signature, verdict);
        if (r == 0)
                r = say_cms(listing, row, &then, signature, verdict);
        if (r == 0)
                r = say_range(listing, row, entry);
        if (r == 0 && entry->range.covers < listing->paper->len)
                r = say_shown(listing, row, &then);
        return r == 0 ? say_texts(row, &then, signature) : r;
}

static int say_head(json_t *row, const struct entry *entry)
{
        int r = task_say(row, "ok", json_true());
        return r == 0 ? task_say(row, "field", json_string(entry->signature->field)) : r;
}

static int say_why(json_t *row, const struct entry *entry, const struct verdict *verdict)
{
        (void)json_object_clear(row);
        int r = say_head(row, entry);
        if (r == 0)
                r = task_say(row, "why", json_string(verdict->why));
        return r == 0 ? task_say(row, "detail", json_string(detail_of(verdict))) : r;
}

static int tell(struct listing *listing, const struct entry *entry)
{
        struct verdict verdict = entry->verdict;
        json_t *row = json_object();
        int r = verdict.why ? OUTCOME_INVALID : say_head(row, entry);
        if (r == 0)
                r = say_then(listing, row, entry, &verdict);
        if (r == OUTCOME_INVALID)
                r = say_why(row, entry, &verdict);
        if (r == 0)
                return listing->task->tell(listing->task->user, row);
        json_decref(row);
        return r;
}

/* ---- all of them ---- */

/* By what they cover; those that cover nothing that can be told come first, as they were found. */
static int by_cover(const void *a, const void *b)
{
        const struct entry *one = a, *other = b;
        if (one->range.covers != other->range.covers)
                return one->range.covers < other->range.covers ? -1 : 1;
        return (one->order > other->order) - (one->order < other->order);
}

static int read_ranges(struct listing *listing)
{
        for (size_t i = 0; i < listing->shown; i++) {
                struct entry *entry = &listing->entries[i];
                entry->signature = &listing->signatures[i];
                entry->order = i;
                int r = range_read(
                        listing->paper, entry->signature->value, &entry->range, &entry->verdict);
                if (r < 0)
                        return r;
                listing->covered = listing->covered || entry->range.covers == listing->paper->len;
        }
        qsort(listing->entries, listing->shown, sizeof listing->entries[0], by_cover);
        return 0;
}

static int read_listing(struct listing *listing)
{
        struct verdict *verdict = &listing->task->verdict;
        int r = paper_pages(listing->paper, 0, NULL, &listing->pages, verdict);
        if (r == 0)
                r = paper_signatures(listing->paper, listing->signatures, DOCUMENT_SIGNATURES_MAX,
                        &listing->count, verdict);
        listing->shown = base_min(listing->count, DOCUMENT_SIGNATURES_MAX);
        if (r == 0)
                r = read_ranges(listing);
        for (size_t i = 0; r == 0 && i < listing->shown; i++)
                r = tell(listing, &listing->entries[i]);
        return r;
}

static int say_last(struct listing *listing)
{
        json_t *answer = listing->task->answer;
        int r = task_say(answer, "pages", json_integer((json_int_t)listing->pages));
        if (r == 0)
                r = task_say(answer, "size", json_integer((json_int_t)listing->paper->len));
        if (r == 0)
                r = task_say(answer, "signatures", json_integer((json_int_t)listing->count));
        return r == 0 ? task_say(answer, "last", json_true()) : r;
}

int task_signatures(struct task *task)
{
        _cleanup_map_ struct map map = { 0 };
        _cleanup_paper_ struct paper paper = { 0 };
        _cleanup_free_ struct listing *listing = calloc(1, sizeof *listing);
        if (!listing)
                return -ENOMEM;
        listing->task = task;
        listing->paper = &paper;
        int r = map_file(&map, task->source.fd, task->source.size, &task->verdict);
        if (r == 0)
                r = paper_open(&paper, map.data, map.len, &task->verdict);
        if (r == 0)
                r = read_listing(listing);
        if (r == 0)
                r = source_unchanged(&task->source, &task->verdict);
        return r == 0 ? say_last(listing) : r;
}
