/* SPDX-License-Identifier: Apache-2.0 */
/* shortage.c: see shortage.h. The queue holds the last sixteen errors; the failed allocation may lie
 * under what it led to.
 */
#include "client-sdk/shortage.h"

#include <openssl/err.h>

int shortage_seen(void)
{
        int r = 0;
        for (unsigned long error; (error = ERR_get_error()) != 0;)
                if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
                        r = -ENOMEM;
        return r;
}
