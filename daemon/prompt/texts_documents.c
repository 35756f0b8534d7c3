/* SPDX-License-Identifier: Apache-2.0 */
/* texts_documents.c: the pages about documents: what they are called, what they are, and what signing makes of them.
 *
 * A name is the app's word, a kind and a number of pages the document's own, and all are hostile; size and digest are what the
 * daemon saw. Names are never cut: a name whose end is out of sight is how one file passes for another. So a page shows as
 * many documents as it has room for, at least one, and the rest stand on the next. The page on which
 * the holder can agree is the last one, and nothing of what goes away with the signatures is cut there.
 */
#include "daemon/prompt/texts_internal.h"

#include "base/text.h"

#include <libintl.h>
#include <stdarg.h>
#include <stdio.h>

#define _(text)       gettext(text)
#define N_(text)      text
#define ON_A_PAGE     8
#define DIGEST_SHOWN  8 /* bytes of its beginning, and of its end */
#define LRI           "\u2066"
#define PDI           "\u2069"
#define FACTS_SIZE    256
#define SMALLEST_UNIT 1000

/* ---- one document -------------------------------------------------------------------------- */

static const char *const kinds[DOCUMENT_KINDS] = {
        [DOCUMENT_OTHER] = N_("a file that is none of PDF, CMS and JSON"),
        [DOCUMENT_PDF] = N_("PDF document"),
        [DOCUMENT_CMS] = N_("signature file (CMS)"),
        [DOCUMENT_JSON] = N_("data (JSON)"),
};

static const char *const forms[FORMS] = {
        [FORM_CMS] = N_("a signature in a file of its own (p7s)"),
        [FORM_CMS_ATTACHED] = N_("a signature with the document inside (p7m)"),
        [FORM_PDF] = N_("the PDF with the signature inside"),
        [FORM_JWS] = N_("a signature with the JSON inside (JWS)"),
};

static const struct question_document *document(const struct question *question, size_t at)
{
        return &question->documents[base_min(at, QUESTION_DOCUMENTS_MAX - 1)];
}

static void add_name(struct parts *parts, const struct question *question, size_t at)
{
        char number[TEXTS_NUMBER_SIZE], count[TEXTS_NUMBER_SIZE];
        struct part *part = parts_value(parts, _("Document: %s"), CUT_BREAK);
        parts_clean(part->value, sizeof part->value, document(question, at)->name, SIZE_MAX);
        if (!part->value[0])
                snprintf(part->value, sizeof part->value, "?");
        if (question->document_count <= 1)
                return;
        texts_number(number, question, at + 1);
        texts_number(count, question, question->document_count);
        snprintf(part->label, sizeof part->label, _("Document %s of %s: %%s"), number, count);
        part->format = part->label;
}

/* "812 bytes", "1.4 MB": cut, not rounded, and exact below a thousand. */
static void name_size(
        char dst[static TEXTS_NUMBER_SIZE * 3], const struct question *question, uint64_t size)
{
        static const char *const units[] = { N_("%s kB"), N_("%s MB"), N_("%s GB"), N_("%s TB") };
        char whole[TEXTS_NUMBER_SIZE], tenth[TEXTS_NUMBER_SIZE], number[TEXTS_NUMBER_SIZE * 2 + 4];
        uint64_t unit = SMALLEST_UNIT;
        size_t i = 0;
        for (; i < ARRAY_LEN(units) - 1 && size / unit >= SMALLEST_UNIT; i++)
                unit *= SMALLEST_UNIT;
        texts_number(whole, question, size < SMALLEST_UNIT ? size : size / unit);
        texts_number(tenth, question, size / (unit / 10) % 10);
        snprintf(number, sizeof number, "%s%s%s", whole, texts_in_persian(question) ? "٫" : ".",
                tenth);
        if (size < SMALLEST_UNIT)
                snprintf(dst, (size_t)TEXTS_NUMBER_SIZE * 3,
                        ngettext("%s byte", "%s bytes", (unsigned long)size), whole);
        else
                snprintf(dst, (size_t)TEXTS_NUMBER_SIZE * 3, _(units[i]), number);
}

static void name_pages(char dst[static FACTS_SIZE], const struct question *question, uint32_t pages)
{
        char number[TEXTS_NUMBER_SIZE];
        dst[0] = '\0';
        if (pages == 0)
                return;
        texts_number(number, question, pages);
        size_t used =
                (size_t)snprintf(dst, FACTS_SIZE, "%s", texts_in_persian(question) ? "، " : ", ");
        snprintf(dst + used, FACTS_SIZE - used, ngettext("%s page", "%s pages", pages), number);
}

static void add_facts(struct parts *parts, const struct question *question, size_t at)
{
        const struct question_document *it = document(question, at);
        const char *comma = texts_in_persian(question) ? "، " : ", ";
        char size[TEXTS_NUMBER_SIZE * 3], pages[FACTS_SIZE], digest[2 * sizeof it->digest + 1];
        struct part *part = parts_value(parts, _("Content: %s"), CUT_NEVER);
        name_size(size, question, it->size);
        name_pages(pages, question, it->pages);
        hex_encode(digest, it->digest, sizeof it->digest);
        const char *end = digest + strlen(digest) - 2 * (size_t)DIGEST_SHOWN;
        snprintf(part->value, sizeof part->value, "%s%s%s%s%s" LRI "SHA-256 %.*s\u2026%s" PDI,
                _(kinds[it->kind]), pages, comma, size, comma, 2 * DIGEST_SHOWN, digest, end);
}

/* What the app wants stated besides comes last: by then all that is Mohr's word is told. */
static const char *const commitments[COMMITMENTS] = {
        [COMMITMENT_ORIGIN] = N_("proof of origin"),
        [COMMITMENT_RECEIPT] = N_("proof of receipt"),
        [COMMITMENT_DELIVERY] = N_("proof of delivery"),
        [COMMITMENT_SENDER] = N_("proof of sender"),
        [COMMITMENT_APPROVAL] = N_("approval of the content"),
        [COMMITMENT_CREATION] = N_("creation of the content"),
};

_printf_(3, 4) static void add_fact(
        char value[static PARTS_VALUE_MAX], const char *comma, const char *format, ...)
{
        size_t len = strlen(value);
        va_list args;
        len += (size_t)snprintf(value + len, PARTS_VALUE_MAX - len, "%s", len > 0 ? comma : "");
        va_start(args, format);
        vsnprintf(value + len, PARTS_VALUE_MAX - len, format, args);
        va_end(args);
}

static void add_stated(struct parts *parts, const struct question *question, size_t at)
{
        const struct question_document *it = document(question, at);
        const char *comma = texts_in_persian(question) ? "، " : ", ";
        char place[sizeof it->location + 1], number[TEXTS_NUMBER_SIZE];
        if (it->commitment == COMMITMENT_NONE && !it->policy[0] && !it->location[0] &&
                it->stamp_page == 0)
                return;
        char *value = parts_value(parts, _("Stated with the signature: %s"), CUT_END)->value;
        texts_number(number, question, it->stamp_page);
        if (it->commitment != COMMITMENT_NONE)
                add_fact(value, comma, "%s", _(commitments[it->commitment]));
        if (it->stamp_page > 0)
                add_fact(value, comma, _("a visible stamp on page %s"), number);
        if (it->policy[0])
                add_fact(value, comma, _("signature policy %s"), it->policy);
        parts_clean(place, sizeof place, it->location, SIZE_MAX);
        if (place[0])
                add_fact(value, comma, _("place: %s"), place);
}

/* Of a countersignature it matters whose signature it is for, and that says the rest. */
static void add_form(struct parts *parts, const struct question *question, size_t at)
{
        const struct question_document *it = document(question, at);
        struct part *part = parts_value(parts, _("Result: %s"), CUT_BREAK);
        if (it->form != FORM_COUNTERSIGNATURE) {
                snprintf(part->value, sizeof part->value, "%s", _(forms[it->form]));
                return;
        }
        part->format = _("Result: a countersignature of the signature of %s");
        texts_name(part->value, it->countersigned);
        if (!part->value[0])
                snprintf(part->value, sizeof part->value, "?");
}

/* ---- those that are asked about ------------------------------------------------------------ */

/* One word for all of them, where there is one. */
static bool forms_agree(const struct question *question)
{
        enum question_form first = document(question, question->document_at)->form;
        for (size_t i = question->document_at; i < question->document_count; i++)
                if (document(question, i)->form != first || first == FORM_COUNTERSIGNATURE)
                        return false;
        return true;
}

static void add_documents(
        struct parts *parts, const struct question *question, size_t from, size_t count)
{
        bool each = !forms_agree(question);
        for (size_t i = from; i < from + count; i++) {
                add_name(parts, question, i);
                add_facts(parts, question, i);
                add_stated(parts, question, i);
                if (each)
                        add_form(parts, question, i);
        }
}

static void add_common_form(struct parts *parts, const struct question *question)
{
        if (forms_agree(question))
                add_form(parts, question, question->document_at);
}

static int left(const struct question *question, size_t from)
{
        return (int)(question->document_count - base_min(from, question->document_count));
}

static void add_how_many(struct parts *parts, const struct question *question)
{
        if (question->document_count > 1)
                texts_add_count(parts, _("Documents to be signed: %s. Each takes the PIN once."),
                        question, left(question, question->document_at));
}

static void add_question(struct parts *parts, const struct question *question)
{
        if (left(question, question->document_at) > 1)
                texts_add_count(parts, _("Do you agree to sign these documents (%s)?"), question,
                        left(question, question->document_at));
        else
                parts_add(parts, _("Do you agree to sign this document?"));
}

void texts_add_document(struct parts *parts, const struct question *question)
{
        add_documents(parts, question, question->document_at, 1);
        add_common_form(parts, question);
}

void texts_add_matter(struct parts *parts, const struct question *question)
{
        if (question->work == WORK_DOCUMENTS)
                add_name(parts, question, question->document_at);
        if (question->work == WORK_KEY)
                texts_add_content(parts, question);
}

/* ---- pages --------------------------------------------------------------------------------- */

bool texts_documents_whole(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->ok = _("_Agree");
        ret->cancel = _("_Refuse");
        texts_add_asker(&parts, question);
        texts_add_purpose(&parts, question);
        texts_add_document(&parts, question);
        texts_add_given_away(&parts, question);
        texts_add_record(&parts, question);
        texts_add_request(&parts, question);
        return parts_render(&parts, ret->desc) && left(question, question->document_at) == 1;
}

void texts_documents_asked(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->cancel = _("_Refuse");
        texts_add_asker(&parts, question);
        texts_add_purpose(&parts, question);
        add_how_many(&parts, question);
        add_common_form(&parts, question);
        texts_add_record(&parts, question);
        parts_add(&parts, _("What would be signed stands on the next pages; on the last one you "
                            "can agree."));
        texts_add_request(&parts, question);
        (void)parts_render(&parts, ret->desc);
}

/* As many of `count` documents as a page has room for, and one in any case: how many. */
static size_t compose_list(
        const struct question *question, size_t from, size_t count, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->ok = _("_Next");
        ret->cancel = _("_Refuse");
        add_documents(&parts, question, from, 1);
        (void)parts_render(&parts, ret->desc);
        for (size_t i = 1; i < count; i++) {
                add_documents(&parts, question, from + i, 1);
                if (!parts_whole(&parts, ret->desc))
                        return i;
        }
        return count;
}

static bool compose_last(const struct question *question, size_t from, struct page *ret)
{
        struct parts parts = { 0 };
        if (left(question, from) > ON_A_PAGE / 2)
                return false;
        texts_begin(&parts, question, ret);
        ret->ok = _("_Agree");
        ret->cancel = _("_Refuse");
        add_documents(&parts, question, from, (size_t)left(question, from));
        texts_add_given_away(&parts, question);
        add_question(&parts, question);
        return parts_render(&parts, ret->desc);
}

size_t texts_documents(
        const struct question *question, size_t from, struct page *ret, bool *ret_last)
{
        size_t count = base_min((size_t)left(question, from), ON_A_PAGE);
        *ret_last = compose_last(question, from, ret) || count == 0;
        if (*ret_last)
                return question->document_count;
        return from + compose_list(question, from, count, ret);
}
