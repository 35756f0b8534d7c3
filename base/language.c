/* SPDX-License-Identifier: Apache-2.0 */
/* language.c: see language.h. The locale is the 48 bytes of LC_MESSAGES of the builder's own C.UTF-8 under the
 * name "fa" (Makefile): glibc finds it by LOCPATH, which is set for that moment only, since programs that we
 * start are to find theirs. Another C library's gettext (musl's) does not know LANGUAGE and goes by the locale's name, of which it has
 * every one: there LC_MESSAGES is called by the language.
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

#ifdef __GLIBC__

static bool unlock_from(const char *folder)
{
        bool done = setenv("LOCPATH", folder, 1) == 0 && setlocale(LC_MESSAGES, "fa") != NULL;
        unsetenv("LOCPATH");
        return done;
}

static bool unlock(const char *catalogues, const char *language)
{
        char folder[PATH_MAX];
        (void)language;
        int len = snprintf(folder, sizeof folder, "%s/names", catalogues);
        if (len > 0 && (size_t)len < sizeof folder && unlock_from(folder))
                return true;
        return unlock_from(MOHR_NAMESDIR);
}

#else

static bool unlock(const char *catalogues, const char *language)
{
        char name[32];
        (void)catalogues;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(language, ":"), language);
        return setlocale(LC_MESSAGES, name) != NULL;
}

#endif

bool language_unlock(const char *catalogues)
{
        const char *language = getenv("LANGUAGE");
        return language && language[0] && !getenv("LOCPATH") && unlock(catalogues, language);
}
