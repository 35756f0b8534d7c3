/* SPDX-License-Identifier: Apache-2.0 */
/* config.c: see config.h. The grammar; what keys mean is config_keys.c's, where the texts come from config_load.c's.
 *
 * A line is `[section]`, `key = value`, a comment (# or ;) or blank. A value is the rest of its line,
 * without quotes or escapes; it is never empty. The sections of drivers ([soft], [nfc], [usb], [phone]) are config_options.c's.
 */
#include "daemon/config.h"
#include "daemon/config_internal.h"
#include "daemon/policy_rule.h"
#include "daemon/programs.h"

#include "base/outcome.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

_printf_(2, 3) int config_refuse(const struct config_file *file, const char *format, ...)
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

int config_list_add(char **list, size_t max, const char *item, size_t len)
{
        size_t count = 0;
        while (list[count])
                count++;
        if (count == max)
                return OUTCOME_USAGE;
        list[count] = strndup(item, len);
        return list[count] ? 0 : -ENOMEM;
}

void config_clear_list(char **list)
{
        for (; *list; list++) {
                free(*list);
                *list = NULL;
        }
}

static bool section_known(const char *name)
{
        return config_is_drivers(name) || config_section_known(name);
}

static int unknown_section(const struct config_file *file, const char *name)
{
        char known[128];
        config_list_sections(known, sizeof known);
        return config_refuse(file,
                "unknown section [%.40s]; known: %s, nfc, usb, phone, soft, rule NAME", name,
                known);
}

static char *trim(char *text)
{
        text += strspn(text, " \t");
        size_t len = strlen(text);
        while (len > 0 && strchr(" \t\r", text[len - 1]))
                text[--len] = 0;
        return text;
}

static int take_section(struct config_file *file, char *line)
{
        char *name = line + 1;
        size_t len = strlen(line);
        if (line[len - 1] != ']')
                return config_refuse(file, "a section is written [name]");
        line[len - 1] = 0;
        bool rule = strncmp(name, "rule", 4) == 0 && strchr(" \t", name[4]);
        if (!rule && !section_known(name))
                return unknown_section(file, name);
        int r = config_end_rule(file);
        snprintf(file->section, sizeof file->section, "%s", rule ? "rule" : name);
        return r == 0 && rule ? config_begin_rule(file, trim(name + 4)) : r;
}

static int take_setting(struct config_file *file, const char *name, const char *value)
{
        if (!file->section[0])
                return config_refuse(file, "a key before the first [section]");
        if (!*value)
                return config_refuse(file, "\"%.40s\" has no value", name);
        if (file->rule)
                return config_take_rule_key(file, name, value);
        return config_is_drivers(file->section) ? config_take_option(file, name, value)
                                                : config_take_key(file, name, value);
}

static bool name_valid(const char *name)
{
        size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
        return len > 0 && !name[len];
}

static int take_line(struct config_file *file, char *line)
{
        line = trim(line);
        if (!*line || *line == '#' || *line == ';')
                return 0;
        if (*line == '[')
                return take_section(file, line);
        char *equals = strchr(line, '=');
        if (!equals)
                return config_refuse(file, "neither [section] nor key = value");
        *equals = 0;
        char *name = trim(line);
        if (!name_valid(name))
                return config_refuse(file, "a key is made of a-z, 0-9, _ and -");
        return take_setting(file, name, trim(equals + 1));
}

static bool line_clean(const char *line, size_t len)
{
        for (size_t i = 0; i < len; i++)
                if ((unsigned char)line[i] < 0x20 && !strchr("\t\r", line[i]))
                        return false;
        return text_utf8_valid(line, len);
}

/* The first line that is not plain text, or 0. */
static unsigned int unclean_line(const char *text, size_t len)
{
        unsigned int line = 1;
        for (const char *end = text + len; text <= end; line++) {
                const char *newline = memchr(text, '\n', (size_t)(end - text));
                const char *stop = newline ? newline : end;
                if (!line_clean(text, (size_t)(stop - text)))
                        return line;
                text = stop + 1;
        }
        return 0;
}

int config_parse(struct config *config, enum config_origin origin, const char *text, size_t len,
        const char *name, char *error, size_t error_cap)
{
        struct config_file file = { .config = config,
                .origin = origin,
                .name = name,
                .error = error,
                .error_cap = error_cap };
        if (len > CONFIG_FILE_MAX)
                return config_refuse(&file, "longer than %d bytes", CONFIG_FILE_MAX);
        file.line = unclean_line(text, len);
        if (file.line > 0)
                return config_refuse(&file, "not plain UTF-8 text");
        if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
                file.line = 1;
                return config_refuse(&file, "begins with a byte order mark: save it without");
        }
        _cleanup_free_ char *copy = strndup(text, len);
        if (!copy)
                return -ENOMEM;
        int r = 0;
        for (char *rest = copy, *line; r == 0 && (line = strsep(&rest, "\n"));) {
                file.line++;
                r = take_line(&file, line);
        }
        return r == 0 ? config_end_rule(&file) : r;
}

const char *config_at(const struct config *config, const char *driver)
{
        for (size_t i = 0; i < config->at_count; i++)
                if (strcmp(config->at[i].driver, driver) == 0)
                        return config->at[i].address;
        return NULL;
}

struct config *config_free(struct config *config)
{
        if (!config)
                return NULL;
        config_clear_list(config->drivers);
        config_clear_list(config->soft);
        config_clear_list(config->nfc);
        config_clear_list(config->usb);
        config_clear_list(config->phone);
        free(config->socket);
        free(config->pinentry);
        free(config->relay.name);
        free(config->relay.address);
        free(config->anchors);
        free(config->staff_anchors);
        free(config->relying_anchors);
        free(config->screen);
        rule_free_all(config->rules);
        programs_free(config->programs);
        free(config->libexecdir);
        free(config->state_dir);
        free(config);
        return NULL;
}
