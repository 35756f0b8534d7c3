/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_history.c: a history from whoever wants it to say something else. The first byte chooses the way in:
 *   'B' a body,  'A' lines of anchors,  'E' an export,
 *   'R' bodies, a line each, with digests and links that fit: no fault of the chain is found,
 *   'M' three bytes each, what and where: a genuine history changed, whose end an anchor knows: found unless nothing changed.
 * An export that is accepted is, written again, the same to the byte.
 */
#include "client-sdk/history/ledger.h"
#include "tests/fuzz/require.h"

#include "base/outcome.h"

#define ROWS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct rows {
        struct ledger_row rows[ROWS_MAX + 1];
        size_t count;
};

static void add_row(struct rows *to, const char *body, size_t len)
{
        static const uint8_t nothing[LEDGER_HASH];
        struct ledger_row *row = &to->rows[to->count];
        *row = (struct ledger_row){ .seq = (int64_t)to->count + 1, .body = body, .len = len };
        require(ledger_hash(body, len, row->digest));
        const uint8_t *before = to->count > 0 ? to->rows[to->count - 1].link : nothing;
        require(ledger_link(before, row->seq, row->digest, row->link));
        to->count++;
}

static struct ledger_check *check_rows(const struct rows *rows, const struct ledger_anchor *anchor)
{
        struct ledger_check *check = NULL;
        _cleanup_anchors_ struct ledger_anchors anchors = { 0 };
        require(ledger_check_new(&check) == 0);
        for (size_t i = 0; i < rows->count; i++)
                require(ledger_check_row(check, &rows->rows[i]) == 0);
        require(!anchor || ledger_anchors_add(&anchors, anchor) == 0);
        require(ledger_check_end(check, &anchors, 0) == 0);
        const struct ledger_finding *finding;
        for (size_t i = 0; (finding = ledger_check_finding(check, i)); i++)
                require(ledger_fault_name(finding->fault)[0]);
        return check;
}

static void body(const char *text, size_t len)
{
        enum ledger_event event;
        const char *why = NULL;
        json_t *read = NULL;
        int r = ledger_body(text, len, &event, &read, &why);
        require(r == 0 ? json_is_object(read) && ledger_event_name(event) != NULL
                       : r == OUTCOME_INVALID && why && !read);
        json_decref(read);
}

static void anchors(const uint8_t *data, size_t len)
{
        _cleanup_anchors_ struct ledger_anchors read = { 0 };
        struct ledger_anchor one;
        FILE *from = len ? fmemopen((void *)(uintptr_t)data, len, "r") : NULL;
        if (!from)
                return;
        require(ledger_anchors_read(&read, from) == 0);
        fclose(from);
        for (size_t i = 0; i < read.count; i++)
                require(read.rows[i].seq >= 1 && strlen(read.rows[i].id) % 32 == 0);
        char *text = strndup((const char *)data, len);
        require(!ledger_anchor_parse(text, &one) || one.seq >= 1);
        free(text);
}

static int write_again(void *user, const struct ledger_row *row)
{
        return ledger_export_row(user, row);
}

static void export(const char *data, size_t len)
{
        struct ledger_export read = { 0 };
        char problem[LEDGER_PROBLEM_MAX] = "", *again = NULL;
        size_t again_len = 0;
        FILE *to = open_memstream(&again, &again_len);
        int r = ledger_export_read(data, len, write_again, to, &read, problem);
        require(r == 0 || (r == OUTCOME_INVALID && problem[0]));
        if (r == 0) {
                require(ledger_export_head(to, &read.head) == 0);
                require(!read.assertion || ledger_export_signature(to, read.assertion) == 0);
        }
        fclose(to);
        require(r != 0 || (again_len == len && memcmp(again, data, len) == 0));
        ledger_export_clear(&read);
        free(again);
}

static bool is_of_chain(enum ledger_fault fault)
{
        return fault != LEDGER_FORM && fault != LEDGER_ORDER;
}

static void rows(const char *text, size_t len)
{
        struct rows made = { .count = 0 };
        for (const char *end; len > 0 && made.count < ROWS_MAX;
                len -= (size_t)(end - text) + 1, text = end + 1) {
                end = memchr(text, '\n', len);
                if (!end)
                        break;
                add_row(&made, text, (size_t)(end - text));
        }
        struct ledger_check *check = check_rows(&made, NULL);
        const struct ledger_finding *finding;
        for (size_t i = 0; (finding = ledger_check_finding(check, i)); i++)
                require(!is_of_chain(finding->fault));
        ledger_check_free(check);
}

/* ---- A genuine one, changed ---- */

static const char *const genuine[] = {
        "{\"at\":1,\"event\":\"created\",\"id\":\"00112233445566778899aabbccddeeff\"}",
        "{\"app\":\"unknown\",\"at\":2,\"event\":\"asked\",\"method\":\"Assert\",\"pid\":1,"
        "\"request\":\"0123456789abcdef0123456789abcdef\",\"uid\":0}",
        "{\"at\":3,\"event\":\"ended\",\"outcome\":\"WrongPin\","
        "\"request\":\"0123456789abcdef0123456789abcdef\"}",
        "{\"app\":\"unknown\",\"at\":4,\"audience\":\"https://a.example\",\"event\":\"refused\","
        "\"why\":\"paused\"}",
        "{\"app\":\"unknown\",\"at\":5,\"event\":\"refused\",\"why\":\"paused\"}",
        "{\"app\":\"unknown\",\"at\":6,\"event\":\"refused\",\"why\":\"too_often\"}",
        "{\"app\":\"unknown\",\"at\":7,\"event\":\"refused\",\"why\":\"replayed\"}",
};

static void renumber(struct rows *of)
{
        for (size_t i = 0; i < of->count; i++)
                of->rows[i].seq = (int64_t)i + 1;
}

static void change(struct rows *of, uint8_t what, uint8_t one, uint8_t other)
{
        struct ledger_row *row = &of->rows[one % of->count], *with = &of->rows[other % of->count],
                          kept;
        size_t behind = of->count - (size_t)(row - of->rows) - 1;
        switch (what % 6) {
        case 0: row->digest[other % LEDGER_HASH] ^= (uint8_t)(other | 1); break;
        case 1: row->link[other % LEDGER_HASH] ^= (uint8_t)(other | 1); break;
        case 2:
                row->body = genuine[other % ARRAY_LEN(genuine)];
                row->len = strlen(row->body);
                break;
        case 3: /* in each other's place */
                kept = *row;
                *row = *with;
                *with = kept;
                renumber(of);
                break;
        case 4: /* taken out, closed up or not */
                if (of->count == 1)
                        return;
                memmove(row, row + 1, behind * sizeof *row);
                of->count--;
                if (other % 2)
                        renumber(of);
                break;
        case 5: /* put in a second time */
                if (of->count == ROWS_MAX)
                        return;
                memmove(row + 1, row, (behind + 1) * sizeof *row);
                of->count++;
                renumber(of);
                break;
        }
}

static bool is_same(const struct rows *one, const struct rows *other)
{
        bool same = one->count == other->count;
        for (size_t i = 0; same && i < one->count; i++) {
                const struct ledger_row *a = &one->rows[i], *b = &other->rows[i];
                same = a->seq == b->seq && a->body == b->body &&
                       memcmp(a->digest, b->digest, LEDGER_HASH) == 0 &&
                       memcmp(a->link, b->link, LEDGER_HASH) == 0;
        }
        return same;
}

static void changed(const uint8_t *edits, size_t len)
{
        struct rows whole = { .count = 0 };
        for (size_t i = 0; i < ARRAY_LEN(genuine); i++)
                add_row(&whole, genuine[i], strlen(genuine[i]));
        struct ledger_anchor end = { .seq = (int64_t)whole.count };
        memcpy(end.link, whole.rows[whole.count - 1].link, LEDGER_HASH);
        struct rows now = whole;
        for (size_t i = 0; i + 3 <= len; i += 3)
                change(&now, edits[i], edits[i + 1], edits[i + 2]);
        struct ledger_check *check = check_rows(&now, &end);
        require((ledger_check_sum(check)->findings == 0) == is_same(&whole, &now));
        ledger_check_free(check);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        const char *rest = (const char *)data + 1;
        if (len == 0)
                return 0;
        switch (data[0]) {
        case 'B': body(rest, len - 1); break;
        case 'A': anchors(data + 1, len - 1); break;
        case 'E': export(rest, len - 1); break;
        case 'R': rows(rest, len - 1); break;
        case 'M': changed(data + 1, len - 1); break;
        }
        return 0;
}
