/* SPDX-License-Identifier: Apache-2.0 */
/* attached.c: see attached.h. The content of a SignedData (RFC 5652 5.1) stands in its middle and may be of any size. So only
 * what stands before and after it is read; the detached SignedData that this makes is short, and read by others.
 */
#include "client-sdk/document/attached.h"
#include "client-sdk/cms.h"

#define START_MAX 4096

/* `start` begins the file and reaches at least to its content. */
static int leave_content(struct attached *ret, const struct source *source, const uint8_t *start,
        struct verdict *verdict)
{
        _cleanup_free_ uint8_t *after = NULL;
        size_t len = 0;
        int r = source_read(source, ret->content + ret->content_len, source->size, CMS_SIGNED_MAX,
                &after, &len, verdict);
        if (r == 0)
                r = cms_detach(start, (size_t)ret->content, after, len, &ret->cms, &ret->len);
        if (r == -EMSGSIZE)
                return verdict_no(verdict, "too-large", NULL);
        return r == OUTCOME_INVALID ? verdict_no(verdict, "not-a-signature", NULL) : r;
}

int attached_read(struct attached *ret, const struct source *source, struct verdict *verdict)
{
        _cleanup_free_ uint8_t *start = NULL;
        size_t start_len = 0;
        uint64_t first = source->size < START_MAX ? source->size : START_MAX;
        struct attached made = { 0 };
        int r = source_read(source, 0, first, START_MAX, &start, &start_len, verdict);
        if (r != 0)
                return r;
        if (cms_content_at(start, start_len, source->size, &made.content, &made.content_len))
                r = leave_content(&made, source, start, verdict);
        else
                r = source_read(
                        source, 0, source->size, CMS_SIGNED_MAX, &made.cms, &made.len, verdict);
        if (r == 0)
                *ret = made;
        return r;
}

void attached_drop(struct attached *attached)
{
        free(attached->cms);
        *attached = (struct attached){ 0 };
}
