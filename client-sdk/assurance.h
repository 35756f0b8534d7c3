/* SPDX-License-Identifier: Apache-2.0 */
/* assurance.h: how much an answer says about who somebody is, in the words of those who ask. */
#ifndef MOHR_ASSURANCE_H
#define MOHR_ASSURANCE_H

#include "client-sdk/result.h"

/* The member "assurance" of a result that tells claims, or NULL: no memory. */
json_t *assurance_of(const struct mohr_result *result);

/* The national levels, by how well the issuer knew the person: 1 bronze to 4 platinum; 0: not one of them. */
#define ASSURANCE_LEVELS 4
unsigned int assurance_level(const char *acr);
const char *assurance_level_name(unsigned int level); /* NULL for 0 */

#endif
