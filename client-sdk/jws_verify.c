/* SPDX-License-Identifier: Apache-2.0 */
/* jws_verify.c: signatures over JSON documents (RFC 7515 5.2, ETSI TS 119 182-1 5): the header that jws.h makes, and no other.
 *
 * crit must name sigT and nothing else, and sigT must be there: a verifier that understands a header says so by refusing all it
 * does not. Then the certificate that x5t#S256 names, the signature over header and payload as they are written,
 * and the person, by signed_judge.c.
 */
#include "client-sdk/signed.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/base64.h"
#include "client-sdk/evidence.h"
#include "client-sdk/jws_form.h"

#include <sys/stat.h>
#include <time.h>

#define CERT_MAX 6144 /* bytes; signer.c takes as many letters of one in x5c */

struct looking {
        const struct signed_check *check;
        struct compact_part payload;
        const struct jws_signature *row;
        json_t *header; /* owned */
        struct signed_one *one;
};

/* ---- the header ---- */

static const char *text_of(const struct looking *look, const char *name)
{
        return json_string_value(json_object_get(look->header, name));
}

static bool says(const struct looking *look, const char *name, const char *what)
{
        const char *text = text_of(look, name);
        return text && strcmp(text, what) == 0;
}

static int step_read(struct looking *look)
{
        int r = jws_read_header(look->row->header, &look->header);
        return r > 0 ? signed_refuse(look->one, MOHR_REASON_HEADER, "") : r;
}

static bool critical_is_exact(const json_t *crit)
{
        const char *name = json_string_value(json_array_get(crit, 0));
        return json_is_array(crit) && json_array_size(crit) == 1 && name &&
               strcmp(name, "sigT") == 0;
}

static int step_members(struct looking *look)
{
        static const char *const texts[] = { "alg", "typ", "cty", "x5t#S256", "sigT" };
        if (!critical_is_exact(json_object_get(look->header, "crit")))
                return signed_refuse(look->one, MOHR_REASON_CRITICAL, "");
        if (!says(look, "typ", JWS_TYP))
                return signed_refuse(look->one, MOHR_REASON_TYPE, "");
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
                if (!text_of(look, texts[i]))
                        return signed_refuse(look->one, MOHR_REASON_HEADER, texts[i]);
        if (!says(look, "cty", "json"))
                return signed_refuse(look->one, MOHR_REASON_HEADER, "cty");
        /* Those, crit and x5c: whatever else is there is one too many. */
        if (json_object_size(look->header) != ARRAY_LEN(texts) + 2 ||
                !json_is_array(json_object_get(look->header, "x5c")))
                return signed_refuse(look->one, MOHR_REASON_HEADER, "members");
        return 0;
}

static int step_time(struct looking *look)
{
        char again[24];
        struct tm tm = { 0 };
        const char *said = text_of(look, "sigT");
        const char *end = strptime(said, "%Y-%m-%dT%H:%M:%SZ", &tm);
        const time_t when = timegm(&tm);
        text_iso8601(again, when);
        if (!end || strcmp(said, again) != 0 || when <= 0)
                return signed_refuse(look->one, MOHR_REASON_DOCUMENT_ATTRIBUTES, "sigT");
        look->one->signing_time = when;
        return 0;
}

/* ---- the certificate ---- */

static int print_fits(const struct looking *look, struct view leaf)
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        char text[64];
        unsigned int len = 0;
        if (EVP_Digest(leaf.data, leaf.len, hash, &len, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        base64_encode(BASE64_URL, text, hash, len);
        return says(look, "x5t#S256", text);
}

static int judge_certificates(struct looking *look, const struct view *chain, size_t count)
{
        enum mohr_reason reason;
        int r = print_fits(look, chain[0]);
        if (r == 0)
                return signed_refuse(look->one, MOHR_REASON_DOCUMENT_CERTIFICATE, "another");
        if (r > 0)
                r = signer_of(chain, count, text_of(look, "alg"), &look->one->signer, &reason);
        if (r < 0)
                return r;
        return reason == MOHR_REASON_OK ? 0 : signed_refuse(look->one, reason, "");
}

static int step_signer(struct looking *look)
{
        struct view chain[SIGNER_CERTS_MAX];
        uint8_t *ders[SIGNER_CERTS_MAX] = { NULL };
        const json_t *x5c = json_object_get(look->header, "x5c");
        size_t count = json_array_size(x5c);
        int r = count >= 1 && count <= SIGNER_CERTS_MAX ? 0 : -EBADMSG;
        for (size_t i = 0; r == 0 && i < count; i++) {
                size_t len = 0;
                r = evidence_unpack(json_array_get(x5c, i), CERT_MAX, &ders[i], &len);
                chain[i] = (struct view){ ders[i], len };
        }
        if (r == 0)
                r = judge_certificates(look, chain, count);
        else if (r == -EBADMSG)
                r = signed_refuse(look->one, MOHR_REASON_CERTIFICATE, "");
        for (size_t i = 0; i < SIGNER_CERTS_MAX; i++)
                free(ders[i]);
        return r;
}

/* ---- the signature ---- */

static int step_signature(struct looking *look)
{
        uint8_t signature[CMS_VALUE_MAX];
        char beginning[JWS_HEADER_MAX + 1];
        const struct compact_part *header = &look->row->header, *said = &look->row->signature;
        ssize_t len = base64_decode(BASE64_URL, signature, sizeof signature, said->text, said->len);
        if (len <= 0)
                return signed_refuse(look->one, MOHR_REASON_BASE64, "signature");
        memcpy(beginning, header->text, header->len);
        beginning[header->len] = '.';
        int r = signer_begin(look->one->signer, beginning, header->len + 1);
        if (r < 0)
                return r;
        return signer_verifies(look->one->signer, look->payload.text, look->payload.len, signature,
                       (size_t)len)
                       ? 0
                       : signed_refuse(look->one, MOHR_REASON_SIGNATURE, "");
}

static int step_stamps(struct looking *look)
{
        const struct jws_signature *row = look->row;
        const struct view value = { (const uint8_t *)row->signature.text, row->signature.len };
        int r = 0;
        for (size_t i = 0; i < row->stamp_count && r == 0; i++) {
                uint8_t token[TIMESTAMP_MAX];
                ssize_t len = base64_decode(BASE64_STANDARD, token, sizeof token,
                        row->stamps[i].text, row->stamps[i].len);
                if (len <= 0)
                        return signed_refuse(look->one, MOHR_REASON_BASE64, "timestamp");
                r = signed_stamp(
                        look->check, look->one, value, (struct view){ token, (size_t)len });
        }
        return r;
}

static int step_person(struct looking *look)
{
        return signed_judge(look->check, look->one);
}

static int look_at(struct looking *look)
{
        static int (*const steps[])(struct looking *) = { step_read, step_members, step_time,
                step_signer, step_signature, step_stamps, step_person };
        int r = 0;
        for (size_t i = 0; i < ARRAY_LEN(steps) && r == 0; i++)
                r = steps[i](look);
        json_decref(look->header);
        return r < 0 ? r : 0;
}

/* ---- the whole ---- */

/* Size and digest of what the payload stands for: in pieces of whole groups, so that only the last may be a shorter one. */
static int describe(struct compact_part payload, struct mohr_signed *result)
{
        uint8_t piece[3072], hash[EVP_MAX_MD_SIZE];
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        int r = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
        for (size_t at = 0; r == 0 && at < payload.len; at += 4096) {
                ssize_t len = base64_decode(BASE64_URL, piece, sizeof piece, payload.text + at,
                        base_min(4096, payload.len - at));
                if (len < 0)
                        r = OUTCOME_INVALID;
                else if (EVP_DigestUpdate(md, piece, (size_t)len) != 1)
                        r = -ENOMEM;
                result->size += len > 0 ? (size_t)len : 0;
        }
        if (r == 0 && EVP_DigestFinal_ex(md, hash, NULL) != 1)
                r = -ENOMEM;
        EVP_MD_CTX_free(md);
        if (r == 0)
                hex_encode(result->sha256, hash, 32);
        return r > 0 ? signed_refuse_all(result, MOHR_REASON_BASE64, "payload") : r;
}

static int judge(const struct signed_check *check, const char *text, size_t len)
{
        _cleanup_jws_ struct jws_form form = { .count = 0 };
        const char *why = "";
        struct mohr_signed *result = check->result;
        int r = jws_read(text, len, &form, &why);
        if (r > 0)
                return signed_refuse_all(result, MOHR_REASON_DOCUMENT_FORM, why);
        if (r == 0)
                r = describe(form.payload, result);
        if (r == 0)
                r = signed_rows(result, form.count, &result->rows);
        if (r != 0)
                return r;
        result->count = form.count;
        for (size_t i = 0; i < form.count && r == 0; i++) {
                struct looking look = { .check = check,
                        .payload = form.payload,
                        .row = &form.rows[i],
                        .one = &result->rows[i] };
                r = look_at(&look);
        }
        return r;
}

static int read_file(int fd, char *dst, size_t cap, size_t *ret_len)
{
        size_t len = 0;
        for (ssize_t got = 1; got != 0 && len < cap;) {
                got = pread(fd, dst + len, cap - len, (off_t)len);
                if (got < 0 && errno != EINTR)
                        return -errno;
                len += got > 0 ? (size_t)got : 0;
        }
        *ret_len = len;
        return 0;
}

/* A line's end after it is the editor's or the shell's. */
static size_t without_end(const char *text, size_t len)
{
        while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
                len--;
        return len;
}

int jws_verify(const struct signed_check *check)
{
        struct stat st;
        size_t len = 0;
        if (fstat(check->document->content, &st) < 0)
                return -errno;
        if (st.st_size > JWS_MAX)
                return signed_refuse_all(check->result, MOHR_REASON_DOCUMENT_FORM, "too-large");
        size_t room = (size_t)st.st_size + 1;
        _cleanup_free_ char *text = malloc(room);
        if (!text)
                return -ENOMEM;
        int r = read_file(check->document->content, text, room, &len);
        return r == 0 ? judge(check, text, without_end(text, len)) : r;
}
