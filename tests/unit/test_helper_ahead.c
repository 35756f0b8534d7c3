/* SPDX-License-Identifier: Apache-2.0 */
/* test_helper_ahead.c: what mohrd asks before it knows the answers it builds on, over a real socket in a forked process:
 * carried out where the table of states allows it, skipped where not, and never a thing to the card that it would not have
 * been asked in its time.
 */
#include "tests/unit/helper_talk.h"

/* Of each operation: the ways to where it may be asked ahead. In all other states it is skipped, and nothing is done. */
static const char *const standing[] = { "", "B", "BI", "BU", "BIC", "BICN", "BICNO", "BICND",
        "BICNDV", "BICNDVL", "BICNDVE" };
static const struct {
        char letter;
        const char *places; /* a character for each of these ways: '0' the first */
} may[] = {
        { 'B', "0:" },
        { 'I', "1" },
        { 'U', "1" },
        { 'R', "234"
               "5"
               "9" },
        { 'C', "23459" },
        { 'N', "459" },
        { 'n', "459" },
        { 'P', "5" },
        { 'M', "459" },
        { 'V', "7" },
        { 'L', "23456789" },
        { 'E', "123456789" },
        { 'Z', "123456789" },
        { 'K', "" },
        { 'S', "" },
        { 'W', "" },
        { 'w', "" },
};

static void what_was_asked_ahead_and_is_out_of_place_is_skipped(void **state)
{
        struct talk talk;
        for (size_t i = 0; i < ARRAY_LEN(may); i++)
                for (size_t j = 0; j < ARRAY_LEN(standing); j++) {
                        const char word[3] = { '-', may[i].letter };
                        bool allowed = strchr(may[i].places, (char)('0' + j)) != NULL;
                        reset_fake(state);
                        start(&talk);
                        assert_int_equal(say(&talk, standing[j]), 0);
                        size_t asked = fake->asked_len;
                        int outcome = say(&talk, word);
                        if (outcome != (allowed ? 0 : OPS_SKIPPED))
                                fail_msg("%s, %s: %d", standing[j], word, outcome);
                        if (!allowed)
                                assert_int_equal(fake->asked_len, asked);
                        assert_int_equal(finish(&talk), 0);
                        assert_false(fake->open || fake->verified);
                }
}

static void a_question_asked_ahead_is_carried_out_where_its_row_allows_it(void **state)
{
        static const struct {
                const char *way;
                int last;
                const char *asked;
        } rows[] = {
                { "B-U-C-N-E", 0, "<c>" },
                { "B-I-R-R-C-N-P-M-E", 0, "<irrcpm>" },
                { "BICN-P-M-M-R-E", 0, "<icpmmr>" },
                { "BICE-B-N", 0, "<i><fc" },
                { "BICND-V", 0, "<icv" },
                { "BICNDVS"
                  "L-Z",
                        0, "<icvsx!" },
                { "B-C", OPS_SKIPPED, "<" },
                { "B-C-I", OPS_SKIPPED, "<" },  /* and all behind it */
                { "B-C-II-R", 0, "<ir" },       /* until one that was not asked ahead */
                { "BIC-P", OPS_SKIPPED, "<i" }, /* not counted: mohrd would not have asked */
                { "BICP", 0, "<ip" },
                { "BICN-K", OPS_SKIPPED, "<ic" },
                { "BICNDV-S", OPS_SKIPPED, "<icv" },
                { "BICND-V-V", OPS_SKIPPED, "<icv" },
                { "BE-E", OPS_SKIPPED, "<>" },
                { "-W", OPS_SKIPPED, "" },
                { "-B-U-C-N-E", 0, "<c>" },
        };
        struct talk talk;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                reset_fake(state);
                start(&talk);
                int outcome = say(&talk, rows[i].way);
                if (outcome != rows[i].last)
                        fail_msg("%s: %d", rows[i].way, outcome);
                fake->asked[fake->asked_len] = '\0';
                if (strcmp(fake->asked, rows[i].asked) != 0)
                        fail_msg("%s: %s", rows[i].way, fake->asked);
                assert_int_equal(finish(&talk), 0);
        }
}

static void behind_a_card_that_is_gone_nothing_that_was_asked_ahead_is_carried_out(void **state)
{
        static const char *const ways[] = { "R-R", "R-E", "N-P", "L-Z", "NE-B" };
        struct talk talk;
        for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
                char last[3] = { '-', strchr(ways[i], '\0')[-1] };
                reset_fake(state);
                start(&talk);
                assert_int_equal(say(&talk, "BIC"), 0);
                fake->transmit = fake->end = OUTCOME_CARD_REMOVED;
                char before[8] = "";
                strncpy(before, ways[i], strlen(ways[i]) - 2);
                assert_int_equal(say(&talk, before), OUTCOME_CARD_REMOVED);
                size_t asked = fake->asked_len;
                assert_int_equal(say(&talk, last), OPS_SKIPPED);
                assert_int_equal(fake->asked_len, asked);
                assert_int_equal(finish(&talk), 0);
        }
}

static void a_no_of_the_card_does_not_end_what_was_asked_ahead(void **state)
{
        struct talk talk;
        reset_fake(state);
        fake->transmit = OUTCOME_NEEDS_ISSUER_KEYS;
        start(&talk);
        assert_int_equal(say(&talk, "BU-R-C-E"), 0);
        finish(&talk);
}

static void digits_asked_ahead_end_the_process(void **state)
{
        static const char *const ways[] = { "BICN-D", "BICN-O", "BICNO-X", "BICNO-Y" };
        struct talk talk;
        for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
                reset_fake(state);
                start(&talk);
                assert_int_equal(say(&talk, ways[i]), ENDED);
                assert_int_equal(finish(&talk), 70);
                assert_int_equal(fake->verifies + fake->renewals, 0);
        }
}

static void what_is_malformed_ends_the_process_also_where_it_would_be_skipped(void **state)
{
        static const uint8_t frame[] = { OPS_VERSION, OP_READ | OPS_AHEAD, 0, 1, 0, 0, 0, 1,
                OBJECT_COUNT };
        struct talk talk;
        reset_fake(state);
        start(&talk);
        assert_int_equal(say_bytes(&talk, frame, sizeof frame), ENDED);
        assert_int_equal(finish(&talk), 70);
}

static void a_note_of_another_insertion_is_refused_and_what_was_asked_behind_it_skipped(
        void **state)
{
        struct talk talk;
        reset_fake(state);
        start(&talk);
        assert_int_equal(say(&talk, "BICE"), 0);
        fake->event = CARD_IS_NEW;
        fake->later_insertion = 5;
        assert_int_equal(say(&talk, "B-U"), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(say(&talk, "-C"), OPS_SKIPPED);
        assert_int_equal(say(&talk, "-N"), OPS_SKIPPED);
        assert_int_equal(say(&talk, "-E"), OPS_SKIPPED);
        assert_int_equal(say(&talk, "IC-N-E"), 0); /* the long way stays open */
        assert_int_equal(finish(&talk), 0);
        expect_asked("<i><ic>");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(what_was_asked_ahead_and_is_out_of_place_is_skipped),
                TEST(a_question_asked_ahead_is_carried_out_where_its_row_allows_it),
                TEST(behind_a_card_that_is_gone_nothing_that_was_asked_ahead_is_carried_out),
                TEST(a_no_of_the_card_does_not_end_what_was_asked_ahead),
                TEST(digits_asked_ahead_end_the_process),
                TEST(what_is_malformed_ends_the_process_also_where_it_would_be_skipped),
                TEST(a_note_of_another_insertion_is_refused_and_what_was_asked_behind_it_skipped),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
