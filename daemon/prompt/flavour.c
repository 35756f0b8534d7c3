/* SPDX-License-Identifier: Apache-2.0 */
/* flavour.c: see flavour.h. Each row was seen: pinentry 1.2.1 of Debian 12 (tests/system/prompt.py, prompt_gui.py),
 * pinentry-gnome3 by hand, since it needs parts of a desktop.
 *
 * Of terminals only those are listed of which it is certain. Whether the many that call themselves xterm can shape
 * Persian is not told by their name.
 */
#include "daemon/prompt/flavour.h"

static const struct flavour flavours[] = {
        { .name = "tty", .terminal = true },
        { .name = "curses", .terminal = true, .enter_agrees = true },
        { .name = "gnome3", .two_buttons = true, .enter_agrees = true },
        { .name = "qt", .breaks_no_rows = true },
        { .name = "" },
};

const struct flavour *flavour_of(const char *name)
{
        const char *colon = strrchr(name, ':');
        const char *last = colon ? colon + 1 : name;
        size_t i = 0;
        while (i < ARRAY_LEN(flavours) - 1 && strcmp(flavours[i].name, last) != 0)
                i++;
        return &flavours[i];
}

bool flavour_terminal_shapes(const char *term)
{
        static const char *const plain[] = { "linux", "vt52", "vt100", "vt102", "vt220", "vt320",
                "ansi", "cons25", "dumb", "sun" };
        size_t len = strcspn(term, "-"); /* "linux-16color" is one, too */
        for (size_t i = 0; i < ARRAY_LEN(plain); i++)
                if (strlen(plain[i]) == len && memcmp(plain[i], term, len) == 0)
                        return false;
        return true;
}
