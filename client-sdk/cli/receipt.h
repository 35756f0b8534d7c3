/* SPDX-License-Identifier: Apache-2.0 */
/* receipt.h: the two halves of mohr receipt: the bundle with its timestamp (receipt.c), and the page around it
 * (receipt_page.c), which another program draws.
 */
#ifndef MOHR_CLI_RECEIPT_H
#define MOHR_CLI_RECEIPT_H

#include "client-sdk/cli/checking.h"

struct receipt {
        struct checking checking;
        const char *out, *bundle_out; /* where to write; NULL: not */
        const char *size, *language;  /* of the page */
        const char *url;              /* of the timestamping service, or NULL */
        const char *renew;            /* an older bundle or receipt, or NULL */
        const char *file;
        bool force;

        struct mohr_trust *trust, *authorities; /* owned */
        struct mohr_result *result;             /* owned: of the last check */
        char *bundle;                           /* owned */
        unsigned char *pdf;                     /* owned */
        size_t pdf_len;
};

/* The page of the bundle that was checked last, with the bundle in it: into `pdf`. 0, or an outcome that is
 * reported already. */
_must_check_ int receipt_draw(const struct cli *cli, struct receipt *receipt);

#endif
