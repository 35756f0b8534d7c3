/* SPDX-License-Identifier: Apache-2.0 */
/* place.h: where a device may be met, as text: "host:port", "[v6]:port", "[v6%scope]:port". The one reader of it, for what a person
 * types, a camera reads, a file keeps and a helper is started with.
 */
#ifndef MOHR_LINK_PLACE_H
#define MOHR_LINK_PLACE_H

#include "base/base.h"

#define LINK_HOST_MAX 254 /* with its NUL: a name of RFC 1035 */

struct link_place {
        char host[LINK_HOST_MAX],
                port[6]; /* as getaddrinfo(3) takes them; a number of IPv6 has no brackets */
};

/* `port`, unless it is 0, is meant where the text has none. -EINVAL for anything else. Names are not looked up. */
_must_check_ int link_place_read(
        const char *text, size_t len, uint16_t port, struct link_place *ret);
/* A port's number alone: 1 to 65535, without leading zeros. */
_must_check_ int link_port_read(const char *text, size_t len, uint16_t *ret);

#endif
