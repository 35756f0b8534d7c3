/* SPDX-License-Identifier: Apache-2.0 */
/* driver_session.c: run with PKI_DIR, whole sessions of the card profile against the software card, with the rule
 * monitor between them. Prints each breach; exit 0 none, 1 some, 2 the session itself went wrong.
 *
 * It plays the helper and mohrd as they are meant to be (the issuer is looked at before the PIN family
 * starts, one entry by a person per VERIFY, clear and reset at the end) and then a caller who asks what
 * must be refused. tests/mutants builds it again with a driver that was made worse in one place.
 */
#include "apdu/card.h"
#include "drivers/softcard/softcard.h"
#include "tests/monitor/monitor.h"

#include <stdio.h>

#define PIN             "27182818"
#define WRONG_PIN       "31415926"
#define SHORT_WRONG_PIN "314159" /* of a PIV card: the shortest */

struct session {
        const char *pki;
        struct softcard *softcard;
        struct monitor *monitor;
        struct apdu_link link;
        struct card card;
        struct card_identity identity;
        bool confirmed;
        const char *typed; /* on the reader's keys */
        size_t failures;
};

static int transmit(
        void *ctx, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct session *session = ctx;
        size_t len = 0;
        int r = softcard_transmit(session->softcard, cmd, cmd_len, rsp, cap, &len);
        monitor_exchange(session->monitor, cmd, cmd_len, rsp, r == 0 ? len : 0);
        if (r == 0)
                *ret_len = len;
        return r;
}

/* A reader with keys: puts what was typed where it was told and sends (PC/SC part 10, 2.5.2). */
static int ask_on_keys(
        void *ctx, const struct apdu_pinpad *how, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct session *session = ctx;
        uint8_t cmd[5 + 255] = { how->cla, how->ins, how->p1, how->p2, how->block_len };
        memset(cmd + 5, how->pad, how->block_len);
        memcpy(cmd + 5, session->typed, strlen(session->typed));
        return transmit(session, cmd, 5U + how->block_len, rsp, cap, ret_len);
}

static void expect(struct session *session, bool holds, const char *what)
{
        if (holds)
                return;
        session->failures++;
        printf("# session: %s (sw %04x)\n", what, session->card.sw);
}

static void start(struct session *session, const char *profile, const char *option)
{
        char pki[512], profile_option[64];
        const char *bad = NULL;
        snprintf(pki, sizeof pki, "pki=%s", session->pki);
        snprintf(profile_option, sizeof profile_option, "profile=%s", profile);
        const char *options[] = { profile_option, pki, "pin=" PIN, option, NULL };
        softcard_free(session->softcard);
        session->softcard = NULL;
        if (softcard_new(&session->softcard, options, NULL, &bad) != 0) {
                printf("# session: no card: %s\n", bad ? bad : profile);
                exit(2);
        }
        softcard_insert(session->softcard);
        softcard_power_on(session->softcard);
        monitor_event(session->monitor, MONITOR_REMOVED);
        size_t atr_len;
        const uint8_t *atr = softcard_atr(session->softcard, &atr_len);
        session->link = (struct apdu_link){ .transmit = transmit, .ctx = session };
        session->link.protocol = softcard_is_t0(session->softcard) ? APDU_T0 : APDU_T1;
        card_init(&session->card, &session->link, atr, atr_len);
        session->confirmed = false;
}

static void begin(struct session *session)
{
        monitor_event(session->monitor, MONITOR_BEGIN);
        card_forget(&session->card);
}

static void end(struct session *session)
{
        monitor_event(session->monitor, MONITOR_END);
        softcard_power_on(session->softcard);
        monitor_event(session->monitor, MONITOR_RESET);
        session->confirmed = false;
}

/* What mohrd's gate does with OpenSSL, by eye: enough for cards of our own making. */
static bool names_issuer(const uint8_t *der, size_t len)
{
        return memmem(der, len, "Iran Government", 15) && memmem(der, len, "NOCR", 4);
}

/* identify and read everything that is free; the issuer seen or not. */
static void look(struct session *session)
{
        static uint8_t file[CARD_FILE_MAX];
        begin(session);
        if (card_identify(&session->card, &session->identity) != 0)
                return;
        for (int object = 0; object < OBJECT_COUNT; object++) {
                size_t len = 0;
                int r = nid_profile.read(
                        &session->card, (enum card_object)object, file, sizeof file, &len);
                if (r == 0 && object == OBJECT_CERTIFICATE_1)
                        session->confirmed = names_issuer(file, len);
        }
}

static int counter(struct session *session, enum pin_copy copy, struct pin_counter *ret)
{
        *ret = (struct pin_counter){ 0 };
        return nid_profile.counter(&session->card, copy, ret);
}

/* With digits, or on the reader's keys where it has them. */
static int verify(struct session *session, const char *digits, int *ret_tries)
{
        session->typed = digits;
        if (session->link.pinpad)
                return nid_profile.verify(&session->card, NULL, 0, ret_tries);
        return nid_profile.verify(
                &session->card, (const uint8_t *)digits, strlen(digits), ret_tries);
}

static void sign(struct session *session)
{
        static const uint8_t hash[32] = { 1, 2, 3 };
        uint8_t sig[CARD_SIG_MAX];
        size_t len = 0;
        int r = nid_profile.sign(&session->card, 0x03, SIGN_RSA_SHA256_CARD, hash, sizeof hash, sig,
                sizeof sig, &len);
        expect(session, r == 0 && len == 256, "signature");
        r = nid_profile.clear(&session->card);
        expect(session, r == 0, "clear");
}

/* One request as it should be. */
static void request(struct session *session, const char *digits)
{
        struct pin_counter left;
        struct card_probe probe;
        int tries = -1;
        look(session);
        expect(session, session->confirmed, "issuer");
        expect(session, counter(session, PIN_COPY_ID, &left) == 0, "counter ID");
        expect(session, counter(session, PIN_COPY_EV, &left) == 0, "counter EV");
        expect(session, nid_profile.probe(&session->card, &probe) == 0, "probe");
        monitor_event(session->monitor, MONITOR_END);
        monitor_entry(session->monitor, digits, false); /* nobody holds the card meanwhile */
        begin(session);
        expect(session, counter(session, PIN_COPY_IAS, &left) == 0 && left.known && left.tries > 1,
                "counter");
        int r = verify(session, digits, &tries);
        expect(session, r == (strcmp(digits, PIN) == 0 ? 0 : OUTCOME_WRONG_PIN), "verify");
        if (r == 0)
                sign(session);
        end(session);
}

static void good_requests(struct session *session)
{
        static const char *const profiles[] = { "mav2-cl", "mav2-t0", "mav3", "mav4" };
        for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
                start(session, profiles[i], NULL);
                request(session, PIN);
                request(session, WRONG_PIN);
                request(session, PIN);
        }
        start(session, "mav2-cl", "start-verified=on");
        request(session, PIN);
        start(session, "mav2-cl", "path-select=off");
        request(session, PIN);
}

static void requests_on_keys(struct session *session)
{
        static const char *const profiles[] = { "mav2-cl", "mav2-t0" };
        for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
                start(session, profiles[i], NULL);
                session->link.pinpad = ask_on_keys;
                request(session, PIN);
                request(session, WRONG_PIN);
        }
}

/* The card falls silent, dies or talks nonsense around VERIFY: nothing is sent twice. */
static void broken_verify(struct session *session)
{
        static const struct {
                const char *fault;
                bool answered;
        } cases[] = { { "fault=mute:1@verify:lost", false }, { "fault=mute:1@verify:after", true },
                { "fault=removal:1@verify:after", true }, { "fault=wrong-sw=6F00@verify", false },
                { "fault=reset@verify:lost", false } };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct pin_counter left;
                int tries;
                start(session, "mav2-cl", cases[i].fault);
                look(session);
                expect(session, counter(session, PIN_COPY_IAS, &left) == 0,
                        "counter before a fault");
                monitor_entry(session->monitor, PIN, false);
                expect(session, (verify(session, PIN, &tries) == 0) == cases[i].answered,
                        cases[i].fault);
                expect(session, verify(session, PIN, &tries) < 0, "VERIFY cannot be repeated");
                if (cases[i].answered)
                        (void)nid_profile.clear(&session->card);
                end(session);
        }
}

/* A caller who knows no rules: the profile must refuse by itself. */
static void careless_caller(struct session *session)
{
        struct pin_counter left;
        int tries;
        start(session, "mav2-cl", NULL);
        look(session);
        monitor_entry(session->monitor, PIN, false);
        expect(session, verify(session, PIN, &tries) < 0, "no VERIFY without a counter");
        monitor_entry(session->monitor, PIN, false);
        expect(session, counter(session, PIN_COPY_IAS, &left) == 0, "counter");
        expect(session,
                verify(session, "123", &tries) < 0 && verify(session, "12345678x", &tries) < 0,
                "no PIN of another length");
        end(session);
}

static void blocked_card(struct session *session)
{
        struct pin_counter left;
        int tries;
        start(session, "mav2-cl", NULL);
        for (int i = 0; i < 3; i++) {
                look(session);
                (void)counter(session, PIN_COPY_IAS, &left);
                monitor_entry(session->monitor, WRONG_PIN, true);
                (void)verify(session, WRONG_PIN, &tries);
                end(session);
        }
        look(session);
        expect(session, counter(session, PIN_COPY_IAS, &left) == 0 && left.known && left.tries == 0,
                "blocked");
        monitor_entry(session->monitor, WRONG_PIN, true);
        expect(session, verify(session, WRONG_PIN, &tries) < 0, "no VERIFY to a blocked card");
        end(session);
}

static void foreign_card(struct session *session)
{
        static const char *const profiles[] = { "foreign-ias", "foreign-mpcos" };
        for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
                struct pin_counter left;
                struct card_probe probe;
                int tries;
                start(session, profiles[i], NULL);
                look(session);
                expect(session, !session->confirmed, "foreign issuer");
                (void)counter(session, PIN_COPY_IAS, &left);
                (void)counter(session, PIN_COPY_ID, &left);
                (void)nid_profile.probe(&session->card, &probe);
                (void)nid_profile.select_method(&session->card, 0x03, SIGN_RSA_SHA256_CARD);
                (void)verify(session, PIN, &tries);
                end(session);
        }
}

/* ---- a PIV card: the same rules with its own bytes ---- */

static int piv_verify_once(struct session *session, const char *digits, int *ret_tries)
{
        return piv_profile.verify(
                &session->card, (const uint8_t *)digits, strlen(digits), ret_tries);
}

struct work {
        uint8_t key;
        enum sign_method method;
};

static int piv_sign(struct session *session, uint8_t key, enum sign_method method)
{
        static const size_t lens[SIGN_METHOD_COUNT] = {
                [SIGN_PIV_RSA2048] = 32,
                [SIGN_PIV_P256] = 32,
                [SIGN_PIV_P384] = 48,
                [SIGN_PIV_RSA2048_RAW] = 256,
                [SIGN_PIV_P256_RAW] = 32,
                [SIGN_PIV_P384_RAW] = 48,
        };
        static const uint8_t block[256] = { 0, 1, 2, 3 };
        uint8_t sig[CARD_SIG_MAX];
        size_t len = 0;
        return piv_profile.sign(
                &session->card, key, method, block, lens[method], sig, sizeof sig, &len);
}

static void piv_sign_once(struct session *session, const struct work *work)
{
        expect(session, piv_sign(session, 0x9D, work->method) < 0, "no other key");
        expect(session, piv_sign(session, 0x9C, SIGN_PIV_RSA2048_RAW) < 0,
                "no block of an app's by the key that makes assertions");
        expect(session, piv_sign(session, work->key, work->method) == 0, "PIV signature");
        expect(session, piv_sign(session, work->key, work->method) < 0,
                "one signature for one PIN");
        (void)piv_profile.clear(&session->card);
}

static void piv_request(struct session *session, struct work work, const char *digits)
{
        static uint8_t file[CARD_FILE_MAX];
        struct pin_counter left = { 0 };
        size_t len = 0;
        int tries = -1;
        begin(session);
        expect(session,
                card_identify(&session->card, &session->identity) == 0 &&
                        session->identity.family == CARD_PIV && session->identity.supported,
                "PIV");
        expect(session,
                piv_profile.read(&session->card, OBJECT_CERTIFICATE_1, file, sizeof file, &len) ==
                        0,
                "certificate of 9C");
        if (work.key == 0x9A)
                expect(session,
                        piv_profile.read(
                                &session->card, OBJECT_CERTIFICATE_2, file, sizeof file, &len) == 0,
                        "certificate of 9A");
        monitor_event(session->monitor, MONITOR_END);
        monitor_entry(session->monitor, digits, false);
        begin(session);
        expect(session, piv_verify_once(session, digits, &tries) < 0,
                "no VERIFY without a counter");
        expect(session, piv_profile.counter(&session->card, PIN_COPY_IAS, &left) == 0 && left.known,
                "PIV counter");
        expect(session, piv_verify_once(session, "12345", &tries) < 0, "no PIN of five digits");
        int r = piv_verify_once(session, digits, &tries);
        expect(session, r == (strcmp(digits, PIN) == 0 ? 0 : OUTCOME_WRONG_PIN), "PIV verify");
        expect(session, piv_verify_once(session, digits, &tries) < 0, "VERIFY once");
        if (r == 0)
                piv_sign_once(session, &work);
        end(session);
}

static void piv_requests(struct session *session)
{
        static const struct {
                const char *profile, *key;
                struct work work;
        } rows[] = { { "piv", "piv-9c=rsa2048", { 0x9C, SIGN_PIV_RSA2048 } },
                { "piv-t0", "piv-9c=p256", { 0x9C, SIGN_PIV_P256 } },
                { "piv", "piv-9c=p384", { 0x9C, SIGN_PIV_P384 } },
                { "piv-t0", "piv-9a=rsa2048", { 0x9A, SIGN_PIV_RSA2048_RAW } },
                { "piv", "piv-9a=p256", { 0x9A, SIGN_PIV_P256_RAW } },
                { "piv", "piv-9a=p384", { 0x9A, SIGN_PIV_P384_RAW } } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                start(session, rows[i].profile, rows[i].key);
                piv_request(session, rows[i].work, PIN);
                piv_request(session, rows[i].work, SHORT_WRONG_PIN);
                piv_request(session, rows[i].work, PIN);
        }
}

/* Nonsense, silence or a removal around VERIFY: nothing is sent twice. */
static void piv_broken_verify(struct session *session)
{
        static const char *const faults[] = { "fault=wrong-sw=6F00@verify",
                "fault=mute:1@verify:lost", "fault=removal:1@verify:after" };
        static uint8_t file[CARD_FILE_MAX];
        for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
                struct pin_counter left;
                size_t len;
                int tries;
                start(session, "piv", faults[i]);
                begin(session);
                expect(session, card_identify(&session->card, &session->identity) == 0, "PIV");
                expect(session,
                        piv_profile.read(&session->card, OBJECT_CERTIFICATE_1, file, sizeof file,
                                &len) == 0 &&
                                piv_profile.counter(&session->card, PIN_COPY_IAS, &left) == 0,
                        "PIV before a fault");
                monitor_entry(session->monitor, PIN, false);
                (void)piv_verify_once(session, PIN, &tries);
                expect(session, piv_verify_once(session, PIN, &tries) < 0,
                        "VERIFY cannot be repeated");
                end(session);
        }
}

/* ---- a new PIN for a PIV card ---- */

#define NEW_PIN   "16180339"
#define PUK       "13572468"
#define WRONG_PUK "24681357"

static int renew(struct session *session, enum card_renewal how, const char *proof,
        const char *new_pin, int *ret_tries)
{
        return piv_profile.renew(&session->card, how,
                (struct view){ (const uint8_t *)proof, strlen(proof) },
                (struct view){ (const uint8_t *)new_pin, strlen(new_pin) }, ret_tries);
}

static void piv_looked_at(struct session *session, struct pin_counter *ret)
{
        static uint8_t file[CARD_FILE_MAX];
        size_t len = 0;
        begin(session);
        *ret = (struct pin_counter){ 0 };
        expect(session,
                card_identify(&session->card, &session->identity) == 0 &&
                        piv_profile.read(&session->card, OBJECT_CERTIFICATE_1, file, sizeof file,
                                &len) == 0 &&
                        piv_profile.counter(&session->card, PIN_COPY_IAS, ret) == 0 && ret->known,
                "PIV before a new PIN");
}

/* One entry, one command; the same asked for again at once, which is refused. */
static void piv_renewal(struct session *session, enum card_renewal how, const char *proof,
        const char *new_pin, int expected)
{
        struct pin_counter left;
        int tries = -1;
        piv_looked_at(session, &left);
        monitor_entry(session->monitor, proof, left.tries == 1);
        expect(session, renew(session, how, proof, "12345", &tries) < 0,
                "no new PIN of five digits");
        expect(session, renew(session, how, "123456789", new_pin, &tries) < 0, "no proof of nine");
        expect(session, renew(session, how, proof, new_pin, &tries) == expected, "a new PIN");
        expect(session, renew(session, how, proof, new_pin, &tries) < 0,
                "one new PIN for one entry");
        end(session);
}

static void piv_renewals(struct session *session)
{
        static const char *const profiles[] = { "piv", "piv-t0" };
        for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
                start(session, profiles[i], NULL);
                piv_renewal(session, RENEW_BY_PIN, PIN, NEW_PIN, 0);
                piv_renewal(session, RENEW_BY_PIN, PIN, NEW_PIN, OUTCOME_WRONG_PIN);
                piv_renewal(session, RENEW_BY_PIN, NEW_PIN, PIN, 0);
                piv_renewal(session, RENEW_BY_PUK, WRONG_PUK, NEW_PIN, OUTCOME_WRONG_PIN);
                piv_renewal(session, RENEW_BY_PUK, PUK, NEW_PIN, 0);
                piv_request(session, (struct work){ 0x9C, SIGN_PIV_RSA2048 }, SHORT_WRONG_PIN);
        }
}

/* Blocked: by the PIN no more, by the code it is. */
static void piv_unblocked(struct session *session)
{
        struct pin_counter left;
        int tries;
        start(session, "piv", NULL);
        for (int i = 0; i < 3; i++)
                piv_renewal(session, RENEW_BY_PIN, SHORT_WRONG_PIN, NEW_PIN,
                        i < 2 ? OUTCOME_WRONG_PIN : OUTCOME_PIN_BLOCKED);
        piv_looked_at(session, &left);
        expect(session, left.tries == 0, "blocked");
        monitor_entry(session->monitor, PIN, true);
        expect(session, renew(session, RENEW_BY_PIN, PIN, NEW_PIN, &tries) < 0,
                "no change of a blocked PIN");
        end(session);
        piv_renewal(session, RENEW_BY_PUK, PUK, NEW_PIN, 0);
        piv_renewal(session, RENEW_BY_PIN, NEW_PIN, PIN, 0);
}

/* Nonsense, silence, a reset around the one command: it is not said again. */
static void piv_broken_renewal(struct session *session)
{
        static const char *const faults[] = { "fault=wrong-sw=6F00@change",
                "fault=mute:1@change:lost", "fault=reset@change:lost" };
        for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
                struct pin_counter left;
                int tries;
                start(session, "piv", faults[i]);
                piv_looked_at(session, &left);
                monitor_entry(session->monitor, PIN, false);
                expect(session, renew(session, RENEW_BY_PIN, PIN, NEW_PIN, &tries) != 0,
                        "a new PIN that nobody confirms");
                expect(session, renew(session, RENEW_BY_PIN, PIN, NEW_PIN, &tries) < 0,
                        "it cannot be asked for again");
                end(session);
        }
}

static size_t tell(const struct monitor *monitor)
{
        size_t count;
        const struct monitor_breach *breaches = monitor_breaches(monitor, &count);
        for (size_t i = 0; i < count; i++) {
                char header[9];
                hex_encode(header, breaches[i].header, sizeof breaches[i].header);
                printf("breach of rule %d (%s): %s\n", breaches[i].rule, header, breaches[i].what);
        }
        return count;
}

int main(int argc, char **argv)
{
        static void (*const scenes[])(struct session *) = { good_requests, requests_on_keys,
                broken_verify, careless_caller, blocked_card, foreign_card, piv_requests,
                piv_broken_verify, piv_renewals, piv_unblocked, piv_broken_renewal };
        struct session session = { .pki = argc > 1 ? argv[1] : "" };
        if (argc != 2 || monitor_new(&session.monitor) < 0)
                return 2;
        for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
                scenes[i](&session);
        size_t breaches = tell(session.monitor);
        softcard_free(session.softcard);
        monitor_free(session.monitor);
        return breaches > 0 ? 1 : session.failures > 0 ? 2 : 0;
}
