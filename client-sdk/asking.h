/* SPDX-License-Identifier: Apache-2.0 */
/* asking.h: what an app may ask of mohrd, as the parameters of Assert. */
#ifndef MOHR_ASKING_H
#define MOHR_ASKING_H

#include "client-sdk/mohr.h"

#include "base/base.h"

#include <jansson.h>

/* The name of a field that is out of its bounds, or that cannot stand beside another; NULL: all are good. */
const char *asking_out_of_bounds(const struct mohr_request *request);
/* Only names of claims, each at most once in both lists. */
bool asking_claims_are_good(const struct mohr_request *request);
/* Of one that is within them; NULL: no memory. */
json_t *asking_parameters(const struct mohr_request *request);
/* Where to ask, for any method that asks somebody. */
json_t *asking_ui(const struct mohr_ui *ui);

#endif
