/* SPDX-License-Identifier: Apache-2.0 */
/* test_helper.c: the helper's state table, over a real socket in a forked process. The expected table is
 * written here a second time, from the architecture, as letters: what is not in a state's word must end the
 * process.
 */
#include "tests/unit/helper_talk.h"

/* The table once more */

static const struct {
        const char *name, *way, *allowed;
} states[] = {
        { "idle", "", "BWw" },
        { "open", "B", "IUEZ" },
        { "identified", "BI", "RCQLEZ" },
        { "resumed", "BU", "RCQLEZ" },
        { "confirmed", "BIC", "RCQNnPMLEZ" },
        { "counted", "BICN", "RCQNnPMDKOLEZ" },
        { "with a new PIN", "BICNO", "XYLEZ" },
        { "changed", "BICNOX", "RCQNnPMLEZ" },
        { "unblocked, counted", "BICNOYN", "RCQNnPMLEZ" },
        { "cleared with a new PIN", "BICNOL", "RCQNnPMLEZ" },
        { "armed", "BICND", "VLEZ" },
        { "verified", "BICNDV", "SLEZ" },
        { "signed", "BICNDVS", "SLEZ" },
        { "verified by keys", "BICNK", "SLEZ" },
        { "cleared", "BICNDVL", "RCQNnPMLEZ" },
        { "ended", "BICNDVE", "BWw" },
        { "counted again", "BICNDVLN", "RCQNnPMLEZ" },
        { "counted again after keys", "BICNKLN", "RCQNnPMLEZ" },
        { "writing", "W", "BWw" },
        { "writing, counted", "WBICN", "RCQNnPMLEZ" },
        { "written", "WBICEwBN", "RCQNnPMDKOLEZ" },
};

static void each_operation_in_each_state_is_answered_or_ends_the_process(void **state)
{
        struct talk talk;
        bool seldom =
                getenv("MOHR_VALGRIND"); /* there each process is dear, and these all end alike */
        for (size_t i = 0; i < ARRAY_LEN(states); i++)
                for (size_t j = 0; j < ARRAY_LEN(words); j++) {
                        char letter[2] = { words[j].letter };
                        bool allowed = strchr(states[i].allowed, letter[0]) != NULL;
                        if (!allowed && seldom && (i + j) % 5)
                                continue;
                        reset_fake(state);
                        start(&talk);
                        assert_int_equal(say(&talk, states[i].way), 0);
                        int outcome = say(&talk, letter);
                        int status = finish(&talk);
                        if (outcome != (allowed ? 0 : ENDED))
                                fail_msg("%s, %s: %d", states[i].name, letter, outcome);
                        assert_int_equal(status, allowed ? 0 : 70);
                        assert_false(fake->open);
                        assert_false(fake->verified);
                }
}

static void whether_the_key_of_assertions_signs_raw_is_told_with_each_confirmation(void **state)
{
        static const struct {
                const char *way;
                bool raw;
        } rows[] = { { "BICNDVS", false }, { "BIQNDVS", true }, { "BIQCNDVS", false },
                { "BICEBQNDVS", true }, { "BIQEBNDVS", true } };
        struct talk talk;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                reset_fake(state);
                start(&talk);
                assert_int_equal(say(&talk, rows[i].way), 0);
                assert_int_equal(fake->raw_signature, rows[i].raw);
                finish(&talk);
        }
        reset_fake(state);
        start(&talk);
        assert_int_equal(say(&talk, "BIQE"), 0);
        fake->event = CARD_IS_NEW;
        assert_int_equal(say(&talk, "BICNDVS"), 0);
        assert_false(fake->raw_signature);
        finish(&talk);
}

static void a_block_of_256_bytes_is_signed_and_no_larger_one(void **state)
{
        static const uint8_t block[CARD_BLOCK_MAX + 1] = { 0, 1, 2 };
        struct talk talk;
        for (size_t more = 0; more < 2; more++) {
                uint8_t frame[512];
                reset_fake(state);
                start(&talk);
                assert_int_equal(say(&talk, "BICNDV"), 0);
                struct out out = op_frame_begin(frame, sizeof frame, OP_SIGN, false, 'S');
                out_bytes(&out, (const uint8_t[]){ 0x9A, SIGN_PIV_RSA2048_RAW }, 2);
                out_bytes16(&out, block, CARD_BLOCK_MAX + more);
                ssize_t len = op_frame_finish(frame, &out);
                assert_true(len > 0);
                assert_int_equal(say_bytes(&talk, frame, (size_t)len), more ? ENDED : 0);
                if (!more)
                        assert_int_equal(
                                in_bytes16(&talk.fields, CARD_SIG_MAX).len, CARD_BLOCK_MAX);
                assert_int_equal(finish(&talk), more ? 70 : 0);
        }
}

static void a_pin_is_never_accepted_twice(void **state _unused_)
{
        struct talk talk;
        static const char *const tries[] = { "BICNDVEBD", "BICNDVEBICND", "BICNDVLND", "BICNDD",
                "BICNDVV" };
        for (size_t i = 0; i < ARRAY_LEN(tries); i++)
                for (int verify = 0; verify <= OUTCOME_WRONG_PIN; verify += OUTCOME_WRONG_PIN) {
                        reset_fake(NULL);
                        fake->verify = verify;
                        start(&talk);
                        assert_int_equal(say(&talk, tries[i]), ENDED);
                        assert_int_equal(finish(&talk), 70);
                        assert_true(fake->verifies <= 1);
                }
}

static void a_new_pin_is_given_once_whatever_came_of_it(void **state _unused_)
{
        static const int outcomes[] = { 0, OUTCOME_WRONG_PIN, OUTCOME_PIN_BLOCKED };
        static const char *const ways[] = { "BICNOX", "BICNOY" };
        static const char *const again[] = { "X", "Y", "O", "NO", "ND", "NK", "LNO", "EBNO" };
        struct talk talk;
        for (size_t i = 0; i < ARRAY_LEN(outcomes) * ARRAY_LEN(ways); i++)
                for (size_t j = 0; j < ARRAY_LEN(again); j++) {
                        size_t way = i % ARRAY_LEN(ways);
                        reset_fake(NULL);
                        fake->verify = outcomes[i / ARRAY_LEN(ways)];
                        start(&talk);
                        assert_int_equal(say(&talk, ways[way]), fake->verify);
                        assert_int_equal(in_u8(&talk.fields), fake->verify ? 2 : 3);
                        assert_int_equal(in_done(&talk.fields), 0);
                        assert_true(fake->pin_was_right);
                        assert_int_equal(fake->renewed_by, way == 0 ? RENEW_BY_PIN : RENEW_BY_PUK);
                        assert_int_equal(say(&talk, again[j]), ENDED);
                        assert_int_equal(finish(&talk), 70);
                        assert_int_equal(fake->renewals + fake->verifies, 1);
                        assert_int_equal(fake->asked[fake->asked_len - 1], '!');
                }
}

static void a_new_pin_needs_a_counter_and_a_card_that_can_change(void **state _unused_)
{
        static const char *const tries[] = { "BICO", "BICnO", "BICNEBO", "BICNLO", "WBICNO" };
        struct talk talk;
        for (size_t i = 0; i <= ARRAY_LEN(tries); i++) {
                reset_fake(NULL);
                fake->fixed = i == ARRAY_LEN(tries);
                start(&talk);
                assert_int_equal(say(&talk, fake->fixed ? "BICNO" : tries[i]), ENDED);
                assert_int_equal(finish(&talk), 70);
                assert_int_equal(fake->renewals, 0);
        }
}

static void a_blocked_pin_is_unblocked_and_not_changed(void **state _unused_)
{
        static const struct pin_counter blocked = { true, 0, 0x6983 }, unknown = { .sw = 0x6f00 };
        static const struct {
                const struct pin_counter *counter;
                const char *way;
                int last;
        } rows[] = { { &blocked, "BICNOX", ENDED }, { &blocked, "BICND", ENDED },
                { &blocked, "BICNOY", 0 }, { &unknown, "BICNO", ENDED } };
        struct talk talk;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                reset_fake(NULL);
                fake->counter = *rows[i].counter;
                start(&talk);
                assert_int_equal(say(&talk, rows[i].way), rows[i].last);
                (void)finish(&talk);
                assert_int_equal(fake->renewals, rows[i].last == 0);
                assert_int_equal(fake->verifies, 0);
        }
}

static void a_wrong_pin_tells_the_tries_and_spends_the_process(void **state _unused_)
{
        struct talk talk;
        fake->verify = OUTCOME_WRONG_PIN;
        start(&talk);
        assert_int_equal(say(&talk, "BICNDV"), OUTCOME_WRONG_PIN);
        assert_int_equal(talk.sw, 0x9000);
        assert_int_equal(in_u8(&talk.fields), 2);
        assert_int_equal(in_done(&talk.fields), 0);
        assert_int_equal(say(&talk, "ND"), ENDED);
        assert_int_equal(finish(&talk), 70);
        expect_asked("<icvc!");
}

static void keys_that_are_not_there_cannot_be_used(void **state _unused_)
{
        static const uint8_t without[] = { 0, PINPAD_MODIFY, PINPAD_DISPLAY };
        struct talk talk;
        for (size_t i = 0; i < ARRAY_LEN(without); i++) {
                reset_fake(NULL);
                fake->pinpad = without[i];
                start(&talk);
                assert_int_equal(say(&talk, "BICN"), 0);
                assert_int_equal(say(&talk, "K"), ENDED);
                assert_int_equal(finish(&talk), 70);
                assert_int_equal(fake->verifies, 0);
        }
}

static void the_keys_are_asked_once_whatever_came_of_it(void **state _unused_)
{
        static const int outcomes[] = { 0, OUTCOME_WRONG_PIN, OUTCOME_TIMED_OUT, OUTCOME_REFUSED };
        static const char *const again[] = { "K", "NK", "ND", "LNK", "LND" };
        struct talk talk;
        for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
                for (size_t j = 0; j < ARRAY_LEN(again); j++) {
                        reset_fake(NULL);
                        fake->verify = outcomes[i];
                        start(&talk);
                        assert_int_equal(say(&talk, "BICNK"), outcomes[i]);
                        assert_int_equal(in_u8(&talk.fields), outcomes[i] ? 2 : 3);
                        assert_int_equal(in_done(&talk.fields), 0);
                        assert_int_equal(say(&talk, again[j]), ENDED);
                        assert_int_equal(finish(&talk), 70);
                        assert_int_equal(fake->verifies, 1);
                        assert_int_equal(fake->asked[fake->asked_len - 1], '!');
                }
}

static void the_keys_need_the_counter_of_this_transaction(void **state _unused_)
{
        static const char *const tries[] = { "BICK", "BICnK", "BICNEBK", "BICNLK" };
        struct talk talk;
        for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
                reset_fake(NULL);
                start(&talk);
                assert_int_equal(say(&talk, tries[i]), ENDED);
                assert_int_equal(finish(&talk), 70);
                assert_int_equal(fake->verifies, 0);
        }
}

static void a_reader_that_fails_at_the_keys_has_lost_its_card(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BICN"), 0);
        fake->mumbles = true;
        assert_int_equal(say(&talk, "K"), OUTCOME_CARD_REMOVED);
        fake->mumbles = false;
        assert_int_equal(say(&talk, "R"), OUTCOME_CARD_REMOVED);
        assert_int_equal(say(&talk, "E"), 0);
        assert_int_equal(finish(&talk), 0);
        expect_asked("<ick!");
}

static void a_reader_is_told_what_to_ask_in_a_language_of_its_own(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BICNK"), 0);
        assert_int_equal(finish(&talk), 0);
        assert_int_equal(fake->how.p2, 0x81);
        assert_int_equal(fake->how.language, 0x0409);
        assert_int_equal(fake->how.seconds, 30);
}

static void a_cleared_pin_may_be_sent_again_since_no_try_was_spent(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BICNDLNDV"), 0);
        assert_int_equal(finish(&talk), 0);
        assert_true(fake->pin_was_right);
        assert_int_equal(fake->verifies, 1);
}

static void a_pin_needs_the_counter_of_this_transaction(void **state _unused_)
{
        struct talk talk;
        static const char *const tries[] = { "BICD", "BICnD", "BICNEBD", "BICNLD" };
        for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
                reset_fake(NULL);
                start(&talk);
                assert_int_equal(say(&talk, tries[i]), ENDED);
                assert_int_equal(finish(&talk), 70);
        }
}

static void a_pin_needs_a_known_counter_with_a_try_left(void **state _unused_)
{
        struct talk talk;
        static const struct pin_counter bad[] = { { true, 0, 0x6983 }, { false, 3, 0x6f00 } };
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                reset_fake(NULL);
                fake->counter = bad[i];
                start(&talk);
                assert_int_equal(say(&talk, "BICN"), 0);
                assert_int_equal(say(&talk, "D"), ENDED);
                assert_int_equal(finish(&talk), 70);
        }
}

static void an_unsupported_card_cannot_be_confirmed(void **state _unused_)
{
        struct talk talk;
        fake->unsupported = true;
        start(&talk);
        assert_int_equal(say(&talk, "BIR"), 0);
        assert_int_equal(say(&talk, "C"), ENDED);
        assert_int_equal(finish(&talk), 70);
}

static void the_same_card_resumes_confirmed(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BIRCNPE"), 0);
        assert_int_equal(say(&talk, "BNDVSSLZ"), 0);
        assert_int_equal(finish(&talk), 0);
        expect_asked("<ircp><fcvssx!");
}

static void the_same_card_resumes_identified(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BIEBRE"), 0);
        assert_int_equal(say(&talk, "BI"), ENDED);
        assert_int_equal(finish(&talk), 70);
}

static void a_note_stands_for_identifying(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BIC"), 0);
        struct view note = in_bytes16(&talk.fields, CARD_NOTE_MAX);
        assert_true(view_eq(note, "note", 4));
        assert_int_equal(in_done(&talk.fields), 0);
        assert_int_equal(finish(&talk), 0);
        reset_fake(NULL);
        start(&talk);
        assert_int_equal(say(&talk, "BUCNDVSZ"), 0);
        assert_int_equal(finish(&talk), 0);
        expect_asked("<cvs!");
}

static void a_note_that_does_not_fit_leaves_the_long_way(void **state _unused_)
{
        static const uint8_t foreign[] = { OPS_VERSION, OP_RESUME, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0,
                1, 'x' };
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "B"), 0);
        assert_int_equal(say_bytes(&talk, foreign, sizeof foreign), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(say(&talk, "IC"), 0);
        assert_int_equal(finish(&talk), 0);
}

static enum card_event begun_event(struct talk *talk)
{
        struct driver_card card;
        assert_int_equal(op_get_card(&talk->fields, &card), 0);
        return card.event;
}

static void a_card_that_was_reset_or_exchanged_starts_over(void **state _unused_)
{
        struct talk talk;
        for (enum card_event event = CARD_WAS_RESET; event <= CARD_IS_NEW; event++) {
                reset_fake(NULL);
                fake->event = event;
                start(&talk);
                assert_int_equal(say(&talk, "BICEB"), 0);
                assert_int_equal(begun_event(&talk), event);
                assert_int_equal(say(&talk, "N"), ENDED);
                assert_int_equal(finish(&talk), 70);
        }
}

static void another_atr_is_another_card_whatever_the_driver_says(void **state _unused_)
{
        struct talk talk;
        fake->other_atr = true;
        start(&talk);
        assert_int_equal(say(&talk, "BICEB"), 0);
        assert_int_equal(begun_event(&talk), CARD_IS_NEW);
        assert_int_equal(say(&talk, "N"), ENDED);
        assert_int_equal(finish(&talk), 70);
}

static void our_own_reset_starts_over_too(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BICZB"), 0);
        assert_int_equal(begun_event(&talk), CARD_WAS_RESET);
        assert_int_equal(say(&talk, "N"), ENDED);
        assert_int_equal(finish(&talk), 70);
}

/* Somebody else's PIN at work: locked by a reset, and no PIN before the card showed itself again. */
static void a_card_left_unlocked_is_locked_before_anything_else(void **state _unused_)
{
        struct talk talk;
        struct pin_counter counter;
        fake->unlocked = 1;
        start(&talk);
        assert_int_equal(say(&talk, "BICN"), 0);
        assert_int_equal(op_get_counter(&talk.fields, &counter), 0);
        assert_true(counter.known);
        assert_int_equal(say(&talk, "PEB"), 0);
        assert_int_equal(begun_event(&talk), CARD_WAS_RESET);
        assert_int_equal(say(&talk, "IRCNDVSZ"), 0);
        assert_int_equal(finish(&talk), 0);
        expect_asked("<ic!<fcp><ircvs!");
        reset_fake(NULL);
        fake->unlocked = 1;
        start(&talk);
        assert_int_equal(say(&talk, "BICN"), 0);
        assert_int_equal(say(&talk, "D"), ENDED); /* not in this transaction */
        assert_int_equal(finish(&talk), 70);
}

static void a_card_that_stays_unlocked_is_told_as_it_is(void **state _unused_)
{
        struct talk talk;
        struct pin_counter counter;
        fake->unlocked = 2;
        start(&talk);
        assert_int_equal(say(&talk, "BICN"), 0);
        assert_int_equal(op_get_counter(&talk.fields, &counter), 0);
        assert_false(counter.known);
        assert_int_equal(counter.sw, 0x9000);
        assert_int_equal(say(&talk, "D"), ENDED);
        assert_int_equal(finish(&talk), 70);
        expect_asked("<ic!<fc>");
}

static void only_the_first_look_locks_a_card(void **state _unused_)
{
        struct talk talk;
        struct pin_counter counter;
        start(&talk);
        assert_int_equal(say(&talk, "BICNE"), 0);
        fake->unlocked = 1;
        assert_int_equal(say(&talk, "BN"), 0);
        assert_int_equal(op_get_counter(&talk.fields, &counter), 0);
        assert_false(counter.known);
        assert_int_equal(say(&talk, "Z"), 0);
        assert_int_equal(finish(&talk), 0);
        expect_asked("<ic><fc!");
}

static void another_card_under_that_reset_is_not_asked(void **state _unused_)
{
        for (int how = 0; how < 2; how++) {
                struct talk talk;
                reset_fake(NULL);
                fake->unlocked = 1;
                fake->later_insertion = how == 0;
                fake->other_atr = how == 1;
                start(&talk);
                assert_int_equal(say(&talk, "BICN"), OUTCOME_CARD_REMOVED);
                assert_int_equal(say(&talk, "N"), OUTCOME_CARD_REMOVED);
                assert_int_equal(say(&talk, "E"), 0);
                assert_int_equal(finish(&talk), 0);
        }
}

static void after_a_failed_exchange_nothing_goes_to_the_card(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BIC"), 0);
        fake->transmit = OUTCOME_CARD_REMOVED;
        assert_int_equal(say(&talk, "N"), OUTCOME_CARD_REMOVED);
        fake->transmit = 0;
        assert_int_equal(say(&talk, "N"), OUTCOME_CARD_REMOVED);
        assert_int_equal(say(&talk, "R"), OUTCOME_CARD_REMOVED);
        assert_int_equal(say(&talk, "EB"), 0);
        assert_int_equal(begun_event(&talk), CARD_WAS_RESET);
        assert_int_equal(say(&talk, "IC"), 0);
        assert_int_equal(finish(&talk), 0);
        expect_asked("<ic><i>");
}

static void an_answer_without_a_status_word_is_a_lost_card(void **state _unused_)
{
        struct talk talk;
        fake->mumbles = true;
        start(&talk);
        assert_int_equal(say(&talk, "BI"), OUTCOME_CARD_REMOVED);
        fake->mumbles = false;
        assert_int_equal(say(&talk, "I"), OUTCOME_CARD_REMOVED);
        assert_int_equal(say(&talk, "EBI"), 0);
        assert_int_equal(finish(&talk), 0);
        expect_asked("<i><i>");
}

static void end_after_verify_is_a_reset_whatever_was_asked(void **state _unused_)
{
        struct talk talk;
        static const char *const ways[] = { "BICNDVE", "BICNDVSE", "BICNDVLE" };
        for (size_t i = 0; i < ARRAY_LEN(ways); i++)
                for (int verify = 0; verify <= OUTCOME_WRONG_PIN; verify += OUTCOME_WRONG_PIN) {
                        reset_fake(NULL);
                        fake->verify = verify;
                        start(&talk);
                        (void)say(&talk, ways[i]);
                        (void)finish(&talk);
                        assert_int_equal(fake->asked[fake->asked_len - 1], '!');
                }
}

static void a_closed_channel_ends_the_transaction(void **state _unused_)
{
        struct talk talk;
        static const struct {
                const char *way;
                char last;
        } ends[] = { { "BIC", '>' }, { "BICND", '>' }, { "BICNDV", '!' }, { "BICNDVS", '!' } };
        for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
                reset_fake(NULL);
                start(&talk);
                assert_int_equal(say(&talk, ends[i].way), 0);
                assert_int_equal(finish(&talk), 0);
                assert_int_equal(fake->asked[fake->asked_len - 1], ends[i].last);
        }
}

static void a_busy_reader_is_an_answer_and_a_lost_one_the_end(void **state _unused_)
{
        struct talk talk;
        static const struct {
                int outcome, status;
        } begins[] = { { OUTCOME_BUSY, 0 }, { OUTCOME_NO_CARD, 0 }, { OUTCOME_NO_READER, 10 },
                { OUTCOME_READER_SERVICE, 25 } };
        for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
                reset_fake(NULL);
                fake->begin = begins[i].outcome;
                start(&talk);
                assert_int_equal(say(&talk, "B"), begins[i].outcome);
                assert_int_equal(say(&talk, "B"), begins[i].status ? ENDED : begins[i].outcome);
                assert_int_equal(finish(&talk), begins[i].status);
        }
}

static void a_broken_driver_is_internal_and_not_the_end(void **state _unused_)
{
        struct talk talk;
        fake->transmit = -EIO;
        start(&talk);
        assert_int_equal(say(&talk, "BI"), OUTCOME_INTERNAL);
        assert_int_equal(say(&talk, "E"), 0);
        assert_int_equal(finish(&talk), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(whether_the_key_of_assertions_signs_raw_is_told_with_each_confirmation),
                TEST(a_block_of_256_bytes_is_signed_and_no_larger_one),
                TEST(each_operation_in_each_state_is_answered_or_ends_the_process),
                TEST(a_pin_is_never_accepted_twice),
                TEST(a_new_pin_is_given_once_whatever_came_of_it),
                TEST(a_new_pin_needs_a_counter_and_a_card_that_can_change),
                TEST(a_blocked_pin_is_unblocked_and_not_changed),
                TEST(a_wrong_pin_tells_the_tries_and_spends_the_process),
                TEST(keys_that_are_not_there_cannot_be_used),
                TEST(the_keys_are_asked_once_whatever_came_of_it),
                TEST(the_keys_need_the_counter_of_this_transaction),
                TEST(a_reader_that_fails_at_the_keys_has_lost_its_card),
                TEST(a_reader_is_told_what_to_ask_in_a_language_of_its_own),
                TEST(a_cleared_pin_may_be_sent_again_since_no_try_was_spent),
                TEST(a_pin_needs_the_counter_of_this_transaction),
                TEST(a_pin_needs_a_known_counter_with_a_try_left),
                TEST(an_unsupported_card_cannot_be_confirmed),
                TEST(the_same_card_resumes_confirmed),
                TEST(the_same_card_resumes_identified),
                TEST(a_note_stands_for_identifying),
                TEST(a_note_that_does_not_fit_leaves_the_long_way),
                TEST(a_card_that_was_reset_or_exchanged_starts_over),
                TEST(another_atr_is_another_card_whatever_the_driver_says),
                TEST(our_own_reset_starts_over_too),
                TEST(a_card_left_unlocked_is_locked_before_anything_else),
                TEST(a_card_that_stays_unlocked_is_told_as_it_is),
                TEST(only_the_first_look_locks_a_card),
                TEST(another_card_under_that_reset_is_not_asked),
                TEST(after_a_failed_exchange_nothing_goes_to_the_card),
                TEST(an_answer_without_a_status_word_is_a_lost_card),
                TEST(end_after_verify_is_a_reset_whatever_was_asked),
                TEST(a_closed_channel_ends_the_transaction),
                TEST(a_busy_reader_is_an_answer_and_a_lost_one_the_end),
                TEST(a_broken_driver_is_internal_and_not_the_end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
