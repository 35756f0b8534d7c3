/* SPDX-License-Identifier: Apache-2.0 */
/* certfile.h: the certificates of a file or of a folder, one after another, as the bytes they are.
 *
 * Bounded (files, bytes) and all or nothing: whatever in there is no certificate ends the reading with a
 * line that names the file. What a certificate means is for the one who is called to judge.
 */
#ifndef MOHR_CERTFILE_H
#define MOHR_CERTFILE_H

#include "base/base.h"

struct certfile {
        /* For each certificate; other than 0 ends the reading and is returned. */
        int (*each)(void *user, const char *path, const uint8_t *der, size_t len);
        void *user;
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
