/* SPDX-License-Identifier: Apache-2.0 */
/* chain.h: the certificate files of one card, put together and judged with what this daemon knows of issuers.
 *
 * The gate decides over bytes and remembers nothing; known.h remembers and decides nothing. Whoever reads a
 * card's files meets both here, so that a card is confirmed in one way, whichever question led to it.
 */
#ifndef MOHR_CHAIN_H
#define MOHR_CHAIN_H

#include "daemon/known.h"

/* One file as the card gave it. 0; -EBADMSG if there is no certificate in it; -ENOMEM. */
_must_check_ int chain_take(const struct known *known, enum card_family family,
        struct gate_chain *chain, enum card_object object, struct view file,
        enum leaf_class *ret_class);

/* gate_confirm() with the anchors that this kind of card needs. An issuer that may be learnt is known
 * from then on. */
_must_check_ int chain_confirm(struct known *known, const struct gate_chain *chain,
        const struct card_identity *identity, const char **ret_detail);

#endif
