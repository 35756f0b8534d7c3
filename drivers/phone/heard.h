/* SPDX-License-Identifier: Apache-2.0 */
/* heard.h: which phones announced themselves in the network (mDNS), and where. Everything in it was said by a stranger, until a
 * tag fits a pairing (client-sdk/link/store.h); and then still: what really lives at an address, TLS finds out.
 */
#ifndef MOHR_PHONE_HEARD_H
#define MOHR_PHONE_HEARD_H

#include "drivers/phone/address.h"

#define HEARD_MAX  32 /* announcements; one for each of a phone's addresses */
#define HEARD_NAME 64 /* a label of DNS, with its NUL */

/* By which it is taken back. */
struct heard_key {
        int interface, protocol;
        char name[HEARD_NAME];
};

struct announcement {
        struct heard_key key;
        struct link_place address;
        char tags[LINK_PEERS_MAX][LINK_TAG_LEN + 1];
        size_t tag_count;
        uint32_t serial; /* heard_put() counts */
};

struct heard {
        struct announcement list[HEARD_MAX];
        size_t count;
        uint32_t last_serial;
};

/* One string of a TXT record: "t=TAG", or something that is not for us. */
void announcement_txt(struct announcement *announcement, const void *text, size_t len);
/* A number, and on which interface it was heard. -EINVAL: no number, or none of a local network. */
_must_check_ int announcement_address(
        struct announcement *announcement, const char *number, uint16_t port);

/* Adds it, or puts it in the place of the one of its key. False: it is nobody's, or there is no room. */
bool heard_put(struct heard *heard, const struct announcement *announcement);
bool heard_remove(struct heard *heard, const struct heard_key *key); /* was there one? */
void heard_clear(struct heard *heard);

/* The pairing's addresses, those heard last first, and in *ret_serial the last of their numbers, 0 without any. */
void heard_find(
        const struct heard *heard, const char *id, struct whereabouts *ret, uint32_t *ret_serial);

#endif
