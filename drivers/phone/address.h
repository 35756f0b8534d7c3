/* SPDX-License-Identifier: Apache-2.0 */
/* address.h: what a helper is started with: "ID" or "ID@address,address,...", the pairing and where the phone was heard of
 * just now.
 */
#ifndef MOHR_PHONE_ADDRESS_H
#define MOHR_PHONE_ADDRESS_H

#include "client-sdk/link/place.h"
#include "client-sdk/link/store.h"

#define ADDRESSES_MAX 6

struct whereabouts {
        char id[LINK_ID_LEN + 1];
        struct link_place list[ADDRESSES_MAX];
        size_t count;
};

/* -EINVAL for anything else. */
_must_check_ int whereabouts_read(const char *text, struct whereabouts *ret);
/* Adds one at the end, unless it is there already or there is no room. */
void whereabouts_add(struct whereabouts *where, const struct link_place *address);
/* Puts it before all others; one of them has to go if there is no room. */
void whereabouts_prefer(struct whereabouts *where, const struct link_place *address);

#endif
