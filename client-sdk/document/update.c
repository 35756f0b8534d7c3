/* SPDX-License-Identifier: Apache-2.0 */
/* update.c: see update.h. Not one byte of the PDF before is touched, so whoever signed it has still signed it.
 *
 * The new trailer is the newest one with what belongs to its own section taken out: so what others keep there stays. A file whose
 * newest section is a stream gets a stream, since a reader of such files need not know tables, and the other way round; a
 * hybrid file's newest section is a table.
 */
#include "client-sdk/document/update.h"

#include "base/bytes.h"

#include <sys/random.h>

#define TABLE_OFFSET_MAX  9999999999ULL
#define STREAM_OFFSET_MAX 0xFFFFFFFFFFULL /* five bytes */
#define STREAM_ROW        8               /* W [1 5 2] */
#define NUMBER_MAX        8388607         /* objects a PDF may have (annex C) */
#define GENERATION_MAX    65535

/* Where the library found fault with a file, the number that it would give itself; it reads all objects for that. */
static int64_t first_unused(const struct paper *paper)
{
        if (!qpdf_more_warnings(paper->q))
                return 0;
        qpdf_oh made = qpdf_make_indirect_object(paper->q, qpdf_oh_new_null(paper->q));
        return qpdf_oh_get_object_id(paper->q, made);
}

int update_begin(struct update *ret, const struct paper *paper, struct verdict *verdict)
{
        struct update update = { .base = paper->len };
        if (!paper_integer(paper, paper_get(paper, paper->trailer, "/Size"), &update.next) ||
                update.next < 1 || update.next > NUMBER_MAX - UPDATE_OBJECTS_MAX)
                return verdict_no(verdict, "damaged", "It does not tell how many objects it has.");
        int64_t unused = first_unused(paper);
        if (unused > update.next && unused < NUMBER_MAX - UPDATE_OBJECTS_MAX)
                update.next = unused;
        *ret = update;
        ret->file = open_memstream(&ret->text, &ret->len);
        if (!ret->file)
                return -ENOMEM;
        if (paper->data[paper->len - 1] != '\n' && paper->data[paper->len - 1] != '\r')
                fputc('\n', ret->file);
        return 0;
}

void update_drop(struct update *update)
{
        if (update->file)
                fclose(update->file);
        free(update->text);
        update->file = NULL;
        update->text = NULL;
}

int update_new(struct update *update, const struct paper *paper, struct object *ret,
        qpdf_oh *ret_reference, struct verdict *verdict)
{
        int id = (int)update->next;
        qpdf_oh there = qpdf_get_object_by_id(paper->q, id, 0);
        if (!paper_is(paper, there, ot_null))
                return verdict_no(verdict, "damaged", "It has more objects than it tells.");
        qpdf_replace_object(paper->q, id, 0, qpdf_oh_new_dictionary(paper->q));
        *ret_reference = qpdf_get_object_by_id(paper->q, id, 0);
        if (qpdf_oh_get_object_id(paper->q, *ret_reference) != id)
                return -ENOMEM;
        *ret = (struct object){ id, 0 };
        update->next++;
        return 0;
}

uint64_t update_at(struct update *update)
{
        long at = ftell(update->file);
        return update->base + (at < 0 ? 0 : (uint64_t)at);
}

void update_object(struct update *update, struct object object)
{
        if (update->count < UPDATE_OBJECTS_MAX) {
                update->rows[update->count].object = object;
                update->rows[update->count].at = update_at(update);
        }
        update->count++;
        fprintf(update->file, "%d %d obj\n", object.id, object.generation);
}

/* ---- cross-references ---- */

static int by_id(const void *a, const void *b)
{
        const struct object *one = a, *other = b; /* the rows begin with it */
        return (one->id > other->id) - (one->id < other->id);
}

/* Rows from `first` on whose numbers follow each other. */
static size_t run_of(const struct update *update, size_t first)
{
        size_t count = 1;
        while (first + count < update->count &&
                update->rows[first + count].object.id == update->rows[first].object.id + (int)count)
                count++;
        return count;
}

static void set(const struct paper *paper, const char *key, long long value)
{
        qpdf_oh_replace_key(paper->q, paper->trailer, key, qpdf_oh_new_integer(paper->q, value));
}

/* The first part names the document for good, the second this state of it (14.4). */
static int set_id(const struct paper *paper)
{
        uint8_t fresh[16];
        qpdf_oh old = paper_get(paper, paper->trailer, "/ID"), id = qpdf_oh_new_array(paper->q);
        if (getrandom(fresh, sizeof fresh, 0) != sizeof fresh)
                return -EIO;
        qpdf_oh changed = qpdf_oh_new_binary_string(paper->q, (const char *)fresh, sizeof fresh);
        qpdf_oh first =
                paper_is(paper, old, ot_array) && qpdf_oh_get_array_n_items(paper->q, old) == 2
                        ? qpdf_oh_get_array_item(paper->q, old, 0)
                        : changed;
        qpdf_oh_append_item(paper->q, id, paper_is(paper, first, ot_string) ? first : changed);
        qpdf_oh_append_item(paper->q, id, changed);
        qpdf_oh_replace_key(paper->q, paper->trailer, "/ID", id);
        return 0;
}

static int set_trailer(
        const struct update *update, const struct paper *paper, const struct tail *tail)
{
        static const char *const old[] = { "/XRefStm", "/Type", "/W", "/Index", "/Length",
                "/Filter", "/DecodeParms", "/DL", "/F", "/FFilter", "/FDecodeParms" };
        for (size_t i = 0; i < ARRAY_LEN(old); i++)
                qpdf_oh_remove_key(paper->q, paper->trailer, old[i]);
        set(paper, "/Size", update->next);
        set(paper, "/Prev", (long long)tail->at);
        return set_id(paper);
}

static void write_table(struct update *update, const struct paper *paper)
{
        fputs("xref\n", update->file);
        for (size_t first = 0, many; first < update->count; first += many) {
                many = run_of(update, first);
                fprintf(update->file, "%d %zu\n", update->rows[first].object.id, many);
                for (size_t i = first; i < first + many; i++)
                        fprintf(update->file, "%010llu %05d n \n",
                                (unsigned long long)update->rows[i].at,
                                update->rows[i].object.generation);
        }
        fprintf(update->file, "trailer\n%s\n", qpdf_oh_unparse_resolved(paper->q, paper->trailer));
}

static void write_row(struct update *update, size_t i)
{
        uint8_t row[STREAM_ROW];
        struct out out = out_new(row, sizeof row);
        out_u8(&out, 1);
        out_u8(&out, (uint8_t)(update->rows[i].at >> 32));
        out_u32(&out, (uint32_t)update->rows[i].at);
        out_u16(&out, (uint16_t)update->rows[i].object.generation);
        fwrite(row, 1, out.len, update->file);
}

static void write_stream(struct update *update, const struct paper *paper)
{
        char widths[] = "[ 1 5 2 ]";
        qpdf_oh index = qpdf_oh_new_array(paper->q);
        for (size_t first = 0, many; first < update->count; first += many) {
                many = run_of(update, first);
                qpdf_oh_append_item(paper->q, index,
                        qpdf_oh_new_integer(paper->q, update->rows[first].object.id));
                qpdf_oh_append_item(
                        paper->q, index, qpdf_oh_new_integer(paper->q, (long long)many));
        }
        set(paper, "/Length", (long long)(STREAM_ROW * update->count));
        qpdf_oh_replace_key(paper->q, paper->trailer, "/Type", qpdf_oh_new_name(paper->q, "/XRef"));
        qpdf_oh_replace_key(paper->q, paper->trailer, "/W", qpdf_oh_parse(paper->q, widths));
        qpdf_oh_replace_key(paper->q, paper->trailer, "/Index", index);
        fprintf(update->file, "%s\nstream\n", qpdf_oh_unparse_resolved(paper->q, paper->trailer));
        for (size_t i = 0; i < update->count; i++)
                write_row(update, i);
        fputs("\nendstream\nendobj\n", update->file);
}

static bool rows_fit(const struct update *update, uint64_t most)
{
        for (size_t i = 0; i < update->count; i++)
                if (update->rows[i].at > most || update->rows[i].object.generation < 0 ||
                        update->rows[i].object.generation > GENERATION_MAX)
                        return false;
        return true;
}

static int finish(struct update *update, uint64_t section)
{
        fprintf(update->file, "startxref\n%llu\n%%%%EOF\n", (unsigned long long)section);
        bool failed = ferror(update->file) != 0;
        failed = fclose(update->file) != 0 || failed;
        update->file = NULL;
        return failed ? -ENOMEM : 0;
}

int update_end(struct update *update, const struct paper *paper, const struct tail *tail,
        struct verdict *verdict)
{
        struct object self = { (int)update->next, 0 };
        uint64_t section = update_at(update);
        if (tail->stream) {
                update->next++;
                update_object(update, self);
        }
        if (update->count > UPDATE_OBJECTS_MAX)
                return -ENOSPC;
        qsort(update->rows, update->count, sizeof update->rows[0], by_id);
        if (!rows_fit(update, tail->stream ? STREAM_OFFSET_MAX : TABLE_OFFSET_MAX))
                return verdict_no(verdict, "too-large", NULL);
        int r = set_trailer(update, paper, tail);
        if (r < 0)
                return r;
        if (tail->stream)
                write_stream(update, paper);
        else
                write_table(update, paper);
        r = paper_sound(paper, NULL, verdict);
        return r == 0 ? finish(update, section) : r;
}
