/* SPDX-License-Identifier: Apache-2.0 */
/* config_internal.h: what config.c (the grammar), config_keys.c (what a key means), config_options.c (drivers'), config_rules.c ([rule NAME]) and
 * config_load.c (where texts come from) share.
 */
#ifndef MOHR_CONFIG_INTERNAL_H
#define MOHR_CONFIG_INTERNAL_H

#include "daemon/config.h"

#define CONFIG_WANT_DRIVERS "each once: pcsc, nfc, usb, phone, soft"
#define CONFIG_ROOTS_ONLY                                                                          \
        "may stand only in a file below /etc/mohr that is root's and only root can write"

/* Wants and bounds of the four limits, in [limits] and in a rule. */
#define CONFIG_WANT_PER_HOUR   .want = "requests, 1 to 100000", .min = 1, .max = 100000
#define CONFIG_WANT_WRONG_PINS .want = "entries, 1 to 10", .min = 1, .max = 10
#define CONFIG_WANT_PAUSE      .want = "seconds, 1 to 86400", .min = 1, .max = 86400

struct config_file { /* one text on its way through the parser */
        struct config *config;
        enum config_origin origin;
        const char *name;
        unsigned int line;
        char section[32];
        struct rule *rule; /* whose section this is, or NULL */
        uint32_t seen;     /* keys of config_keys.c met in this text, by their rows */
        char *error;
        size_t error_cap;
};

/* OUTCOME_USAGE, with "file:line: " and the rest in the error. */
_printf_(2, 3) int config_refuse(const struct config_file *file, const char *format, ...);

/* A setting of a section of config_keys.c, which are those config_section_known() knows. */
bool config_section_known(const char *section);
_must_check_ int config_take_key(struct config_file *file, const char *name, const char *value);
/* The keys of those sections, for whoever tries each: false behind the last. */
bool config_key_at(size_t row, const char **ret_section, const char **ret_name);
/* The sections of drivers. */
bool config_is_drivers(const char *section);
_must_check_ int config_take_option(struct config_file *file, const char *name, const char *value);
/* [rule NAME]: its header, its keys, and that the next section or the end of the text has come. */
_must_check_ int config_begin_rule(struct config_file *file, const char *name);
_must_check_ int config_take_rule_key(
        struct config_file *file, const char *name, const char *value);
_must_check_ int config_end_rule(struct config_file *file);
/* The sections' names, for an error line. */
void config_list_sections(char *dst, size_t cap);

/* What holds of the limits of both kinds of files, and of the defaults. */
void config_settle_limits(struct config *config);
/* OUTCOME_USAGE: unknown, or there already. */
_must_check_ int config_add_driver(struct config *config, const char *name, size_t len);
/* OUTCOME_USAGE: there are `max` already. */
_must_check_ int config_list_add(char **list, size_t max, const char *item, size_t len);
void config_clear_list(char **list);
/* Digits alone, within the bounds; else false, and *ret stays. */
bool config_number(const char *value, unsigned int min, unsigned int max, unsigned int *ret);
/* "yes" or "no". */
bool config_yes_no(const char *value, bool *ret);

#endif
