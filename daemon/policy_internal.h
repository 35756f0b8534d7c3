/* SPDX-License-Identifier: Apache-2.0 */
/* policy_internal.h: what policy.c (the decision) and policy_explain.c (its words) share. */
#ifndef MOHR_POLICY_INTERNAL_H
#define MOHR_POLICY_INTERNAL_H

#include "daemon/audience.h"
#include "daemon/policy_rule.h"

/* The same question by the plain spelling of its audience, which is written to `text`. */
struct policy_question policy_plain(
        const struct policy_question *question, char text[static AUDIENCE_PLAIN_MAX]);
/* The first rule of this list that matches, or NULL. */
const struct rule *policy_rule(const struct config *config, enum config_origin origin,
        const struct policy_question *question);

#endif
