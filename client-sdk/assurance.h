/* SPDX-License-Identifier: Apache-2.0 */
/* assurance.h: how much an answer says about who somebody is, in the words of those who ask. */
#ifndef MOHR_ASSURANCE_H
#define MOHR_ASSURANCE_H

#include "client-sdk/result.h"

/* The member "assurance" of a result that tells claims, or NULL: no memory. */
json_t *assurance_of(const struct mohr_result *result);

#endif
