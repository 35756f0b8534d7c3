/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h: what a card's key may be used for by programs that know keys and not Mohr (mohr.Keys), and what follows of it.
 *
 * A key makes assertions and documents, or it signs what apps hashed, never both: nobody could tell the one from the
 * other afterwards. The key that makes assertions signs by this interface only what daemon/recognise.h knows.
 */
#ifndef MOHR_KEYS_H
#define MOHR_KEYS_H

#include "apdu/card.h"
#include "daemon/config.h"

/* Root's configuration has the key that would make assertions sign blocks and digests of apps ... */
static inline bool keys_raw_signature(const struct config *config, enum card_family family)
{
        return (family == CARD_PIV && (config->raw_hash & RAW_HASH_PIV_SIGNATURE)) ||
               (family == CARD_NID && (config->raw_hash & RAW_HASH_NATIONAL));
}
/* ... and so it makes neither assertions nor documents: OUTCOME_POLICY, with this detail. */
#define KEYS_RAW_DETAIL                                                                            \
        "this card's key signs for other programs here ([keys] raw_hash), and so makes no "        \
        "assertion and signs no document"

#endif
