/* SPDX-License-Identifier: Apache-2.0 */
/* anchors.h: more anchors for a trust object that is being filled. */
#ifndef MOHR_ANCHORS_H
#define MOHR_ANCHORS_H

#include "client-sdk/trust.h"

/* What a folder of the store holds, which may lack but must be nobody else's to write to. The object is of
 * no use after a failure. */
_must_check_ int anchors_load(struct mohr_trust *trust, enum trust_scope scope, const char *folder,
        char *problem, size_t problem_cap);

#endif
