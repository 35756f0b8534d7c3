/* SPDX-License-Identifier: Apache-2.0 */
/* pn532.c: mohr-softcard, watched by the rule monitor, on an NFC board instead of in a reader of pcscd.
 *
 *   pn532 --vpcd LINK:SETTINGS --profile NAME --pki DIR --pin DIGITS [NAME=VALUE ...]
 *
 * LINK becomes a symbolic link to the board's serial line, SETTINGS are those of tests/support/pn532.h. All
 * else is that program, source and all: statistics, log, signals and faults of the card are the same.
 */
#include "tests/support/pn532.h"

#define softcard_vpcd_run pn532_serve
#include "tests/tools/monitored_softcard.c"
