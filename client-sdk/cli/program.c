/* SPDX-License-Identifier: Apache-2.0 */
/* program.c: where the other programs of ours are. No path of the user's is looked at: what draws and what reads documents must be
 * what was installed with this program.
 */
#include "client-sdk/cli/cli.h"

bool cli_program(const char *name, char dst[static PATH_MAX])
{
        size_t room = strlen(name) + 1;
        ssize_t len = readlink("/proc/self/exe", dst, PATH_MAX - room);
        dst[len > 0 ? len : 0] = '\0';
        char *slash = strrchr(dst, '/');
        if (slash) {
                memcpy(slash + 1, name, room);
                if (access(dst, X_OK) == 0)
                        return true;
        }
        snprintf(dst, PATH_MAX, "%s/%s", MOHR_LIBEXECDIR, name);
        return access(dst, X_OK) == 0;
}
