/* SPDX-License-Identifier: Apache-2.0 */
/* signed.c: mohr_document_verify(): which form, every signature of it, and what that comes to. One signature that does not hold makes
 * the document one that does not hold: who counts signatures must not have to read the small print.
 */
#include "client-sdk/signed.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/jws_form.h"
#include "client-sdk/result.h"

#include <openssl/err.h>
#include <stdio.h>
#include <time.h>

#define YEAR_10000 253402300800
#define PIECE      32768

/* ---- the content ---- */

struct hashing {
        EVP_MD_CTX *md[3]; /* NULL: not asked for */
        uint64_t size;
};

static void hashing_clear(struct hashing *hashing)
{
        for (size_t i = 0; i < ARRAY_LEN(hashing->md); i++)
                EVP_MD_CTX_free(hashing->md[i]);
}

static int hashing_begin(struct hashing *hashing, unsigned int more)
{
        const EVP_MD *kinds[] = { EVP_sha256(), more & SIGNED_SHA384 ? EVP_sha384() : NULL,
                more & SIGNED_SHA512 ? EVP_sha512() : NULL };
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
                if (!kinds[i])
                        continue;
                hashing->md[i] = EVP_MD_CTX_new();
                if (!hashing->md[i] || EVP_DigestInit_ex(hashing->md[i], kinds[i], NULL) != 1)
                        return -ENOMEM;
        }
        return 0;
}

static int hash_piece(struct hashing *hashing, const uint8_t *data, size_t len)
{
        for (size_t i = 0; i < ARRAY_LEN(hashing->md); i++)
                if (hashing->md[i] && EVP_DigestUpdate(hashing->md[i], data, len) != 1)
                        return -ENOMEM;
        hashing->size += len;
        return 0;
}

/* To the end of the range, or of the file where there is none. */
static int hash_range(int fd, struct hashing *hashing, uint64_t at, uint64_t left, bool to_end)
{
        uint8_t piece[PIECE];
        while (left > 0) {
                size_t want = left < sizeof piece ? (size_t)left : sizeof piece;
                ssize_t got = at <= INT64_MAX ? pread(fd, piece, want, (off_t)at) : 0;
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                if (got == 0)
                        return to_end ? 0 : -EBADMSG;
                int r = hash_piece(hashing, piece, (size_t)got);
                if (r < 0)
                        return r;
                at += (uint64_t)got;
                left -= (uint64_t)got;
        }
        return 0;
}

static int hash_all(int fd, struct hashing *hashing, const struct mohr_range *ranges, size_t count)
{
        if (!ranges)
                return hash_range(fd, hashing, 0, UINT64_MAX, true);
        for (size_t i = 0; i < count; i++) {
                int r = hash_range(fd, hashing, ranges[i].offset, ranges[i].len, false);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool hashing_end(EVP_MD_CTX *md, uint8_t *dst)
{
        return !md || EVP_DigestFinal_ex(md, dst, NULL) == 1;
}

int signed_hash(int fd, const struct mohr_range *ranges, size_t count, unsigned int more,
        struct signed_hashes *ret)
{
        _cleanup_(hashing_clear) struct hashing hashing = { .size = 0 };
        struct signed_hashes found = { .size = 0 };
        int r = hashing_begin(&hashing, more);
        if (r == 0)
                r = hash_all(fd, &hashing, ranges, count);
        if (r < 0)
                return r;
        if (!hashing_end(hashing.md[0], found.sha256) ||
                !hashing_end(hashing.md[1], found.sha384) ||
                !hashing_end(hashing.md[2], found.sha512))
                return -ENOMEM;
        found.size = hashing.size;
        *ret = found;
        return 0;
}

/* ---- rows ---- */

int signed_refuse(struct signed_one *one, enum mohr_reason reason, const char *detail)
{
        one->reason = reason;
        snprintf(one->detail, sizeof one->detail, "%s", detail);
        return OUTCOME_INVALID;
}

int signed_refuse_all(struct mohr_signed *result, enum mohr_reason reason, const char *detail)
{
        result->reason = reason;
        snprintf(result->detail, sizeof result->detail, "%s", detail);
        return OUTCOME_INVALID;
}

int signed_rows(struct mohr_signed *result, size_t count, struct signed_one **ret)
{
        if (count > SIGNED_MAX - result->total)
                return signed_refuse_all(result, MOHR_REASON_DOCUMENT_FORM, "too-many-signers");
        struct signed_one *rows = calloc(count, sizeof *rows);
        if (!rows)
                return -ENOMEM;
        result->total += count;
        *ret = rows;
        return 0;
}

static void rows_free(struct signed_one *rows, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                for (size_t j = 0; j < rows[i].counter_count; j++) {
                        signer_unref(rows[i].counters[j].signer);
                        revocation_finding_clear(&rows[i].counters[j].revocation);
                        json_decref(rows[i].counters[j].not_understood);
                }
                free(rows[i].counters);
                signer_unref(rows[i].signer);
                revocation_finding_clear(&rows[i].revocation);
                json_decref(rows[i].not_understood);
        }
        free(rows);
}

struct mohr_signed *mohr_signed_free(struct mohr_signed *result)
{
        if (result)
                rows_free(result->rows, result->count);
        free(result);
        return NULL;
}

/* ---- the whole ---- */

/* Who countersigned something that does not hold has signed nothing that does. */
static void follow(struct signed_one *one)
{
        for (size_t i = 0; i < one->counter_count && one->outcome == OUTCOME_INVALID; i++)
                if (result_outcome(one->counters[i].reason) != OUTCOME_INVALID)
                        signed_refuse(&one->counters[i], MOHR_REASON_DOCUMENT_COUNTER, "");
}

/* What does not hold comes before what is expired, and that before what holds. */
static void weigh(struct mohr_signed *result, struct signed_one *rows, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                struct signed_one *one = &rows[i];
                one->outcome = result_outcome(one->reason);
                if (one->outcome != 0 &&
                        (result->outcome == 0 || (one->outcome == OUTCOME_INVALID &&
                                                         result->outcome != OUTCOME_INVALID))) {
                        result->outcome = one->outcome;
                        result->reason = one->reason;
                        memcpy(result->detail, one->detail, sizeof result->detail);
                }
                follow(one);
                weigh(result, one->counters, one->counter_count);
        }
}

static int run(const struct signed_check *check)
{
        struct mohr_signed *result = check->result;
        int r = -EINVAL;
        ERR_clear_error();
        switch (check->document->form) {
        case MOHR_DOCUMENT_CMS: r = cms_verify(check, false); break;
        case MOHR_DOCUMENT_CMS_ATTACHED: r = cms_verify(check, true); break;
        case MOHR_DOCUMENT_JWS: r = jws_verify(check); break;
        case MOHR_DOCUMENT_NONE: break;
        }
        if (r > 0) { /* nothing of a whole that is none is told */
                rows_free(result->rows, result->count);
                result->rows = NULL;
                result->count = 0;
                result->outcome = OUTCOME_INVALID;
        }
        if (r == 0)
                weigh(result, result->rows, result->count);
        return r < 0 ? r : 0;
}

static bool options_are_good(const struct mohr_verify_options *options)
{
        return options->at >= 0 && options->at < YEAR_10000 && !options->audience &&
               !options->nonce && !options->asked_at && !options->replay &&
               options->expired <= MOHR_EXPIRED_ACCEPT &&
               options->revocation <= MOHR_REVOCATION_REQUIRE && options->revocation_age_s >= 0;
}

int mohr_document_verify(struct mohr_trust *trust, const struct mohr_document *document,
        const struct mohr_verify_options *options, const struct mohr_trust *authorities,
        struct mohr_signed **ret)
{
        static const struct mohr_verify_options nothing;
        options = options ? options : &nothing;
        if (!options_are_good(options))
                return -EINVAL;
        struct mohr_signed *result = calloc(1, sizeof *result);
        if (!result)
                return -ENOMEM;
        result->at = options->at ? options->at : (int64_t)time(NULL);
        result->form = document->form;
        const struct signed_check check = { .trust = trust,
                .document = document,
                .options = options,
                .authorities = authorities,
                .result = result };
        int r = run(&check);
        if (r < 0) {
                mohr_signed_free(result);
                return r;
        }
        *ret = result;
        return result->outcome;
}

enum mohr_reason mohr_signed_reason(const struct mohr_signed *result)
{
        return result->reason;
}

const char *mohr_signed_detail(const struct mohr_signed *result)
{
        return result->detail;
}

size_t mohr_signed_count(const struct mohr_signed *result)
{
        return result->count;
}

/* ---- which form ---- */

static bool is_document_header(struct compact_part header)
{
        _cleanup_json_ json_t *json = NULL;
        if (header.len > JWS_HEADER_MAX || jws_read_header(header, &json) != 0)
                return false;
        const char *typ = json_string_value(json_object_get(json, "typ"));
        return typ && strcmp(typ, JWS_TYP) == 0;
}

/* General JSON: an evidence bundle, which is JSON as well, has neither of these members. */
static bool is_general(const char *text, size_t len)
{
        struct jws_form form;
        const char *why = "";
        int r = jws_read(text, len, &form, &why);
        if (r == 0)
                jws_form_clear(&form);
        return r == 0 || strcmp(why, "members") != 0;
}

static bool is_jws(const char *text, size_t len)
{
        const char *stop = memchr(text, '.', len);
        if (len > 0 && text[0] == '{')
                return memmem(text, base_min(len, 64), "\"payload\"", 9) && is_general(text, len);
        return stop && is_document_header((struct compact_part){ text, (size_t)(stop - text) });
}

/* SignedData of indefinite length: whether anything is inside nobody here looks. */
static bool is_ber(const uint8_t *start, size_t len)
{
        struct in in = in_new(start, len);
        return in_u16(&in) == 0x3080 && cms_same(der_get(&in, DER_OID), OID_SIGNED_DATA);
}

enum mohr_document_form mohr_document_form_of(const void *start, size_t len, uint64_t size)
{
        uint64_t offset, content;
        struct in in = in_new(start, len);
        der_length(&in, DER_SEQUENCE);
        if (cms_same(der_get(&in, DER_OID), OID_SIGNED_DATA))
                return cms_content_at(start, len, size, &offset, &content)
                               ? MOHR_DOCUMENT_CMS_ATTACHED
                               : MOHR_DOCUMENT_CMS;
        if (is_ber(start, len))
                return MOHR_DOCUMENT_CMS_ATTACHED; /* to be refused as one */
        return is_jws(start, len) ? MOHR_DOCUMENT_JWS : MOHR_DOCUMENT_NONE;
}
