/* SPDX-License-Identifier: Apache-2.0 */
/* signed.h: what a check of a signed document finds, one row for each signature, whatever form it has: cms_verify.c and jws_verify.c
 * look at what is their form's own, signed_judge.c at the signer, for both alike.
 *
 * Steps return 0, OUTCOME_INVALID after signed_refuse(), or a negative errno, which ends the whole check: no verdict.
 */
#ifndef MOHR_SIGNED_H
#define MOHR_SIGNED_H

#include "client-sdk/cms_form.h"
#include "client-sdk/mohr.h"
#include "client-sdk/revocation_chain.h"
#include "client-sdk/signer.h"
#include "client-sdk/timestamp.h"

#include <jansson.h>

#define SIGNED_MAX        64 /* signatures and countersignatures of one document */
#define SIGNED_STAMPS_MAX 4  /* timestamps of one signature */
#define SIGNED_OID_MAX    64

struct signed_one {
        enum mohr_reason reason;
        char detail[64];
        int outcome;
        struct signer *signer; /* owned; NULL before its certificate was good */
        bool leaf_expired, issuer_expired, expiry_accepted;
        bool reported;     /* of an expired certificate: the answer tells whose it was */
        int64_t judged_at; /* when chain and revocation must hold */
        bool by_timestamp; /* that is when a trusted timestamp was made */
        struct revocation_finding revocation;
        int64_t signing_time; /* as it claims; 0: it does not */
        char commitment[SIGNED_OID_MAX], policy[SIGNED_OID_MAX], policy_digest[129];
        bool stamped;
        struct timestamp timestamp; /* of several the first in time, trusted before others */
        json_t *not_understood;     /* numbers of attributes, or NULL */
        struct signed_one *counters;
        size_t counter_count;
};

struct mohr_signed {
        enum mohr_reason reason;
        char detail[64];
        int outcome;
        int64_t at;
        enum mohr_document_form form;
        uint64_t size; /* of the content */
        char sha256[65];
        struct signed_one *rows;
        size_t count, total; /* countersignatures in the second */
};

struct signed_check {
        struct mohr_trust *trust;
        const struct mohr_document *document;
        const struct mohr_verify_options *options;
        const struct mohr_trust *authorities;
        struct mohr_signed *result;
};

/* The content in the hashes that its signatures have: SHA-256 always, the others if they were asked for. */
enum { SIGNED_SHA384 = 1, SIGNED_SHA512 = 2 };
struct signed_hashes {
        uint8_t sha256[32], sha384[48], sha512[64];
        uint64_t size;
};
/* -EBADMSG: the file ends before a range does. */
_must_check_ int signed_hash(int fd, const struct mohr_range *ranges, size_t count,
        unsigned int more, struct signed_hashes *ret);

int signed_refuse(struct signed_one *one, enum mohr_reason reason, const char *detail);
/* `count` rows of zeros that count for the total; 21 after the whole was refused: too many of them. */
_must_check_ int signed_rows(struct mohr_signed *result, size_t count, struct signed_one **ret);
/* The whole is no document of its form. */
int signed_refuse_all(struct mohr_signed *result, enum mohr_reason reason, const char *detail);

/* A timestamp over these bytes. */
_must_check_ int signed_stamp(const struct signed_check *check, struct signed_one *one,
        struct view data, struct view token);
/* Chain, revocation and expiry of one->signer, when the signature itself was found good. */
_must_check_ int signed_judge(const struct signed_check *check, struct signed_one *one);

/* The member "verification" with this verdict, or NULL: no memory. */
json_t *signed_verdict(enum mohr_reason reason, const char *detail, int outcome);

_must_check_ int cms_verify(const struct signed_check *check, bool attached);
_must_check_ int jws_verify(const struct signed_check *check);

#endif
