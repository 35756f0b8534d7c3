/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c: see rows.h. A body is a list of members, those without a value left out; what a row repeats of an
 * earlier one is read from that one, so that nobody has to be believed twice.
 */
#include "daemon/history/rows.h"

#include "base/outcome.h"
#include "client-sdk/claimset.h"
#include "client-sdk/members.h"
#include "daemon/history/judge.h"
#include "daemon/history/owner.h"

#include <stdio.h>

static const char *or_none(const char *text)
{
        return *text ? text : NULL;
}

static int put(struct book *book, json_t *body, int64_t now)
{
        struct book_head head;
        return body ? book_append(book, body, now, &head) : -ENOMEM;
}

static int set(json_t *body, const char *name, json_t *value)
{
        return json_object_set_new(body, name, value) < 0 ? -ENOMEM : 0;
}

static int set_claims(json_t *body, const char *name, uint8_t claims)
{
        return set(body, name, claimset_json(claims));
}

/* People name files after people. What a station signed for somebody is known by its digest to who has it. */
static const char *document_name(
        const struct history_ask_texts *ask, const struct rows_setting *setting)
{
        return setting->station ? NULL : or_none(ask->document);
}

int rows_asked(struct book *book, const struct history_ask_texts *ask,
        const struct rows_setting *setting, int64_t now)
{
        const struct member rows[] = {
                { "event", "asked" },
                { "request", ask->request },
                { "method", ask->method },
                { "app", ask->app },
                { "program", or_none(ask->program) },
                { "audience", or_none(ask->audience) },
                { "purpose", or_none(ask->purpose) },
                { "organization", or_none(ask->organization) },
                { "organization_key", or_none(ask->organization_key) },
                { "signed_request", or_none(ask->signed_request) },
                { "rule", or_none(ask->rule) },
                { "document", document_name(ask, setting) },
                { "document_digest", or_none(ask->document_digest) },
                { "form", or_none(ask->form) },
                { "consent", or_none(ask->consent) },
                { "content", or_none(ask->content) },
                { "key", or_none(ask->key) },
        };
        _cleanup_json_ json_t *body = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (!body)
                return -ENOMEM;
        int r = set(body, "uid", json_integer(ask->uid));
        if (r == 0)
                r = set(body, "pid", json_integer(ask->pid));
        if (r == 0)
                r = set_claims(body, "required", ask->required);
        if (r == 0)
                r = set_claims(body, "optional", ask->optional);
        if (r == 0)
                r = put(book, body, now);
        return r == 0 ? owner_claims(book, ask->request) : r;
}

int rows_refused(
        struct book *book, const struct history_ask_texts *ask, const char *why, int64_t now)
{
        const struct member rows[] = {
                { "event", "refused" },
                { "app", ask->app },
                { "audience", or_none(ask->audience) },
                { "organization", or_none(ask->organization) },
                { "signed_request", or_none(ask->signed_request) },
                { "why", why },
        };
        _cleanup_json_ json_t *body = members_of(json_object(), rows, ARRAY_LEN(rows));
        return put(book, body, now);
}

/* ---- the end ---------------------------------------------------------------------------------- */

/* What a register of citizens' own does not say of its holder is decided here, whatever was sent. */
static int add_values(
        json_t *body, const struct history_end_texts *end, const struct rows_setting *setting)
{
        bool starved;
        if (!*end->values || !setting->values || setting->station)
                return 0;
        json_t *values = members_read(end->values, strlen(end->values), &starved);
        if (!values)
                return starved ? -ENOMEM : -EBADMSG;
        return set(body, "values", values);
}

static int add_numbers(json_t *body, const struct history_end_texts *end)
{
        int r = set_claims(body, "released", end->released);
        if (r == 0)
                r = set_claims(body, "declined", end->declined);
        if (r == 0 && end->tries_left >= 0)
                r = set(body, "tries_left", json_integer(end->tries_left));
        return r;
}

/* One column of the request's first row; NULL text where it has none. 1: there is such a row. */
static int recall(struct book *book, const char *request, sqlite3_stmt **ret)
{
        int r = book_prepare(book,
                &BOOK_QUERY("SELECT json_extract(body, '$.method'), json_extract(body, '$.app'),"
                            " json_extract(body, '$.organization'),"
                            " json_extract(body, '$.organization_key'),"
                            " json_extract(body, '$.audience'), json_extract(body, '$.purpose')"
                            " FROM entry WHERE json_extract(body, '$.request') = ?"
                            " AND json_extract(body, '$.event') = 'asked'",
                        request),
                ret);
        return r == 0 ? book_step(book, *ret) : r;
}

static const char *column(sqlite3_stmt *statement, int at)
{
        return (const char *)sqlite3_column_text(statement, at);
}

/* A permission is only ever for somebody whom nobody else can pass for. */
static int write_granted(
        struct book *book, const struct history_end_texts *end, sqlite3_stmt *asked, int64_t now)
{
        const char *app = column(asked, 1), *key = column(asked, 3);
        if (!judge_may_hold_grant(app, key))
                return 0;
        const struct member rows[] = {
                { "event", "granted" },
                { "grant", end->request },
                { "app", app },
                { "organization", column(asked, 2) },
                { "organization_key", key },
                { "audience", column(asked, 4) },
                { "purpose", column(asked, 5) },
        };
        _cleanup_json_ json_t *body = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (!body)
                return -ENOMEM;
        int r = set_claims(body, "released", end->released);
        return r == 0 ? put(book, body, now) : r;
}

static int write_ended(struct book *book, const struct history_end_texts *end,
        const struct rows_setting *setting, int64_t now)
{
        const struct member rows[] = {
                { "event", "ended" },
                { "request", end->request },
                { "outcome", end->outcome },
                { "detail", or_none(end->detail) },
                { "assertion", or_none(end->assertion) },
                { "signature", or_none(end->signature) },
                { "grant", or_none(end->grant) },
        };
        _cleanup_json_ json_t *body = members_of(json_object(), rows, ARRAY_LEN(rows));
        int r = body ? add_numbers(body, end) : -ENOMEM;
        if (r == 0)
                r = add_values(body, end, setting);
        return r == 0 ? put(book, body, now) : r;
}

/* The digest of what was signed is there if and only if that was given. */
static bool allowed_end(struct book *book, const struct history_end_texts *end, const char *method)
{
        static const struct {
                const char *method;
                bool assertion, signature;
        } rows[] = {
                { "Assert", true, false },
                { "SignDocument", false, true },
                { "UseKey", false, true },
        };
        bool good = strcmp(end->outcome, "Ok") == 0, assertion = false, signature = false;
        for (size_t i = 0; good && method && i < ARRAY_LEN(rows); i++)
                if (strcmp(rows[i].method, method) == 0) {
                        assertion = rows[i].assertion;
                        signature = rows[i].signature;
                }
        if (assertion == (*end->assertion != '\0') && signature == (*end->signature != '\0'))
                return true;
        snprintf(book->trouble, sizeof book->trouble, "an end that contradicts itself");
        return false;
}

static bool same_text(sqlite3_stmt *row, int at, const char *text)
{
        const char *there = column(row, at);
        return strcmp(there ? there : "", text) == 0;
}

/* It was written already, and says the same of what left: 0. Else OUTCOME_USAGE. */
static int already_ended(struct book *book, const struct history_end_texts *end)
{
        _cleanup_statement_ sqlite3_stmt *row = NULL;
        int r = book_prepare(book,
                &BOOK_QUERY(
                        "SELECT json_extract(body, '$.outcome'), json_extract(body, '$.assertion'),"
                        " json_extract(body, '$.signature')"
                        " FROM entry WHERE json_extract(body, '$.request') = ?"
                        " AND json_extract(body, '$.event') = 'ended'",
                        end->request),
                &row);
        if (r == 0)
                r = book_step(book, row);
        if (r != 1)
                return r == 0 ? OUTCOME_USAGE : r;
        return same_text(row, 0, end->outcome) && same_text(row, 1, end->assertion) &&
                               same_text(row, 2, end->signature)
                       ? 0
                       : OUTCOME_USAGE;
}

int rows_ended(struct book *book, const struct history_end_texts *end,
        const struct rows_setting *setting, int64_t now)
{
        _cleanup_statement_ sqlite3_stmt *asked = NULL;
        bool open = false;
        int r = owner_is_open(book, end->request, &open);
        if (r != 0)
                return r;
        if (!open)
                return already_ended(book, end);
        r = recall(book, end->request, &asked);
        if (r != 1)
                return r == 0 ? OUTCOME_USAGE : r;
        r = allowed_end(book, end, column(asked, 0)) ? write_ended(book, end, setting, now)
                                                     : OUTCOME_CANNOT_RECORD;
        if (r == 0 && end->remember && !setting->station) /* the next one did not allow it */
                r = write_granted(book, end, asked, now);
        return r == 0 ? owner_lets_go(book, end->request) : r;
}

int rows_revoked(struct book *book, const char *grant, int64_t now)
{
        const struct member rows[] = { { "event", "revoked" }, { "grant", grant } };
        _cleanup_json_ json_t *body = members_of(json_object(), rows, ARRAY_LEN(rows));
        return put(book, body, now);
}

/* ---- what nobody ended, and what is old -------------------------------------------------------- */

static int interrupt(struct book *book, const char *request, int64_t now)
{
        const struct member rows[] = { { "event", "interrupted" }, { "request", request } };
        _cleanup_json_ json_t *body = members_of(json_object(), rows, ARRAY_LEN(rows));
        int r = put(book, body, now);
        return r == 0 ? owner_lets_go(book, request) : r;
}

int rows_interrupted(struct book *book, int64_t now, size_t *ret_count)
{
        char request[33];
        size_t count = 0;
        int r;
        while ((r = owner_find_orphan(book, request)) == 1) {
                r = interrupt(book, request, now);
                if (r != 0)
                        return r;
                count++;
        }
        if (r == 0)
                *ret_count = count;
        return r;
}
