/* SPDX-License-Identifier: Apache-2.0 */
/* support_run.c: what another program prints, or its beginning if that is more than there is room for. */
#include "client-sdk/cli/support.h"

#include "base/program.h"
#include "client-sdk/cli/output.h"

#include <limits.h>

#define PATIENCE 10 /* seconds */

bool support_run(const char *const *argv, char *dst, size_t cap)
{
        char program[PATH_MAX];
        size_t len = 0;
        if (!program_find(argv[0], program, sizeof program))
                return false;
        const struct output_of of = {
                .program = program, .argv = argv, .in = -1, .quiet = true, .patience_s = PATIENCE
        };
        int r = output_read(&of, dst, cap - 1, &len);
        dst[len] = '\0';
        return r == 0 || r == -EFBIG;
}
