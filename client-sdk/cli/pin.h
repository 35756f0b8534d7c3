/* SPDX-License-Identifier: Apache-2.0 */
/* pin.h: the parts of mohr pin as they see each other, and main.c's help. */
#ifndef MOHR_CLI_PIN_H
#define MOHR_CLI_PIN_H

#include "client-sdk/cli/cli.h"

void pin_show_help(void);

/* argv[0] is the name of the deed. They return an exit code. */
int pin_change(struct cli *cli, int argc, char **argv);
int pin_unblock(struct cli *cli, int argc, char **argv);
int pin_status(struct cli *cli, int argc, char **argv);

#endif
