/* SPDX-License-Identifier: Apache-2.0 */
/* policy.h: what the two halves of mohr policy share: asking (policy.c) and telling (policy_show.c). */
#ifndef MOHR_CLI_POLICY_H
#define MOHR_CLI_POLICY_H

#include "client-sdk/cli/cli.h"

/* `reply` is the answer of CheckPolicy. */
void policy_show(const struct cli *cli, const json_t *reply);

#endif
