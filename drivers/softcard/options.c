/* SPDX-License-Identifier: Apache-2.0 */
/* options.c: the switch table in its two forms, and the parser that knows no switch by name.
 *
 * What a value may be stands in the table's `values` text and nowhere else, so that what --list
 * prints is what is accepted. A value that is not listed is refused, never guessed.
 */
#include "drivers/softcard/options.h"

#include <stdio.h>

const struct softcard_switch softcard_switches[] = {
#define X(id, name, values, fallback, evidence, help) { name, values, fallback, evidence, help },
        SWITCH_LIST(X)
#undef X
                { NULL, NULL, NULL, NULL, NULL },
};

static size_t span(const char *text, const char *accepted)
{
        return strspn(text, accepted);
}

static bool number_fits(const char *text, unsigned int low, unsigned int high)
{
        size_t len = strlen(text);
        if (len == 0 || len > 6 || span(text, "0123456789") != len)
                return false;
        unsigned long value = strtoul(text, NULL, 10);
        return value >= low && value <= high;
}

static bool digits_fit(const char *text, const char *accepted, size_t low, size_t high)
{
        size_t len = strlen(text);
        return len >= low && len <= high && span(text, accepted) == len;
}

/* One alternative of a grammar, NUL-terminated. */
static bool alternative_fits(const char *rule, const char *text)
{
        unsigned int low, high;
        if (strcmp(rule, "path") == 0)
                return true;
        if (sscanf(rule, "digits*%u-%u", &low, &high) == 2)
                return digits_fit(text, "0123456789", low, high);
        if (sscanf(rule, "digits*%u", &low) == 1)
                return digits_fit(text, "0123456789", low, low);
        if (sscanf(rule, "hex*%u", &low) == 1)
                return digits_fit(text, "0123456789abcdefABCDEF", low, low);
        if (sscanf(rule, "%u..%u", &low, &high) == 2)
                return number_fits(text, low, high);
        return strcmp(rule, text) == 0;
}

static bool value_fits(const char *rules, const char *text)
{
        while (*rules) {
                char rule[64];
                size_t len = strcspn(rules, "|");
                if (len < sizeof rule) {
                        memcpy(rule, rules, len);
                        rule[len] = '\0';
                        if (alternative_fits(rule, text))
                                return true;
                }
                rules += len + (rules[len] == '|');
        }
        return false;
}

static void setting_store(struct setting *setting, const char *value)
{
        size_t len = strlen(value);
        memcpy(setting->text, value, len + 1);
        bool decimal = len > 0 && len <= 6 && span(value, "0123456789") == len;
        setting->number = decimal ? (unsigned int)strtoul(value, NULL, 10) : 0;
}

int setting_put(struct setting *settings, const char *name, size_t name_len, const char *value)
{
        for (size_t i = 0; i < SWITCH_COUNT; i++) {
                const struct softcard_switch *row = &softcard_switches[i];
                if (strlen(row->name) != name_len || memcmp(row->name, name, name_len) != 0)
                        continue;
                if (strlen(value) >= SWITCH_TEXT_MAX || !value_fits(row->values, value))
                        return -EINVAL;
                setting_store(&settings[i], value);
                return 0;
        }
        return -EINVAL;
}

int setting_parse(struct setting *settings, const char *option)
{
        size_t name_len = strcspn(option, "=");
        if (option[name_len] != '=')
                return -EINVAL;
        return setting_put(settings, option, name_len, option + name_len + 1);
}

int settings_default(struct setting *settings)
{
        for (size_t i = 0; i < SWITCH_COUNT; i++) {
                const struct softcard_switch *row = &softcard_switches[i];
                int r = setting_put(settings, row->name, strlen(row->name), row->fallback);
                if (r < 0)
                        return r;
        }
        return 0;
}
