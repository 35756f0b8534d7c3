/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_request.c: a request from door to door while memory and system calls fail, one by one and
 * all at once. The card of request_world.h keeps watch meanwhile: one PIN, only after the counter, no
 * transaction across the prompt, nothing left verified. Besides: every outcome is an answer, a yes is a
 * real one, the PIN's pages go back wiped, and the next request works.
 */
#include "tests/support/inject.h"

#define WORLD_CALM inject_pause
#define WORLD_ON   inject_resume
#include "tests/unit/request_world.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* One attempt for each call of our own and of jansson; a sample of OpenSSL's. */
static const struct inject sweeps[] = { INJECT(INJECT_MEMORY | INJECT_SYSTEM),
        INJECT_EVERY(INJECT_OPENSSL, 97) };

#define EXPECT(in, condition)                                                                      \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        fail_msg("call %lu%s (%s), outcome %d: %s", (in).n,                        \
                                (in).onwards ? " and on" : "", (in).what, world.outcome,           \
                                #condition);                                                       \
        } while (0)

/* What of a mapping can still be read holds no PIN. */
static void holds_no_pin(const uint8_t *at, size_t len)
{
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        for (size_t from = 0; from + page <= len; from += page) {
                uint8_t bytes[65536];
                struct iovec to = { bytes, page };
                struct iovec there = { (uint8_t *)(uintptr_t)at + from, page };
                if (process_vm_readv(getpid(), &to, 1, &there, 1, 0) == (ssize_t)page)
                        assert_null(memmem(bytes, page, PIN, strlen(PIN)));
        }
}

static void attempt(struct inject *in)
{
        struct request_params params = good_params();
        sd_event_source *guard = NULL;
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
}

static bool is_answer_to_a_failure(int outcome)
{
        static const int answers[] = { OUTCOME_INTERNAL, OUTCOME_INVALID,
                OUTCOME_CARD_NOT_SUPPORTED, OUTCOME_NO_STANDARD_SIGNATURE, OUTCOME_CARD_REMOVED };
        for (size_t i = 0; i < ARRAY_LEN(answers); i++)
                if (outcome == answers[i])
                        return true;
        return outcome < 0;
}

static void check_assertion(const struct inject *in, struct mohr_trust *trust)
{
        const struct mohr_verify_options options = { .audience = "https://office.example",
                .nonce = "0123456789abcdef" };
        struct mohr_result *result = NULL;
        if (world.outcome == 0) {
                int r = mohr_verify(
                        trust, world.assertion, strlen(world.assertion), &options, &result);
                EXPECT(*in, r == 0 || r == OUTCOME_CERTIFICATE_EXPIRED);
                EXPECT(*in, world.pins == 1);
        }
        mohr_result_free(result);
}

static void sweep(const struct inject *sweep, bool known_card, enum mischief mischief)
{
        struct mohr_trust *trust = testpki_trust((X509 *[]){ shared_pki->root, NULL });
        for (struct inject in = *sweep; inject_next(&in);) {
                teardown(NULL);
                setup(NULL);
                if (known_card)
                        assert_int_equal(ask(), 0);
                reset_counts();
                world.at_prompt = mischief;
                attempt(&in);
                EXPECT(in, world.outcome == 0 || is_answer_to_a_failure(world.outcome));
                EXPECT(in, in.failed || world.outcome == 0);
                EXPECT(in, world.pins <= 1 && world.ops[OP_VERIFY] <= 1);
                EXPECT(in, !the_reader.taken && !world.verified && !world.open);
                EXPECT(in, !world.context.asking && !world.context.waiting);
                if (!in.onwards && strcmp(in.what, "mlock") == 0)
                        EXPECT(in, world.detail && strstr(world.detail, "RLIMIT_MEMLOCK"));
                check_assertion(&in, trust);
                sd_event_unref(world.event);
                assert_return_code(sd_event_new(&world.event), 0);
                world.context.event = world.event;
                reset_counts();
                EXPECT(in, ask() == 0); /* and the next one works */
        }
        mohr_trust_free(trust);
}

static void a_first_request_fails_with_an_answer(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(sweeps); i++)
                sweep(&sweeps[i], false, NOTHING);
}

static void a_request_of_a_known_card_fails_with_an_answer(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(sweeps); i++)
                sweep(&sweeps[i], true, NOTHING);
}

static void a_card_laid_back_meanwhile_fails_with_an_answer(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(sweeps); i++)
                sweep(&sweeps[i], false, LIFT);
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
                EXPECT(in, !known_told_unproven(known));
                inject_arm(&in);
                known_tell_unproven(known);
                inject_disarm(&in);
                EXPECT(in, known_told_unproven(known));
                EXPECT(in, in.failed || access(file, F_OK) == 0);
                assert_int_equal(known_new(&next, &world.config, &world.log), 0);
                EXPECT(in, in.failed || known_told_unproven(next));
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
        alarm(120); /* nothing here may hang */
        inject_watch_munmap(holds_no_pin);
        return make_pki(state);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(a_first_request_fails_with_an_answer),
                CASE(a_request_of_a_known_card_fails_with_an_answer),
                CASE(a_card_laid_back_meanwhile_fails_with_an_answer),
                CASE(a_telling_that_cannot_be_recorded_stops_nobody),
        };
        inject_init();
        return cmocka_run_group_tests_name("inject_request", tests, begin, drop_pki);
}
