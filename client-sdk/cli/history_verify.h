/* SPDX-License-Identifier: Apache-2.0 */
/* history_verify.h: what a history here and an export of one have in common when they are judged. */
#ifndef MOHR_CLI_HISTORY_VERIFY_H
#define MOHR_CLI_HISTORY_VERIFY_H

#include "client-sdk/cli/checking.h"
#include "client-sdk/cli/history.h"

struct verifying {
        const char *from, *export, *anchors_from;
        struct ledger_anchors given;
        struct checking checking;
        struct history_source source;
        struct mohr_trust *trust;   /* owned, of an export that is signed */
        struct mohr_result *result; /* owned: the chip's word on an export */
};

/* Takes the anchors that were given, up to row `last`; *ret_later: there are others. */
_must_check_ int verify_add_given(struct verifying *v, int64_t last, bool *ret_later);
/* The verdict, in words or JSON; the exit code, which is `outcome` if it could be told. */
int verify_tell(const struct cli *cli, const struct verifying *v, int outcome);
/* history_verify_export.c */
int verify_export(struct cli *cli, struct verifying *v);

#endif
