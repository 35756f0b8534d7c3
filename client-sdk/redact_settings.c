/* SPDX-License-Identifier: Apache-2.0 */
/* redact_settings.c: see redact.h. The settings of mohr.conf.
 *
 * A value is kept only if its setting is in the table and it has the form of what that setting takes: words of
 * ours, or a number of seconds or tries. So whatever stands where it should not (a PIN in a comment, a name
 * for a setting) is left out by its place, not by being recognised. Comments, names of rules and unknown lines never
 * go along; that there was a line does.
 */
#include "client-sdk/redact.h"

#include <ctype.h>

#define VALUE_LONGEST 48
#define DIGITS_MOST   6

/* keep: 'w' words, 'n' a number; '-': the value is somebody's own. */
static const struct setting {
        const char *section, *name;
        char keep;
} settings[] = {
        { "readers", "drivers", 'w' },
        { "pin", "pinentry", '-' },
        { "pin", "pad", 'w' },
        { "pin", "timeout_s", 'n' },
        { "trust", "anchors", '-' },
        { "trust", "staff_anchors", '-' },
        { "relying_parties", "anchors", '-' },
        { "card", "unproven", 'w' },
        { "card", "timeout_ms", 'n' },
        { "keys", "raw_hash", 'w' },
        { "person", "screen", '-' },
        { "history", "keep_days", 'n' },
        { "history", "values", 'w' },
        { "history", "register", 'w' },
        { "limits", "app_per_hour", 'n' },
        { "limits", "user_per_hour", 'n' },
        { "limits", "wrong_pins", 'n' },
        { "limits", "pause_s", 'n' },
        { "state", "dir", '-' },
        { "log", "level", 'w' },
        { "nfc", "device", '-' },
        { "phone", "discover", 'w' },
        { "phone", "folder", '-' },
        { "phone", "name", '-' },
        { "rule", "who", '-' },
        { "rule", "for", 'w' },
        { "rule", "audience", '-' },
        { "rule", "purpose", '-' },
        { "rule", "claims", 'w' },
        { "rule", "consent", 'w' },
        { "rule", "pinpad", 'w' },
        { "rule", "simulated", 'w' },
        { "rule", "assurance", 'w' },
        { "rule", "app_per_hour", 'n' },
        { "rule", "user_per_hour", 'n' },
        { "rule", "wrong_pins", 'n' },
        { "rule", "pause_s", 'n' },
};

/* Every word that a setting of ours takes. */
static bool is_word(const char *word, size_t len)
{
        static const char *const words[] = { "yes", "no", "ask", "grant", "refuse", "pcsc", "nfc",
                "usb", "phone", "soft", "error", "warning", "notice", "info", "debug", "person",
                "station", "piv-signature", "national", "all", "none", "assertions", "documents",
                "keys", "pins", "bronze", "silver", "gold", "platinum", "card_generation",
                "card_expiry", "reader" };
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0)
                        return true;
        return false;
}

static bool all_words(const char *value)
{
        static const char separators[] = " ,\t";
        while (*value) {
                size_t len = strcspn(value, separators);
                if (len > 0 && !is_word(value, len))
                        return false;
                value += len;
                value += strspn(value, separators);
        }
        return true;
}

static bool small_number(const char *value)
{
        size_t len = strspn(value, "0123456789");
        return len > 0 && len <= DIGITS_MOST && value[len] == '\0';
}

static const struct setting *find(const char *section, const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(settings); i++)
                if (strcmp(settings[i].section, section) == 0 &&
                        strcmp(settings[i].name, name) == 0)
                        return &settings[i];
        return NULL;
}

static const char *known_section(const char *name, size_t len)
{
        for (size_t i = 0; i < ARRAY_LEN(settings); i++)
                if (strlen(settings[i].section) == len &&
                        memcmp(settings[i].section, name, len) == 0)
                        return settings[i].section;
        return "";
}

static char *trim(char *text)
{
        text += strspn(text, " \t");
        for (size_t len = strlen(text); len > 0 && isspace((unsigned char)text[len - 1]); len--)
                text[len - 1] = '\0';
        return text;
}

static void add_setting(struct redacted *to, const char *section, char *line)
{
        char *equals = strchr(line, '=');
        if (!equals) {
                redact_add(to, "%s\n", REDACTED);
                return;
        }
        *equals = '\0';
        const char *name = trim(line), *value = trim(equals + 1);
        const struct setting *setting = find(section, name);
        bool fits = setting && strlen(value) <= VALUE_LONGEST &&
                    ((setting->keep == 'w' && all_words(value)) ||
                            (setting->keep == 'n' && small_number(value)));
        redact_add(to, "%s = %s\n", setting ? setting->name : REDACTED, fits ? value : REDACTED);
}

void redact_settings(struct redacted *to, char *text)
{
        const char *section = "";
        for (char *line; (line = strsep(&text, "\n"));) {
                line = trim(line);
                if (*line == '[') {
                        section = known_section(line + 1, strcspn(line + 1, " ]"));
                        redact_add(to, "[%s]\n", *section ? section : REDACTED);
                } else if (*line && *line != '#' && *line != ';') {
                        add_setting(to, section, line);
                }
        }
}
