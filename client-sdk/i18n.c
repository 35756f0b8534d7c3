/* SPDX-License-Identifier: Apache-2.0 */
/* i18n.c: the library's own words in a program that may never have heard of locales.
 *
 * gettext goes by the thread's locale. A program that never called setlocale() is in "C", where nothing is
 * translated: for the moment of one look-up the thread then has the locale that the environment names, and after
 * it again its own. The program's locale, which all threads share, is never touched, nor any text domain but ours.
 * Strings of a catalogue live as long as the process.
 */
#include "client-sdk/i18n.h"

#include "base/base.h"

#include <langinfo.h>
#include <locale.h>

#define LIBC_CATALOGUES "/usr/share/locale" /* where every domain is looked for that nobody bound */

/* All text is UTF-8, whatever the locale's own is. A program may have bound the domain elsewhere before. */
static void bind_domain(void)
{
        const char *bound = bindtextdomain("mohr", NULL);
        if (bound && strcmp(bound, LIBC_CATALOGUES) == 0 && strcmp(bound, MOHR_LOCALEDIR) != 0)
                bindtextdomain("mohr", MOHR_LOCALEDIR);
        bind_textdomain_codeset("mohr", "UTF-8");
}

/* The environment's; where the machine has no such locale, one in which LANGUAGE may still count. */
static locale_t environment_locale(void)
{
        locale_t named = newlocale(LC_MESSAGES_MASK, "", (locale_t)0);
        return named ? named : newlocale(LC_MESSAGES_MASK, "C.UTF-8", (locale_t)0);
}

/* Where locales have no names (Android) there is one only, and LANGUAGE counts in it. */
static bool is_deaf(void)
{
#ifdef NL_LOCALE_NAME
        return strcmp(nl_langinfo(NL_LOCALE_NAME(LC_MESSAGES)), "C") == 0;
#else
        return false;
#endif
}

const char *i18n_text(const char *english)
{
        bind_domain();
        if (!is_deaf())
                return dgettext("mohr", english);
        locale_t here = environment_locale();
        if (!here)
                return english;
        locale_t before = uselocale(here);
        const char *text = dgettext("mohr", english);
        uselocale(before);
        freelocale(here);
        return text;
}
