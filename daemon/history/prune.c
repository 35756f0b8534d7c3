/* SPDX-License-Identifier: Apache-2.0 */
/* prune.c: bodies that are older than the owner wants to keep (rows.h; docs/history.md, "Pruning").
 *
 * Once a day, from the front of the history, so many at a time that nobody waits for long; each time a row says how
 * far. What permissions and the chain stand on stays. SQLite writes zeros over what it frees (secure_delete).
 */
#include "daemon/history/rows.h"

#include "base/outcome.h"

#include <stdio.h>

#define AT_ONCE 500
#define DAY_S   86400

/* No further than one go: what is old may be all that there is. */
static const char first_young[] = "SELECT seq FROM entry WHERE seq > CAST(?1 AS INTEGER)"
                                  " AND seq <= CAST(?1 AS INTEGER) + 500"
                                  " AND json_extract(body, '$.at') >= CAST(?2 AS INTEGER)"
                                  " ORDER BY seq LIMIT 1";
_Static_assert(AT_ONCE == 500, "the statement says the same");

static int number_with(struct book *book, const char *sql, int64_t first, int64_t second,
        int64_t *ret, bool *ret_found)
{
        char a[24], b[24];
        snprintf(a, sizeof a, "%lld", (long long)first);
        snprintf(b, sizeof b, "%lld", (long long)second);
        return book_number(book, &BOOK_QUERY(sql, a, b), ret, ret_found);
}

/* Where the last pruning ended and when it was; untouched if none was. */
static int pruned_before(struct book *book, int64_t *ret_through, int64_t *ret_at)
{
        static const char through[] = "SELECT json_extract(body, '$.through') FROM entry"
                                      " WHERE json_extract(body, '$.event') = 'pruned'"
                                      " ORDER BY seq DESC LIMIT 1";
        static const char at[] = "SELECT json_extract(body, '$.at') FROM entry"
                                 " WHERE json_extract(body, '$.event') = 'pruned'"
                                 " ORDER BY seq DESC LIMIT 1";
        bool found;
        int r = book_number(book, &BOOK_QUERY(through, NULL), ret_through, &found);
        return r == 0 ? book_number(book, &BOOK_QUERY(at, NULL), ret_at, &found) : r;
}

/* The last row in front of the first that is young enough, and at most AT_ONCE further than `from`. */
static int find_through(struct book *book, int64_t from, int64_t oldest, int64_t *ret)
{
        struct book_head last;
        bool found;
        int r = book_last(book, &last);
        if (r != 0)
                return r;
        *ret = from;
        if (from < 0 || from > (int64_t)last.seq)
                return 0; /* not what a writer of ours would write */
        int64_t far = from + AT_ONCE < (int64_t)last.seq ? from + AT_ONCE : (int64_t)last.seq;
        int64_t young = far + 1;
        r = number_with(book, first_young, from, oldest, &young, &found);
        if (r == 0)
                *ret = young - 1 < far ? young - 1 : far;
        return r;
}

static int take_bodies(struct book *book, int64_t from, int64_t through)
{
        int64_t ignored;
        bool found;
        return number_with(book,
                "UPDATE entry SET body = NULL WHERE seq > CAST(?1 AS INTEGER)"
                " AND seq <= CAST(?2 AS INTEGER) AND json_extract(body, '$.event')"
                " NOT IN ('created', 'granted', 'revoked', 'pruned')",
                from, through, &ignored, &found);
}

static int write_pruned(struct book *book, int64_t through, int64_t now)
{
        struct book_head head;
        json_t *body = json_pack("{s:s, s:I}", "event", "pruned", "through", (json_int_t)through);
        int r = body ? book_append(book, body, now, &head) : -ENOMEM;
        json_decref(body);
        return r;
}

int rows_prune(struct book *book, const struct rows_setting *setting, int64_t now,
        struct rows_pruning *state)
{
        int64_t from = 0, at = INT64_MIN, through = 0;
        bool began = state->going_on;
        *state = (struct rows_pruning){ 0 };
        if (setting->keep_days == 0)
                return 0;
        int r = pruned_before(book, &from, &at);
        if (r != 0 || (!began && at / DAY_S == now / DAY_S))
                return r;
        r = find_through(book, from, now - (int64_t)setting->keep_days * DAY_S, &through);
        if (r != 0 || through <= from)
                return r;
        r = take_bodies(book, from, through);
        if (r == 0)
                r = write_pruned(book, through, now);
        state->wrote = r == 0;
        state->going_on = r == 0 && through == from + AT_ONCE;
        return r;
}
