/* SPDX-License-Identifier: Apache-2.0 */
/* program.c: see program.h. POSIX.1, 8.3 (PATH), without its legacy of an empty element for the current folder.
 */
#include "base/program.h"

#include <stdio.h>
#include <unistd.h>

static bool runs(char *dst, size_t cap, const char *folder, size_t folder_len, const char *name)
{
        int len = snprintf(
                dst, cap, "%.*s%s%s", (int)folder_len, folder, folder_len ? "/" : "", name);
        return len > 0 && (size_t)len < cap && access(dst, X_OK) == 0;
}

bool program_find(const char *name, char *dst, size_t cap)
{
        const char *path = getenv("PATH");
        if (*name == '/')
                return runs(dst, cap, "", 0, name);
        if (!*name || strchr(name, '/'))
                return false;
        for (path = path ? path : "/usr/bin:/bin"; *path;) {
                size_t len = strcspn(path, ":");
                if (*path == '/' && len < cap && runs(dst, cap, path, len, name))
                        return true;
                path += len + (path[len] == ':');
        }
        return false;
}
