/* SPDX-License-Identifier: Apache-2.0 */
/* ui.h: where a caller may have the holder asked: the shape of mohr.Identity.Ui, and its checks. */
#ifndef MOHR_UI_H
#define MOHR_UI_H

#include "daemon/params.h"
#include "daemon/peer.h"
#include "daemon/person.h"

extern const struct param ui_params[];

/* `json` passed ui_params (or is NULL); the strings are borrowed from it, or of our own environment. False: the
 * terminal is not a character device of the peer's uid. */
_must_check_ bool ui_read(struct person_ui *ret, json_t *json, const struct peer *peer);

#endif
