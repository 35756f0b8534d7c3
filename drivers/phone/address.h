/* SPDX-License-Identifier: Apache-2.0 */
/* address.h: where a phone may be met, as text: "host:port", "[v6]:port", "[v6%scope]:port"; and what a helper is started
 * with: "ID" or "ID@address,address,...", the pairing and where the phone was heard of just now.
 */
#ifndef MOHR_PHONE_ADDRESS_H
#define MOHR_PHONE_ADDRESS_H

#include "client-sdk/link/store.h"

#define ADDRESSES_MAX    6
#define ADDRESS_HOST_MAX 254 /* with its NUL: a name of RFC 1035 */

struct address {
        char host[ADDRESS_HOST_MAX], port[6];
};
struct whereabouts {
        char id[LINK_ID_LEN + 1];
        struct address list[ADDRESSES_MAX];
        size_t count;
};

/* -EINVAL for anything else. Names are not looked up. */
_must_check_ int address_read(const char *text, size_t len, struct address *ret);
_must_check_ int whereabouts_read(const char *text, struct whereabouts *ret);
/* Adds one at the end, unless it is there already or there is no room. */
void whereabouts_add(struct whereabouts *where, const struct address *address);
/* Puts it before all others; one of them has to go if there is no room. */
void whereabouts_prefer(struct whereabouts *where, const struct address *address);

#endif
