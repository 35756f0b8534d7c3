/* SPDX-License-Identifier: Apache-2.0 */
/* national.h: the published certificates of Iran's national PKI, known by their fingerprints.
 *
 * Knowing one is not trusting it: nothing here is believed by anybody until an administrator, who compared
 * the fingerprint, adds the file. The certificates themselves are not shipped (card-facts 5.3).
 */
#ifndef MOHR_NATIONAL_H
#define MOHR_NATIONAL_H

#include "client-sdk/mohr.h"

#include "base/base.h"

#include <openssl/x509.h>

#define NATIONAL_PRINT_MAX 96 /* 32 octets as hex with colons between, and the NUL */

/* SHA-256 of the whole certificate, "42:21:..."; false when out of memory. */
bool national_fingerprint(X509 *cert, char dst[static NATIONAL_PRINT_MAX]);
/* Which of them it is, or NULL. */
const struct mohr_national *national_of(X509 *cert);

#endif
