/* SPDX-License-Identifier: Apache-2.0 */
/* policy.h: what the two halves of mohr policy share: asking (policy.c) and telling (policy_show.c). */
#ifndef MOHR_CLI_POLICY_H
#define MOHR_CLI_POLICY_H

#include "client-sdk/claimset.h"
#include "client-sdk/cli/cli.h"

struct policy_asked {                         /* what the question was */
        const char *audience, *purpose, *who; /* the last two may be NULL */
        claimset required, optional;
};

/* `reply` is the answer of CheckPolicy. */
void policy_show(const struct cli *cli, const struct policy_asked *asked, const json_t *reply);

#endif
