/* SPDX-License-Identifier: Apache-2.0 */
/* flavour.h: what is special about the kinds of pinentry, as GETINFO names them, and about terminals. */
#ifndef MOHR_PROMPT_FLAVOUR_H
#define MOHR_PROMPT_FLAVOUR_H

#include "base/base.h"

struct flavour {
        const char *name;
        bool terminal;       /* asks on the terminal that it is told */
        bool two_buttons;    /* a third one is not shown */
        bool enter_agrees;   /* on a page of buttons the Enter key is the first one's */
        bool breaks_no_rows; /* where it asks for a PIN a window is as wide as the longest row */
};

/* "gtk2", or "gtk2:curses" for one that fell back. A name that no row has is a pinentry without peculiarities. */
const struct flavour *flavour_of(const char *name);
/* Terminals that show each letter by itself, from left to right: Persian is not legible there. */
bool flavour_terminal_shapes(const char *term);

#endif
