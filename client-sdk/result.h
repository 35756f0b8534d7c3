/* SPDX-License-Identifier: Apache-2.0 */
/* result.h: what mohr_verify() found out; the accessors are in result.c. */
#ifndef MOHR_RESULT_H
#define MOHR_RESULT_H

#include "client-sdk/mohr.h"
#include "client-sdk/revocation_chain.h"
#include "client-sdk/signer.h"
#include <jansson.h>

struct mohr_result {
        enum mohr_reason reason;
        char detail[64];
        int outcome;
        int64_t at;
        bool audience_checked, nonce_checked, replay_checked;
        bool leaf_expired, issuer_expired, expiry_accepted;
        const char *times_by;  /* whose clock the times rest on, or NULL */
        struct signer *signer; /* owned; NULL before the header was good */
        struct revocation_finding revocation;
        json_t *claims;   /* NULL unless the answer tells any */
        json_t *evidence; /* what a bundle says besides, or NULL */
};

int result_outcome(enum mohr_reason reason); /* 0, 22 for an expired certificate, 21 */

#endif
