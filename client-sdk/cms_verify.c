/* SPDX-License-Identifier: Apache-2.0 */
/* cms_verify.c: signatures over documents as CMS (RFC 5652 5.6, ETSI EN 319 122-1 5): is it this document, and is it this
 * certificate's key?
 *
 * For each signer: the attributes it signed, the document's digest, the very certificate that signing-certificate-v2 names, a
 * signature over all that; then timestamps and countersignatures; then the person, by signed_judge.c. The
 * digest of the content is made once, in one reading.
 */
#include "client-sdk/cms_verify.h"

#include "base/outcome.h"
#include "client-sdk/algorithm.h"
#include "client-sdk/shortage.h"

#include <openssl/err.h>
#include <sys/stat.h>

#define START 4096

/* ---- the document ---- */

static int step_content(struct cms_looking *look)
{
        struct cms_attribute found;
        const struct view oid = cms_algorithm_of(look->signer->digest_algorithm);
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned int len = 0;
        const EVP_MD *md = cms_digest_of(oid);
        if (!md)
                return signed_refuse(look->one, MOHR_REASON_ALGORITHM, "digest");
        if (!look->over.data) {
                const char *name = cms_digest_name(oid);
                const struct signed_hashes *all = look->content;
                bool is_256 = strcmp(name, "sha256") == 0, is_384 = strcmp(name, "sha384") == 0;
                len = (unsigned int)EVP_MD_get_size(md);
                memcpy(hash, is_256 ? all->sha256 : is_384 ? all->sha384 : all->sha512, len);
        } else if (EVP_Digest(look->over.data, look->over.len, hash, &len, md, NULL) != 1) {
                return -ENOMEM;
        }
        if (!cms_attribute(look->signer->signed_attributes, OID_DIGEST, &found))
                return signed_refuse(look->one, MOHR_REASON_DOCUMENT_ATTRIBUTES, "message-digest");
        struct in in = der_open(found.values);
        struct view said = der_get(&in, DER_OCTETS);
        if (in_done(&in) < 0)
                return signed_refuse(look->one, MOHR_REASON_DOCUMENT_ATTRIBUTES, "message-digest");
        return view_eq(said, hash, len) ? 0
                                        : signed_refuse(look->one, MOHR_REASON_DOCUMENT_CHANGED,
                                                  look->over.data ? "countersignature" : "");
}

/* ---- the signature ---- */

#define RSA_OID(last)                                                                              \
        {                                                                                          \
                (const uint8_t *)"\x2A\x86\x48\x86\xF7\x0D\x01\x01" last, 9                        \
        }
#define EC_OID(last)                                                                               \
        {                                                                                          \
                (const uint8_t *)"\x2A\x86\x48\xCE\x3D\x04\x03" last, 8                            \
        }

/* Which hash it names, if any, and for which kind of key it is. */
static const struct scheme {
        struct view oid;
        int key;
        const char *hash;
} schemes[] = {
        { RSA_OID("\x01"), EVP_PKEY_RSA, NULL },
        { RSA_OID("\x0B"), EVP_PKEY_RSA, "sha256" },
        { RSA_OID("\x0C"), EVP_PKEY_RSA, "sha384" },
        { RSA_OID("\x0D"), EVP_PKEY_RSA, "sha512" },
        { EC_OID("\x02"), EVP_PKEY_EC, "sha256" },
        { EC_OID("\x03"), EVP_PKEY_EC, "sha384" },
        { EC_OID("\x04"), EVP_PKEY_EC, "sha512" },
};

static bool scheme_fits(const struct cms_signer *signer, EVP_PKEY *key)
{
        const char *hash = cms_digest_name(cms_algorithm_of(signer->digest_algorithm));
        const struct view oid = cms_algorithm_of(signer->algorithm);
        for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
                if (cms_same(schemes[i].oid, oid))
                        return EVP_PKEY_get_base_id(key) == schemes[i].key && hash &&
                               (!schemes[i].hash || strcmp(schemes[i].hash, hash) == 0);
        return false;
}

/* Over the attributes as a SET OF, which is how they were hashed, and not how they stand there (RFC 5652 5.4). */
static int verify_attributes(const struct cms_signer *signer, EVP_PKEY *key)
{
        uint8_t header[16];
        struct out out = out_new(header, sizeof header);
        const EVP_MD *md = cms_digest_of(cms_algorithm_of(signer->digest_algorithm));
        der_header(&out, DER_SET, signer->signed_attributes.len);
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        bool ready = ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1 &&
                     EVP_DigestVerifyUpdate(ctx, header, out.len) == 1 &&
                     EVP_DigestVerifyUpdate(ctx, signer->signed_attributes.data,
                             signer->signed_attributes.len) == 1;
        bool good = ready && EVP_DigestVerifyFinal(ctx, signer->value.data, signer->value.len) == 1;
        EVP_MD_CTX_free(ctx);
        if (shortage_seen() < 0 || !ready)
                return -ENOMEM;
        return good ? 0 : OUTCOME_INVALID;
}

static int step_signature(struct cms_looking *look)
{
        uint8_t plain[ALGORITHM_SIG_MAX];
        const struct cms_signer *signer = look->signer;
        EVP_PKEY *key = X509_get0_pubkey(look->one->signer->certs[0]);
        if (!scheme_fits(signer, key))
                return signed_refuse(look->one, MOHR_REASON_ALGORITHM, "signature");
        if (algorithm_sig_to_jws(look->one->signer->algorithm, signer->value.data,
                    signer->value.len, plain) == 0)
                return signed_refuse(look->one, MOHR_REASON_SIGNATURE, "form");
        int r = verify_attributes(signer, key);
        return r > 0 ? signed_refuse(look->one, MOHR_REASON_SIGNATURE, "") : r;
}

static int step_stamps(struct cms_looking *look)
{
        struct cms_attribute found;
        if (!cms_attribute(look->signer->unsigned_attributes, OID_TIMESTAMP, &found))
                return 0;
        if (found.count > SIGNED_STAMPS_MAX)
                return signed_refuse(look->one, MOHR_REASON_TIMESTAMP, "too-many");
        struct in in = der_open(found.values);
        for (unsigned int i = 0; i < found.count; i++) {
                int r = signed_stamp(look->check, look->one, look->signer->value, der_any(&in));
                if (r != 0)
                        return r;
        }
        return 0;
}

static int step_person(struct cms_looking *look)
{
        return signed_judge(look->check, look->one);
}

/* ---- */

static int look_at(struct cms_looking *look)
{
        static int (*const steps[])(struct cms_looking *) = { cms_look_at_attributes, step_content,
                cms_look_at_certificate, cms_look_at_signer, step_signature, step_stamps,
                step_person };
        int r = 0;
        for (size_t i = 0; i < ARRAY_LEN(steps) && r == 0; i++)
                r = steps[i](look);
        return r < 0 ? r : 0;
}

static int look_at_counter(
        const struct cms_looking *over, struct view whole, struct signed_one *one)
{
        struct cms_signer signer;
        const char *why;
        struct cms_attribute nested;
        if (cms_read_signer(whole, &signer, &why) != 0) {
                signed_refuse(one, MOHR_REASON_DOCUMENT_FORM, why);
                return 0;
        }
        if (cms_attribute(signer.unsigned_attributes, OID_COUNTER, &nested)) {
                signed_refuse(one, MOHR_REASON_DOCUMENT_FORM, "nested-countersignature");
                return 0;
        }
        struct cms_looking look = { .check = over->check,
                .certificates = over->certificates,
                .over = over->signer->value,
                .signer = &signer,
                .one = one };
        return look_at(&look);
}

static int look_at_counters(const struct cms_looking *look)
{
        struct cms_attribute found;
        if (!cms_attribute(look->signer->unsigned_attributes, OID_COUNTER, &found))
                return 0;
        int r = signed_rows(look->check->result, found.count, &look->one->counters);
        if (r != 0)
                return r;
        look->one->counter_count = found.count;
        struct in in = der_open(found.values);
        for (unsigned int i = 0; i < found.count && r == 0; i++)
                r = look_at_counter(look, der_any(&in), &look->one->counters[i]);
        return r;
}

static int look_at_all(const struct signed_check *check, const struct cms_form *form,
        const struct signed_hashes *content)
{
        struct mohr_signed *result = check->result;
        int r = signed_rows(result, form->count, &result->rows);
        if (r != 0)
                return r;
        result->count = form->count;
        for (unsigned int i = 0; i < form->count && r == 0; i++) {
                struct cms_looking look = { .check = check,
                        .certificates = form->certificates,
                        .content = content,
                        .signer = &form->signer[i],
                        .one = &result->rows[i] };
                r = look_at(&look);
                if (r == 0)
                        r = look_at_counters(&look);
        }
        return r;
}

/* ---- before it is countersigned ---- */

/* Signatures are public, and whoever hands over a file may have put one beside another's certificate. */
int cms_signature_holds(const uint8_t *cms, size_t len, unsigned int index, const char **ret_why)
{
        struct cms_form form;
        struct leaf leaf;
        struct signed_one one = { .signer = NULL };
        _cleanup_x509_ X509 *cert = NULL;
        *ret_why = "signer";
        int r = cms_read(cms, len, &form, ret_why);
        if (r != 0 || index >= form.count)
                return r != 0 ? r : OUTCOME_INVALID;
        struct cms_looking look = {
                .certificates = form.certificates, .signer = &form.signer[index], .one = &one
        };
        *ret_why = "not-its-signer";
        r = cms_look_at_certificate(&look);
        if (r == 0)
                r = leaf_parse(look.certificate.data, look.certificate.len, &cert, &leaf);
        EVP_PKEY *key = r == 0 ? X509_get0_pubkey(cert) : NULL;
        if (r == 0)
                r = key && scheme_fits(look.signer, key) ? verify_attributes(look.signer, key)
                                                         : OUTCOME_INVALID;
        if (shortage_seen() < 0 || r == -ENOMEM)
                return -ENOMEM;
        return r == 0 ? 0 : OUTCOME_INVALID;
}

/* ---- the file ---- */

/* Those that a signer has; one that nobody knows is refused where it is looked at. */
static unsigned int hashes_of(const struct cms_form *form)
{
        unsigned int more = 0;
        for (unsigned int i = 0; i < form->count; i++) {
                const char *name =
                        cms_digest_name(cms_algorithm_of(form->signer[i].digest_algorithm));
                more |= name && strcmp(name, "sha384") == 0 ? SIGNED_SHA384 : 0;
                more |= name && strcmp(name, "sha512") == 0 ? SIGNED_SHA512 : 0;
        }
        return more;
}

static int judge(const struct signed_check *check, const uint8_t *der, size_t len,
        const struct mohr_range *ranges, size_t count)
{
        struct mohr_signed *result = check->result;
        struct signed_hashes content;
        struct cms_form form;
        const char *why = "";
        if (cms_read(der, len, &form, &why) != 0)
                return signed_refuse_all(result, MOHR_REASON_DOCUMENT_FORM, why);
        int r = signed_hash(check->document->content, ranges, count, hashes_of(&form), &content);
        if (r == -EBADMSG)
                return signed_refuse_all(result, MOHR_REASON_DOCUMENT_FORM, "ranges");
        if (r < 0)
                return r;
        result->size = content.size;
        hex_encode(result->sha256, content.sha256, sizeof content.sha256);
        return look_at_all(check, &form, &content);
}

static int read_at(int fd, uint8_t *dst, size_t len, uint64_t at)
{
        for (size_t done = 0; done < len;) {
                ssize_t got = pread(fd, dst + done, len - done, (off_t)(at + done));
                if (got < 0 && errno != EINTR)
                        return -errno;
                if (got == 0)
                        return -EBADMSG;
                done += got > 0 ? (size_t)got : 0;
        }
        return 0;
}

/* A file with the content inside: the rest of it as a detached SignedData, and where the content is. */
static int take_out(const struct signed_check *check, uint8_t **ret, size_t *ret_len,
        struct mohr_range *ret_content)
{
        struct stat st;
        uint8_t start[START];
        uint64_t at, len;
        int fd = check->document->content;
        if (fstat(fd, &st) < 0)
                return -errno;
        size_t some = base_min(sizeof start, (size_t)st.st_size);
        int r = read_at(fd, start, some, 0);
        if (r < 0 && r != -EBADMSG)
                return r;
        if (r < 0 || !cms_content_at(start, some, (uint64_t)st.st_size, &at, &len))
                return signed_refuse_all(check->result, MOHR_REASON_DOCUMENT_FORM, "form");
        uint64_t rest = (uint64_t)st.st_size - at - len;
        if (rest > CMS_SIGNED_MAX)
                return signed_refuse_all(check->result, MOHR_REASON_DOCUMENT_FORM, "too-large");
        _cleanup_free_ uint8_t *after = malloc((size_t)rest + 1);
        r = after ? read_at(fd, after, (size_t)rest, at + len) : -ENOMEM;
        if (r == 0)
                r = cms_detach(start, (size_t)at, after, (size_t)rest, ret, ret_len);
        *ret_content = (struct mohr_range){ at, len };
        if (r == OUTCOME_INVALID || r == -EMSGSIZE || r == -EBADMSG)
                return signed_refuse_all(check->result, MOHR_REASON_DOCUMENT_FORM, "form");
        return r;
}

int cms_verify(const struct signed_check *check, bool attached)
{
        const struct mohr_document *document = check->document;
        _cleanup_free_ uint8_t *der = NULL;
        struct mohr_range content;
        size_t len;
        if (!attached)
                return judge(check, document->signature, document->signature_len, document->ranges,
                        document->range_count);
        int r = take_out(check, &der, &len, &content);
        return r == 0 ? judge(check, der, len, &content, 1) : r;
}
