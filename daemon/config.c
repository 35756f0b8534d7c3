/* SPDX-License-Identifier: Apache-2.0 */
/* config.c: see config.h. The grammar and the keys; where the texts come from is config_load.c's.
 *
 * A line is `[section]`, `key = value`, a comment (# or ;) or blank. A value is the rest of its line,
 * without quotes or escapes; it is never empty. A key is a row of the table below; the sections of
 * drivers ([soft], [nfc], [usb]) take any name: what they may hold is the driver's business.
 */
#include "daemon/config.h"
#include "daemon/config_internal.h"

#include "base/outcome.h"
#include "base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#define OPTION_MAX 1024

struct file { /* one text on its way through the parser */
        struct config *config;
        const char *name;
        unsigned int line;
        char section[32];
        uint32_t seen; /* rows of keys[] met in this text */
        char *error;
        size_t error_cap;
};

_printf_(2, 3) static int refuse(const struct file *file, const char *format, ...)
{
        va_list args;
        int head = snprintf(file->error, file->error_cap, "%s:%u: ", file->name, file->line);
        if (head > 0 && (size_t)head < file->error_cap) {
                va_start(args, format);
                vsnprintf(file->error + head, file->error_cap - (size_t)head, format, args);
                va_end(args);
        }
        return OUTCOME_USAGE;
}

/* Setters: 0, -ENOMEM, or OUTCOME_USAGE with what would be right in *ret_want. */
typedef int (*setter)(struct config *config, void *slot, const char *value, const char **ret_want);

static int set_string(struct config *config, void *slot, const char *value, const char **ret_want)
{
        char *copy = strdup(value), **string = slot;
        (void)config;
        (void)ret_want;
        if (!copy)
                return -ENOMEM;
        free(*string);
        *string = copy;
        return 0;
}

static int set_path(struct config *config, void *slot, const char *value, const char **ret_want)
{
        *ret_want = "an absolute path";
        return value[0] == '/' ? set_string(config, slot, value, ret_want) : OUTCOME_USAGE;
}

static int set_program(struct config *config, void *slot, const char *value, const char **ret_want)
{
        *ret_want = "a program's name or absolute path";
        return value[0] == '/' || !strchr(value, '/') ? set_string(config, slot, value, ret_want)
                                                      : OUTCOME_USAGE;
}

static int number(const char *value, unsigned int min, unsigned int max, unsigned int *slot)
{
        unsigned long n = 0;
        for (const char *c = value; *c; c++) {
                if (!isdigit((unsigned char)*c) || n > max)
                        return OUTCOME_USAGE;
                n = n * 10 + (unsigned long)(*c - '0');
        }
        if (n < min || n > max)
                return OUTCOME_USAGE;
        *slot = (unsigned int)n;
        return 0;
}

static int set_prompt_timeout(
        struct config *config, void *slot, const char *value, const char **ret_want)
{
        (void)config;
        *ret_want = "seconds, 5 to 3600";
        return number(value, 5, 3600, slot);
}

static int set_card_timeout(
        struct config *config, void *slot, const char *value, const char **ret_want)
{
        (void)config;
        *ret_want = "milliseconds, 100 to 60000";
        return number(value, 100, 60000, slot);
}

static int set_unproven(struct config *config, void *slot, const char *value, const char **ret_want)
{
        static const char *const words[] = {
                [UNPROVEN_ASK] = "ask", [UNPROVEN_YES] = "yes", [UNPROVEN_NO] = "no"
        };
        (void)slot;
        *ret_want = "ask, yes or no";
        for (unsigned int i = 0; i < ARRAY_LEN(words); i++)
                if (strcmp(words[i], value) == 0) {
                        config->unproven = (enum unproven)i;
                        return 0;
                }
        return OUTCOME_USAGE;
}

static int set_pad(struct config *config, void *slot, const char *value, const char **ret_want)
{
        (void)slot;
        *ret_want = "yes or no";
        config->pinpad = strcmp(value, "yes") == 0;
        return config->pinpad || strcmp(value, "no") == 0 ? 0 : OUTCOME_USAGE;
}

static int set_log_level(
        struct config *config, void *slot, const char *value, const char **ret_want)
{
        (void)slot;
        *ret_want = "error, warning, notice, info or debug";
        return log_level_parse(value, &config->log_level) < 0 ? OUTCOME_USAGE : 0;
}

static int list_add(char **list, size_t max, const char *item, size_t len)
{
        size_t count = 0;
        while (list[count])
                count++;
        if (count == max)
                return OUTCOME_USAGE;
        list[count] = strndup(item, len);
        return list[count] ? 0 : -ENOMEM;
}

/* The drivers of this version, each a helper program of its own. */
static bool driver_known(const char *name, size_t len)
{
        static const char *const drivers[] = { "pcsc", "nfc", "usb", "soft" };
        for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
                if (strlen(drivers[i]) == len && memcmp(drivers[i], name, len) == 0)
                        return true;
        return false;
}

int config_add_driver(struct config *config, const char *name, size_t len)
{
        for (char **d = config->drivers; *d; d++)
                if (strlen(*d) == len && memcmp(*d, name, len) == 0)
                        return OUTCOME_USAGE;
        if (!driver_known(name, len))
                return OUTCOME_USAGE;
        return list_add(config->drivers, CONFIG_DRIVERS_MAX, name, len);
}

void config_clear_list(char **list)
{
        for (; *list; list++) {
                free(*list);
                *list = NULL;
        }
}

static int set_drivers(struct config *config, void *slot, const char *value, const char **ret_want)
{
        (void)slot;
        *ret_want = CONFIG_WANT_DRIVERS;
        config_clear_list(config->drivers);
        int r = 0;
        for (size_t len; r == 0 && *value; value += len) {
                value += strspn(value, " \t");
                len = strcspn(value, " \t");
                r = config_add_driver(config, value, len);
        }
        return r;
}

static const struct key {
        const char *section, *name;
        setter set;
        size_t slot;
} keys[] = {
        { "readers", "drivers", set_drivers, offsetof(struct config, drivers) },
        { "pin", "pinentry", set_program, offsetof(struct config, pinentry) },
        { "pin", "pad", set_pad, offsetof(struct config, pinpad) },
        { "pin", "timeout_s", set_prompt_timeout, offsetof(struct config, prompt_timeout_s) },
        { "trust", "anchors", set_path, offsetof(struct config, anchors) },
        { "trust", "staff_anchors", set_path, offsetof(struct config, staff_anchors) },
        { "card", "unproven", set_unproven, offsetof(struct config, unproven) },
        { "card", "timeout_ms", set_card_timeout, offsetof(struct config, card_timeout_ms) },
        { "state", "dir", set_path, offsetof(struct config, state_dir) },
        { "log", "level", set_log_level, offsetof(struct config, log_level) },
};

/* Sections named after their driver, which take any name. */
static const struct driver_section {
        const char *name;
        size_t slot;
} driver_sections[] = {
        { "nfc", offsetof(struct config, nfc) },
        { "usb", offsetof(struct config, usb) },
        { "soft", offsetof(struct config, soft) },
};

char *const *config_options(const struct config *config, const char *driver)
{
        static char *const none[] = { NULL };
        for (size_t i = 0; i < ARRAY_LEN(driver_sections); i++)
                if (strcmp(driver_sections[i].name, driver) == 0)
                        return (char *const *)((const char *)config + driver_sections[i].slot);
        return none;
}

static char **section_options(struct file *file)
{
        for (size_t i = 0; i < ARRAY_LEN(driver_sections); i++)
                if (strcmp(driver_sections[i].name, file->section) == 0)
                        return (char **)((char *)file->config + driver_sections[i].slot);
        return NULL;
}

/* What a section holds, or with section NULL the sections themselves, for an error line. */
static void list_known(const char *section, char *dst, size_t cap)
{
        const char *last = "";
        size_t len = 0;
        dst[0] = 0;
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
                const char *name = section ? keys[i].name : keys[i].section;
                if ((section && strcmp(section, keys[i].section) != 0) || strcmp(name, last) == 0)
                        continue;
                int n = snprintf(dst + len, cap - len, "%s%s", len ? ", " : "", name);
                len = base_min(len + (size_t)n, cap - 1);
                last = name;
        }
        for (size_t i = 0; !section && i < ARRAY_LEN(driver_sections); i++) {
                int n = snprintf(dst + len, cap - len, ", %s", driver_sections[i].name);
                len = base_min(len + (size_t)n, cap - 1);
        }
}

static int take_section(struct file *file, char *line)
{
        char known[128];
        size_t len = strlen(line);
        if (line[len - 1] != ']')
                return refuse(file, "a section is written [name]");
        line[len - 1] = 0;
        bool found = false;
        for (size_t i = 0; i < ARRAY_LEN(driver_sections) && !found; i++)
                found = strcmp(driver_sections[i].name, line + 1) == 0;
        for (size_t i = 0; i < ARRAY_LEN(keys) && !found; i++)
                found = strcmp(keys[i].section, line + 1) == 0;
        list_known(NULL, known, sizeof known);
        if (!found)
                return refuse(file, "unknown section [%.40s]; known: %s", line + 1, known);
        snprintf(file->section, sizeof file->section, "%s", line + 1);
        return 0;
}

static int take_option(struct file *file, char **list, const char *name, const char *value)
{
        char option[OPTION_MAX];
        size_t name_len = strlen(name);
        int len = snprintf(option, sizeof option, "%s=%s", name, value);
        if (len < 0 || (size_t)len >= sizeof option)
                return refuse(file, "longer than %d bytes", OPTION_MAX - 1);
        for (char **set = list; *set; set++)
                if (strncmp(*set, option, name_len + 1) == 0) {
                        char *copy = strdup(option);
                        if (!copy)
                                return -ENOMEM;
                        free(*set);
                        *set = copy;
                        return 0;
                }
        int r = list_add(list, CONFIG_OPTIONS_MAX, option, (size_t)len);
        return r > 0 ? refuse(file, "more than %d options in [%s]", CONFIG_OPTIONS_MAX,
                               file->section)
                     : r;
}

static int take_key(struct file *file, size_t row, const char *value)
{
        const struct key *key = &keys[row];
        const char *want = "";
        if (file->seen & 1u << row)
                return refuse(file, "\"%s\" in [%s] is set twice", key->name, key->section);
        file->seen |= 1u << row;
        int r = key->set(file->config, (char *)file->config + key->slot, value, &want);
        return r > 0 ? refuse(file, "\"%s\" in [%s] wants %s, not \"%.40s\"", key->name,
                               key->section, want, value)
                     : r;
}

static int take_setting(struct file *file, const char *name, const char *value)
{
        char known[128];
        if (!file->section[0])
                return refuse(file, "a key before the first [section]");
        if (!*value)
                return refuse(file, "\"%.40s\" has no value", name);
        char **options = section_options(file);
        if (options)
                return take_option(file, options, name, value);
        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
                if (strcmp(keys[i].section, file->section) == 0 && strcmp(keys[i].name, name) == 0)
                        return take_key(file, i, value);
        list_known(file->section, known, sizeof known);
        return refuse(file, "unknown key \"%.40s\" in [%s]; known: %s", name, file->section, known);
}

static char *trim(char *text)
{
        text += strspn(text, " \t");
        size_t len = strlen(text);
        while (len > 0 && strchr(" \t\r", text[len - 1]))
                text[--len] = 0;
        return text;
}

static bool name_valid(const char *name)
{
        size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
        return len > 0 && !name[len];
}

static int take_line(struct file *file, char *line)
{
        line = trim(line);
        if (!*line || *line == '#' || *line == ';')
                return 0;
        if (*line == '[')
                return take_section(file, line);
        char *equals = strchr(line, '=');
        if (!equals)
                return refuse(file, "neither [section] nor key = value");
        *equals = 0;
        char *name = trim(line);
        if (!name_valid(name))
                return refuse(file, "a key is made of a-z, 0-9, _ and -");
        return take_setting(file, name, trim(equals + 1));
}

static bool text_clean(const char *text, size_t len)
{
        for (size_t i = 0; i < len; i++)
                if ((unsigned char)text[i] < 0x20 && !strchr("\t\r\n", text[i]))
                        return false;
        return text_utf8_valid(text, len);
}

int config_parse(struct config *config, const char *text, size_t len, const char *name, char *error,
        size_t error_cap)
{
        struct file file = {
                .config = config, .name = name, .error = error, .error_cap = error_cap
        };
        if (len > CONFIG_FILE_MAX)
                return refuse(&file, "longer than %d bytes", CONFIG_FILE_MAX);
        if (!text_clean(text, len))
                return refuse(&file, "not plain UTF-8 text");
        _cleanup_free_ char *copy = strndup(text, len);
        if (!copy)
                return -ENOMEM;
        int r = 0;
        for (char *rest = copy, *line; r == 0 && (line = strsep(&rest, "\n"));) {
                file.line++;
                r = take_line(&file, line);
        }
        return r;
}

struct config *config_free(struct config *config)
{
        if (!config)
                return NULL;
        config_clear_list(config->drivers);
        config_clear_list(config->soft);
        config_clear_list(config->nfc);
        config_clear_list(config->usb);
        free(config->socket);
        free(config->pinentry);
        free(config->anchors);
        free(config->staff_anchors);
        free(config->libexecdir);
        free(config->state_dir);
        free(config);
        return NULL;
}
