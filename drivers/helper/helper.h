/* SPDX-License-Identifier: Apache-2.0 */
/* helper.h: the program around one driver: `mohr-reader`, `mohr-reader-soft`.
 *
 *      mohr-reader --driver NAME --reader NAME [--option KEY=VALUE]...   one reader's helper
 *      mohr-reader --watch --driver NAME [--option KEY=VALUE]...         one driver's watcher
 *      mohr-reader-usb --driver usb --usb-fd N     the reader behind a descriptor that somebody else
 *                                                  opened (Android, a sandbox); instead of --reader
 *      mohr-reader-usb --power-off [ADDRESS]...    afterwards, when mohrd died: takes the power off the
 *                                                  cards in all USB readers that nobody holds
 *
 * Descriptor 3 is the channel of drivers/ops.h. The first frame is OP_READY, sent only after the
 * sandbox is closed; a watcher then sends OP_READERS frames, a helper answers operations. Frames
 * sent unasked carry id 0 and no OPS_REPLY.
 *
 * Exit status: 0 the channel was closed; 2 usage; 10 (NO_READER) or 25 (READER_SERVICE) the device
 * or its service is gone, after that was answered or reported; 23 (BUSY) a direct reader's device is
 * held by another program; 70 a malformed frame, one out of
 * place, or something broken. A helper never opens its device a second time: it exits and mohrd
 * starts another one.
 */
#ifndef MOHR_HELPER_H
#define MOHR_HELPER_H

#include "drivers/driver.h"

/* `drivers` ends with NULL. Returns the exit status; the caller leaves by _Exit(), so that no
 * library's destructor, nor a sanitizer's look for leaks, runs into the sandbox. */
_must_check_ int helper_main(const struct driver *const *drivers, int argc, char **argv);

#endif
