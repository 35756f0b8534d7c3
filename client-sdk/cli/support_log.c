/* SPDX-License-Identifier: Apache-2.0 */
/* support_log.c: the last lines of mohrd's log, as the journal has them, for somebody who must not learn whom they are about.
 *
 * A line of ours is a message in small letters, and pairs of a word and a quoted value (base/log.h). A message is kept if it
 * has that form; of the pairs those of the table, if their value is a word or a small number of our code's. What is not
 * of this form was not written by mohrd's code, and is counted. The beginning of a request's number goes along, since prompts show it.
 */
#include "client-sdk/cli/support.h"

#include "base/text.h"
#include "client-sdk/assertion.h"

#define JOURNAL_MAX    (1024 * 1024)
#define LINES          "400"
#define REQUEST_DIGITS 32
#define REQUEST_SHOWN  6
#define MESSAGE_MAX    80
#define VALUE_MAX      32

static bool is_small_letters(const char *text, size_t len)
{
        for (size_t i = 0; i < len; i++)
                if (!strchr("abcdefghijklmnopqrstuvwxyz ,'-", text[i]))
                        return false;
        return len > 0 && len <= MESSAGE_MAX;
}

/* A word of our tables, or up to three digits. */
static bool is_value(const char *value, size_t len)
{
        size_t digits = 0;
        for (size_t i = 0; i < len; i++) {
                bool digit = value[i] >= '0' && value[i] <= '9';
                digits += digit;
                if (!digit && !strchr("abcdefghijklmnopqrstuvwxyz_-", value[i]))
                        return false;
        }
        return len > 0 && len <= VALUE_MAX && (digits == 0 || (digits == len && len <= 3));
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

static void add_pairs(struct support_text *to, const char *at)
{
        while (*at) {
                size_t key = strcspn(at, "= ");
                if (at[key] != '=' || at[key + 1] != '"')
                        return;
                const char *value = at + key + 2, *end = end_of_value(value);
                size_t len = (size_t)(end - value);
                if (is_known(at, key))
                        support_add(to, " %.*s=%.*s", (int)key, at,
                                is_value(value, len) ? (int)len : 3,
                                is_value(value, len) ? value : "...");
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

/* "mohrd[0123...]: message key="value"", or without the number. */
static bool add_line(struct support_text *to, const char *line, int64_t when)
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
        support_add(to, "%s %s %.*s", time, request[0] ? request : "-", (int)len, line + 2);
        add_pairs(to, line + 2 + len + (line[2 + len] == ' '));
        support_add(to, "\n");
        return true;
}

static bool add_entry(struct support_text *to, const char *line)
{
        _cleanup_json_ json_t *entry = json_loads(line, 0, NULL);
        const char *message = json_string_value(json_object_get(entry, "MESSAGE"));
        const char *when = json_string_value(json_object_get(entry, "__REALTIME_TIMESTAMP"));
        return message && when && add_line(to, message, strtoll(when, NULL, 10) / 1000000);
}

void support_log(struct support_text *to)
{
        static const char *const argv[] = { "journalctl", "--user", "--identifier=mohrd",
                "--lines=" LINES, "--output=json", "--output-fields=MESSAGE", "--no-pager",
                "--quiet", NULL };
        _cleanup_free_ char *text = malloc(JOURNAL_MAX);
        size_t left_out = 0;
        if (!text || !support_run(argv, text, JOURNAL_MAX)) {
                support_add(to, "The journal could not be read.\n");
                return;
        }
        char *rest = text;
        for (char *line; (line = strsep(&rest, "\n"));)
                if (*line)
                        left_out += !add_entry(to, line);
        support_add(to, "%zu lines of another form were left out.\n", left_out);
}
