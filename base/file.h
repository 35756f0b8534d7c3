/* SPDX-License-Identifier: Apache-2.0 */
/* file.h: files that are there whole or not at all.
 *
 * Whoever reads a file meanwhile, or after a power cut, finds the old bytes or the new ones. What is
 * written is never followed through a link, and takes the place of no device or pipe.
 */
#ifndef MOHR_FILE_H
#define MOHR_FILE_H

#include "base/base.h"
#include <sys/types.h>

/* Every folder of the path that is missing. */
_must_check_ int file_make_folders(const char *path, mode_t mode);
/* Writes beside the file, then takes its place. The folder must be there. */
_must_check_ int file_replace(const char *path, const void *data, size_t len, mode_t mode);
/* The same for a file that must not be there: -EEXIST if it is, whoever made it meanwhile. */
_must_check_ int file_create(const char *path, const void *data, size_t len, mode_t mode);
/* As file_replace(), without waiting for the disk: a power cut may leave an empty or a torn file. For what is judged whenever it is
 * read, and can be had again. */
_must_check_ int file_replace_soon(const char *path, const void *data, size_t len, mode_t mode);
/* Until its end, or `cap` bytes are here: the count. Who must know whether there was more asks for one more than they take. */
_must_check_ ssize_t file_read_upto(int fd, void *data, size_t cap);
/* All of it, in as many pieces as it takes. */
_must_check_ int file_write(int fd, const void *data, size_t len);
/* Gives a complete file this name instead of `fresh`, which is of the same folder. over: what has the name goes, in one step. */
_must_check_ int file_take_place(const char *fresh, const char *path, bool over);
/* What happened to names in the folder of this path outlasts a power cut. */
_must_check_ int file_settle_folder(const char *path);
/* Takes the file away for good; one that is not there is as good. */
_must_check_ int file_remove(const char *path);

#endif
