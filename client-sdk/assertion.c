/* SPDX-License-Identifier: Apache-2.0 */
/* assertion.c: see assertion.h; the format is docs/assertion.md, version 1.
 *
 * Composing is data flowing one way: leaf -> identity claims, request -> bound claims, station ->
 * stated claims, in the order of the document, so that equal facts give equal bytes. Nothing a caller
 * says can become an identity claim: there is no parameter for one.
 */
#include "client-sdk/assertion.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/algorithm.h"
#include "client-sdk/base64.h"
#include "client-sdk/fields.h"
#include "client-sdk/identity.h"
#include "client-sdk/members.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

struct composer {
        const struct assertion_request *request;
        const struct assertion_facts *facts;
        struct leaf leaf;
        struct identity identity;
        X509 *cert, *issuing_ca;
        const struct algorithm *algorithm;
};

int assertion_request_check(const struct assertion_request *request, const char **ret_why)
{
        const struct {
                bool good;
                const char *why;
        } rules[] = {
                { request->audience && field_is_uri(request->audience),
                        "audience must be a URI of at most 512 bytes" },
                { request->nonce && field_is_nonce(request->nonce),
                        "nonce must be 8 to 128 printable ASCII characters without spaces" },
                { !request->purpose || field_is_text(request->purpose, FIELD_PURPOSE_MAX),
                        "purpose must be 1 to 256 bytes of UTF-8 without control or direction "
                        "characters" },
                { !request->expect_national_number ||
                                field_is_digits(request->expect_national_number, 10),
                        "expected national number must be ten ASCII digits" },
                { field_is_station(request->station, false),
                        "station has a member that is not allowed" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rules); i++)
                if (!rules[i].good) {
                        *ret_why = rules[i].why;
                        return OUTCOME_INVALID;
                }
        return 0;
}

static bool facts_are_good(const struct assertion_facts *facts)
{
        const struct assertion_card *card = &facts->card;
        return field_is_hex(facts->issuer_id, 32, 32) && facts->life > 0 &&
               facts->life <= FIELD_LIFE_MAX && field_is_token(facts->pin_entry) &&
               field_is_text(facts->software, FIELD_STATION_MAX) &&
               (!facts->reader || field_is_text(facts->reader, FIELD_STATION_MAX)) &&
               !card->generation != !card->family &&
               field_is_token(card->generation ? card->generation : card->family) &&
               (!card->expiry || field_is_text(card->expiry, 32)) &&
               (!card->expiry_raw || field_is_hex(card->expiry_raw, 2, 128));
}

static int composer_init(struct composer *c, const char **ret_why)
{
        struct leaf ca;
        int r = leaf_read(c->cert, &c->leaf);
        if (r == 0)
                r = identity_read(c->cert, &c->leaf, &c->identity);
        if (r == -ENOMEM)
                return r;
        if (r == 0 && c->identity.staff != (c->facts->card.family != NULL))
                r = OUTCOME_INVALID; /* a card of one family with a certificate of the other */
        if (r != 0) {
                *ret_why = "the leaf is not a holder's certificate of this family of card";
                return OUTCOME_INVALID;
        }
        c->algorithm = algorithm_of_key(X509_get0_pubkey(c->cert));
        if (!c->algorithm) {
                *ret_why = "no algorithm fits the key of the leaf";
                return OUTCOME_INVALID;
        }
        if (c->identity.staff && c->request->expect_national_number) {
                *ret_why = "a staff card knows no national number to compare";
                return OUTCOME_INVALID;
        }
        r = leaf_read(c->issuing_ca, &ca);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || ca.class != LEAF_CA ||
                X509_check_issued(c->issuing_ca, c->cert) != X509_V_OK) {
                *ret_why = "the second certificate did not issue the leaf";
                return OUTCOME_INVALID;
        }
        return assertion_request_check(c->request, ret_why);
}

static const char *unless_declined(
        const struct composer *c, enum claimset_bit claim, const char *value)
{
        return c->request->declined & claim ? NULL : value;
}

static json_t *make_card(const struct composer *c)
{
        const struct assertion_card *card = &c->facts->card;
        const struct member rows[] = {
                { "generation", unless_declined(c, CLAIM_CARD_GENERATION, card->generation) },
                { "family", card->family },
                { "certificate_expiry", c->identity.certificate_expiry },
                { "expiry", unless_declined(c, CLAIM_CARD_EXPIRY, card->expiry) },
                { "expiry_raw", unless_declined(c, CLAIM_CARD_EXPIRY, card->expiry_raw) },
        };
        json_t *made = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (!made || !card->simulated || json_object_set_new(made, "simulated", json_true()) == 0)
                return made;
        json_decref(made);
        return NULL;
}

static json_t *make_station(const struct composer *c)
{
        const struct member rows[] = {
                { "software", c->facts->software },
                { "pin_entry", c->facts->pin_entry },
                { "reader", unless_declined(c, CLAIM_READER, c->facts->reader) },
        };
        bool stated = c->request->station && !(c->request->declined & CLAIM_STATION);
        json_t *station = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (station && stated && json_object_update(station, c->request->station) < 0) {
                json_decref(station);
                return NULL;
        }
        return station;
}

static json_t *make_staff_identity(const struct leaf *leaf)
{
        struct member rows[IDENTITY_STAFF_CLAIMS];
        identity_staff_claims(leaf, rows);
        return members_of(json_object(), rows, ARRAY_LEN(rows));
}

static json_t *make_identity(const struct composer *c)
{
        bool national = c->leaf.national_number;
        const char *expected = c->request->expect_national_number;
        if (c->identity.staff)
                return make_staff_identity(&c->leaf);
        const struct member rows[] = {
                { "given_name", c->leaf.given_name },
                { "family_name", c->leaf.family_name },
                { "card_number", c->leaf.card_number },
                { "national_number", national ? c->leaf.card_number : NULL },
                { "national_number_basis", national ? IDENTITY_NN_BASIS : NULL },
                { "national_number_match", expected ? identity_match(&c->leaf, expected) : NULL },
        };
        return members_of(json_object(), rows, ARRAY_LEN(rows));
}

static json_t *make_stated(const struct composer *c)
{
        const struct member purpose = { "purpose", c->request->purpose };
        static const char *const amr[] = { "sc", "pin" };
        json_t *stated = json_pack("{s:s, s:o, s:I}", "acr", c->identity.acr, "amr",
                members_list(amr, ARRAY_LEN(amr)), "auth_time", (json_int_t)c->facts->auth_time);
        _cleanup_json_ json_t *rest = json_pack("{s:o, s:s, s:o, s:{s:b}}", "card", make_card(c),
                "key_use", c->identity.key_use, "station", make_station(c), "clock", "synchronised",
                c->facts->clock_synchronised);
        stated = members_of(stated, &purpose, 1);
        if (stated && rest && json_object_update(stated, rest) == 0)
                return stated;
        json_decref(stated);
        return NULL;
}

static json_t *make_payload(const struct composer *c)
{
        const struct assertion_facts *facts = c->facts;
        json_t *payload = json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "ver",
                ASSERTION_VERSION, "iss", identity_iss(&c->identity), "sub", c->identity.sub, "aud",
                c->request->audience, "nonce", c->request->nonce, "iat", (json_int_t)facts->now,
                "exp", (json_int_t)(facts->now + facts->life), "jti", facts->issuer_id);
        _cleanup_json_ json_t *identity = make_identity(c);
        _cleanup_json_ json_t *stated = make_stated(c);
        if (!payload || !identity || !stated || json_object_update(payload, identity) < 0 ||
                json_object_update(payload, stated) < 0) {
                json_decref(payload);
                return NULL;
        }
        return payload;
}

static json_t *certificate_text(X509 *cert)
{
        unsigned char *der = NULL;
        int len = i2d_X509(cert, &der);
        json_t *text = len > 0 ? base64_json(der, (size_t)len) : NULL;
        OPENSSL_free(der);
        return text;
}

static json_t *make_header(const struct composer *c)
{
        return json_pack("{s:s, s:s, s:[o, o]}", "alg", algorithm_name(c->algorithm), "typ",
                c->identity.staff ? ASSERTION_TYP_STAFF : ASSERTION_TYP, "x5c",
                certificate_text(c->cert), certificate_text(c->issuing_ca));
}

/* base64url(header) "." base64url(payload) */
static char *join(const json_t *header, const json_t *payload)
{
        _cleanup_free_ char *head = members_text(header, JSON_COMPACT);
        _cleanup_free_ char *body = members_text(payload, JSON_COMPACT);
        if (!head || !body)
                return NULL;
        size_t head_len = base64_encoded_len(BASE64_URL, strlen(head));
        size_t body_len = base64_encoded_len(BASE64_URL, strlen(body));
        char *joined = malloc(head_len + 1 + body_len + 1);
        if (!joined)
                return NULL;
        base64_encode(BASE64_URL, joined, head, strlen(head));
        joined[head_len] = '.';
        base64_encode(BASE64_URL, joined + head_len + 1, body, strlen(body));
        return joined;
}

static size_t signature_len(X509 *cert)
{
        EVP_PKEY *key = X509_get0_pubkey(cert);
        int size = key ? EVP_PKEY_get_size(key) : 0;
        return size > 0 ? (size_t)size : 0;
}

int assertion_signing_input(const struct assertion_request *request,
        const struct assertion_facts *facts, X509 *leaf, X509 *issuing_ca, char **ret,
        const char **ret_why)
{
        struct composer composer = {
                .request = request, .facts = facts, .cert = leaf, .issuing_ca = issuing_ca
        };
        if (!facts_are_good(facts))
                return -EINVAL;
        int r = composer_init(&composer, ret_why);
        if (r != 0)
                return r;
        _cleanup_json_ json_t *header = make_header(&composer);
        _cleanup_json_ json_t *payload = header ? make_payload(&composer) : NULL;
        _cleanup_free_ char *input = payload ? join(header, payload) : NULL;
        if (!input)
                return -ENOMEM;
        if (strlen(input) + 1 + base64_encoded_len(BASE64_URL, signature_len(leaf)) >
                ASSERTION_MAX) {
                *ret_why = "certificates and texts together do not fit into 8 KiB";
                return OUTCOME_INVALID;
        }
        *ret = input;
        input = NULL;
        return 0;
}

int assertion_digest(
        const char *signing_input, X509 *leaf, uint8_t digest[static 48], size_t *ret_len)
{
        const struct algorithm *algorithm = algorithm_of_key(X509_get0_pubkey(leaf));
        return algorithm ? algorithm_digest(algorithm, signing_input, digest, ret_len) : -EINVAL;
}

static bool verifies(const struct algorithm *algorithm, const char *input, X509 *leaf,
        const uint8_t *sig, size_t sig_len)
{
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        bool good = md && algorithm_verify_begin(algorithm, X509_get0_pubkey(leaf), md) == 0 &&
                    EVP_DigestVerify(md, sig, sig_len, (const uint8_t *)input, strlen(input)) == 1;
        EVP_MD_CTX_free(md);
        ERR_clear_error();
        return good;
}

int assertion_finish(
        const char *signing_input, X509 *leaf, const uint8_t *sig, size_t sig_len, char **ret)
{
        uint8_t jws[ALGORITHM_SIG_MAX];
        const struct algorithm *algorithm = algorithm_of_key(X509_get0_pubkey(leaf));
        size_t jws_len = 0;
        if (algorithm && verifies(algorithm, signing_input, leaf, sig, sig_len))
                jws_len = algorithm_sig_to_jws(algorithm, sig, sig_len, jws);
        if (jws_len == 0)
                return OUTCOME_NO_STANDARD_SIGNATURE;
        size_t head = strlen(signing_input);
        char *whole = malloc(head + 1 + base64_encoded_len(BASE64_URL, jws_len) + 1);
        if (!whole)
                return -ENOMEM;
        memcpy(whole, signing_input, head);
        whole[head] = '.';
        base64_encode(BASE64_URL, whole + head + 1, jws, jws_len);
        *ret = whole;
        return 0;
}
