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

#define PIN   "27182818"
#define NEVER 1000

/* Around what card and person do themselves; a program that makes calls fail spares them. */
#ifndef WORLD_CALM
#define WORLD_CALM()
#define WORLD_ON()
#endif
#define FILES    3
#define READER   "Test Reader 00"
#define GOOD_KEY 0x03

/* ---- the world ----------------------------------------------------------------------------- */

enum mischief {
        NOTHING,
        SWAP,
        LIFT,
        RESET,
        LOWER_TRIES,
        HELPER_DIES,
        READER_GOES,
        COUNT_ANEW,
        PAD_GOES
};

/* One of several cards: what lies in which reader, and what it does instead of its part. */
struct lying {
        const char *reader, *state; /* NULL: "card" */
        X509 *files[FILES];
        struct card_identity identity;
        int acquire_outcome;
        enum op fails, silent; /* the operation that ends with `with`, or never */
        int with;
        X509 *swapped; /* what lies there after the first look */
        unsigned int looks;
};

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
        bool counter_known, key_shown, sm_needed, sm_at_sign, files_locked;
        int second_count;     /* what the card tells when asked the other way; -1: nothing */
        unsigned int accepts; /* set of 1 << sign_method that MSE SET takes */
        int good_method;      /* the one whose signature verifies */
        bool simulated;
        uint8_t pinpad;     /* what the reader has */
        int pinpad_outcome; /* what comes of asking there, with this word */
        uint16_t pinpad_sw;
        unsigned int patience_s;    /* as the reader was told */
        uint32_t events, insertion; /* as the watcher and as the helper count them */
        enum card_event event_at_begin;

        /* what a process in front of it knows */
        bool open, identified, confirmed, counted, armed, verified;

        /* counts */
        unsigned int ops[OP_COUNT], total, pins, leaves, resets, prompts, acquired, typed, consents;

        /* the test's will */
        int acquire_outcome;
        unsigned int fail_at; /* which operation, from 0 */
        int fail_with;
        bool fail_dead; /* the helper dies of it */
        unsigned int cancel_at;
        enum mischief at_prompt;
        int person_outcome;
        bool settled_late, forgets;
        bool examining;             /* asked what no request asks */
        const char *const *cards;   /* names of readers that hold one, NULL at its end; or NULL */
        const char *wanted;         /* the one that the person means */
        struct lying *lying, *here; /* several cards, up to one without a name; the one in hand */
        int consent;                /* to looking at them */
        bool agreed;                /* to that, or to one of them */

        /* what came out */
        struct request *request;
        unsigned int choices, searches;
        size_t asked_about; /* how many readers */
        char taken[128];    /* the name that a reader was asked for by */
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
        WORLD_CALM();
        the_watch = calloc(1, sizeof *the_watch);
        WORLD_ON();
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

size_t readers_with_cards(const struct readers *readers, struct reader_info *ret, size_t cap)
{
        (void)readers;
        size_t count = 0;
        for (const struct lying *at = world.lying; at && at->reader && count < cap; at++, count++)
                ret[count] = (struct reader_info){ at->reader, "soft",
                        at->state ? at->state : "card", true, 1, NULL };
        for (const char *const *name = world.cards; name && *name && count < cap; name++)
                ret[count++] = (struct reader_info){ *name, "soft", "card", true, 1, NULL };
        return count;
}

/* Nothing is met of which nobody knows, and a card in use is nobody else's. */
static int acquire_lying(const char *name)
{
        assert_true(world.agreed || !name);
        for (world.here = world.lying; name && world.here->reader; world.here++)
                if (strcmp(world.here->reader, name) == 0)
                        break;
        if (!name || !world.here->reader)
                return name ? OUTCOME_NO_READER : OUTCOME_BUSY;
        return world.here->acquire_outcome;
}

int readers_acquire(
        struct readers *readers, const char *name, struct reader **ret, const char **ret_detail)
{
        (void)readers, (void)ret_detail;
        int outcome = world.lying ? acquire_lying(name) : 0;
        if (outcome)
                return outcome;
        snprintf(world.taken, sizeof world.taken, "%s", name ? name : "");
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
        if (world.here && world.here->looks++ == 0 && world.here->swapped)
                world.here->files[0] = world.here->swapped;
        process_ends();
        return NULL;
}

void reader_describe(const struct reader *reader, struct reader_info *ret)
{
        (void)reader;
        if (world.here) {
                uint32_t events = 100 + (uint32_t)(world.here - world.lying);
                *ret = (struct reader_info){ world.here->reader, "soft", "in_use", world.simulated,
                        events, NULL };
                return;
        }
        *ret = (struct reader_info){ READER, "soft", "in_use", world.simulated, world.events,
                NULL };
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
        if (world.examining && object >= FILES) {
                out_bytes16(out, dates, 8);
                return 0;
        }
        assert_true(object < FILES);
        X509 *file = world.here ? world.here->files[object] : world.files[object];
        if (world.files_locked)
                return OUTCOME_NEEDS_ISSUER_KEYS;
        if (!file)
                return OUTCOME_CARD_NOT_SUPPORTED;
        put_file(out, file);
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
        probe.tries_known = world.second_count >= 0;
        probe.tries = (uint8_t)(probe.tries_known ? world.second_count : 0);
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

static int card_count(enum pin_copy copy, struct out *out)
{
        struct pin_counter counter = {
                .known = world.counter_known, .tries = world.tries, .sw = 0x63C3
        };
        assert_true(world.confirmed);
        assert_true(copy == PIN_COPY_IAS || (world.examining && copy < PIN_COPY_COUNT));
        world.counted |= copy == PIN_COPY_IAS;
        op_put_counter(out, &counter);
        return 0;
}

static int card_transcript(bool on, struct out *out)
{
        assert_true(world.examining && !world.open);
        if (!on)
                out_bytes16(out, "@ begin\n00 9000\n", 16);
        return 0;
}

/* The reader asks the person itself; its own words are about the person, not about the card. */
static int card_pinpad(struct in *args, struct out *out)
{
        world.patience_s = in_u8(args);
        assert_int_equal(in_done(args), 0);
        assert_true(world.confirmed && world.counted && world.config.pinpad);
        assert_true(world.pinpad & PINPAD_VERIFY);
        assert_int_equal(world.pins, 0);
        world.counted = false;
        world.typed++;
        world.verified = world.pinpad_outcome == 0;
        if (world.pinpad_outcome == OUTCOME_WRONG_PIN)
                world.tries--;
        bool told = world.pinpad_sw == 0x9000 || world.pinpad_outcome == OUTCOME_WRONG_PIN;
        out_u8(out, (uint8_t)(int8_t)(told ? world.tries : -1));
        return world.pinpad_outcome;
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
                .pinpad = world.pinpad,
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
        assert_true(reader->op == OP_BEGIN || reader->op == OP_TRANSCRIPT || world.open);
        switch (reader->op) {
        case OP_BEGIN: return card_begin(out);
        case OP_IDENTIFY:
                assert_false(world.identified);
                world.identified = true;
                op_put_identity(out, world.here ? &world.here->identity : &world.identity);
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
        case OP_COUNTER: return card_count(in_u8(&args), out);
        case OP_FOREIGN:
                assert_true(world.examining);
                out_text16(out, "some bank's card");
                return 0;
        case OP_TRANSCRIPT: return card_transcript(in_u8(&args), out);
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
        case OP_PINPAD: return card_pinpad(&args, out);
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
        WORLD_CALM();
        bool lying = world.here && world.here->fails == reader->op;
        int outcome = failing ? world.fail_with
                      : lying ? world.here->with
                              : card_does(reader, &out);
        WORLD_ON();
        if (lying && !outcome_is_refusal(outcome))
                process_ends();
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
        uint16_t sw = reader->op == OP_PINPAD && !failing ? world.pinpad_sw : 0x9000;
        reader->done(reader->user, outcome, sw, &fields);
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
        if (world.here && world.here->silent == op)
                return 0;
        WORLD_CALM();
        assert_return_code(sd_event_add_defer(world.event, &reader->soon,
                                   cancelling ? on_cancel : on_soon, reader),
                0);
        WORLD_ON();
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
        case PAD_GOES: world.pinpad = 0; break;
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

static struct person_question last_question;

static int on_prompt(sd_event_source *source, void *user)
{
        (void)source;
        struct person *person = user;
        if (last_question.search) {
                world.agreed = world.consent == 0;
                person->done(person->user, world.consent);
                return 0;
        }
        if (last_question.choice) {
                bool meant = world.wanted && strcmp(last_question.reader, world.wanted) == 0;
                world.agreed |= meant;
                person->done(person->user, world.person_outcome ? world.person_outcome
                                           : meant              ? 0
                                                                : OUTCOME_NO_CARD);
                return 0;
        }
        do_mischief();
        if (world.person_outcome == 0 && person->pin) {
                memcpy(person->pin->data, PIN, strlen(PIN));
                person->pin->len = strlen(PIN);
        }
        person->done(person->user, world.person_outcome);
        return 0;
}

int person_ask(struct person **ret, sd_event *event, const struct config *config,
        const struct person_question *question, struct secret *pin, person_done done, void *user)
{
        (void)config;
        assert_false(world.open);                   /* no transaction across a human */
        if (question->choice || question->search) { /* nothing of a holder yet */
                assert_true(!pin && !question->given_name && !question->card_number);
                world.choices += question->choice;
                world.searches += question->search;
                world.asked_about = question->reader_count;
        } else {
                assert_true(pin ? pin->cap >= 64 : (world.pinpad & PINPAD_VERIFY) != 0);
                world.consents += pin == NULL;
                world.prompts++;
        }
        last_question = *question;
        if (!question->ui.tty)
                return OUTCOME_NOBODY_TO_ASK;
        WORLD_CALM();
        struct person *person = calloc(1, sizeof *person);
        *person = (struct person){ .pin = pin, .done = done, .user = user };
        assert_return_code(sd_event_add_defer(event, &person->soon, on_prompt, person), 0);
        WORLD_ON();
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
        WORLD_CALM();
        world.assertion = assertion ? strdup(assertion) : NULL;
        WORLD_ON();
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
        world.total = world.pins = world.leaves = world.resets = world.prompts = world.acquired =
                world.typed = world.consents = world.choices = world.searches = 0;
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
                .config = { .unproven = UNPROVEN_ASK,
                        .pinpad = true,
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
