/* SPDX-License-Identifier: Apache-2.0 */
/* attached.c: see attached.h. The content of a SignedData (RFC 5652 5.1) stands in its middle and may be of any size. So the
 * file's beginning is walked, element by element, to the place where the content's type is named; the same SignedData is written with that
 * type alone, and what follows the content is appended. It is DER then, short, and read by others.
 */
#include "client-sdk/document/attached.h"
#include "client-sdk/cms.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#define START_MAX 4096

/* The beginning of a file; `bad` once something was not as expected. */
struct walk {
        const uint8_t *at, *end;
        bool bad;
};

/* Header of the next element, which must have this tag. Its length may reach beyond what is here. */
static size_t enter(struct walk *walk, int wanted, int wanted_class)
{
        const uint8_t *at = walk->at;
        long len = 0;
        int tag = 0, class = 0;
        if (walk->bad)
                return 0;
        (void)ASN1_get_object(&at, &len, &tag, &class, walk->end - walk->at);
        ERR_clear_error();
        walk->bad = at <= walk->at || at > walk->end || tag != wanted || class != wanted_class ||
                    len < 0;
        if (!walk->bad)
                walk->at = at;
        return walk->bad ? 0 : (size_t)len;
}

static struct view whole(struct walk *walk, int tag)
{
        const uint8_t *begin = walk->at;
        size_t len = enter(walk, tag, V_ASN1_UNIVERSAL);
        walk->bad = walk->bad || len > (size_t)(walk->end - walk->at);
        if (walk->bad)
                return (struct view){ 0 };
        walk->at += len;
        return (struct view){ begin, (size_t)(walk->at - begin) };
}

struct parts {
        struct view id, version, hashes, type;
};

static bool read_parts(struct parts *ret, const uint8_t *start, size_t len)
{
        struct walk walk = { start, start + len, false };
        struct parts parts;
        (void)enter(&walk, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
        parts.id = whole(&walk, V_ASN1_OBJECT);
        (void)enter(&walk, 0, V_ASN1_CONTEXT_SPECIFIC);
        (void)enter(&walk, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
        parts.version = whole(&walk, V_ASN1_INTEGER);
        parts.hashes = whole(&walk, V_ASN1_SET);
        (void)enter(&walk, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
        parts.type = whole(&walk, V_ASN1_OBJECT);
        if (!walk.bad)
                *ret = parts;
        return !walk.bad;
}

static size_t sized(int tag, size_t len)
{
        return (size_t)ASN1_object_size(1, (int)len, tag);
}

static void put_header(uint8_t **at, int tag, int class, size_t len)
{
        ASN1_put_object(at, 1, (int)len, tag, class);
}

static void put_view(uint8_t **at, struct view view)
{
        memcpy(*at, view.data, view.len);
        *at += view.len;
}

static int write_detached(struct attached *ret, const struct parts *parts, struct view tail)
{
        size_t body = parts->version.len + parts->hashes.len +
                      sized(V_ASN1_SEQUENCE, parts->type.len) + tail.len;
        size_t inner = sized(V_ASN1_SEQUENCE, body), explicit = sized(0, inner);
        size_t len = sized(V_ASN1_SEQUENCE, parts->id.len + explicit);
        uint8_t *cms = malloc(len), *at = cms;
        if (!cms)
                return -ENOMEM;
        put_header(&at, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, parts->id.len + explicit);
        put_view(&at, parts->id);
        put_header(&at, 0, V_ASN1_CONTEXT_SPECIFIC, inner);
        put_header(&at, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, body);
        put_view(&at, parts->version);
        put_view(&at, parts->hashes);
        put_header(&at, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, parts->type.len);
        put_view(&at, parts->type);
        put_view(&at, tail);
        ret->cms = cms;
        ret->len = len;
        return 0;
}

static int leave_content(struct attached *ret, const struct source *source, const uint8_t *start,
        size_t start_len, struct verdict *verdict)
{
        _cleanup_free_ uint8_t *tail = NULL;
        size_t tail_len = 0;
        struct parts parts;
        if (!read_parts(&parts, start, start_len))
                return verdict_no(verdict, "not-a-signature", NULL);
        int r = source_read(source, ret->content + ret->content_len, source->size,
                CMS_SIGNED_MAX - START_MAX, &tail, &tail_len, verdict);
        return r == 0 ? write_detached(ret, &parts, (struct view){ tail, tail_len }) : r;
}

int attached_read(struct attached *ret, const struct source *source, struct verdict *verdict)
{
        _cleanup_free_ uint8_t *start = NULL;
        size_t start_len = 0;
        uint64_t first = source->size < START_MAX ? source->size : START_MAX;
        struct attached made = { 0 };
        int r = source_read(source, 0, first, START_MAX, &start, &start_len, verdict);
        if (r != 0)
                return r;
        if (cms_content_at(start, start_len, source->size, &made.content, &made.content_len))
                r = leave_content(&made, source, start, start_len, verdict);
        else
                r = source_read(
                        source, 0, source->size, CMS_SIGNED_MAX, &made.cms, &made.len, verdict);
        if (r == 0)
                *ret = made;
        return r;
}

void attached_drop(struct attached *attached)
{
        free(attached->cms);
        *attached = (struct attached){ 0 };
}
