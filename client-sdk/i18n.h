/* SPDX-License-Identifier: Apache-2.0 */
/* i18n.h: marking and looking up translated text; the domain is "mohr". Looking up never fails: the
 * English text is the answer when there is no other.
 */
#ifndef MOHR_I18N_H
#define MOHR_I18N_H

#include <libintl.h>

#define _(text)  dgettext("mohr", text)
#define N_(text) text

/* Of a text that N_() marked: for the words of mohr.h, which may be asked for by any program. */
const char *i18n_text(const char *english);

#endif
