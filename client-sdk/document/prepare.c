/* SPDX-License-Identifier: Apache-2.0 */
/* prepare.c: a PDF with room for one more signature (ISO 32000-1 12.7.4.5, 12.8; ETSI EN 319 142-1 5.3): the document, byte for
 * byte, and an update whose objects field.c writes.
 *
 * What was written is read again by the code that judges signatures before anybody is asked to sign it: it must have one signature
 * more, whose range leaves out the room alone, and the same pages. The digest is of those bytes.
 */
#include "client-sdk/document/ink.h"
#include "client-sdk/document/making.h"
#include "client-sdk/document/range.h"

#define LATEST     253402214400 /* the last day of the year 9999 begins */
#define POINTS_MAX 14400

/* ---- the question ---- */

static int read_stamp(struct task *task, struct making_asked *asked, const json_t *stamp)
{
        struct task inner = { .asked = stamp };
        int64_t x = 0, y = 0, width = 0, height = 0;
        int r = json_is_object(stamp) ? asked_int(&inner, "page", 1, PAPER_PAGES_MAX, &asked->page)
                                      : task_no(&inner, "question");
        if (r == 0)
                r = asked_int(&inner, "x", 0, POINTS_MAX, &x);
        if (r == 0)
                r = asked_int(&inner, "y", 0, POINTS_MAX, &y);
        if (r == 0)
                r = asked_int(&inner, "width", 1, POINTS_MAX, &width);
        if (r == 0)
                r = asked_int(&inner, "height", 1, POINTS_MAX, &height);
        if (r == 0)
                r = asked_base64(
                        &inner, "content", DOCUMENT_STAMP_MAX, &asked->ink, &asked->ink_len);
        if (r == 0 && !ink_is_plain(asked->ink, asked->ink_len))
                r = task_no(&inner, "stamp");
        task->verdict = inner.verdict;
        memcpy(asked->corner, (const int[]){ (int)x, (int)y }, sizeof asked->corner);
        memcpy(asked->size, (const int[]){ (int)width, (int)height }, sizeof asked->size);
        return r;
}

static int read_asked(struct task *task, struct making_asked *asked)
{
        const json_t *stamp = json_object_get(task->asked, "stamp");
        int r = asked_hash(task, &asked->hash);
        if (r == 0)
                r = asked_text(task, "name", DOCUMENT_TEXT_MAX, true, &asked->name);
        if (r == 0)
                r = asked_text(task, "reason", DOCUMENT_TEXT_MAX, false, &asked->reason);
        if (r == 0)
                r = asked_text(task, "location", DOCUMENT_TEXT_MAX, false, &asked->location);
        if (r == 0)
                r = asked_int(task, "at", 0, LATEST, &asked->at);
        if (r == 0)
                r = asked_int(task, "room", 1, DOCUMENT_ROOM_MAX, &asked->room);
        return r == 0 && stamp ? read_stamp(task, asked, stamp) : r;
}

/* The byte range is known when all else is written. */
static int fill_range(struct making *making)
{
        struct update *update = making->update;
        uint64_t resume = making->gap + 2 + 2 * (uint64_t)making->asked->room;
        char range[MAKING_RANGE_WIDTH + 1];
        int len = snprintf(range, sizeof range, "[ 0 %llu %llu %llu ]",
                (unsigned long long)making->gap, (unsigned long long)resume,
                (unsigned long long)(update->base + update->len - resume));
        if (len < 0 || len > MAKING_RANGE_WIDTH)
                return -EOVERFLOW;
        memcpy(update->text + (making->range_at - update->base), range, (size_t)len);
        return 0;
}

static int make_update(struct making *making)
{
        struct verdict *verdict = &making->task->verdict;
        struct tail tail;
        if (!tail_find(making->paper->data, making->paper->len, &tail))
                return making_damaged(making, "Its end cannot be found.");
        int r = making_write_objects(making);
        if (r == 0)
                r = update_end(making->update, making->paper, &tail, verdict);
        if (r == 0 && making->update->len > UPDATE_MAX)
                r = verdict_no(verdict, "too-large", NULL);
        return r == 0 ? fill_range(making) : r;
}

/* ---- what came of it ---- */

static int compare(struct making *making, const struct paper *made)
{
        _cleanup_free_ struct paper_signature *signatures =
                calloc(making->signatures + 1, sizeof *signatures);
        size_t pages = 0, count = 0;
        struct verdict *verdict = &making->task->verdict;
        struct range range;
        if (!signatures)
                return -ENOMEM;
        int r = paper_pages(made, 0, NULL, &pages, verdict);
        if (r == 0)
                r = paper_signatures(made, signatures, making->signatures + 1, &count, verdict);
        if (r == 0 && (pages != making->pages || count != making->signatures + 1))
                r = making_damaged(
                        making, "It cannot be added to without a change of something else.");
        if (r == 0)
                r = range_read(made, signatures[count - 1].value, &range, verdict);
        if (r == 0 && (range.gap != making->gap || range.covers != made->len))
                r = making_damaged(making, "What was added to it is not found again.");
        return r;
}

static int hash_made(struct making *making, const struct map *map)
{
        _cleanup_digest_ EVP_MD_CTX *digest = NULL;
        size_t gap = (size_t)making->gap, resume = gap + 2 + 2 * (size_t)making->asked->room;
        json_t *answer = making->task->answer;
        int r = digest_new(&digest, making->asked->hash);
        if (r == 0)
                r = digest_add(digest, map->data, gap);
        if (r == 0)
                r = digest_add(digest, map->data + resume, map->len - resume);
        if (r == 0)
                r = digest_say(digest, answer, "digest");
        if (r == 0)
                r = task_say(answer, "offset", json_integer((json_int_t)making->gap));
        if (r == 0)
                r = task_say(answer, "room", json_integer(making->asked->room));
        return r == 0 ? task_say(answer, "size", json_integer((json_int_t)map->len)) : r;
}

static int prove(struct making *making, const struct sink *sink)
{
        _cleanup_map_ struct map map = { 0 };
        _cleanup_paper_ struct paper made = { 0 };
        struct verdict *verdict = &making->task->verdict;
        int r = map_file(&map, sink->fd, sink->size, verdict);
        if (r == 0)
                r = paper_open(&made, map.data, map.len, verdict);
        if (r == 0)
                r = compare(making, &made);
        return r == 0 ? hash_made(making, &map) : r;
}

static int write_all(struct making *making)
{
        struct task *task = making->task;
        struct sink sink;
        int r = sink_open(&sink, task->output, &task->source, true, &task->verdict);
        if (r != 0)
                return r;
        r = source_copy(&task->source, 0, task->source.size, &sink, &task->verdict);
        if (r == 0)
                r = source_unchanged(&task->source, &task->verdict);
        if (r == 0)
                r = sink_put(&sink, making->update->text, making->update->len, &task->verdict);
        if (r == 0)
                r = prove(making, &sink);
        if (r != 0)
                sink_empty(&sink);
        return r;
}

/* ---- the document ---- */

static int look(struct making *making)
{
        const struct paper *paper = making->paper;
        struct verdict *verdict = &making->task->verdict;
        _cleanup_free_ struct paper_signature *signatures =
                calloc(DOCUMENT_SIGNATURES_MAX, sizeof *signatures);
        size_t wanted = making->asked->page > 0 ? (size_t)making->asked->page : 1;
        if (!signatures)
                return -ENOMEM;
        int r = paper_pages(paper, wanted, &making->page, &making->pages, verdict);
        if (r == 0 && making->pages < wanted)
                r = verdict_no(verdict, "page", NULL);
        if (r == 0)
                r = paper_signatures(
                        paper, signatures, DOCUMENT_SIGNATURES_MAX, &making->signatures, verdict);
        if (r == 0 && paper_is_certified(paper, signatures,
                              base_min(making->signatures, DOCUMENT_SIGNATURES_MAX)))
                r = verdict_no(verdict, "certified", NULL);
        return r;
}

static int prepare(struct task *task, const struct making_asked *asked)
{
        _cleanup_map_ struct map map = { 0 };
        _cleanup_paper_ struct paper paper = { 0 };
        _cleanup_update_ struct update update = { 0 };
        struct making making = { .task = task, .asked = asked, .paper = &paper, .update = &update };
        int r = map_file(&map, task->source.fd, task->source.size, &task->verdict);
        if (r == 0)
                r = paper_open(&paper, map.data, map.len, &task->verdict);
        if (r == 0)
                r = look(&making);
        if (r == 0)
                r = update_begin(&update, &paper, &task->verdict);
        if (r == 0)
                r = make_update(&making);
        return r == 0 ? write_all(&making) : r;
}

int task_prepare(struct task *task)
{
        struct making_asked asked = { 0 };
        int r = read_asked(task, &asked);
        if (r == 0)
                r = prepare(task, &asked);
        free(asked.ink);
        return r;
}
