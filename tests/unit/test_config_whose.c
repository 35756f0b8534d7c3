/* SPDX-License-Identifier: Apache-2.0 */
/* test_config_whose.c: whose word each key is. Root says the stricter thing, and a user's file the looser one: for every key of
 * config_keys.c, which are walked, so that a key without its row here fails the test.
 *
 * What a configuration holds is written out as one text, so that nothing it says can change unseen. Rules are test_policy.c's.
 */
#include "base/outcome.h"
#include "base/text.h"
#include "daemon/config_internal.h"
#include "daemon/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define TEXT_MAX 4096

enum whose {
        REFUSED, /* in a user's file it is an error */
        SETTLED, /* root's word stays */
        STRICTER_WINS,
        OWN_CHOICE, /* neither of the two is looser: how long to wait, what it is called, what is logged */
};

static const struct attempt {
        const char *section, *name, *strict, *loose;
        enum whose whose;
} attempts[] = {
        { "readers", "drivers", "pcsc", "pcsc phone soft", SETTLED },
        { "pin", "pinentry", "/usr/bin/pinentry-curses", "/home/u/yes", SETTLED },
        { "pin", "pad", "yes", "no", SETTLED },
        { "pin", "timeout_s", "60", "3600", OWN_CHOICE },
        { "trust", "anchors", "/etc/a", "/home/u/a", SETTLED },
        { "trust", "staff_anchors", "/etc/s", "/home/u/s", SETTLED },
        { "relying_parties", "anchors", "/etc/r", "/home/u/r", REFUSED },
        { "card", "unproven", "no", "yes", SETTLED },
        { "card", "timeout_ms", "1000", "60000", OWN_CHOICE },
        { "keys", "raw_hash", "no", "all", REFUSED },
        { "person", "screen", "unit:kiosk.service", "program:/home/u/x", REFUSED },
        { "history", "keep_days", "3650", "1", SETTLED },
        { "history", "values", "no", "yes", SETTLED },
        { "history", "register", "station", "person", REFUSED },
        { "limits", "app_per_hour", "5", "100000", STRICTER_WINS },
        { "limits", "user_per_hour", "5", "100000", STRICTER_WINS },
        { "limits", "wrong_pins", "1", "10", STRICTER_WINS },
        { "limits", "pause_s", "86400", "1", STRICTER_WINS },
        { "relay", "name", "Counter", "Phone of Sara", OWN_CHOICE },
        { "relay", "port", "46647", "80", SETTLED },
        { "relay", "listen", "192.168.1.2", "0.0.0.0", SETTLED },
        { "relay", "anywhere", "no", "yes", SETTLED },
        { "relay", "publish", "no", "yes", SETTLED },
        { "relay", "last_try", "no", "yes", SETTLED },
        { "relay", "pin", "phone", "computer", SETTLED },
        { "state", "dir", "/var/d", "/home/u/d", SETTLED },
        { "log", "level", "error", "debug", OWN_CHOICE },
};

/* ---- all that a configuration says ----------------------------------------------------------- */

static void tell(char *text, const char *word)
{
        size_t len = strlen(text);
        snprintf(text + len, TEXT_MAX - len, "%s|", word ? word : "-");
}

static void tell_number(char *text, unsigned int number)
{
        char digits[16];
        snprintf(digits, sizeof digits, "%u", number);
        tell(text, digits);
}

static void tell_relay(char *text, const struct config_relay *relay)
{
        const unsigned int numbers[] = { relay->port, relay->anywhere, relay->publish,
                relay->last_try, relay->pin };
        tell(text, relay->name);
        tell(text, relay->address);
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
                tell_number(text, numbers[i]);
}

static void tell_all(const struct config *config, char text[static TEXT_MAX])
{
        static const char *const drivers[] = { "nfc", "usb", "phone", "soft" };
        const char *const words[] = { config->pinentry, config->anchors, config->staff_anchors,
                config->relying_anchors, config->screen, config->state_dir };
        const unsigned int numbers[] = { config->pinpad, config->prompt_timeout_s, config->unproven,
                config->raw_hash, config->history_keep_days, config->history_values,
                config->history_station, config->limits.app_per_hour, config->limits.user_per_hour,
                config->limits.wrong_pins, config->limits.pause_s, config->card_timeout_ms,
                config->log_level };
        text[0] = 0;
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                tell(text, words[i]);
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
                tell_number(text, numbers[i]);
        for (char *const *driver = config->drivers; *driver; driver++)
                tell(text, *driver);
        for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
                for (char *const *set = config_options(config, drivers[i]); *set; set++)
                        tell(text, *set);
        tell_relay(text, &config->relay);
}

/* ---- a file of root's, a file of the user's ---------------------------------------------------- */

static struct config *new_config(void)
{
        struct config *config = calloc(1, sizeof *config);
        assert_non_null(config);
        config_settle_limits(config);
        config->prompt_timeout_s = 120;
        return config;
}

static int lay(struct config *config, enum config_origin origin, const char *section,
        const char *name, const char *value)
{
        char text[256], error[256] = "";
        int len = snprintf(text, sizeof text, "[%s]\n%s = %s\n", section, name, value);
        return config_parse(config, origin, text, (size_t)len,
                origin == CONFIG_ROOTS ? "root.conf" : "own.conf", error, sizeof error);
}

/* Does it say anything else when this was laid over it? */
static bool changes(struct config *config, enum config_origin origin, const struct attempt *attempt,
        const char *value, int expected)
{
        char before[TEXT_MAX], after[TEXT_MAX];
        tell_all(config, before);
        if (lay(config, origin, attempt->section, attempt->name, value) != expected)
                fail_msg("%s = %s in [%s]", attempt->name, value, attempt->section);
        tell_all(config, after);
        return strcmp(before, after) != 0;
}

static void try_to_loosen(const struct attempt *attempt)
{
        int outcome = attempt->whose == REFUSED ? OUTCOME_USAGE : 0;
        struct config *config = new_config();
        assert_int_equal(
                lay(config, CONFIG_ROOTS, attempt->section, attempt->name, attempt->strict), 0);
        bool loosened = changes(config, CONFIG_USERS, attempt, attempt->loose, outcome);
        if (loosened != (attempt->whose == OWN_CHOICE))
                fail_msg("a user's file changes %s in [%s]", attempt->name, attempt->section);
        if (attempt->whose != OWN_CHOICE && /* or the attempt was none */
                !changes(config, CONFIG_ROOTS, attempt, attempt->loose, 0))
                fail_msg("%s in [%s] changes nothing", attempt->name, attempt->section);
        config_free(config);
}

static const struct attempt *attempt_of(const char *section, const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(attempts); i++)
                if (strcmp(attempts[i].section, section) == 0 &&
                        strcmp(attempts[i].name, name) == 0)
                        return &attempts[i];
        return NULL;
}

static void no_key_of_a_users_file_loosens_what_root_set(void **state)
{
        const char *section, *name;
        size_t row = 0;
        (void)state;
        for (; config_key_at(row, &section, &name); row++) {
                const struct attempt *attempt = attempt_of(section, name);
                if (!attempt)
                        fail_msg("nobody tries to loosen %s in [%s]", name, section);
                else
                        try_to_loosen(attempt);
        }
        assert_int_equal(row, ARRAY_LEN(attempts));
}

/* Root need not say anything for it. */
static void what_is_stricter_than_nothing_needs_no_word_of_roots(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
                struct config *config = new_config();
                const struct attempt *attempt = &attempts[i];
                if (attempt->whose == STRICTER_WINS &&
                        (changes(config, CONFIG_USERS, attempt, attempt->loose, 0) ||
                                !changes(config, CONFIG_USERS, attempt, attempt->strict, 0)))
                        fail_msg("%s in [%s]", attempt->name, attempt->section);
                config_free(config);
        }
}

static void an_option_of_a_driver_that_root_set_stays(void **state)
{
        static const struct {
                const char *driver, *one, *other, *roots, *users, *later;
        } cases[] = {
                { "nfc", "device", "device2", "a:1", "a:2", "a:3" },
                { "phone", "folder", "name", "/etc/p", "/home/u", "/home/x" },
                { "soft", "x", "y", "a", "b", "c" },
        };
        char expected[64];
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const char *driver = cases[i].driver, *one = cases[i].one, *other = cases[i].other;
                struct config *config = new_config();
                char *const *options = config_options(config, driver);
                assert_int_equal(lay(config, CONFIG_ROOTS, driver, one, cases[i].roots), 0);
                assert_int_equal(lay(config, CONFIG_USERS, driver, other, cases[i].users), 0);
                assert_int_equal(lay(config, CONFIG_USERS, driver, one, cases[i].users), 0);
                snprintf(expected, sizeof expected, "%s=%s", one, cases[i].roots);
                assert_string_equal(options[0], expected);
                assert_int_equal(lay(config, CONFIG_USERS, driver, other, cases[i].later), 0);
                snprintf(expected, sizeof expected, "%s=%s", other, cases[i].later);
                assert_string_equal(options[1], expected);
                assert_null(options[2]);
                assert_int_equal(lay(config, CONFIG_ROOTS, driver, one, cases[i].later), 0);
                snprintf(expected, sizeof expected, "%s=%s", one, cases[i].later);
                assert_string_equal(options[0], expected);
                config_free(config);
        }
}

/* PATH is the user's: a name in it would be whatever the user's programs put there. */
static void a_pinentry_that_root_names_is_the_systems(void **state)
{
        static const struct {
                const char *named, *roots;
        } cases[] = { { "sh", "/bin/sh" }, { "no-such-pinentry", "/usr/bin/no-such-pinentry" },
                { "/opt/p", "/opt/p" } };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct config *config = new_config();
                assert_int_equal(lay(config, CONFIG_USERS, "pin", "pinentry", cases[i].named), 0);
                assert_string_equal(config->pinentry, cases[i].named);
                assert_int_equal(lay(config, CONFIG_ROOTS, "pin", "pinentry", cases[i].named), 0);
                assert_string_equal(config->pinentry, cases[i].roots);
                config_free(config);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(no_key_of_a_users_file_loosens_what_root_set),
                cmocka_unit_test(what_is_stricter_than_nothing_needs_no_word_of_roots),
                cmocka_unit_test(an_option_of_a_driver_that_root_set_stays),
                cmocka_unit_test(a_pinentry_that_root_names_is_the_systems),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
