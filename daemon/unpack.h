/* SPDX-License-Identifier: Apache-2.0 */
/* unpack.h: from what a card's certificate file holds to the certificate's DER bytes.
 *
 * A national card's file is the certificate. A PIV card's is a container whose certificate may be gzip
 * (SP 800-73-4 part 1, appendix A). Unpacking is the daemon's: a decompressor fed by a card is code that
 * the helper does better without, and here its output is capped at what a certificate may be.
 */
#ifndef MOHR_UNPACK_H
#define MOHR_UNPACK_H

#include "apdu/card.h"

#define UNPACK_MAX 16384 /* as leaf.c takes */

/* *ret is a view into `file` or into `buffer`. -EBADMSG for what cannot be unpacked; -ENOMEM. */
_must_check_ int unpack_certificate(enum card_family family, struct view file,
        uint8_t buffer[static UNPACK_MAX], struct view *ret);

/* One gzip member (RFC 1952), whole, with nothing behind it. */
_must_check_ int unpack_gzip(
        struct view packed, uint8_t buffer[static UNPACK_MAX], struct view *ret);

#endif
