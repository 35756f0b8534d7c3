/* SPDX-License-Identifier: Apache-2.0 */
/* prepare.c: a PDF with room for one more signature (ISO 32000-1 12.7.4.5, 12.8; ETSI EN 319 142-1 5.3): the document, byte for
 * byte, and an update with the signature's dictionary, a field that shows it, and whatever has to name that field: the page, the form
 * or their lists, each only if it must change.
 *
 * What was written is read again by the code that judges signatures before anybody is asked to sign it: it must have one signature
 * more, whose range leaves out the room alone, and the same pages. The digest is of those bytes.
 */
#include "client-sdk/document/ink.h"
#include "client-sdk/document/place.h"
#include "client-sdk/document/range.h"
#include "client-sdk/document/update.h"
#include "client-sdk/document/works.h"

#include <time.h>
#include <zlib.h>

#define EDITS_MAX   8
#define RANGE_WIDTH 48
#define TEHRAN      (3 * 3600 + 30 * 60)
#define LATEST      253402214400 /* the last day of the year 9999 begins */
#define POINTS_MAX  14400
#define VISIBLE     132 /* /F: print, locked */

struct asked {
        const EVP_MD *hash;
        const char *name, *reason, *location;
        int64_t at, room;
        int64_t page; /* 0: no stamp, and the field is on the first page */
        int corner[2], size[2];
        uint8_t *ink;
        size_t ink_len;
};

/* One document on its way. */
struct work {
        struct task *task;
        const struct asked *asked;
        const struct paper *paper;
        struct update *update;
        size_t pages, signatures; /* as they were */
        qpdf_oh page;
        qpdf_oh edits[EDITS_MAX]; /* objects of the document that have to be written anew */
        size_t edit_count;
        struct object signature, field, appearance;
        qpdf_oh field_reference;
        uint64_t range_at, gap; /* in the file: the byte range's place, the room's "<" */
};

static int damaged(struct work *work, const char *detail)
{
        return verdict_no(&work->task->verdict, "damaged", detail);
}

/* ---- the question ---- */

static int read_stamp(struct task *task, struct asked *asked, const json_t *stamp)
{
        struct task inner = { .asked = stamp };
        int64_t x = 0, y = 0, width = 0, height = 0;
        int r = json_is_object(stamp) ? task_int(&inner, "page", 1, PAPER_PAGES_MAX, &asked->page)
                                      : task_no(&inner, "question");
        if (r == 0)
                r = task_int(&inner, "x", 0, POINTS_MAX, &x);
        if (r == 0)
                r = task_int(&inner, "y", 0, POINTS_MAX, &y);
        if (r == 0)
                r = task_int(&inner, "width", 1, POINTS_MAX, &width);
        if (r == 0)
                r = task_int(&inner, "height", 1, POINTS_MAX, &height);
        if (r == 0)
                r = task_base64(
                        &inner, "content", DOCUMENT_STAMP_MAX, &asked->ink, &asked->ink_len);
        if (r == 0 && !ink_is_plain(asked->ink, asked->ink_len))
                r = task_no(&inner, "stamp");
        task->verdict = inner.verdict;
        memcpy(asked->corner, (const int[]){ (int)x, (int)y }, sizeof asked->corner);
        memcpy(asked->size, (const int[]){ (int)width, (int)height }, sizeof asked->size);
        return r;
}

static int read_asked(struct task *task, struct asked *asked)
{
        const json_t *stamp = json_object_get(task->asked, "stamp");
        int r = task_hash(task, &asked->hash);
        if (r == 0)
                r = task_text(task, "name", DOCUMENT_TEXT_MAX, true, &asked->name);
        if (r == 0)
                r = task_text(task, "reason", DOCUMENT_TEXT_MAX, false, &asked->reason);
        if (r == 0)
                r = task_text(task, "location", DOCUMENT_TEXT_MAX, false, &asked->location);
        if (r == 0)
                r = task_int(task, "at", 0, LATEST, &asked->at);
        if (r == 0)
                r = task_int(task, "room", 1, DOCUMENT_ROOM_MAX, &asked->room);
        return r == 0 && stamp ? read_stamp(task, asked, stamp) : r;
}

/* ---- what has to name the field ---- */

static int edit(struct work *work, qpdf_oh object)
{
        int id = qpdf_oh_get_object_id(work->paper->q, object);
        if (id < 1)
                return damaged(work, "What has to change is no object of its own.");
        for (size_t i = 0; i < work->edit_count; i++)
                if (qpdf_oh_get_object_id(work->paper->q, work->edits[i]) == id)
                        return 0;
        if (work->edit_count == EDITS_MAX)
                return -ENOSPC;
        work->edits[work->edit_count++] = object;
        return 0;
}

static bool is_indirect(const struct work *work, qpdf_oh object)
{
        return qpdf_oh_get_object_id(work->paper->q, object) > 0;
}

/* The field at the end of a list in `dictionary`, which is `owner` or a part of it. */
static int append(struct work *work, qpdf_oh owner, qpdf_oh dictionary, const char *key)
{
        const struct paper *paper = work->paper;
        qpdf_oh list = paper_get(paper, dictionary, key);
        bool none = paper_is(paper, list, ot_null);
        if (!none && !paper_is(paper, list, ot_array))
                return damaged(work, "A list of its form or of a page is none.");
        if (none)
                list = qpdf_oh_new_array(paper->q);
        qpdf_oh_append_item(paper->q, list, work->field_reference);
        if (!none && is_indirect(work, list))
                return edit(work, list);
        qpdf_oh_replace_key(paper->q, dictionary, key, list);
        return edit(work, owner);
}

/* /SigFlags 3: there are signatures, and the file must only be added to. */
static int append_to_form(struct work *work)
{
        const struct paper *paper = work->paper;
        qpdf_oh form = paper_get(paper, paper->root, "/AcroForm");
        int64_t flags = 0;
        bool none = paper_is(paper, form, ot_null);
        if (!none && !paper_is(paper, form, ot_dictionary))
                return damaged(work, "Its form is none.");
        if (none)
                form = qpdf_oh_new_dictionary(paper->q);
        qpdf_oh owner = !none && is_indirect(work, form) ? form : paper->root;
        int r = append(work, owner, form, "/Fields");
        bool flagged = paper_integer(paper, paper_get(paper, form, "/SigFlags"), &flags) &&
                       (flags & 3) == 3 && flags <= INT32_MAX && flags > 0;
        if (r != 0 || flagged)
                return r;
        flags = flags > 0 && flags <= INT32_MAX ? flags | 3 : 3;
        qpdf_oh_replace_key(paper->q, form, "/SigFlags", qpdf_oh_new_integer(paper->q, flags));
        if (!is_indirect(work, form))
                qpdf_oh_replace_key(paper->q, paper->root, "/AcroForm", form);
        return edit(work, owner);
}

/* ---- what is written ---- */

static void put_text(struct work *work, const char *key, const char *text)
{
        qpdf_data q = work->paper->q;
        if (text && *text)
                fprintf(work->update->file, "%s %s\n", key,
                        qpdf_oh_unparse(q, qpdf_oh_new_unicode_string(q, text)));
}

static int write_signature(struct work *work)
{
        FILE *file = work->update->file;
        struct tm tm;
        time_t there = (time_t)(work->asked->at + TEHRAN);
        char moment[32];
        if (!gmtime_r(&there, &tm) ||
                strftime(moment, sizeof moment, "%Y%m%d%H%M%S+03'30'", &tm) == 0)
                return -EINVAL;
        update_object(work->update, work->signature);
        fputs("<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached\n", file);
        fputs("/ByteRange ", file);
        work->range_at = update_at(work->update);
        fprintf(file, "%*s\n/Contents ", RANGE_WIDTH, "");
        work->gap = update_at(work->update);
        fputc('<', file);
        for (int64_t i = 0; i < work->asked->room; i++)
                fputs("00", file);
        fprintf(file, ">\n/M (D:%s)\n", moment);
        put_text(work, "/Name", work->asked->name);
        put_text(work, "/Reason", work->asked->reason);
        put_text(work, "/Location", work->asked->location);
        fputs(">>\nendobj\n", file);
        return 0;
}

static int write_appearance(struct work *work, const struct place *place)
{
        FILE *file = work->update->file;
        const int *m = place->matrix;
        uLongf len = compressBound(work->asked->ink_len);
        _cleanup_free_ uint8_t *stream = malloc(len);
        if (!stream || compress(stream, &len, work->asked->ink, work->asked->ink_len) != Z_OK)
                return -ENOMEM;
        update_object(work->update, work->appearance);
        fprintf(file,
                "<< /Type /XObject /Subtype /Form /FormType 1 /BBox [ 0 0 %d %d ]\n"
                "/Matrix [ %d %d %d %d 0 0 ] /Resources << >> /Filter /FlateDecode /Length %lu "
                ">>\nstream\n",
                work->asked->size[0], work->asked->size[1], m[0], m[1], m[2], m[3], len);
        fwrite(stream, 1, len, file);
        fputs("\nendstream\nendobj\n", file);
        return 0;
}

/* "Mohr1" and so on: the first that is higher than any there is. */
static int64_t field_number(const struct work *work)
{
        const struct paper *paper = work->paper;
        qpdf_oh fields = paper_get(paper, paper_get(paper, paper->root, "/AcroForm"), "/Fields");
        int many =
                paper_is(paper, fields, ot_array) ? qpdf_oh_get_array_n_items(paper->q, fields) : 0;
        int64_t highest = 0;
        for (int i = 0; i < many && i < PAPER_FIELDS_MAX; i++) {
                char name[32];
                int number = 0, read = 0;
                qpdf_oh field = qpdf_oh_get_array_item(paper->q, fields, i);
                if (paper_text(paper, paper_get(paper, field, "/T"), name, sizeof name) &&
                        sscanf(name, "Mohr%9d%n", &number, &read) == 1 && !name[read] &&
                        number > highest)
                        highest = number;
        }
        return highest + 1;
}

static void write_field(struct work *work, const struct place *place, int64_t number)
{
        FILE *file = work->update->file;
        const double *r = place->rectangle;
        qpdf_data q = work->paper->q;
        update_object(work->update, work->field);
        fprintf(file,
                "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Mohr%lld) /V %d 0 R /F %d\n"
                "/Rect [ %.2f %.2f %.2f %.2f ] /P %d %d R",
                (long long)number, work->signature.id, VISIBLE, r[0], r[1], r[2], r[3],
                qpdf_oh_get_object_id(q, work->page), qpdf_oh_get_generation(q, work->page));
        if (work->asked->page > 0)
                fprintf(file, " /AP << /N %d 0 R >>", work->appearance.id);
        fputs(" >>\nendobj\n", file);
}

static void write_edits(struct work *work)
{
        qpdf_data q = work->paper->q;
        for (size_t i = 0; i < work->edit_count; i++) {
                struct object object = { qpdf_oh_get_object_id(q, work->edits[i]),
                        qpdf_oh_get_generation(q, work->edits[i]) };
                update_object(work->update, object);
                fprintf(work->update->file, "%s\nendobj\n",
                        qpdf_oh_unparse_resolved(q, work->edits[i]));
        }
}

/* ---- the update ---- */

static int reserve(struct work *work)
{
        struct verdict *verdict = &work->task->verdict;
        qpdf_oh reference;
        int r = update_new(work->update, work->paper, &work->signature, &reference, verdict);
        if (r == 0)
                r = update_new(
                        work->update, work->paper, &work->field, &work->field_reference, verdict);
        if (r == 0 && work->asked->page > 0)
                r = update_new(work->update, work->paper, &work->appearance, &reference, verdict);
        return r;
}

static int write_objects(struct work *work)
{
        struct place place = { 0 };
        int64_t number = field_number(work);
        int r = reserve(work);
        if (r == 0 && work->asked->page > 0)
                r = place_on_page(work->paper, work->page, work->asked->corner, work->asked->size,
                        &place, &work->task->verdict);
        if (r == 0)
                r = append_to_form(work);
        if (r == 0)
                r = append(work, work->page, work->page, "/Annots");
        if (r == 0)
                r = write_signature(work);
        if (r == 0 && work->asked->page > 0)
                r = write_appearance(work, &place);
        if (r != 0)
                return r;
        write_field(work, &place, number);
        write_edits(work);
        return paper_sound(work->paper, NULL, &work->task->verdict);
}

/* The byte range is known when all else is written. */
static int fill_range(struct work *work)
{
        struct update *update = work->update;
        uint64_t resume = work->gap + 2 + 2 * (uint64_t)work->asked->room;
        char range[RANGE_WIDTH + 1];
        int len = snprintf(range, sizeof range, "[ 0 %llu %llu %llu ]",
                (unsigned long long)work->gap, (unsigned long long)resume,
                (unsigned long long)(update->base + update->len - resume));
        if (len < 0 || len > RANGE_WIDTH)
                return -EOVERFLOW;
        memcpy(update->text + (work->range_at - update->base), range, (size_t)len);
        return 0;
}

static int make_update(struct work *work)
{
        struct verdict *verdict = &work->task->verdict;
        struct tail tail;
        if (!tail_find(work->paper->data, work->paper->len, &tail))
                return damaged(work, "Its end cannot be found.");
        int r = write_objects(work);
        if (r == 0)
                r = update_end(work->update, work->paper, &tail, verdict);
        if (r == 0 && work->update->len > UPDATE_MAX)
                r = verdict_no(verdict, "too-large", NULL);
        return r == 0 ? fill_range(work) : r;
}

/* ---- what came of it ---- */

static int compare(struct work *work, const struct paper *made)
{
        _cleanup_free_ struct paper_signature *signatures =
                calloc(work->signatures + 1, sizeof *signatures);
        size_t pages = 0, count = 0;
        struct verdict *verdict = &work->task->verdict;
        struct range range;
        if (!signatures)
                return -ENOMEM;
        int r = paper_pages(made, 0, NULL, &pages, verdict);
        if (r == 0)
                r = paper_signatures(made, signatures, work->signatures + 1, &count, verdict);
        if (r == 0 && (pages != work->pages || count != work->signatures + 1))
                r = damaged(work, "It cannot be added to without a change of something else.");
        if (r == 0)
                r = range_read(made, signatures[count - 1].value, &range, verdict);
        if (r == 0 && (range.gap != work->gap || range.covers != made->len))
                r = damaged(work, "What was added to it is not found again.");
        return r;
}

static int hash_made(struct work *work, const struct map *map)
{
        _cleanup_digest_ EVP_MD_CTX *digest = NULL;
        size_t gap = (size_t)work->gap, resume = gap + 2 + 2 * (size_t)work->asked->room;
        json_t *answer = work->task->answer;
        int r = digest_new(&digest, work->asked->hash);
        if (r == 0)
                r = digest_add(digest, map->data, gap);
        if (r == 0)
                r = digest_add(digest, map->data + resume, map->len - resume);
        if (r == 0)
                r = digest_say(digest, answer, "digest");
        if (r == 0)
                r = task_say(answer, "offset", json_integer((json_int_t)work->gap));
        if (r == 0)
                r = task_say(answer, "room", json_integer(work->asked->room));
        return r == 0 ? task_say(answer, "size", json_integer((json_int_t)map->len)) : r;
}

static int prove(struct work *work, const struct sink *sink)
{
        _cleanup_map_ struct map map = { 0 };
        _cleanup_paper_ struct paper made = { 0 };
        struct verdict *verdict = &work->task->verdict;
        int r = map_file(&map, sink->fd, sink->size, verdict);
        if (r == 0)
                r = paper_open(&made, map.data, map.len, verdict);
        if (r == 0)
                r = compare(work, &made);
        return r == 0 ? hash_made(work, &map) : r;
}

static int write_all(struct work *work)
{
        struct task *task = work->task;
        struct sink sink;
        int r = sink_open(&sink, task->output, &task->source, true, &task->verdict);
        if (r != 0)
                return r;
        r = source_copy(&task->source, 0, task->source.size, &sink, &task->verdict);
        if (r == 0)
                r = source_unchanged(&task->source, &task->verdict);
        if (r == 0)
                r = sink_put(&sink, work->update->text, work->update->len, &task->verdict);
        if (r == 0)
                r = prove(work, &sink);
        if (r != 0)
                sink_empty(&sink);
        return r;
}

/* ---- the document ---- */

static int look(struct work *work)
{
        const struct paper *paper = work->paper;
        struct verdict *verdict = &work->task->verdict;
        _cleanup_free_ struct paper_signature *signatures =
                calloc(DOCUMENT_SIGNATURES_MAX, sizeof *signatures);
        size_t wanted = work->asked->page > 0 ? (size_t)work->asked->page : 1;
        if (!signatures)
                return -ENOMEM;
        int r = paper_pages(paper, wanted, &work->page, &work->pages, verdict);
        if (r == 0 && work->pages < wanted)
                r = verdict_no(verdict, "page", NULL);
        if (r == 0)
                r = paper_signatures(
                        paper, signatures, DOCUMENT_SIGNATURES_MAX, &work->signatures, verdict);
        if (r == 0 && paper_is_certified(paper, signatures,
                              base_min(work->signatures, DOCUMENT_SIGNATURES_MAX)))
                r = verdict_no(verdict, "certified", NULL);
        return r;
}

static int prepare(struct task *task, const struct asked *asked)
{
        _cleanup_map_ struct map map = { 0 };
        _cleanup_paper_ struct paper paper = { 0 };
        _cleanup_update_ struct update update = { 0 };
        struct work work = { .task = task, .asked = asked, .paper = &paper, .update = &update };
        int r = map_file(&map, task->source.fd, task->source.size, &task->verdict);
        if (r == 0)
                r = paper_open(&paper, map.data, map.len, &task->verdict);
        if (r == 0)
                r = look(&work);
        if (r == 0)
                r = update_begin(&update, &paper, &task->verdict);
        if (r == 0)
                r = make_update(&work);
        return r == 0 ? write_all(&work) : r;
}

int work_prepare(struct task *task)
{
        struct asked asked = { 0 };
        int r = read_asked(task, &asked);
        if (r == 0)
                r = prepare(task, &asked);
        free(asked.ink);
        return r;
}
