/* SPDX-License-Identifier: Apache-2.0 */
/* test_config.c: the grammar, every key, every way to be wrong, and which source wins. */
#include "base/outcome.h"
#include "daemon/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

static int parse(struct config *config, const char *text, char *error)
{
        error[0] = 0;
        return config_parse(config, CONFIG_ROOTS, text, strlen(text), "mohr.conf", error, 256);
}

static void every_key_is_taken(void **state)
{
        static const char text[] = "# comment\n; comment\n\n[pin]\npinentry = pinentry-tty\n"
                                   "timeout_s=30\r\n[ card ]\n";
        static const char good[] =
                "[pin]\npinentry = /usr/bin/pinentry-tty \n\ttimeout_s=30\r\npad = yes\n"
                "[trust]\nanchors = /etc/mohr/anchors with space\n"
                "[card]\nunproven = no\ntimeout_ms = 1500\n[state]\ndir = /var/x\n"
                "[log]\nlevel = debug\n[readers]\ndrivers = soft  pcsc\n"
                "[soft]\nprofile = mav3\npki=/p=q\n[pin]\n";
        char error[256];
        struct config *config = calloc(1, sizeof *config);
        (void)state;
        assert_int_equal(parse(config, good, error), 0);
        assert_string_equal(config->pinentry, "/usr/bin/pinentry-tty");
        assert_int_equal(config->prompt_timeout_s, 30);
        assert_true(config->pinpad);
        assert_int_equal(parse(config, "[pin]\npad = no\n", error), 0);
        assert_false(config->pinpad);
        assert_string_equal(config->anchors, "/etc/mohr/anchors with space");
        assert_int_equal(config->unproven, UNPROVEN_NO);
        assert_int_equal(config->card_timeout_ms, 1500);
        assert_string_equal(config->state_dir, "/var/x");
        assert_int_equal(config->log_level, LOG_LEVEL_DEBUG);
        assert_string_equal(config->drivers[0], "soft");
        assert_string_equal(config->drivers[1], "pcsc");
        assert_null(config->drivers[2]);
        assert_string_equal(config->soft[0], "profile=mav3");
        assert_string_equal(config->soft[1], "pki=/p=q");
        assert_null(config->soft[2]);
        assert_int_equal(parse(config, text, error), OUTCOME_USAGE); /* "[ card ]" is not [card] */
        config_free(config);
}

static void what_came_with_persons_is_taken(void **state)
{
        static const char good[] =
                "[relying_parties]\nanchors = /etc/mohr/relying\n[person]\nscreen = "
                "unit:kiosk.service\n"
                "[history]\nkeep_days = 90\nvalues = yes\nregister = station\n"
                "[limits]\napp_per_hour = 100\nuser_per_hour = 200\nwrong_pins = 5\npause_s = 60\n";
        char error[256];
        struct config *config = calloc(1, sizeof *config);
        (void)state;
        assert_int_equal(parse(config, good, error), 0);
        assert_string_equal(config->relying_anchors, "/etc/mohr/relying");
        assert_string_equal(config->screen, "unit:kiosk.service");
        assert_int_equal(config->history_keep_days, 90);
        assert_true(config->history_values);
        assert_true(config->history_station);
        assert_int_equal(config->limits.app_per_hour, 100);
        assert_int_equal(config->limits.user_per_hour, 200);
        assert_int_equal(config->limits.wrong_pins, 5);
        assert_int_equal(config->limits.pause_s, 60);
        assert_int_equal(parse(config, "[history]\nkeep_days = 0\nregister = person\n", error), 0);
        assert_int_equal(config->history_keep_days, 0);
        assert_false(config->history_station);
        config_free(config);
}

static int parse_users(struct config *config, const char *text, char *error)
{
        error[0] = 0;
        return config_parse(config, CONFIG_USERS, text, strlen(text), "own.conf", error, 256);
}

static void what_is_roots_stands_in_no_file_of_the_users(void **state)
{
        static const char *const lines[] = { "[relying_parties]\nanchors = /x\n",
                "[person]\nscreen = program:/x\n", "[history]\nregister = station\n",
                "[keys]\nraw_hash = national\n" };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
                struct config *config = calloc(1, sizeof *config);
                char error[256];
                assert_int_equal(parse_users(config, lines[i], error), OUTCOME_USAGE);
                assert_non_null(strstr(error, "own.conf:2: \""));
                assert_non_null(strstr(error, " may stand only in a file below /etc/mohr that is "
                                              "root's and only root can write"));
                assert_int_equal(parse(config, lines[i], error), 0);
                config_free(config);
        }
}

/* Whoever names the pinentry answers the page of consent; whoever names the anchors, which card gets a PIN. */
static void what_root_has_settled_no_file_of_the_users_changes(void **state)
{
        static const char users[] = "[pin]\npinentry = /home/u/yes\npad = no\n"
                                    "[trust]\nanchors = /home/u/a\nstaff_anchors = /home/u/s\n"
                                    "[card]\nunproven = yes\n[state]\ndir = /home/u/d\n"
                                    "[history]\nkeep_days = 1\nvalues = yes\n";
        static const char roots[] = "[pin]\npinentry = /usr/bin/p\npad = yes\n"
                                    "[trust]\nanchors = /etc/a\nstaff_anchors = /etc/s\n"
                                    "[card]\nunproven = no\n[state]\ndir = /var/d\n"
                                    "[history]\nkeep_days = 90\nvalues = no\n";
        char error[256];
        (void)state;
        for (int settled = 0; settled < 2; settled++) {
                struct config *config = calloc(1, sizeof *config);
                if (settled)
                        assert_int_equal(parse(config, roots, error), 0);
                assert_int_equal(parse_users(config, users, error), 0);
                assert_string_equal(config->pinentry, settled ? "/usr/bin/p" : "/home/u/yes");
                assert_string_equal(config->anchors, settled ? "/etc/a" : "/home/u/a");
                assert_string_equal(config->staff_anchors, settled ? "/etc/s" : "/home/u/s");
                assert_string_equal(config->state_dir, settled ? "/var/d" : "/home/u/d");
                assert_int_equal(config->pinpad, settled);
                assert_int_equal(config->unproven, settled ? UNPROVEN_NO : UNPROVEN_YES);
                assert_int_equal(config->history_keep_days, settled ? 90 : 1);
                assert_int_equal(config->history_values, !settled);
                config_free(config);
        }
}

/* In whichever order the files come. */
static void a_users_limit_counts_where_it_is_stricter(void **state)
{
        static const char roots[] = "[limits]\napp_per_hour = 30\npause_s = 60\nwrong_pins = 5\n";
        static const char users[] = "[limits]\napp_per_hour = 50\npause_s = 100\nwrong_pins = 4\n"
                                    "user_per_hour = 100000\n";
        (void)state;
        for (int users_first = 0; users_first < 2; users_first++) {
                struct config *config = calloc(1, sizeof *config);
                char error[256];
                if (users_first)
                        assert_int_equal(parse_users(config, users, error), 0);
                assert_int_equal(parse(config, roots, error), 0);
                if (!users_first)
                        assert_int_equal(parse_users(config, users, error), 0);
                assert_int_equal(config->limits.app_per_hour, 30);
                assert_int_equal(config->limits.pause_s, 100);
                assert_int_equal(config->limits.wrong_pins, 4);
                assert_int_equal(config->limits.user_per_hour, 120);
                config_free(config);
        }
}

static const struct {
        const char *text, *error;
} wrong_lines[] = {
        { "[pin]\n\nfoo = 1\n", "mohr.conf:3: unknown key \"foo\" in [pin]; known: "
                                "pinentry, pad, timeout_s" },
        { "[pins]\n", "mohr.conf:1: unknown section [pins]; known: readers, pin, trust, "
                      "relying_parties, card, keys, person, history, limits, relay, state, "
                      "log, nfc, usb, phone, soft, rule NAME" },
        { "[pin\n", "mohr.conf:1: a section is written [name]" },
        { "pinentry = x\n", "mohr.conf:1: a key before the first [section]" },
        { "[pin]\npinentry\n", "mohr.conf:2: neither [section] nor key = value" },
        { "[pin]\npinentry =\n", "mohr.conf:2: \"pinentry\" has no value" },
        { "[pin]\n = x\n", "mohr.conf:2: a key is made of a-z, 0-9, _ and -" },
        { "[soft]\nA B = x\n", "mohr.conf:2: a key is made of a-z, 0-9, _ and -" },
        { "[pin]\npinentry = ./x\n", "mohr.conf:2: \"pinentry\" in [pin] wants a program's "
                                     "name or absolute path, not "
                                     "\"./x\"" },
        { "[trust]\nanchors = x\n",
                "mohr.conf:2: \"anchors\" in [trust] wants an absolute path, not \"x\"" },
        { "[pin]\ntimeout_s = 4\n",
                "mohr.conf:2: \"timeout_s\" in [pin] wants seconds, 5 to 3600, not \"4\"" },
        { "[pin]\ntimeout_s = 99999999999999999999999\n",
                "mohr.conf:2: \"timeout_s\" in [pin] wants seconds, 5 to 3600, not "
                "\"99999999999999999999999\"" },
        { "[pin]\ntimeout_s = -5\n", "mohr.conf:2: \"timeout_s\" in [pin] wants seconds, 5 "
                                     "to 3600, not \"-5\"" },
        { "[pin]\npad = maybe\n", "mohr.conf:2: \"pad\" in [pin] wants yes or no, not \"maybe\"" },
        { "[card]\nunproven = maybe\n",
                "mohr.conf:2: \"unproven\" in [card] wants ask, yes or no, not \"maybe\"" },
        { "[readers]\ndrivers = pcsc serial\n",
                "mohr.conf:2: \"drivers\" in [readers] wants "
                "each once: pcsc, nfc, usb, phone, soft, not \"pcsc serial\"" },
        { "[readers]\ndrivers = soft soft\n", "mohr.conf:2: \"drivers\" in [readers] wants "
                                              "each once: pcsc, nfc, usb, phone, soft, not \"soft "
                                              "soft\"" },
        { "[relying_parties]\nanchors = x\n",
                "mohr.conf:2: \"anchors\" in [relying_parties] wants an absolute path, not "
                "\"x\"" },
        { "[person]\nscreen = unit:\n", "mohr.conf:2: \"screen\" in [person] wants unit:NAME "
                                        "or program:/PATH, not \"unit:\"" },
        { "[person]\nscreen = program:x\n",
                "mohr.conf:2: \"screen\" in [person] wants unit:NAME or program:/PATH, not "
                "\"program:x\"" },
        { "[history]\nkeep_days = 36501\n", "mohr.conf:2: \"keep_days\" in [history] wants "
                                            "days, 0 (for ever) to 36500, not \"36501\"" },
        { "[history]\nregister = both\n", "mohr.conf:2: \"register\" in [history] wants "
                                          "person or station, not \"both\"" },
        { "[limits]\nwrong_pins = 0\n", "mohr.conf:2: \"wrong_pins\" in [limits] wants "
                                        "entries, 1 to 10, not \"0\"" },
        { "[limits]\npause_s = 86401\n", "mohr.conf:2: \"pause_s\" in [limits] wants "
                                         "seconds, 1 to 86400, not \"86401\"" },
        { "[limits]\napp_per_hour = 1\napp_per_hour = 2\n",
                "mohr.conf:3: \"app_per_hour\" in [limits] is set twice" },
        { "[relay]\nport = 65536\n",
                "mohr.conf:2: \"port\" in [relay] wants a port, 1 to 65535, not \"65536\"" },
        { "[relay]\npin = desk\n",
                "mohr.conf:2: \"pin\" in [relay] wants phone or computer, not \"desk\"" },
        { "[relay]\nname = 12345678901234567890123456789012345678901234567890123456789012345\n",
                "mohr.conf:2: \"name\" in [relay] wants 1 to 64 bytes of text, not "
                "\"1234567890123456789012345678901234567890\"" },
        { "[phone]\ndiscver = no\n", "mohr.conf:2: unknown key \"discver\" in [phone]; known: "
                                     "discover, folder, name" },
        { "[phone]\ndiscover = No\n",
                "mohr.conf:2: \"discover\" in [phone] wants yes or no, not \"No\"" },
        { "[phone]\nfolder = phones\n",
                "mohr.conf:2: \"folder\" in [phone] wants an absolute path, not \"phones\"" },
        { "[phone]\ndiscover2 = no\n", "mohr.conf:2: unknown key \"discover2\" in [phone]; known: "
                                       "discover, folder, name" },
        { "[nfc]\ndevices = x:y\n", "mohr.conf:2: unknown key \"devices\" in [nfc]; known: "
                                    "device, device2, device3 ..." },
        { "[nfc]\ndevice2 = /dev/ttyUSB0\n",
                "mohr.conf:2: \"device2\" in [nfc] wants a board as libnfc names it, "
                "pn532_uart:PATH:SPEED, not \"/dev/ttyUSB0\"" },
        { "[usb]\nx = y\n", "mohr.conf:2: unknown key \"x\" in [usb]; known: nothing" },
        { "[log]\nlevel = loud\n", "mohr.conf:2: \"level\" in [log] wants error, warning, "
                                   "notice, info or debug, not "
                                   "\"loud\"" },
        { "[card]\nunproven = no\n[card]\nunproven = yes\n",
                "mohr.conf:4: \"unproven\" in [card] is set twice" },
        { "[pin]\n\xff\n", "mohr.conf:2: not plain UTF-8 text" },
        { "[pin]\n\x1b[2J\n", "mohr.conf:2: not plain UTF-8 text" },
        { "[pin]\r\n\r\n\x7f\xc3", "mohr.conf:3: not plain UTF-8 text" },
        { "\xEF\xBB\xBF[pin]\n", "mohr.conf:1: begins with a byte order mark: save it without" },
};

static void what_is_wrong_is_said_with_file_and_line(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(wrong_lines); i++) {
                char error[256];
                struct config *config = calloc(1, sizeof *config);
                assert_int_equal(parse(config, wrong_lines[i].text, error), OUTCOME_USAGE);
                assert_string_equal(error, wrong_lines[i].error);
                config_free(config);
        }
}

static void too_much_is_refused(void **state)
{
        char *text = malloc(CONFIG_FILE_MAX + 2), error[256];
        struct config *config = calloc(1, sizeof *config);
        (void)state;
        memset(text, '\n', CONFIG_FILE_MAX + 1);
        assert_int_equal(
                config_parse(config, CONFIG_ROOTS, text, CONFIG_FILE_MAX, "f", error, sizeof error),
                0);
        assert_int_equal(config_parse(config, CONFIG_ROOTS, text, CONFIG_FILE_MAX + 1, "f", error,
                                 sizeof error),
                OUTCOME_USAGE);
        assert_string_equal(error, "f:0: longer than 65536 bytes");
        assert_int_equal(
                config_parse(config, CONFIG_ROOTS, "[pin]\0\n", 7, "f", error, sizeof error),
                OUTCOME_USAGE);
        size_t len = (size_t)snprintf(text, 16, "[soft]\n");
        for (int i = 0; i <= CONFIG_OPTIONS_MAX; i++)
                len += (size_t)snprintf(text + len, 16, "n%d = x\n", i);
        assert_int_equal(config_parse(config, CONFIG_ROOTS, text, len, "f", error, sizeof error),
                OUTCOME_USAGE);
        assert_string_equal(error, "f:34: more than 32 options in [soft]");
        config_free(config);
        free(text);
}

static void option_set_again_replaces(void **state)
{
        char error[256];
        struct config *config = calloc(1, sizeof *config);
        (void)state;
        assert_int_equal(parse(config, "[soft]\npro = 1\nprofile = a\n", error), 0);
        assert_int_equal(parse(config, "[soft]\nprofile = b\n", error), 0);
        assert_string_equal(config->soft[0], "pro=1");
        assert_string_equal(config->soft[1], "profile=b");
        assert_null(config->soft[2]);
        config_free(config);
}

/* --- files, environment, arguments --- */

struct place {
        char dir[64];
};

static void write_file(const struct place *place, const char *name, const char *text)
{
        char path[256];
        snprintf(path, sizeof path, "%s/%s", place->dir, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
}

static void make_dir(const struct place *place, const char *name)
{
        char path[256];
        snprintf(path, sizeof path, "%s/%s", place->dir, name);
        assert_int_equal(mkdir(path, 0700), 0);
}

static int set_up(void **state)
{
        struct place *place = calloc(1, sizeof *place);
        snprintf(place->dir, sizeof place->dir, "/tmp/test-config-XXXXXX");
        if (!mkdtemp(place->dir))
                return -1;
        setenv("XDG_CONFIG_HOME", place->dir, 1);
        setenv("XDG_RUNTIME_DIR", place->dir, 1);
        setenv("XDG_STATE_HOME", place->dir, 1);
        unsetenv("MOHR_SOCKET");
        make_dir(place, "mohr");
        *state = place;
        return 0;
}

static int tear_down(void **state)
{
        static const char *const names[] = { "mohr/conf.d/10-a.conf", "mohr/conf.d/20-b.conf",
                "mohr/conf.d/.hidden.conf", "mohr/conf.d/note.txt", "mohr/conf.d", "mohr/mohr.conf",
                "mohr", "own.conf", "" };
        struct place *place = *state;
        char path[256];
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                snprintf(path, sizeof path, "%s/%s", place->dir, names[i]);
                if (remove(path) < 0 && errno != ENOENT)
                        return -1;
        }
        free(place);
        return 0;
}

static int load(struct config **ret, char *error, ...)
{
        char *argv[10] = { (char *)"mohrd" };
        int argc = 1;
        va_list args;
        va_start(args, error);
        while (argc < 9 && (argv[argc] = va_arg(args, char *)))
                argc++;
        va_end(args);
        error[0] = 0;
        return config_load(ret, argc, argv, error, 256);
}

static void nothing_given_means_defaults(void **state)
{
        struct place *place = *state;
        struct config *config;
        char error[256], expected[128];
        assert_int_equal(load(&config, error, NULL), 0);
        snprintf(expected, sizeof expected, "%s/mohr/mohr.sock", place->dir);
        assert_string_equal(config->socket, expected);
        snprintf(expected, sizeof expected, "%s/mohr", place->dir);
        assert_string_equal(config->state_dir, expected);
        assert_string_equal(config->drivers[0], "pcsc");
        assert_string_equal(config->drivers[1], "phone");
        assert_null(config->drivers[2]);
        assert_string_equal(config->pinentry, "pinentry");
        assert_true(config->pinpad);
        assert_int_equal(config->prompt_timeout_s, 120);
        assert_int_equal(config->card_timeout_ms, 8000);
        assert_int_equal(config->unproven, UNPROVEN_ASK);
        assert_null(config->anchors);
        assert_null(config->relying_anchors);
        assert_null(config->screen);
        assert_int_equal(config->history_keep_days, 0);
        assert_false(config->history_values);
        assert_false(config->history_station);
        assert_int_equal(config->limits.app_per_hour, 60);
        assert_int_equal(config->limits.user_per_hour, 120);
        assert_int_equal(config->limits.wrong_pins, 3);
        assert_int_equal(config->limits.pause_s, 900);
        assert_null(config->rules);
        config_free(config);
}

static void later_sources_win(void **state)
{
        struct place *place = *state;
        struct config *config;
        char error[256];
        make_dir(place, "mohr/conf.d");
        write_file(place, "mohr/mohr.conf",
                "[pin]\npinentry = one\ntimeout_s = 11\n[card]\nunproven = no\n");
        write_file(place, "mohr/conf.d/20-b.conf", "[pin]\npinentry = three\n");
        write_file(place, "mohr/conf.d/10-a.conf", "[pin]\npinentry = two\ntimeout_s = 12\n");
        write_file(place, "mohr/conf.d/.hidden.conf", "nonsense");
        write_file(place, "mohr/conf.d/note.txt", "nonsense");
        setenv("MOHR_SOCKET", "/tmp/from-env", 1);
        assert_int_equal(load(&config, error, NULL), 0);
        assert_string_equal(config->socket, "/tmp/from-env");
        assert_string_equal(config->pinentry, "three");
        assert_int_equal(config->prompt_timeout_s, 12);
        assert_int_equal(config->unproven, UNPROVEN_NO);
        config_free(config);
        assert_int_equal(load(&config, error, "--socket", "/tmp/s", "--driver=soft", "--driver",
                                 "pcsc", NULL),
                0);
        assert_string_equal(config->socket, "/tmp/s");
        assert_string_equal(config->drivers[0], "soft");
        assert_string_equal(config->drivers[1], "pcsc");
        config_free(config);
}

static void named_file_replaces_the_usual_ones(void **state)
{
        struct place *place = *state;
        struct config *config;
        char error[256], path[128];
        write_file(place, "mohr/mohr.conf", "nonsense");
        write_file(place, "own.conf", "[pin]\npinentry = /own\n");
        snprintf(path, sizeof path, "%s/own.conf", place->dir);
        assert_int_equal(load(&config, error, "--config", path, NULL), 0);
        assert_string_equal(config->pinentry, "/own");
        config_free(config);
        assert_int_equal(load(&config, error, "--config", "/nonexistent/f", NULL), OUTCOME_USAGE);
        assert_string_equal(error, "/nonexistent/f: No such file or directory");
        assert_int_equal(load(&config, error, "--config", "/dev/zero", NULL), OUTCOME_USAGE);
        assert_string_equal(error, "/dev/zero: not a file");
        assert_int_equal(load(&config, error, NULL), OUTCOME_USAGE);
        assert_non_null(strstr(error, "/mohr/mohr.conf:1: "));
}

static void a_file_that_others_may_write_is_refused(void **state)
{
        struct place *place = *state;
        struct config *config;
        char error[256], path[128];
        snprintf(path, sizeof path, "%s/mohr/mohr.conf", place->dir);
        write_file(place, "mohr/mohr.conf", "[pin]\npinentry = own\n");
        assert_int_equal(chmod(path, 0666), 0);
        assert_int_equal(load(&config, error, NULL), OUTCOME_USAGE);
        assert_non_null(strstr(error, "/mohr/mohr.conf: everybody may write to it"));
        assert_int_equal(chmod(path, 0664), 0);
        assert_int_equal(load(&config, error, NULL), 0);
        config_free(config);
        if (chown(path, 65534, (gid_t)-1) < 0) /* only root may give files away */
                return;
        assert_int_equal(load(&config, error, NULL), OUTCOME_USAGE);
        assert_non_null(strstr(error, "/mohr/mohr.conf: it belongs to another user"));
}

/* Root's files in a user's folder are the user's; one that is named is root's, if only root can write it. */
static void a_named_file_of_roots_is_roots_word(void **state)
{
        struct place *place = *state;
        struct config *config;
        char error[256], path[128];
        if (geteuid() != 0) /* tests/system/policy.py has the rest */
                return;
        write_file(place, "mohr/mohr.conf", "[history]\nregister = station\n");
        assert_int_equal(load(&config, error, NULL), OUTCOME_USAGE);
        assert_non_null(strstr(error, "may stand only"));
        snprintf(path, sizeof path, "%s/own.conf", place->dir);
        write_file(place, "own.conf", "[history]\nregister = station\n");
        assert_int_equal(chmod(path, 0644), 0);
        assert_int_equal(load(&config, error, "--config", path, NULL), 0);
        assert_true(config->history_station);
        config_free(config);
        assert_int_equal(chmod(path, 0664), 0);
        assert_int_equal(load(&config, error, "--config", path, NULL), OUTCOME_USAGE);
}

static void software_card_options_need_the_driver(void **state)
{
        struct config *config;
        char error[256];
        write_file(*state, "mohr/mohr.conf", "[soft]\nprofile = mav2-cl\n");
        assert_int_equal(load(&config, error, NULL), 0);
        assert_null(config->soft[0]);
        config_free(config);
        assert_int_equal(load(&config, error, "--driver", "soft", NULL), 0);
        assert_string_equal(config->soft[0], "profile=mav2-cl");
        config_free(config);
}

static void wrong_arguments_are_named(void **state)
{
        struct config *config;
        char error[256];
        (void)state;
        assert_int_equal(load(&config, error, "--frob", "1", NULL), OUTCOME_USAGE);
        assert_string_equal(error, "unknown argument \"--frob\"; try --help");
        assert_int_equal(load(&config, error, "--frob", NULL), OUTCOME_USAGE);
        assert_string_equal(error, "unknown argument \"--frob\"; try --help");
        assert_int_equal(load(&config, error, "--socket", NULL), OUTCOME_USAGE);
        assert_string_equal(error, "--socket wants a value; try --help");
        assert_int_equal(load(&config, error, "--driver", "serial", NULL), OUTCOME_USAGE);
        assert_string_equal(error, "--driver serial: each once: pcsc, nfc, usb, phone, soft");
        assert_int_equal(
                load(&config, error, "--driver", "soft", "--driver", "soft", NULL), OUTCOME_USAGE);
}

static void a_device_handed_over_is_an_open_descriptor(void **state)
{
        static const char *const wrong[] = { "0", "2", "x", "5x", "", "-1", "60000",
                "99999999999999999999", "3 " };
        struct config *config;
        char error[256], number[16];
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
                assert_int_equal(load(&config, error, "--usb-fd", wrong[i], NULL), OUTCOME_USAGE);
        int fd = dup(2);
        snprintf(number, sizeof number, "%d", fd);
        assert_int_equal(load(&config, error, "--usb-fd", number, "--driver", "usb", NULL), 0);
        assert_int_equal(config->usb_fd, fd);
        assert_string_equal(config->drivers[0], "usb");
        assert_null(config->drivers[1]);
        config_free(config);
        assert_int_equal(load(&config, error, "--usb-fd", number, NULL), 0);
        assert_string_equal(config->drivers[2], "usb");
        config_free(config);
        close(fd);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void a_reader_that_nobody_looks_for_is_named_with_its_driver(void **state)
{
        static const char *const wrong[] = { "pcsc=x", "soft=x", "usb=", "us=x" };
        struct config *config;
        char error[256];
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
                assert_int_equal(load(&config, error, "--driver", wrong[i], NULL), OUTCOME_USAGE);
        assert_int_equal(load(&config, error, "--driver", "nfc=pn532_uart:/dev/ttyS0", "--driver",
                                 "usb", NULL),
                0);
        assert_string_equal(config->drivers[0], "nfc");
        assert_string_equal(config_at(config, "nfc"), "pn532_uart:/dev/ttyS0");
        assert_null(config_at(config, "usb"));
        config_free(config);
}

static void a_relay_listens_where_it_always_does_unless_told_otherwise(void **state)
{
        struct config *config = NULL;
        char error[256];
        (void)state;
        assert_int_equal(load(&config, error, NULL), 0);
        assert_int_equal(config->relay.port, 46647);
        assert_true(config->relay.publish && !config->relay.anywhere);
        assert_int_equal(config->relay.pin, RELAY_PIN_ANY);
        assert_int_equal(parse(config,
                                 "[relay]\nname = Counter\nport = 1\nlisten = ::1\nanywhere = yes\n"
                                 "publish = no\npin = computer\n",
                                 error),
                0);
        assert_string_equal(config->relay.name, "Counter");
        assert_string_equal(config->relay.address, "::1");
        assert_int_equal(config->relay.port, 1);
        assert_true(!config->relay.publish && config->relay.anywhere);
        assert_int_equal(config->relay.pin, RELAY_PIN_THERE);
        config_free(config);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_key_is_taken),
                cmocka_unit_test(what_came_with_persons_is_taken),
                cmocka_unit_test(what_is_roots_stands_in_no_file_of_the_users),
                cmocka_unit_test(what_root_has_settled_no_file_of_the_users_changes),
                cmocka_unit_test(a_users_limit_counts_where_it_is_stricter),
                cmocka_unit_test(what_is_wrong_is_said_with_file_and_line),
                cmocka_unit_test(too_much_is_refused),
                cmocka_unit_test(option_set_again_replaces),
                IN_PLACE(nothing_given_means_defaults),
                IN_PLACE(later_sources_win),
                IN_PLACE(named_file_replaces_the_usual_ones),
                IN_PLACE(a_file_that_others_may_write_is_refused),
                IN_PLACE(a_named_file_of_roots_is_roots_word),
                IN_PLACE(software_card_options_need_the_driver),
                IN_PLACE(wrong_arguments_are_named),
                IN_PLACE(a_device_handed_over_is_an_open_descriptor),
                cmocka_unit_test(a_reader_that_nobody_looks_for_is_named_with_its_driver),
                cmocka_unit_test(a_relay_listens_where_it_always_does_unless_told_otherwise),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
