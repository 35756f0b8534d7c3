/* SPDX-License-Identifier: Apache-2.0 */
/* config_keys.c: what each key may say, as rows of one table: where it stands, how it is read, its bounds, and whether
 * a file that is not root's may hold it at all.
 *
 * A key that is root's alone decides whom this computer believes, who may show its questions, or what its history
 * holds of citizens. A key that root settles would loosen what root set: who answers the page of consent, which cards
 * get a PIN and over which ways, where the past is kept that limits look at, who comes in from the network. The user's word for it is none then, and no error: root may
 * settle it without knowing every user's files. The numbers of [limits] are kept apart for each kind of file, and what holds is the stricter of
 * the two: whoever can write to the user's own files can forbid by them, and allow nothing.
 */
#include "daemon/config.h"
#include "daemon/config_internal.h"
#include "daemon/limits.h"

#include "base/outcome.h"
#include "base/text.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

struct setting { /* one key on its way into its place */
        struct config *config;
        enum config_origin origin;
        const struct key *key;
        void *slot;
        const char *value;
};

/* 0, -ENOMEM, or OUTCOME_USAGE: not what the key wants. */
typedef int (*setter)(const struct setting *setting);

struct key {
        const char *section, *name;
        setter set;
        size_t slot;
        const char *want; /* completes "wants ..." */
        unsigned int min, max;
        const char *const *words;
        enum {
                LATER_WINS,
                ROOT_SETTLES, /* where root's files say it, the user's do not */
                ROOTS_ALONE,  /* only in files that are root's */
        } whose;
};

bool config_number(const char *value, unsigned int min, unsigned int max, unsigned int *ret)
{
        unsigned long n = 0;
        for (const char *c = value; *c; c++) {
                if (!isdigit((unsigned char)*c) || n > max)
                        return false;
                n = n * 10 + (unsigned long)(*c - '0');
        }
        if (!*value || n < min || n > max)
                return false;
        *ret = (unsigned int)n;
        return true;
}

bool config_yes_no(const char *value, bool *ret)
{
        bool yes = strcmp(value, "yes") == 0;
        if (!yes && strcmp(value, "no") != 0)
                return false;
        *ret = yes;
        return true;
}

static int set_string(const struct setting *s)
{
        char *copy = strdup(s->value), **string = s->slot;
        if (!copy)
                return -ENOMEM;
        free(*string);
        *string = copy;
        return 0;
}

/* Of this device, as others are told: client-sdk/link/store.h has the bound. */
static int set_name(const struct setting *s)
{
        return strlen(s->value) <= 64 && text_utf8_valid(s->value, strlen(s->value))
                       ? set_string(s)
                       : OUTCOME_USAGE;
}

static int set_path(const struct setting *s)
{
        return s->value[0] == '/' ? set_string(s) : OUTCOME_USAGE;
}

/* A name of root's is one of the system's programs: PATH is the user's. One that is not there stays without a page to ask on. */
static int set_roots_program(const struct setting *s)
{
        static const char *const folders[] = { "/usr/local/bin", "/bin", "/usr/bin" };
        char path[4096];
        for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
                snprintf(path, sizeof path, "%s/%s", folders[i], s->value);
                if (access(path, X_OK) == 0)
                        break;
        }
        struct setting found = *s;
        found.value = path;
        return set_string(&found);
}

static int set_program(const struct setting *s)
{
        if (s->value[0] == '/')
                return set_string(s);
        if (strchr(s->value, '/') || strlen(s->value) > NAME_MAX)
                return OUTCOME_USAGE;
        return s->origin == CONFIG_ROOTS ? set_roots_program(s) : set_string(s);
}

/* Who may hold the role of a screen, as peer_key() names it. */
static int set_screen(const struct setting *s)
{
        bool unit = strncmp(s->value, "unit:", 5) == 0 && s->value[5] && s->value[5] != '/';
        bool program = strncmp(s->value, "program:/", 9) == 0 && s->value[9];
        return unit || program ? set_string(s) : OUTCOME_USAGE;
}

static int set_number(const struct setting *s)
{
        return config_number(s->value, s->key->min, s->key->max, s->slot) ? 0 : OUTCOME_USAGE;
}

static int set_bool(const struct setting *s)
{
        return config_yes_no(s->value, s->slot) ? 0 : OUTCOME_USAGE;
}

static int word_of(const struct setting *s)
{
        for (int i = 0; s->key->words[i]; i++)
                if (strcmp(s->key->words[i], s->value) == 0)
                        return i;
        return -1;
}

static int set_unproven(const struct setting *s)
{
        int word = word_of(s);
        if (word < 0)
                return OUTCOME_USAGE;
        s->config->unproven = (enum unproven)word;
        return 0;
}

static int set_raw_hash(const struct setting *s)
{
        int word = word_of(s);
        if (word < 0)
                return OUTCOME_USAGE;
        s->config->raw_hash = (enum raw_hash)word;
        return 0;
}

static int set_register(const struct setting *s)
{
        int word = word_of(s);
        if (word < 0)
                return OUTCOME_USAGE;
        s->config->history_station = word == 1;
        return 0;
}

static int set_relay_pin(const struct setting *s)
{
        int word = word_of(s);
        if (word < 0)
                return OUTCOME_USAGE;
        s->config->relay.pin = word == 0 ? RELAY_PIN_HERE : RELAY_PIN_THERE;
        return 0;
}

static int set_log_level(const struct setting *s)
{
        return log_level_parse(s->value, &s->config->log_level) < 0 ? OUTCOME_USAGE : 0;
}

/* The drivers of this version, each a helper program of its own. */
static bool driver_known(const char *name, size_t len)
{
        static const char *const drivers[] = { "pcsc", "nfc", "usb", "phone", "soft" };
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
        return config_list_add(config->drivers, CONFIG_DRIVERS_MAX, name, len);
}

static int set_drivers(const struct setting *s)
{
        const char *value = s->value;
        config_clear_list(s->config->drivers);
        int r = 0;
        for (size_t len; r == 0 && *value; value += len) {
                value += strspn(value, " \t");
                len = strcspn(value, " \t");
                r = config_add_driver(s->config, value, len);
        }
        return r;
}

/* --- [limits] --- */

void config_settle_limits(struct config *config)
{
        config->limits = limits_initial;
        limits_override(&config->limits, &config->limits_of[CONFIG_ROOTS]);
        limits_tighten(&config->limits, &config->limits_of[CONFIG_USERS]);
}

static int set_limit(const struct setting *s)
{
        char *set = (char *)&s->config->limits_of[s->origin];
        unsigned int *slot = (unsigned int *)(set + s->key->slot);
        if (!config_number(s->value, s->key->min, s->key->max, slot))
                return OUTCOME_USAGE;
        config_settle_limits(s->config);
        return 0;
}

/* --- the table --- */

static const char *const unproven_words[] = {
        [UNPROVEN_ASK] = "ask", [UNPROVEN_YES] = "yes", [UNPROVEN_NO] = "no", NULL
};
static const char *const raw_hash_words[] = { [RAW_HASH_NO] = "no",
        [RAW_HASH_PIV_SIGNATURE] = "piv-signature",
        [RAW_HASH_NATIONAL] = "national",
        [RAW_HASH_ALL] = "all",
        NULL };
static const char *const relay_pin_words[] = { "phone", "computer", NULL };
static const char *const register_words[] = { "person", "station", NULL };

#define AT(member)    offsetof(struct config, member)
#define LIMIT(member) offsetof(struct limits, member)
#define PATH          .want = "an absolute path"
#define YES_NO        .want = "yes or no"

static const struct key keys[] = {
        { "readers", "drivers", set_drivers, AT(drivers), .want = CONFIG_WANT_DRIVERS,
                .whose = ROOT_SETTLES },
        { "pin", "pinentry", set_program, AT(pinentry), .want = "a program's name or absolute path",
                .whose = ROOT_SETTLES },
        { "pin", "pad", set_bool, AT(pinpad), YES_NO, .whose = ROOT_SETTLES },
        { "pin", "timeout_s", set_number, AT(prompt_timeout_s), .want = "seconds, 5 to 3600",
                .min = 5, .max = 3600 },
        { "trust", "anchors", set_path, AT(anchors), PATH, .whose = ROOT_SETTLES },
        { "trust", "staff_anchors", set_path, AT(staff_anchors), PATH, .whose = ROOT_SETTLES },
        { "relying_parties", "anchors", set_path, AT(relying_anchors), PATH, .whose = ROOTS_ALONE },
        { "card", "unproven", set_unproven, 0, .want = "ask, yes or no", .words = unproven_words,
                .whose = ROOT_SETTLES },
        { "card", "timeout_ms", set_number, AT(card_timeout_ms),
                .want = "milliseconds, 100 to 60000", .min = 100, .max = 60000 },
        { "keys", "raw_hash", set_raw_hash, 0, .want = "no, piv-signature, national or all",
                .words = raw_hash_words, .whose = ROOTS_ALONE },
        { "person", "screen", set_screen, AT(screen), .want = "unit:NAME or program:/PATH",
                .whose = ROOTS_ALONE },
        { "history", "keep_days", set_number, AT(history_keep_days),
                .want = "days, 0 (for ever) to 36500", .max = 36500, .whose = ROOT_SETTLES },
        { "history", "values", set_bool, AT(history_values), YES_NO, .whose = ROOT_SETTLES },
        { "history", "register", set_register, 0, .want = "person or station",
                .words = register_words, .whose = ROOTS_ALONE },
        { "limits", "app_per_hour", set_limit, LIMIT(app_per_hour), CONFIG_WANT_PER_HOUR },
        { "limits", "user_per_hour", set_limit, LIMIT(user_per_hour), CONFIG_WANT_PER_HOUR },
        { "limits", "wrong_pins", set_limit, LIMIT(wrong_pins), CONFIG_WANT_WRONG_PINS },
        { "limits", "pause_s", set_limit, LIMIT(pause_s), CONFIG_WANT_PAUSE },
        { "relay", "name", set_name, AT(relay.name), .want = "1 to 64 bytes of text" },
        { "relay", "port", set_number, AT(relay.port), .want = "a port, 1 to 65535", .min = 1,
                .max = 65535, .whose = ROOT_SETTLES },
        { "relay", "listen", set_string, AT(relay.address), .want = "an address",
                .whose = ROOT_SETTLES },
        { "relay", "anywhere", set_bool, AT(relay.anywhere), YES_NO, .whose = ROOT_SETTLES },
        { "relay", "publish", set_bool, AT(relay.publish), YES_NO, .whose = ROOT_SETTLES },
        { "relay", "last_try", set_bool, AT(relay.last_try), YES_NO, .whose = ROOT_SETTLES },
        { "relay", "pin", set_relay_pin, 0, .want = "phone or computer", .words = relay_pin_words,
                .whose = ROOT_SETTLES },
        { "state", "dir", set_path, AT(state_dir), PATH, .whose = ROOT_SETTLES },
        { "log", "level", set_log_level, 0, .want = "error, warning, notice, info or debug" },
};
_Static_assert(ARRAY_LEN(keys) <= 32,
        "struct config_file's `seen` and struct config's `settled` have a bit for each row");

bool config_section_known(const char *section)
{
        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
                if (strcmp(keys[i].section, section) == 0)
                        return true;
        return false;
}

bool config_key_at(size_t row, const char **ret_section, const char **ret_name)
{
        if (row >= ARRAY_LEN(keys))
                return false;
        *ret_section = keys[row].section;
        *ret_name = keys[row].name;
        return true;
}

/* What a section holds, or with section NULL the sections themselves. */
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
}

void config_list_sections(char *dst, size_t cap)
{
        list_known(NULL, dst, cap);
}

/* False: the user's file may say it, and root's has said it already. */
static bool has_a_say(struct config_file *file, const struct key *key, uint32_t bit)
{
        if (file->origin == CONFIG_ROOTS)
                file->config->settled |= bit;
        return file->origin == CONFIG_ROOTS || key->whose != ROOT_SETTLES ||
               !(file->config->settled & bit);
}

static int take_row(struct config_file *file, size_t row, const char *value)
{
        const struct key *key = &keys[row];
        const struct setting setting = { file->config, file->origin, key,
                (char *)file->config + key->slot, value };
        uint32_t bit = UINT32_C(1) << row;
        if (key->whose == ROOTS_ALONE && file->origin != CONFIG_ROOTS)
                return config_refuse(
                        file, "\"%s\" in [%s] " CONFIG_ROOTS_ONLY, key->name, key->section);
        if (file->seen & bit)
                return config_refuse(file, "\"%s\" in [%s] is set twice", key->name, key->section);
        file->seen |= bit;
        int r = has_a_say(file, key, bit) ? key->set(&setting) : 0;
        return r > 0 ? config_refuse(file, "\"%s\" in [%s] wants %s, not \"%.40s\"", key->name,
                               key->section, key->want, value)
                     : r;
}

int config_take_key(struct config_file *file, const char *name, const char *value)
{
        char known[128];
        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
                if (strcmp(keys[i].section, file->section) == 0 && strcmp(keys[i].name, name) == 0)
                        return take_row(file, i, value);
        list_known(file->section, known, sizeof known);
        return config_refuse(
                file, "unknown key \"%.40s\" in [%s]; known: %s", name, file->section, known);
}
