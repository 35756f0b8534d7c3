/* SPDX-License-Identifier: Apache-2.0 */
/* language.c: see language.h. The locale is the 48 bytes of LC_MESSAGES of the builder's own C.UTF-8 under the
 * name "fa" (Makefile): glibc finds it by LOCPATH, which is set for that moment only, since programs that we
 * start are to find theirs.
 */
#include "base/language.h"

#include <limits.h>
#include <locale.h>
#include <stdio.h>

bool language_is_deaf(const char *messages)
{
        return strcmp(messages, "POSIX") == 0 ||
               (messages[0] == 'C' && (messages[1] == '\0' || messages[1] == '.'));
}

static bool unlock_from(const char *folder)
{
        bool done = setenv("LOCPATH", folder, 1) == 0 && setlocale(LC_MESSAGES, "fa") != NULL;
        unsetenv("LOCPATH");
        return done;
}

bool language_unlock(const char *catalogues)
{
        char folder[PATH_MAX];
        const char *language = getenv("LANGUAGE");
        if (!language || !language[0] || getenv("LOCPATH"))
                return false;
        int len = snprintf(folder, sizeof folder, "%s/names", catalogues);
        if (len > 0 && (size_t)len < sizeof folder && unlock_from(folder))
                return true;
        return unlock_from(MOHR_NAMESDIR);
}
