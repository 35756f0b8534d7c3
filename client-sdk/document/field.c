/* SPDX-License-Identifier: Apache-2.0 */
/* field.c: the objects of one more signature in a PDF (ISO 32000-1 12.7.4.5, 12.8; ETSI EN 319 142-1 5.3): its dictionary with room for
 * the value, a field that is at the same time its picture on a page, and that picture. The page, the form or their lists have to name
 * the field; of these only those are written again that must change.
 */
#include "client-sdk/document/making.h"
#include "client-sdk/document/place.h"

#include <time.h>
#include <zlib.h>

#define TEHRAN  (3 * 3600 + 30 * 60)
#define VISIBLE 132 /* /F: print, locked */

/* ---- what has to name the field ---- */

static int edit(struct making *making, qpdf_oh object)
{
        int id = qpdf_oh_get_object_id(making->paper->q, object);
        if (id < 1)
                return making_damaged(making, "What has to change is no object of its own.");
        for (size_t i = 0; i < making->edit_count; i++)
                if (qpdf_oh_get_object_id(making->paper->q, making->edits[i]) == id)
                        return 0;
        if (making->edit_count == MAKING_EDITS_MAX)
                return -ENOSPC;
        making->edits[making->edit_count++] = object;
        return 0;
}

static bool is_indirect(const struct making *making, qpdf_oh object)
{
        return qpdf_oh_get_object_id(making->paper->q, object) > 0;
}

/* One list may serve form and page. */
static bool ends_with_field(const struct making *making, qpdf_oh list)
{
        qpdf_data q = making->paper->q;
        int many = qpdf_oh_get_array_n_items(q, list);
        return many > 0 && qpdf_oh_get_object_id(q, qpdf_oh_get_array_item(q, list, many - 1)) ==
                                   making->field.id;
}

/* The field at the end of a list in `dictionary`, which is `owner` or a part of it. */
static int append(struct making *making, qpdf_oh owner, qpdf_oh dictionary, const char *key)
{
        const struct paper *paper = making->paper;
        qpdf_oh list = paper_get(paper, dictionary, key);
        bool none = paper_is(paper, list, ot_null);
        if (!none && !paper_is(paper, list, ot_array))
                return making_damaged(making, "A list of its form or of a page is none.");
        if (none)
                list = qpdf_oh_new_array(paper->q);
        if (!ends_with_field(making, list))
                qpdf_oh_append_item(paper->q, list, making->field_reference);
        if (!none && is_indirect(making, list))
                return edit(making, list);
        qpdf_oh_replace_key(paper->q, dictionary, key, list);
        return edit(making, owner);
}

/* /SigFlags 3: there are signatures, and the file must only be added to. */
static int append_to_form(struct making *making)
{
        const struct paper *paper = making->paper;
        qpdf_oh form = paper_get(paper, paper->root, "/AcroForm");
        int64_t flags = 0;
        bool none = paper_is(paper, form, ot_null);
        if (!none && !paper_is(paper, form, ot_dictionary))
                return making_damaged(making, "Its form is none.");
        if (none)
                form = qpdf_oh_new_dictionary(paper->q);
        qpdf_oh owner = !none && is_indirect(making, form) ? form : paper->root;
        int r = append(making, owner, form, "/Fields");
        bool flagged = paper_integer(paper, paper_get(paper, form, "/SigFlags"), &flags) &&
                       (flags & 3) == 3 && flags <= INT32_MAX && flags > 0;
        if (r != 0 || flagged)
                return r;
        flags = flags > 0 && flags <= INT32_MAX ? flags | 3 : 3;
        qpdf_oh_replace_key(paper->q, form, "/SigFlags", qpdf_oh_new_integer(paper->q, flags));
        if (!is_indirect(making, form))
                qpdf_oh_replace_key(paper->q, paper->root, "/AcroForm", form);
        return edit(making, owner);
}

/* ---- what is written ---- */

static void put_text(struct making *making, const char *key, const char *text)
{
        qpdf_data q = making->paper->q;
        if (text && *text)
                fprintf(making->update->file, "%s %s\n", key,
                        qpdf_oh_unparse(q, qpdf_oh_new_unicode_string(q, text)));
}

static int write_signature(struct making *making)
{
        FILE *file = making->update->file;
        struct tm tm;
        time_t there = (time_t)(making->asked->at + TEHRAN);
        char moment[32];
        if (!gmtime_r(&there, &tm) ||
                strftime(moment, sizeof moment, "%Y%m%d%H%M%S+03'30'", &tm) == 0)
                return -EINVAL;
        update_object(making->update, making->signature);
        fputs("<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached\n", file);
        fputs("/ByteRange ", file);
        making->range_at = update_at(making->update);
        fprintf(file, "%*s\n/Contents ", MAKING_RANGE_WIDTH, "");
        making->gap = update_at(making->update);
        fputc('<', file);
        for (int64_t i = 0; i < making->asked->room; i++)
                fputs("00", file);
        fprintf(file, ">\n/M (D:%s)\n", moment);
        put_text(making, "/Name", making->asked->name);
        put_text(making, "/Reason", making->asked->reason);
        put_text(making, "/Location", making->asked->location);
        fputs(">>\nendobj\n", file);
        return 0;
}

static int write_appearance(struct making *making, const struct place *place)
{
        FILE *file = making->update->file;
        const int *m = place->matrix;
        uLongf len = compressBound(making->asked->ink_len);
        _cleanup_free_ uint8_t *stream = malloc(len);
        if (!stream || compress(stream, &len, making->asked->ink, making->asked->ink_len) != Z_OK)
                return -ENOMEM;
        update_object(making->update, making->appearance);
        fprintf(file,
                "<< /Type /XObject /Subtype /Form /FormType 1 /BBox [ 0 0 %d %d ]\n"
                "/Matrix [ %d %d %d %d 0 0 ] /Resources << >> /Filter /FlateDecode /Length %lu "
                ">>\nstream\n",
                making->asked->size[0], making->asked->size[1], m[0], m[1], m[2], m[3], len);
        fwrite(stream, 1, len, file);
        fputs("\nendstream\nendobj\n", file);
        return 0;
}

/* "Mohr1" and so on: the first that is higher than any there is. */
static int64_t field_number(const struct making *making)
{
        const struct paper *paper = making->paper;
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

static void write_field(struct making *making, const struct place *place, int64_t number)
{
        FILE *file = making->update->file;
        const double *r = place->rectangle;
        qpdf_data q = making->paper->q;
        update_object(making->update, making->field);
        fprintf(file,
                "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Mohr%lld) /V %d 0 R /F %d\n"
                "/Rect [ %.2f %.2f %.2f %.2f ] /P %d %d R",
                (long long)number, making->signature.id, VISIBLE, r[0], r[1], r[2], r[3],
                qpdf_oh_get_object_id(q, making->page), qpdf_oh_get_generation(q, making->page));
        if (making->asked->page > 0)
                fprintf(file, " /AP << /N %d 0 R >>", making->appearance.id);
        fputs(" >>\nendobj\n", file);
}

static void write_edits(struct making *making)
{
        qpdf_data q = making->paper->q;
        for (size_t i = 0; i < making->edit_count; i++) {
                struct object object = { qpdf_oh_get_object_id(q, making->edits[i]),
                        qpdf_oh_get_generation(q, making->edits[i]) };
                update_object(making->update, object);
                fprintf(making->update->file, "%s\nendobj\n",
                        qpdf_oh_unparse_resolved(q, making->edits[i]));
        }
}

/* ---- all of it ---- */

static int reserve(struct making *making)
{
        struct verdict *verdict = &making->task->verdict;
        qpdf_oh reference;
        int r = update_new(making->update, making->paper, &making->signature, &reference, verdict);
        if (r == 0)
                r = update_new(making->update, making->paper, &making->field,
                        &making->field_reference, verdict);
        if (r == 0 && making->asked->page > 0)
                r = update_new(
                        making->update, making->paper, &making->appearance, &reference, verdict);
        return r;
}

int making_write_objects(struct making *making)
{
        struct place place = { 0 };
        int64_t number = field_number(making);
        int r = reserve(making);
        if (r == 0 && making->asked->page > 0)
                r = place_on_page(making->paper, making->page, making->asked->corner,
                        making->asked->size, &place, &making->task->verdict);
        if (r == 0)
                r = append_to_form(making);
        if (r == 0)
                r = append(making, making->page, making->page, "/Annots");
        if (r == 0)
                r = write_signature(making);
        if (r == 0 && making->asked->page > 0)
                r = write_appearance(making, &place);
        if (r != 0)
                return r;
        write_field(making, &place, number);
        write_edits(making);
        return paper_sound(making->paper, NULL, &making->task->verdict);
}
