/* SPDX-License-Identifier: Apache-2.0 */
/* audience.h: the plain spelling of an audience: one for all that mean the same address. */
#ifndef MOHR_AUDIENCE_H
#define MOHR_AUDIENCE_H

#include "base/base.h"
#include "client-sdk/fields.h"

#define AUDIENCE_PLAIN_MAX                                                                         \
        (3 * FIELD_AUDIENCE_MAX + 2) /* each a %XX; a "/" that was left out; a zero byte */

/* Of a URI as field_is_uri() takes it, or a pattern of policy_rule.h; of a longer text its beginning. */
void audience_plain(char dst[static AUDIENCE_PLAIN_MAX], const char *uri);

#endif
