/* SPDX-License-Identifier: Apache-2.0 */
/* revocation_chain.h: what is known of the revocation of a whole chain, and what the policy makes of it.
 *
 * The leaf and each CA below the anchor are asked about, each against its own issuer. An anchor is not: it
 * is trusted because it was chosen, and who no longer trusts it takes it away.
 */
#ifndef MOHR_REVOCATION_CHAIN_H
#define MOHR_REVOCATION_CHAIN_H

#include "client-sdk/mohr.h"
#include "client-sdk/revocation.h"

#include <jansson.h>

#define REVOCATION_CHAIN_MAX 8

struct revocation_finding {
        bool told; /* false: nobody came to ask */
        enum mohr_revocation policy;
        struct revocation_verdict verdicts[REVOCATION_CHAIN_MAX]; /* leaf first */
        size_t count;
        size_t decisive; /* of them: the worst; of the good one with something to say, or the oldest */
};

struct revocation_question {
        struct revocation *set;
        const STACK_OF(X509) * chain; /* leaf to anchor */
        const struct mohr_verify_options *options;
        int64_t at;
};

/* 0 with what was found and the reason that it makes; negative errno. Cleared with the function below. */
_must_check_ int revocation_of_chain(const struct revocation_question *question,
        struct revocation_finding *ret, enum mohr_reason *ret_reason);
void revocation_finding_clear(struct revocation_finding *finding);
/* Is each of them known to be good? */
bool revocation_is_known(const struct revocation_finding *finding);
/* "issuer: out-of-date": which certificate, and what of it; "" if nothing is to be said. */
void revocation_detail(const struct revocation_finding *finding, char *dst, size_t cap);
/* The member "revocation" of a result, or NULL: no memory. */
json_t *revocation_json(const struct revocation_finding *finding);

#endif
