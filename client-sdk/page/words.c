/* SPDX-License-Identifier: Apache-2.0 */
/* words.c: see words.h. The keys are the verifier's (result.c, revocation.c, assertion.h); several of them may
 * mean the same to a clerk. N_() marks what the catalogue holds, _() is asked when the language is known.
 */
#include "client-sdk/page/words.h"

#include "client-sdk/i18n.h"

#include <string.h>

struct word {
        const char *key, *text;
};

static const struct word checks[] = {
        { "signature", N_("the chip's signature") },
        { "chain", N_("the certificates, up to a root that the receiver trusts") },
        { "identity", N_("name and number: as in the certificate") },
        { "times", N_("the times of the assertion") },
        { "audience", N_("for whom it was signed") },
        { "nonce", N_("that it answers the receiver's own request") },
        { "certificate-expiry", N_("that the certificate was in date") },
        { "revocation", N_("whether the certificate was revoked") },
        { "replay", N_("that it was not presented before") },
        { "timestamp", N_("the timestamp of an authority") },
        { "clock", N_("the station's clock") },
        { NULL, NULL },
};

static const struct word levels[] = {
        { "urn:oid:2.16.364.101.1.1.1", N_("level 1 (Bronze)") },
        { "urn:oid:2.16.364.101.1.1.2", N_("level 2 (Silver)") },
        { "urn:oid:2.16.364.101.1.1.3", N_("level 3 (Gold)") },
        { "urn:oid:2.16.364.101.1.1.4", N_("level 4 (Platinum)") },
        { "unstated", N_("not stated by the certificate") },
        { NULL, NULL },
};

/* The national window's scale of how somebody shows who they are. */
static const struct word identity_levels[] = {
        { "digital-signature", N_("digital signature, the third of three") },
        { "none", N_("none of the three") },
        { NULL, NULL },
};

static const struct word states[] = {
        { "good", N_("not revoked") },
        { "revoked", N_("revoked") },
        { NULL, NULL },
};

#define UNTRUSTED N_("what was at hand cannot be trusted")
#define TOO_OLD   N_("what was at hand is too old")
static const struct word whys[] = {
        { "no-evidence", N_("nothing about it was at hand") },
        { "policy-off", N_("the receiver does not ask for it") },
        { "out-of-date", TOO_OLD },
        { "too-old", TOO_OLD },
        { "hold-out-of-date", N_("an old list had it on hold") },
        { "not-covered", N_("what was at hand does not cover this certificate") },
        { "made-after-the-certificate-ended",
                N_("what was at hand was made after the certificate had ended") },
        { "unknown-to-the-responder", N_("its issuer's service does not know it") },
        { "responder-unchecked", N_("whether the answering service was revoked is not known") },
        { "revoked-later", N_("it was revoked after this") },
        { "dates-contradict", UNTRUSTED },
        { "issuer-may-not-sign-lists", UNTRUSTED },
        { "responder-not-authorised", UNTRUSTED },
        { "responder-not-valid", UNTRUSTED },
        { "responder-of-another-issuer", UNTRUSTED },
        { "responder-revoked", UNTRUSTED },
        { "responder-unknown", UNTRUSTED },
        { "weak-digest", UNTRUSTED },
        { "wrong-signature", UNTRUSTED },
        { NULL, NULL },
};

static const struct word sources[] = {
        { "crl", N_("a list of revoked certificates (CRL)") },
        { "ocsp", N_("an answer of its issuer (OCSP)") },
        { NULL, NULL },
};

static const struct word matches[] = {
        { "yes", N_("yes") },
        { "no", N_("no") },
        { "unknown", N_("cannot be told") },
        { NULL, NULL },
};

static const struct word *const tables[WORDS_TABLES] = {
        [WORDS_CHECK] = checks,
        [WORDS_LEVEL] = levels,
        [WORDS_IDENTITY_LEVEL] = identity_levels,
        [WORDS_REVOCATION] = states,
        [WORDS_WHY] = whys,
        [WORDS_SOURCE] = sources,
        [WORDS_MATCH] = matches,
};

const char *words_for(enum words table, const char *key)
{
        for (const struct word *word = tables[table]; word->key; word++)
                if (strcmp(word->key, key) == 0)
                        return _(word->text);
        return NULL;
}
