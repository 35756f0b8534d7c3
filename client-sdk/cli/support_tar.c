/* SPDX-License-Identifier: Apache-2.0 */
/* support_tar.c: a tar archive of a few texts (POSIX ustar), gzipped by zlib. Owner and group are nobody's: who
 * made it is not in it.
 */
#include "client-sdk/cli/support.h"

#include <zlib.h>

#define BLOCK     512
#define FOLDER    "mohr-support/"
#define GZIP_BITS (15 + 16)

struct header { /* ustar */
        char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100],
                magic[6], version[2], owner[32], group[32], major[8], minor[8], prefix[155],
                rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

static size_t padded(size_t len)
{
        return (len + BLOCK - 1) / BLOCK * BLOCK;
}

static void write_header(struct header *header, const struct support_part *part, int64_t when)
{
        unsigned int sum = 0;
        *header = (struct header){ .type = '0', .magic = "ustar", .version = { '0', '0' } };
        snprintf(header->name, sizeof header->name, FOLDER "%s", part->name);
        snprintf(header->mode, sizeof header->mode, "%07o", 0600);
        snprintf(header->uid, sizeof header->uid, "%07o", 0);
        snprintf(header->gid, sizeof header->gid, "%07o", 0);
        snprintf(header->size, sizeof header->size, "%011zo", part->len);
        snprintf(header->mtime, sizeof header->mtime, "%011llo", (unsigned long long)when);
        memset(header->checksum, ' ', sizeof header->checksum);
        for (size_t i = 0; i < sizeof *header; i++)
                sum += ((const unsigned char *)header)[i];
        snprintf(header->checksum, sizeof header->checksum, "%06o", sum);
}

static int compress_all(unsigned char *data, size_t len, unsigned char **ret, size_t *ret_len)
{
        z_stream stream = { 0 };
        if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_BITS, 8,
                    Z_DEFAULT_STRATEGY) != Z_OK)
                return -ENOMEM;
        size_t cap = deflateBound(&stream, (uLong)len);
        _cleanup_free_ unsigned char *out = malloc(cap);
        stream.next_in = data;
        stream.avail_in = (uInt)len;
        stream.next_out = out;
        stream.avail_out = (uInt)cap;
        int r = out ? deflate(&stream, Z_FINISH) : Z_MEM_ERROR;
        size_t used = stream.total_out;
        deflateEnd(&stream);
        if (r != Z_STREAM_END)
                return -ENOMEM;
        *ret = out;
        *ret_len = used;
        out = NULL;
        return 0;
}

int support_archive(const struct support_part *parts, size_t count, int64_t when,
        unsigned char **ret_data, size_t *ret_len)
{
        size_t size = 2 * (size_t)BLOCK, at = 0; /* two empty blocks end it */
        for (size_t i = 0; i < count; i++)
                size += BLOCK + padded(parts[i].len);
        _cleanup_free_ unsigned char *tar = calloc(1, size);
        if (!tar)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                struct header header;
                write_header(&header, &parts[i], when);
                memcpy(tar + at, &header, sizeof header);
                memcpy(tar + at + BLOCK, parts[i].text, parts[i].len);
                at += BLOCK + padded(parts[i].len);
        }
        return compress_all(tar, size, ret_data, ret_len);
}
