/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_holder.c: the card of an expected holder is looked for among two while memory and system calls
 * fail one by one. The cards of request_world.h keep watch: none is met before the yes, nothing of the PIN
 * family while they are looked at, every reader given back; a card that somebody else's certificate lies on is
 * never taken for the one that is meant; and the next request finds it.
 */
#include "tests/support/inject.h"

#define WORLD_CALM inject_pause
#define WORLD_ON   inject_resume
#include "tests/unit/request_world.h"

#define ASKED "0012345679"

static const struct inject sweeps[] = { INJECT(INJECT_MEMORY | INJECT_SYSTEM),
        INJECT_EVERY(INJECT_OPENSSL, 397) };

#define EXPECT(in, condition)                                                                      \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        fail_msg("call %lu%s (%s), outcome %d: %s", (in).n,                        \
                                (in).onwards ? " and on" : "", (in).what, world.outcome,           \
                                #condition);                                                       \
        } while (0)

static const struct card_identity national = { CARD_NID, GENERATION_MAV2, true, 'O', "Mav2" };
static struct lying cards[3];
static X509 *meant;

static void lay(void)
{
        teardown(NULL);
        setup(NULL);
        cards[0] = (struct lying){ .reader = "Reader A",
                .files = { shared_pki->leaf, shared_pki->ca },
                .identity = national };
        cards[1] = (struct lying){
                .reader = "Reader B", .files = { meant, shared_pki->ca }, .identity = national
        };
        world.lying = cards;
}

static void renew_loop(void)
{
        sd_event_unref(world.event);
        assert_return_code(sd_event_new(&world.event), 0);
        world.context.event = world.event;
}

/* The person refuses what the card that was found is asked for: the rest is test_inject_request's. */
static void look(struct inject *in)
{
        struct request_params params = good_params();
        sd_event_source *guard = NULL;
        params.expect_national_number = ASKED;
        world.person_outcome = OUTCOME_REFUSED;
        assert_return_code(sd_event_add_time_relative(
                                   world.event, &guard, CLOCK_MONOTONIC, 20000000, 0, NULL, NULL),
                0);
        inject_arm(in);
        int r = request_start(&world.request, &world.context, &params, &callbacks, NULL);
        if (r == 0)
                sd_event_loop(world.event);
        inject_disarm(in);
        sd_event_source_unref(guard);
        if (r < 0)
                world.outcome = r;
        EXPECT(*in, (r == 0) == world.done);
        renew_loop();
}

static bool is_answer_to_a_failure(int outcome)
{
        static const int answers[] = { OUTCOME_INTERNAL, OUTCOME_INVALID,
                OUTCOME_CARD_NOT_SUPPORTED, OUTCOME_NO_CARD, OUTCOME_CARD_REMOVED };
        for (size_t i = 0; i < ARRAY_LEN(answers); i++)
                if (outcome == answers[i])
                        return true;
        return outcome < 0;
}

static void a_search_fails_with_an_answer(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(sweeps); i++)
                for (struct inject in = sweeps[i]; inject_next(&in);) {
                        lay();
                        look(&in);
                        EXPECT(in, world.outcome == OUTCOME_REFUSED ||
                                           is_answer_to_a_failure(world.outcome));
                        EXPECT(in, in.failed || world.outcome == OUTCOME_REFUSED);
                        EXPECT(in, in.failed || world.prompts == 1);
                        EXPECT(in, world.prompts == 0 ||
                                           strcmp(last_question.reader, "Reader B") == 0);
                        EXPECT(in, world.pins + world.ops[OP_VERIFY] == 0);
                        EXPECT(in, !the_reader.taken && !world.open);
                        EXPECT(in, !world.context.asking && !world.context.waiting);
                        reset_counts();
                        struct inject calm = INJECT(0);
                        look(&calm);
                        EXPECT(in, world.outcome == OUTCOME_REFUSED && world.prompts == 1);
                }
}

static int begin(void **state)
{
        struct testpki_spec spec = { .cn = ASKED " - SIG" };
        alarm(120); /* nothing here may hang */
        int r = make_pki(state);
        meant = testpki_issue(shared_pki, &spec);
        return r;
}

static int finish(void **state)
{
        X509_free(meant);
        return drop_pki(state);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_search_fails_with_an_answer, setup, teardown),
        };
        inject_init();
        return cmocka_run_group_tests_name("inject_holder", tests, begin, finish);
}
