/* SPDX-License-Identifier: Apache-2.0 */
/* parts.c: see parts.h. A page is rendered with ever less room for the app's strings until the escaped result
 * fits. The fixed words of both languages leave that room by a test (test_prompt_words.c: longest names, all
 * warnings at once).
 */
#include "daemon/prompt/parts.h"

#include "base/text.h"

#include <stdio.h>

#define DESC_MAX (PARTS_LINE_MAX - (sizeof "SETDESC " - 1)) /* escaped bytes */
#define COLUMNS  72 /* of a terminal of 80, less a frame and what a line loses where it is broken */
#define ROWS_MAX                                                                                   \
        16 /* of one of 24, less a frame, a field for the PIN, an error's line and buttons */
#define LEVEL_LEAST 24 /* bytes of an app's string for which spare parts are given up */
#define PILE_MAX    3  /* marks on one letter: Arabic needs two, with a joiner three */
#define FSI         "\u2068"
#define PDI         "\u2069"
#define ELLIPSIS    "\u2026"
#define MAY_BREAK   "\u200b" /* none comes from outside: text_sanitize() drops it */
#define RUN_MAX     40       /* letters in a row without a place where a line may be broken */
#define MARK                                                                                       \
        "\u2022 " /* begins each line of ours; outside strings have none, wherever they are broken */

/* ---- outside strings ---------------------------------------------------------------------- */

static size_t char_len(const char *at)
{
        unsigned char lead = (unsigned char)*at;
        return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Blanks that Unicode has besides U+0020: as wide as one likes, so good for faking a new line. */
static bool is_blank(const char *at, size_t len)
{
        static const char *const blanks[] = { " ", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002",
                "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
                "\u202f", "\u205f", "\u2800", "\u3000" };
        for (size_t i = 0; i < ARRAY_LEN(blanks); i++)
                if (strlen(blanks[i]) == len && memcmp(at, blanks[i], len) == 0)
                        return true;
        return false;
}

/* `ends` are the first and the last of each range. */
static bool is_within(const char *const *ends, size_t count, const char *at, size_t len)
{
        for (size_t i = 0; i + 1 < count; i += 2)
                if (strlen(ends[i]) == len && memcmp(at, ends[i], len) >= 0 &&
                        memcmp(at, ends[i + 1], len) <= 0)
                        return true;
        return false;
}

/* Marks that are drawn over or under the letter before them, and joiners: a few shape a letter, a pile
 * of them hides the lines above and below. */
static bool extends(const char *at, size_t len)
{
        static const char *const ends[] = { "\u0300", "\u036f", "\u0483", "\u0489", "\u0591",
                "\u05c7", "\u0610", "\u061a", "\u064b", "\u065f", "\u0670", "\u0670", "\u06d6",
                "\u06ed", "\u0711", "\u0711", "\u0730", "\u074a", "\u07a6", "\u07b0", "\u07eb",
                "\u07f3", "\u07fd", "\u07fd", "\u0816", "\u082d", "\u0859", "\u085b", "\u0898",
                "\u089f", "\u08ca", "\u08ff", "\u0951", "\u0957", "\u0e31", "\u0e4e", "\u0eb1",
                "\u0ebc", "\u0ec8", "\u0ece", "\u0f18", "\u0f19", "\u0f35", "\u0f39", "\u0f71",
                "\u0f87", "\u0f8d", "\u0fbc", "\u135d", "\u135f", "\u1a55", "\u1a7f", "\u1ab0",
                "\u1aff", "\u1b6b", "\u1b73", "\u1cd0", "\u1cf9", "\u1dc0", "\u1dff", "\u200c",
                "\u200d", "\u20d0", "\u20ff", "\u2cef", "\u2cf1", "\u2de0", "\u2dff", "\u302a",
                "\u302f", "\u3099", "\u309a", "\ua66f", "\ua67d", "\ua69e", "\ua69f", "\ua6f0",
                "\ua6f1", "\ua8e0", "\ua8f1", "\ua92a", "\ua92d", "\ufb1e", "\ufb1e", "\ufe0e",
                "\ufe0f", "\ufe20", "\ufe2f", "\U00010a01", "\U00010a0f", "\U00016af0",
                "\U00016af4", "\U0001d165", "\U0001d1ad", "\U0001da00", "\U0001daaf", "\U0001e000",
                "\U0001e02a", "\U0001e8d0", "\U0001e8d6", "\U0001e944", "\U0001e94a" };
        return is_within(ends, ARRAY_LEN(ends), at, len);
}

/* What could be taken for the mark that begins a line of ours, and what draws a frame around words. What characters for private
 * use look like is for a font to say; those of terminals have dots and frames there. */
static bool is_mark(const char *at, size_t len)
{
        static const char *const dots[] = { "\u00b7", "\u0387", "\u16eb", "\u1427", "\u2022",
                "\u2023", "\u2024", "\u2027", "\u2043", "\u204c", "\u204d", "\u2218", "\u2219",
                "\u2299", "\u22c5", "\u2e30", "\u2e31", "\u2e33", "\u30fb", "\u318d", "\ua78f",
                "\ufe45", "\ufe46", "\uff65", "\U00010101", "\U0001d16d" };
        static const char *const ends[] = { "\u2300", "\u23ff", "\u2500", "\u27bf", "\u2900",
                "\u2bff", "\U0001f311", "\U0001f318", "\U0001f518", "\U0001f518", "\U0001f532",
                "\U0001f53d", "\U0001f780", "\U0001f7ff", "\ue000", "\uf8ff", "\U000f0000",
                "\U0010fffd" };
        for (size_t i = 0; i < ARRAY_LEN(dots); i++)
                if (strlen(dots[i]) == len && memcmp(dots[i], at, len) == 0)
                        return true;
        return is_within(ends, ARRAY_LEN(ends), at, len);
}

static bool is_digit(const char *at)
{
        unsigned char lead = (unsigned char)at[0], next = (unsigned char)(*at ? at[1] : 0);
        return (*at >= '0' && *at <= '9') || (lead == 0xd9 && next >= 0xa0 && next <= 0xa9) ||
               (lead == 0xdb && next >= 0xb0 && next <= 0xb9);
}

/* Arabic and Persian zeros are dots, and one that stands alone looks like our mark. In a number it is none. */
static bool is_lone_zero(const char *at, bool in_number)
{
        bool zero = strncmp(at, "\u0660", 2) == 0 || strncmp(at, "\u06f0", 2) == 0;
        return zero && !in_number && !is_digit(at + 2);
}

static const char *shown_as(const char *at, size_t len, bool in_number)
{
        if (is_blank(at, len))
                return " ";
        if (is_mark(at, len))
                return "-";
        if (is_lone_zero(at, in_number))
                return "0";
        return *at == '<' ? "\u2039" : NULL;
}

void parts_clean(char *dst, size_t cap, const char *src, size_t max_chars)
{
        char clean[2 * PARTS_VALUE_MAX];
        text_sanitize(clean, base_min(cap, sizeof clean), src, max_chars);
        size_t used = 0, pile = PILE_MAX; /* nothing to mark yet */
        bool in_number = false;
        for (const char *at = clean; *at;) {
                size_t len = char_len(at);
                const char *shown = shown_as(at, len, in_number);
                size_t shown_len = shown ? strlen(shown) : len;
                bool folded = shown && *shown == ' ' && (used == 0 || dst[used - 1] == ' ');
                pile = extends(at, len) ? pile + 1 : 0;
                if (!folded && pile <= PILE_MAX) {
                        if (shown_len > cap - 1 - used)
                                break;
                        memcpy(dst + used, shown ? shown : at, shown_len);
                        used += shown_len;
                }
                in_number = is_digit(at);
                at += len;
        }
        while (used > 0 && dst[used - 1] == ' ')
                used--;
        dst[used] = '\0';
}

/* ---- measuring and cutting ---------------------------------------------------------------- */

static bool escaped_char(char c)
{
        return c == '%' || c == '\n' || c == '\r';
}

static size_t escaped_len(const char *text)
{
        size_t len = 0;
        for (; *text; text++)
                len += escaped_char(*text) ? 3 : 1;
        return len;
}

static size_t char_cost(const char *at)
{
        return escaped_char(*at) ? 3 : char_len(at);
}

/* The longest run of whole characters from the start that costs at most `room`. */
const char *parts_fitting(const char *text, size_t room)
{
        while (*text) {
                size_t cost = char_cost(text);
                if (cost > room)
                        break;
                room -= cost;
                text += char_len(text);
        }
        return text;
}

static const char *fitting_start(const char *text, size_t room)
{
        size_t left = escaped_len(text);
        while (left > room) {
                left -= char_cost(text);
                text += char_len(text);
        }
        return text;
}

/* How far an address goes up to the end of its host; 0: it has none. */
static size_t host_end(const char *address)
{
        const char *host = strstr(address, "://");
        return host ? (size_t)(host + 3 - address) + strcspn(host + 3, "/?#") : 0;
}

/* Whose a host is stands at its end, and so does the host itself behind what is no more than a user's name. */
static void cut_address(const char *address, size_t room, char dst[static PARTS_VALUE_MAX + 4])
{
        char host[PARTS_VALUE_MAX];
        size_t len = host_end(address);
        const char *rest = address[len] ? ELLIPSIS : "";
        snprintf(host, sizeof host, "%.*s", (int)len, address);
        if (escaped_len(host) <= room)
                snprintf(dst, PARTS_VALUE_MAX + 4, "%.*s" ELLIPSIS,
                        (int)(parts_fitting(address, room) - address), address);
        else
                snprintf(dst, PARTS_VALUE_MAX + 4, ELLIPSIS "%s%s",
                        fitting_start(host, room > strlen(rest) ? room - strlen(rest) : 0), rest);
}

static void cut_value(const struct part *part, size_t level, char dst[static PARTS_VALUE_MAX + 4])
{
        size_t room = level > strlen(ELLIPSIS) ? level - strlen(ELLIPSIS) : 0;
        if (part->cut == CUT_NEVER || part->cut == CUT_BREAK || escaped_len(part->value) <= level)
                snprintf(dst, PARTS_VALUE_MAX + 4, "%s", part->value);
        else if (part->cut == CUT_END)
                snprintf(dst, PARTS_VALUE_MAX + 4, "%.*s" ELLIPSIS,
                        (int)(parts_fitting(part->value, room) - part->value), part->value);
        else if (part->cut == CUT_HOST)
                cut_address(part->value, room, dst);
        else
                snprintf(dst, PARTS_VALUE_MAX + 4, ELLIPSIS "%s", fitting_start(part->value, room));
}

/* A window is as wide as the longest word in it: one of hundreds of letters would leave no button on the screen. */
static void loosen(char dst[static PARTS_VALUE_MAX * 2], const char *value)
{
        size_t used = 0, run = 0;
        for (size_t len; *value; value += len) {
                len = char_len(value);
                memcpy(dst + used, value, len);
                used += len;
                run = *value == ' ' || *value == '/' ? 0 : run + 1;
                if (run == RUN_MAX) {
                        memcpy(dst + used, MAY_BREAK, strlen(MAY_BREAK));
                        used += strlen(MAY_BREAK);
                        run = 0;
                }
        }
        dst[used] = '\0';
}

/* ---- a page -------------------------------------------------------------------------------- */

void parts_add(struct parts *parts, const char *format)
{
        parts->part[parts->count++] = (struct part){ .format = format };
}

struct part *parts_value(struct parts *parts, const char *format, enum cut cut)
{
        struct part *part = &parts->part[parts->count++];
        *part = (struct part){ .format = format, .cut = cut, .has_value = true };
        return part;
}

void parts_outside(struct parts *parts, const char *format, enum cut cut, const char *value)
{
        struct part *part = parts_value(parts, format, cut);
        parts_clean(part->value, sizeof part->value, value, SIZE_MAX);
}

static size_t append(char *dst, size_t cap, size_t used, const struct part *part, size_t level)
{
        char value[PARTS_VALUE_MAX + 4], loose[PARTS_VALUE_MAX * 2],
                isolated[PARTS_VALUE_MAX * 2 + 8];
        int len;
        if (part->has_value) {
                cut_value(part, level, value);
                loosen(loose, value);
                snprintf(isolated, sizeof isolated, FSI "%s" PDI,
                        part->cut == CUT_NEVER ? value : loose);
                len = snprintf(dst + used, cap - used, part->format, isolated);
        } else {
                len = snprintf(dst + used, cap - used, "%s", part->format);
        }
        return len < 0 ? used : base_min(used + (size_t)len, cap - 1);
}

/* How many rows a small terminal needs: a letter counts as one column, whatever it is. */
static size_t rows_of(const char *text)
{
        size_t rows = 1, column = 0;
        for (; *text; text += char_len(text)) {
                bool ends = *text == '\n';
                rows += ends || column == COLUMNS;
                column = ends ? 0 : column == COLUMNS ? 1 : column + 1;
        }
        return rows;
}

struct room {
        size_t level; /* for each of the app's strings */
        size_t rows;
        bool spares;
};

static bool render(
        const struct parts *parts, const struct room *room, char desc[static PARTS_LINE_MAX])
{
        char text[8 * PARTS_VALUE_MAX];
        size_t used = 0;
        text[0] = '\0';
        for (size_t i = 0; i < parts->count; i++) {
                if (parts->part[i].spare && !room->spares)
                        continue;
                int len =
                        snprintf(text + used, sizeof text - used, "%s" MARK, used > 0 ? "\n" : "");
                used = len < 0 ? used : base_min(used + (size_t)len, sizeof text - 1);
                used = append(text, sizeof text, used, &parts->part[i], room->level);
        }
        bool fits = escaped_len(text) <= DESC_MAX && rows_of(text) <= room->rows;
        if (fits)
                memcpy(desc, text, used + 1);
        return fits;
}

/* What is given up, one after the other, so that a little of the app's strings stays: parts that can be spared, then the
 * rows of a small terminal. */
static struct room least_room(const struct parts *parts, char desc[static PARTS_LINE_MAX])
{
        static const struct room rooms[] = {
                { LEVEL_LEAST, ROWS_MAX, true },
                { LEVEL_LEAST, ROWS_MAX, false },
                { LEVEL_LEAST, SIZE_MAX, false },
                { 0, SIZE_MAX, false },
        };
        size_t i = 0;
        while (i < ARRAY_LEN(rooms) - 1 && !render(parts, &rooms[i], desc))
                i++;
        struct room room = rooms[i];
        room.level = 0;
        return room;
}

bool parts_whole(const struct parts *parts, char desc[static PARTS_LINE_MAX])
{
        return render(parts, &(struct room){ DESC_MAX, ROWS_MAX, true }, desc);
}

/* The most room for the app's strings with which the page fits, by halving. */
bool parts_render(const struct parts *parts, char desc[static PARTS_LINE_MAX])
{
        size_t too_much = DESC_MAX + 1;
        desc[0] = '\0';
        if (parts_whole(parts, desc))
                return true;
        struct room room = least_room(parts, desc);
        (void)render(parts, &room, desc);
        for (size_t fits = 0; too_much - fits > 1;) {
                room.level = fits + (too_much - fits) / 2;
                if (render(parts, &room, desc))
                        fits = room.level;
                else
                        too_much = room.level;
        }
        return false;
}

int parts_line(char dst[static PARTS_LINE_MAX + 1], const char *command, const char *text)
{
        size_t used = strlen(command) + 1;
        if (used + escaped_len(text) > PARTS_LINE_MAX)
                return -EMSGSIZE;
        memcpy(dst, command, used - 1);
        dst[used - 1] = ' ';
        for (; *text; text++) {
                if (escaped_char(*text))
                        used += (size_t)snprintf(dst + used, 4, "%%%02X", (unsigned char)*text);
                else
                        dst[used++] = *text;
        }
        dst[used] = '\0';
        return 0;
}

static bool isolates(const char *at)
{
        static const char *const ours[] = { "\u2066", FSI, PDI };
        for (size_t i = 0; i < ARRAY_LEN(ours); i++)
                if (strncmp(at, ours[i], strlen(ours[i])) == 0)
                        return true;
        return false;
}

void parts_drop_isolates(char *line)
{
        char *kept = line;
        while (*line)
                if (isolates(line))
                        line += strlen(PDI);
                else
                        *kept++ = *line++;
        *kept = 0;
}
