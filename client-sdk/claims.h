/* SPDX-License-Identifier: Apache-2.0 */
/* claims.h: does the payload say what version 1 allows, what was asked, and what the leaf says? */
#ifndef MOHR_CLAIMS_H
#define MOHR_CLAIMS_H

#include "client-sdk/mohr.h"
#include "client-sdk/signer.h"
#include <jansson.h>

struct claims_context {
        const struct mohr_verify_options *options;
        int64_t at;
        int skew;
        const struct leaf *leaf;
        const struct identity *identity;
        const json_t *payload;
};

/* The station says that its clock is not synchronised, and the verifier knows by its own when it asked: then
 * its own clock decides. */
bool claims_by_own_clock(const struct claims_context *context);
/* When it can no longer hold, tolerance included. Of a payload that holds. */
int64_t claims_end(const struct claims_context *context);

/* The first row of the table that does not hold; *ret_claim (static or of the payload) names it. */
enum mohr_reason claims_check(const struct claims_context *context, const char **ret_claim);

#endif
