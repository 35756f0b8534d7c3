/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c: see chain.h. A national card's issuer is known from another card or lies on this one; a staff
 * card's is an anchor that somebody configured, and nothing else.
 */
#include "daemon/chain.h"

#include "daemon/unpack.h"

static void find_issuer(
        const struct known *known, enum card_family family, struct gate_chain *chain)
{
        const struct mohr_trust *anchors = known_anchors(known, gate_scope(family));
        X509 *found = NULL;
        if (!chain->leaf || chain->issuer)
                return;
        if (gate_learns_issuers(family))
                found = known_issuer_find(known, chain);
        else if (anchors)
                found = trust_find_issuer(anchors, gate_scope(family), chain->leaf);
        if (found || gate_learns_issuers(family))
                gate_chain_find_issuer(chain, found);
}

int chain_take(const struct known *known, enum card_family family, struct gate_chain *chain,
        enum card_object object, struct view file, enum leaf_class *ret_class)
{
        uint8_t unpacked[UNPACK_MAX];
        struct view der = { 0 };
        int r = unpack_certificate(family, file, unpacked, &der);
        if (r == 0)
                r = gate_chain_add(chain, object, der.data, der.len, ret_class);
        if (r == 0)
                find_issuer(known, family, chain);
        if (r == 0)
                gate_chain_judge_other(chain, known_anchors(known, gate_scope(family)));
        return r;
}

/* Whom an issuer must lead to: nobody, if it is known, since it was let become so here. Neither it nor
 * the anchors change while the daemon lives, and times are not looked at. */
static const struct mohr_trust *anchors_for(
        const struct known *known, enum card_family family, const struct gate_chain *chain)
{
        if (gate_learns_issuers(family) && known_issuer_is(known, chain->issuer))
                return NULL;
        return known_anchors(known, gate_scope(family));
}

int chain_confirm(struct known *known, const struct gate_chain *chain,
        const struct card_identity *identity, const char **ret_detail)
{
        enum card_family family = identity->family;
        int r = gate_confirm(chain, identity, anchors_for(known, family, chain), ret_detail);
        if (r == 0 && gate_learns_issuers(family))
                known_issuer_put(known, chain->issuer);
        return r;
}
