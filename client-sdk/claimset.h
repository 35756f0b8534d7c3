/* SPDX-License-Identifier: Apache-2.0 */
/* claimset.h: what an assertion says only if the holder agrees: everything that is not in the certificate.
 * Name, numbers and the rest of the certificate always go with a chip's signature; they are no claims
 * of this kind, and nothing here can withhold them (docs/assertion.md, "What can be declined").
 */
#ifndef MOHR_CLAIMSET_H
#define MOHR_CLAIMSET_H

#include "base/base.h"
#include <jansson.h>

#define CLAIMSET_LIST(X)                                                                           \
        X(0, CARD_GENERATION, "card_generation") /* card.generation */                             \
        X(1, CARD_EXPIRY, "card_expiry")         /* card.expiry, card.expiry_raw */                \
        X(2, READER, "reader")                   /* station.reader */                              \
        X(3, STATION, "station")                 /* what the app states of the place */

typedef uint8_t claimset; /* bits of enum claimset_bit */

enum claimset_bit {
#define X(bit, id, name) CLAIM_##id = 1u << bit,
        CLAIMSET_LIST(X)
#undef X
                CLAIMS_NONE = 0,
        CLAIMS_ALL = 15,
};
#define CLAIMSET_COUNT 4

const char *claimset_name(unsigned int bit); /* 0..CLAIMSET_COUNT-1; NULL behind the last */
/* A JSON array of names, each at most once. False if it is anything else. NULL is the empty set. */
bool claimset_read(const json_t *list, claimset *ret);
json_t *claimset_json(claimset set); /* in the order of the list; NULL: no memory */

#endif
