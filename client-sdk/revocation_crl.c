/* SPDX-License-Identifier: Apache-2.0 */
/* revocation_crl.c: certificate revocation lists (RFC 5280, 5 and 6.3), complete ones of the very issuer.
 *
 * OpenSSL reads them; what its reading lets pass and a verifier must not is looked at here. Delta lists and
 * indirect ones are refused by name: the first need a base that nobody can be sure to have, the second
 * speak for other issuers than the one that signed. A list for some certificates only (issuing
 * distribution point) counts for those it covers.
 */
#include "client-sdk/revocation_item.h"

#include "base/outcome.h"

#include <openssl/err.h>
#include <stdio.h>

static int refuse(char why[static REVOCATION_WHY_MAX], const char *words)
{
        snprintf(why, REVOCATION_WHY_MAX, "%s", words);
        return OUTCOME_INVALID;
}

static bool has_extension(const X509_CRL *crl, int nid)
{
        return X509_CRL_get_ext_by_NID(crl, nid, -1) >= 0;
}

/* What makes it a list that is not used, or NULL. */
static const char *wrong_kind(const X509_CRL *crl)
{
        if (has_extension(crl, NID_delta_crl))
                return "a delta CRL (deltaCRLIndicator): only complete lists are used";
        if (!X509_CRL_get0_nextUpdate(crl))
                return "a CRL that does not say when the next one comes (nextUpdate)";
        return NULL;
}

static const char *wrong_scope(const ISSUING_DIST_POINT *idp)
{
        if (idp->indirectCRL > 0)
                return "an indirect CRL: only lists of the certificate's own issuer are used";
        if (idp->onlyattr > 0)
                return "a CRL of attribute certificates (onlyContainsAttributeCerts)";
        if (idp->onlysomereasons)
                return "a CRL for some reasons only (onlySomeReasons)";
        if (idp->distpoint && idp->distpoint->type != 0)
                return "a CRL whose distribution point is named relative to its issuer";
        return NULL;
}

static int read_scope(
        struct revocation_item *item, X509_CRL *crl, char why[static REVOCATION_WHY_MAX])
{
        int critical = -1;
        item->idp = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &critical, NULL);
        if (!item->idp)
                return critical == -1
                               ? 0
                               : refuse(why, "a CRL whose issuingDistributionPoint cannot be read");
        const char *wrong = wrong_scope(item->idp);
        return wrong ? refuse(why, wrong) : 0;
}

/* certificateIssuer among an entry's extensions makes a list indirect, whatever else it says. */
static int read_entry(const X509_REVOKED *entry, char why[static REVOCATION_WHY_MAX])
{
        static const int known[] = { NID_crl_reason, NID_invalidity_date,
                NID_hold_instruction_code };
        const STACK_OF(X509_EXTENSION) *extensions = X509_REVOKED_get0_extensions(entry);
        int critical = -1;
        if (sk_X509_EXTENSION_num(extensions) <= 0)
                return 0;
        if (X509_REVOKED_get_ext_by_NID(entry, NID_certificate_issuer, -1) >= 0)
                return refuse(why, "an indirect CRL (certificateIssuer in an entry)");
        if (item_demands_more(extensions, known, ARRAY_LEN(known), why))
                return OUTCOME_INVALID;
        ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, &critical, NULL);
        bool readable = reason || critical == -1;
        bool removes = reason && ASN1_ENUMERATED_get(reason) == CRL_REASON_REMOVE_FROM_CRL;
        ASN1_ENUMERATED_free(reason);
        if (!readable)
                return refuse(why, "a CRL with a reason that cannot be read");
        return removes ? refuse(why,
                                 "a CRL that is complete and takes something back (removeFromCRL)")
                       : 0;
}

static int read_list(
        struct revocation_item *item, X509_CRL *crl, char why[static REVOCATION_WHY_MAX])
{
        static const int known[] = { NID_crl_number, NID_authority_key_identifier,
                NID_issuing_distribution_point };
        const char *wrong = wrong_kind(crl);
        if (wrong)
                return refuse(why, wrong);
        if (item_demands_more(X509_CRL_get0_extensions(crl), known, ARRAY_LEN(known), why))
                return OUTCOME_INVALID;
        int r = read_scope(item, crl, why);
        STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
        for (int i = 0; r == 0 && i < sk_X509_REVOKED_num(entries); i++)
                r = read_entry(sk_X509_REVOKED_value(entries, i), why);
        return r;
}

int crl_read(struct revocation_item *item, char why[static REVOCATION_WHY_MAX])
{
        const uint8_t *at = item->der;
        item->crl = d2i_X509_CRL(NULL, &at, (long)item->len);
        if (!item->crl)
                return refuse(why, "neither a CRL nor an OCSP response in DER");
        if (at != item->der + item->len)
                return refuse(why, "a CRL with something after it");
        return read_list(item, item->crl, why);
}

bool crl_concerns(const struct revocation_item *item, X509 *cert)
{
        return X509_NAME_cmp(X509_CRL_get_issuer(item->crl), X509_get_issuer_name(cert)) == 0;
}

static bool names_meet(const GENERAL_NAMES *a, const GENERAL_NAMES *b)
{
        for (int i = 0; i < sk_GENERAL_NAME_num(a); i++)
                for (int j = 0; j < sk_GENERAL_NAME_num(b); j++)
                        if (GENERAL_NAME_cmp(
                                    sk_GENERAL_NAME_value(a, i), sk_GENERAL_NAME_value(b, j)) == 0)
                                return true;
        return false;
}

/* Does the certificate say that its revocation, for all reasons, would stand at this point? */
static bool points_there(X509 *cert, const DIST_POINT_NAME *point)
{
        STACK_OF(DIST_POINT) *points =
                X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
        bool found = false;
        for (int i = 0; !found && i < sk_DIST_POINT_num(points); i++) {
                const DIST_POINT *row = sk_DIST_POINT_value(points, i);
                found = row->distpoint && row->distpoint->type == 0 && !row->reasons &&
                        !row->CRLissuer &&
                        names_meet(row->distpoint->name.fullname, point->name.fullname);
        }
        CRL_DIST_POINTS_free(points);
        return found;
}

static bool covers(const struct revocation_item *item, X509 *cert)
{
        const ISSUING_DIST_POINT *idp = item->idp;
        bool is_ca = X509_get_extension_flags(cert) & EXFLAG_CA;
        if (!idp)
                return true;
        if ((idp->onlyuser > 0 && is_ca) || (idp->onlyCA > 0 && !is_ca))
                return false;
        return !idp->distpoint || points_there(cert, idp->distpoint);
}

static bool check_list(struct revocation_item *item, X509 *issuer)
{
        return X509_CRL_verify(item->crl, X509_get0_pubkey(issuer)) == 1;
}

const char *crl_unproven(struct revocation_item *item, X509 *issuer, bool *starved)
{
        const X509_ALGOR *algorithm = NULL;
        X509_CRL_get0_signature(item->crl, NULL, &algorithm);
        if (!(X509_get_key_usage(issuer) & KU_CRL_SIGN))
                return "issuer-may-not-sign-lists";
        if (!item_digest_is_strong(algorithm))
                return "weak-digest";
        return item_signed_by(item, issuer, check_list, starved) ? NULL : "wrong-signature";
}

static void tell_entry(const X509_REVOKED *entry, struct statement *statement)
{
        ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
        ASN1_GENERALIZEDTIME *invalid =
                X509_REVOKED_get_ext_d2i(entry, NID_invalidity_date, NULL, NULL);
        long code = reason ? ASN1_ENUMERATED_get(reason) : CRL_REASON_UNSPECIFIED;
        statement->state = REVOCATION_REVOKED;
        statement->reason = item_reason(code);
        statement->hold = code == CRL_REASON_CERTIFICATE_HOLD;
        statement->revoked_at = item_time(X509_REVOKED_get0_revocationDate(entry));
        statement->invalid_from = statement->revoked_at;
        if (invalid && item_time(invalid) < statement->invalid_from)
                statement->invalid_from = item_time(invalid);
        ASN1_ENUMERATED_free(reason);
        ASN1_GENERALIZEDTIME_free(invalid);
}

const char *crl_state(
        struct revocation_item *item, const struct question *question, struct statement *ret)
{
        X509_REVOKED *entry = NULL;
        if (!crl_concerns(item, question->cert))
                return "";
        const char *why = crl_unproven(item, question->issuer, question->starved);
        if (why)
                return why;
        if (!covers(item, question->cert))
                return "not-covered";
        struct statement statement = { .state = REVOCATION_GOOD,
                .reason = "",
                .this_update = item_time(X509_CRL_get0_lastUpdate(item->crl)),
                .next_update = item_time(X509_CRL_get0_nextUpdate(item->crl)) };
        statement.known_at = statement.this_update;
        if (X509_CRL_get0_by_serial(item->crl, &entry, X509_get0_serialNumber(question->cert)) != 0)
                tell_entry(entry, &statement);
        *ret = statement;
        return NULL;
}
