/* SPDX-License-Identifier: Apache-2.0 */
/* config_check.h: `mohrd --check`: would mohrd start with this configuration, and is there a rule that never counts? */
#ifndef MOHR_CONFIG_CHECK_H
#define MOHR_CONFIG_CHECK_H

#include "base/base.h"

/* argv[1] is --check; what follows is as without it. Says it on standard output; 0, or OUTCOME_USAGE with a line in error. */
_must_check_ int config_check(int argc, char *const *argv, char *error, size_t error_cap);

#endif
