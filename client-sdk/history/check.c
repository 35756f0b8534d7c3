/* SPDX-License-Identifier: Apache-2.0 */
/* check.c: the rows of a history one after another: is each what its digest says, has it the form of a row, and
 * may its event come here? An end needs a beginning and there is one end; what ends well has an assertion and
 * nothing else has; what is taken back was given before, and serves no request that begins later; a signed request is
 * good once; only what a row says was pruned is missing.
 *
 * The writer judges by its indexes, and another program can have made those say something else. What was let
 * pass by such a one stands in the rows, and is found here.
 */
#include "client-sdk/history/check_internal.h"

#include "base/bytes.h"
#include "base/outcome.h"
#include "client-sdk/assertion.h"

#include <openssl/evp.h>

#define DOMAIN  "mohr-history-1" /* its NUL belongs to it */
#define SEQ_MAX (INT64_C(1) << 53)

/* What is known of a request, as bits; above them the number of the row that began it. */
enum { ASKED = 1, ASSERT = 2, CLOSED = 4, SIGNS = 8, ROW = 16 };
/* And of a grant: this, or the number of the row that took it back, which is larger. */
enum { GIVEN = 1 };

static const char *const fault_names[] = {
#define X(id, name) [LEDGER_##id] = name,
        LEDGER_FAULTS(X)
#undef X
};

const char *ledger_fault_name(enum ledger_fault fault)
{
        return fault_names[fault];
}

bool ledger_hash(const void *data, size_t len, uint8_t ret[static LEDGER_HASH])
{
        return EVP_Digest(data, len, ret, NULL, EVP_sha256(), NULL) == 1;
}

bool ledger_link(const uint8_t before[static LEDGER_HASH], int64_t seq,
        const uint8_t digest[static LEDGER_HASH], uint8_t ret[static LEDGER_HASH])
{
        uint8_t bytes[sizeof DOMAIN + LEDGER_HASH + 8 + LEDGER_HASH];
        struct out out = out_new(bytes, sizeof bytes);
        out_bytes(&out, DOMAIN, sizeof DOMAIN);
        out_bytes(&out, before, LEDGER_HASH);
        out_u64(&out, (uint64_t)seq);
        out_bytes(&out, digest, LEDGER_HASH);
        return out_done(&out) == 0 && ledger_hash(bytes, out.len, ret);
}

int ledger_check_new(struct ledger_check **ret)
{
        _cleanup_check_ struct ledger_check *check = calloc(1, sizeof *check);
        if (!check)
                return -ENOMEM;
        check->requests = json_object();
        check->grants = json_object();
        if (!check->requests || !check->grants)
                return -ENOMEM;
        *ret = check;
        check = NULL;
        return 0;
}

struct ledger_check *ledger_check_free(struct ledger_check *check)
{
        if (!check)
                return NULL;
        json_decref(check->requests);
        json_decref(check->grants);
        free(check->findings);
        free(check->rows);
        free(check);
        return NULL;
}

const struct ledger_sum *ledger_check_sum(const struct ledger_check *check)
{
        return &check->sum;
}

const struct ledger_finding *ledger_check_finding(const struct ledger_check *check, size_t index)
{
        bool kept = index < check->sum.findings && index < LEDGER_FINDINGS_MAX;
        return kept ? &check->findings[index] : NULL;
}

int ledger_find(struct ledger_check *check, enum ledger_fault fault, int64_t seq, int64_t other,
        const char *why)
{
        size_t at = check->sum.findings;
        if (at >= LEDGER_FINDINGS_MAX) {
                check->sum.findings++;
                return 0;
        }
        if (at == check->findings_cap) {
                size_t cap = at ? 2 * at : 8;
                struct ledger_finding *more = realloc(check->findings, cap * sizeof *more);
                if (!more)
                        return -ENOMEM;
                check->findings = more;
                check->findings_cap = cap;
        }
        check->findings[at] = (struct ledger_finding){ fault, seq, other, why };
        check->sum.findings++;
        return 0;
}

/* ---- The order of events ---- */

struct at { /* one row */
        struct ledger_check *check;
        int64_t seq;
        const json_t *body;
};

static const char *text_of(const struct at *at, const char *name)
{
        return json_string_value(json_object_get(at->body, name));
}

static int out_of_order(const struct at *at, const char *why)
{
        return ledger_find(at->check, LEDGER_ORDER, at->seq, 0, why);
}

static int64_t known(const json_t *of, const char *key)
{
        return json_integer_value(json_object_get(of, key));
}

static int note(json_t *of, const char *key, int64_t what)
{
        return json_object_set_new(of, key, json_integer(what)) < 0 ? -ENOMEM : 0;
}

/* What is missing before a row, or could not be read, may be what it rests on. */
static bool nothing_is_missing(const struct at *at)
{
        return at->check->sum.pruned == 0 && !at->check->unread;
}

static int created(const struct at *at)
{
        struct ledger_anchor *head = &at->check->sum.head;
        if (at->seq != 1)
                return out_of_order(at, "a history begins only once");
        snprintf(head->id, sizeof head->id, "%s", text_of(at, "id"));
        return 0;
}

/* What a method gives in the end, as bits. */
static int gives(const char *method)
{
        static const struct {
                const char *method;
                int gives;
        } rows[] = { { "Assert", ASSERT }, { "SignDocument", SIGNS }, { "UseKey", SIGNS } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (strcmp(rows[i].method, method) == 0)
                        return rows[i].gives;
        return 0;
}

/* It is known by more digits than a request has. */
static int use_once(const struct at *at, const char *signed_request)
{
        if (known(at->check->requests, signed_request))
                return out_of_order(at, "a signed request that was used before");
        return note(at->check->requests, signed_request, ASKED);
}

static int asked(const struct at *at)
{
        const char *request = text_of(at, "request"), *once = text_of(at, "signed_request");
        if (known(at->check->requests, request))
                return out_of_order(at, "this request was begun before");
        at->check->sum.requests++;
        at->check->sum.unanswered++;
        int r = note(
                at->check->requests, request, at->seq * ROW | ASKED | gives(text_of(at, "method")));
        return r == 0 && once ? use_once(at, once) : r;
}

static bool is_due(const struct at *at, const char *member, int bit, int64_t request)
{
        bool has = text_of(at, member) != NULL, ok = strcmp(text_of(at, "outcome"), "Ok") == 0;
        return has == (ok && (request & ASKED ? (request & bit) != 0 : has));
}

/* An assertion, or a signature, leaves with "Ok" and with nothing else. */
static int has_what_it_gave(const struct at *at, int64_t request)
{
        if (!is_due(at, "assertion", ASSERT, request))
                return out_of_order(at, "an end whose assertion and outcome disagree");
        return is_due(at, "signature", SIGNS, request)
                       ? 0
                       : out_of_order(at, "an end whose signature and outcome disagree");
}

static int close_request(const struct at *at, int64_t *ret_request)
{
        struct ledger_check *check = at->check;
        const char *request = text_of(at, "request");
        *ret_request = known(check->requests, request);
        if (*ret_request & CLOSED)
                return out_of_order(at, "a second end of one request");
        if (!(*ret_request & ASKED) && nothing_is_missing(at))
                return out_of_order(at, "an end of a request that was not begun");
        check->sum.unanswered -= *ret_request & ASKED ? 1 : 0;
        return note(check->requests, request, *ret_request | CLOSED);
}

/* One that was taken back while its request was open may still be named. */
static int had_permission(const struct at *at, const char *grant, int64_t request)
{
        int64_t state = known(at->check->grants, grant);
        if (!state)
                return out_of_order(at, "a permission that was not given");
        return state > GIVEN && request / ROW > state
                       ? out_of_order(at, "a permission that was taken back before")
                       : 0;
}

static int ended(const struct at *at)
{
        const char *grant = text_of(at, "grant");
        int64_t request;
        int r = close_request(at, &request);
        at->check->ended++;
        if (r == 0)
                r = has_what_it_gave(at, request);
        return r == 0 && grant ? had_permission(at, grant, request) : r;
}

static int interrupted(const struct at *at)
{
        int64_t request;
        at->check->sum.interrupted++;
        return close_request(at, &request);
}

static int granted(const struct at *at)
{
        const char *grant = text_of(at, "grant");
        if (known(at->check->grants, grant))
                return out_of_order(at, "a permission that was given before");
        if (!known(at->check->requests, grant) && nothing_is_missing(at))
                return out_of_order(at, "a permission by a request that was not begun");
        return note(at->check->grants, grant, GIVEN);
}

static int revoked(const struct at *at)
{
        const char *grant = text_of(at, "grant");
        if (known(at->check->grants, grant) != GIVEN)
                return out_of_order(at, "a permission taken back that was not there");
        return note(at->check->grants, grant, at->seq);
}

static int refused(const struct at *at)
{
        (void)at;
        return 0;
}

static int pruned(const struct at *at)
{
        int64_t through = json_integer_value(json_object_get(at->body, "through"));
        if (through >= at->seq || through < at->check->through)
                return out_of_order(at, "what it says was pruned cannot be");
        at->check->through = through;
        return 0;
}

static int (*const events[LEDGER_EVENTS])(const struct at *at) = {
        [LEDGER_CREATED] = created,
        [LEDGER_ASKED] = asked,
        [LEDGER_ENDED] = ended,
        [LEDGER_INTERRUPTED] = interrupted,
        [LEDGER_GRANTED] = granted,
        [LEDGER_REVOKED] = revoked,
        [LEDGER_REFUSED] = refused,
        [LEDGER_PRUNED] = pruned,
};

/* ---- One row ---- */

static int check_body(struct ledger_check *check, const struct ledger_row *row)
{
        uint8_t digest[LEDGER_HASH];
        enum ledger_event event;
        _cleanup_json_ json_t *body = NULL;
        const char *why = NULL;
        if (!ledger_hash(row->body, row->len, digest))
                return -ENOMEM;
        if (memcmp(digest, row->digest, LEDGER_HASH) != 0) {
                check->unread = true;
                return ledger_find(check, LEDGER_CHANGED, row->seq, 0, NULL);
        }
        int r = ledger_body(row->body, row->len, &event, &body, &why);
        check->unread |= r != 0;
        if (r != 0)
                return r < 0 ? r : ledger_find(check, LEDGER_FORM, row->seq, 0, why);
        const struct at at = { check, row->seq, body };
        if (row->seq == 1 && event != LEDGER_CREATED)
                r = out_of_order(&at, "a history begins with its creation");
        return r == 0 ? events[event](&at) : r;
}

static int store(struct ledger_check *check, const struct ledger_row *row)
{
        if (check->count == check->cap) {
                size_t cap = check->cap ? 2 * check->cap : 64;
                struct ledger_stored *rows = realloc(check->rows, cap * sizeof *rows);
                if (!rows)
                        return -ENOMEM;
                check->rows = rows;
                check->cap = cap;
        }
        struct ledger_stored *to = &check->rows[check->count++];
        *to = (struct ledger_stored){ .seq = row->seq, .body = row->body != NULL };
        memcpy(to->digest, row->digest, LEDGER_HASH);
        memcpy(to->link, row->link, LEDGER_HASH);
        return 0;
}

int ledger_check_row(void *user, const struct ledger_row *row)
{
        struct ledger_check *check = user;
        int64_t last = check->count > 0 ? check->rows[check->count - 1].seq : 0;
        if (row->seq < 1 || row->seq > SEQ_MAX)
                return ledger_find(check, LEDGER_FORM, row->seq, 0, "no row has such a number");
        if (row->seq <= last)
                return ledger_find(check, LEDGER_MOVED, row->seq, row->seq, NULL);
        check->unread |= row->seq != last + 1;
        check->sum.rows++;
        check->sum.pruned += row->body ? 0 : 1;
        int r = row->body ? check_body(check, row) : 0;
        return r == 0 ? store(check, row) : r;
}

/* ---- The end ---- */

/* The head is told after each end; only the first may not have been told yet. */
static int judge_head(struct ledger_check *check, int head_read)
{
        if (head_read == -ENOENT && (check->ended > 1 || check->through > 0))
                return ledger_find(check, LEDGER_NO_HEAD, 0, 0, NULL);
        if (head_read == LEDGER_BAD_ANCHOR)
                return ledger_find(check, LEDGER_BAD_HEAD, 0, 0, NULL);
        return 0;
}

/* What is missing must be said to have been pruned; the first row never is. */
static int judge_bodies(struct ledger_check *check)
{
        int r = 0;
        for (size_t i = 0; r == 0 && i < check->count; i++) {
                const struct ledger_stored *row = &check->rows[i];
                if (!row->body && (row->seq == 1 || row->seq > check->through))
                        r = ledger_find(check, LEDGER_BODY_GONE, row->seq, 0, NULL);
        }
        return r;
}

static int by_row(const void *one, const void *other)
{
        const struct ledger_finding *a = one, *b = other;
        if (a->seq != b->seq)
                return a->seq < b->seq ? -1 : 1;
        return (a->fault > b->fault) - (a->fault < b->fault);
}

int ledger_check_end(
        struct ledger_check *check, const struct ledger_anchors *anchors, int head_read)
{
        struct ledger_anchor *head = &check->sum.head;
        if (check->count > 0) {
                head->seq = check->rows[check->count - 1].seq;
                memcpy(head->link, check->rows[check->count - 1].link, LEDGER_HASH);
        }
        int r = ledger_chain(check);
        if (r == 0)
                r = judge_bodies(check);
        if (r == 0)
                r = ledger_compare(check, anchors);
        if (r == 0)
                r = judge_head(check, head_read);
        if (r == 0 && check->findings)
                qsort(check->findings, base_min(check->sum.findings, LEDGER_FINDINGS_MAX),
                        sizeof *check->findings, by_row);
        return r;
}
