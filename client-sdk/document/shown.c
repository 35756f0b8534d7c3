/* SPDX-License-Identifier: Apache-2.0 */
/* shown.c: see shown.h. A signature covers its own bytes for ever; but somebody who signs later may have changed, in the same update,
 * what all pages show, and both signatures are good. So the state that the first one covers is compared with the last.
 *
 * The objects of each page are walked in one order and hashed with their types and lengths; an object that was met before is
 * named by when it was met. What stands for itself is compared, not how it is written: an object that moved into a stream of
 * objects is the same.
 */
#include "client-sdk/document/shown.h"

#include "base/bytes.h"
#include "client-sdk/document/works.h"

#define NODES_MAX  4000000
#define NUMBER_MAX 8388607
#define DEEP       128

struct walk {
        const struct paper *paper;
        EVP_MD_CTX *digest;
        uint32_t *met; /* by number of the object: how many were met before it, and 1 */
        size_t met_len, count, nodes;
        struct shown *shown; /* where stamps go */
        uint64_t page;       /* in whose annotations it is, from 1 */
};

static int hash_bytes(struct walk *walk, char type, const void *data, size_t len)
{
        uint8_t head[9] = { (uint8_t)type };
        struct out out = out_new(head + 1, sizeof head - 1);
        out_u64(&out, len);
        int r = digest_add(walk->digest, head, sizeof head);
        return r == 0 ? digest_add(walk->digest, data, len) : r;
}

static int hash_number(struct walk *walk, char type, uint64_t number)
{
        uint8_t bytes[8];
        struct out out = out_new(bytes, sizeof bytes);
        out_u64(&out, number);
        return hash_bytes(walk, type, bytes, sizeof bytes);
}

/* True if the object was met before; *ret_order is then its place among all. */
static int meet(struct walk *walk, int id, bool *ret_before, uint32_t *ret_order)
{
        size_t wanted = (size_t)id + 1;
        if (id > NUMBER_MAX)
                return OUTCOME_INVALID;
        if (wanted > walk->met_len) {
                size_t len = 2 * wanted;
                uint32_t *more = realloc(walk->met, len * sizeof *more);
                if (!more)
                        return -ENOMEM;
                memset(more + walk->met_len, 0, (len - walk->met_len) * sizeof *more);
                walk->met = more;
                walk->met_len = len;
        }
        *ret_before = walk->met[id] != 0;
        if (!*ret_before)
                walk->met[id] = (uint32_t)++walk->count;
        *ret_order = walk->met[id];
        return 0;
}

/* ---- objects ---- */

static int hash_object(struct walk *walk, qpdf_oh object, int depth);

static int hash_member(struct walk *walk, qpdf_oh dictionary, const char *key, int depth)
{
        qpdf_oh value = paper_get(walk->paper, dictionary, key);
        int r = hash_bytes(walk, 'k', key, strlen(key));
        if (r == 0)
                r = hash_object(walk, value, depth);
        qpdf_oh_release(walk->paper->q, value);
        return r;
}

/* The library goes through one dictionary at a time, so names are taken down first. They come in order. */
static int read_keys(struct walk *walk, qpdf_oh dictionary, char **ret, size_t *ret_len)
{
        qpdf_data q = walk->paper->q;
        size_t len = 0;
        FILE *file = open_memstream(ret, &len);
        if (!file)
                return -ENOMEM;
        for (qpdf_oh_begin_dict_key_iter(q, dictionary); qpdf_oh_dict_more_keys(q);) {
                const char *key = qpdf_oh_dict_next_key(q);
                fwrite(key, 1, strlen(key) + 1, file);
        }
        bool failed = ferror(file) != 0;
        failed = fclose(file) != 0 || failed;
        *ret_len = len;
        return failed ? -ENOMEM : 0;
}

/* /Parent leads back to where the walk came from. */
static int hash_dictionary(struct walk *walk, qpdf_oh dictionary, int depth)
{
        char *made = NULL;
        size_t len = 0;
        int r = read_keys(walk, dictionary, &made, &len);
        _cleanup_free_ char *keys = made;
        for (size_t at = 0; r == 0 && at < len; at += strlen(keys + at) + 1)
                if (strcmp(keys + at, "/Parent") != 0 && strcmp(keys + at, "/Length") != 0)
                        r = hash_member(walk, dictionary, keys + at, depth);
        return r == 0 ? hash_bytes(walk, 'e', "", 0) : r;
}

static int hash_array(struct walk *walk, qpdf_oh array, int depth)
{
        int many = qpdf_oh_get_array_n_items(walk->paper->q, array);
        int r = hash_number(walk, 'a', (uint64_t)many);
        for (int i = 0; r == 0 && i < many; i++) {
                qpdf_oh item = qpdf_oh_get_array_item(walk->paper->q, array, i);
                r = hash_object(walk, item, depth);
                qpdf_oh_release(walk->paper->q, item);
        }
        return r;
}

static int hash_stream(struct walk *walk, qpdf_oh stream, int depth)
{
        qpdf_data q = walk->paper->q;
        unsigned char *data = NULL;
        size_t len = 0;
        QPDF_BOOL filtered;
        qpdf_oh dictionary = qpdf_oh_get_dict(q, stream);
        int r = hash_dictionary(walk, dictionary, depth);
        qpdf_oh_release(q, dictionary);
        if (r != 0)
                return r;
        QPDF_ERROR_CODE code =
                qpdf_oh_get_stream_data(q, stream, qpdf_dl_none, &filtered, &data, &len);
        if ((code & QPDF_ERRORS) == 0)
                r = hash_bytes(walk, 's', data, len);
        free(data);
        return (code & QPDF_ERRORS) == 0 ? r : OUTCOME_INVALID;
}

static int hash_object(struct walk *walk, qpdf_oh object, int depth)
{
        const struct paper *paper = walk->paper;
        int id = qpdf_oh_get_object_id(paper->q, object), r = 0;
        uint32_t order = 0;
        bool before = false;
        if (depth > DEEP || ++walk->nodes > NODES_MAX)
                return OUTCOME_INVALID;
        if (id > 0)
                r = meet(walk, id, &before, &order);
        if (r != 0 || before)
                return r != 0 ? r : hash_number(walk, 'r', order);
        if (paper_is(paper, object, ot_dictionary))
                return hash_dictionary(walk, object, depth + 1);
        if (paper_is(paper, object, ot_array))
                return hash_array(walk, object, depth + 1);
        if (paper_is(paper, object, ot_stream))
                return hash_stream(walk, object, depth + 1);
        const char *text = qpdf_oh_unparse_resolved(paper->q, object);
        return hash_bytes(walk, 'v', text, strlen(text));
}

/* ---- pages ---- */

static bool is_signature(const struct paper *paper, qpdf_oh annotation)
{
        return paper_name_is(paper, paper_get(paper, annotation, "/Subtype"), "/Widget") &&
               paper_name_is(paper, paper_inherited(paper, annotation, "/FT"), "/Sig");
}

/* By itself, since there may be others between by then. */
static int note_stamp(struct walk *walk, qpdf_oh annotation)
{
        static const char *const seen[] = { "/AP", "/Rect", "/F", "/AS", "/OC", "/MK", "/A",
                "/AA" };
        _cleanup_digest_ EVP_MD_CTX *digest = NULL;
        struct walk own = { .paper = walk->paper, .nodes = walk->nodes };
        struct shown *shown = walk->shown;
        if (shown->stamps == DOCUMENT_SIGNATURES_MAX)
                return OUTCOME_INVALID;
        int r = digest_new(&digest, EVP_sha256());
        if (r != 0)
                return r;
        own.digest = digest;
        r = hash_number(&own, 'p', walk->page);
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(seen); i++)
                r = hash_object(&own, paper_get(walk->paper, annotation, seen[i]), 0);
        free(own.met);
        walk->nodes = own.nodes;
        if (r == 0 && EVP_DigestFinal_ex(digest, shown->stamp[shown->stamps++], NULL) != 1)
                r = -EIO;
        return r;
}

static int hash_annotations(struct walk *walk, qpdf_oh page)
{
        const struct paper *paper = walk->paper;
        qpdf_oh list = paper_get(paper, page, "/Annots");
        int many = paper_is(paper, list, ot_array) ? qpdf_oh_get_array_n_items(paper->q, list) : 0;
        int r = 0;
        for (int i = 0; r == 0 && i < many; i++) {
                qpdf_oh annotation = qpdf_oh_get_array_item(paper->q, list, i);
                if (!is_signature(paper, annotation))
                        r = hash_object(walk, annotation, 0);
                else if (paper_is(paper, paper_get(paper, annotation, "/AP"), ot_dictionary))
                        r = note_stamp(walk, annotation);
        }
        return r == 0 ? hash_bytes(walk, 'n', "", 0) : r;
}

static int hash_page(struct walk *walk, qpdf_oh page)
{
        static const char *const own[] = { "/Contents", "/Group", "/UserUnit", "/AA" },
                                 *const inherited[] = { "/Resources", "/MediaBox", "/CropBox",
                                         "/Rotate" };
        int r = hash_bytes(walk, 'p', "", 0);
        walk->page++;
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(own); i++)
                r = hash_object(walk, paper_get(walk->paper, page, own[i]), 0);
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(inherited); i++)
                r = hash_object(walk, paper_inherited(walk->paper, page, inherited[i]), 0);
        return r == 0 ? hash_annotations(walk, page) : r;
}

/* A link to a page is a link to its number, so all of them are met before anything else. */
static int meet_page(void *user, qpdf_oh page)
{
        struct walk *walk = user;
        uint32_t order;
        bool before;
        int id = qpdf_oh_get_object_id(walk->paper->q, page);
        return id > 0 ? meet(walk, id, &before, &order) : OUTCOME_INVALID;
}

static int visit_page(void *user, qpdf_oh page)
{
        return hash_page(user, page);
}

static int hash_paper(struct walk *walk, struct verdict *verdict)
{
        static const char *const catalogue[] = { "/OCProperties", "/OpenAction", "/AA", "/Names",
                /* of a portfolio, which is shown in place of the pages */ "/Collection" },
                                 *const form[] = { "/XFA", "/NeedAppearances", "/DR" };
        const struct paper *paper = walk->paper;
        qpdf_oh fields = paper_get(paper, paper->root, "/AcroForm");
        int r = paper_each_page(paper, meet_page, walk, verdict);
        if (r == 0)
                r = paper_each_page(paper, visit_page, walk, verdict);
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(catalogue); i++)
                r = hash_object(walk, paper_get(paper, paper->root, catalogue[i]), 0);
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(form); i++)
                r = hash_object(walk, paper_get(paper, fields, form[i]), 0);
        int sound = paper_sound(paper, NULL, verdict);
        return sound != 0 ? sound : r;
}

int shown_of(const struct paper *paper, struct shown *ret, struct verdict *verdict)
{
        _cleanup_digest_ EVP_MD_CTX *digest = NULL;
        struct walk walk = { .paper = paper, .shown = ret };
        ret->stamps = 0;
        *verdict = (struct verdict){ "damaged", "It cannot be walked to its end." };
        int r = digest_new(&digest, EVP_sha256());
        if (r != 0)
                return r;
        walk.digest = digest;
        r = hash_paper(&walk, verdict);
        free(walk.met);
        if (r == 0 && EVP_DigestFinal_ex(digest, ret->digest, NULL) != 1)
                r = -EIO;
        return r;
}
