/* SPDX-License-Identifier: Apache-2.0 */
/* driver.h: the narrow seam under every way to a card.
 *
 * A driver opens one reader by name before the sandbox closes, and from then on only talks to it.
 * It knows one transport; it knows no card commands, no policy, no other reader. All calls block and
 * may be killed with the process at any moment: nothing outside the process may depend on close().
 */
#ifndef MOHR_DRIVER_H
#define MOHR_DRIVER_H

#include "apdu/apdu.h"
#include "apdu/card.h"
#include "base/outcome.h"

/* What happened to the card since the last begin() of this process. */
enum card_event { CARD_SAME, CARD_WAS_RESET, CARD_IS_NEW };

struct driver_card {
        enum apdu_protocol protocol;
        uint8_t atr[CARD_ATR_MAX];
        size_t atr_len;
        enum card_event event;
        uint32_t insertion; /* the driver's own count of comings and goings; across processes too */
};

enum driver_end { DRIVER_LEAVE, DRIVER_RESET };

struct driver_reader {
        char name[128];
        bool present;    /* a card answers */
        bool busy;       /* held exclusively by another program */
        uint32_t events; /* changes whenever a card came or went */
        uint8_t atr[CARD_ATR_MAX];
        size_t atr_len;
};
#define DRIVER_READERS_MAX 16

struct driver {
        const char *name;
        bool simulated;
        /* Before the sandbox. `options` is what the config gave this driver, "key=value" strings. */
        int (*open)(void **ret_reader, const char *reader, const char *const *options);
        /* Exclusive transaction on the card. 0, NO_CARD, NO_READER, BUSY, READER_SERVICE, TIMED_OUT. */
        int (*begin)(void *reader, struct driver_card *ret);
        int (*transmit)(void *reader, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap,
                size_t *ret_len);
        int (*end)(void *reader, enum driver_end how);
        void (*close)(void *reader);
        /* Watcher process: blocks until the set of readers differs from the last one reported, then
         * fills ret[DRIVER_READERS_MAX]. READER_SERVICE while the service is absent or denies. */
        int (*watch_open)(void **ret_watch, const char *const *options);
        int (*watch)(void *watch, struct driver_reader *ret, size_t *ret_count);
};

extern const struct driver driver_pcsc; /* mohr-reader */
extern const struct driver driver_soft; /* mohr-reader-soft */

#endif
