/* SPDX-License-Identifier: Apache-2.0 */
/* paper.c: see paper.h. libqpdf reads from memory, that is from a map of the file: it takes names otherwise, and a name is
 * opened again by whoever has it at that moment.
 *
 * Its functions are given nothing to print, and an object that cannot be read is null to it; so every walk here asks for the type
 * of each thing before it is used, is bounded in depth and number, and believes no count that a file states.
 */
#include "client-sdk/document/paper.h"

#include "base/text.h"

#include <stdio.h>

#define HEADER_WITHIN 1024

bool paper_begins(const uint8_t *data, size_t len, size_t *ret_at)
{
        const uint8_t *at = memmem(data, base_min(len, HEADER_WITHIN), "%PDF-", 5);
        if (at)
                *ret_at = (size_t)(at - data);
        return at != NULL;
}

/* ---- the library ---- */

int paper_sound(const struct paper *paper, const char *detail, struct verdict *verdict)
{
        if (!qpdf_has_error(paper->q))
                return 0;
        qpdf_error error = qpdf_get_error(paper->q);
        enum qpdf_error_code_e code = qpdf_get_error_code(paper->q, error);
        if (code == qpdf_e_password)
                return verdict_no(verdict, "encrypted", NULL);
        const char *text = qpdf_get_error_message_detail(paper->q, error);
        if (text && strstr(text, "bad_alloc"))
                return -ENOMEM;
        return verdict_no(verdict, "damaged", detail);
}

static int read_paper(struct paper *paper, struct verdict *verdict)
{
        qpdf_silence_errors(paper->q);
        qpdf_set_suppress_warnings(paper->q, QPDF_TRUE);
        qpdf_set_attempt_recovery(paper->q, QPDF_FALSE);
        QPDF_ERROR_CODE code =
                qpdf_read_memory(paper->q, "document", (const char *)paper->data, paper->len, NULL);
        int r = paper_sound(paper, NULL, verdict);
        if (r != 0 || (code & QPDF_ERRORS) != 0)
                return r != 0 ? r : verdict_no(verdict, "damaged", NULL);
        if (qpdf_is_encrypted(paper->q))
                return verdict_no(verdict, "encrypted", NULL);
        paper->trailer = qpdf_get_trailer(paper->q);
        paper->root = qpdf_get_root(paper->q);
        r = paper_sound(paper, NULL, verdict);
        if (r == 0 && !paper_is(paper, paper->root, ot_dictionary))
                r = verdict_no(verdict, "damaged", "The PDF has no catalogue.");
        return r;
}

int paper_open(struct paper *ret, const uint8_t *data, size_t len, struct verdict *verdict)
{
        size_t at;
        if (!paper_begins(data, len, &at))
                return verdict_no(verdict, "not-a-pdf", NULL);
        if (at != 0)
                return verdict_no(verdict, "damaged", "Other bytes stand before the PDF.");
        struct paper paper = { .q = qpdf_init(), .data = data, .len = len };
        int r = read_paper(&paper, verdict);
        if (r != 0) {
                qpdf_cleanup(&paper.q);
                return r;
        }
        *ret = paper;
        return 0;
}

void paper_close(struct paper *paper)
{
        if (paper->q)
                qpdf_cleanup(&paper->q);
        paper->q = NULL;
}

/* ---- objects ---- */

bool paper_is(const struct paper *paper, qpdf_oh object, enum qpdf_object_type_e type)
{
        return qpdf_oh_get_type_code(paper->q, object) == type;
}

qpdf_oh paper_get(const struct paper *paper, qpdf_oh dictionary, const char *key)
{
        if (!paper_is(paper, dictionary, ot_dictionary))
                return qpdf_oh_new_null(paper->q);
        return qpdf_oh_get_key(paper->q, dictionary, key);
}

bool paper_integer(const struct paper *paper, qpdf_oh object, int64_t *ret)
{
        long long value;
        if (!paper_is(paper, object, ot_integer) ||
                !qpdf_oh_get_value_as_longlong(paper->q, object, &value))
                return false;
        *ret = value;
        return true;
}

bool paper_text(const struct paper *paper, qpdf_oh object, char *dst, size_t cap)
{
        if (!paper_is(paper, object, ot_string))
                return false;
        const char *text = qpdf_oh_get_utf8_value(paper->q, object);
        text_sanitize(dst, cap, text ? text : "", cap);
        return true;
}

bool paper_name_is(const struct paper *paper, qpdf_oh object, const char *name)
{
        return qpdf_oh_is_name_and_equals(paper->q, object, name);
}

qpdf_oh paper_inherited(const struct paper *paper, qpdf_oh page, const char *key)
{
        for (int depth = 0; depth < PAPER_DEPTH_MAX; depth++) {
                qpdf_oh value = paper_get(paper, page, key);
                if (!paper_is(paper, value, ot_null) || !paper_is(paper, page, ot_dictionary))
                        return value;
                page = paper_get(paper, page, "/Parent");
        }
        return qpdf_oh_new_null(paper->q);
}

/* ---- pages ---- */

struct pages {
        const struct paper *paper;
        paper_page visit;
        void *user;
        size_t nodes, count;
        int r; /* what a visit returned */
};

/* True: all of this branch was visited. */
static bool walk_pages(struct pages *pages, qpdf_oh node, int depth)
{
        const struct paper *paper = pages->paper;
        if (depth > PAPER_DEPTH_MAX || ++pages->nodes > 2 * PAPER_PAGES_MAX ||
                !paper_is(paper, node, ot_dictionary))
                return false;
        qpdf_oh kids = paper_get(paper, node, "/Kids");
        if (paper_is(paper, kids, ot_null)) {
                pages->r = pages->visit(pages->user, node);
                return pages->r == 0 && ++pages->count <= PAPER_PAGES_MAX;
        }
        int many = paper_is(paper, kids, ot_array) ? qpdf_oh_get_array_n_items(paper->q, kids) : -1;
        bool good = many >= 0;
        for (int i = 0; good && i < many; i++) {
                qpdf_oh kid = qpdf_oh_get_array_item(paper->q, kids, i);
                good = walk_pages(pages, kid, depth + 1);
                qpdf_oh_release(paper->q, kid);
        }
        qpdf_oh_release(paper->q, kids);
        return good;
}

int paper_each_page(
        const struct paper *paper, paper_page visit, void *user, struct verdict *verdict)
{
        struct pages pages = { .paper = paper, .visit = visit, .user = user };
        bool good = walk_pages(&pages, paper_get(paper, paper->root, "/Pages"), 0);
        int r = paper_sound(paper, "Its pages cannot be read.", verdict);
        if (r != 0 || good)
                return r;
        return pages.r != 0 ? pages.r : verdict_no(verdict, "damaged", "Its pages cannot be read.");
}

struct search {
        const struct paper *paper;
        size_t wanted, count;
        qpdf_oh found;
};

static int count_page(void *user, qpdf_oh page)
{
        struct search *search = user;
        if (++search->count == search->wanted)
                search->found = qpdf_oh_new_object(search->paper->q, page);
        return 0;
}

int paper_pages(const struct paper *paper, size_t wanted, qpdf_oh *ret_page, size_t *ret_count,
        struct verdict *verdict)
{
        struct search search = { .paper = paper, .wanted = wanted };
        int r = paper_each_page(paper, count_page, &search, verdict);
        if (r != 0)
                return r;
        if (wanted > 0 && search.count >= wanted)
                *ret_page = search.found;
        *ret_count = search.count;
        return 0;
}

/* ---- fields ---- */

struct fields {
        const struct paper *paper;
        struct paper_signature *signatures;
        size_t cap, count, nodes;
};

struct field {
        char name[PAPER_NAME_MAX];
        bool signature;
};

static void name_field(const struct paper *paper, struct field *field, qpdf_oh partial)
{
        char name[PAPER_NAME_MAX];
        size_t len = strlen(field->name);
        if (paper_text(paper, partial, name, sizeof name))
                snprintf(field->name + len, sizeof field->name - len, "%s%.*s", len > 0 ? "." : "",
                        (int)base_min(sizeof field->name - len - 1, sizeof name), name);
}

static void note_signature(struct fields *fields, const struct field *field, qpdf_oh value)
{
        if (fields->count < fields->cap) {
                struct paper_signature *place = &fields->signatures[fields->count];
                text_sanitize(place->field, sizeof place->field, field->name, sizeof place->field);
                place->value = value;
        }
        fields->count++;
}

static bool walk_fields(struct fields *fields, qpdf_oh array, const struct field *above, int depth);

/* A kid without a name of its own is the field's picture on a page, which has no value. */
static bool walk_field(struct fields *fields, qpdf_oh node, const struct field *above, int depth)
{
        const struct paper *paper = fields->paper;
        struct field field = *above;
        if (!paper_is(paper, node, ot_dictionary))
                return true;
        qpdf_oh partial = paper_get(paper, node, "/T"), type = paper_get(paper, node, "/FT");
        if (depth > 0 && !paper_is(paper, partial, ot_string))
                return true;
        name_field(paper, &field, partial);
        if (!paper_is(paper, type, ot_null))
                field.signature = paper_name_is(paper, type, "/Sig");
        qpdf_oh value = paper_get(paper, node, "/V");
        if (field.signature && paper_is(paper, value, ot_dictionary))
                note_signature(fields, &field, value);
        return walk_fields(fields, paper_get(paper, node, "/Kids"), &field, depth + 1);
}

static bool walk_fields(struct fields *fields, qpdf_oh array, const struct field *above, int depth)
{
        const struct paper *paper = fields->paper;
        if (!paper_is(paper, array, ot_array))
                return paper_is(paper, array, ot_null);
        int many = qpdf_oh_get_array_n_items(paper->q, array);
        bool good = depth <= PAPER_DEPTH_MAX;
        for (int i = 0; good && i < many; i++)
                good = ++fields->nodes <= PAPER_FIELDS_MAX &&
                       walk_field(fields, qpdf_oh_get_array_item(paper->q, array, i), above, depth);
        return good;
}

int paper_signatures(const struct paper *paper, struct paper_signature *ret, size_t cap,
        size_t *ret_count, struct verdict *verdict)
{
        struct fields fields = { .paper = paper, .signatures = ret, .cap = cap };
        const struct field none = { .name = "" };
        qpdf_oh form = paper_get(paper, paper->root, "/AcroForm");
        bool good = walk_fields(&fields, paper_get(paper, form, "/Fields"), &none, 0);
        int r = paper_sound(paper, "Its form cannot be read.", verdict);
        if (r == 0 && !good)
                r = verdict_no(verdict, "damaged", "Its form cannot be read.");
        if (r == 0)
                *ret_count = fields.count;
        return r;
}

static bool forbids_change(const struct paper *paper, qpdf_oh signature)
{
        qpdf_oh references = paper_get(paper, signature, "/Reference");
        int many = paper_is(paper, references, ot_array)
                           ? qpdf_oh_get_array_n_items(paper->q, references)
                           : 0;
        for (int i = 0; i < many && i < PAPER_DEPTH_MAX; i++) {
                qpdf_oh row = qpdf_oh_get_array_item(paper->q, references, i);
                qpdf_oh method = paper_get(paper, row, "/TransformMethod");
                int64_t allowed = 0;
                if ((paper_name_is(paper, method, "/DocMDP") ||
                            paper_name_is(paper, method, "/FieldMDP")) &&
                        paper_integer(paper,
                                paper_get(paper, paper_get(paper, row, "/TransformParams"), "/P"),
                                &allowed) &&
                        allowed == 1)
                        return true;
        }
        return false;
}

bool paper_is_certified(
        const struct paper *paper, const struct paper_signature *signatures, size_t count)
{
        qpdf_oh permissions = paper_get(paper, paper->root, "/Perms");
        bool certified = forbids_change(paper, paper_get(paper, permissions, "/DocMDP"));
        for (size_t i = 0; i < count && !certified; i++)
                certified = forbids_change(paper, signatures[i].value);
        return certified;
}
