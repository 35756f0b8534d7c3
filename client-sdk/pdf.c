/* SPDX-License-Identifier: Apache-2.0 */
/* pdf.c: a bundle inside the PDF of its page, as ISO 32000-1 7.11.4 embeds files, by an incremental update.
 *
 * This is no reader of PDF. Writing takes the one form that mohr-page writes: a classic cross-reference
 * table at the end, a trailer with nothing but /Size, /Root and /Info. Reading finds where the update would
 * begin, takes the bundle from there, writes the update anew and wants the same file to come out, byte for
 * byte. Since the update holds the SHA-256 of the page before it, no byte of the file can change unseen: by
 * accident, that is. Nobody signs a page, and whoever can write a file can write this one.
 */
#include "client-sdk/mohr.h"

#include "base/bytes.h"
#include "base/outcome.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>

#define OBJECTS_MAX   10000
#define CATALOGUE_MAX 2048
#define UPDATE_ROOM   (2048 + CATALOGUE_MAX) /* what an update holds besides the bundle */
#define NAME          "mohr-evidence.json"
#define STREAM        "<< /Type /EmbeddedFile /Subtype /application#2Fjson /Length "

/* What an update has to know of the PDF before it. */
struct page {
        const char *text;
        size_t len;
        size_t objects, root, info, xref;
        struct view catalogue; /* what stands between << and >> */
        char sha256[65];
};

struct cursor {
        const char *at, *end;
        bool bad;
};

static void skip_space(struct cursor *c)
{
        while (c->at < c->end && memchr(" \n\r", *c->at, 3))
                c->at++;
}

/* The next word is this one? Then it is passed. */
static bool next_is(struct cursor *c, const char *word)
{
        size_t len = strlen(word);
        skip_space(c);
        if (c->bad || (size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0)
                return false;
        c->at += len;
        return true;
}

static void expect(struct cursor *c, const char *word)
{
        c->bad = !next_is(c, word) || c->bad;
}

static size_t number(struct cursor *c, size_t max)
{
        size_t value = 0, digits = 0;
        skip_space(c);
        for (; c->at < c->end && *c->at >= '0' && *c->at <= '9' && digits < 10; digits++)
                value = value * 10 + (size_t)(*c->at++ - '0');
        c->bad = c->bad || digits == 0 || value > max;
        return value;
}

static size_t reference(struct cursor *c)
{
        size_t object = number(c, OBJECTS_MAX);
        expect(c, "0 R");
        return object;
}

static const char *find_last(const char *text, size_t len, const char *word)
{
        size_t word_len = strlen(word);
        for (size_t at = len < word_len ? 0 : len - word_len + 1; at > 0; at--)
                if (memcmp(text + at - 1, word, word_len) == 0)
                        return text + at - 1;
        return NULL;
}

/* "startxref N %%EOF", at the very end. */
static bool read_end(struct page *page)
{
        const char *end = find_last(page->text, page->len, "startxref");
        struct cursor c = { .at = end, .end = page->text + page->len, .bad = !end };
        if (c.bad)
                return false;
        expect(&c, "startxref");
        page->xref = number(&c, page->len);
        expect(&c, "%%EOF\n");
        return !c.bad && c.at == c.end;
}

/* The table, which must be all objects in one section, and the trailer. */
static bool read_table(struct page *page, size_t *ret_catalogue)
{
        struct cursor c = { page->text + page->xref, page->text + page->len, false };
        expect(&c, "xref\n0 ");
        page->objects = number(&c, OBJECTS_MAX);
        c.bad = c.bad || c.at == c.end || *c.at++ != '\n';
        const char *rows = c.at;
        if (c.bad || (size_t)(c.end - c.at) < 20 * page->objects)
                return false;
        c.at += 20 * page->objects;
        expect(&c, "trailer");
        expect(&c, "<<");
        expect(&c, "/Size");
        c.bad = number(&c, OBJECTS_MAX) != page->objects || c.bad;
        expect(&c, "/Root");
        page->root = reference(&c);
        if (next_is(&c, "/Info"))
                page->info = reference(&c);
        expect(&c, ">>");
        expect(&c, "startxref");
        if (c.bad || page->root >= page->objects)
                return false;
        struct cursor row = { rows + 20 * page->root, rows + 20 * page->root + 20, false };
        *ret_catalogue = number(&row, page->xref);
        expect(&row, "00000 n");
        return !row.bad;
}

static bool holds(struct view view, const char *word)
{
        return memmem(view.data, view.len, word, strlen(word)) != NULL;
}

static bool read_catalogue(struct page *page, size_t at)
{
        struct cursor c = { page->text + at, page->text + page->xref, false };
        c.bad = number(&c, OBJECTS_MAX) != page->root || c.bad;
        expect(&c, "0 obj");
        expect(&c, "<<");
        const char *end = c.bad ? NULL : memmem(c.at, (size_t)(c.end - c.at), ">>\nendobj", 9);
        if (!end || end - c.at > CATALOGUE_MAX)
                return false;
        page->catalogue = (struct view){ (const uint8_t *)c.at, (size_t)(end - c.at) };
        return holds(page->catalogue, "/Type /Catalog") && !holds(page->catalogue, "/Names") &&
               !holds(page->catalogue, "/AF");
}

static int read_page(struct page *page, const void *pdf, size_t len)
{
        size_t catalogue = 0;
        uint8_t hash[32];
        *page = (struct page){ .text = pdf, .len = len };
        if (len < 8 || len > MOHR_RECEIPT_MAX || memcmp(pdf, "%PDF-1.", 7) != 0)
                return OUTCOME_INVALID;
        if (!read_end(page) || !read_table(page, &catalogue) || !read_catalogue(page, catalogue))
                return OUTCOME_INVALID;
        if (EVP_Digest(pdf, len, hash, NULL, EVP_sha256(), NULL) != 1) {
                ERR_clear_error();
                return -ENOMEM;
        }
        hex_encode(page->sha256, hash, sizeof hash);
        return 0;
}

static void write_objects(struct out *out, const struct page *page, const char *bundle, size_t len,
        size_t ret_at[static 3])
{
        size_t file = page->objects, spec = file + 1;
        ret_at[0] = out->len;
        out_print(out, "%zu 0 obj\n" STREAM "%zu /Params << /Size %zu >> >>\nstream\n", file, len,
                len);
        out_bytes(out, bundle, len);
        out_print(out, "\nendstream\nendobj\n");
        ret_at[1] = out->len;
        out_print(out,
                "%zu 0 obj\n<< /Type /Filespec /F (" NAME ") /UF (" NAME ")\n"
                "   /Desc (Evidence. SHA-256 of the page: %s)\n"
                "   /AFRelationship /Source /EF << /F %zu 0 R /UF %zu 0 R >> >>\nendobj\n",
                spec, page->sha256, file, file);
        ret_at[2] = out->len;
        out_print(out, "%zu 0 obj\n<<", page->root);
        out_bytes(out, page->catalogue.data, page->catalogue.len);
        out_print(out,
                "   /Names << /EmbeddedFiles << /Names [(" NAME ") %zu 0 R] >> >>\n"
                "   /AF [%zu 0 R]\n>>\nendobj\n",
                spec, spec);
}

static void write_table(struct out *out, const struct page *page, const size_t at[static 3])
{
        size_t xref = out->len;
        out_print(out, "xref\n%zu 1\n%010zu 00000 n \n", page->root, at[2]);
        out_print(out, "%zu 2\n%010zu 00000 n \n%010zu 00000 n \n", page->objects, at[0], at[1]);
        out_print(out, "trailer\n<< /Size %zu\n   /Root %zu 0 R\n", page->objects + 2, page->root);
        if (page->info > 0)
                out_print(out, "   /Info %zu 0 R\n", page->info);
        out_print(out, "   /Prev %zu\n>>\nstartxref\n%zu\n%%%%EOF\n", page->xref, xref);
}

int mohr_receipt_embed(const void *pdf, size_t pdf_len, const char *bundle, size_t len,
        unsigned char **ret, size_t *ret_len)
{
        struct page page;
        size_t at[3];
        int r = len < 1 || len > MOHR_EVIDENCE_MAX ? OUTCOME_INVALID
                                                   : read_page(&page, pdf, pdf_len);
        if (r != 0)
                return r;
        size_t cap = pdf_len + len + UPDATE_ROOM;
        unsigned char *text = cap <= MOHR_RECEIPT_MAX ? malloc(cap) : NULL;
        if (!text)
                return cap <= MOHR_RECEIPT_MAX ? -ENOMEM : OUTCOME_INVALID;
        struct out out = out_new(text, cap);
        out_bytes(&out, pdf, pdf_len);
        write_objects(&out, &page, bundle, len, at);
        write_table(&out, &page, at);
        r = out_done(&out);
        if (r < 0) {
                free(text);
                return r;
        }
        *ret = text;
        *ret_len = out.len;
        return 0;
}

/* Where the update would begin and what it would embed; nothing of it is believed. */
static bool guess(
        const char *text, size_t len, size_t *ret_page_len, const char **ret, size_t *ret_len)
{
        const char *stream = find_last(text, len, STREAM), *begin = stream;
        if (!stream)
                return false;
        for (int line = 0; begin > text && line < 2; begin -= line < 2)
                line += begin[-1] == '\n';
        struct cursor c = { stream + strlen(STREAM), text + len, false };
        *ret_len = number(&c, MOHR_EVIDENCE_MAX);
        const char *data = memmem(c.at, (size_t)(c.end - c.at), "\nstream\n", 8);
        if (c.bad || !data || (size_t)(c.end - data) < 8 + *ret_len)
                return false;
        *ret_page_len = (size_t)(begin - text);
        *ret = data + 8;
        return true;
}

int mohr_receipt_extract(const void *pdf, size_t pdf_len, const char **ret, size_t *ret_len)
{
        size_t page_len = 0, len = 0, again_len = 0;
        const char *bundle = NULL;
        unsigned char *text = NULL;
        if (pdf_len > MOHR_RECEIPT_MAX || !guess(pdf, pdf_len, &page_len, &bundle, &len))
                return OUTCOME_INVALID;
        int r = mohr_receipt_embed(pdf, page_len, bundle, len, &text, &again_len);
        _cleanup_free_ unsigned char *again = text;
        if (r != 0)
                return r;
        if (again_len != pdf_len || memcmp(again, pdf, pdf_len) != 0)
                return OUTCOME_INVALID;
        *ret = bundle;
        *ret_len = len;
        return 0;
}
