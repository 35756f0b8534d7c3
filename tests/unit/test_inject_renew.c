/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_renew.c: a new PIN from door to door: what each answer of the card means, a card that says no, goes or is
 * swapped at each question, a client that hangs up at each, and memory and system calls that fail one by one. The
 * card of request_world.h keeps watch: one command, only after CONFIRM and the counter, no transaction across the
 * prompt, a row in the history before it, and nothing left verified.
 */
#include "tests/unit/inject_world.h"

#include "base/clock.h"
#include "daemon/renew.h"
#include "drivers/softcard/softcard.h"

#include <ftw.h>
#include <openssl/pem.h>

#define PUK "13572468"

static const struct inject sweeps[] = { INJECT(INJECT_MEMORY | INJECT_SYSTEM),
        INJECT_EVERY(INJECT_OPENSSL, 97) };

static char folder[64];
static X509 *staff_leaf, *staff_other;

static X509 *load(const char *name)
{
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
        assert_non_null(cert);
        return cert;
}

static int make_staff(void **state)
{
        const char *made = getenv("MOHR_TEST_PKI");
        snprintf(folder, sizeof folder, "%s", made ? made : "/tmp/mohr-renew-XXXXXX");
        if (!made) {
                assert_non_null(mkdtemp(folder));
                assert_int_equal(softcard_make_pki(folder), 0);
        }
        staff_leaf = load("staff-9c-rsa2048.pem");
        staff_other = load("staff-9c-rsa2048-other.pem");
        return make_pki(state);
}

static int forget(const char *path, const struct stat *st, int type, struct FTW *at)
{
        (void)st, (void)type, (void)at;
        return remove(path);
}

static int drop_staff(void **state)
{
        X509_free(staff_leaf);
        X509_free(staff_other);
        if (!getenv("MOHR_TEST_PKI"))
                assert_int_equal(nftw(folder, forget, 8, FTW_DEPTH | FTW_PHYS), 0);
        return drop_pki(state);
}

/* A staff card with an anchor for it. */
static int setup_staff(void **state)
{
        static char anchors[96];
        int r = setup(state);
        snprintf(anchors, sizeof anchors, "%s/staff-ca.pem", folder);
        known_free(world.context.known);
        world.config.staff_anchors = anchors;
        assert_int_equal(known_new(&world.context.known, &world.config, &world.log), 0);
        X509_free(world.files[0]);
        X509_free(world.other_leaf);
        world.files[0] = staff_leaf;
        world.other_leaf = staff_other;
        X509_up_ref(staff_leaf);
        X509_up_ref(staff_other);
        world.files[1] = NULL;
        world.identity = (struct card_identity){ CARD_PIV, GENERATION_UNKNOWN, true, 'D', "PIV" };
        world.method = "ChangePin";
        world.proof = PIN;
        world.renew_sw = 0x9000;
        return r;
}

/* Somebody else who asks, until we wait for them. */
static struct turn others_turn;
static sd_event_source *others_end;

static int on_others_end(sd_event_source *source, void *user)
{
        (void)source;
        turn_give_up(&world.context.turns, user);
        return 0;
}

static void on_step(void *user, const char *id, const char *phase)
{
        on_phase(user, id, phase);
        if (strcmp(phase, "queued") == 0)
                assert_return_code(
                        sd_event_add_defer(world.event, &others_end, on_others_end, &others_turn),
                        0);
}

static void on_end(void *user, const char *id, int outcome, int tries_left, const char *detail)
{
        struct renew **self = user;
        assert_int_equal(strlen(id), 32);
        assert_false(world.done || the_reader.taken);
        *self = NULL;
        world.done = true;
        world.outcome = outcome;
        world.tries_left = tries_left;
        snprintf(world.detail_copy, sizeof world.detail_copy, "%s", detail ? detail : "");
        sd_event_exit(world.event, 0);
}

static void begin_anew(void)
{
        reset_counts();
        world.news = world.renewals = 0;
        world.verified = world.stored = false;
}

static unsigned int limit_ms; /* 0: the default */

static int renew_in(sd_event *event, struct inject *in)
{
        static const struct renew_callbacks steps = { on_step, on_end };
        const struct renew_params params = {
                .how = strcmp(world.method, "ChangePin") == 0 ? RENEW_BY_PIN : RENEW_BY_PUK,
                .reader = READER,
                .ui = { .tty = "/dev/pts/9" },
                .peer = { .executable = "/usr/bin/app" },
                .timeout_ms = limit_ms,
        };
        struct renew *running = NULL;
        assert_ptr_equal(event, world.event);
        sd_event_source *guard = nothing_hangs();
        if (in)
                inject_arm(in);
        int r = renew_start(&running, &world.context, &params, &steps, &running);
        if (r == 0)
                sd_event_loop(world.event);
        if (in)
                inject_disarm(in);
        sd_event_source_unref(guard);
        bool hung_up = r == 0 && !world.done && world.cancel_at != NEVER;
        if (hung_up)
                running = renew_cancel(running);
        assert_null(running);
        assert_true(hung_up || (r == 0) == world.done);
        world.outcome = r < 0 ? r : world.outcome;
        return world.outcome;
}

static int renew_once(struct inject *in)
{
        renew_loop();
        return renew_in(world.event, in);
}

/* What holds whatever happened. */
static void nothing_is_left(void)
{
        assert_true(world.renewals <= 1 && world.news <= 1);
        assert_int_equal(world.ops[OP_VERIFY] + world.ops[OP_PIN] + world.ops[OP_PINPAD], 0);
        assert_false(the_reader.taken || world.open || world.stored);
        assert_null(world.context.turns.asking);
        assert_null(world.context.turns.waiting);
        assert_int_equal(world.intents, world.ends);
        assert_true(world.intents > 0 || world.prompts == 0);
}

static void next_works(void)
{
        begin_anew();
        world.renew_outcome = 0;
        world.renew_sw = 0x9000;
        assert_int_equal(renew_once(NULL), 0);
        assert_int_equal(world.renewals, 1);
        nothing_is_left();
}

static void a_new_pin_takes_its_way(void **state)
{
        (void)state;
        assert_int_equal(renew_once(NULL), 0);
        assert_string_equal(world.phases, "reader card consent pin ");
        assert_int_equal(world.prompts, 1);
        assert_int_equal(world.renewals, 1);
        assert_int_equal(world.resets, 1);
        assert_string_equal(world.end, "Ok");
        assert_true(last_question.staff && last_question.recorded);
        assert_int_equal(last_question.work, PERSON_CHANGE_PIN);
        assert_int_equal(last_question.tries_left, 3);
        nothing_is_left();
        begin_anew();
        world.method = "UnblockPin";
        world.proof = PUK;
        assert_int_equal(renew_once(NULL), 0);
        assert_int_equal(last_question.tries_left, -1);
        nothing_is_left();
}

static void each_answer_of_the_card_has_one_meaning(void **state)
{
        (void)state;
        static const struct {
                int outcome;
                uint16_t sw;
                const char *changes, *unblocks; /* the detail */
                int tries;
        } rows[] = {
                { OUTCOME_WRONG_PIN, 0x63C2, "", DETAIL_WRONG_PUK, 2 },
                { OUTCOME_PIN_BLOCKED, 0x6983, "", DETAIL_PUK_BLOCKED, -1 },
                { OUTCOME_CARD_NOT_SUPPORTED, 0x6A80, DETAIL_NEW_PIN_REFUSED,
                        DETAIL_NEW_PIN_REFUSED, -1 },
                { OUTCOME_CARD_NOT_SUPPORTED, 0x6A81, DETAIL_NO_NEW_PIN, DETAIL_NO_NEW_PIN, -1 },
                { OUTCOME_CARD_NOT_SUPPORTED, 0x6D00, DETAIL_NO_NEW_PIN, DETAIL_NO_NEW_PIN, -1 },
                { OUTCOME_CARD_NOT_SUPPORTED, 0x6F00, DETAIL_WHICH_PIN, DETAIL_WHICH_PIN, -1 },
                { OUTCOME_CARD_NOT_SUPPORTED, 0, DETAIL_WHICH_PIN, DETAIL_WHICH_PIN, -1 },
                { OUTCOME_CARD_REMOVED, 0, DETAIL_WHICH_PIN, DETAIL_WHICH_PIN, -1 },
                { OUTCOME_TIMED_OUT, 0, DETAIL_WHICH_PIN, DETAIL_WHICH_PIN, -1 },
                { OUTCOME_NO_READER, 0, DETAIL_WHICH_PIN, DETAIL_WHICH_PIN, -1 },
                { OUTCOME_INTERNAL, 0, DETAIL_WHICH_PIN, DETAIL_WHICH_PIN, -1 },
        };
        for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
                bool unblocks = i % 2;
                begin_anew();
                world.method = unblocks ? "UnblockPin" : "ChangePin";
                world.proof = unblocks ? PUK : PIN;
                world.renew_outcome = rows[i / 2].outcome;
                world.renew_sw = rows[i / 2].sw;
                assert_int_equal(renew_once(NULL), rows[i / 2].outcome);
                assert_string_equal(
                        world.detail_copy, unblocks ? rows[i / 2].unblocks : rows[i / 2].changes);
                assert_int_equal(world.tries_left, rows[i / 2].tries);
                assert_string_equal(world.end, outcome_name(rows[i / 2].outcome));
                nothing_is_left();
        }
}

static void some_are_refused_before_anybody_is_asked(void **state)
{
        (void)state;
        static const struct {
                struct card_identity identity;
                uint8_t pinpad;
                int tries, changes, unblocks;
                bool unknown;
        } rows[] = {
                { { CARD_NID, GENERATION_MAV2, true, 'O', "Mav2" }, 0, 3,
                        OUTCOME_CARD_NOT_SUPPORTED, OUTCOME_CARD_NOT_SUPPORTED, false },
                { { CARD_NID, GENERATION_OMID, false, 'V', "Omid" }, 0, 3,
                        OUTCOME_CARD_NOT_SUPPORTED, OUTCOME_CARD_NOT_SUPPORTED, false },
                { { CARD_PIV, GENERATION_UNKNOWN, false, 'D', "PIV" }, 0, 3,
                        OUTCOME_CARD_NOT_SUPPORTED, OUTCOME_CARD_NOT_SUPPORTED, false },
                { { CARD_PIV, GENERATION_UNKNOWN, true, 'D', "PIV" }, PINPAD_VERIFY, 3,
                        OUTCOME_POLICY, OUTCOME_POLICY, false },
                { { CARD_PIV, GENERATION_UNKNOWN, true, 'D', "PIV" }, 0, 0, OUTCOME_PIN_BLOCKED, 0,
                        false },
                { { CARD_PIV, GENERATION_UNKNOWN, true, 'D', "PIV" }, 0, 3,
                        OUTCOME_CARD_NOT_SUPPORTED, OUTCOME_CARD_NOT_SUPPORTED, true },
        };
        for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
                int expected = i % 2 ? rows[i / 2].unblocks : rows[i / 2].changes;
                begin_anew();
                world.method = i % 2 ? "UnblockPin" : "ChangePin";
                world.proof = i % 2 ? PUK : PIN;
                world.identity = rows[i / 2].identity;
                world.pinpad = rows[i / 2].pinpad;
                world.tries = rows[i / 2].tries;
                world.counter_known = !rows[i / 2].unknown;
                assert_int_equal(renew_once(NULL), expected);
                assert_int_equal(world.prompts, expected == 0);
                assert_int_equal(world.renewals, expected == 0);
                nothing_is_left();
        }
}

/* Whether it asks itself or takes digits from here: neither does it take a new PIN. */
static void no_phone_is_asked_for_a_new_pin(void **state)
{
        (void)state;
        for (int i = 0; i < 4; i++) {
                begin_anew();
                world.method = i % 2 ? "UnblockPin" : "ChangePin";
                world.linked = true;
                world.pinpad = i / 2 ? PINPAD_VERIFY : 0;
                assert_int_equal(renew_once(NULL), OUTCOME_POLICY);
                assert_string_equal(world.detail_copy, DETAIL_NEW_PIN_AFAR);
                assert_int_equal(world.prompts + world.intents + world.total, 0);
                nothing_is_left();
        }
}

/* Before a card is touched, or as soon as it is seen what lies there; in no case is anybody asked. */
static void a_rule_can_say_no(void **state)
{
        (void)state;
        static const struct {
                enum policy_consent consent;
                bool pinpad, real;
                unsigned int begun;
        } rows[] = {
                { POLICY_REFUSE, false, false, 0 },
                { POLICY_ASK, true, false, 1 },
                { POLICY_ASK, false, true, 1 },
        };
        for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
                begin_anew();
                world.method = i % 2 ? "UnblockPin" : "ChangePin";
                world.consent_mode = rows[i / 2].consent;
                world.wants_pinpad = rows[i / 2].pinpad;
                world.wants_real = rows[i / 2].real;
                assert_int_equal(renew_once(NULL), OUTCOME_POLICY);
                assert_non_null(strstr(world.detail_copy, "a rule "));
                assert_int_equal(world.ops[OP_BEGIN], rows[i / 2].begun);
                assert_int_equal(world.prompts + world.renewals + world.intents, 0);
                nothing_is_left();
        }
}

static void what_happens_during_the_prompt_is_seen(void **state)
{
        (void)state;
        static const struct {
                enum mischief mischief;
                int changes, unblocks;
        } rows[] = {
                { LIFT, 0, 0 },
                { RESET, 0, 0 },
                { HELPER_DIES, 0, 0 },
                { SWAP, OUTCOME_CARD_REMOVED, OUTCOME_CARD_REMOVED },
                { COUNT_ANEW, OUTCOME_CARD_REMOVED, OUTCOME_CARD_REMOVED },
                { LOWER_TRIES, OUTCOME_BUSY, 0 },
                { READER_GOES, OUTCOME_NO_READER, OUTCOME_NO_READER },
        };
        for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
                int expected = i % 2 ? rows[i / 2].unblocks : rows[i / 2].changes;
                teardown(NULL);
                setup_staff(NULL);
                world.method = i % 2 ? "UnblockPin" : "ChangePin";
                world.proof = i % 2 ? PUK : PIN;
                world.at_prompt = rows[i / 2].mischief;
                assert_int_equal(renew_once(NULL), expected);
                assert_int_equal(world.renewals, expected == 0);
                nothing_is_left();
        }
}

static void the_person_and_the_history_can_say_no(void **state)
{
        (void)state;
        static const int refusals[] = { OUTCOME_REFUSED, OUTCOME_LAST_TRY_DECLINED,
                OUTCOME_TIMED_OUT, OUTCOME_NOBODY_TO_ASK };
        for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
                begin_anew();
                world.person_outcome = refusals[i];
                assert_int_equal(renew_once(NULL), refusals[i]);
                assert_int_equal(world.renewals + world.news, 0);
                assert_string_equal(world.end, outcome_name(refusals[i]));
                nothing_is_left();
        }
        begin_anew();
        world.intent_outcome = OUTCOME_CANNOT_RECORD;
        assert_int_equal(renew_once(NULL), OUTCOME_CANNOT_RECORD);
        assert_int_equal(world.prompts + world.ends, 0);
        world.intent_outcome = 0;
        begin_anew();
        world.end_outcome = OUTCOME_CANNOT_RECORD;
        assert_int_equal(renew_once(NULL), OUTCOME_CANNOT_RECORD);
        assert_non_null(strstr(world.detail_copy, "the new PIN holds"));
        world.end_outcome = 0;
}

static void a_row_that_is_being_written_is_waited_for_past_the_limit(void **state)
{
        (void)state;
        int64_t began = clock_ms();
        assert_int_equal(renew_once(NULL), 0);
        begin_anew();
        limit_ms = (unsigned int)(600 + 20 * (clock_ms() - began)); /* enough for the new PIN */
        world.end_after_ms = limit_ms + 200;
        assert_int_equal(renew_once(NULL), 0);
        limit_ms = 0;
        assert_string_equal(world.end, "Ok");
        nothing_is_left();
}

static void who_waits_for_another_prompt_is_told_so(void **state)
{
        (void)state;
        assert_true(turn_take(&world.context.turns, &others_turn));
        assert_int_equal(renew_in(world.event, NULL), 0);
        others_end = sd_event_source_disable_unref(others_end);
        assert_string_equal(world.phases, "reader card queued consent pin ");
        nothing_is_left();
}

static void a_no_a_loss_or_a_hangup_at_any_question_is_an_end(void **state)
{
        static const int answers[] = { OUTCOME_CARD_NOT_SUPPORTED, OUTCOME_CARD_REMOVED,
                OUTCOME_TIMED_OUT, OUTCOME_NO_READER, OUTCOME_INTERNAL, 0 };
        (void)state;
        assert_int_equal(renew_once(NULL), 0);
        unsigned int count = world.total;
        assert_true(count > 10);
        for (size_t i = 0; i < ARRAY_LEN(answers) * count; i++) {
                int answered = answers[i / count];
                teardown(NULL);
                setup_staff(NULL);
                if (answered == 0)
                        world.cancel_at = (unsigned int)(i % count);
                else
                        world.fail_at = (unsigned int)(i % count);
                world.fail_with = answered;
                world.fail_dead = answered > 0 && !outcome_is_refusal(answered);
                (void)renew_once(NULL);
                world.open = false; /* of a helper that was given back in the middle */
                assert_true(world.renewals <= 1);
                nothing_is_left();
        }
        next_works();
}

/* Or an app could have wrong ones typed that its pause never hears of. */
static void who_hangs_up_on_a_proof_leaves_what_became_of_it(void **state)
{
        (void)state;
        unsigned int at = 0, doubts = 0, wrong_ones = 0;
        do {
                teardown(NULL);
                setup_staff(NULL);
                world.renew_outcome = OUTCOME_WRONG_PIN;
                world.cancel_at = at++;
                (void)renew_once(NULL);
                world.open = false;
                bool told = strcmp(world.end_detail, DETAIL_WHICH_PIN) == 0;
                assert_int_equal(told, !world.done && world.news == 1 && world.renewals == 0 &&
                                               world.ops[OP_NEW_PIN] == 1);
                doubts += told;
                wrong_ones += !world.done && world.renewals == 1;
                if (world.renewals == 1)
                        assert_string_equal(world.end, "WrongPin");
        } while (!world.done);
        assert_int_equal(doubts, 1);
        assert_int_equal(wrong_ones, 1);
}

static void a_failing_call_is_an_answer(void **state)
{
        (void)state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                teardown(NULL);
                setup_staff(NULL);
                int r = renew_once(&in);
                HOLDS(in, r == 0 || is_answer_to_a_failure(r, OUTCOME_CANNOT_RECORD));
                HOLDS(in, in.failed || r == 0);
                nothing_is_left();
                next_works();
        }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_staff, teardown)
        const struct CMUnitTest tests[] = {
                TEST(a_new_pin_takes_its_way),
                TEST(each_answer_of_the_card_has_one_meaning),
                TEST(some_are_refused_before_anybody_is_asked),
                TEST(no_phone_is_asked_for_a_new_pin),
                TEST(a_rule_can_say_no),
                TEST(what_happens_during_the_prompt_is_seen),
                TEST(the_person_and_the_history_can_say_no),
                TEST(a_row_that_is_being_written_is_waited_for_past_the_limit),
                TEST(who_waits_for_another_prompt_is_told_so),
                TEST(a_no_a_loss_or_a_hangup_at_any_question_is_an_end),
                TEST(who_hangs_up_on_a_proof_leaves_what_became_of_it),
                TEST(a_failing_call_is_an_answer),
        };
        return cmocka_run_group_tests(tests, make_staff, drop_staff);
}
