/* SPDX-License-Identifier: Apache-2.0 */
/* files.h: the two files of a piece of work, which strangers chose: what they must be, and bytes on their way between them.
 *
 * All of it goes by descriptor; no name is ever looked up. Functions return 0, OUTCOME_INVALID with a verdict, or -ENOMEM.
 */
#ifndef MOHR_DOCUMENT_FILES_H
#define MOHR_DOCUMENT_FILES_H

#include "base/bytes.h"
#include "client-sdk/document/outcome.h"

#include <openssl/evp.h>
#include <sys/stat.h>

#define FILES_SIZE_MAX (INT64_MAX / 4)

/* A file to read, and what it was when it was first looked at. */
struct source {
        int fd;
        uint64_t size;
        struct stat seen;
};

/* A file to write, from its start to its end. */
struct sink {
        int fd;
        uint64_t size; /* written until here */
};

_must_check_ int source_open(struct source *ret, int fd, struct verdict *verdict);
/* Is it still as it was when it was opened? */
_must_check_ int source_unchanged(const struct source *source, struct verdict *verdict);
/* With `readable`, what was written can be mapped afterwards. */
_must_check_ int sink_open(struct sink *ret, int fd, const struct source *source, bool readable,
        struct verdict *verdict);
_must_check_ int sink_put(struct sink *sink, const void *data, size_t len, struct verdict *verdict);
/* It is on its disk now. */
_must_check_ int sink_settle(struct sink *sink, struct verdict *verdict);
/* Takes back what was written, as well as it goes. */
void sink_empty(struct sink *sink);

/* What is told of each piece of a file that passes by; a return value that is not 0 ends it. */
typedef int (*files_piece)(void *user, const uint8_t *data, size_t len, struct verdict *verdict);
/* Bytes [from, to) of the file, each read once, in order. A file that ends before has changed. */
_must_check_ int source_pass(const struct source *source, uint64_t from, uint64_t to,
        files_piece piece, void *user, struct verdict *verdict);
/* A files_piece that writes to the sink that is its `user`. */
_must_check_ int sink_piece(void *user, const uint8_t *data, size_t len, struct verdict *verdict);
/* The same, to the other file. */
_must_check_ int source_copy(const struct source *source, uint64_t from, uint64_t to,
        struct sink *sink, struct verdict *verdict);
/* All of a small file, malloced. "too-large" if it is longer than `max`. */
_must_check_ int source_read(const struct source *source, uint64_t from, uint64_t to, size_t max,
        uint8_t **ret, size_t *ret_len, struct verdict *verdict);

/* A file in the address space, for a library that wants it so. Unmapped by its cleanup. */
struct map {
        const uint8_t *data;
        size_t len;
};
_must_check_ int map_file(struct map *ret, int fd, uint64_t size, struct verdict *verdict);
void map_drop(struct map *map);
#define _cleanup_map_ _cleanup_(map_drop)

/* "sha256" or "sha384"; NULL for anything else. */
const EVP_MD *files_hash(const char *name);

#endif
