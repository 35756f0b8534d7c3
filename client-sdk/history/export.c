/* SPDX-License-Identifier: Apache-2.0 */
/* export.c: a history as one file that can be carried away: a line of JSON for each row, then its head, then, if the
 * holder's chip vouches for it, an assertion (docs/history.md, "Exports").
 *
 *      {"body":"{...}","digest":"...","link":"...","seq":1}
 *      {"head":{"id":"...","link":"...","seq":1},"mohr_history":1}
 *      {"assertion":"..."}
 *
 * Each line is written in one way only, so that no byte of the file can change unnoticed: what is not text of a row is
 * compared with what would have been written. The assertion's nonce is the SHA-256 of all before its line.
 */
#include "client-sdk/history/ledger.h"

#include "base/bytes.h"
#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/base64.h"
#include "client-sdk/fields.h"
#include "client-sdk/members.h"

#define FORM            (JSON_COMPACT | JSON_SORT_KEYS)
#define EXPORT_LINE_MAX (8 * LEDGER_BODY_MAX) /* a byte of a body may take six here */
#define HEX_CAP         (2 * LEDGER_HASH + 1)

/* ---- Writing ---- */

/* Steals the value; NULL is out of memory. */
static int write_line(FILE *to, json_t *line)
{
        _cleanup_json_ json_t *owned = line;
        _cleanup_free_ char *text = owned ? members_text(owned, FORM) : NULL;
        if (!text)
                return -ENOMEM;
        return fprintf(to, "%s\n", text) < 0 ? -EIO : 0;
}

int ledger_export_row(FILE *to, const struct ledger_row *row)
{
        char digest[HEX_CAP], link[HEX_CAP];
        if (row->body && !text_utf8_valid(row->body, row->len))
                return -EILSEQ;
        hex_encode(digest, row->digest, LEDGER_HASH);
        hex_encode(link, row->link, LEDGER_HASH);
        json_t *body = row->body ? json_stringn(row->body, row->len) : json_null();
        if (!body)
                return -ENOMEM;
        return write_line(to, json_pack("{s:o, s:s, s:s, s:I}", "body", body, "digest", digest,
                                      "link", link, "seq", (json_int_t)row->seq));
}

int ledger_export_head(FILE *to, const struct ledger_anchor *head)
{
        char link[HEX_CAP];
        hex_encode(link, head->link, LEDGER_HASH);
        return write_line(to, json_pack("{s:i, s:{s:s, s:s, s:I}}", "mohr_history", 1, "head", "id",
                                      head->id, "link", link, "seq", (json_int_t)head->seq));
}

int ledger_export_signature(FILE *to, const char *assertion)
{
        return write_line(to, json_pack("{s:s}", "assertion", assertion));
}

bool ledger_export_nonce(const void *data, size_t len, char ret[static LEDGER_NONCE_CAP])
{
        uint8_t hash[LEDGER_HASH];
        if (!ledger_hash(data, len, hash))
                return false;
        base64_encode(BASE64_URL, ret, hash, sizeof hash);
        return true;
}

/* ---- Reading ---- */

enum part { ROWS, SIGNATURE, NOTHING }; /* what may come next, a head besides rows */

struct reading {
        const char *data;
        size_t len, pos;
        unsigned long line;
        enum part next;
        ledger_each each;
        void *user;
        struct ledger_export read;
        char *problem;
};

static int object_to(const struct reading *reading, const char *what)
{
        snprintf(reading->problem, LEDGER_PROBLEM_MAX, "line %lu: %s", reading->line, what);
        return OUTCOME_INVALID;
}

static bool take_hash(const json_t *line, const char *name, uint8_t ret[static LEDGER_HASH])
{
        const char *hex = json_string_value(json_object_get(line, name));
        return hex && field_is_hex(hex, HEX_CAP - 1, HEX_CAP - 1) &&
               hex_decode(ret, LEDGER_HASH, hex) == LEDGER_HASH;
}

static int take_row(struct reading *reading, const json_t *line)
{
        const json_t *body = json_object_get(line, "body"), *seq = json_object_get(line, "seq");
        struct ledger_row row = {
                .seq = json_integer_value(seq),
                .body = json_string_value(body),
                .len = json_string_length(body),
        };
        if (json_object_size(line) != 4 || !json_is_integer(seq) ||
                (!json_is_string(body) && !json_is_null(body)) ||
                !take_hash(line, "digest", row.digest) || !take_hash(line, "link", row.link))
                return object_to(reading, "no row of a history");
        return reading->each(reading->user, &row);
}

static int take_head(struct reading *reading, const json_t *line)
{
        const json_t *head = json_object_get(line, "head"), *seq = json_object_get(head, "seq");
        const char *id = json_string_value(json_object_get(head, "id"));
        struct ledger_anchor *to = &reading->read.head;
        if (json_integer_value(json_object_get(line, "mohr_history")) > 1)
                return object_to(reading, "written by a newer version of Mohr: update this one");
        if (json_object_size(line) != 2 || json_object_size(head) != 3 || !id ||
                !field_is_hex(id, 32, 32) || json_integer_value(seq) < 1 ||
                json_integer_value(json_object_get(line, "mohr_history")) != 1 ||
                !take_hash(head, "link", to->link))
                return object_to(reading, "no head of a history");
        snprintf(to->id, sizeof to->id, "%s", id);
        to->seq = json_integer_value(seq);
        reading->read.signed_len = reading->pos;
        reading->next = SIGNATURE;
        return 0;
}

static int take_signature(struct reading *reading, const json_t *line)
{
        const char *assertion = json_string_value(json_object_get(line, "assertion"));
        if (json_object_size(line) != 1 || !assertion)
                return object_to(reading, "no assertion");
        reading->read.assertion = strdup(assertion);
        reading->next = NOTHING;
        return reading->read.assertion ? 0 : -ENOMEM;
}

static int take_line(struct reading *reading, const json_t *line)
{
        if (reading->next == ROWS)
                return json_object_get(line, "head") ? take_head(reading, line)
                                                     : take_row(reading, line);
        return reading->next == SIGNATURE ? take_signature(reading, line)
                                          : object_to(reading, "more than an export has");
}

static int read_line(struct reading *reading)
{
        const char *text = reading->data + reading->pos;
        const char *end = memchr(text, '\n', reading->len - reading->pos);
        _cleanup_json_ json_t *line = NULL;
        const char *why = NULL;
        reading->line++;
        if (!end)
                return object_to(reading, "it ends in the middle");
        reading->pos += (size_t)(end - text) + 1;
        if ((size_t)(end - text) > EXPORT_LINE_MAX)
                return object_to(reading, "longer than a line may be");
        int r = ledger_object(text, (size_t)(end - text), &line, &why);
        if (r > 0)
                return object_to(reading, why);
        return r == 0 ? take_line(reading, line) : r;
}

int ledger_export_read(const char *data, size_t len, ledger_each each, void *user,
        struct ledger_export *ret, char problem[static LEDGER_PROBLEM_MAX])
{
        struct reading reading = {
                .data = data, .len = len, .each = each, .user = user, .problem = problem
        };
        int r = 0;
        while (r == 0 && reading.pos < len)
                r = read_line(&reading);
        if (r == 0 && reading.next == ROWS)
                r = object_to(&reading, "the head is missing");
        if (r == 0)
                *ret = reading.read;
        else
                ledger_export_clear(&reading.read);
        return r;
}
