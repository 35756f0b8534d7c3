/* SPDX-License-Identifier: Apache-2.0 */
/* driver.h: the narrow seam under every way to a card.
 *
 * A driver opens one reader by name before the sandbox closes, and from then on only talks to it.
 * It knows one transport; it knows no card commands, no policy, no other reader. All calls block and
 * may be killed with the process at any moment: nothing outside the process may depend on close().
 *
 * Drivers are of two kinds. One shares its readers with other programs through a service (pcsc): the
 * service's watcher also tells where a card lies. A direct one (nfc, usb) owns its device as long as
 * its helper lives: the watcher only lists devices, the helper that holds one tells through wait()
 * whether a card lies on it. Nobody resets a direct reader's card when its helper is killed, so a
 * direct driver's open() takes the power off whatever its predecessor left there, before it returns.
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
        uint32_t
                insertion; /* the driver's own count of comings and goings; across processes too: one
                             * that cannot know what happened before it was opened starts anywhere */
        uint8_t pinpad;    /* what the reader itself can ask for: set of enum driver_pinpad */
};

enum driver_pinpad {
        PINPAD_VERIFY = 1 << 0,
        PINPAD_MODIFY = 1 << 1,
        PINPAD_DISPLAY = 1 << 2,
        PINPAD_ALL = 7
};

enum driver_end { DRIVER_LEAVE, DRIVER_RESET };

struct driver_reader {
        char name[128];    /* for people; no two readers of a driver share it */
        char address[128]; /* what open() is given instead, "" if it is the name */
        bool present;      /* a card answers */
        bool busy;         /* held exclusively by another program */
        uint32_t events;   /* changes whenever a card came or went */
        uint8_t atr[CARD_ATR_MAX];
        size_t atr_len;
};
#define DRIVER_READERS_MAX 16

struct driver_presence {
        bool present;
        uint32_t events; /* changes whenever a card came or went */
        uint8_t atr[CARD_ATR_MAX];
        size_t atr_len; /* 0: not known before begin() */
};

struct driver {
        const char *name;
        bool simulated;
        /* Before the sandbox. `options` is what the config gave this driver, "key=value" strings. */
        int (*open)(void **ret_reader, const char *reader, const char *const *options);
        /* Exclusive transaction on the card. 0, NO_CARD, NO_READER, BUSY, READER_SERVICE, TIMED_OUT,
         * CARD_NOT_SUPPORTED for what cannot be spoken to at all. */
        int (*begin)(void *reader, struct driver_card *ret);
        int (*transmit)(void *reader, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap,
                size_t *ret_len);
        int (*end)(void *reader, enum driver_end how);
        void (*close)(void *reader);
        /* NULL without PIN pads. The reader asks the person, fills the digits in and sends the command
         * once; `rsp` is the card's answer, or the reader's own words of PC/SC part 10: 6400 nobody
         * typed in time, 6401 cancelled, 6402 the new PINs differ, 6403 too short or too long. */
        int (*verify_pinpad)(void *reader, const struct apdu_pinpad *how, uint8_t *rsp, size_t cap,
                size_t *ret_len);
        int (*modify_pinpad)(void *reader, const struct apdu_pinpad *how, uint8_t *rsp, size_t cap,
                size_t *ret_len);
        /* NULL for a shared reader. Outside a transaction: blocks until `channel` can be read (returns
         * 0, *ret_changed false), or the presence of a card differs from what was told last (the first
         * call always tells). NO_READER when the device is gone. */
        int (*wait)(void *reader, int channel, bool *ret_changed, struct driver_presence *ret);
        /* Watcher process: blocks until the set of readers differs from the last one reported, then
         * fills ret[DRIVER_READERS_MAX]. READER_SERVICE while the service is absent, POLICY while it denies
         * this user. */
        int (*watch_open)(void **ret_watch, const char *const *options);
        int (*watch)(void *watch, struct driver_reader *ret, size_t *ret_count);
        /* Of a driver whose device answers operations, not commands (phone): takes the channel over once the sandbox is
         * closed, says itself that it is ready (loop_say_ready()), and returns the exit status. Begin to wait are NULL then. */
        int (*serve)(void *reader, int channel);
        const char *confined_as; /* rows of drivers/helper/sandbox.c, if not those of its name */
};

extern const struct driver driver_pcsc; /* mohr-reader */
extern const struct driver driver_nfc;  /* mohr-reader-nfc */
extern const struct driver driver_usb;  /* mohr-reader-usb */
extern const struct driver driver_soft; /* mohr-reader-soft */

#endif
