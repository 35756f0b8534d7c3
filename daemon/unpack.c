/* SPDX-License-Identifier: Apache-2.0 */
/* unpack.c: see unpack.h. zlib keeps a window of 32 KiB and writes into our buffer only, so that memory
 * is bounded whatever the bytes say; what would not fit is refused, not grown for.
 */
#include "daemon/unpack.h"

#include <zlib.h>

#define GZIP_ONLY (15 + 16) /* the largest window, and the header of RFC 1952 */

int unpack_gzip(struct view packed, uint8_t buffer[static UNPACK_MAX], struct view *ret)
{
        z_stream stream = {
                .next_in = (Bytef *)(uintptr_t)
                                   packed.data, /* read only; the type is older than const */
                .avail_in = (uInt)base_min(packed.len, CARD_FILE_MAX),
                .next_out = buffer,
                .avail_out = UNPACK_MAX,
        };
        if (packed.len > CARD_FILE_MAX)
                return -EBADMSG;
        int r = inflateInit2(&stream, GZIP_ONLY);
        if (r != Z_OK)
                return r == Z_MEM_ERROR ? -ENOMEM : -EIO;
        r = inflate(&stream, Z_FINISH);
        size_t len = UNPACK_MAX - stream.avail_out;
        bool whole = r == Z_STREAM_END && stream.avail_in == 0 && len > 0;
        inflateEnd(&stream);
        if (!whole)
                return r == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
        *ret = (struct view){ buffer, len };
        return 0;
}

int unpack_certificate(enum card_family family, struct view file, uint8_t buffer[static UNPACK_MAX],
        struct view *ret)
{
        struct view bytes = file;
        bool gzip = false;
        if (family == CARD_PIV) {
                int r = piv_parse_certificate(file, &bytes, &gzip);
                if (r < 0)
                        return r;
        }
        if (gzip)
                return unpack_gzip(bytes, buffer, ret);
        *ret = bytes;
        return 0;
}
