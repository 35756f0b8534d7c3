/* SPDX-License-Identifier: Apache-2.0 */
/* locale.c: which language, and where its catalogue is.
 *
 * The language is asked of LANGUAGE, LC_ALL, LC_MESSAGES, LANG, in gettext's order. A machine often
 * has no Persian locale built, and gettext translates nothing in the "C" locale; then C.UTF-8, which
 * every Debian has, carries the messages, under a name of ours (base/language.h). A build tree finds its own
 * catalogue beside the program.
 */
#include "client-sdk/cli/cli.h"

#include "base/language.h"

#include <limits.h>
#include <locale.h>

static const char *wanted_language(void)
{
        static const char *const variables[] = { "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG" };
        for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
                const char *value = getenv(variables[i]);
                if (value && value[0])
                        return value;
        }
        return "";
}

static bool is_persian(const char *language)
{
        return strncmp(language, "fa", 2) == 0 &&
               (language[2] == '\0' || strchr("_:.@", language[2]));
}

/* True if DIR/TAIL holds the Persian catalogue; dst is then DIR/TAIL. */
static bool holds_catalogue(char dst[static PATH_MAX], const char *dir, const char *tail)
{
        char file[PATH_MAX];
        int len = snprintf(dst, PATH_MAX, "%s%s", dir, tail);
        if (len < 0 || len >= PATH_MAX)
                return false;
        len = snprintf(file, sizeof file, "%s/fa/LC_MESSAGES/mohr.mo", dst);
        return len > 0 && (size_t)len < sizeof file && access(file, R_OK) == 0;
}

/* `dir` becomes the folder of the catalogues. */
static void bind_catalogue(char dir[static PATH_MAX])
{
        char self[PATH_MAX];
        ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
        self[len > 0 ? len : 0] = '\0';
        char *slash = strrchr(self, '/');
        if (slash)
                *slash = '\0';
        if (!slash || (!holds_catalogue(dir, self, "/locale") &&
                              !holds_catalogue(dir, self, "/../share/locale")))
                snprintf(dir, PATH_MAX, "%s", MOHR_LOCALEDIR);
        bindtextdomain("mohr", dir);
        bind_textdomain_codeset("mohr", "UTF-8");
}

bool cli_set_language(void)
{
        char catalogues[PATH_MAX];
        bool persian = is_persian(wanted_language());
        const char *messages = setlocale(LC_ALL, "") ? setlocale(LC_MESSAGES, NULL) : "C";
        bool deaf = language_is_deaf(messages);
        bind_catalogue(catalogues);
        if (persian && deaf) {
                setlocale(LC_ALL, "C.UTF-8");
                setenv("LANGUAGE", "fa", 1);
                language_unlock(catalogues);
        }
        setlocale(LC_NUMERIC, "C");
        return persian;
}
