/* SPDX-License-Identifier: Apache-2.0 */
/* redact.c: see redact.h. Lines of mohrd's log, states of units, names of readers.
 *
 * A line of ours is a message in small letters, and pairs of a word and a quoted value (base/log.h). A message is kept if it
 * has that form; of the pairs those of the table, if their value is a word or a small number of our code's. The beginning of a
 * request's number goes along, since prompts show it.
 */
#include "client-sdk/redact.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

#define REQUEST_DIGITS 32
#define REQUEST_SHOWN  6
#define MESSAGE_MAX    80
#define VALUE_MAX      32
#define NUMBER_MAX     3 /* digits */

void redact_add(struct redacted *to, const char *format, ...)
{
        size_t room = to->cap - to->len;
        va_list args;
        va_start(args, format);
        int len = vsnprintf(to->text + to->len, room, format, args);
        va_end(args);
        if (len > 0 && (size_t)len < room)
                to->len += (size_t)len;
        else
                to->text[to->len] = '\0';
}

/* ---- the log ------------------------------------------------------------------------------- */

static bool is_small_letters(const char *text, size_t len)
{
        for (size_t i = 0; i < len; i++)
                if (!strchr("abcdefghijklmnopqrstuvwxyz ,'-", text[i]))
                        return false;
        return len > 0 && len <= MESSAGE_MAX;
}

/* A word of our tables or of systemd's, or up to three digits. */
static bool is_value(const char *value, size_t len)
{
        size_t digits = strspn(value, "0123456789");
        size_t letters = strspn(value, "abcdefghijklmnopqrstuvwxyz_.-");
        return len > 0 &&
               ((digits == len && len <= NUMBER_MAX) || (letters == len && len <= VALUE_MAX));
}

static bool is_known(const char *key, size_t len)
{
        static const char *const keys[] = { "status", "step", "driver", "state", "phase", "level",
                "error", "cards", "seq", "outcome", "signal", "backend" };
        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
                if (strlen(keys[i]) == len && memcmp(keys[i], key, len) == 0)
                        return true;
        return false;
}

/* Behind the closing quotation mark, or the end. */
static const char *end_of_value(const char *at)
{
        while (*at && *at != '"')
                at += *at == '\\' && at[1] ? 2 : 1;
        return at;
}

static void add_pairs(struct redacted *to, const char *at)
{
        while (*at) {
                size_t key = strcspn(at, "= ");
                if (at[key] != '=' || at[key + 1] != '"')
                        return;
                const char *value = at + key + 2, *end = end_of_value(value);
                size_t len = (size_t)(end - value);
                bool fits = is_value(value, len);
                if (is_known(at, key))
                        redact_add(to, " %.*s=%.*s", (int)key, at,
                                fits ? (int)len : (int)strlen(REDACTED), fits ? value : REDACTED);
                at = *end ? end + 1 : end;
                at += *at == ' ';
        }
}

/* The message ends where the first pair begins. */
static size_t message_len(const char *text)
{
        const char *pair = strstr(text, "=\"");
        if (!pair)
                return strlen(text);
        while (pair > text && *pair != ' ')
                pair--;
        return (size_t)(pair - text);
}

bool redact_log_line(struct redacted *to, const char *line, int64_t when)
{
        char time[24], request[REQUEST_SHOWN + 1] = "";
        static const char name[] = "mohrd";
        if (strncmp(line, name, sizeof name - 1) != 0)
                return false;
        line += sizeof name - 1;
        if (*line == '[') {
                size_t len = strspn(line + 1, "0123456789abcdef");
                if (len != REQUEST_DIGITS || line[len + 1] != ']')
                        return false;
                memcpy(request, line + 1, REQUEST_SHOWN);
                line += len + 2;
        }
        if (line[0] != ':' || line[1] != ' ' || !is_small_letters(line + 2, message_len(line + 2)))
                return false;
        size_t len = message_len(line + 2);
        text_iso8601(time, when);
        redact_add(to, "%s %s %.*s", time, request[0] ? request : "-", (int)len, line + 2);
        add_pairs(to, line + 2 + len + (line[2 + len] == ' '));
        redact_add(to, "\n");
        return true;
}

/* ---- states and names ---------------------------------------------------------------------- */

bool redact_is_state(const char *line)
{
        size_t name = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
        const char *value = line + name + 1;
        return line[name] == '=' && (!*value || is_value(value, strlen(value)));
}

void redact_digits(char *name)
{
        for (char *at = name; *at;) {
                size_t digits = strspn(at, "0123456789");
                if (digits > NUMBER_MAX)
                        memset(at, '#', digits);
                at += digits > 0 ? digits : 1;
        }
}
