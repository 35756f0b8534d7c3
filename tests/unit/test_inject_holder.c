/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_holder.c: the card of an expected holder is looked for among two while memory and system calls
 * fail one by one. The cards of request_world.h keep watch: none is met before the yes, nothing of the PIN
 * family while they are looked at, every reader given back; a card that somebody else's certificate lies on is
 * never taken for the one that is meant; and the next request finds it.
 */
#include "tests/unit/inject_world.h"

#define ASKED "0012345679"

static const struct inject sweeps[] = { INJECT(INJECT_MEMORY | INJECT_SYSTEM),
        INJECT_EVERY(INJECT_OPENSSL, 397) };

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

/* The person refuses what the card that was found is asked for: the rest is test_inject_request's. */
static void look(struct inject *in)
{
        struct request_params params = good_params();
        params.expect_national_number = ASKED;
        world.person_outcome = OUTCOME_REFUSED;
        attempt(in, &params);
}

static void a_search_fails_with_an_answer(void **state)
{
        (void)state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                lay();
                look(&in);
                HOLDS(in, world.outcome == OUTCOME_REFUSED ||
                                  is_answer_to_a_failure(world.outcome, OUTCOME_NO_CARD));
                HOLDS(in, in.failed || world.outcome == OUTCOME_REFUSED);
                HOLDS(in, in.failed || world.prompts == 1);
                HOLDS(in, world.prompts == 0 || strcmp(last_question.reader, "Reader B") == 0);
                HOLDS(in, world.pins + world.ops[OP_VERIFY] == 0);
                HOLDS(in, !the_reader.taken && !world.open);
                HOLDS(in, !world.context.turns.asking && !world.context.turns.waiting);
                reset_counts();
                struct inject calm = INJECT(0);
                look(&calm);
                HOLDS(in, world.outcome == OUTCOME_REFUSED && world.prompts == 1);
        }
}

static int begin(void **state)
{
        struct testpki_spec spec = { .cn = ASKED " - SIG" };
        alarm(360); /* nothing here may hang */
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
