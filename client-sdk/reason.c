/* SPDX-License-Identifier: Apache-2.0 */
/* reason.c: why an assertion does not hold: a stable name for programs, a sentence for people. */
#include "client-sdk/mohr.h"

#include "base/base.h"
#include "client-sdk/i18n.h"

static const struct {
        const char *name, *text;
} reasons[MOHR_REASON_COUNT] = {
        [MOHR_REASON_OK] = { "ok", N_("Everything that was checked holds.") },
        [MOHR_REASON_TOO_LARGE] = { "too-large", N_("It is larger than an assertion can be.") },
        [MOHR_REASON_NOT_COMPACT] = { "not-compact",
                N_("It is not three parts separated by dots.") },
        [MOHR_REASON_BASE64] = { "bad-base64", N_("A part is not canonical base64url.") },
        [MOHR_REASON_HEADER] = { "bad-header", N_("The header is not what the format allows.") },
        [MOHR_REASON_CRITICAL] = { "critical-header",
                N_("The header demands an extension that is not known here.") },
        [MOHR_REASON_TYPE] = { "wrong-type", N_("It is a token of another type.") },
        [MOHR_REASON_ALGORITHM] = { "wrong-algorithm",
                N_("The signature algorithm is not allowed for this key.") },
        [MOHR_REASON_CERTIFICATE] = { "bad-certificate",
                N_("A certificate in it cannot be read.") },
        [MOHR_REASON_CERTIFICATE_ORDER] = { "certificate-order",
                N_("A certificate in it was not issued by the next one.") },
        [MOHR_REASON_NOT_CITIZEN] = { "not-a-citizen-certificate",
                N_("The certificate is not that of a national smart ID card.") },
        [MOHR_REASON_KEY] = { "unsuitable-key", N_("The key of the certificate is not suitable.") },
        [MOHR_REASON_KEY_USAGE] = { "key-usage", N_("The certificate does not allow signing.") },
        [MOHR_REASON_UNTRUSTED] = { "untrusted",
                N_("No trusted root stands behind the certificate.") },
        [MOHR_REASON_CHAIN] = { "chain-invalid", N_("The chain of certificates does not hold.") },
        [MOHR_REASON_CERTIFICATE_NOT_YET_VALID] = { "certificate-not-yet-valid",
                N_("A certificate is not yet valid.") },
        [MOHR_REASON_ISSUER_EXPIRED] = { "issuer-expired",
                N_("The certificate of the issuing authority is expired.") },
        [MOHR_REASON_SIGNATURE] = { "bad-signature", N_("The signature does not match.") },
        [MOHR_REASON_PAYLOAD] = { "bad-payload", N_("The content is not well-formed.") },
        [MOHR_REASON_CLAIM_MISSING] = { "claim-missing", N_("A required statement is missing.") },
        [MOHR_REASON_CLAIM_UNKNOWN] = { "claim-unknown",
                N_("It contains a statement that is not known.") },
        [MOHR_REASON_CLAIM_MALFORMED] = { "claim-malformed", N_("A statement is malformed.") },
        [MOHR_REASON_VERSION] = { "wrong-version", N_("It has a version that is not known.") },
        [MOHR_REASON_ISSUER] = { "wrong-issuer", N_("It does not say that the card issued it.") },
        [MOHR_REASON_AUDIENCE] = { "audience-mismatch", N_("It was made for somebody else.") },
        [MOHR_REASON_NONCE] = { "nonce-mismatch", N_("It answers another request.") },
        [MOHR_REASON_NOT_YET_VALID] = { "not-yet-valid",
                N_("It was made after the time of the check. Are the clocks right?") },
        [MOHR_REASON_EXPIRED] = { "expired", N_("It was valid earlier and has expired.") },
        [MOHR_REASON_LIFE] = { "life-too-long",
                N_("It says to be valid for longer than is allowed.") },
        [MOHR_REASON_AUTH_TIME] = { "auth-time",
                N_("The time of the PIN entry does not fit the time of the signature.") },
        [MOHR_REASON_NAME] = { "name-mismatch",
                N_("It states a name that is not the one on the certificate.") },
        [MOHR_REASON_NUMBER] = { "number-mismatch",
                N_("It states a card number that is not the one on the certificate.") },
        [MOHR_REASON_NATIONAL_NUMBER] = { "national-number-mismatch",
                N_("What it states of the national number does not follow from the certificate.") },
        [MOHR_REASON_SUBJECT] = { "subject-mismatch",
                N_("It states a subject that is not the one on the certificate.") },
        [MOHR_REASON_ASSURANCE] = { "assurance-mismatch",
                N_("It states an assurance level that is not the certificate's.") },
        [MOHR_REASON_KEY_USE] = { "key-use-mismatch",
                N_("It states a use of the key that is not the certificate's.") },
        [MOHR_REASON_CERTIFICATE_FACTS] = { "certificate-facts-mismatch",
                N_("It states a certificate expiry that is not the certificate's.") },
        [MOHR_REASON_CERTIFICATE_EXPIRED] = { "certificate-expired",
                N_("Everything else holds, but the certificate is expired.") },
        [MOHR_REASON_NOT_STAFF] = { "not-a-staff-certificate",
                N_("The certificate is not that of an organisation's staff.") },
        [MOHR_REASON_REPLAYED] = { "replayed", N_("This request was answered before.") },
        [MOHR_REASON_CLOCK] = { "clock", N_("The station's clock is not synchronised, and by the "
                                            "clock here the answer did not come in time.") },
        [MOHR_REASON_REVOKED] = { "revoked", N_("The certificate was revoked by its issuer.") },
        [MOHR_REASON_REVOCATION_UNKNOWN] = { "revocation-unknown",
                N_("Whether the certificate was revoked is not known, and the check requires "
                   "it.") },
        [MOHR_REASON_EVIDENCE_FORM] = { "evidence-form",
                N_("It has not the exact form of an evidence bundle.") },
        [MOHR_REASON_EVIDENCE_DAMAGED] = { "evidence-damaged",
                N_("The file was changed or damaged after it was written.") },
        [MOHR_REASON_EVIDENCE_CHAIN] = { "evidence-chain",
                N_("The issuers kept in it are not those above the certificate.") },
        [MOHR_REASON_EVIDENCE_REPORT] = { "evidence-report",
                N_("What it reports is not what a check of it finds.") },
        [MOHR_REASON_EVIDENCE_TIME] = { "evidence-time",
                N_("It says to be received after it was timestamped.") },
        [MOHR_REASON_EVIDENCE_PDF] = { "evidence-pdf",
                N_("The PDF is not as the receipt was written. Another program may have saved it "
                   "anew: take the attached file out of it and check that.") },
        [MOHR_REASON_TIMESTAMP] = { "timestamp", N_("A timestamp in it does not hold.") },
        [MOHR_REASON_NOT_HOLDER] = { "not-a-holder-certificate",
                N_("The certificate is neither that of a national smart ID card nor that of an "
                   "organisation's staff.") },
        [MOHR_REASON_DOCUMENT_FORM] = { "document-form",
                N_("The signature has not the form that is checked here.") },
        [MOHR_REASON_DOCUMENT_CHANGED] = { "document-changed",
                N_("The document is not the one that was signed.") },
        [MOHR_REASON_DOCUMENT_CERTIFICATE] = { "signing-certificate",
                N_("The signature does not name the certificate it was made with.") },
        [MOHR_REASON_DOCUMENT_ATTRIBUTES] = { "signed-attributes",
                N_("What was signed along with the document is not as it must be.") },
        [MOHR_REASON_DOCUMENT_UNSIGNED] = { "unsigned", N_("The document has no signature.") },
        [MOHR_REASON_DOCUMENT_EXTENDED] = { "added-unsigned",
                N_("Something was added to the file after its last signature, and nobody signed "
                   "that.") },
        [MOHR_REASON_DOCUMENT_COUNTER] = { "countersigned-invalid",
                N_("The signature that it was put on does not hold.") },
};

static enum mohr_reason known(enum mohr_reason reason)
{
        return (unsigned int)reason < MOHR_REASON_COUNT ? reason : MOHR_REASON_PAYLOAD;
}

const char *mohr_reason_name(enum mohr_reason reason)
{
        return reasons[known(reason)].name;
}

const char *mohr_reason_text(enum mohr_reason reason)
{
        return i18n_text(reasons[known(reason)].text);
}
