/* SPDX-License-Identifier: Apache-2.0 */
/* test_pinpad.c: VERIFY made by a reader with keys of its own: the same rules as with digits, and every
 * word that card or reader may answer (PC/SC part 10, 2.5.2 and 2.6.2; card-facts 4.4).
 */
#include "apdu/pinpad.h"
#include "tests/unit/nid_setting.h"

#define FOUR_TYPED "1234"

/* The reader: fills in what the person types and sends. Written from part 10, not from pinpad.c. */
static int reader_asks(
        void *ctx, const struct apdu_pinpad *how, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct conversation *c = ctx;
        struct apdu_link *link = conversation_link(c);
        uint8_t cmd[64] = { how->cla, how->ins, how->p1, how->p2, how->block_len };
        memset(cmd + 5, how->pad, how->block_len);
        memcpy(cmd + 5, FOUR_TYPED, 4);
        assert_int_equal(how->min, 4);
        assert_int_equal(how->max, 8);
        assert_int_equal(how->new_offset, 0);
        assert_false(how->asks_old);
        return link->transmit(link->ctx, cmd, 5U + how->block_len, rsp, cap, ret_len);
}

static void give_keys(struct setting *s)
{
        struct apdu_link *link = conversation_link(s->c);
        assert_ptr_equal(link->ctx, s->c);
        link->pinpad = reader_asks;
}

static int by_keys(struct setting *s, int *ret_tries)
{
        return nid_profile.verify(&s->card, NULL, 0, ret_tries);
}

static void every_answer_has_one_meaning(void **state _unused_)
{
        static const struct {
                const char *answer;
                int r, tries;
        } cases[] = {
                { "9000", 0, -1 },
                { "63C2", OUTCOME_WRONG_PIN, 2 },
                { "63C0", OUTCOME_PIN_BLOCKED, 0 },
                { "6983", OUTCOME_PIN_BLOCKED, 0 },
                { "6400", OUTCOME_TIMED_OUT, -1 },
                { "6401", OUTCOME_REFUSED, -1 },
                { "6402", OUTCOME_REFUSED, -1 },
                { "6403", OUTCOME_REFUSED, -1 },
                { "6B80", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6404", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6982", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "90", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "90 9000", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6102", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6C10", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "!17", OUTCOME_CARD_REMOVED, -1 },
                { "!19", OUTCOME_TIMED_OUT, -1 },
                { "!25", OUTCOME_READER_SERVICE, -1 },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = mav_with_counter();
                int tries = 99;
                give_keys(&s);
                says(&s, VERIFY_1234, cases[i].answer);
                assert_int_equal(by_keys(&s, &tries), cases[i].r);
                check(&s);
                assert_int_equal(tries, cases[i].tries);
                assert_int_equal(s.card.nid.verified, cases[i].r == 0);
                assert_int_equal(by_keys(&s, &tries), -EPERM); /* and never a second time */
                assert_int_equal(
                        nid_profile.verify(&s.card, (const uint8_t *)"1234", 4, &tries), -EPERM);
                check(&s);
        }
}

static void the_rules_are_those_of_digits(void **state _unused_)
{
        int tries = 99;
        struct pin_counter counter;
        {
                _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
                give_keys(&s);
                assert_int_equal(by_keys(&s, &tries), -EPERM);
                assert_int_equal(tries, -1);
                check(&s);
        }
        {
                _cleanup_setting_ struct setting s = mav_with_counter();
                give_keys(&s);
                says(&s, COUNTER, "6983");
                assert_int_equal(nid_profile.counter(&s.card, PIN_COPY_IAS, &counter), 0);
                assert_int_equal(by_keys(&s, &tries), -EPERM);
                check(&s);
        }
        {
                _cleanup_setting_ struct setting s = mav_with_counter();
                assert_int_equal(by_keys(&s, &tries), -EPERM); /* a reader without keys */
                check(&s);
        }
}

/* What the card itself says in the reader's words, when digits were sent, is an unknown answer. */
static void words_of_the_reader_mean_nothing_when_digits_were_sent(void **state _unused_)
{
        static const char *const words[] = { "6400", "6401", "6402", "6403", "6B80" };
        for (size_t i = 0; i < ARRAY_LEN(words); i++) {
                _cleanup_setting_ struct setting s = mav_with_counter();
                int tries;
                says(&s, VERIFY_1234, words[i]);
                assert_int_equal(nid_profile.verify(&s.card, (const uint8_t *)"1234", 4, &tries),
                        OUTCOME_CARD_NOT_SUPPORTED);
                check(&s);
        }
}

static void only_words_of_the_reader_have_an_outcome(void **state _unused_)
{
        unsigned int known = 0;
        for (uint32_t sw = 0; sw <= 0xFFFF; sw++)
                known += pinpad_outcome((uint16_t)sw) != 0;
        assert_int_equal(known, 5);
        assert_int_equal(pinpad_outcome(0x6400), OUTCOME_TIMED_OUT);
        assert_int_equal(pinpad_outcome(0x6401), OUTCOME_REFUSED);
        assert_int_equal(pinpad_outcome(0x6403), OUTCOME_REFUSED);
}

/* ---- the template ------------------------------------------------------------------------------ */

static const struct apdu_pinpad nid_how = {
        .ins = 0x20, .p2 = 0x81, .block_len = 16, .min = 4, .max = 8
};
static const struct apdu_pinpad piv_how = {
        .ins = 0x20, .p2 = 0x80, .block_len = 8, .pad = 0xFF, .min = 6, .max = 8
};

static void expect_command(const struct pinpad_template *template, const char *hex)
{
        char text[2 * PINPAD_COMMAND_MAX + 1];
        hex_encode(text, template->command, template->command_len);
        assert_string_equal(text, hex);
}

static void a_template_is_the_command_without_digits(void **state _unused_)
{
        struct pinpad_template template;
        assert_int_equal(pinpad_fill(&nid_how, &template), 0);
        assert_int_equal(template.format, 0x82);
        assert_int_equal(template.block, 0x08); /* 16 cannot be said: the digits' own room */
        expect_command(&template, "002000811000000000000000000000000000000000");
        assert_int_equal(pinpad_fill(&piv_how, &template), 0);
        assert_int_equal(template.format, 0x82);
        assert_int_equal(template.block, 0x08);
        expect_command(&template, "0020008008ffffffffffffffff");
}

static void a_change_has_room_for_both_pins(void **state _unused_)
{
        struct apdu_pinpad how = piv_how;
        struct pinpad_template template;
        how.ins = 0x24;
        how.asks_old = true;
        how.new_offset = 8;
        assert_int_equal(pinpad_fill(&how, &template), 0);
        assert_int_equal(template.new_at, 8);
        expect_command(&template, "0024008010ffffffffffffffffffffffffffffffff");
        how.asks_old = false;
        how.new_offset = 0;
        assert_int_equal(pinpad_fill(&how, &template), 0);
        expect_command(&template, "0024008008ffffffffffffffff");
}

static void what_is_no_pin_command_is_refused(void **state _unused_)
{
        static const struct apdu_pinpad bad[] = {
                { .ins = 0x2C, .block_len = 8, .min = 4, .max = 8 },
                { .ins = 0x20, .block_len = 7, .min = 4, .max = 8 },
                { .ins = 0x20, .block_len = 8, .min = 0, .max = 8 },
                { .ins = 0x20, .block_len = 8, .min = 8, .max = 4 },
                { .ins = 0x20, .block_len = 16, .min = 4, .max = 16 },
                { .ins = 0x20, .block_len = 60, .min = 4, .max = 8 },
                { .ins = 0x20, .block_len = 8, .min = 4, .max = 8, .new_offset = 8 },
                { .ins = 0x20, .block_len = 8, .min = 4, .max = 8, .asks_old = true },
                { .ins = 0x24,
                        .block_len = 8,
                        .min = 4,
                        .max = 8,
                        .asks_old = true,
                        .new_offset = 7 },
                { .ins = 0x24, .block_len = 8, .min = 4, .max = 8, .new_offset = 255 },
        };
        struct pinpad_template template;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(pinpad_fill(&bad[i], &template), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_answer_has_one_meaning),
                cmocka_unit_test(the_rules_are_those_of_digits),
                cmocka_unit_test(words_of_the_reader_mean_nothing_when_digits_were_sent),
                cmocka_unit_test(only_words_of_the_reader_have_an_outcome),
                cmocka_unit_test(a_template_is_the_command_without_digits),
                cmocka_unit_test(a_change_has_room_for_both_pins),
                cmocka_unit_test(what_is_no_pin_command_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
