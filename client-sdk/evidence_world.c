/* SPDX-License-Identifier: Apache-2.0 */
/* evidence_world.c: a bundle's own small world, in which a check finds what it found once.
 *
 * It has the anchors of whoever checks, since being in a file makes no certificate trusted, and of all else
 * only what the bundle holds: issuers and what they said of revocation. Without that a report could not be
 * compared, as every store knows other things. What the checker knows besides is asked about apart.
 */
#include "client-sdk/evidence.h"

#include "base/outcome.h"
#include "client-sdk/base64.h"
#include "client-sdk/members.h"
#include "client-sdk/result.h"
#include "client-sdk/revocation.h"
#include "client-sdk/trust.h"

#include <openssl/x509v3.h>

#define CERTIFICATE_MAX (16 * 1024)

static void free_certs(STACK_OF(X509) * *certs)
{
        sk_X509_pop_free(*certs, X509_free);
}

/* ---- issuers ---- */

static int read_issuer(const json_t *text, X509 **ret)
{
        uint8_t *der = NULL;
        size_t len = 0;
        struct leaf leaf;
        X509 *cert = NULL;
        int r = evidence_unpack(text, CERTIFICATE_MAX, &der, &len);
        if (r == 0)
                r = leaf_parse(der, len, &cert, &leaf);
        free(der);
        if (r < 0)
                return r == -ENOMEM ? r : OUTCOME_INVALID;
        if (leaf.class != LEAF_CA) {
                X509_free(cert);
                return OUTCOME_INVALID;
        }
        *ret = cert;
        return 0;
}

static int read_issuers(const json_t *chain, STACK_OF(X509) * *ret)
{
        _cleanup_(free_certs) STACK_OF(X509) *certs = sk_X509_new_null();
        int r = certs ? 0 : -ENOMEM;
        for (size_t i = 0; r == 0 && i < json_array_size(chain); i++) {
                _cleanup_x509_ X509 *cert = NULL;
                r = read_issuer(json_array_get(chain, i), &cert);
                if (r == 0 && !sk_X509_push(certs, cert))
                        r = -ENOMEM;
                if (r == 0)
                        cert = NULL;
        }
        if (r != 0)
                return r;
        *ret = certs;
        certs = NULL;
        return 0;
}

json_t *evidence_chain_of(const struct signer *signer)
{
        json_t *chain = json_array();
        for (int i = 1; i < sk_X509_num(signer->chain); i++) {
                unsigned char *der = NULL;
                int len = i2d_X509(sk_X509_value(signer->chain, i), &der);
                json_t *text = len > 0 ? base64_json(der, (size_t)len) : NULL;
                OPENSSL_free(der);
                if (json_array_append_new(chain, text) < 0) {
                        json_decref(chain);
                        return NULL;
                }
        }
        return chain;
}

/* Each the issuer of the one before it? */
static bool is_chain(X509 *leaf, STACK_OF(X509) * issuers)
{
        X509 *below = leaf;
        for (int i = 0; i < sk_X509_num(issuers); i++) {
                X509 *issuer = sk_X509_value(issuers, i);
                if (X509_check_issued(issuer, below) != X509_V_OK ||
                        !trust_signed_by(below, X509_get0_pubkey(issuer)))
                        return false;
                below = issuer;
        }
        return true;
}

int evidence_chain_fits(const json_t *chain, const struct signer *signer)
{
        _cleanup_(free_certs) STACK_OF(X509) *issuers = NULL;
        int r = read_issuers(chain, &issuers);
        if (r != 0)
                return r;
        for (int i = 0; i < sk_X509_num(issuers) && i + 1 < sk_X509_num(signer->chain); i++)
                if (X509_cmp(sk_X509_value(issuers, i), sk_X509_value(signer->chain, i + 1)) != 0)
                        return OUTCOME_INVALID;
        return is_chain(signer->certs[0], issuers) ? 0 : OUTCOME_INVALID;
}

/* ---- the world ---- */

static void share_anchors(const struct mohr_trust *trust, struct mohr_trust *world)
{
        for (size_t i = 0; i < TRUST_SCOPES; i++) {
                if (!trust->scopes[i].store || X509_STORE_up_ref(trust->scopes[i].store) != 1)
                        continue;
                world->scopes[i].store = trust->scopes[i].store;
                world->scopes[i].count = trust->scopes[i].count;
        }
        world->has_national_root = trust->has_national_root;
}

/* The anchors of `trust` and the issuers of the bundle, and nothing of revocation. */
static int world_of(
        const struct mohr_trust *trust, const struct evidence *evidence, struct mohr_trust **ret)
{
        _cleanup_trust_ struct mohr_trust *world = trust_new();
        if (!world)
                return -ENOMEM;
        share_anchors(trust, world);
        int r = read_issuers(evidence->chain, &world->between);
        if (r != 0)
                return r;
        *ret = world;
        world = NULL;
        return 0;
}

static int add_proofs(struct mohr_trust *world, const json_t *proofs)
{
        int r = 0;
        for (size_t i = 0; r == 0 && i < json_array_size(proofs); i++) {
                uint8_t *der = NULL;
                size_t len = 0;
                r = evidence_unpack(json_array_get(proofs, i), MOHR_EVIDENCE_MAX, &der, &len);
                if (r == 0)
                        r = mohr_trust_add_revocation(world, der, len);
                free(der);
        }
        return r == -EBADMSG ? OUTCOME_INVALID : r;
}

int evidence_world(const struct mohr_trust *trust, const struct evidence *evidence,
        struct mohr_trust **ret, const char **ret_detail)
{
        _cleanup_trust_ struct mohr_trust *world = NULL;
        *ret_detail = "chain";
        int r = world_of(trust, evidence, &world);
        if (r != 0)
                return r;
        *ret_detail = "revocation";
        r = add_proofs(world, evidence->proofs);
        if (r != 0)
                return r;
        *ret = world;
        world = NULL;
        return 0;
}

/* Lends it what `trust` knows of revocation, instead of what the bundle holds. */
static void lend(struct mohr_trust *world, const struct mohr_trust *trust)
{
        revocation_free(world->revocation);
        world->revocation = trust->revocation;
}

int evidence_hindsight(const struct mohr_trust *trust, const struct evidence *evidence,
        const struct mohr_verify_options *terms, struct mohr_result **ret)
{
        _cleanup_trust_ struct mohr_trust *world = NULL;
        int r = world_of(trust, evidence, &world);
        if (r != 0)
                return r;
        lend(world, trust);
        r = mohr_verify(world, evidence->assertion, strlen(evidence->assertion), terms, ret);
        world->revocation = NULL; /* it was only lent */
        return r;
}

/* ---- the report ---- */

/* Those of the members named that are there. NULL: no memory. */
static json_t *pick(const json_t *from, const char *const *names, size_t count)
{
        json_t *picked = json_object();
        for (size_t i = 0; i < count; i++) {
                json_t *value = json_object_get(from, names[i]);
                if (value && json_object_set(picked, names[i], value) < 0) {
                        json_decref(picked);
                        return NULL;
                }
        }
        return picked;
}

/* The same of a list of words; empty if there is none. */
static json_t *pick_words(const json_t *list)
{
        static const char *const known[] = { "audience", "certificate-expiry", "chain", "identity",
                "issuer-expiry", "nonce", "revocation", "signature", "times" };
        const char *found[ARRAY_LEN(known)];
        size_t count = 0;
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
                for (size_t k = 0; k < json_array_size(list); k++) {
                        const char *word = json_string_value(json_array_get(list, k));
                        if (word && strcmp(word, known[i]) == 0) {
                                found[count++] = known[i];
                                break;
                        }
                }
        return members_list(found, count);
}

static json_t *report_verification(const json_t *from)
{
        static const char *const plain[] = { "checked_at", "exit", "outcome", "reason" };
        static const char *const lists[] = { "accepted", "checked", "not_checked" };
        json_t *told = pick(from, plain, ARRAY_LEN(plain));
        for (size_t i = 0; i < ARRAY_LEN(lists); i++)
                if (json_object_set_new(
                            told, lists[i], pick_words(json_object_get(from, lists[i]))) < 0) {
                        json_decref(told);
                        return NULL;
                }
        return told;
}

static json_t *report_of(const json_t *all)
{
        static const char *const certificate[] = { "expired", "holder", "issuer", "not_after",
                "not_before", "sha256" };
        static const char *const identity[] = { "acr", "card_number", "email", "employee_number",
                "family_name", "given_name", "key_use", "name", "national_number", "organization",
                "sub", "upn" };
        static const char *const revocation[] = { "as_of", "next_update", "policy", "reason",
                "revoked_at", "source", "state", "why" };
        json_t *report = json_object();
        if (json_object_set_new(report, "certificate",
                    pick(json_object_get(all, "certificate"), certificate,
                            ARRAY_LEN(certificate))) == 0 &&
                json_object_set_new(report, "identity", pick(all, identity, ARRAY_LEN(identity))) ==
                        0 &&
                json_object_set_new(report, "revocation",
                        pick(json_object_get(all, "revocation"), revocation,
                                ARRAY_LEN(revocation))) == 0 &&
                json_object_set_new(report, "verification",
                        report_verification(json_object_get(all, "verification"))) == 0)
                return report;
        json_decref(report);
        return NULL;
}

json_t *evidence_report(const struct mohr_result *result)
{
        bool starved;
        _cleanup_free_ char *text = mohr_result_json(result);
        _cleanup_json_ json_t *all = text ? members_read(text, strlen(text), &starved) : NULL;
        return all ? report_of(all) : NULL;
}
