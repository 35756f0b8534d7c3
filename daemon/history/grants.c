/* SPDX-License-Identifier: Apache-2.0 */
/* grants.c: permissions to ask without the consent page (judge.h): rows `granted` that no `revoked` names.
 *
 * They are few, one for each time that a person said so, and all of them stay when bodies are pruned. Who asks is
 * compared exactly as it was written then: an organization by its certificate, an app by the name that its manager
 * gave it; never a program's path, which any other program may borrow.
 */
#include "daemon/history/judge.h"

#include "base/outcome.h"
#include "client-sdk/claimset.h"
#include "client-sdk/members.h"

#include <stdio.h>

#define HOLDS                                                                                      \
        " json_extract(g.body, '$.event') = 'granted' AND NOT EXISTS (SELECT 1 FROM entry r"       \
        " WHERE json_extract(r.body, '$.grant') = json_extract(g.body, '$.grant')"                 \
        " AND json_extract(r.body, '$.event') = 'revoked') "

bool judge_may_hold_grant(const char *app, const char *key)
{
        static const char *const kinds[] = { "flatpak:", "snap:", "unit:" };
        if (key && *key)
                return true;
        for (size_t i = 0; app && i < ARRAY_LEN(kinds); i++)
                if (strncmp(app, kinds[i], strlen(kinds[i])) == 0)
                        return true;
        return false;
}

static int read_body(sqlite3_stmt *row, int column, json_t **ret)
{
        const char *text = (const char *)sqlite3_column_text(row, column);
        bool starved = false;
        json_t *body = text ? members_read(text, strlen(text), &starved) : NULL;
        if (!body && starved)
                return -ENOMEM;
        *ret = body; /* NULL: not what a writer of ours would write */
        return 0;
}

static const char grants_for[] =
        "SELECT json_extract(g.body, '$.grant'), json_extract(g.body, '$.released') FROM entry g"
        " WHERE" HOLDS "AND json_extract(g.body, '$.audience') IS ?1"
        " AND json_extract(g.body, '$.purpose') IS ?2"
        " AND json_extract(g.body, '$.organization_key') IS ?3"
        " AND (?3 IS NOT NULL OR json_extract(g.body, '$.app') = ?4) ORDER BY g.seq DESC";

static const char *or_none(const char *text)
{
        return *text ? text : NULL;
}

/* 1: this row does; 0: it does not. */
static int covers(sqlite3_stmt *row, uint8_t required, uint8_t *ret_released)
{
        claimset released;
        _cleanup_json_ json_t *list = NULL;
        int r = read_body(row, 1, &list);
        if (r < 0)
                return r;
        if (!list || !claimset_read(list, &released) || required & ~released)
                return 0;
        *ret_released = released;
        return 1;
}

int judge_grant(struct book *book, const struct history_ask_texts *ask, char ret_grant[static 33],
        uint8_t *ret_released)
{
        _cleanup_statement_ sqlite3_stmt *row = NULL;
        uint8_t released = 0;
        ret_grant[0] = '\0';
        if (!judge_may_hold_grant(ask->app, ask->organization_key))
                return 0;
        int r = book_prepare(book,
                &BOOK_QUERY(grants_for, or_none(ask->audience), or_none(ask->purpose),
                        or_none(ask->organization_key), ask->app),
                &row);
        while (r == 0 && (r = book_step(book, row)) == 1) {
                const char *grant = (const char *)sqlite3_column_text(row, 0);
                r = covers(row, ask->required, &released);
                if (r != 1)
                        continue;
                if (!grant || !history_is_hex(grant, 32))
                        return 0;
                memcpy(ret_grant, grant, 33);
                *ret_released = released & (ask->required | ask->optional);
                return 0;
        }
        return r;
}

int judge_grant_holds(struct book *book, const char *grant, bool *ret)
{
        int64_t one;
        return book_number(book,
                &BOOK_QUERY("SELECT 1 FROM entry g WHERE" HOLDS
                            "AND json_extract(g.body, '$.grant') = ?1",
                        grant),
                &one, ret);
}

static int append_grant(json_t *list, json_t *body)
{
        (void)json_object_del(body, "event");
        return json_array_append(list, body) < 0 ? -ENOMEM : 0;
}

static int collect(struct book *book, json_t *list, size_t cap)
{
        _cleanup_statement_ sqlite3_stmt *row = NULL;
        size_t used = sizeof "{\"grants\":[]}";
        int r = book_prepare(book,
                &BOOK_QUERY("SELECT g.body FROM entry g WHERE" HOLDS "ORDER BY g.seq DESC", NULL),
                &row);
        while (r == 0 && (r = book_step(book, row)) == 1) {
                _cleanup_json_ json_t *body = NULL;
                used += (size_t)sqlite3_column_bytes(row, 0) + 1;
                if (used > cap)
                        return 0;
                r = read_body(row, 0, &body);
                if (r == 0 && body)
                        r = append_grant(list, body);
        }
        return r;
}

int judge_list_grants(struct book *book, char *dst, size_t cap)
{
        _cleanup_json_ json_t *list = json_array();
        int r = list ? collect(book, list, cap) : -ENOMEM;
        if (r != 0)
                return r;
        _cleanup_json_ json_t *all = json_pack("{s:O}", "grants", list);
        _cleanup_free_ char *text = all ? members_text(all, JSON_COMPACT) : NULL;
        if (!text)
                return -ENOMEM;
        if (strlen(text) >= cap)
                return -EMSGSIZE;
        memcpy(dst, text, strlen(text) + 1);
        return 0;
}
