/* SPDX-License-Identifier: Apache-2.0 */
/* config_internal.h: what config.c (the grammar) and config_load.c (where texts come from) share. */
#ifndef MOHR_CONFIG_INTERNAL_H
#define MOHR_CONFIG_INTERNAL_H

#include "daemon/config.h"

#define CONFIG_WANT_DRIVERS "each once: pcsc, nfc, usb, soft"

/* OUTCOME_USAGE: unknown, or there already. */
_must_check_ int config_add_driver(struct config *config, const char *name, size_t len);
void config_clear_list(char **list);

#endif
