/* SPDX-License-Identifier: Apache-2.0 */
/* client.h: what our own programs have beside mohr.h: a connection that ends with its scope. */
#ifndef MOHR_CLIENT_H
#define MOHR_CLIENT_H

#include "base/base.h"
#include "client-sdk/mohr.h"

static inline void client_free_cleanup(struct mohr_client **slot)
{
        *slot = mohr_client_free(*slot);
}
#define _cleanup_client_ _cleanup_(client_free_cleanup)

#endif
