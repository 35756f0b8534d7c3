/* SPDX-License-Identifier: Apache-2.0 */
/* evidence_form.c: a bundle's text, read and written (docs/evidence.md, "Form").
 *
 * Reading ends with writing what was read and comparing: so the form is defined once, by the writer. The
 * checksum comes first, as a damaged file should be called damaged and not forged. It is no protection:
 * whoever changes a bundle can compute it anew, and then meets everything else.
 */
#include "client-sdk/evidence.h"

#include "client-sdk/base64.h"
#include "client-sdk/members.h"
#include "client-sdk/timestamp.h"

#include "base/bytes.h"

#include <openssl/evp.h>
#include <stdio.h>

#define CANONICAL  (JSON_COMPACT | JSON_SORT_KEYS)
#define YEAR_10000 253402300800
#define SKEW       60 /* what mohr_verify() takes for 0 */
#define CHECKSUM   ",\"sha256\":\""

void evidence_clear(struct evidence *evidence)
{
        json_decref(evidence->content);
        json_decref(evidence->timestamps);
        *evidence = (struct evidence){ 0 };
}

/* ---- texts ---- */

int evidence_unpack(const json_t *text, size_t cap, uint8_t **ret, size_t *ret_len)
{
        size_t letters = json_string_length(text), room = letters / 4 * 3 + 3;
        if (!json_is_string(text) || letters == 0 || room > cap + 3)
                return -EBADMSG;
        uint8_t *data = malloc(room);
        if (!data)
                return -ENOMEM;
        ssize_t len = base64_decode(BASE64_STANDARD, data, room, json_string_value(text), letters);
        if (len <= 0) {
                free(data);
                return -EBADMSG;
        }
        *ret = data;
        *ret_len = (size_t)len;
        return 0;
}

bool mohr_evidence_digest(const void *bundle, size_t len, char ret[65])
{
        uint8_t hash[32];
        if (EVP_Digest(bundle, len, hash, NULL, EVP_sha256(), NULL) != 1)
                return false;
        hex_encode(ret, hash, sizeof hash);
        return true;
}

/* ---- writing ---- */

static json_t *head_of(const json_t *timestamps, size_t count)
{
        json_t *head = json_array();
        for (size_t i = 0; i < count; i++)
                if (json_array_append(head, json_array_get(timestamps, i)) < 0) {
                        json_decref(head);
                        return NULL;
                }
        return head;
}

static char *write_text(
        const json_t *content, const json_t *timestamps, size_t count, const char *sha256)
{
        _cleanup_json_ json_t *head = count > 0 ? head_of(timestamps, count) : NULL;
        _cleanup_json_ json_t *all = json_object();
        if ((count > 0 && json_object_set(all, "timestamps", head) < 0) ||
                json_object_set(all, "content", (json_t *)(uintptr_t)content) < 0 ||
                json_object_set_new(all, "mohr_evidence", json_integer(EVIDENCE_VERSION)) < 0 ||
                (sha256 && json_object_set_new(all, "sha256", json_string(sha256)) < 0))
                return NULL;
        return members_text(all, CANONICAL);
}

char *evidence_body(const json_t *content, const json_t *timestamps, size_t count)
{
        return write_text(content, timestamps, count, NULL);
}

char *evidence_file(const json_t *content, const json_t *timestamps, size_t count)
{
        char sha256[65];
        _cleanup_free_ char *body = evidence_body(content, timestamps, count);
        if (!body || !mohr_evidence_digest(body, strlen(body), sha256))
                return NULL;
        return write_text(content, timestamps, count, sha256);
}

int evidence_seal(const json_t *content, const json_t *timestamps, size_t count, char **ret)
{
        char *text = evidence_file(content, timestamps, count);
        if (!text)
                return -ENOMEM;
        if (strlen(text) > MOHR_EVIDENCE_MAX) {
                free(text);
                return -EFBIG;
        }
        *ret = text;
        return 0;
}

static const char *const expireds[] = { [MOHR_EXPIRED_REFUSE] = "refuse",
        [MOHR_EXPIRED_REPORT] = "report",
        [MOHR_EXPIRED_ACCEPT] = "accept" };
static const char *const revocations[] = { [MOHR_REVOCATION_OFF] = "off",
        [MOHR_REVOCATION_PREFER] = "prefer",
        [MOHR_REVOCATION_REQUIRE] = "require" };

static json_t *terms_of(const struct mohr_verify_options *terms)
{
        const struct member texts[] = {
                { "audience", terms->audience },
                { "nonce", terms->nonce },
                { "expired", expireds[terms->expired] },
                { "revocation", revocations[terms->revocation] },
        };
        json_t *told = members_of(json_object(), texts, ARRAY_LEN(texts));
        if (told &&
                json_object_set_new(
                        told, "revocation_age_s", json_integer(terms->revocation_age_s)) == 0 &&
                json_object_set_new(
                        told, "skew_s", json_integer(terms->skew_s ? terms->skew_s : SKEW)) == 0 &&
                (terms->asked_at == 0 ||
                        json_object_set_new(told, "asked_at", json_integer(terms->asked_at)) == 0))
                return told;
        json_decref(told);
        return NULL;
}

json_t *evidence_content(const char *assertion, size_t len, const json_t *chain,
        const json_t *proofs, const struct mohr_verify_options *terms, const json_t *report)
{
        json_t *content = json_object();
        if (json_object_set_new(content, "assertion", json_stringn(assertion, len)) == 0 &&
                json_object_set(content, "chain", (json_t *)(uintptr_t)chain) == 0 &&
                json_object_set(content, "revocation", (json_t *)(uintptr_t)proofs) == 0 &&
                json_object_set_new(content, "received_at", json_integer(terms->at)) == 0 &&
                json_object_set_new(content, "terms", terms_of(terms)) == 0 &&
                (!report || json_object_set(content, "report", (json_t *)(uintptr_t)report) == 0))
                return content;
        json_decref(content);
        return NULL;
}

/* ---- reading ---- */

struct shape {
        const char *name;
        json_type type;
        bool optional;
};

/* These members and no others, each of its type. */
static bool has_shape(const json_t *object, const struct shape *rows, size_t count)
{
        size_t found = 0;
        for (size_t i = 0; i < count; i++) {
                const json_t *value = json_object_get(object, rows[i].name);
                if (value ? json_typeof(value) != rows[i].type : !rows[i].optional)
                        return false;
                found += value != NULL;
        }
        return json_is_object(object) && found == json_object_size(object);
}

static bool integer_in(const json_t *object, const char *name, int64_t min, int64_t max)
{
        const json_t *value = json_object_get(object, name);
        return !value || (json_integer_value(value) >= min && json_integer_value(value) <= max);
}

/* Which of these words a member is; -1: none. */
static int word_of(const json_t *object, const char *name, const char *const *words, size_t count)
{
        const char *text = json_string_value(json_object_get(object, name));
        for (size_t i = 0; text && i < count; i++)
                if (strcmp(words[i], text) == 0)
                        return (int)i;
        return -1;
}

bool evidence_terms(const json_t *content, struct mohr_verify_options *ret)
{
        static const struct shape rows[] = {
                { "asked_at", JSON_INTEGER, true },
                { "audience", JSON_STRING, true },
                { "expired", JSON_STRING, false },
                { "nonce", JSON_STRING, true },
                { "revocation", JSON_STRING, false },
                { "revocation_age_s", JSON_INTEGER, false },
                { "skew_s", JSON_INTEGER, false },
        };
        const json_t *terms = json_object_get(content, "terms");
        if (!has_shape(terms, rows, ARRAY_LEN(rows)) || !integer_in(terms, "skew_s", 1, 600) ||
                !integer_in(terms, "asked_at", 1, YEAR_10000 - 1) ||
                !integer_in(terms, "revocation_age_s", 0, YEAR_10000 - 1))
                return false;
        int expired = word_of(terms, "expired", expireds, ARRAY_LEN(expireds));
        int revocation = word_of(terms, "revocation", revocations, ARRAY_LEN(revocations));
        if (expired < 0 || revocation < 0)
                return false;
        *ret = (struct mohr_verify_options){
                .audience = json_string_value(json_object_get(terms, "audience")),
                .nonce = json_string_value(json_object_get(terms, "nonce")),
                .at = json_integer_value(json_object_get(content, "received_at")),
                .asked_at = json_integer_value(json_object_get(terms, "asked_at")),
                .skew_s = (int)json_integer_value(json_object_get(terms, "skew_s")),
                .expired = (enum mohr_expired)expired,
                .revocation = (enum mohr_revocation)revocation,
                .revocation_age_s = json_integer_value(json_object_get(terms, "revocation_age_s")),
        };
        return true;
}

static bool texts_in(const json_t *array, size_t min, size_t max)
{
        size_t count = json_array_size(array);
        for (size_t i = 0; i < count; i++)
                if (!json_is_string(json_array_get(array, i)))
                        return false;
        return count >= min && count <= max;
}

/* NULL, or the member that is not as it has to be. */
static const char *read_content(struct evidence *e)
{
        static const struct shape rows[] = {
                { "assertion", JSON_STRING, false },
                { "chain", JSON_ARRAY, false },
                { "received_at", JSON_INTEGER, false },
                { "report", JSON_OBJECT, false },
                { "revocation", JSON_ARRAY, false },
                { "terms", JSON_OBJECT, false },
        };
        if (!has_shape(e->content, rows, ARRAY_LEN(rows)))
                return "content";
        e->assertion = json_string_value(json_object_get(e->content, "assertion"));
        e->chain = json_object_get(e->content, "chain");
        e->proofs = json_object_get(e->content, "revocation");
        e->report = json_object_get(e->content, "report");
        if (!texts_in(e->chain, 1, EVIDENCE_CHAIN_MAX))
                return "chain";
        if (!texts_in(e->proofs, 0, EVIDENCE_PROOFS_MAX))
                return "revocation";
        if (!integer_in(e->content, "received_at", 1, YEAR_10000 - 1))
                return "received_at";
        return evidence_terms(e->content, &e->terms) ? NULL : "terms";
}

/* The same file, written from what was read. */
static int compare(const struct evidence *e, const char *text, size_t len, enum mohr_reason *reason)
{
        _cleanup_free_ char *again =
                evidence_file(e->content, e->timestamps, json_array_size(e->timestamps));
        if (!again)
                return -ENOMEM;
        if (strlen(again) != len || memcmp(again, text, len) != 0)
                *reason = MOHR_REASON_EVIDENCE_FORM;
        return 0;
}

/* Is the checksum that of the rest? It stands where only "timestamps" may follow; as text, so that a damaged
 * file is found damaged whatever it has become. */
static int checksum(const char *text, size_t len, enum mohr_reason *reason)
{
        const size_t member = strlen(CHECKSUM) + 64 + 1;
        uint8_t hash[32];
        char hex[65];
        unsigned int hash_len;
        const char *at = NULL;
        for (const char *next = text;
                (next = memmem(next, len - (size_t)(next - text), CHECKSUM, strlen(CHECKSUM)));)
                at = next++;
        *reason = at ? MOHR_REASON_EVIDENCE_DAMAGED : MOHR_REASON_EVIDENCE_FORM;
        if (!at || (size_t)(text + len - at) < member)
                return 0;
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        bool good = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
                    EVP_DigestUpdate(md, text, (size_t)(at - text)) == 1 &&
                    EVP_DigestUpdate(md, at + member, (size_t)(text + len - at) - member) == 1 &&
                    EVP_DigestFinal_ex(md, hash, &hash_len) == 1;
        EVP_MD_CTX_free(md);
        if (!good)
                return -ENOMEM;
        hex_encode(hex, hash, sizeof hash);
        if (memcmp(at + strlen(CHECKSUM), hex, 64) == 0)
                *reason = MOHR_REASON_OK;
        return 0;
}

static int read_json(const char *text, size_t len, struct evidence *e, enum mohr_reason *reason,
        const char **ret_detail)
{
        static const struct shape rows[] = {
                { "content", JSON_OBJECT, false },
                { "mohr_evidence", JSON_INTEGER, false },
                { "sha256", JSON_STRING, false },
                { "timestamps", JSON_ARRAY, true },
        };
        bool starved;
        _cleanup_json_ json_t *all = members_read(text, len, &starved);
        if (starved)
                return -ENOMEM;
        *reason = MOHR_REASON_EVIDENCE_FORM;
        if (!has_shape(all, rows, ARRAY_LEN(rows)))
                return 0;
        *ret_detail = "mohr_evidence";
        if (json_integer_value(json_object_get(all, "mohr_evidence")) != EVIDENCE_VERSION)
                return 0;
        json_t *timestamps = json_object_get(all, "timestamps");
        e->content = json_incref(json_object_get(all, "content"));
        e->timestamps = timestamps ? json_incref(timestamps) : json_array();
        if (!e->timestamps)
                return -ENOMEM;
        *ret_detail = "timestamps";
        if (timestamps && !texts_in(timestamps, 1, EVIDENCE_TIMESTAMPS_MAX))
                return 0;
        const char *bad = read_content(e);
        *ret_detail = bad ? bad : "";
        if (!bad)
                *reason = MOHR_REASON_OK;
        return 0;
}

int evidence_read(const char *text, size_t len, struct evidence *ret, enum mohr_reason *ret_reason,
        const char **ret_detail)
{
        _cleanup_evidence_ struct evidence e = { 0 };
        *ret_detail = "";
        *ret_reason = MOHR_REASON_EVIDENCE_FORM;
        if (len < 2 || len > MOHR_EVIDENCE_MAX) {
                *ret_detail = "size";
                return 0;
        }
        if (memchr(text, '\0', len))
                return 0;
        int r = checksum(text, len, ret_reason);
        if (r == 0 && *ret_reason == MOHR_REASON_OK)
                r = read_json(text, len, &e, ret_reason, ret_detail);
        if (r == 0 && *ret_reason == MOHR_REASON_OK)
                r = compare(&e, text, len, ret_reason);
        if (r == 0 && *ret_reason == MOHR_REASON_OK) {
                *ret = e;
                e = (struct evidence){ 0 };
        }
        return r;
}
