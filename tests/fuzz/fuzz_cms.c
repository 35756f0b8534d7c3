/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_cms.c: signatures over documents from whoever wants to have been somebody else. The first byte chooses the way in:
 *   'V' a SignedData over a content,  'A' one with its content inside,  'S' what a genuine card signed as attributes,
 *   'U' what was put beside a genuine signature,  'M' two that are to be put together, the first one's length in two bytes.
 * What is accepted tells the leaf's identity; what is put together is read again; what is taken apart is the same when put back.
 */
#include "tests/unit/document_talk.h"

#include "tests/fuzz/require.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct mohr_verify_options options = { .at = TESTPKI_NOW + 10 };

struct world {
        struct testpki *pki;
        struct person who;
        struct mohr_trust *trust;
        struct bytes good;
        int content;
};

static const struct world *world(void)
{
        static struct world made; /* once for the whole run */
        if (!made.pki) {
                made.pki = testpki_new();
                made.trust = testpki_trust((X509 *[]){ made.pki->root, NULL });
                made.who = (struct person){ made.pki->leaf, made.pki->leaf_key };
                made.good = sign_cms(
                        &made.who, made.pki->ca, (struct cms_asked){ 0 }, CONTENT, strlen(CONTENT));
                made.content = memfd_create("content", MFD_CLOEXEC);
                require(write(made.content, CONTENT, strlen(CONTENT)) == (ssize_t)strlen(CONTENT));
        }
        return &made;
}

static void told_is_so(const struct mohr_signed *result, int outcome)
{
        char *text = mohr_signed_json(result);
        json_t *all = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        const json_t *rows = json_object_get(all, "signatures");
        require(all && json_array_size(rows) == mohr_signed_count(result));
        require((outcome == 0) == (mohr_signed_reason(result) == MOHR_REASON_OK));
        require(outcome != 0 || json_array_size(rows) > 0);
        for (size_t i = 0; i < json_array_size(rows); i++) {
                const json_t *row = json_array_get(rows, i),
                             *signer = json_object_get(row, "signer");
                const char *number = json_string_value(json_object_get(signer, "card_number"));
                require(outcome != 0 || number);
                require(!number || strlen(number) == 10);
        }
        json_decref(all);
        free(text);
}

static void judge(const struct mohr_document *document)
{
        struct mohr_signed *result = NULL;
        int r = mohr_document_verify(world()->trust, document, &options, NULL, &result);
        require(r == 0 || r == 21 || r == 22);
        told_is_so(result, r);
        mohr_signed_free(result);
}

static void judge_detached(const uint8_t *der, size_t len)
{
        const struct mohr_document document = { .form = MOHR_DOCUMENT_CMS,
                .content = world()->content,
                .signature = der,
                .signature_len = len };
        struct cms_signature found;
        unsigned int count = 0;
        const char *why = NULL;
        judge(&document);
        int r = cms_signature_at(der, len, 0, &found, &count, &why);
        require(r == 0 ? count > 0 && found.value_len <= sizeof found.value : why && *why);
        if (r == 0)
                require_text(found.signer, sizeof found.signer);
        int holds = cms_signature_holds(der, len, 0, &why);
        require(holds == 0 ? r == 0 : why && *why);
}

static void judge_attached(const uint8_t *file, size_t len)
{
        uint64_t at = 0, content = 0;
        uint8_t *inner = NULL, *before = NULL, *after = NULL;
        size_t inner_len = 0, before_len = 0, after_len = 0;
        int fd = memfd_create("file", MFD_CLOEXEC);
        require(write(fd, file, len) == (ssize_t)len);
        const struct mohr_document document = { .form = MOHR_DOCUMENT_CMS_ATTACHED, .content = fd };
        judge(&document);
        close(fd);
        if (!cms_content_at(file, len, len, &at, &content))
                return;
        require(at <= len && content <= len - at);
        if (cms_detach(file, at, file + at + content, len - at - content, &inner, &inner_len) ==
                        0 &&
                cms_attach(inner, inner_len, content, &before, &before_len, &after, &after_len) ==
                        0) {
                require(before_len == at && memcmp(before, file, at) == 0);
                require(after_len == len - at - content &&
                        memcmp(after, file + at + content, after_len) == 0);
        }
        free(inner);
        free(before);
        free(after);
}

/* The right key signs whatever it is: then it must be what is told, or refused. */
static void judge_attributes(const uint8_t *set, size_t len)
{
        uint8_t buffer[CMS_ATTRIBUTES_MAX];
        struct bytes cms = { 0 };
        struct out out = out_new(buffer, sizeof buffer);
        out_bytes(&out, set, len);
        der_end(&out, 0, DER_SET);
        const struct bytes attributes = { buffer, out.len };
        if (out_done(&out) == 0 &&
                finish_attributes(&attributes, &world()->who, world()->pki->ca, &cms) == 0)
                judge_detached(cms.data, cms.len);
        free(cms.data);
}

static void judge_beside(const uint8_t *set, size_t len)
{
        struct cms_form form;
        const char *why;
        uint8_t *der = NULL, *signer = malloc(CMS_SIGNED_MAX);
        size_t der_len = 0;
        require(cms_read(world()->good.data, world()->good.len, &form, &why) == 0);
        struct out out = out_new(signer, CMS_SIGNED_MAX);
        der_put_view(&out, form.signer[0].before_unsigned);
        der_put(&out, DER_1, set, len);
        der_end(&out, 0, DER_SEQUENCE);
        struct cms_pieces algorithms = { .count = 0 }, certificates = { .count = 0 },
                          signers = { .count = 0 };
        cms_pieces_add_all(&algorithms, form.algorithms);
        cms_pieces_add_all(&certificates, form.certificates);
        cms_pieces_add(&signers, (struct view){ signer, out.len });
        if (out_done(&out) == 0 &&
                cms_build(&algorithms, &certificates, &signers, &der, &der_len) == 0)
                judge_detached(der, der_len);
        free(der);
        free(signer);
}

static void put_together(const uint8_t *one, size_t one_len, const uint8_t *other, size_t other_len)
{
        uint8_t *der = NULL;
        size_t len = 0;
        struct cms_form form;
        const char *why = NULL;
        int r = cms_merge(one, one_len, other, other_len, &der, &len, &why);
        require(r == 0 ? cms_read(der, len, &form, &why) == 0 && form.count >= 2 : r == 21 && why);
        free(der);
        der = NULL;
        r = cms_countersign(one, one_len, 0, other, other_len, &der, &len, &why);
        require(r == 0 ? cms_read(der, len, &form, &why) == 0 : r == 21 && why);
        free(der);
        der = NULL;
        r = cms_add_timestamp(one, one_len, 0, other, other_len, &der, &len, &why);
        require(r == 0 ? cms_read(der, len, &form, &why) == 0 : r == 21 && why);
        free(der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        if (len < 3)
                return 0;
        size_t first = (size_t)data[1] << 8 | data[2];
        switch (data[0]) {
        case 'V': judge_detached(data + 1, len - 1); break;
        case 'A': judge_attached(data + 1, len - 1); break;
        case 'S': judge_attributes(data + 1, len - 1); break;
        case 'U': judge_beside(data + 1, len - 1); break;
        case 'M':
                if (first <= len - 3)
                        put_together(data + 3, first, data + 3 + first, len - 3 - first);
                break;
        }
        return 0;
}
