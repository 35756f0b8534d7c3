/* SPDX-License-Identifier: Apache-2.0 */
/* revocation_ocsp.c: answers about single certificates (RFC 6960), by the issuer or whom it named for that.
 *
 * A delegate must have been issued by the very CA whose certificate is asked about, with id-kp-OCSPSigning
 * and within its days. Whether it was revoked itself is for others to say, unless its certificate has
 * ocsp-nocheck. Certificates are identified with SHA-1 or SHA-256: that names them, and proves nothing.
 */
#include "client-sdk/revocation_item.h"

#include "base/outcome.h"
#include "client-sdk/shortage.h"
#include "client-sdk/trust.h"

#include <openssl/err.h>
#include <stdio.h>

#define SINGLES_MAX 64

static int refuse(char why[static REVOCATION_WHY_MAX], const char *words)
{
        snprintf(why, REVOCATION_WHY_MAX, "%s", words);
        return OUTCOME_INVALID;
}

static void free_response(OCSP_RESPONSE **response)
{
        OCSP_RESPONSE_free(*response);
}

static bool single_demands_more(OCSP_SINGLERESP *single, char why[static REVOCATION_WHY_MAX])
{
        char name[80] = "";
        int at = OCSP_SINGLERESP_get_ext_by_critical(single, 1, -1);
        if (at < 0)
                return false;
        OBJ_obj2txt(name, sizeof name,
                X509_EXTENSION_get_object(OCSP_SINGLERESP_get_ext(single, at)), 0);
        snprintf(why, REVOCATION_WHY_MAX, "a critical extension that is not known here: %s", name);
        return true;
}

static bool answer_demands_more(OCSP_BASICRESP *basic, char why[static REVOCATION_WHY_MAX])
{
        char name[80] = "";
        for (int at = -1; (at = OCSP_BASICRESP_get_ext_by_critical(basic, 1, at)) >= 0;) {
                const ASN1_OBJECT *object =
                        X509_EXTENSION_get_object(OCSP_BASICRESP_get_ext(basic, at));
                if (OBJ_obj2nid(object) == NID_id_pkix_OCSP_Nonce)
                        continue;
                OBJ_obj2txt(name, sizeof name, object, 0);
                snprintf(why, REVOCATION_WHY_MAX, "a critical extension that is not known here: %s",
                        name);
                return true;
        }
        return false;
}

static int read_answer(OCSP_BASICRESP *basic, char why[static REVOCATION_WHY_MAX])
{
        int count = OCSP_resp_count(basic);
        if (count < 1 || count > SINGLES_MAX)
                return refuse(why, "an OCSP response about nothing, or about too much");
        if (answer_demands_more(basic, why))
                return OUTCOME_INVALID;
        for (int i = 0; i < count; i++)
                if (single_demands_more(OCSP_resp_get0(basic, i), why))
                        return OUTCOME_INVALID;
        /* OpenSSL notes in a certificate that it could not read its extensions, for ever, also when there was
         * no memory: so it reads them now, while the whole can still be thrown away. */
        const STACK_OF(X509) *certs = OCSP_resp_get0_certs(basic);
        for (int i = 0; i < sk_X509_num(certs); i++)
                (void)X509_get_extension_flags(sk_X509_value(certs, i));
        return 0;
}

int ocsp_read(struct revocation_item *item, char why[static REVOCATION_WHY_MAX])
{
        const uint8_t *at = item->der;
        if (item->len > REVOCATION_OCSP_MAX)
                return refuse(why, "neither a CRL nor an OCSP response in DER");
        _cleanup_(free_response) OCSP_RESPONSE *response =
                d2i_OCSP_RESPONSE(NULL, &at, (long)item->len);
        if (!response)
                return refuse(why, "neither a CRL nor an OCSP response in DER");
        if (at != item->der + item->len)
                return refuse(why, "an OCSP response with something after it");
        int status = OCSP_response_status(response);
        if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
                snprintf(why, REVOCATION_WHY_MAX, "an OCSP responder's refusal: %s",
                        OCSP_response_status_str(status));
                return OUTCOME_INVALID;
        }
        item->basic = OCSP_response_get1_basic(response);
        if (!item->basic)
                return refuse(why, "an OCSP response of a type that is not known here");
        return read_answer(item->basic, why);
}

static ASN1_INTEGER *serial_of(OCSP_SINGLERESP *single)
{
        ASN1_INTEGER *serial = NULL;
        OCSP_id_get0_info(NULL, NULL, NULL, &serial,
                (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single));
        return serial;
}

bool ocsp_concerns(const struct revocation_item *item, X509 *cert)
{
        const ASN1_INTEGER *wanted = X509_get0_serialNumber(cert);
        for (int i = 0; i < OCSP_resp_count(item->basic); i++)
                if (ASN1_INTEGER_cmp(serial_of(OCSP_resp_get0(item->basic, i)), wanted) == 0)
                        return true;
        return false;
}

/* The digest a certID was made with, if it is one of those that are looked for. */
static const EVP_MD *digest_of_id(OCSP_SINGLERESP *single)
{
        ASN1_OBJECT *object = NULL;
        OCSP_id_get0_info(NULL, &object, NULL, NULL,
                (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single));
        switch (OBJ_obj2nid(object)) {
        case NID_sha1: return EVP_sha1();
        case NID_sha256: return EVP_sha256();
        }
        return NULL;
}

/* What is said of this certificate of this issuer: its number alone is everybody's. */
static OCSP_SINGLERESP *find_single(
        const struct revocation_item *item, const struct question *question)
{
        for (int i = 0; i < OCSP_resp_count(item->basic); i++) {
                OCSP_SINGLERESP *single = OCSP_resp_get0(item->basic, i);
                const EVP_MD *md = digest_of_id(single);
                OCSP_CERTID *id = md ? OCSP_cert_to_id(md, question->cert, question->issuer) : NULL;
                bool same = id && OCSP_id_cmp(id, OCSP_SINGLERESP_get0_id(single)) == 0;
                OCSP_CERTID_free(id);
                if (same)
                        return single;
        }
        return NULL;
}

/* The certificate of whoever says to have signed: the issuer, or one that came along; borrowed. */
static X509 *find_signer(OCSP_BASICRESP *basic, X509 *issuer)
{
        X509 *signer = NULL;
        STACK_OF(X509) *first = sk_X509_new_null();
        if (first && sk_X509_push(first, issuer) > 0 &&
                OCSP_resp_get0_signer(basic, &signer, first) != 1)
                signer = NULL;
        sk_X509_free(first);
        return signer;
}

static bool within_days(X509 *cert, int64_t at)
{
        return at >= item_time(X509_get0_notBefore(cert)) &&
               at <= item_time(X509_get0_notAfter(cert));
}

/* Why this delegate may not answer for the issuer then, or NULL. */
static const char *wrong_delegate(X509 *signer, X509 *issuer, int64_t at, bool *starved)
{
        uint32_t flags = X509_get_extension_flags(signer);
        if (!(flags & EXFLAG_XKUSAGE) || !(X509_get_extended_key_usage(signer) & XKU_OCSP_SIGN) ||
                !(X509_get_key_usage(signer) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) ||
                (flags & (EXFLAG_CA | EXFLAG_CRITICAL | EXFLAG_INVALID)))
                return "responder-not-authorised";
        *starved = *starved || shortage_seen() < 0; /* what follows empties the queue */
        if (X509_check_issued(issuer, signer) != X509_V_OK ||
                !trust_signed_by(signer, X509_get0_pubkey(issuer)))
                return "responder-of-another-issuer";
        return within_days(signer, at) ? NULL : "responder-not-valid";
}

static bool check_signature(struct revocation_item *item, X509 *signer)
{
        STACK_OF(X509) *one = sk_X509_new_null();
        bool good = one && sk_X509_push(one, signer) > 0 &&
                    OCSP_basic_verify(item->basic, one, NULL, OCSP_NOVERIFY | OCSP_NOINTERN) == 1;
        sk_X509_free(one);
        return good;
}

/* Why it is not the word of somebody who may speak for the issuer, or NULL with the delegate, if it is one
 * whose own revocation is a question. */
static const char *unproven_answer(struct revocation_item *item, const struct question *question,
        int64_t produced_at, X509 **ret_delegate)
{
        X509 *issuer = question->issuer, *signer = find_signer(item->basic, issuer);
        if (!signer)
                return "responder-unknown";
        if (!item_digest_is_strong(OCSP_resp_get0_tbs_sigalg(item->basic)))
                return "weak-digest";
        bool delegated = X509_cmp(signer, issuer) != 0;
        int64_t then = produced_at > question->at ? produced_at : question->at;
        const char *why =
                delegated ? wrong_delegate(signer, issuer, then, question->starved) : NULL;
        if (why)
                return why;
        if (!item_signed_by(item, signer, check_signature, question->starved))
                return "wrong-signature";
        if (delegated && X509_get_ext_by_NID(signer, NID_id_pkix_OCSP_noCheck, -1) < 0)
                *ret_delegate = signer;
        return NULL;
}

static void tell_single(OCSP_SINGLERESP *single, struct statement *statement)
{
        ASN1_GENERALIZEDTIME *revoked = NULL, *from = NULL, *to = NULL;
        int reason = -1, status = OCSP_single_get0_status(single, &reason, &revoked, &from, &to);
        statement->this_update = item_time(from);
        statement->next_update = item_time(to);
        statement->reason = "";
        statement->state = status == V_OCSP_CERTSTATUS_GOOD ? REVOCATION_GOOD : REVOCATION_UNKNOWN;
        if (status != V_OCSP_CERTSTATUS_REVOKED)
                return;
        statement->state = REVOCATION_REVOKED;
        statement->reason = item_reason(reason < 0 ? CRL_REASON_UNSPECIFIED : reason);
        statement->hold = reason == CRL_REASON_CERTIFICATE_HOLD;
        statement->revoked_at = item_time(revoked);
        statement->invalid_from = statement->revoked_at;
}

const char *ocsp_state(
        struct revocation_item *item, const struct question *question, struct statement *ret)
{
        struct statement statement = { 0 };
        OCSP_SINGLERESP *single = find_single(item, question);
        if (!single)
                return "";
        statement.known_at = item_time(OCSP_resp_get0_produced_at(item->basic));
        const char *why = unproven_answer(item, question, statement.known_at, &statement.responder);
        if (why)
                return why;
        tell_single(single, &statement);
        *ret = statement;
        return NULL;
}
