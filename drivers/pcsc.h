/* SPDX-License-Identifier: Apache-2.0 */
/* pcsc.h: what the parts of the pcsc driver share: pcsc.c (one reader), pcsc_pinpad.c (its own keys, if
 * it has any) and pcsc_watch.c (all readers).
 */
#ifndef MOHR_PCSC_H
#define MOHR_PCSC_H

#include "drivers/driver.h"
#include "drivers/pcsc_part10.h"

#include <winscard.h>

/* Where a PC/SC answer was met decides what it means: no card to begin with, or one taken away. */
enum pcsc_when { PCSC_BEGIN, PCSC_INSIDE, PCSC_WHENS };

/* 0 for SCARD_S_SUCCESS, an outcome, or -EBADMSG (answer too long) or -EIO (not in the table). */
_must_check_ int pcsc_outcome(LONG rv, enum pcsc_when when);
/* This driver has no options: 0, or -EINVAL if there are any. */
_must_check_ int pcsc_options(const char *const *options);

/* What a reader can ask a person by itself; asked once in a helper's life. */
struct pcsc_pinpad {
        bool known;
        uint8_t usable; /* set of enum driver_pinpad */
        struct part10_features features;
};
/* Never fails: a reader that cannot be understood has no keys. */
void pcsc_pinpad_look(struct pcsc_pinpad *pinpad, SCARDHANDLE card);

int pcsc_watch_open(void **ret_watch, const char *const *options);
int pcsc_watch(void *watch, struct driver_reader *ret, size_t *ret_count);

#endif
