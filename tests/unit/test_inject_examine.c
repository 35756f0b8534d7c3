/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_examine.c: an examination while memory and system calls fail one by one, while the card says
 * no or goes at each of its questions, and while the client hangs up at each of them. The card of
 * request_world.h keeps watch: nothing of the PIN family before CONFIRM, no PIN at all, the transaction
 * ended, the reader given back, and the next examination tells everything.
 */
#include "tests/unit/inject_world.h"

#include "daemon/examine.h"

static const struct inject sweeps[] = { INJECT(INJECT_MEMORY | INJECT_SYSTEM),
        INJECT_EVERY(INJECT_OPENSSL, 97) };

static int setup_examining(void **state)
{
        int r = setup(state);
        world.examining = true;
        return r;
}

/* What came out, beside world.done and world.outcome. */
static struct told {
        char verdict[32];
        int exit, tries;
        bool confirmed, written, in_words, kept;
        unsigned int methods;
} told;

static void examined(void *user, int outcome, const struct findings *findings, const char *text,
        const char *detail)
{
        struct examine **self = user;
        (void)detail;
        assert_false(world.done);
        bool cut_short = outcome == OUTCOME_CARD_REMOVED || outcome == OUTCOME_TIMED_OUT;
        assert_true((outcome == 0 || text) == (findings != NULL));
        assert_true(outcome == 0 || cut_short || !text);
        world.done = true;
        world.outcome = outcome;
        *self = NULL;
        told = (struct told){ .written = text != NULL };
        if (findings) {
                _cleanup_json_ json_t *reply = examine_json(findings);
                _cleanup_free_ char *whole = examine_transcript(findings, text ? text : "");
                told.in_words = reply != NULL;
                told.kept = whole != NULL;
                if (outcome != 0 && whole)
                        assert_non_null(strstr(whole,
                                outcome == OUTCOME_TIMED_OUT ? "\n@ silent\n" : "\n@ removed\n"));
                told.exit = findings->outcome;
                told.confirmed = findings->confirmed;
                told.methods = findings->methods;
                told.tries = findings->counters[PIN_COPY_IAS].tries;
                snprintf(told.verdict, sizeof told.verdict, "%s", findings->verdict);
        }
        sd_event_exit(world.event, 0);
}

static int examine(struct inject *in, bool transcript)
{
        const struct examine_params params = { .reader = READER, .transcript = transcript };
        struct examine *running = NULL;
        renew_loop();
        sd_event_source *guard = nothing_hangs();
        if (in)
                inject_arm(in);
        int r = examine_start(&running, &world.context, &params, examined, &running);
        if (r == 0)
                sd_event_loop(world.event);
        if (in)
                inject_disarm(in);
        sd_event_source_unref(guard);
        bool hung_up = r == 0 && !world.done && world.cancel_at != NEVER;
        if (hung_up)
                running = examine_cancel(running);
        assert_null(running);
        assert_true(hung_up || (r == 0) == world.done);
        world.outcome = r < 0 ? r : world.outcome;
        return world.outcome;
}

static void nothing_was_spent(void)
{
        assert_int_equal(world.pins + world.typed + world.prompts + world.ops[OP_VERIFY], 0);
        assert_int_equal(world.ops[OP_SIGN], 0);
        assert_false(the_reader.taken || world.verified || world.open);
}

static void next_tells_everything(void)
{
        reset_counts();
        assert_int_equal(examine(NULL, true), 0);
        assert_string_equal(told.verdict, "ready");
        assert_true(told.confirmed && told.in_words && told.kept && told.written);
        assert_int_equal(told.tries, 3);
        nothing_was_spent();
}

static void a_failing_call_is_an_answer(void **state)
{
        (void)state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                teardown(NULL);
                setup_examining(NULL);
                int r = examine(&in, true);
                HOLDS(in, r <= 0 || r == OUTCOME_INTERNAL || r == OUTCOME_INVALID);
                HOLDS(in, in.failed || (r == 0 && strcmp(told.verdict, "ready") == 0));
                nothing_was_spent();
                next_tells_everything();
        }
}

static unsigned int questions(void)
{
        reset_counts();
        assert_int_equal(examine(NULL, true), 0);
        return world.total;
}

/* What the helper answers at the n-th question, for every n. */
static void a_no_or_a_loss_at_any_question_is_an_answer(void **state)
{
        static const int answers[] = { OUTCOME_CARD_NOT_SUPPORTED, OUTCOME_NEEDS_ISSUER_KEYS,
                OUTCOME_NO_STANDARD_SIGNATURE, OUTCOME_CARD_REMOVED, OUTCOME_TIMED_OUT,
                OUTCOME_NO_READER, OUTCOME_INTERNAL };
        unsigned int count = questions();
        (void)state;
        assert_true(count > 10);
        for (size_t i = 0; i < ARRAY_LEN(answers); i++)
                for (unsigned int n = 0; n < count; n++) {
                        teardown(NULL);
                        setup_examining(NULL);
                        world.fail_at = n;
                        world.fail_with = answers[i];
                        world.fail_dead = !outcome_is_refusal(answers[i]);
                        int r = examine(NULL, true);
                        bool over = n + 2 >= count; /* what is lost when all is known is lost */
                        assert_true(over || outcome_is_refusal(answers[i]) || r != 0);
                        assert_true(r != 0 || (told.verdict[0] && told.in_words));
                        nothing_was_spent();
                        next_tells_everything();
                }
}

/* The helper lives on, and has what was said until then. */
static void what_was_written_before_the_card_went_is_told(void **state)
{
        static const int answers[] = { OUTCOME_CARD_REMOVED, OUTCOME_TIMED_OUT };
        unsigned int count = questions();
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(answers); i++)
                for (unsigned int n = 2; n + 2 < count; n++) { /* BEGIN is over, END is not */
                        teardown(NULL);
                        setup_examining(NULL);
                        world.fail_at = n;
                        world.fail_with = answers[i];
                        assert_int_equal(examine(NULL, true), answers[i]);
                        assert_true(told.written && told.kept);
                        nothing_was_spent();
                        next_tells_everything();
                }
}

static void a_client_may_hang_up_at_any_question(void **state)
{
        unsigned int count = questions();
        (void)state;
        for (unsigned int n = 0; n < count; n++) {
                teardown(NULL);
                setup_examining(NULL);
                world.cancel_at = n;
                (void)examine(NULL, true);
                assert_false(world.done); /* no word after */
                nothing_was_spent();
                next_tells_everything();
                reset_counts();
                world.examining = false;
                renew_loop();
                assert_int_equal(ask(), 0); /* nor is a request disturbed */
        }
}

static void before_its_first_question_too(void **state)
{
        const struct examine_params params = { .reader = READER };
        struct examine *running = NULL;
        (void)state;
        assert_int_equal(examine_start(&running, &world.context, &params, examined, &running), 0);
        assert_null(examine_cancel(running));
        assert_null(examine_cancel(NULL));
        assert_int_equal(world.acquired, 0);
        world.settled_late = true; /* while the readers are still being looked for */
        assert_int_equal(examine_start(&running, &world.context, &params, examined, &running), 0);
        assert_return_code(sd_event_run(world.event, 0), 0);
        assert_non_null(the_watch);
        assert_null(examine_cancel(running));
        assert_null(the_watch);
        assert_false(world.done);
}

static void what_is_not_confirmed_is_not_asked_about_its_pin(void **state)
{
        (void)state;
        X509 *leaf = world.files[0];
        world.files[1] = NULL;
        assert_int_equal(examine(NULL, false), 0);
        assert_string_equal(told.verdict, "not_confirmed");
        assert_int_equal(told.exit, OUTCOME_CARD_NOT_SUPPORTED);
        assert_false(told.confirmed || told.written);
        assert_int_equal(world.ops[OP_CONFIRM] + world.ops[OP_COUNTER] + world.ops[OP_PROBE], 0);
        assert_ptr_equal(world.files[0], leaf);
        nothing_was_spent();
}

static int begin(void **state)
{
        alarm(360); /* nothing here may hang */
        return make_pki(state);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_examining, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(a_failing_call_is_an_answer),
                CASE(a_no_or_a_loss_at_any_question_is_an_answer),
                CASE(what_was_written_before_the_card_went_is_told),
                CASE(a_client_may_hang_up_at_any_question),
                CASE(before_its_first_question_too),
                CASE(what_is_not_confirmed_is_not_asked_about_its_pin),
        };
        inject_init();
        return cmocka_run_group_tests_name("inject_examine", tests, begin, drop_pki);
}
