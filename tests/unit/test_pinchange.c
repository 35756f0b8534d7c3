/* SPDX-License-Identifier: Apache-2.0 */
/* test_pinchange.c: a new PIN in the prompt: the words on its pages, and the pair in its answer. How the pages
 * follow each other is tests/system/pin.py's, with a scripted pinentry.
 */
#include "daemon/prompt/pinchange.h"
#include "tests/unit/prompt_talk.h"

static const struct {
        void (*compose)(const struct question *question, struct page *ret);
        bool typed;
} pages[] = {
        { pintexts_consent, false },
        { pintexts_code_try, false },
        { pintexts_proof, true },
        { pintexts_new_pin, true },
        { pintexts_again, true },
};

static struct question staff(enum question_work work, const char *language)
{
        struct question question = plain();
        question.work = work;
        question.staff = true;
        SET(question.language, language);
        SET(question.audience, "");
        SET(question.family_name, "");
        speak(language);
        return question;
}

static void each_page_says_whose_card_it_is(void **state)
{
        (void)state;
        static const char *const languages[] = { "en", "fa" };
        for (size_t i = 0; i < ARRAY_LEN(pages) * ARRAY_LEN(languages); i++)
                for (enum question_work work = WORK_CHANGE_PIN; work < WORKS; work++) {
                        const char *language = languages[i / ARRAY_LEN(pages)];
                        struct question question = staff(work, language);
                        struct page page;
                        pages[i % ARRAY_LEN(pages)].compose(&question, &page);
                        assert_non_null(strstr(page.desc, question.given_name));
                        assert_non_null(strstr(page.desc, FSI "01234567" PDI));
                        assert_int_equal(page.prompt != NULL, pages[i % ARRAY_LEN(pages)].typed);
                }
}

static void the_first_digits_are_named(void **state)
{
        (void)state;
        struct page page;
        struct question question = staff(WORK_CHANGE_PIN, "en");
        pintexts_proof(&question, &page);
        assert_non_null(strstr(page.desc, "present PIN"));
        assert_non_null(strstr(page.desc, "Tries left: " FSI "3" PDI));
        question = staff(WORK_UNBLOCK_PIN, "en");
        question.tries_left = -1;
        pintexts_proof(&question, &page);
        assert_non_null(strstr(page.desc, "PUK"));
        assert_null(strstr(page.desc, "Tries left"));
        pintexts_code_try(&question, &page);
        assert_non_null(strstr(page.desc, "blocked for good"));
        assert_non_null(page.notok);
        pintexts_consent(&question, &page);
        assert_non_null(strstr(page.desc, "/usr/bin/office"));
        assert_null(strstr(page.desc, "For whom"));
}

static void whatever_an_app_calls_itself_every_page_fits(void **state)
{
        (void)state;
        static const char *const units[] = { "A", "%", "\u06a9", "\u202e", "<" };
        for (size_t i = 0; i < ARRAY_LEN(units); i++)
                for (size_t j = 0; j < ARRAY_LEN(pages); j++) {
                        struct question question = hostile(units[i], "fa");
                        char line[PARTS_LINE_MAX + 1];
                        struct page page;
                        question.staff = question.recorded = true;
                        question.work = WORK_UNBLOCK_PIN;
                        SET(question.audience, "");
                        speak("fa");
                        pages[j].compose(&question, &page);
                        assert_true(page.desc[0]);
                        assert_int_equal(parts_line(line, "SETDESC", page.desc), 0);
                        assert_non_null(strstr(page.desc, question.given_name));
                }
}

static const struct {
        const char *pair;
        size_t len;
        bool changes, unblocks;
} pairs[] = {
        { "\6"
          "271828"
          "16180339",
                15, true, false },
        { "\10"
          "13572468"
          "161803",
                15, true, true },
        { "\10"
          "13572468"
          "16180339",
                17, true, true },
        { "\7"
          "1357246"
          "16180339",
                16, true, false },
        { "\5"
          "27182"
          "16180339",
                14, false, false },
        { "\6"
          "271828"
          "16180",
                12, false, false },
        { "\6"
          "271828"
          "161803398",
                16, false, false },
        { "\6"
          "27182a"
          "16180339",
                15, false, false },
        { "\6"
          "271828"
          "1618033 ",
                15, false, false },
        { "\6"
          "271828",
                7, false, false },
        { "\11"
          "271828",
                7, false, false },
        { "", 1, false, false },
        { "271828", 6, false, false },
};

static void an_answer_holds_the_pair_that_was_asked_for(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
                const struct view pair = { (const uint8_t *)pairs[i].pair, pairs[i].len };
                struct view proof, new_pin;
                assert_int_equal(
                        answer_pair(WORK_CHANGE_PIN, pair, &proof, &new_pin), pairs[i].changes);
                assert_int_equal(
                        answer_pair(WORK_UNBLOCK_PIN, pair, &proof, &new_pin), pairs[i].unblocks);
                assert_false(answer_pair(WORK_SIGN, pair, &proof, &new_pin));
                struct question question = staff(WORK_CHANGE_PIN, "en");
                uint8_t frame[ANSWER_FRAME_MAX] = { 0 };
                struct answer answer;
                memcpy(frame + 3, pair.data, pair.len);
                assert_int_equal(answer_decode(frame, 3 + pair.len, &question, &answer) == 0,
                        pairs[i].changes);
                question.work = WORK_UNBLOCK_PIN;
                assert_int_equal(answer_decode(frame, 3 + pair.len, &question, &answer) == 0,
                        pairs[i].unblocks);
                question.work = WORK_SIGN;
                assert_int_equal(
                        answer_decode(frame, 3 + pair.len, &question, &answer) == 0, i == 12);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_page_says_whose_card_it_is),
                cmocka_unit_test(the_first_digits_are_named),
                cmocka_unit_test(whatever_an_app_calls_itself_every_page_fits),
                cmocka_unit_test(an_answer_holds_the_pair_that_was_asked_for),
        };
        bind_catalogue();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
