/* SPDX-License-Identifier: Apache-2.0 */
/* assert_params.h: what an Assert may ask, wherever it comes from: the socket, or a file on a phone (docs/phone.md). */
#ifndef MOHR_ASSERT_PARAMS_H
#define MOHR_ASSERT_PARAMS_H

#include "daemon/params.h"
#include "daemon/request.h"

/* The rows of mohr.Identity.Assert, and those of them that whoever wants to know may say from afar: not which reader, how long, or
 * where somebody is asked. */
extern const struct param assert_params[], assert_params_afar[];

/* `parameters` fit one of these tables. NULL, or the name of one that does not go with the others. Texts are borrowed; peer and ui
 * are left alone. */
_must_check_ const char *assert_params_read(json_t *parameters, struct request_params *ret);

#endif
