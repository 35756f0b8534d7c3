/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_assertion.c: assertions that are changed inside and put together again, so that what is changed is not
 * refused for its signature. Each input is a compact JWS; the mutator takes it apart, changes the header's or the
 * payload's JSON, a member of it, the certificates or their bytes, and signs anew with the keys of a CA and a
 * holder that are always the same: a corpus stays good from run to run.
 *
 * What is called valid is judged again here, by OpenSSL alone: the leaf is signed by our CA or our root, the
 * signature is the leaf's, and every name that is told is the leaf's own.
 */
#include "client-sdk/assertion.h"
#include "client-sdk/base64.h"
#include "client-sdk/mohr.h"

/* Fuzz targets link rooms only; the test PKI is part of this one. */
#include "tests/support/testpki.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t cap, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t cap);

static const struct mohr_verify_options options = {
        .audience = "https://bank.example", .nonce = "n-0S6_WzA2Mj", .at = TESTPKI_NOW + 10
};

/* TEST keys: root, CA, holder. They are for nothing else. */
static const char *const pems[] = {
        "-----BEGIN EC PRIVATE KEY-----\n"
        "MHcCAQEEIIMDmmhOJANiZL0B+gGUgsG/ZreYCTteBPybQabWcd+DoAoGCCqGSM49\n"
        "AwEHoUQDQgAE8W5QDfjlGHIh9/KWD/x0tLkgkOg3Hrr4/6XHOUi3oOf157cBFK9Y\n"
        "5IetvBKjLy4BEdzAe/BI99zUM3vf8FxpWg==\n"
        "-----END EC PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\n"
        "MHcCAQEEILnjQOTq5gEelDI5cA9v1aAnOSbjp0DznLNkxln9u9JEoAoGCCqGSM49\n"
        "AwEHoUQDQgAEBuk/VFoWCWS4Ph5M2WcGvmLJMtpWqY0YWUGNGb/Pav+OOt5jDhxM\n"
        "oEyfIaHoZqDRbKmpJlJdBLBWxPS4gmc97w==\n"
        "-----END EC PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\n"
        "MHcCAQEEIA2mLXPsponBrIgqZnOLR8RCRUovRGe7ptnZECJjFlqnoAoGCCqGSM49\n"
        "AwEHoUQDQgAEFGhaKEKcpRBperBsj53gvHb9oWcWM4grAAb/ElusQNu1hD5P+b2p\n"
        "mqmIoOWm5+dWzP+J5+gejOtGDgSHfvBmUA==\n"
        "-----END EC PRIVATE KEY-----\n",
};
enum { ROOT, CA, HOLDER, KEYS };

struct world {
        EVP_PKEY *keys[KEYS];
        X509 *root, *ca;
        struct mohr_trust *trust;
};

static EVP_PKEY *key_of(const char *pem)
{
        BIO *bio = BIO_new_mem_buf(pem, -1);
        EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        NEED(key);
        BIO_free(bio);
        return key;
}

static const struct world *world(void)
{
        static struct world made; /* once for the whole run */
        const int64_t from = TESTPKI_NOW - 86400 * 3000L, to = TESTPKI_NOW + 86400 * 3000L;
        if (made.trust)
                return &made;
        for (size_t i = 0; i < KEYS; i++)
                made.keys[i] = key_of(pems[i]);
        made.root = testpki_issue_ca(NULL, "TEST Root CA1, NOT GENUINE", from, to, NULL,
                made.keys[ROOT], made.keys[ROOT], "critical,CA:TRUE");
        made.ca = testpki_issue_ca(NULL, "IRAN Digital Citizen CA 2016 17", from + 1, to - 1,
                made.root, made.keys[ROOT], made.keys[CA], "critical,CA:TRUE,pathlen:0");
        made.trust = testpki_trust((X509 *[]){ made.root, NULL });
        return &made;
}

/* ---- leafs and payloads ---- */

static const struct testpki_spec leafs[] = {
        { .cn = TESTPKI_CN },
        { .cn = TESTPKI_CN_NN },
        { .cn = "0012345679 - AUT" },
        { .given = "x", .family = "y" },
        { .given = "\xE2\x80\xAEx" },
        { .policies = "2.16.364.101.1.1.3" },
        { .policies = "2.16.364.101.1.1.3,2.16.364.101.1.1.4" },
        { .key_usage = "critical,nonRepudiation" },
        { .key_usage = "critical,keyEncipherment" },
        { .basic_constraints = "critical,CA:TRUE" },
        { .to = TESTPKI_NOW - 1 },
        { .from = TESTPKI_NOW + 1000 },
        { .country = "DE" },
        { .two_names = true },
        { .no_name = true },
        { .critical = "critical,DER:0500" },
};

static X509 *leaf_of(unsigned int number)
{
        const struct world *w = world();
        struct testpki_spec spec = leafs[number % (sizeof leafs / sizeof leafs[0])];
        spec.key = w->keys[HOLDER];
        spec.issuer = w->ca;
        spec.issuer_key = w->keys[CA];
        return testpki_issue(NULL, &spec);
}

static json_t *payload_of(unsigned int number)
{
        const struct testpki_spec *spec = &leafs[number % (sizeof leafs / sizeof leafs[0])];
        char card[11] = "";
        memcpy(card, or_text(spec->cn, TESTPKI_CN), 10);
        return testpki_payload(or_text(spec->given, TESTPKI_GIVEN),
                or_text(spec->family, TESTPKI_FAMILY), card, strcmp(card, "0012345679") == 0);
}

/* ---- taking apart and putting together ---- */

struct parts {
        json_t *header, *payload;
        uint8_t signature[512];
        size_t signature_len;
        uint8_t texts[2][ASSERTION_MAX]; /* header and payload where they are no JSON any more */
        size_t lens[2];
};

static void parts_free(struct parts *p)
{
        json_decref(p->header);
        json_decref(p->payload);
        free(p);
}

static json_t *json_of(struct parts *p, int which, const char *text, size_t len)
{
        ssize_t got = base64_decode(BASE64_URL, p->texts[which], ASSERTION_MAX, text, len);
        p->lens[which] = got > 0 ? (size_t)got : 0;
        return json_loadb((char *)p->texts[which], p->lens[which], 0, NULL);
}

static struct parts *take_apart(const uint8_t *data, size_t len)
{
        struct parts *p = calloc(1, sizeof *p);
        const char *text = (const char *)data, *first = len ? memchr(text, '.', len) : NULL;
        const char *second =
                first ? memchr(first + 1, '.', len - (size_t)(first + 1 - text)) : NULL;
        NEED(p);
        if (second) {
                size_t rest = len - (size_t)(second + 1 - text);
                p->header = json_of(p, 0, text, (size_t)(first - text));
                p->payload = json_of(p, 1, first + 1, (size_t)(second - first - 1));
                ssize_t got = base64_decode(
                        BASE64_URL, p->signature, sizeof p->signature, second + 1, rest);
                p->signature_len = got > 0 ? (size_t)got : 0;
        }
        return p;
}

/* Something whole to begin with. */
static void begin_anew(struct parts *p, unsigned int seed)
{
        X509 *leaf = leaf_of(seed);
        json_decref(p->header);
        json_decref(p->payload);
        p->header = testpki_header("ES256", leaf, world()->ca, seed % 3 ? NULL : world()->root);
        p->payload = payload_of(seed % 4 ? seed : seed / 16);
        X509_free(leaf);
}

static void write_texts(struct parts *p)
{
        json_t *jsons[] = { p->header, p->payload };
        for (size_t i = 0; i < 2; i++) {
                size_t len = jsons[i] ? json_dumpb(jsons[i], (char *)p->texts[i], ASSERTION_MAX,
                                                JSON_COMPACT)
                                      : p->lens[i];
                p->lens[i] = len <= ASSERTION_MAX ? len : 0;
        }
}

static size_t put_together(struct parts *p, bool sign_anew, uint8_t *data, size_t cap)
{
        char text[4 * ASSERTION_MAX];
        size_t at = 0;
        for (size_t i = 0; i < 2; i++) {
                base64_encode(BASE64_URL, text + at, p->texts[i], p->lens[i]);
                at += strlen(text + at);
                text[at++] = '.';
        }
        if (sign_anew) {
                text[at - 1] = '\0';
                p->signature_len = sign(
                        p->signature, sizeof p->signature, text, world()->keys[HOLDER], "ES256");
                text[at - 1] = '.';
        }
        base64_encode(BASE64_URL, text + at, p->signature, p->signature_len);
        at += strlen(text + at);
        if (at > cap)
                return 0;
        memcpy(data, text, at);
        return at;
}

/* ---- changes ---- */

static const char *const values[] = { "0", "-0", "1", "2", "1e3", "9223372036854775807",
        "1795301256", "1795301556", "true", "null", "\"\"", "\"unstated\"", "\"yes\"",
        "\"x\\u200f\"", "[]", "{}", "[\"sc\",\"pin\"]", "{\"synchronised\":false}",
        "{\"simulated\":true}", "\"0012345679\"", "\"mohr-staff+jwt\"", "\"RS256\"", "\"none\"",
        "[[[[{\"a\":[]}]]]]" };

static const char *name_at(json_t *object, unsigned int number)
{
        size_t size = json_object_size(object);
        void *iter = json_object_iter(object);
        for (size_t i = 0; iter && i < number % size; i++)
                iter = json_object_iter_next(object, iter);
        return iter ? json_object_iter_key(iter) : "x";
}

/* Deletes, copies, replaces or renames a member, here or in an object inside. */
static void change_member(json_t *object, unsigned int seed)
{
        const char *name = name_at(object, seed / 8);
        json_t *value = json_object_get(object, name);
        if (json_is_object(value) && seed % 3 == 0) {
                change_member(value, seed / 3);
                return;
        }
        switch (seed % 4) {
        case 0: json_object_del(object, name); break;
        case 1: json_object_set(object, name_at(object, seed / 64), value); break;
        case 2:
                json_object_set_new(object, name,
                        json_loads(values[seed / 64 % (sizeof values / sizeof values[0])],
                                JSON_DECODE_ANY, NULL));
                break;
        case 3: json_object_set(object, "nbf", value); break;
        }
}

static void change_text(struct parts *p, int which)
{
        json_t **json = which == 0 ? &p->header : &p->payload;
        p->lens[which] = LLVMFuzzerMutate(p->texts[which], p->lens[which], ASSERTION_MAX / 2);
        json_decref(*json);
        *json = NULL;
}

static void change_list(json_t *x5c, unsigned int seed)
{
        json_t *some = json_incref(json_array_get(x5c, seed % (json_array_size(x5c) + 1)));
        if (seed % 2)
                json_array_remove(x5c, seed / 4 % (json_array_size(x5c) + 1));
        if (some && json_array_size(x5c) < 8)
                json_array_insert(x5c, seed / 16 % (json_array_size(x5c) + 1), some);
        json_decref(some);
}

/* The part of a certificate that is signed, in place. */
static uint8_t *signed_part(uint8_t *der, size_t len, size_t *ret_len)
{
        const unsigned char *at = der;
        long size;
        int tag, class;
        if (ASN1_get_object(&at, &size, &tag, &class, (long)len) & 0x80)
                return NULL;
        const unsigned char *tbs = at;
        if (ASN1_get_object(&at, &size, &tag, &class, (long)len - (at - der)) & 0x80)
                return NULL;
        *ret_len = (size_t)(at - tbs) + (size_t)size;
        return der + (tbs - der);
}

/* tbs || ecdsa-with-SHA256 || the CA's signature over tbs, as a certificate. */
static size_t certify(const uint8_t *tbs, size_t len, uint8_t *out, size_t cap)
{
        static const uint8_t algorithm[] = { 0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D,
                0x04, 0x03, 0x02 };
        uint8_t sig[128], head[2] = { 0x03 };
        size_t sig_len = sizeof sig, whole;
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        NEED(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, world()->keys[CA]) == 1 &&
                EVP_DigestSign(md, sig, &sig_len, tbs, len) == 1);
        EVP_MD_CTX_free(md);
        whole = len + sizeof algorithm + 3 + sig_len;
        if (whole + 4 > cap || whole > 0xFFFF)
                return 0;
        head[1] = (uint8_t)(sig_len + 1);
        const uint8_t outer[] = { 0x30, 0x82, (uint8_t)(whole >> 8), (uint8_t)whole };
        memcpy(out, outer, 4);
        memcpy(out + 4, tbs, len);
        memcpy(out + 4 + len, algorithm, sizeof algorithm);
        memcpy(out + 4 + len + sizeof algorithm, head, 2);
        out[4 + len + sizeof algorithm + 2] = 0;
        memcpy(out + 4 + len + sizeof algorithm + 3, sig, sig_len);
        return whole + 4;
}

/* A few bytes of a certificate, which the CA then signs, or does not. */
static void change_certificate(json_t *x5c, unsigned int seed)
{
        uint8_t der[ASSERTION_MAX], anew[ASSERTION_MAX];
        char text[2 * ASSERTION_MAX];
        size_t which = seed % 8 ? 0 : 1, tbs_len = 0;
        const json_t *old = json_array_get(x5c, which);
        ssize_t len = base64_decode(BASE64_STANDARD, der, sizeof der,
                json_is_string(old) ? json_string_value(old) : "", json_string_length(old));
        uint8_t *tbs = len > 0 ? signed_part(der, (size_t)len, &tbs_len) : NULL;
        if (!tbs || tbs_len > (size_t)(der + len - tbs))
                return;
        for (unsigned int i = 0; i <= seed / 8 % 3; i++)
                tbs[(seed / 32 + i * 7919) % tbs_len] ^= (uint8_t)(1U << (seed >> (i + 5)) % 8);
        size_t anew_len = certify(tbs, tbs_len, anew, sizeof anew);
        if (seed % 5 == 0 || anew_len == 0) {
                memcpy(anew, der, (size_t)len);
                anew_len = (size_t)len;
        }
        base64_encode(BASE64_STANDARD, text, anew, anew_len);
        json_array_set_new(x5c, which, json_string(text));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t cap, unsigned int seed)
{
        struct parts *p = take_apart(data, len);
        unsigned int how = seed % 16, more = seed / 16;
        bool sign_anew = more % 8 != 0;
        if (!p->header || !p->payload || how == 0)
                begin_anew(p, more);
        write_texts(p);
        json_t *x5c = json_object_get(p->header, "x5c");
        switch (how) {
        case 1: change_text(p, 0); break;
        case 2: change_text(p, 1); break;
        case 3: change_member(p->header, more); break;
        case 4: change_list(x5c, more); break;
        case 5: p->signature_len = LLVMFuzzerMutate(p->signature, p->signature_len, 512); break;
        case 6:
        case 7:
        case 8:
        case 9: change_certificate(x5c, more); break;
        default: change_member(p->payload, more);
        }
        write_texts(p);
        size_t made = put_together(p, sign_anew && how != 5, data, cap);
        parts_free(p);
        return made ? made : LLVMFuzzerMutate(data, len, cap);
}

/* ---- judging ---- */

static bool says(X509 *leaf, int nid, const json_t *told)
{
        const X509_NAME *subject = X509_get_subject_name(leaf);
        int at = X509_NAME_get_index_by_NID(subject, nid, -1);
        const X509_NAME_ENTRY *entry = at >= 0 ? X509_NAME_get_entry(subject, at) : NULL;
        const ASN1_STRING *text = entry ? X509_NAME_ENTRY_get_data(entry) : NULL;
        const char *value = json_string_value(told);
        size_t len = value ? strlen(value) : 0;
        return text && value && (size_t)ASN1_STRING_length(text) >= len &&
               (nid == NID_commonName || (size_t)ASN1_STRING_length(text) == len) &&
               memcmp(ASN1_STRING_get0_data(text), value, len) == 0;
}

/* OpenSSL's own base64: what the verifier decodes with must not judge it. */
static X509 *leaf_in(const json_t *header)
{
        static unsigned char der[ASSERTION_MAX]; /* the fuzzer's, which has one thread */
        const json_t *text = json_array_get(json_object_get(header, "x5c"), 0);
        const char *base64_text = json_string_value(text);
        NEED(base64_text && strlen(base64_text) < sizeof der);
        int len =
                EVP_DecodeBlock(der, (const unsigned char *)base64_text, (int)strlen(base64_text));
        NEED(len > 0);
        const unsigned char *at = der;
        X509 *leaf = d2i_X509(NULL, &at, len);
        NEED(leaf);
        return leaf;
}

static bool signed_by(X509 *leaf, const struct parts *p, const uint8_t *data, size_t len)
{
        ECDSA_SIG *pair = ECDSA_SIG_new();
        unsigned char *der = NULL;
        const char *dot = (const char *)data + len;
        while (*--dot != '.')
                continue;
        NEED(pair && p->signature_len == 64 &&
                ECDSA_SIG_set0(pair, BN_bin2bn(p->signature, 32, NULL),
                        BN_bin2bn(p->signature + 32, 32, NULL)) == 1);
        int der_len = i2d_ECDSA_SIG(pair, &der);
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        bool good =
                EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, X509_get0_pubkey(leaf)) == 1 &&
                EVP_DigestVerify(
                        md, der, (size_t)der_len, data, (size_t)(dot - (const char *)data)) == 1;
        EVP_MD_CTX_free(md);
        ECDSA_SIG_free(pair);
        OPENSSL_free(der);
        return good;
}

static void judge_valid(const struct mohr_result *result, const uint8_t *data, size_t len)
{
        struct parts *p = take_apart(data, len);
        X509 *leaf = leaf_in(p->header);
        char *text = mohr_result_json(result);
        json_t *told = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        static const struct {
                int nid;
                const char *name;
        } rows[] = { { NID_givenName, "given_name" }, { NID_surname, "family_name" },
                { NID_commonName, "card_number" } };
        NEED(X509_verify(leaf, world()->keys[CA]) == 1 ||
                X509_verify(leaf, world()->keys[ROOT]) == 1);
        NEED(signed_by(leaf, p, data, len));
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                NEED(says(leaf, rows[i].nid, json_object_get(told, rows[i].name)));
                NEED(says(leaf, rows[i].nid, json_object_get(p->payload, rows[i].name)));
        }
        const json_t *number = json_object_get(told, "national_number");
        NEED(!number || says(leaf, NID_commonName, number));
        NEED(strcmp(mohr_result_claim(result, "aud"), options.audience) == 0);
        NEED(strcmp(mohr_result_claim(result, "nonce"), options.nonce) == 0);
        json_decref(told);
        free(text);
        X509_free(leaf);
        parts_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct mohr_result *first = NULL, *again = NULL, *other = NULL;
        struct mohr_verify_options elsewhere = options;
        int r = mohr_verify(world()->trust, (const char *)data, len, &options, &first);
        NEED(r == 0 || r == 21 || r == 22);
        if (r == 0)
                judge_valid(first, data, len);
        else
                NEED(!mohr_result_claim(first, "given_name"));
        /* asked again, the memory helping: the same */
        NEED(mohr_verify(world()->trust, (const char *)data, len, &options, &again) == r);
        NEED(mohr_result_reason(first) == mohr_result_reason(again));
        elsewhere.audience = "https://other.example";
        NEED(mohr_verify(world()->trust, (const char *)data, len, &elsewhere, &other) == 21);
        mohr_result_free(first);
        mohr_result_free(again);
        mohr_result_free(other);
        return 0;
}
