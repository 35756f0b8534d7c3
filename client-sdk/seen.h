/* SPDX-License-Identifier: Apache-2.0 */
/* seen.h: what a replay is, as one name: the same holder answers the same question of the same audience
 * again. docs/assertion.md, "Replays", is the definition.
 */
#ifndef MOHR_SEEN_H
#define MOHR_SEEN_H

#include "client-sdk/mohr.h"

#include "base/base.h"

#define SEEN_KEY_BYTES 32
#define SEEN_KEY_LEN   64 /* its hex digits */

/* -ENOMEM; -EINVAL for texts longer than any that were checked. */
_must_check_ int seen_key(
        const char *sub, const char *aud, const char *nonce, char ret[static SEEN_KEY_LEN + 1]);

#endif
