/* SPDX-License-Identifier: Apache-2.0 */
/* refused.c: every function that is not offered, one for each row of functions.h.
 *
 * A card's keys sign and do nothing else here. Checking a signature, a digest or a random number needs no card, and whoever
 * loads this module has a library for them at hand: what a program does in the wrong place should not seem to work.
 * The answer is CKR_FUNCTION_NOT_SUPPORTED, but where the standard has a word of its own.
 */
#include "client-sdk/pkcs11/p11.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

static CK_RV refuse(const char *function)
{
        static const struct {
                const char *function;
                CK_RV rv;
        } words[] = {
                { "C_SeedRandom", CKR_RANDOM_NO_RNG },
                { "C_GenerateRandom", CKR_RANDOM_NO_RNG },
                { "C_GetFunctionStatus", CKR_FUNCTION_NOT_PARALLEL },
                { "C_CancelFunction", CKR_FUNCTION_NOT_PARALLEL },
        };
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (strcmp(words[i].function, function) == 0)
                        return words[i].rv;
        return CKR_FUNCTION_NOT_SUPPORTED;
}

#define OFFERED(name, parameters)
#define REFUSED(name, parameters)                                                                  \
        CK_RV name parameters                                                                      \
        {                                                                                          \
                return refuse(#name);                                                              \
        }

CK_ROWS_2_40(OFFERED, REFUSED)
CK_ROWS_3_0(OFFERED, REFUSED)
