/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c: see judge.h. Each limit asks for one row: the one so many back. If that is younger than the limit's
 * time, there were too many since. So no limit costs more than its own number of rows, however long the history.
 */
#include "daemon/history/judge.h"

#include "base/outcome.h"

#include <stdio.h>

#define HOUR_S   3600
#define MINUTE_S 60

/* ---- seen before ------------------------------------------------------------------------------ */

static const char same_request[] = "SELECT 1 FROM entry"
                                   " WHERE json_extract(body, '$.signed_request') = ?1"
                                   " AND json_extract(body, '$.event') = 'asked' LIMIT 1";

static int judge_replay(struct book *book, const struct history_ask_texts *ask, bool *ret)
{
        int64_t one;
        *ret = false;
        if (!*ask->signed_request)
                return 0;
        return book_number(book, &BOOK_QUERY(same_request, ask->signed_request), &one, ret);
}

/* ---- too often -------------------------------------------------------------------------------- */

/* When was the last but ?1 asked: by this app, by anybody. What the holder agreed to along with another request is not
 * another question. */
#define QUESTIONS                                                                                  \
        "SELECT json_extract(body, '$.at') FROM entry"                                             \
        " WHERE json_extract(body, '$.event') = 'asked'"                                           \
        " AND json_extract(body, '$.consent') IS NULL"
static const char asked_by_app[] =
        QUESTIONS " AND json_extract(body, '$.app') = ?2"
                  " ORDER BY seq DESC LIMIT 1 OFFSET CAST(?1 AS INTEGER)";
static const char asked_by_any[] =
        QUESTIONS " ORDER BY seq DESC LIMIT 1 OFFSET CAST(?1 AS INTEGER)";

/* Seconds until a time `span` after `at`, of something that happened; 0: that is over, or never was. */
static uint32_t wait_after(int64_t at, uint32_t span, int64_t now)
{
        if (at > now + HOUR_S || at + (int64_t)span <= now)
                return 0;
        int64_t wait = at + (int64_t)span - now;
        return wait > UINT32_MAX ? UINT32_MAX : (uint32_t)wait;
}

static int judge_rate(
        struct book *book, const char *app, uint32_t limit, int64_t now, uint32_t *ret)
{
        char back[12];
        int64_t at = 0;
        bool found;
        *ret = 0;
        if (limit == 0)
                return 0;
        snprintf(back, sizeof back, "%u", limit - 1);
        const struct book_query query =
                app ? BOOK_QUERY(asked_by_app, back, app) : BOOK_QUERY(asked_by_any, back);
        int r = book_number(book, &query, &at, &found);
        if (r == 0 && found)
                *ret = wait_after(at, HOUR_S, now);
        return r;
}

/* ---- wrong PINs ------------------------------------------------------------------------------- */

/* Ends of this app's requests that wanted a PIN, the latest first; more than the usual limits let happen in a day. */
static const char ends_of_app[] =
        "SELECT json_extract(e.body, '$.outcome'), json_extract(e.body, '$.at'),"
        " json_extract(e.body, '$.detail')"
        " FROM entry a JOIN entry e"
        " ON json_extract(e.body, '$.request') = json_extract(a.body, '$.request')"
        " AND json_extract(e.body, '$.event') = 'ended'"
        " WHERE json_extract(a.body, '$.event') = 'asked'"
        " AND json_extract(a.body, '$.app') = ?1"
        " AND json_extract(a.body, '$.method') <> 'ShowCertificates'"
        " ORDER BY a.seq DESC LIMIT 2000";

/* A try that may have been spent is one that was: who asked could have hung up just before the card said so. */
static bool is_wrong(const char *outcome, const char *detail)
{
        static const char *const doubts[] = { DETAIL_TRY_AT_RISK, DETAIL_WHICH_PIN };
        for (size_t i = 0; detail && i < ARRAY_LEN(doubts); i++)
                if (strcmp(detail, doubts[i]) == 0)
                        return true;
        return strcmp(outcome, outcome_name(OUTCOME_WRONG_PIN)) == 0 ||
               strcmp(outcome, outcome_name(OUTCOME_PIN_BLOCKED)) == 0;
}

/* Only a right PIN ends a row of wrong ones: what was cancelled in between says nothing. */
static int judge_pause(
        struct book *book, const struct history_ask_texts *ask, int64_t now, uint32_t *ret)
{
        _cleanup_statement_ sqlite3_stmt *ends = NULL;
        uint32_t wrong = 0;
        int64_t last = 0;
        *ret = 0;
        if (ask->wrong_pins == 0 || ask->pause_s == 0)
                return 0;
        int r = book_prepare(book, &BOOK_QUERY(ends_of_app, ask->app), &ends);
        while (r == 0 && wrong < ask->wrong_pins && (r = book_step(book, ends)) == 1) {
                const char *outcome = (const char *)sqlite3_column_text(ends, 0);
                const char *detail = (const char *)sqlite3_column_text(ends, 2);
                if (!outcome || strcmp(outcome, "Ok") == 0)
                        return 0;
                if (is_wrong(outcome, detail) && wrong++ == 0)
                        last = sqlite3_column_int64(ends, 1);
                r = 0;
        }
        if (r == 0 && wrong >= ask->wrong_pins)
                *ret = wait_after(last, ask->pause_s, now);
        return r;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static const struct {
        const char *why, *detail;
} words[] = {
        { "replayed", "this signed request was used before" },
        { "paused", DETAIL_PAUSED },
        { "too_often", DETAIL_TOO_OFTEN },
};

const char *judge_detail(const char *why)
{
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (strcmp(words[i].why, why) == 0)
                        return words[i].detail;
        return "";
}

static int refusal(size_t word, uint32_t wait_s, const char **ret_why, uint32_t *ret_wait_s)
{
        *ret_why = words[word].why;
        *ret_wait_s = wait_s;
        return OUTCOME_POLICY;
}

int judge_limits(struct book *book, const struct history_ask_texts *ask, int64_t now,
        const char **ret_why, uint32_t *ret_wait_s)
{
        bool replayed;
        uint32_t pause = 0, app = 0, user = 0;
        int r = judge_replay(book, ask, &replayed);
        if (r != 0 || replayed)
                return r != 0 ? r : refusal(0, 0, ret_why, ret_wait_s);
        r = judge_pause(book, ask, now, &pause);
        if (r != 0 || pause > 0)
                return r != 0 ? r : refusal(1, pause, ret_why, ret_wait_s);
        if (ask->consent[0]) /* counted with the one that it goes along with */
                return 0;
        r = judge_rate(book, ask->app, ask->app_per_hour, now, &app);
        if (r == 0)
                r = judge_rate(book, NULL, ask->user_per_hour, now, &user);
        if (r != 0 || (app == 0 && user == 0))
                return r;
        return refusal(2, app > user ? app : user, ret_why, ret_wait_s);
}

/* ---- how often a refusal is written down -------------------------------------------------------- */

/* When was this app last refused for this, among its latest; and the last but 19 of anybody. */
static const char refused_before[] = "SELECT json_extract(body, '$.at') FROM"
                                     " (SELECT seq, body FROM entry"
                                     " WHERE json_extract(body, '$.event') = 'refused'"
                                     " AND json_extract(body, '$.app') = ?1"
                                     " ORDER BY seq DESC LIMIT 8)"
                                     " WHERE json_extract(body, '$.why') = ?2"
                                     " ORDER BY seq DESC LIMIT 1";
static const char refused_many[] = "SELECT json_extract(body, '$.at') FROM entry"
                                   " WHERE json_extract(body, '$.event') = 'refused'"
                                   " ORDER BY seq DESC LIMIT 1 OFFSET 19";

static int refused_at(struct book *book, const struct book_query *query, int64_t now, bool *ret)
{
        int64_t at = 0;
        bool found = false;
        int r = book_number(book, query, &at, &found);
        *ret = found && at / MINUTE_S == now / MINUTE_S;
        return r;
}

int judge_tells_more(struct book *book, const struct history_ask_texts *ask, const char *why,
        int64_t now, bool *ret)
{
        bool told = false, many = false;
        int r = refused_at(book, &BOOK_QUERY(refused_before, ask->app, why), now, &told);
        if (r == 0)
                r = refused_at(book, &BOOK_QUERY(refused_many, NULL), now, &many);
        if (r == 0)
                *ret = !told && !many;
        return r;
}
