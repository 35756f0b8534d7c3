/* SPDX-License-Identifier: Apache-2.0 */
/* relay.h: the commands of mohr-relay, the phone's side (docs/phone.md). Each is called with its own name as argv[0], the
 * language set and everything closed that mohrd closes at its birth, and returns an exit code of base/outcome.h.
 */
#ifndef MOHR_RELAY_H
#define MOHR_RELAY_H

#include "client-sdk/cli/cli.h"

int relay_serve(struct cli *cli, int argc, char **argv);
int relay_pair(struct cli *cli, int argc, char **argv);
int relay_list(struct cli *cli, int argc, char **argv);
int relay_forget(struct cli *cli, int argc, char **argv);
int relay_assert(struct cli *cli, int argc, char **argv);

#endif
