/* SPDX-License-Identifier: Apache-2.0 */
/* request_world.h: a card and a person who do what a test says, for programs that run requests.
 *
 * The supervisor and the prompt are replaced in the program that includes this: operations are answered
 * from the loop by a card that keeps its own rules (written from card-facts 7.2, not from the table under
 * test) and stops the test when one is broken: nothing of the PIN family before CONFIRM, a PIN only after
 * the counter in the same transaction, one PIN in the life of a request, no transaction while the person
 * is asked, and no verified state left behind. Of several cards none is met before the person said yes to
 * that, or said which.
 */
#ifndef MOHR_TESTS_REQUEST_WORLD_H
#define MOHR_TESTS_REQUEST_WORLD_H

#include "client-sdk/base64.h"
#include "tests/unit/world_history.h"
#include "tests/unit/world_person.h"
#include "tests/unit/world_readers.h"
#include "tests/unit/world_rules.h"

static void on_phase(void *user, const char *id, const char *phase)
{
        (void)user;
        assert_int_equal(strlen(id), 32);
        size_t used = strlen(world.phases);
        snprintf(world.phases + used, sizeof world.phases - used, "%s ", phase);
}

static void on_done(void *user, const char *id, int outcome, const char *assertion, int tries_left,
        const char *detail)
{
        (void)user, (void)id;
        assert_false(world.done);
        assert_false(the_reader.taken);
        world.done = true;
        world.request = NULL;
        world.outcome = outcome;
        world.tries_left = tries_left;
        snprintf(world.detail_copy, sizeof world.detail_copy, "%s", detail ? detail : "");
        world.detail = detail ? world.detail_copy : NULL;
        WORLD_CALM();
        world.assertion = assertion ? strdup(assertion) : NULL;
        WORLD_ON();
        assert_true((outcome == 0 && !world.method) == (assertion != NULL));
        sd_event_exit(world.event, 0);
}

static const struct request_callbacks callbacks = { on_phase, on_done };

static struct request_params good_params(void)
{
        return (struct request_params){
                .audience = "https://office.example",
                .nonce = "0123456789abcdef",
                .purpose = "test",
                .optional = CLAIMS_ALL,
                .ui = { .tty = "/dev/pts/9" },
                .peer = { .executable = "/usr/bin/app" },
        };
}

static void reset_counts(void)
{
        memset(world.ops, 0, sizeof world.ops);
        world.total = world.pins = world.leaves = world.resets = world.prompts = world.acquired =
                world.typed = world.consents = world.choices = world.searches = world.intents =
                        world.ends = world.refusals = 0;
        world.end[0] = '\0';
        world.ended_released = world.ended_declined = CLAIMS_NONE;
        world.ended_remember = false;
        world.announced = false;
        world.agreed = false;
        world.here = NULL;
        world.done = false;
        world.phases[0] = '\0';
        world.detail = NULL;
        world.fail_dead = false;
        free(world.assertion);
        world.assertion = NULL;
        world.event_at_begin = CARD_IS_NEW;
        world.fail_at = world.cancel_at = NEVER;
        world.fail_with = 0;
        world.person_outcome = 0;
        world.at_prompt = NOTHING;
}

/* An end for a loop that has none. */
static sd_event_source *nothing_hangs(void)
{
        sd_event_source *guard = NULL;
        assert_return_code(sd_event_add_time_relative(
                                   world.event, &guard, CLOCK_MONOTONIC, 20000000, 0, NULL, NULL),
                0);
        return guard;
}

static void renew_loop(void)
{
        sd_event_unref(world.event);
        assert_return_code(sd_event_new(&world.event), 0);
        world.context.event = world.event;
}

_unused_ static void drive(const struct request_params *params)
{
        assert_int_equal(
                request_start(&world.request, &world.context, params, &callbacks, NULL), 0);
        assert_false(world.done); /* nothing is called back from inside the start */
        sd_event_source *guard = nothing_hangs();
        assert_return_code(sd_event_loop(world.event), 0);
        sd_event_source_unref(guard);
        assert_false(the_reader.taken);
        assert_false(world.verified); /* the PIN state never survives */
        assert_int_equal(world.ends, world.intent_outcome == 0 ? world.intents : 0);
        assert_true(world.intents == 1 || world.prompts + world.choices + world.searches == 0);
        assert_null(world.context.turns.asking);
        assert_null(world.context.turns.waiting);
        renew_loop();
}

_unused_ static int ask(void)
{
        struct request_params params = good_params();
        drive(&params);
        assert_true(world.done);
        return world.outcome;
}

static struct testpki *shared_pki;

static int setup(void **state)
{
        (void)state;
        struct testpki_spec other = { .cn = TESTPKI_CN_NN };
        world = (struct world){
                .pki = shared_pki,
                .identity = { CARD_NID, GENERATION_MAV2, true, 'O', "Mav2" },
                .tries = 3,
                .counter_known = true,
                .second_count = -1,
                .accepts = 1U << SIGN_RSA_SHA256_CARD | 1U << SIGN_RSA_DIGESTINFO,
                .good_method = SIGN_RSA_SHA256_CARD,
                .simulated = true,
                .events = 1,
                .log = { .program = "test", .max = LOG_LEVEL_ERR, .fd = 2 },
                .pinpad_sw = 0x9000,
                .consent_mode = POLICY_ASK,
                .config = { .unproven = UNPROVEN_ASK,
                        .pinpad = true,
                        .card_timeout_ms = 30000, /* less where a card is silent */
                        .prompt_timeout_s = 5 },
        };
        world.files[0] = shared_pki->leaf;
        world.files[1] = shared_pki->ca;
        world.other_leaf = testpki_issue(shared_pki, &other);
        X509_up_ref(world.files[0]);
        reset_counts();
        assert_return_code(sd_event_new(&world.event), 0);
        assert_int_equal(known_new(&world.context.known, &world.config, &world.log), 0);
        world.context.event = world.event;
        world.context.config = &world.config;
        world.context.log = &world.log;
        world.context.readers = &the_readers;
        the_reader = (struct reader){ 0 };
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        known_free(world.context.known);
        sd_event_unref(world.event);
        X509_free(world.files[0]);
        X509_free(world.other_leaf);
        free(world.assertion);
        return 0;
}

/* Does the assertion name this way of entry? Looked for as text: its parser is tested elsewhere. */
static inline bool station_says(const char *way)
{
        static uint8_t payload[8192];
        char member[64];
        const char *from = strchr(world.assertion, '.') + 1;
        ssize_t len = base64_decode(
                BASE64_URL, payload, sizeof payload - 1, from, (size_t)(strchr(from, '.') - from));
        assert_true(len > 0);
        payload[len] = '\0';
        snprintf(member, sizeof member, "\"pin_entry\":\"%s\"", way);
        return strstr((const char *)payload, member) != NULL;
}

static int make_pki(void **state)
{
        (void)state;
        shared_pki = testpki_new();
        return 0;
}

static int drop_pki(void **state)
{
        (void)state;
        shared_pki = testpki_free(shared_pki);
        return 0;
}

#endif
