/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_request.c: a request from door to door while memory and system calls fail, one by one and
 * all at once. The card of request_world.h keeps watch meanwhile: one PIN, only after the counter, no
 * transaction across the prompt, nothing left verified. Besides: every outcome is an answer, a yes is a
 * real one, the PIN's pages go back wiped, and the next request works.
 */
#include "tests/unit/inject_world.h"

#include <signal.h>
#include <sys/stat.h>

/* One attempt for each call of our own and of jansson; a sample of OpenSSL's. */
static const struct inject sweeps[] = { INJECT(INJECT_MEMORY | INJECT_SYSTEM),
        INJECT_EVERY(INJECT_OPENSSL, 97) };

static void holds_no_pin(const uint8_t *at, size_t len)
{
        assert_false(inject_mapping_holds(at, len, PIN));
}

static void check_assertion(const struct inject *in, struct mohr_trust *trust)
{
        const struct mohr_verify_options options = { .audience = "https://office.example",
                .nonce = "0123456789abcdef" };
        struct mohr_result *result = NULL;
        if (world.outcome == 0) {
                int r = mohr_verify(
                        trust, world.assertion, strlen(world.assertion), &options, &result);
                HOLDS(*in, r == 0 || r == OUTCOME_CERTIFICATE_EXPIRED);
                HOLDS(*in, world.pins == 1);
        }
        mohr_result_free(result);
}

static void sweep_at(bool linked, bool known_card, enum mischief mischief)
{
        const struct request_params params = good_params();
        struct mohr_trust *trust = testpki_trust((X509 *[]){ shared_pki->root, NULL });
        FOR_EACH_FAILURE(in, sweeps)
        {
                teardown(NULL);
                setup(NULL);
                world.linked = linked;
                if (known_card)
                        assert_int_equal(ask(), 0);
                reset_counts();
                world.at_prompt = mischief;
                attempt(&in, &params);
                HOLDS(in, world.outcome == 0 || is_answer_to_a_failure(world.outcome,
                                                        OUTCOME_NO_STANDARD_SIGNATURE));
                HOLDS(in, in.failed || world.outcome == 0);
                HOLDS(in, world.pins <= 1 && world.ops[OP_VERIFY] <= 1);
                HOLDS(in, !the_reader.taken && !world.verified && !world.open);
                HOLDS(in, !world.context.turns.asking && !world.context.turns.waiting);
                if (!in.onwards && strcmp(in.what, "mlock") == 0)
                        HOLDS(in, world.detail && strstr(world.detail, "RLIMIT_MEMLOCK"));
                check_assertion(&in, trust);
                reset_counts();
                HOLDS(in, ask() == 0); /* and the next one works */
        }
        mohr_trust_free(trust);
}

static void sweep(bool known_card, enum mischief mischief)
{
        sweep_at(false, known_card, mischief);
}

static void a_first_request_fails_with_an_answer(void **state)
{
        (void)state;
        sweep(false, NOTHING);
}

static void a_request_of_a_known_card_fails_with_an_answer(void **state)
{
        (void)state;
        sweep(true, NOTHING);
}

static void a_phone_that_is_told_before_the_pin_fails_with_an_answer(void **state)
{
        (void)state;
        sweep_at(true, true, NOTHING);
}

static void a_card_laid_back_meanwhile_fails_with_an_answer(void **state)
{
        (void)state;
        sweep(false, LIFT);
}

/* What cannot be written down is told again by the next process; the request goes on. */
static void a_telling_that_cannot_be_recorded_stops_nobody(void **state)
{
        char dir[] = "/tmp/mohr-inject-XXXXXX", deep[64], file[96];
        (void)state;
        assert_non_null(mkdtemp(dir));
        snprintf(deep, sizeof deep, "%s/mohr", dir);
        snprintf(file, sizeof file, "%s/told-unproven", deep);
        for (struct inject in = sweeps[0]; inject_next(&in);) {
                struct known *known = NULL, *next = NULL;
                world.config.state_dir = deep;
                world.log.max = 0;
                assert_int_equal(known_new(&known, &world.config, &world.log), 0);
                HOLDS(in, !known_told_unproven(known));
                inject_arm(&in);
                known_tell_unproven(known);
                inject_disarm(&in);
                HOLDS(in, known_told_unproven(known));
                HOLDS(in, in.failed || access(file, F_OK) == 0);
                assert_int_equal(known_new(&next, &world.config, &world.log), 0);
                HOLDS(in, in.failed || known_told_unproven(next));
                known_free(known);
                known_free(next);
                unlink(file);
        }
        strcat(file, ".new");
        unlink(file);
        rmdir(deep);
        rmdir(dir);
}

static int begin(void **state)
{
        alarm(360); /* nothing here may hang */
        inject_watch_munmap(holds_no_pin);
        return make_pki(state);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(a_first_request_fails_with_an_answer),
                CASE(a_request_of_a_known_card_fails_with_an_answer),
                CASE(a_phone_that_is_told_before_the_pin_fails_with_an_answer),
                CASE(a_card_laid_back_meanwhile_fails_with_an_answer),
                CASE(a_telling_that_cannot_be_recorded_stops_nobody),
        };
        inject_init();
        return cmocka_run_group_tests_name("inject_request", tests, begin, drop_pki);
}
