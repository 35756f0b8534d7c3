/* SPDX-License-Identifier: Apache-2.0 */
/* language.h: lets gettext translate on a machine that has no locale of the language.
 *
 * Most machines have C.UTF-8 and perhaps one other locale. From glibc 2.39 on gettext translates nothing
 * while LC_MESSAGES is "C" or "C.UTF-8", whatever LANGUAGE says. It looks at the name alone: so a locale
 * with another name, of this category only and with nothing in it, is all that it takes. We bring one.
 */
#ifndef MOHR_LANGUAGE_H
#define MOHR_LANGUAGE_H

#include "base/base.h"

/* Whether gettext would translate nothing under this name of LC_MESSAGES. */
bool language_is_deaf(const char *messages);
/* Makes LC_MESSAGES the locale that we bring: in `catalogues`/names of a build tree, else where it is
 * installed. LANGUAGE decides from then on. False, and nothing is changed, if it is at neither place, if
 * LANGUAGE is not set, or if LOCPATH is: whoever sets that has locales of their own. Early in main(), while
 * there is one thread. */
bool language_unlock(const char *catalogues);

#endif
