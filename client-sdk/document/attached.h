/* SPDX-License-Identifier: Apache-2.0 */
/* attached.h: a SignedData file of any size, its content left where it is. */
#ifndef MOHR_DOCUMENT_ATTACHED_H
#define MOHR_DOCUMENT_ATTACHED_H

#include "client-sdk/document/files.h"

struct attached {
        uint8_t *cms; /* the SignedData without its content, malloced */
        size_t len;
        uint64_t content, content_len; /* where it lies in the file; both 0 if it is detached */
};

/* "not-a-signature", "too-large" (more of certificates and signatures than CMS_SIGNED_MAX). */
_must_check_ int attached_read(
        struct attached *ret, const struct source *source, struct verdict *verdict);
void attached_drop(struct attached *attached);
#define _cleanup_attached_ _cleanup_(attached_drop)

#endif
