/* SPDX-License-Identifier: Apache-2.0 */
/* announce.h: what a phone is told before it gives a PIN to its card: OP_ANNOUNCE of drivers/ops.h, made of a request.
 *
 * The very facts of the prompt, as the person agreed to them: what was declined is not in it, and of documents only the one
 * that is signed next. Nothing that steers programs here goes out. Where an organisation's signed request was verified,
 * that goes along, so that a phone which knows the organisation need not believe this computer. docs/phone.md has it field by field.
 */
#ifndef MOHR_ANNOUNCE_H
#define MOHR_ANNOUNCE_H

#include "daemon/request.h"

/* Room for every announcement: a question with one document, and the longest signed request. */
#define ANNOUNCE_MAX 16384

/* The payload of OP_ANNOUNCE, once the person has agreed and before the card is begun with. */
_must_check_ int announce_make(const struct request *request, struct out *args);

#endif
