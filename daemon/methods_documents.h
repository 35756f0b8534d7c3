/* SPDX-License-Identifier: Apache-2.0 */
/* methods_documents.h: what the methods of mohr.Documents share. Only methods_documents.c and methods_add.c include it. */
#ifndef MOHR_METHODS_DOCUMENTS_H
#define MOHR_METHODS_DOCUMENTS_H

#include "daemon/documents.h"
#include "daemon/methods_internal.h"

#define DOCUMENTS_INTERFACE "mohr.Documents"

/* End the call. */
void documents_fail(struct call *call, const struct signing_end *end);
void documents_fail_plain(struct call *call, int r, const char *why, const char *detail);

#endif
