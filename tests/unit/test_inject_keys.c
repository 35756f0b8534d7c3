/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_keys.c: a card's keys are listed, and one signs, while memory and system calls fail, one by one and all at once. What
 * comes of it is an answer; a yes that was given is not lost for a list that could not be kept, and the next try works.
 */
#include "daemon/keys.h"
#include "tests/unit/inject_world.h"

#include <signal.h>

static const struct inject sweeps[] = { INJECT(INJECT_MEMORY | INJECT_SYSTEM),
        INJECT_EVERY(INJECT_OPENSSL, 97) };

static const struct peer app = { .pid = 7, .executable = "/usr/bin/app" };
static const uint8_t *message;
static size_t message_len;

static struct outcome_of_keys {
        bool done;
        int outcome;
        enum keys_error error;
        struct keys_key key;
        uint8_t signature[ALGORITHM_SIG_MAX];
        size_t len;
} came;

static void on_came(void *user, const struct keys_end *end)
{
        (void)user;
        assert_false(came.done);
        came.done = true;
        came.outcome = end->outcome;
        came.error = end->error;
        if (end->card) {
                came.key = end->card->keys[0];
                X509_up_ref(came.key.leaf);
                if (came.key.issuer)
                        X509_up_ref(came.key.issuer);
        }
        if (end->signature)
                memcpy(came.signature, end->signature, end->len);
        came.len = end->len;
        sd_event_exit(world.event, 0);
}

static struct keys_call call_of(void)
{
        return (struct keys_call){
                .asker = { 1, &app }, .reader = READER, .ui = { .tty = "/dev/pts/9" }
        };
}

static void run(int started)
{
        if (started == 0)
                sd_event_loop(world.event);
        else
                came.outcome = started;
}

static void list(struct keys *keys, struct inject *in)
{
        struct keys_list *list = NULL;
        const struct keys_call call = call_of();
        sd_event_source *guard = nothing_hangs();
        came = (struct outcome_of_keys){ .outcome = -EINPROGRESS };
        world.method = "ShowCertificates";
        if (in)
                inject_arm(in);
        run(keys_list_start(&list, keys, &call, on_came, NULL));
        if (in)
                inject_disarm(in);
        sd_event_source_unref(guard);
        renew_loop();
}

static void sign(struct keys *keys, const struct keys_key *key, struct inject *in)
{
        struct keys_sign *sign = NULL;
        const struct keys_call call = call_of();
        struct keys_sign_job job = { .key = key, .events = world.events, .done = on_came };
        const char *detail = NULL;
        job.params = (struct keys_sign_params){ .mechanism = keys_mechanism("SHA256-RSA-PKCS"),
                .data = { message, message_len },
                .salt = -1 };
        sd_event_source *guard = nothing_hangs();
        came = (struct outcome_of_keys){ .outcome = -EINPROGRESS };
        world.method = "UseKey";
        assert_int_equal(keys_sign_refusal(&job, &detail), KEYS_OUTCOME);
        if (in)
                inject_arm(in);
        run(keys_sign_start(&sign, keys, &call, &job));
        if (in)
                inject_disarm(in);
        sd_event_source_unref(guard);
        renew_loop();
}

static void is_an_answer(const struct inject *in)
{
        EXPECT(*in, came.outcome == 0 ||
                            is_answer_to_a_failure(came.outcome, OUTCOME_NO_STANDARD_SIGNATURE));
        EXPECT(*in, in->failed || came.outcome == 0);
        EXPECT(*in, !the_reader.taken && !world.verified && !world.open);
        EXPECT(*in, world.pins <= 1 && world.ops[OP_VERIFY] <= 1);
}

static struct keys *fresh(void)
{
        struct keys *keys = NULL;
        teardown(NULL);
        setup(NULL);
        assert_int_equal(keys_new(&keys, &world.context), 0);
        return keys;
}

static void a_list_fails_with_an_answer(void **state)
{
        const struct keys_asker asker = { 1, &app };
        (void)state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct keys *keys = fresh();
                list(keys, &in);
                is_an_answer(&in);
                EXPECT(in, world.pins == 0);
                EXPECT(in, (came.outcome == 0) ==
                                   (keys_answered(keys, &asker, world.events) == KEYS_YES));
                keys_key_clear(&came.key);
                reset_counts();
                list(keys, NULL);
                EXPECT(in, came.outcome == 0); /* and the next one works */
                keys_key_clear(&came.key);
                keys_free(keys);
        }
}

static void a_signature_fails_with_an_answer(void **state)
{
        (void)state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct keys *keys = fresh();
                list(keys, NULL);
                assert_int_equal(came.outcome, 0);
                struct keys_key key = came.key;
                reset_counts();
                sign(keys, &key, &in);
                is_an_answer(&in);
                EXPECT(in, came.outcome != 0 || (came.len == 256 && world.pins == 1));
                reset_counts();
                sign(keys, &key, NULL);
                EXPECT(in, came.outcome == 0 && came.len == 256);
                keys_key_clear(&key);
                keys_free(keys);
        }
}

static void a_card_that_was_laid_down_again_is_not_the_one_that_was_listed(void **state)
{
        (void)state;
        struct keys *keys = fresh();
        list(keys, NULL);
        struct keys_key key = came.key;
        reset_counts();
        struct keys_sign *signing = NULL;
        const struct keys_call call = call_of();
        const struct keys_sign_job job = { .key = &key,
                .events = world.events + 1,
                .params = { keys_mechanism("SHA256-RSA-PKCS"), { message, message_len }, NULL, -1 },
                .done = on_came };
        came = (struct outcome_of_keys){ 0 };
        run(keys_sign_start(&signing, keys, &call, &job));
        renew_loop();
        assert_int_equal(came.outcome, OUTCOME_CARD_REMOVED);
        assert_int_equal(came.error, KEYS_CARD_CHANGED);
        assert_int_equal(world.prompts + world.pins, 0);
        keys_key_clear(&key);
        keys_free(keys);
}

/* The holder says no: it is kept for the program. */
static void a_no_is_kept(void **state)
{
        const struct keys_asker asker = { 99, &app };
        (void)state;
        struct keys *keys = fresh();
        world.person_outcome = OUTCOME_REFUSED;
        list(keys, NULL);
        assert_int_equal(came.outcome, OUTCOME_REFUSED);
        assert_int_equal(keys_answered(keys, &asker, world.events), KEYS_NO);
        assert_null(keys_find_card(keys, world.events));
        keys_free(keys);
}

static int begin(void **state)
{
        static uint8_t tls[64 + 34 + 32];
        alarm(360); /* nothing here may hang */
        memset(tls, 0x20, 64);
        memcpy(tls + 64, "TLS 1.3, client CertificateVerify", 34);
        message = tls;
        message_len = sizeof tls;
        return make_pki(state);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(a_list_fails_with_an_answer),
                CASE(a_signature_fails_with_an_answer),
                CASE(a_card_that_was_laid_down_again_is_not_the_one_that_was_listed),
                CASE(a_no_is_kept),
        };
        inject_init();
        return cmocka_run_group_tests_name("inject_keys", tests, begin, drop_pki);
}
