/* SPDX-License-Identifier: Apache-2.0 */
/* test_golden.c: the driver against the byte strings of card-facts.md, which were typed into
 * tests/golden/ from that document alone, without a look at driver or simulator.
 *
 * A transcript is read line by line:
 *      @ OPERATION      what the driver is asked to do
 *      > HEX            the command as published          ? HEX   one that may be sent or left out
 *      ~ HEX            a form that the document allows in its place
 *      < HEX            the card's answer
 *      = RESULT         what the operation must bring; every > must have been sent by then
 *      ! T=0            the protocol of this transcript (default T=1)
 *      ! pardis         the card is one of these (default: a Mav card)
 * Before a transcript the card is identified with answers of this file's own, and forgotten again, so
 * that the first operation starts where a new transaction starts.
 */
#include "apdu/card.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include <cmocka.h>

#define STEPS_MAX 32
#define FORMS_MAX 6
#define BYTES_MAX 600

struct bytes {
        uint8_t data[BYTES_MAX];
        size_t len;
};

struct step {
        bool optional;
        struct bytes forms[FORMS_MAX], answer;
        size_t form_count;
};

struct script {
        const char *name;
        unsigned int line;
        char operation[64], result[2 * BYTES_MAX + 1];
        struct step steps[STEPS_MAX];
        size_t count, at;
        bool identifying; /* answer anything, as a card with the two Mav applications */
        bool pardis;      /* or as one with the application PARDIS */
        struct apdu_link link;
        struct card card;
};

static void complain(const struct script *script, const char *what, const uint8_t *cmd, size_t len)
{
        char hex[2 * BYTES_MAX + 1] = "";
        if (len <= BYTES_MAX)
                hex_encode(hex, cmd, len);
        print_error(
                "%s:%u: @ %s: %s %s\n", script->name, script->line, script->operation, what, hex);
}

static bool step_has(const struct step *step, const uint8_t *cmd, size_t len)
{
        for (size_t i = 0; i < step->form_count; i++)
                if (step->forms[i].len == len && memcmp(step->forms[i].data, cmd, len) == 0)
                        return true;
        return false;
}

static int give(const struct bytes *answer, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        if (answer->len > cap)
                return -ENOSPC;
        memcpy(rsp, answer->data, answer->len);
        *ret_len = answer->len;
        return 0;
}

static int identify_answer(const struct script *script, const uint8_t *cmd, size_t len,
        uint8_t *rsp, size_t cap, size_t *ret_len)
{
        static const uint8_t ias[] = { 0xA0, 0, 0, 0, 0x18, 0x0C },
                             mpcos[] = { 0xA0, 0, 0, 0, 0x18, 0x30 };
        bool here = len > 11 && cmd[1] == 0xA4 && cmd[2] == 0x04 &&
                    (memcmp(cmd + 5, ias, 6) == 0 || memcmp(cmd + 5, mpcos, 6) == 0);
        struct bytes answer = { .data = { 0x6A, 0x82 }, .len = 2 };
        if (script->pardis)
                here = len == 20 && memcmp(cmd + 5, "PARDIS,MATIRAN ", 15) == 0;
        if (here)
                memcpy(answer.data, (const uint8_t[]){ 0x90, 0x00 }, 2);
        return give(&answer, rsp, cap, ret_len);
}

static int transmit(
        void *ctx, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct script *script = ctx;
        if (script->identifying)
                return identify_answer(script, cmd, len, rsp, cap, ret_len);
        while (script->at < script->count) {
                const struct step *step = &script->steps[script->at++];
                if (step_has(step, cmd, len))
                        return give(&step->answer, rsp, cap, ret_len);
                if (!step->optional)
                        break;
        }
        complain(script, "sent", cmd, len);
        return -EIO;
}

/* ---- operations ---------------------------------------------------------------------------- */

static void expect_bytes(const struct script *script, int r, const uint8_t *data, size_t len)
{
        char hex[2 * BYTES_MAX + 1];
        assert_true(len <= BYTES_MAX);
        hex_encode(hex, data, len);
        if (r != 0 || strcasecmp(hex, script->result) != 0)
                complain(script, r != 0 ? "failed" : "brought", data, r != 0 ? 0 : len);
        assert_int_equal(r, 0);
        assert_true(strcasecmp(hex, script->result) == 0);
}

static bool read_operation(struct script *script)
{
        static const struct {
                const char *name;
                enum card_object object;
        } objects[] = { { "certificate-1", OBJECT_CERTIFICATE_1 },
                { "certificate-2", OBJECT_CERTIFICATE_2 },
                { "certificate-3", OBJECT_CERTIFICATE_3 }, { "dates", OBJECT_DATES },
                { "afis", OBJECT_AFIS }, { "versions", OBJECT_VERSIONS }, { "csn", OBJECT_CSN },
                { "crn", OBJECT_CRN }, { "pin-flags", OBJECT_PIN_FLAGS } };
        static uint8_t file[CARD_FILE_MAX];
        for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
                if (strcmp(objects[i].name, script->operation) != 0)
                        continue;
                size_t len = 0;
                int r = nid_profile.read(&script->card, objects[i].object, file, sizeof file, &len);
                expect_bytes(script, r, file, len);
                return true;
        }
        return false;
}

static bool counter_operation(struct script *script)
{
        static const char *const names[PIN_COPY_COUNT] = { "counter-ias", "counter-id",
                "counter-ev" };
        for (size_t i = 0; i < PIN_COPY_COUNT; i++) {
                if (strcmp(names[i], script->operation) != 0)
                        continue;
                struct pin_counter counter = { 0 };
                int r = nid_profile.counter(&script->card, (enum pin_copy)i, &counter);
                uint8_t tries = counter.known ? (uint8_t)counter.tries : 0xFF;
                expect_bytes(script, r, &tries, 1);
                return true;
        }
        return false;
}

static bool verify_operation(struct script *script)
{
        unsigned int wanted;
        int tries = -1;
        if (strncmp(script->operation, "verify ", 7) != 0)
                return false;
        const char *digits = script->operation + 7;
        int r = nid_profile.verify(&script->card, (const uint8_t *)digits, strlen(digits), &tries);
        if (strcmp(script->result, "broken") == 0) {
                assert_true(r < 0);
        } else if (sscanf(script->result, "wrong %u", &wanted) == 1) {
                assert_int_equal(r, OUTCOME_WRONG_PIN);
                assert_int_equal(tries, wanted);
        } else {
                assert_int_equal(r, 0);
        }
        return true;
}

static bool sign_operation(struct script *script)
{
        static const char *const names[] = { [SIGN_RSA_SHA256_CARD] = "sign 42",
                [SIGN_RSA_DIGESTINFO] = "sign 02-digestinfo",
                [SIGN_RSA_BARE_HASH] = "sign 02-bare" };
        uint8_t hash[32], sig[CARD_SIG_MAX];
        for (size_t i = 0; i < sizeof hash; i++)
                hash[i] = (uint8_t)(i + 1);
        for (size_t i = 0; i <= SIGN_RSA_BARE_HASH; i++) {
                if (strcmp(names[i], script->operation) != 0)
                        continue;
                size_t len = 0;
                int r = nid_profile.sign(&script->card, 0x03, (enum sign_method)i, hash,
                        sizeof hash, sig, sizeof sig, &len);
                expect_bytes(script, r, sig, len);
                return true;
        }
        return false;
}

static bool probe_operation(struct script *script)
{
        static struct card_probe probe;
        char found[sizeof script->result] = "";
        if (strcmp(script->operation, "probe") != 0)
                return false;
        assert_int_equal(nid_profile.probe(&script->card, &probe), 0);
        int n = snprintf(found, sizeof found, "tries %d changed %d keys",
                probe.tries_known ? probe.tries : -1, probe.changed_known ? probe.changed : -1);
        for (unsigned int i = 0; i < probe.key_count; i++)
                n += snprintf(found + n, sizeof found - (size_t)n, " %02X", probe.keys[i].ref);
        n += snprintf(found + n, sizeof found - (size_t)n, " rules");
        for (size_t i = 0; i < CARD_RULES_MAX; i++)
                n += snprintf(found + n, sizeof found - (size_t)n, " %02X/%02X",
                        probe.rules[i].read, probe.rules[i].update);
        assert_string_equal(found, script->result);
        return true;
}

static bool clear_operation(struct script *script)
{
        if (strcmp(script->operation, "clear") != 0)
                return false;
        assert_int_equal(nid_profile.clear(&script->card), 0);
        return true;
}

static void operate(struct script *script)
{
        static bool (*const operations[])(struct script *) = { read_operation, counter_operation,
                verify_operation, sign_operation, probe_operation, clear_operation };
        bool known = false;
        script->at = 0;
        for (size_t i = 0; !known && i < ARRAY_LEN(operations); i++)
                known = operations[i](script);
        if (!known)
                complain(script, "unknown operation", NULL, 0);
        assert_true(known);
        for (; script->at < script->count; script->at++) {
                const struct step *step = &script->steps[script->at];
                if (!step->optional)
                        complain(script, "did not send", step->forms[0].data, step->forms[0].len);
                assert_true(step->optional);
        }
        script->count = 0;
}

/* ---- transcripts --------------------------------------------------------------------------- */

static void take_bytes(const struct script *script, struct bytes *bytes, const char *hex)
{
        ssize_t len = hex_decode(bytes->data, sizeof bytes->data, hex);
        if (len < 0)
                complain(script, "not hex", NULL, 0);
        assert_true(len > 0);
        bytes->len = (size_t)len;
}

static void add_step(struct script *script, bool optional, const char *hex)
{
        assert_true(script->count < STEPS_MAX);
        struct step *step = &script->steps[script->count++];
        *step = (struct step){ .optional = optional, .form_count = 1 };
        take_bytes(script, &step->forms[0], hex);
}

static void add_form(struct script *script, const char *hex)
{
        assert_true(script->count > 0);
        struct step *step = &script->steps[script->count - 1];
        assert_true(step->form_count < FORMS_MAX);
        take_bytes(script, &step->forms[step->form_count++], hex);
}

static void take_text(char *dst, size_t cap, const char *text)
{
        size_t len = strlen(text);
        assert_true(len < cap);
        memcpy(dst, text, len + 1);
}

static void identify(struct script *script)
{
        /* Rows 1 and 4 of card-facts 1.4; the first in its contactless form. */
        static const char *const atrs[] = { "3B8F800180318065B0850202ED120FFF82900072",
                "3B781800000073C84013009000" };
        uint8_t atr[CARD_ATR_MAX];
        struct card_identity identity;
        ssize_t len = hex_decode(atr, sizeof atr, atrs[script->pardis]);
        assert_true(len > 0);
        script->link = (struct apdu_link){
                .transmit = transmit, .ctx = script, .protocol = script->pardis ? APDU_T0 : APDU_T1
        };
        card_init(&script->card, &script->link, atr, (size_t)len);
        script->identifying = true;
        assert_int_equal(card_identify(&script->card, &identity), 0);
        assert_int_equal(identity.generation, script->pardis ? GENERATION_PARDIS : GENERATION_MAV2);
        assert_int_equal(identity.supported, !script->pardis);
        script->identifying = false;
        card_forget(&script->card);
}

static void set_scene(struct script *script, const char *text)
{
        script->pardis = strcmp(text, "pardis") == 0;
        if (script->pardis)
                identify(script);
        else
                script->link.protocol = strcmp(text, "T=0") == 0 ? APDU_T0 : APDU_T1;
}

static void take_line(struct script *script, char kind, const char *text)
{
        switch (kind) {
        case '@': take_text(script->operation, sizeof script->operation, text); return;
        case '>': add_step(script, false, text); return;
        case '?': add_step(script, true, text); return;
        case '~': add_form(script, text); return;
        case '<':
                assert_true(script->count > 0);
                take_bytes(script, &script->steps[script->count - 1].answer, text);
                return;
        case '=':
                take_text(script->result, sizeof script->result, text);
                operate(script);
                return;
        case '!': set_scene(script, text); return;
        default: fail_msg("%s:%u: no such line", script->name, script->line);
        }
}

static unsigned int play(const char *name)
{
        static struct script script;
        static char line[4 * BYTES_MAX];
        char path[512];
        unsigned int operations = 0;
        snprintf(path, sizeof path, "tests/golden/%s", name);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        script = (struct script){ .name = name };
        identify(&script);
        while (fgets(line, sizeof line, file)) {
                script.line++;
                line[strcspn(line, "\n")] = '\0';
                if (line[0] == '#' || line[0] == '\0')
                        continue;
                assert_true(line[1] == ' ');
                operations += line[0] == '=';
                take_line(&script, line[0], line + 2);
        }
        fclose(file);
        assert_int_equal(script.count, 0);
        return operations;
}

/* ---- the tests ----------------------------------------------------------------------------- */

#define GOLDEN(function, file)                                                                     \
        static void function(void **state)                                                         \
        {                                                                                          \
                (void)state;                                                                       \
                assert_true(play(file) > 0);                                                       \
        }

GOLDEN(certificates_are_read_as_published, "certificates.txt")
GOLDEN(certificates_are_read_by_path, "certificates-by-path.txt")
GOLDEN(serial_and_crn_are_read_as_published, "serial-and-crn.txt")
GOLDEN(mpcos_files_are_read_as_published, "mpcos-files.txt")
GOLDEN(pin_flags_are_cut_from_their_words, "pin-flags.txt")
GOLDEN(counters_and_verify_are_as_published, "pin.txt")
GOLDEN(the_published_query_works_where_the_iso_form_does_not, "counter-lc0.txt")
GOLDEN(a_wrong_pin_is_not_repeated, "pin-wrong.txt")
GOLDEN(verified_is_not_three_tries, "verified-already.txt")
GOLDEN(signing_is_as_documented, "sign.txt")
GOLDEN(the_same_holds_with_t0, "t0.txt")
GOLDEN(the_certificate_of_pardis_is_read_as_published, "pardis.txt")
GOLDEN(the_free_checks_are_as_documented, "free-checks.txt")

static void every_transcript_is_played(void **state)
{
        (void)state;
        int count = 0;
        DIR *folder = opendir("tests/golden");
        assert_non_null(folder);
        for (struct dirent *entry; (entry = readdir(folder));)
                count += strstr(entry->d_name, ".txt") != NULL;
        closedir(folder);
        assert_int_equal(count, 13);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(certificates_are_read_as_published),
                cmocka_unit_test(certificates_are_read_by_path),
                cmocka_unit_test(serial_and_crn_are_read_as_published),
                cmocka_unit_test(mpcos_files_are_read_as_published),
                cmocka_unit_test(pin_flags_are_cut_from_their_words),
                cmocka_unit_test(counters_and_verify_are_as_published),
                cmocka_unit_test(the_published_query_works_where_the_iso_form_does_not),
                cmocka_unit_test(a_wrong_pin_is_not_repeated),
                cmocka_unit_test(verified_is_not_three_tries),
                cmocka_unit_test(signing_is_as_documented),
                cmocka_unit_test(the_same_holds_with_t0),
                cmocka_unit_test(the_free_checks_are_as_documented),
                cmocka_unit_test(the_certificate_of_pardis_is_read_as_published),
                cmocka_unit_test(every_transcript_is_played),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
