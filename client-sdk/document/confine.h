/* SPDX-License-Identifier: Apache-2.0 */
/* confine.h: gives up what looking into a document does not need. */
#ifndef MOHR_DOCUMENT_CONFINE_H
#define MOHR_DOCUMENT_CONFINE_H

#include "base/base.h"

/* First: no core file, no look into this process, no gain of privileges, no descriptor but ours. */
_must_check_ int document_settle(void);
/* Then, knowing the size of the document: limits of memory, time and of what is written, and a filter after which nothing
 * is opened, connected or started. */
_must_check_ int document_confine(uint64_t size);

#endif
