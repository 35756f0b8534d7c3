/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy.c: what a rule matches, what it refuses to be, which of two lists decides; and, over thousands of random
 * rules and questions, that nothing in a user's file ever loosens a decision.
 */
#include "base/outcome.h"
#include "daemon/audience.h"
#include "daemon/config.h"
#include "daemon/limits.h"
#include "daemon/policy_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define KEY   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PLACE "below /etc/mohr that is root's and only root can write"

static int lay(struct config *config, enum config_origin origin, const char *text, char *error)
{
        error[0] = 0;
        return config_parse(config, origin, text, strlen(text),
                origin == CONFIG_ROOTS ? "root.conf" : "own.conf", error, 512);
}

/* Both lists; NULL is none. */
static struct config *configured(const char *roots, const char *users)
{
        struct config *config = calloc(1, sizeof *config);
        char error[512];
        assert_non_null(config);
        config->limits = limits_initial;
        assert_int_equal(lay(config, CONFIG_ROOTS, roots ? roots : "", error), 0);
        assert_int_equal(lay(config, CONFIG_USERS, users ? users : "", error), 0);
        return config;
}

static const struct peer bank_app = { .uid = 1000,
        .pid = 7,
        .executable = "/app/bin/bank",
        .flatpak = "org.bank.App",
        .unit = "app-org.bank.App-7.scope" };
static const struct peer kiosk = {
        .uid = 1000, .executable = "/usr/bin/kiosk", .unit = "kiosk.service", .system_unit = true
};
static const struct peer pretender = {
        .uid = 1000, .executable = "/home/u/kiosk", .unit = "kiosk.service"
};
static const struct peer script = {
        .uid = 1000, .executable = "/usr/bin/python3.11", .script = "/opt/counter.py"
};
static const struct peer nobody = { .uid = 1000 };

static struct policy_question asked_by(const struct peer *peer)
{
        return (struct policy_question){ .peer = peer,
                .audience = "https://bank.example",
                .purpose = "Opening an account",
                .required = CLAIM_CARD_EXPIRY,
                .optional = CLAIM_READER | CLAIM_STATION };
}

static struct policy_decision decide(const struct config *config, struct policy_question question)
{
        struct policy_decision decision;
        policy_decide(config, &question, &decision);
        return decision;
}

/* ---- what a rule matches ------------------------------------------------------------------- */

static bool matches(const char *key, const char *value, const struct policy_question *question)
{
        char text[1024];
        snprintf(text, sizeof text, "[rule one]\n%s%s = %s\nconsent = refuse\n",
                strcmp(key, "who") == 0 ? "" : "who = any\n", key, value);
        struct config *config = configured(text, NULL);
        bool refused = decide(config, *question).consent == POLICY_REFUSE;
        config_free(config);
        return refused;
}

/* The same, of a rule that lets through what it matches. */
static bool allows(const char *key, const char *value, const struct policy_question *question)
{
        char text[1024];
        snprintf(text, sizeof text,
                "[rule one]\nwho = any\nconsent = ask\n%s = %s\n[rule rest]\nwho = any\nconsent = "
                "refuse\n",
                key, value);
        struct config *config = configured(text, NULL);
        bool asked = decide(config, *question).consent == POLICY_ASK;
        config_free(config);
        return asked;
}

static void who_is_matched_by_what_the_peer_is(void **state)
{
        static const struct {
                const struct peer *peer;
                const char *who;
                bool match;
        } cases[] = {
                { &nobody, "any", true },
                { &bank_app, "flatpak:org.bank.App", true },
                { &bank_app, "flatpak:org.bank.*", true },
                { &bank_app, "flatpak:*", true },
                { &bank_app, "flatpak:org.bank", false },
                { &bank_app, "flatpak:org.bank.App2", false },
                { &bank_app, "program:/app/bin/bank", false }, /* a path of its own making */
                { &bank_app, "unit:app-org.bank.App-7.scope", true },
                { &kiosk, "program:/usr/bin/kiosk", true },
                { &kiosk, "program:/usr/bin/*", true },
                { &kiosk, "program:/usr/bin", false },
                { &kiosk, "unit:kiosk.service", true },
                { &pretender, "unit:kiosk.service", true }, /* for a refusal */
                { &kiosk, "flatpak:*", false },
                { &script, "program:/usr/bin/python3*", false },
                { &script, "script:/usr/bin/python3.11 /opt/counter.py", true },
                { &script, "script:/usr/bin/python3*", true },
                { &script, "script:/usr/bin/python3.11", false },
                { &script, "script:/opt/counter.py", false },
                { &nobody, "program:/*", false },
                { &nobody, "unit:*", false },
                { &nobody, "organization:Bank", false },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct policy_question question = asked_by(cases[i].peer);
                if (matches("who", cases[i].who, &question) != cases[i].match)
                        fail_msg("%s", cases[i].who);
        }
}

static void an_organization_counts_only_when_it_was_verified(void **state)
{
        struct policy_question question = asked_by(&bank_app);
        (void)state;
        assert_false(matches("who", "organization:Bank of Examples", &question));
        assert_false(matches("who", "organization_key:" KEY, &question));
        question.organization = "Bank of Examples";
        question.organization_key = KEY;
        assert_true(matches("who", "organization:Bank of Examples", &question));
        assert_true(matches("who", "organization:Bank*", &question));
        assert_false(matches("who", "organization:bank of examples", &question));
        assert_true(matches("who", "organization_key:" KEY, &question));
}

static void an_audience_matches_to_the_end_of_its_host_or_beyond(void **state)
{
        static const struct {
                const char *pattern, *audience;
                bool match;
        } cases[] = {
                { "https://bank.example", "https://bank.example", true },
                { "https://bank.example", "https://bank.example/", false },
                { "https://bank.example", "https://bank.example.evil.example", false },
                { "https://bank.example/*", "https://bank.example", true },
                { "https://bank.example/*", "https://bank.example/", true },
                { "https://bank.example/*", "https://bank.example/a/b?c", true },
                { "https://bank.example/*", "https://bank.example.evil.example", false },
                { "https://bank.example/*", "https://bank.example.evil.example/", false },
                { "https://bank.example/*", "https://bank.example:8443/", false },
                { "https://bank.example/*", "https://bank.example@evil.example/", false },
                { "https://bank.example/*", "https://bank.example%2eevil.example/", false },
                { "https://bank.example/*", "https://bank.example%2f.evil.example/", false },
                { "https://bank.example/*", "https://evil.example/https://bank.example/", false },
                { "https://bank.example/*", "https://evil.example?https://bank.example/", false },
                { "https://bank.example/*", "https://evil.example#https://bank.example/", false },
                { "https://bank.example/*", "https://xn--bank-eka.example/", false },
                { "https://bank.example/*", "https://www.bank.example/", false },
                { "https://bank.example/*", "https://BANK.example/", false },
                { "https://bank.example/a/*", "https://bank.example/a/../b", false },
                { "https://bank.example/a/*", "https://bank.example/a/..", false },
                { "https://bank.example/*", "http://bank.example/", false },
                { "https://bank.example/*", "https://bank.exampl", false },
                { "https://bank.example/app*", "https://bank.example/application", true },
                { "https://bank.example/app*", "https://bank.example", false },
                { "urn:bank:*", "urn:bank:loans", true },
                { "urn:bank:*", "urn:bankrupt", false },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct policy_question question = asked_by(&nobody);
                question.audience = cases[i].audience;
                if (allows("audience", cases[i].pattern, &question) != cases[i].match)
                        fail_msg("%s of %s", cases[i].audience, cases[i].pattern);
        }
}

/* Other spellings of https://bank.example/login. */
static const char *const spellings[] = { "https://BANK.example/login", "HTTPS://bank.example/login",
        "https://bank.example./login", "https://bank.example:443/login",
        "https://bank.example:/login", "https://bank.example:00443/login",
        "https://me@bank.example/login", "https://me:x@y@bank.example/login",
        "https://b%61nk%2Eexample/login", "https://bank.example/%6cogin",
        "https://bank.example/./login", "https://bank.example/a/../login",
        "https://bank.example/%2e%2E/login" };

/* A refusal is not got round, and a yes not come by. */
static void another_spelling_of_an_audience_is_judged_as_both(void **state)
{
        struct config *closed = configured("[rule closed]\nwho = any\n"
                                           "audience = https://bank.example/login\n"
                                           "consent = refuse\n",
                              NULL),
                      *open = configured("[rule open]\nwho = flatpak:*\n"
                                         "audience = https://bank.example/login\n"
                                         "claims = card_expiry\n"
                                         "[rule rest]\nwho = any\nconsent = refuse\n",
                              "[rule mine]\nwho = any\naudience = HTTPS://bank.example/*\n"
                              "simulated = no\n");
        struct policy_question question = asked_by(&bank_app);
        (void)state;
        question.audience = "https://bank.example/login";
        assert_int_equal(decide(closed, question).consent, POLICY_REFUSE);
        assert_int_equal(decide(open, question).consent, POLICY_ASK);
        assert_true(decide(open, question).no_simulated); /* the rule's own spelling, too */
        for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
                question.audience = spellings[i];
                struct policy_decision d = decide(closed, question);
                if (d.consent != POLICY_REFUSE || strcmp(d.rule, "closed") != 0 || !d.detail)
                        fail_msg("%s gets round a refusal", spellings[i]);
                if (decide(open, question).consent != POLICY_REFUSE)
                        fail_msg("%s comes by a yes", spellings[i]);
        }
        config_free(closed);
        config_free(open);
}

static void an_address_has_one_plain_spelling(void **state)
{
        static const struct {
                const char *uri, *plain;
        } cases[] = {
                { "https://bank.example", "https://bank.example/" },
                { "https://bank.example?x=%41%2f", "https://bank.example/?x=A%2F" },
                { "https://bank.example#A", "https://bank.example/#A" },
                { "http://bank.example:80", "http://bank.example/" },
                { "https://bank.example:80", "https://bank.example:80/" },
                { "https://[2001:DB8::1]:443", "https://[2001:db8::1]/" },
                { "https://[2001:db8::443]", "https://[2001:db8::443]/" },
                { "https://h/a/../../b/./c/..", "https://h/b/" },
                { "https://h/a//../b", "https://h/a/b" },
                { "https://h/...", "https://h/..." },
                { "https://h:443:", "https://h%3A443/" },
                { "https://[::1", "https://[%3A:1/" },
                { "https://h/%4%31%", "https://h/%2541%25" },
                { "https://", "https:///" },
                { "https://.", "https:///" },
                { "URN:Bank:Loans", "urn:bank:Loans" },
                { "urn:bank", "urn:bank" },
                { "App:%41", "app:A" },
                { "x:", "x:" },
        };
        char plain[AUDIENCE_PLAIN_MAX];
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                audience_plain(plain, cases[i].uri);
                assert_string_equal(plain, cases[i].plain);
                audience_plain(plain, cases[i].plain);
                assert_string_equal(plain, cases[i].plain);
        }
        for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
                audience_plain(plain, spellings[i]);
                assert_string_equal(plain, "https://bank.example/login");
        }
}

static void a_purpose_matches_exactly(void **state)
{
        struct policy_question question = asked_by(&nobody);
        (void)state;
        assert_true(matches("purpose", "Opening an account", &question));
        assert_false(matches("purpose", "Opening an account*", &question));
        assert_false(matches("purpose", "Opening", &question));
        question.purpose = NULL;
        assert_false(matches("purpose", "Opening an account", &question));
}

static void a_rule_speaks_of_what_it_is_for(void **state)
{
        struct policy_question question = asked_by(&nobody);
        (void)state;
        assert_true(matches("for", "assertions", &question));
        assert_true(matches("for", "keys assertions", &question));
        assert_false(matches("for", "documents keys", &question));
        question.work = POLICY_DOCUMENT;
        question.audience = NULL;
        assert_true(matches("for", "documents", &question));
        assert_false(matches("for", "assertions", &question));
        assert_false(matches("audience", "https://bank.example/*", &question));
        question.work = POLICY_PINS;
        assert_true(matches("for", "documents pins", &question));
        assert_false(matches("for", "assertions documents keys", &question));
        assert_true(matches("who", "any", &question)); /* "and nothing else" is that */
}

/* ---- what a rule must not be --------------------------------------------------------------- */

#define RULE "[rule r]\nwho = any\n"

static const struct {
        const char *text, *error;
} wrong[] = {
        { "[rule]\n", "root.conf:1: a rule is written [rule NAME], its name of at most 64 "
                      "of A-Z, a-z, 0-9, ., _ and -" },
        { "[rule a b]\n", "root.conf:1: a rule is written [rule NAME]" },
        { "[rule " KEY "x]\n", "root.conf:1: a rule is written [rule NAME]" },
        { "[rules x]\n", "root.conf:1: unknown section [rules x]; known: " },
        { "[rule r]\nconsent = ask\n", "root.conf:1: [rule r] does not say who (any, if so)" },
        { RULE "audience = https://bank.example/*\nfor = keys\npurpose = x\n",
                "root.conf:1: [rule r] does not say what holds then (consent = ask, if no more)" },
        { RULE "[pin]\n", "root.conf:1: [rule r] does not say what holds then" },
        { "[rule r]\n[pin]\n", "root.conf:1: [rule r] does not say who" },
        { RULE "consent = ask\n" RULE, "root.conf:4: [rule r] is there already: root.conf:1" },
        { RULE "colour = red\n", "root.conf:3: unknown key \"colour\" in [rule r]; known: "
                                 "who, for, audience, purpose, claims, consent, pinpad, "
                                 "simulated, assurance, app_per_hour, user_per_hour, wrong_pins, "
                                 "pause_s" },
        { RULE "for = documents everything\n", "root.conf:3: \"for\" in [rule r] wants assertions, "
                                               "documents, keys or pins, each once" },
        { RULE "for = keys keys\n", "root.conf:3: \"for\" in [rule r] wants" },
        { RULE "consent = ask\nconsent = refuse\n",
                "root.conf:4: \"consent\" in [rule r] is set twice" },
        { RULE "assurance = high\n",
                "root.conf:3: \"assurance\" in [rule r] wants bronze, silver, gold "
                "or platinum, not \"high\"" },
        { RULE "consent = maybe\n", "root.conf:3: \"consent\" in [rule r] wants ask, grant "
                                    "or refuse, not \"maybe\"" },
        { RULE "who = everybody\n", "root.conf:3: \"who\" in [rule r] wants any, "
                                    "organization:NAME, organization_key:HEX, flatpak:ID, "
                                    "snap:NAME.APP, unit:NAME, program:/PATH or "
                                    "script:/INTERPRETER FILE, not \"everybody\"" },
        { RULE "who = program:bin/x\n", "root.conf:3: \"who\" in [rule r] wants an "
                                        "absolute path behind program: and script:" },
        { RULE "who = flatpak:\n",
                "root.conf:3: \"who\" in [rule r] wants a name right behind the colon" },
        { RULE "who = flatpak: x\n",
                "root.conf:3: \"who\" in [rule r] wants a name right behind the colon" },
        { RULE "who = flatpak:org.*.App\n",
                "root.conf:3: \"who\" in [rule r] wants a * at the end only" },
        { RULE "who = organization_key:abc\n",
                "root.conf:3: \"who\" in [rule r] wants 64 hexadecimal digits" },
        { RULE "who = organization_key:*\n",
                "root.conf:3: \"who\" in [rule r] wants 64 hexadecimal digits" },
        { RULE "audience = bank\n", "root.conf:3: \"audience\" in [rule r] wants a URI" },
        { RULE "audience = *\n", "root.conf:3: \"audience\" in [rule r] wants a URI" },
        { RULE "audience = https://*.example/\n",
                "root.conf:3: \"audience\" in [rule r] wants a URI, with a * at the end "
                "only, not \"https://*.example/\"" },
        { RULE "audience = https://bank.example*\n",
                "root.conf:3: \"audience\" in [rule r] wants the * behind the host's /, as "
                "in https://bank.example/*, not \"https://bank.example*\"" },
        { RULE "audience = https://bank.example:*\n",
                "root.conf:3: \"audience\" in [rule r] wants the * behind the host's /" },
        { RULE "audience = https://*\n",
                "root.conf:3: \"audience\" in [rule r] wants the * behind the host's /" },
        { RULE "audience = https:///*\n",
                "root.conf:3: \"audience\" in [rule r] wants the * behind the host's /" },
        { RULE "audience = urn:bank*\n",
                "root.conf:3: \"audience\" in [rule r] wants the * behind the host's /" },
        { RULE "audience = https:*\n", "root.conf:3: \"audience\" in [rule r] wants a "
                                       "URI" },
        { RULE "claims = name\n", "root.conf:3: \"claims\" in [rule r] wants none, or of "
                                  "card_generation, card_expiry, reader, station each "
                                  "once, not \"name\"" },
        { RULE "claims = reader reader\n", "root.conf:3: \"claims\" in [rule r] wants" },
        { RULE "claims = none reader\n", "root.conf:3: \"claims\" in [rule r] wants" },
        { RULE "pinpad = 1\n", "root.conf:3: \"pinpad\" in [rule r] wants yes or no" },
        { RULE "app_per_hour = 0\n", "root.conf:3: \"app_per_hour\" in [rule r] wants "
                                     "requests, 1 to 100000, not \"0\"" },
        { RULE "wrong_pins = 11\n", "root.conf:3: \"wrong_pins\" in [rule r] wants "
                                    "entries, 1 to 10, not \"11\"" },
};

static void what_could_be_misread_is_refused(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
                struct config *config = calloc(1, sizeof *config);
                char error[512];
                assert_int_equal(lay(config, CONFIG_ROOTS, wrong[i].text, error), OUTCOME_USAGE);
                if (strncmp(error, wrong[i].error, strlen(wrong[i].error)) != 0)
                        assert_string_equal(error, wrong[i].error);
                config_free(config);
        }
}

static void a_grant_is_never_keyed_to_a_path(void **state)
{
        static const struct {
                const char *who;
                bool good;
        } cases[] = { { "flatpak:org.bank.App", true }, { "snap:bank.app", true },
                { "unit:kiosk.service", true }, { "organization:Bank", true },
                { "organization_key:" KEY, true }, { "any", false },
                { "program:/usr/bin/bank", false }, { "program:/usr/bin/python3", false },
                { "script:/opt/x.py", false }, { "flatpak:*", false }, { "unit:kiosk*", false } };
        char text[256], error[512];
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct config *config = calloc(1, sizeof *config);
                snprintf(text, sizeof text, "[rule r]\nconsent = grant\nwho = snap:x.y\nwho = %s\n",
                        cases[i].who);
                int r = lay(config, CONFIG_ROOTS, text, error);
                assert_int_equal(r, cases[i].good ? 0 : OUTCOME_USAGE);
                assert_true(r == 0 || strstr(error, "\"consent = grant\" in [rule r] is "
                                                    "for "));
                config_free(config);
        }
}

static void only_root_can_grant(void **state)
{
        struct config *config = calloc(1, sizeof *config);
        char error[512];
        (void)state;
        assert_int_equal(
                lay(config, CONFIG_USERS, "[rule r]\nwho = flatpak:a.b\nconsent = grant\n", error),
                OUTCOME_USAGE);
        assert_string_equal(error, "own.conf:1: \"consent = grant\" in [rule r] may "
                                   "stand only in a file " PLACE);
        config_free(config);
}

static void there_is_a_bound_to_rules_and_values(void **state)
{
        char text[8192], error[512];
        size_t len = 0;
        struct config *config = calloc(1, sizeof *config);
        (void)state;
        for (int i = 0; i < RULES_MAX; i++)
                len += (size_t)snprintf(
                        text + len, sizeof text - len, "[rule n%d]\nwho=any\npinpad=no\n", i);
        assert_int_equal(lay(config, CONFIG_USERS, text, error), 0);
        assert_int_equal(lay(config, CONFIG_USERS, "[rule more]\nwho = any\npinpad = no\n", error),
                OUTCOME_USAGE);
        assert_string_equal(error, "own.conf:1: more than 64 rules");
        assert_int_equal(lay(config, CONFIG_ROOTS, text, error), 0); /* counted by themselves */
        config_free(config);
        config = calloc(1, sizeof *config);
        len = (size_t)snprintf(text, sizeof text, "[rule n]\n");
        for (int i = 0; i <= RULE_VALUES_MAX; i++)
                len += (size_t)snprintf(text + len, sizeof text - len, "who = flatpak:n%d\n", i);
        assert_int_equal(lay(config, CONFIG_ROOTS, text, error), OUTCOME_USAGE);
        assert_string_equal(error, "root.conf:18: \"who\" in [rule n] wants 16 values at most, "
                                   "not \"flatpak:n16\"");
        config_free(config);
}

/* ---- decisions ----------------------------------------------------------------------------- */

static void without_a_rule_everything_is_asked(void **state)
{
        struct config *config = configured(NULL, NULL);
        struct policy_decision d = decide(config, asked_by(&nobody));
        (void)state;
        assert_int_equal(d.consent, POLICY_ASK);
        assert_int_equal(d.required, CLAIM_CARD_EXPIRY);
        assert_int_equal(d.optional, CLAIM_READER | CLAIM_STATION);
        assert_int_equal(d.over, CLAIMS_NONE);
        assert_false(d.pinpad || d.no_simulated);
        assert_int_equal(d.app_per_hour, 60);
        assert_int_equal(d.user_per_hour, 120);
        assert_int_equal(d.wrong_pins, 3);
        assert_int_equal(d.pause_s, 900);
        assert_null(d.rule);
        assert_null(d.detail);
        config_free(config);
}

static void the_first_rule_that_matches_decides(void **state)
{
        struct config *config = configured("[rule bank]\nwho = flatpak:org.bank.App\nconsent = "
                                           "grant\npinpad = yes\napp_per_hour = 500\n"
                                           "[rule rest]\nwho = any\nconsent = refuse\n",
                NULL);
        struct policy_decision d = decide(config, asked_by(&bank_app));
        (void)state;
        assert_int_equal(d.consent, POLICY_GRANT);
        assert_string_equal(d.rule, "bank");
        assert_true(d.pinpad);
        assert_int_equal(d.app_per_hour, 500);
        assert_int_equal(d.user_per_hour, 120);
        d = decide(config, asked_by(&kiosk));
        assert_int_equal(d.consent, POLICY_REFUSE);
        assert_string_equal(d.rule, "rest");
        assert_string_equal(d.detail, "a rule refuses this");
        config_free(config);
}

static const char *behind(const char *text)
{
        static char name[RULE_NAME_MAX + 1];
        struct config *config = configured(text, NULL);
        const struct rule *last = config->rules, *first;
        while (last->next)
                last = last->next;
        first = rule_behind(config, last);
        snprintf(name, sizeof name, "%s", first ? first->name : "none");
        config_free(config);
        return name;
}

/* Only what is sure: it is told to people as that. */
static void a_rule_that_never_counts_is_known(void **state)
{
        static const struct {
                const char *first, *last, *behind;
        } cases[] = {
                { "who = any\n", "who = any\n", "first" },
                { "who = any\n", "who = flatpak:x\nfor = pins\npurpose = y\n", "first" },
                { "who = flatpak:*\n", "who = flatpak:x.*\nwho = flatpak:y\n", "first" },
                { "who = flatpak:*\n", "who = flatpak:x\nwho = snap:y\n", "none" },
                { "who = flatpak:x\nwho = snap:*\n", "who = snap:y\nwho = flatpak:x\n", "first" },
                { "who = flatpak:x\n", "who = any\n", "none" },
                { "who = any\nfor = keys\n", "who = any\n", "none" },
                { "who = any\nfor = keys pins\n", "who = any\nfor = pins\n", "first" },
                { "who = any\nfor = keys\n", "who = any\nfor = keys pins\n", "none" },
                { "who = any\npurpose = a\n", "who = any\n", "none" },
                { "who = any\npurpose = a\npurpose = b\n", "who = any\npurpose = b\n", "first" },
                { "who = any\naudience = https://h/*\n", "who = any\naudience = https://h\n",
                        "first" },
                { "who = any\naudience = https://h/*\n", "who = any\naudience = https://h/a*\n",
                        "first" },
                { "who = any\naudience = https://h/a\n", "who = any\naudience = https://h/a*\n",
                        "none" },
                { "who = any\naudience = https://h/a*\n",
                        "who = any\naudience = https://h/a/../b\n", "none" },
                { "who = any\naudience = https://h/*\n", "who = any\n", "none" },
        };
        char text[512];
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                snprintf(text, sizeof text,
                        "[rule first]\nconsent = ask\n%s[rule last]\nconsent = refuse\n%s",
                        cases[i].first, cases[i].last);
                if (strcmp(behind(text), cases[i].behind) != 0)
                        fail_msg("%s", text);
        }
        assert_string_equal(behind("[rule first]\nwho = unit:x.service\nconsent = grant\n"
                                   "[rule last]\nwho = unit:x.service\nconsent = refuse\n"),
                "none"); /* it is for the units that are not granted anything */
}

static void a_unit_of_the_users_own_manager_is_granted_nothing(void **state)
{
        struct config *config =
                configured("[rule kiosk]\nwho = unit:kiosk.service\nconsent = grant\n", NULL);
        (void)state;
        assert_int_equal(decide(config, asked_by(&kiosk)).consent, POLICY_GRANT);
        assert_int_equal(decide(config, asked_by(&pretender)).consent, POLICY_ASK);
        assert_null(decide(config, asked_by(&pretender)).rule);
        config_free(config);
}

/* What one citizen allowed at a counter is not what the next one did. */
static void a_station_grants_nothing(void **state)
{
        (void)state;
        for (int station = 0; station < 2; station++) {
                struct config *config = configured("[rule bank]\nwho = flatpak:org.bank.App\n"
                                                   "consent = grant\n",
                        NULL);
                config->history_station = station == 1;
                struct policy_decision d = decide(config, asked_by(&bank_app));
                assert_int_equal(d.consent, station ? POLICY_ASK : POLICY_GRANT);
                assert_string_equal(d.rule, "bank");
                config_free(config);
        }
}

static void a_claim_that_no_rule_allows_is_left_out_or_refused(void **state)
{
        struct config *config = configured("[rule all]\nwho = any\nclaims = card_expiry reader\n",
                "[rule mine]\nwho = any\nclaims = card_expiry station\n");
        struct policy_question question = asked_by(&nobody);
        (void)state;
        struct policy_decision d = decide(config, question);
        assert_int_equal(d.consent, POLICY_ASK);
        assert_int_equal(d.required, CLAIM_CARD_EXPIRY);
        assert_int_equal(d.optional, CLAIMS_NONE);
        question.required |= CLAIM_READER;
        d = decide(config, question);
        assert_int_equal(d.consent, POLICY_REFUSE);
        assert_int_equal(d.over, CLAIM_READER);
        assert_string_equal(d.detail, "a claim is required that no rule allows");
        assert_string_equal(d.rule, "mine");
        config_free(config);
}

static void the_user_may_forbid(void **state)
{
        struct config *config = configured(
                "[limits]\napp_per_hour = 30\npause_s = 60\n"
                "[rule bank]\nwho = flatpak:org.bank.App\nconsent = grant\nwrong_pins = 5\n",
                "[limits]\napp_per_hour = 50\nuser_per_hour = 7\npause_s = 30\n"
                "[rule r]\nwho = flatpak:*\nconsent = ask\nsimulated = no\nwrong_pins = 2\n"
                "[rule s]\nwho = any\nconsent = refuse\n");
        struct policy_decision d = decide(config, asked_by(&bank_app));
        (void)state;
        assert_int_equal(d.consent, POLICY_ASK);
        assert_string_equal(d.rule, "r");
        assert_true(d.no_simulated);
        assert_int_equal(d.app_per_hour, 30);
        assert_int_equal(d.user_per_hour, 7);
        assert_int_equal(d.wrong_pins, 2);
        assert_int_equal(d.pause_s, 60);
        assert_int_equal(decide(config, asked_by(&kiosk)).consent, POLICY_REFUSE);
        config_free(config);
}

static void a_users_rule_that_leaves_consent_out_changes_nothing_about_it(void **state)
{
        struct config *config =
                configured("[rule bank]\nwho = flatpak:org.bank.App\nconsent = grant\n",
                        "[rule mine]\nwho = any\nclaims = none\n");
        struct policy_question question = asked_by(&bank_app);
        (void)state;
        question.required = CLAIMS_NONE;
        struct policy_decision d = decide(config, question);
        assert_int_equal(d.consent, POLICY_GRANT);
        assert_string_equal(d.rule, "bank");
        assert_int_equal(d.optional, CLAIMS_NONE);
        config_free(config);
}

/* ---- nothing a user writes loosens --------------------------------------------------------- */

static uint32_t next(uint32_t *seed)
{
        *seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
        return *seed >> 8;
}

static const char *pick(uint32_t *seed, const char *const *of, size_t count)
{
        return of[next(seed) % count];
}

#define PICK(seed, array) pick(seed, array, ARRAY_LEN(array))

static void random_rule(uint32_t *seed, int number, bool roots, char *dst, size_t cap)
{
        static const char *const plain[] = { "any", "flatpak:org.bank.App", "flatpak:*",
                "unit:kiosk.service", "program:/usr/bin/*", "script:/usr/bin/python3*",
                "organization:Bank" };
        static const char *const grantable[] = { "flatpak:org.bank.App", "unit:kiosk.service",
                "organization:Bank", "snap:a.b" };
        static const char *const lines[] = { "audience = https://bank.example/*\n",
                "audience = urn:x:y\n", "for = keys documents\n", "for = assertions pins\n",
                "purpose = Opening an account\n", "claims = none\n", "claims = card_expiry\n",
                "claims = reader station card_expiry\n", "pinpad = yes\n", "pinpad = no\n",
                "simulated = no\n", "simulated = yes\n", "assurance = gold\n",
                "assurance = bronze\n", "consent = ask\n", "consent = refuse\n",
                "app_per_hour = 5\n", "app_per_hour = 5000\n", "user_per_hour = 100000\n",
                "user_per_hour = 1\n", "wrong_pins = 10\n", "wrong_pins = 1\n", "pause_s = 1\n",
                "pause_s = 86400\n" };
        static const size_t groups[] = { 0, 2, 4, 5, 8, 10, 12, 14, 16, 18, 20, 22,
                ARRAY_LEN(lines) };
        bool grant = roots && next(seed) % 3 == 0;
        size_t len = (size_t)snprintf(dst, cap, "[rule n%d]\nwho = %s\n%s", number,
                grant ? PICK(seed, grantable) : PICK(seed, plain),
                grant ? "consent = grant\n" : "");
        bool says =
                grant; /* anything besides when it matches: each rule does, the last group if no other */
        for (size_t g = 0; g + 1 < ARRAY_LEN(groups); g++) {
                bool must = !says && g + 2 == ARRAY_LEN(groups);
                if ((next(seed) % 3 != 0 && !must) || (grant && groups[g] == 14))
                        continue;
                says |= groups[g] >= 5;
                len += (size_t)snprintf(dst + len, cap - len, "%s",
                        lines[groups[g] + next(seed) % (groups[g + 1] - groups[g])]);
        }
}

static void random_list(uint32_t *seed, bool roots, unsigned int count, char *dst, size_t cap)
{
        static const char *const sections[] = { "", "[limits]\napp_per_hour = 4\npause_s = 4000\n",
                "[limits]\nuser_per_hour = 90000\nwrong_pins = 9\n" };
        size_t len = (size_t)snprintf(dst, cap, "%s", PICK(seed, sections));
        for (unsigned int i = 0; i < count; i++) {
                random_rule(seed, (int)i, roots, dst + len, cap - len);
                len += strlen(dst + len);
        }
}

static struct policy_question random_question(uint32_t *seed)
{
        static const struct peer *const peers[] = { &bank_app, &kiosk, &pretender, &script,
                &nobody };
        static const char *const audiences[] = { "https://bank.example", "https://bank.example/x",
                "urn:x:y", "https://bank.example.evil.example", "HTTPS://bank.example:443/x" };
        struct policy_question question = asked_by(peers[next(seed) % ARRAY_LEN(peers)]);
        question.work = (enum policy_work)(next(seed) % POLICY_WORKS);
        question.audience = question.work == POLICY_ASSERT ? PICK(seed, audiences) : NULL;
        question.organization = next(seed) % 2 ? "Bank" : NULL;
        question.purpose = next(seed) % 2 ? question.purpose : NULL;
        question.required = (claimset)(next(seed) & CLAIMS_ALL);
        question.optional = (claimset)(next(seed) & CLAIMS_ALL & (uint32_t)~question.required);
        return question;
}

static struct limits limits_of(const struct policy_decision *d)
{
        return (struct limits){ d->app_per_hour, d->user_per_hour, d->wrong_pins, d->pause_s };
}

static bool is_looser(const struct policy_decision *a, const struct policy_decision *b)
{
        const struct limits of_a = limits_of(a), of_b = limits_of(b);
        return a->consent < b->consent || a->required & ~b->required ||
               a->optional & ~b->optional || (!a->pinpad && b->pinpad) ||
               (!a->no_simulated && b->no_simulated) || a->assurance < b->assurance ||
               limits_looser(&of_a, &of_b);
}

/* What no decision may ever be. */
static void check_whole(const struct policy_decision *d, const struct policy_question *question)
{
        assert_int_equal(d->required | d->over, question->required);
        assert_int_equal(d->required & d->over, CLAIMS_NONE);
        assert_int_equal(d->optional & ~question->optional, CLAIMS_NONE);
        assert_true(!d->over || d->consent == POLICY_REFUSE);
        assert_true((d->consent == POLICY_REFUSE) == !!d->detail);
        assert_true(d->app_per_hour && d->user_per_hour && d->wrong_pins && d->pause_s);
}

static void nothing_a_user_writes_loosens_a_decision(void **state)
{
        static char roots[8192], users[8192], more[8192 + 1024];
        uint32_t seed = 27182818, tightened = 0;
        (void)state;
        for (int round = 0; round < 1500; round++) {
                char added[1024];
                random_list(&seed, true, next(&seed) % 5, roots, sizeof roots);
                random_list(&seed, false, next(&seed) % 5, users, sizeof users);
                random_rule(&seed, 99, false, added, sizeof added);
                snprintf(more, sizeof more, "%s%s", users, added);
                struct config *alone = configured(roots, NULL), *with = configured(roots, users),
                              *appended = configured(roots, more);
                for (int i = 0; i < 8; i++) {
                        struct policy_question question = random_question(&seed);
                        char text[AUDIENCE_PLAIN_MAX];
                        struct policy_question plain = policy_plain(&question, text);
                        struct policy_decision a = decide(alone, question),
                                               b = decide(with, question),
                                               c = decide(appended, question);
                        struct policy_decision d = decide(with, plain);
                        check_whole(&b, &question);
                        if (is_looser(&b, &a) || is_looser(&c, &b) || is_looser(&c, &a) ||
                                is_looser(&b, &d))
                                fail_msg("root's:\n%suser's:\n%s", roots, more);
                        tightened += is_looser(&a, &b);
                }
                config_free(alone);
                config_free(with);
                config_free(appended);
        }
        assert_true(tightened > 1000); /* or nothing was tried */
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(who_is_matched_by_what_the_peer_is),
                cmocka_unit_test(an_organization_counts_only_when_it_was_verified),
                cmocka_unit_test(an_audience_matches_to_the_end_of_its_host_or_beyond),
                cmocka_unit_test(another_spelling_of_an_audience_is_judged_as_both),
                cmocka_unit_test(an_address_has_one_plain_spelling),
                cmocka_unit_test(a_purpose_matches_exactly),
                cmocka_unit_test(a_rule_speaks_of_what_it_is_for),
                cmocka_unit_test(what_could_be_misread_is_refused),
                cmocka_unit_test(a_grant_is_never_keyed_to_a_path),
                cmocka_unit_test(only_root_can_grant),
                cmocka_unit_test(there_is_a_bound_to_rules_and_values),
                cmocka_unit_test(without_a_rule_everything_is_asked),
                cmocka_unit_test(the_first_rule_that_matches_decides),
                cmocka_unit_test(a_rule_that_never_counts_is_known),
                cmocka_unit_test(a_unit_of_the_users_own_manager_is_granted_nothing),
                cmocka_unit_test(a_station_grants_nothing),
                cmocka_unit_test(a_claim_that_no_rule_allows_is_left_out_or_refused),
                cmocka_unit_test(the_user_may_forbid),
                cmocka_unit_test(a_users_rule_that_leaves_consent_out_changes_nothing_about_it),
                cmocka_unit_test(nothing_a_user_writes_loosens_a_decision),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
