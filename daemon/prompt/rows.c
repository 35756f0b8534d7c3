/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c: see rows.h. A letter counts as one column, whatever it is; a row that goes on begins without our bullet, as
 * everywhere, so that no outside word can stand where one of ours would.
 */
#include "daemon/prompt/rows.h"

#include <stdio.h>

#define MAY_BREAK "\u200b"
#define SEPARATOR "\u2028" /* a line feed would begin a paragraph, with a direction of its own */

static size_t place_len(const char *at)
{
        return *at == ' '                                       ? 1
               : strncmp(at, MAY_BREAK, strlen(MAY_BREAK)) == 0 ? strlen(MAY_BREAK)
                                                                : 0;
}

static bool begins_letter(char c)
{
        return ((unsigned char)c & 0xc0) != 0x80;
}

/* The last place of a row that has no more letters before it; NULL if it is not too long or has none. */
static char *last_place(char *row, size_t columns)
{
        char *place = NULL;
        size_t column = 0;
        for (char *at = row; *at && *at != '\n'; at++) {
                if (column > columns && place)
                        return place;
                if (place_len(at) > 0 && at > row + strlen("\u2022"))
                        place = at; /* never right behind the bullet */
                column += begins_letter(*at);
        }
        return column > columns ? place : NULL;
}

/* One line separator in the place of what stands there; false without room for it. */
static bool separate(char dst[static PARTS_LINE_MAX], char *place)
{
        const char *rest = place + place_len(place);
        size_t kept = strlen(rest) + 1;
        char *end = place + strlen(SEPARATOR);
        if (end + kept > dst + PARTS_LINE_MAX)
                return false;
        memmove(end, rest, kept);
        memcpy(place, SEPARATOR, strlen(SEPARATOR));
        return true;
}

void rows_break(char dst[static PARTS_LINE_MAX], const char *text, size_t columns)
{
        snprintf(dst, PARTS_LINE_MAX, "%s", text);
        for (char *row = dst; *row;) {
                char *place = last_place(row, columns);
                if (place && separate(dst, place)) {
                        row = place + strlen(SEPARATOR);
                } else {
                        row += strcspn(row, "\n");
                        row += *row == '\n';
                }
        }
}
