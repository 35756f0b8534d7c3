/* SPDX-License-Identifier: Apache-2.0 */
/* boards.h: NFC boards that the configuration names ("device=pn532_uart:/dev/ttyUSB0:115200"). A board on
 * a serial line says nothing of itself: it is taken to be there while its line's node is.
 */
#ifndef MOHR_WATCH_BOARDS_H
#define MOHR_WATCH_BOARDS_H

#include "drivers/driver.h"
#include "drivers/watch/news.h"

#define BOARDS_MAX DRIVER_READERS_MAX

struct board {
        char connstring[sizeof((struct driver_reader *)0)->address];
        char path[64]; /* the node it hangs on, or "" */
        char node[64]; /* what that led to when it was last there; differs for a link */
        bool there;
};

struct boards {
        struct board list[BOARDS_MAX];
        size_t count;
};

/* From options "device=...", "device2=..."; other options are the helper's. -EINVAL for one that cannot be
 * a connection string or for too many. Looks at each node once. */
_must_check_ int boards_read(struct boards *boards, const char *const *options);
/* A device came or went: perhaps one of their nodes. */
void boards_take(struct boards *boards, news_get get, void *device, bool there);
/* Adds those that are there to ret[cap], returns how many. */
size_t boards_list(const struct boards *boards, struct driver_reader *ret, size_t cap);

#endif
