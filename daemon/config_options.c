/* SPDX-License-Identifier: Apache-2.0 */
/* config_options.c: the sections of drivers, whose settings go to helpers and watchers as "name=value". A name that a driver does not
 * know, or a value that it could only misread, is told here with its line: a helper would end over it, or do something else, far
 * from the file. The simulated card has settings of its own making, and judges them.
 */
#include "daemon/config_internal.h"

#include "base/outcome.h"

#include <stdio.h>

#define OPTION_MAX 1024

static const struct driver_section {
        const char *name;
        size_t slot;
        const char *known; /* what may stand there, for an error line; NULL: anything */
} sections[CONFIG_DRIVER_SECTIONS] = {
        { "nfc", offsetof(struct config, nfc), "device, device2, device3 ..." },
        { "usb", offsetof(struct config, usb), "nothing" },
        { "phone", offsetof(struct config, phone), "discover, folder, name" },
        { "soft", offsetof(struct config, soft), NULL },
};

/* CONFIG_DRIVER_SECTIONS: it is none of these. */
static size_t section_of(const char *name)
{
        size_t i = 0;
        while (i < CONFIG_DRIVER_SECTIONS && strcmp(sections[i].name, name) != 0)
                i++;
        return i;
}

bool config_is_drivers(const char *section)
{
        return section_of(section) < CONFIG_DRIVER_SECTIONS;
}

char *const *config_options(const struct config *config, const char *driver)
{
        static char *const none[] = { NULL };
        size_t i = section_of(driver);
        return i < CONFIG_DRIVER_SECTIONS ? (char *const *)((const char *)config + sections[i].slot)
                                          : none;
}

/* ---- what they mean ------------------------------------------------------------------------ */

static bool is_yes_no(const char *value)
{
        bool unused;
        return config_yes_no(value, &unused);
}

static bool is_path(const char *value)
{
        return value[0] == '/';
}

static bool is_name(const char *value)
{
        return strlen(value) <= 64; /* client-sdk/link/store.h */
}

/* A connection string of libnfc begins with the name of a driver, never with that of a file. */
static bool is_connection(const char *value)
{
        return value[0] != '/';
}

static const struct known {
        const char *section, *name;
        bool (*good)(const char *value);
        const char *want;
} known[] = {
        { "nfc", "device", is_connection, "a board as libnfc names it, pn532_uart:PATH:SPEED" },
        { "phone", "discover", is_yes_no, "yes or no" },
        { "phone", "folder", is_path, "an absolute path" },
        { "phone", "name", is_name, "1 to 64 bytes of text" },
};

/* "device2" is one of "device". */
static bool is_named(const struct known *row, const char *section, const char *name)
{
        size_t len = strlen(row->name);
        bool numbered = strcmp(section, "nfc") == 0;
        return strcmp(row->section, section) == 0 && strncmp(row->name, name, len) == 0 &&
               name[len + (numbered ? strspn(name + len, "0123456789") : 0)] == '\0';
}

static int judge(const struct config_file *file, const char *name, const char *value)
{
        for (size_t i = 0; i < ARRAY_LEN(known); i++) {
                if (!is_named(&known[i], file->section, name))
                        continue;
                return known[i].good(value)
                               ? 0
                               : config_refuse(file, "\"%.40s\" in [%s] wants %s, not \"%.40s\"",
                                         name, file->section, known[i].want, value);
        }
        return config_refuse(file, "unknown key \"%.40s\" in [%s]; known: %s", name, file->section,
                sections[section_of(file->section)].known);
}

/* ---- where they go ------------------------------------------------------------------------- */

static int put(char **slot, const char *option)
{
        char *copy = strdup(option);
        if (!copy)
                return -ENOMEM;
        free(*slot);
        *slot = copy;
        return 0;
}

/* What root has set stays; else a later word takes the place of an earlier one. */
static int keep(struct config_file *file, size_t section, const char *option, size_t name_len)
{
        char **list = (char **)((char *)file->config + sections[section].slot);
        uint32_t *settled = &file->config->settled_options[section];
        size_t at = 0;
        while (list[at] && strncmp(list[at], option, name_len + 1) != 0)
                at++;
        if (at == CONFIG_OPTIONS_MAX)
                return config_refuse(
                        file, "more than %d options in [%s]", CONFIG_OPTIONS_MAX, file->section);
        if (file->origin != CONFIG_ROOTS && *settled & UINT32_C(1) << at)
                return 0;
        if (file->origin == CONFIG_ROOTS)
                *settled |= UINT32_C(1) << at;
        return put(&list[at], option);
}

int config_take_option(struct config_file *file, const char *name, const char *value)
{
        char option[OPTION_MAX];
        size_t section = section_of(file->section);
        int len = snprintf(option, sizeof option, "%s=%s", name, value);
        if (len < 0 || (size_t)len >= sizeof option)
                return config_refuse(file, "longer than %d bytes", OPTION_MAX - 1);
        int r = sections[section].known ? judge(file, name, value) : 0;
        return r == 0 ? keep(file, section, option, strlen(name)) : r;
}
