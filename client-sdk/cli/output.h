/* SPDX-License-Identifier: Apache-2.0 */
/* output.h: what another program prints, within a bound and a time. It is started without a shell. */
#ifndef MOHR_CLI_OUTPUT_H
#define MOHR_CLI_OUTPUT_H

#include "base/base.h"

struct output_of {
        const char *program; /* its path */
        const char *const *argv;
        int in;     /* what it reads; -1: nothing */
        bool quiet; /* its diagnostics are dropped */
        int patience_s;
};

/* 0: it ended well. OUTCOME_INTERNAL: it ended in another way. -EFBIG: it prints more than fits, of which the beginning is
 * there; -ETIMEDOUT; or another negative errno. It has ended when this returns, and *ret_len bytes of it are in dst. */
_must_check_ int output_read(const struct output_of *of, void *dst, size_t cap, size_t *ret_len);

#endif
