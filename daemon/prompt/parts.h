/* SPDX-License-Identifier: Apache-2.0 */
/* parts.h: a page of the prompt, composed so that it fits one Assuan line and, if it can, a terminal of 24 rows.
 *
 * What an app, a card, a reader or a certificate says is sanitised here (base/text.h), its white space folded
 * to single blanks so that it can neither start a line nor be pushed to one, '<' taken from it so that
 * no toolkit sees markup, and wrapped in FSI..PDI so that it cannot turn the direction of our words. Where a toolkit breaks
 * a long one it may begin a row with words like ours; but each line of ours begins with a bullet, and it can have none.
 * When a page is too long, the parts that may be cut are, longest first, never the others. The path of a program
 * loses its beginning, everything else its end: what identifies it stays.
 */
#ifndef MOHR_PROMPT_PARTS_H
#define MOHR_PROMPT_PARTS_H

#include "base/base.h"

#define PARTS_LINE_MAX  1000 /* bytes of an Assuan line without its line feed */
#define PARTS_VALUE_MAX 1024
#define PARTS_MAX       48

enum cut {
        CUT_NEVER,
        CUT_END,
        CUT_START,
        CUT_HOST, /* an address: as CUT_END, but the end of its host stays */
        CUT_BREAK /* never, but a long word may be broken */
};

struct part {
        const char *format; /* translated; one %s if there is a value */
        char label[64];     /* for a format that was made for this part */
        enum cut cut;
        bool has_value, spare; /* spare: left out where else nothing would fit */
        char value[PARTS_VALUE_MAX];
};

struct parts { /* one a line; zero-initialise */
        size_t count;
        struct part part[PARTS_MAX];
};

void parts_add(struct parts *parts, const char *format);
/* The value is still empty, and must be one that was cleaned. */
struct part *parts_value(struct parts *parts, const char *format, enum cut cut);
void parts_outside(struct parts *parts, const char *format, enum cut cut, const char *value);

/* Lines separated by '\n', not yet escaped; "" if they do not fit. True if nothing had to be cut or left out. */
bool parts_render(const struct parts *parts, char desc[static PARTS_LINE_MAX]);
/* The same, where nothing may be cut: false, and desc as it was, if something would have to be. */
_must_check_ bool parts_whole(const struct parts *parts, char desc[static PARTS_LINE_MAX]);

/* "COMMAND text" with Assuan's percent escapes. -EMSGSIZE if it would not fit one line. */
_must_check_ int parts_line(
        char dst[static PARTS_LINE_MAX + 1], const char *command, const char *text);
/* For where nothing has a direction and the two characters would be seen. None of an outside string is left by then. */
void parts_drop_isolates(char *line);
/* One outside string as it is shown, without isolates. */
void parts_clean(char *dst, size_t cap, const char *src, size_t max_chars);
/* The end of the longest run of whole characters from the start that costs at most `room` escaped bytes. */
const char *parts_fitting(const char *text, size_t room);

#endif
