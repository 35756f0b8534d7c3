/* SPDX-License-Identifier: Apache-2.0 */
/* test_request.c: the whole table of states against a card and a person who do what a test says.
 *
 * The supervisor and the prompt are replaced here, in this program: operations are answered from the
 * loop by a card that keeps its own rules (written from card-facts 7.2, not from the table under test)
 * and stops the test when one is broken: nothing of the PIN family before CONFIRM, a PIN only after the
 * counter in the same transaction, one PIN in the life of a request, no transaction while the person
 * is asked, and no verified state left behind.
 */
#include "daemon/request.h"

#include "daemon/known.h"
#include "tests/support/testpki.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#define PIN      "27182818"
#define NEVER    1000
#define FILES    3
#define READER   "Test Reader 00"
#define GOOD_KEY 0x03

/* ---- the world ----------------------------------------------------------------------------- */

enum mischief { NOTHING, SWAP, LIFT, RESET, LOWER_TRIES, HELPER_DIES, READER_GOES, COUNT_ANEW };

struct world {
        sd_event *event;
        struct log log;
        struct config config;
        struct request_context context;
        struct testpki *pki;
        X509 *other_leaf;

        /* the card */
        X509 *files[FILES];
        struct card_identity identity;
        int tries;
        bool counter_known, key_shown, sm_needed, sm_at_sign;
        unsigned int accepts; /* set of 1 << sign_method that MSE SET takes */
        int good_method;      /* the one whose signature verifies */
        bool simulated;
        uint32_t events, insertion; /* as the watcher and as the helper count them */
        enum card_event event_at_begin;

        /* what a process in front of it knows */
        bool open, identified, confirmed, counted, armed, verified;

        /* counts */
        unsigned int ops[OP_COUNT], total, pins, leaves, resets, prompts, acquired;

        /* the test's will */
        int acquire_outcome;
        unsigned int fail_at; /* which operation, from 0 */
        int fail_with;
        bool fail_dead; /* the helper dies of it */
        unsigned int cancel_at;
        enum mischief at_prompt;
        int person_outcome;
        bool settled_late, forgets;

        /* what came out */
        struct request *request;
        bool done;
        int outcome, tries_left;
        char *assertion;
        const char *detail;
        char phases[128];
};

static struct world world;

/* ---- the supervisor, replaced -------------------------------------------------------------- */

struct readers {
        int unused;
};
struct readers_watch {
        void (*changed)(void *user);
        void *user;
};
struct reader {
        bool taken;
        uint8_t op;
        uint8_t payload[256];
        size_t len;
        reader_done done;
        void *user;
        sd_event_source *soon;
};

static struct readers the_readers;
static struct reader the_reader;
static struct readers_watch *the_watch;

bool readers_settled(const struct readers *readers)
{
        (void)readers;
        return !world.settled_late;
}

int readers_subscribe(struct readers *readers, struct readers_watch **ret,
        void (*changed)(void *user), void *user)
{
        (void)readers;
        the_watch = calloc(1, sizeof *the_watch);
        *the_watch = (struct readers_watch){ changed, user };
        *ret = the_watch;
        return 0;
}

struct readers_watch *readers_watch_free(struct readers_watch *watch)
{
        if (watch)
                the_watch = NULL;
        free(watch);
        return NULL;
}

int readers_acquire(
        struct readers *readers, const char *name, struct reader **ret, const char **ret_detail)
{
        (void)readers, (void)name, (void)ret_detail;
        if (world.acquire_outcome)
                return world.acquire_outcome;
        assert_false(the_reader.taken);
        the_reader = (struct reader){ .taken = true };
        world.open = world.identified = world.confirmed = world.counted = world.armed = false;
        world.acquired++;
        *ret = &the_reader;
        return 0;
}

/* A process that dies lets the card be reset. */
static void process_ends(void)
{
        world.open = world.identified = world.confirmed = world.counted = world.armed =
                world.verified = false;
        world.event_at_begin = CARD_IS_NEW;
}

struct reader *reader_release(struct reader *reader)
{
        if (!reader)
                return NULL;
        assert_true(reader->taken);
        reader->taken = false;
        reader->soon = sd_event_source_disable_unref(reader->soon);
        process_ends();
        return NULL;
}

void reader_describe(const struct reader *reader, struct reader_info *ret)
{
        (void)reader;
        *ret = (struct reader_info){ READER, "soft", "in_use", world.simulated, world.events };
}

bool reader_in_transaction(const struct reader *reader)
{
        (void)reader;
        return world.open;
}

/* ---- the card ------------------------------------------------------------------------------ */

static void put_file(struct out *out, X509 *cert)
{
        unsigned char *der = NULL;
        int len = i2d_X509(cert, &der);
        assert_true(len > 0);
        out_bytes16(out, der, (size_t)len);
        OPENSSL_free(der);
}

static int card_read(uint8_t object, struct out *out)
{
        static const uint8_t dates[] = { 0xB2, 18, 0xFE, 0xFF, 0, '2', 0, '0', 0, '1', 0, '6', 0,
                '0', 0, '8', 0, '0', 0, '7', 0xB3, 18, 0xFE, 0xFF, 0, '1', 0, '4', 0, '0', 0, '2',
                0, '0', 0, '5', 0, '1', 0, '6' };
        assert_true(world.identified);
        if (object == OBJECT_DATES) {
                out_bytes16(out, dates, sizeof dates);
                return 0;
        }
        assert_true(object < FILES);
        if (!world.files[object])
                return OUTCOME_CARD_NOT_SUPPORTED;
        put_file(out, world.files[object]);
        return 0;
}

static void put_key(struct out *out)
{
        struct card_probe probe = { .label = "IAS Classic test", .key_count = 1 };
        BIGNUM *n = NULL;
        assert_int_equal(EVP_PKEY_get_bn_param(world.pki->leaf_key, "n", &n), 1);
        probe.keys[0].ref = 0x07;
        probe.keys[0].modulus_len = (uint16_t)BN_bn2bin(n, probe.keys[0].modulus);
        probe.keys[0].exponent_len = 3;
        memcpy(probe.keys[0].exponent, "\x01\x00\x01", 3);
        BN_free(n);
        if (!world.key_shown)
                probe.key_count = 0;
        op_put_probe(out, &probe);
}

static int card_verify(const struct reader *reader, struct out *out)
{
        (void)reader;
        assert_true(world.armed);
        world.armed = world.counted = false;
        out_u8(out, (uint8_t)(int8_t)world.tries);
        if (world.fail_with == OUTCOME_WRONG_PIN && world.fail_at == NEVER) {
                world.tries--;
                out->len = 0;
                out_u8(out, (uint8_t)(int8_t)world.tries);
                return OUTCOME_WRONG_PIN;
        }
        world.verified = true;
        return 0;
}

static int card_sign(struct in *args, struct out *out)
{
        uint8_t key = in_u8(args), method = in_u8(args);
        struct view hash = in_bytes16(args, 64);
        uint8_t sig[512];
        size_t len = sizeof sig;
        assert_int_equal(in_done(args), 0);
        assert_int_equal(hash.len, 32);
        assert_true(world.verified);
        if (world.sm_at_sign)
                return OUTCOME_NEEDS_ISSUER_KEYS;
        EVP_PKEY *signer = key == (world.key_shown ? 0x07 : GOOD_KEY) ? world.pki->leaf_key
                                                                      : world.pki->other_key;
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(signer, NULL);
        assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
        if ((int)method == world.good_method)
                assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
        assert_int_equal(EVP_PKEY_sign(ctx, sig, &len, hash.data, hash.len), 1);
        EVP_PKEY_CTX_free(ctx);
        out_bytes16(out, sig, len);
        return 0;
}

static int card_begin(struct out *out)
{
        struct driver_card card = {
                .protocol = APDU_T1,
                .atr = { 0x3B, 0 },
                .atr_len = 2,
                .event = world.event_at_begin,
                .insertion = world.insertion,
        };
        assert_false(world.open);
        if (card.event != CARD_SAME)
                world.identified = world.confirmed = false;
        world.event_at_begin = CARD_SAME;
        world.open = true;
        op_put_card(out, &card);
        return 0;
}

static int card_end(uint8_t how)
{
        world.open = world.counted = world.armed = false;
        if (how == DRIVER_RESET) {
                world.resets++;
                world.verified = false;
                world.event_at_begin = CARD_WAS_RESET;
        } else {
                assert_false(world.verified);
                world.leaves++;
        }
        return 0;
}

static int card_does(struct reader *reader, struct out *out)
{
        struct in args = in_new(reader->payload, reader->len);
        struct pin_counter counter = {
                .known = world.counter_known, .tries = world.tries, .sw = 0x63C3
        };
        assert_true(reader->op == OP_BEGIN || world.open);
        switch (reader->op) {
        case OP_BEGIN: return card_begin(out);
        case OP_IDENTIFY:
                assert_false(world.identified);
                world.identified = true;
                op_put_identity(out, &world.identity);
                return 0;
        case OP_READ: return card_read(in_u8(&args), out);
        case OP_RESUME:
                assert_false(world.identified);
                if (world.forgets)
                        return OUTCOME_CARD_NOT_SUPPORTED;
                assert_int_equal(in_bytes16(&args, 8).len, 4);
                world.identified = true;
                return 0;
        case OP_CONFIRM:
                assert_true(world.identified);
                world.confirmed = true;
                out_bytes16(out, "note", 4);
                return 0;
        case OP_COUNTER:
                assert_true(world.confirmed);
                assert_int_equal(in_u8(&args), PIN_COPY_IAS);
                world.counted = true;
                op_put_counter(out, &counter);
                return 0;
        case OP_PROBE:
                assert_true(world.confirmed);
                put_key(out);
                return 0;
        case OP_METHOD: {
                assert_true(world.confirmed);
                uint8_t key = in_u8(&args), method = in_u8(&args);
                assert_true(key > 0);
                if (world.sm_needed)
                        return OUTCOME_NEEDS_ISSUER_KEYS;
                return world.accepts & (1U << method) ? 0 : OUTCOME_NO_STANDARD_SIGNATURE;
        }
        case OP_PIN:
                assert_true(world.confirmed && world.counted);
                assert_int_equal(world.pins, 0);
                assert_int_equal(reader->len, strlen(PIN));
                assert_memory_equal(reader->payload, PIN, strlen(PIN));
                world.pins++;
                world.armed = true;
                return 0;
        case OP_VERIFY: return card_verify(reader, out);
        case OP_SIGN: return card_sign(&args, out);
        case OP_CLEAR: world.verified = false; return 0;
        case OP_END: return card_end(in_u8(&args));
        default: fail(); return 0;
        }
}

static int on_soon(sd_event_source *source, void *user)
{
        (void)source;
        struct reader *reader = user;
        static uint8_t buf[OPS_FRAME_MAX];
        struct out out = out_new(buf, sizeof buf);
        unsigned int number = world.total++;
        bool failing = number == world.fail_at;
        int outcome = failing ? world.fail_with : card_does(reader, &out);
        world.ops[reader->op]++;
        if (reader->op == OP_END && failing && !world.fail_dead)
                card_end(DRIVER_RESET);
        if (failing && world.fail_dead)
                process_ends();
        if (failing)
                out.len = 0;
        reader->soon = sd_event_source_disable_unref(reader->soon);
        struct in fields = in_new(buf, out.len);
        assert_int_equal(out.error, 0);
        reader->done(reader->user, outcome, 0x9000, &fields);
        return 0;
}

static int on_cancel(sd_event_source *source, void *user)
{
        (void)source, (void)user;
        world.request = request_cancel(world.request);
        sd_event_exit(world.event, 0);
        return 0;
}

int reader_call(struct reader *reader, enum op op, const void *payload, size_t len,
        reader_done done, void *user)
{
        assert_true(reader->taken);
        assert_null(reader->soon);
        assert_true(len <= sizeof reader->payload);
        reader->op = (uint8_t)op;
        if (len > 0)
                memcpy(reader->payload, payload, len);
        reader->len = len;
        reader->done = done;
        reader->user = user;
        bool cancelling = world.total == world.cancel_at;
        assert_return_code(sd_event_add_defer(world.event, &reader->soon,
                                   cancelling ? on_cancel : on_soon, reader),
                0);
        return 0;
}

/* ---- the person, replaced ------------------------------------------------------------------ */

struct person {
        sd_event_source *soon;
        struct secret *pin;
        person_done done;
        void *user;
};

static void do_mischief(void)
{
        X509 *swapped = world.files[0];
        switch (world.at_prompt) {
        case NOTHING: break;
        case SWAP:
                world.files[0] = world.other_leaf;
                world.other_leaf = swapped;
                world.events++;
                world.event_at_begin = CARD_IS_NEW;
                break;
        case LIFT:
                world.events++;
                world.event_at_begin = CARD_IS_NEW;
                break;
        case RESET: world.event_at_begin = CARD_WAS_RESET; break;
        case LOWER_TRIES: world.tries--; break;
        case HELPER_DIES: process_ends(); break;
        case COUNT_ANEW:
                world.files[0] = world.other_leaf;
                world.other_leaf = swapped;
                world.insertion++;
                world.identified = world.confirmed = false;
                break;
        case READER_GOES:
                world.fail_at = world.total;
                world.fail_with = OUTCOME_NO_READER;
                world.fail_dead = true;
                break;
        }
}

static int on_prompt(sd_event_source *source, void *user)
{
        (void)source;
        struct person *person = user;
        do_mischief();
        if (world.person_outcome == 0) {
                memcpy(person->pin->data, PIN, strlen(PIN));
                person->pin->len = strlen(PIN);
        }
        person->done(person->user, world.person_outcome);
        return 0;
}

static struct person_question last_question;

int person_ask(struct person **ret, sd_event *event, const struct config *config,
        const struct person_question *question, struct secret *pin, person_done done, void *user)
{
        (void)config;
        assert_false(world.open); /* no transaction across a human */
        assert_true(pin->cap >= 64);
        world.prompts++;
        last_question = *question;
        if (!question->ui.tty)
                return OUTCOME_NOBODY_TO_ASK;
        struct person *person = calloc(1, sizeof *person);
        *person = (struct person){ .pin = pin, .done = done, .user = user };
        assert_return_code(sd_event_add_defer(event, &person->soon, on_prompt, person), 0);
        *ret = person;
        return 0;
}

struct person *person_free(struct person *person)
{
        if (person)
                sd_event_source_disable_unref(person->soon);
        free(person);
        return NULL;
}

/* ---- running one --------------------------------------------------------------------------- */

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
        world.detail = detail;
        world.assertion = assertion ? strdup(assertion) : NULL;
        assert_true((outcome == 0) == (assertion != NULL));
        sd_event_exit(world.event, 0);
}

static const struct request_callbacks callbacks = { on_phase, on_done };

static struct request_params good_params(void)
{
        return (struct request_params){
                .audience = "https://office.example",
                .nonce = "0123456789abcdef",
                .purpose = "test",
                .ui = { .tty = "/dev/pts/9" },
                .peer = { .executable = "/usr/bin/app" },
        };
}

static void reset_counts(void)
{
        memset(world.ops, 0, sizeof world.ops);
        world.total = world.pins = world.leaves = world.resets = world.prompts = world.acquired = 0;
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

static void drive(const struct request_params *params)
{
        assert_int_equal(
                request_start(&world.request, &world.context, params, &callbacks, NULL), 0);
        assert_false(world.done); /* nothing is called back from inside the start */
        sd_event_source *guard = NULL;
        assert_return_code(sd_event_add_time_relative(
                                   world.event, &guard, CLOCK_MONOTONIC, 20000000, 0, NULL, NULL),
                0);
        assert_return_code(sd_event_loop(world.event), 0);
        sd_event_source_unref(guard);
        assert_false(the_reader.taken);
        assert_false(world.verified); /* the PIN state never survives */
        assert_null(world.context.asking);
        assert_null(world.context.waiting);
        sd_event_unref(world.event);
        assert_return_code(sd_event_new(&world.event), 0);
        world.context.event = world.event;
}

static int ask(void)
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
                .accepts = 1U << SIGN_RSA_SHA256_CARD | 1U << SIGN_RSA_DIGESTINFO,
                .good_method = SIGN_RSA_SHA256_CARD,
                .simulated = true,
                .events = 1,
                .log = { "test", LOG_LEVEL_ERR, 2 },
                .config = { .unproven = UNPROVEN_ASK,
                        .card_timeout_ms = 1000,
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

/* ---- what must hold ------------------------------------------------------------------------ */

static void a_good_card_and_pin_give_an_assertion(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        assert_int_equal(world.pins, 1);
        assert_int_equal(world.ops[OP_VERIFY], 1);
        assert_int_equal(world.ops[OP_SIGN], 1);
        assert_int_equal(world.ops[OP_CLEAR], 1);
        assert_int_equal(world.leaves, 1);
        assert_int_equal(world.resets, 1);
        assert_string_equal(world.phases, "reader card consent pin sign ");
        assert_true(strlen(world.assertion) > 1000);
        assert_string_equal(last_question.reader, READER);
        assert_int_equal(last_question.tries_left, 3);
        assert_true(last_question.simulated);
        assert_false(last_question.tell_unproven);
}

static void the_same_card_again_is_not_read_again(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        reset_counts();
        assert_int_equal(ask(), 0);
        assert_int_equal(world.ops[OP_READ], 0);
        assert_int_equal(world.ops[OP_PROBE], 0);
        assert_int_equal(world.ops[OP_METHOD], 0);
        assert_int_equal(world.ops[OP_IDENTIFY], 0);
        assert_int_equal(world.ops[OP_RESUME], 1);
        assert_int_equal(world.ops[OP_CONFIRM], 1);
        assert_int_equal(world.ops[OP_COUNTER], 2);
}

static void a_note_that_does_not_fit_costs_an_identification(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        reset_counts();
        world.forgets = true;
        assert_int_equal(ask(), 0);
        assert_int_equal(world.ops[OP_RESUME], 1);
        assert_int_equal(world.ops[OP_IDENTIFY], 1);
        assert_int_equal(world.ops[OP_READ], 0);
}

static void a_card_laid_again_between_requests_is_read_again_but_its_issuer_is_known(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        reset_counts();
        world.events++;
        assert_int_equal(ask(), 0);
        assert_int_equal(
                world.ops[OP_READ], 4); /* dates, leaf, and the two others as free checks */
        assert_int_equal(world.ops[OP_METHOD], 0);
}

/* The watcher is another process than the helper: its news may come when the card was long met. */
static void a_card_of_whose_coming_the_watcher_was_late_is_not_taken_for_the_last_one(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        reset_counts();
        world.insertion += 2;
        world.identity.supported = false;
        assert_int_equal(ask(), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(world.ops[OP_RESUME] + world.ops[OP_CONFIRM] + world.ops[OP_COUNTER], 0);
        assert_int_equal(world.prompts, 0);
}

static void a_card_counted_anew_must_show_its_certificate_again(void **state)
{
        (void)state;
        world.at_prompt = COUNT_ANEW;
        assert_int_equal(ask(), OUTCOME_CARD_REMOVED);
        assert_int_equal(world.pins, 0);
}

static void files_may_lie_anywhere(void **state)
{
        (void)state;
        world.files[2] = world.files[0];
        world.files[0] = NULL;
        assert_int_equal(ask(), 0);
        world.files[0] = world.files[2];
}

static void each_failing_operation_is_that_answer(void **state)
{
        (void)state;
        static const int outcomes[] = { OUTCOME_CARD_REMOVED, OUTCOME_TIMED_OUT, OUTCOME_NO_READER,
                OUTCOME_READER_SERVICE, OUTCOME_INTERNAL, OUTCOME_BUSY, OUTCOME_NO_CARD };
        assert_int_equal(ask(), 0);
        unsigned int total = world.total;
        for (unsigned int at = 0; at < total; at++)
                for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
                        for (int dead = 0; dead < 2; dead++) {
                                teardown(NULL);
                                setup(NULL);
                                world.fail_at = at;
                                world.fail_with = outcomes[i];
                                world.fail_dead = dead;
                                int outcome = ask();
                                /* what fails on the way out changes nothing */
                                assert_int_equal(outcome, at + 2 < total ? outcomes[i] : 0);
                                assert_true(world.ops[OP_VERIFY] <= 1);
                                assert_false(world.open);
                                reset_counts();
                                assert_int_equal(ask(), 0); /* and the next one works */
                        }
}

static void a_cancel_at_any_moment_frees_everything(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        unsigned int total = world.total;
        for (unsigned int at = 0; at < total; at++) {
                teardown(NULL);
                setup(NULL);
                struct request_params params = good_params();
                world.cancel_at = at;
                drive(&params);
                assert_false(world.done);
        }
}

static void a_wrong_pin_is_told_with_the_tries_left(void **state)
{
        (void)state;
        world.fail_with = OUTCOME_WRONG_PIN;
        assert_int_equal(ask(), OUTCOME_WRONG_PIN);
        assert_int_equal(world.tries_left, 2);
        assert_int_equal(world.ops[OP_SIGN], 0);
        assert_int_equal(world.resets, 1);
}

static void a_blocked_pin_is_told_without_a_prompt(void **state)
{
        (void)state;
        world.tries = 0;
        assert_int_equal(ask(), OUTCOME_PIN_BLOCKED);
        assert_int_equal(world.prompts, 0);
}

static void unknown_tries_mean_no_pin(void **state)
{
        (void)state;
        world.counter_known = false;
        assert_int_equal(ask(), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(world.prompts, 0);
}

static void the_last_try_is_shown_as_such(void **state)
{
        (void)state;
        world.tries = 1;
        world.person_outcome = OUTCOME_LAST_TRY_DECLINED;
        assert_int_equal(ask(), OUTCOME_LAST_TRY_DECLINED);
        assert_int_equal(last_question.tries_left, 1);
        assert_int_equal(world.pins, 0);
}

static void tries_that_went_down_meanwhile_stop_it(void **state)
{
        (void)state;
        world.at_prompt = LOWER_TRIES;
        assert_int_equal(ask(), OUTCOME_BUSY);
        assert_non_null(strstr(world.detail, "tries"));
        assert_int_equal(world.pins, 0);
}

static void another_card_never_gets_the_pin(void **state)
{
        (void)state;
        world.at_prompt = SWAP;
        assert_int_equal(ask(), OUTCOME_CARD_REMOVED);
        assert_int_equal(world.pins, 0);
        assert_int_equal(world.ops[OP_COUNTER], 1);
}

static void a_card_lifted_and_laid_back_goes_on(void **state)
{
        (void)state;
        static const enum mischief all[] = { LIFT, RESET, HELPER_DIES };
        for (size_t i = 0; i < ARRAY_LEN(all); i++) {
                teardown(NULL);
                setup(NULL);
                world.at_prompt = all[i];
                assert_int_equal(ask(), 0);
                assert_int_equal(world.ops[OP_IDENTIFY], 2);
                assert_int_equal(world.ops[OP_CONFIRM], 2);
        }
}

static void a_card_that_came_back_is_known_in_the_next_request(void **state)
{
        (void)state;
        world.at_prompt = LIFT;
        assert_int_equal(ask(), 0);
        reset_counts();
        assert_int_equal(ask(), 0);
        assert_int_equal(world.ops[OP_READ], 0);
}

static void a_reader_that_goes_is_no_reader(void **state)
{
        (void)state;
        world.at_prompt = READER_GOES;
        assert_int_equal(ask(), OUTCOME_NO_READER);
        assert_int_equal(world.pins, 0);
}

static void other_methods_are_tried_without_another_verify(void **state)
{
        (void)state;
        world.good_method = SIGN_RSA_BARE_HASH;
        assert_int_equal(ask(), 0);
        assert_int_equal(world.ops[OP_SIGN], 3);
        assert_int_equal(world.pins, 1);
        reset_counts();
        assert_int_equal(ask(), 0); /* and remembered */
        assert_int_equal(world.ops[OP_SIGN], 1);
}

static void a_key_that_shows_itself_is_the_only_one_tried(void **state)
{
        (void)state;
        world.key_shown = true;
        assert_int_equal(ask(), 0);
        assert_int_equal(world.ops[OP_METHOD], 2);
        assert_int_equal(world.ops[OP_SIGN], 1);
}

static void no_method_that_verifies_is_28_after_one_pin(void **state)
{
        (void)state;
        world.good_method = NEVER;
        assert_int_equal(ask(), OUTCOME_NO_STANDARD_SIGNATURE);
        assert_int_equal(world.pins, 1);
        assert_true(world.ops[OP_SIGN] > 1);
        assert_int_equal(world.resets, 1);
}

static void no_method_at_all_is_28_without_a_prompt(void **state)
{
        (void)state;
        world.accepts = 0;
        assert_int_equal(ask(), OUTCOME_NO_STANDARD_SIGNATURE);
        assert_int_equal(world.prompts, 0);
}

static void issuer_keys_are_told_without_a_prompt_and_remembered(void **state)
{
        (void)state;
        world.sm_needed = true;
        assert_int_equal(ask(), OUTCOME_NEEDS_ISSUER_KEYS);
        assert_int_equal(world.prompts, 0);
        reset_counts();
        assert_int_equal(ask(), OUTCOME_NEEDS_ISSUER_KEYS);
        assert_int_equal(world.ops[OP_COUNTER], 0);
}

static void issuer_keys_learnt_after_verify_are_remembered(void **state)
{
        (void)state;
        world.sm_at_sign = true;
        assert_int_equal(ask(), OUTCOME_NEEDS_ISSUER_KEYS);
        assert_int_equal(world.pins, 1);
        reset_counts();
        assert_int_equal(ask(), OUTCOME_NEEDS_ISSUER_KEYS);
        assert_int_equal(world.prompts, 0);
}

static void a_key_that_signed_before_is_not_written_off(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        reset_counts();
        world.sm_at_sign = true;
        assert_int_equal(ask(), OUTCOME_NEEDS_ISSUER_KEYS);
        reset_counts();
        world.sm_at_sign = false;
        assert_int_equal(ask(), 0);
}

static void a_foreign_card_meets_nothing_of_the_pin_family(void **state)
{
        (void)state;
        world.identity.supported = false;
        assert_int_equal(ask(), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(world.ops[OP_READ] + world.ops[OP_COUNTER] + world.ops[OP_CONFIRM], 0);
}

static void a_card_without_its_issuer_is_not_confirmed(void **state)
{
        (void)state;
        world.files[1] = NULL;
        assert_int_equal(ask(), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(world.ops[OP_CONFIRM] + world.ops[OP_COUNTER], 0);
        assert_non_null(world.detail);
}

static void unproven_no_is_policy_before_any_prompt(void **state)
{
        (void)state;
        world.simulated = false;
        world.config.unproven = UNPROVEN_NO;
        assert_int_equal(ask(), OUTCOME_POLICY);
        assert_int_equal(world.prompts + world.ops[OP_COUNTER], 0);
}

static void unproven_is_told_once_per_machine(void **state)
{
        (void)state;
        char dir[] = "/tmp/test-request-XXXXXX", deep[64], file[96];
        assert_non_null(mkdtemp(dir));
        snprintf(deep, sizeof deep, "%s/state/mohr", dir);
        snprintf(file, sizeof file, "%s/told-unproven", deep);
        world.config.state_dir = deep;
        world.simulated = false;
        world.person_outcome = OUTCOME_REFUSED;
        assert_int_equal(ask(), OUTCOME_REFUSED);
        assert_true(last_question.tell_unproven);
        assert_int_not_equal(access(file, F_OK), 0); /* a refusal is not an acknowledgement */
        reset_counts();
        assert_int_equal(ask(), 0);
        assert_true(last_question.tell_unproven);
        assert_int_equal(access(file, F_OK), 0);
        reset_counts();
        assert_int_equal(ask(), 0);
        assert_false(last_question.tell_unproven);
        unlink(file);
        rmdir(deep);
        snprintf(deep, sizeof deep, "%s/state", dir);
        rmdir(deep);
        rmdir(dir);
}

static void nobody_to_ask_is_its_own_answer(void **state)
{
        (void)state;
        struct request_params params = good_params();
        params.ui.tty = NULL;
        drive(&params);
        assert_int_equal(world.outcome, OUTCOME_NOBODY_TO_ASK);
}

static void a_bad_field_shows_before_the_prompt(void **state)
{
        (void)state;
        struct request_params params = good_params();
        params.nonce = "short";
        drive(&params);
        assert_int_equal(world.outcome, OUTCOME_INVALID);
        assert_int_equal(world.prompts, 0);
}

static void no_card_is_passed_on(void **state)
{
        (void)state;
        world.acquire_outcome = OUTCOME_NO_CARD;
        assert_int_equal(ask(), OUTCOME_NO_CARD);
}

static int on_settle(sd_event_source *source, void *user)
{
        (void)source, (void)user;
        world.settled_late = false;
        assert_non_null(the_watch);
        the_watch->changed(the_watch->user);
        return 0;
}

static void a_request_waits_for_the_first_look_at_readers(void **state)
{
        (void)state;
        sd_event_source *source = NULL;
        world.settled_late = true;
        assert_return_code(sd_event_add_defer(world.event, &source, on_settle, NULL), 0);
        sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE);
        assert_int_equal(ask(), 0);
        sd_event_source_unref(source);
}

static void the_time_limit_ends_it(void **state)
{
        (void)state;
        struct request_params params = good_params();
        params.timeout_ms = 20;
        world.settled_late = true;
        drive(&params);
        assert_int_equal(world.outcome, OUTCOME_TIMED_OUT);
        assert_null(the_watch);
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(a_good_card_and_pin_give_an_assertion),
                CASE(the_same_card_again_is_not_read_again),
                CASE(a_note_that_does_not_fit_costs_an_identification),
                CASE(a_card_laid_again_between_requests_is_read_again_but_its_issuer_is_known),
                CASE(a_card_of_whose_coming_the_watcher_was_late_is_not_taken_for_the_last_one),
                CASE(a_card_counted_anew_must_show_its_certificate_again),
                CASE(files_may_lie_anywhere),
                CASE(each_failing_operation_is_that_answer),
                CASE(a_cancel_at_any_moment_frees_everything),
                CASE(a_wrong_pin_is_told_with_the_tries_left),
                CASE(a_blocked_pin_is_told_without_a_prompt),
                CASE(unknown_tries_mean_no_pin),
                CASE(the_last_try_is_shown_as_such),
                CASE(tries_that_went_down_meanwhile_stop_it),
                CASE(another_card_never_gets_the_pin),
                CASE(a_card_lifted_and_laid_back_goes_on),
                CASE(a_card_that_came_back_is_known_in_the_next_request),
                CASE(a_reader_that_goes_is_no_reader),
                CASE(other_methods_are_tried_without_another_verify),
                CASE(a_key_that_shows_itself_is_the_only_one_tried),
                CASE(no_method_that_verifies_is_28_after_one_pin),
                CASE(no_method_at_all_is_28_without_a_prompt),
                CASE(issuer_keys_are_told_without_a_prompt_and_remembered),
                CASE(issuer_keys_learnt_after_verify_are_remembered),
                CASE(a_key_that_signed_before_is_not_written_off),
                CASE(a_foreign_card_meets_nothing_of_the_pin_family),
                CASE(a_card_without_its_issuer_is_not_confirmed),
                CASE(unproven_no_is_policy_before_any_prompt),
                CASE(unproven_is_told_once_per_machine),
                CASE(nobody_to_ask_is_its_own_answer),
                CASE(a_bad_field_shows_before_the_prompt),
                CASE(no_card_is_passed_on),
                CASE(a_request_waits_for_the_first_look_at_readers),
                CASE(the_time_limit_ends_it),
        };
        return cmocka_run_group_tests(tests, make_pki, drop_pki);
}
