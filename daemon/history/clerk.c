/* SPDX-License-Identifier: Apache-2.0 */
/* clerk.c: see clerk.h. A row of `answers` is a kind of question; judging and writing are one transaction, then the
 * head is anchored where the row was one that others may miss.
 */
#include "daemon/history/clerk.h"

#include "base/outcome.h"
#include "daemon/history/head.h"
#include "daemon/history/judge.h"
#include "daemon/history/owner.h"
#include "daemon/history/room.h"

#include <stdio.h>

struct clerk {
        struct book *book;
        struct rows_setting setting;
        void (*settled)(void); /* NULL once it was called */
        bool stale;
        struct rows_pruning pruning;
        bool anchored_late; /* a row of ours is in no anchor yet */
        struct history_frame frame;
};

int clerk_new(struct clerk **ret, const char *dir, const struct rows_setting *setting,
        void (*settled)(void))
{
        struct clerk *clerk = calloc(1, sizeof *clerk);
        if (!clerk)
                return -ENOMEM;
        clerk->setting = *setting;
        clerk->settled = settled;
        int r = book_new(&clerk->book, dir);
        if (r < 0) {
                clerk_free(clerk);
                return r;
        }
        *ret = clerk;
        return 0;
}

struct clerk *clerk_free(struct clerk *clerk)
{
        if (!clerk)
                return NULL;
        book_free(clerk->book);
        free(clerk);
        return NULL;
}

/* ---- the book is there ------------------------------------------------------------------------ */

static int mark_interrupted(struct clerk *clerk, int64_t now)
{
        size_t count = 0;
        int r = book_begin(clerk->book);
        if (r == 0)
                r = rows_interrupted(clerk->book, now, &count);
        if (r != 0 || count == 0) {
                book_rollback(clerk->book);
                return r;
        }
        return book_commit(clerk->book);
}

static bool still_open(struct clerk *clerk)
{
        bool folder = true;
        if (!clerk->book->db)
                return false;
        if (book_is_there(clerk->book, &folder))
                return true;
        clerk->stale = !folder;
        book_close(clerk->book);
        return false;
}

static int need_book(struct clerk *clerk, int64_t now)
{
        if (still_open(clerk))
                return 0;
        int r = book_settle(clerk->book);
        if (r == 0 && clerk->settled) {
                clerk->settled();
                clerk->settled = NULL;
        }
        if (r == 0)
                r = book_open(clerk->book, now);
        if (r == 0)
                r = mark_interrupted(clerk, now);
        clerk->anchored_late = true; /* whoever wrote last may not have come to it */
        if (r != 0)
                book_close(clerk->book);
        return r;
}

/* ---- the questions ------------------------------------------------------------------------------ */

static int write_refusal(
        struct clerk *clerk, const struct history_ask_texts *ask, const char *why, int64_t now)
{
        bool more = false;
        int r = judge_tells_more(clerk->book, ask, why, now, &more);
        return r == 0 && more ? rows_refused(clerk->book, ask, why, now) : r;
}

static int judge_and_write(struct clerk *clerk, const struct history_ask_texts *ask, int64_t now,
        struct history_reply *ret)
{
        const char *why = NULL;
        int r = judge_limits(clerk->book, ask, now, &why, &ret->wait_s);
        if (r == OUTCOME_POLICY) {
                r = write_refusal(clerk, ask, why, now);
                if (r == 0)
                        ret->outcome = OUTCOME_POLICY;
                snprintf(ret->detail, sizeof ret->detail, "%s", judge_detail(why));
                return r;
        }
        if (r == 0 && ask->use_grant)
                r = judge_grant(clerk->book, ask, ret->grant, &ret->released);
        return r == 0 ? rows_asked(clerk->book, ask, &clerk->setting, now) : r;
}

/* The answer to the very same question may have been lost with the worker that gave it. */
static int judge_or_repeat(struct clerk *clerk, const struct history_ask_texts *ask, int64_t now,
        struct history_reply *ret)
{
        bool open = false;
        int r = owner_is_open(clerk->book, ask->request, &open);
        if (r != 0 || !open)
                return r == 0 ? judge_and_write(clerk, ask, now, ret) : r;
        return ask->use_grant ? judge_grant(clerk->book, ask, ret->grant, &ret->released) : 0;
}

static int answer_ask(struct clerk *clerk, int64_t now, struct history_reply *ret)
{
        int r = room_keep(clerk->book);
        return r == 0 ? judge_or_repeat(clerk, &clerk->frame.ask, now, ret) : r;
}

static int answer_end(struct clerk *clerk, int64_t now, struct history_reply *ret)
{
        int r = rows_ended(clerk->book, &clerk->frame.end, &clerk->setting, now);
        if (r == OUTCOME_USAGE) {
                ret->outcome = OUTCOME_USAGE;
                snprintf(ret->detail, sizeof ret->detail, "no such request is without an end");
                return 0;
        }
        clerk->anchored_late |= r == 0;
        return r;
}

static int answer_revoke(struct clerk *clerk, int64_t now, struct history_reply *ret)
{
        bool holds = false;
        int r = judge_grant_holds(clerk->book, clerk->frame.grant, &holds);
        if (r == 0 && !holds) {
                ret->outcome = OUTCOME_USAGE;
                snprintf(ret->detail, sizeof ret->detail, "no such permission");
                return 0;
        }
        clerk->anchored_late |= r == 0;
        return r == 0 ? rows_revoked(clerk->book, clerk->frame.grant, now) : r;
}

static int answer_grants(struct clerk *clerk, int64_t now, struct history_reply *ret)
{
        (void)now;
        return judge_list_grants(clerk->book, ret->list, sizeof ret->list);
}

/* By what the daemon knows without us: a rule, a signed request that is no good. */
static int answer_refuse(struct clerk *clerk, int64_t now, struct history_reply *ret)
{
        (void)ret;
        return write_refusal(clerk, &clerk->frame.ask, clerk->frame.why, now);
}

static int (*const answers[])(struct clerk *clerk, int64_t now, struct history_reply *ret) = {
        [HISTORY_ASK] = answer_ask,
        [HISTORY_END] = answer_end,
        [HISTORY_GRANTS] = answer_grants,
        [HISTORY_REVOKE] = answer_revoke,
        [HISTORY_REFUSE] = answer_refuse,
};

/* The rows are on the disk whether this succeeds or not; then the next one anchors them, too. */
static void anchor(struct clerk *clerk, struct history_reply *ret)
{
        struct book_head head;
        if (!clerk->anchored_late)
                return;
        if (head_write(clerk->book, &head) != 0) {
                snprintf(ret->detail, sizeof ret->detail, "%s", book_trouble(clerk->book));
                return;
        }
        clerk->anchored_late = false;
        memcpy(ret->history, clerk->book->id, sizeof ret->history);
        ret->seq = head.seq;
        memcpy(ret->link, head.link, sizeof ret->link);
}

static int within_transaction(struct clerk *clerk, int64_t now, struct history_reply *ret)
{
        int r = book_begin(clerk->book);
        if (r == 0)
                r = answers[clerk->frame.op](clerk, now, ret);
        if (r == 0)
                return book_commit(clerk->book);
        book_rollback(clerk->book);
        return r;
}

static int carry_out(struct clerk *clerk, int64_t now, struct history_reply *ret)
{
        clerk->book->trouble[0] = '\0';
        clerk->book->disk_failed = false;
        int r = need_book(clerk, now);
        return r == 0 ? within_transaction(clerk, now, ret) : r;
}

/* What could not be written says why, in the first words that were found for it. */
static void cannot_record(struct clerk *clerk, int r, struct history_reply *ret)
{
        const char *trouble = r < 0 ? strerror(-r) : book_trouble(clerk->book);
        if (*trouble)
                snprintf(ret->detail, sizeof ret->detail, "%s", trouble);
        ret->outcome = OUTCOME_CANNOT_RECORD;
        ret->grant[0] = ret->list[0] = '\0';
}

int clerk_answer(
        struct clerk *clerk, const void *frame, size_t len, int64_t now, struct history_reply *ret)
{
        int r = history_frame_decode(frame, len, &clerk->frame);
        if (r < 0)
                return r;
        memset(ret, 0, sizeof *ret);
        ret->id = clerk->frame.id;
        r = carry_out(clerk, now, ret);
        if (r != 0 && clerk->frame.op == HISTORY_END && clerk->book->disk_failed && room_hand_out())
                r = carry_out(clerk, now, ret);
        if (r == 0)
                anchor(clerk, ret);
        else
                cannot_record(clerk, r, ret);
        return 0;
}

bool clerk_is_stale(const struct clerk *clerk)
{
        return clerk->stale;
}

bool clerk_tidy(struct clerk *clerk, int64_t now)
{
        if (!clerk->book->db || book_begin(clerk->book) != 0)
                return false;
        int r = rows_prune(clerk->book, &clerk->setting, now, &clerk->pruning);
        if (r == 0)
                r = book_commit(clerk->book);
        if (r != 0) {
                book_rollback(clerk->book);
                clerk->pruning.going_on = false;
        }
        clerk->anchored_late |= clerk->pruning.wrote; /* with the next answer */
        return clerk->pruning.going_on;
}
