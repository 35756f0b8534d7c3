/* SPDX-License-Identifier: Apache-2.0 */
/* certfile.h: the certificates of a file or of a folder, one after another, as the bytes they are.
 *
 * Bounded (files, bytes) and all or nothing: whatever in there is no certificate ends the reading with a
 * line that names the file. What a certificate means is for the one who is called to judge. Lists of
 * revoked certificates are read in the same way.
 */
#ifndef MOHR_CERTFILE_H
#define MOHR_CERTFILE_H

#include "base/base.h"

/* What is looked for, if not certificates. Lists end with NULL. */
struct certfile_kind {
        const char *const *labels;  /* of PEM blocks */
        const char *const *endings; /* of file names, with the dot */
        size_t file_max;            /* bytes */
        const char *what;           /* "no certificate in it" and the like */
        const char *size;           /* "not a plain file of 1 byte to 1 MiB" */
};

struct certfile {
        /* For each certificate; other than 0 ends the reading and is returned. */
        int (*each)(void *user, const char *path, const uint8_t *der, size_t len);
        void *user;
        const struct certfile_kind *kind; /* NULL: certificates */
        bool go_on; /* what is wrong with one file of a folder is told at the end, by its first problem */
        bool guarded;  /* refuse what another user owns, root apart, or everybody may write to */
        bool may_lack; /* a path that is not there, or a folder without any, is as good */
        char *problem; /* why the answer is 21: an English line for operators */
        size_t problem_cap;
};

/* PEM (nothing but CERTIFICATE) or one DER certificate; of a folder its .pem .crt .cer .der files, by
 * name. 0, 21 with the problem, what each() said, or a negative errno. */
_must_check_ int certfile_read(const struct certfile *in, const char *path);
/* Writes the problem; 21. */
int certfile_complain(const struct certfile *in, const char *path, const char *what);
struct stat;
/* NULL if nobody but this user and root can change it, else what is wrong, for operators. */
const char *certfile_unguarded(const struct stat *st);

#endif
