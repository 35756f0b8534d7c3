/* SPDX-License-Identifier: Apache-2.0 */
/* test_prompt.c: the prompt's conversation with scripted pinentries (tests/tools/pinentry) that obey, refuse
 * and lie: what each answer means, and in what order it is asked.
 */
#include "tests/unit/prompt_rig.h"

/* A page that did not fit its line has no words, and nobody can agree to nothing. */
static void nobody_is_asked_by_an_empty_page(void **state)
{
        const struct rig *rig = *state;
        const struct question question = plain();
        const struct page empty = { .title = "t", .ok = "o", .cancel = "c" };
        _cleanup_dialogue_ struct dialogue *dialogue = NULL;
        bool third = true;
        script(rig, "\"confirm\": [\"ok\"]");
        assert_int_equal(dialogue_new(&dialogue, rig->program, &question), 0);
        assert_int_equal(dialogue_confirm(dialogue, &empty, &third), OUTCOME_INTERNAL);
        assert_null(strstr(recorded(rig), "CONFIRM"));
}

static void each_answer_has_its_outcome(void **state)
{
        static const struct {
                const char *script, *pin;
                int tries, outcome;
        } cases[] = {
                { "\"getpin\": [\"1234\"]", "1234", 3, 0 },
                { "\"getpin\": [\"12345678\"]", "12345678", -1, 0 },
                { "\"getpin\": [\"۱۲۳۴\"]", "1234", 3, 0 },
                { "\"getpin\": [\"٠١٢٣٤٥٦٧\"]", "01234567", 3, 0 },
                { "\"getpin\": [\"١۲3٤۵6\"]", "123456", 3, 0 },
                { "\"getpin\": [\"１２３４\"]", "", 3, OUTCOME_REFUSED },
                { "\"getpin\": [\"१२३४\"]", "", 3, OUTCOME_REFUSED },
                { "\"getpin\": [\"text: 1234\"]", "", 3, OUTCOME_REFUSED },
                { "\"getpin\": [\"text:1234\u200f\"]", "", 3, OUTCOME_REFUSED },
                { "\"getpin\": [\"۱۲۳۴۵۶۷۸۹\"]", "", 3, OUTCOME_REFUSED },
                { "\"getpin\": [\"split:12345678\"]", "12345678", 3, 0 },
                { "\"getpin\": [\"12\", \"abcd\", \"2718\"]", "2718", 3, 0 },
                { "\"getpin\": [\"flood\", \"ok\", \"2718\"]", "2718", 3, 0 },
                { "\"getpin\": [\"123456789\"]", "", 3, OUTCOME_REFUSED },
                { "\"getpin\": [\"cancel\"]", "", 3, OUTCOME_REFUSED },
                { "\"getpin\": [\"timeout\"]", "", 3, OUTCOME_TIMED_OUT },
                { "\"getpin\": [\"die\"]", "", 3, OUTCOME_NOBODY_TO_ASK },
                { "\"getpin\": [\"noise\"]", "", 3, OUTCOME_NOBODY_TO_ASK },
                { "\"confirm\": [\"cancel\"]", "", 3, OUTCOME_REFUSED },
                { "\"confirm\": [\"no\"]", "", 3, OUTCOME_REFUSED },
                { "\"confirm\": [\"timeout\"]", "", 3, OUTCOME_TIMED_OUT },
                { "\"confirm\": [\"die\"]", "", 3, OUTCOME_NOBODY_TO_ASK },
                { "\"confirm\": [\"ok\", \"no\"]", "", 1, OUTCOME_LAST_TRY_DECLINED },
                { "\"confirm\": [\"ok\", \"cancel\"]", "", 1, OUTCOME_LAST_TRY_DECLINED },
                { "\"confirm\": [\"no\", \"ok\"]", "", 1, OUTCOME_REFUSED },
                { "\"confirm\": [\"ok\", \"ok\"], \"getpin\": [\"4321\"]", "4321", 1, 0 },
                { "\"greeting\": \"noise\"", "", 3, OUTCOME_NOBODY_TO_ASK },
        };
        const struct rig *rig = *state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct question question = plain();
                char pin[16];
                question.tries_left = cases[i].tries;
                script(rig, cases[i].script);
                int outcome = converse(rig, &question, pin);
                if (outcome != cases[i].outcome)
                        print_error("case %zu: %s\n", i, cases[i].script);
                assert_int_equal(outcome, cases[i].outcome);
                assert_string_equal(pin, cases[i].pin);
        }
}

static void no_pin_is_asked_for_before_consent(void **state)
{
        const struct rig *rig = *state;
        struct question question = plain();
        char pin[16];
        question.tell_unproven = true;
        question.tries_left = 1;
        script(rig, "\"confirm\": [\"ok\", \"ok\", \"no\"], \"getpin\": [\"1234\"]");
        assert_int_equal(converse(rig, &question, pin), OUTCOME_LAST_TRY_DECLINED);
        assert_int_equal(count(recorded(rig), "\nCONFIRM"), 3);
        assert_null(strstr(recorded(rig), "GETPIN"));
        script(rig, "\"getpin\": [\"1234\"]");
        assert_int_equal(converse(rig, &question, pin), 0);
        const char *said = recorded(rig);
        assert_true(strstr(said, "unproven") < strstr(said, "Who is asking"));
        assert_true(strstr(said, "Who is asking") < strstr(said, "last try"));
        assert_true(strstr(said, "last try") < strstr(said, "GETPIN"));
}

static void with_keys_on_the_reader_no_digit_is_asked_for_here(void **state)
{
        static const struct {
                const char *script;
                int tries, outcome, pages;
        } cases[] = {
                { "\"confirm\": [\"ok\"], \"getpin\": [\"1234\"]", 3, 0, 2 },
                { "\"confirm\": [\"ok\"]", 1, 0, 3 },
                { "\"confirm\": [\"no\"]", 3, OUTCOME_REFUSED, 1 },
                { "\"confirm\": [\"ok\", \"no\"]", 3, OUTCOME_REFUSED, 2 },
                { "\"confirm\": [\"ok\", \"no\"]", 1, OUTCOME_LAST_TRY_DECLINED, 2 },
                { "\"confirm\": [\"ok\", \"timeout\"]", 3, OUTCOME_TIMED_OUT, 2 },
        };
        const struct rig *rig = *state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct question question = plain();
                char pin[16];
                question.pinpad = true;
                question.tries_left = cases[i].tries;
                script(rig, cases[i].script);
                assert_int_equal(converse(rig, &question, pin), cases[i].outcome);
                assert_string_equal(pin, "");
                assert_int_equal(count(recorded(rig), "\nCONFIRM"), cases[i].pages);
                assert_null(strstr(recorded(rig), "GETPIN"));
        }
        assert_non_null(strstr(recorded(rig), "on the keys of the card reader, not here"));
}

static void a_wrong_entry_is_explained_and_asked_three_times(void **state)
{
        const struct rig *rig = *state;
        struct question question = plain();
        char pin[16];
        script(rig, "\"getpin\": [\"\", \"12ab\", \"text:۱۲۳\", \"1234\"]");
        assert_int_equal(converse(rig, &question, pin), OUTCOME_REFUSED);
        assert_int_equal(count(recorded(rig), "\nGETPIN"), 3);
        assert_int_equal(count(recorded(rig), "\nSETERROR"), 2);
        assert_non_null(strstr(recorded(rig), "no try was spent"));
}

static void pinentry_is_told_terminal_language_and_time(void **state)
{
        static const char *const told[] = { "\nOPTION ttyname=/dev/pts/nobodys\n",
                "\nOPTION ttytype=xterm\n", "\nOPTION lc-ctype=C.UTF-8\n", "\nSETTIMEOUT ",
                "\nSETTITLE ", "\nSETOK ", "\nSETCANCEL ", "\nSETPROMPT Identification PIN:\n",
                "\nBYE\n" };
        const struct rig *rig = *state;
        struct question question = plain();
        char pin[16];
        script(rig, "\"getpin\": [\"1234\"]");
        assert_int_equal(converse(rig, &question, pin), 0);
        for (size_t i = 0; i < ARRAY_LEN(told); i++)
                assert_non_null(strstr(recorded(rig), told[i]));
        assert_null(strstr(recorded(rig), "OPTION display"));
}

static struct question with_options(void)
{
        struct question question = plain();
        question.required = SHARE_READER;
        question.optional = SHARE_CARD_EXPIRY | SHARE_STATION;
        return question;
}

static void the_optional_goes_along_only_with_a_yes(void **state)
{
        static const struct {
                const char *script;
                int outcome;
                uint8_t released;
                int pages;
        } cases[] = {
                { "\"confirm\": [\"ok\"]", 0, 14, 1 },
                { "\"confirm\": [\"no\"]", 0, 4, 1 },
                { "\"confirm\": [\"cancel\"]", OUTCOME_REFUSED, 0, 1 },
                { "\"confirm\": [\"close\"]", OUTCOME_REFUSED, 0, 1 },
                { "\"confirm\": [\"timeout\"]", OUTCOME_TIMED_OUT, 0, 1 },
                { "\"flavor\": \"curses\", \"confirm\": [\"no\"]", OUTCOME_NOBODY_TO_ASK, 0, 0 },
                { "\"flavor\": \"gtk2\", \"confirm\": [\"no\"]", 0, 4, 1 },
                { "\"flavor\": \"gnome3\", \"confirm\": [\"ok\", \"ok\"]", 0, 14, 2 },
                { "\"flavor\": \"gnome3\", \"confirm\": [\"ok\", \"cancel\"]", 0, 4, 2 },
                { "\"flavor\": \"gnome3\", \"confirm\": [\"cancel\"]", OUTCOME_REFUSED, 0, 1 },
                { "\"flavor\": \"gnome3\", \"confirm\": [\"ok\", \"timeout\"]", OUTCOME_TIMED_OUT,
                        0, 2 },
        };
        const struct rig *rig = *state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct question question = with_options();
                char pin[16], answers[160];
                snprintf(answers, sizeof answers, "%s, \"getpin\": [\"2718\"]", cases[i].script);
                script(rig, answers);
                struct answer answer = converse_fully(rig, &question, pin);
                assert_int_equal(answer.outcome, cases[i].outcome);
                assert_int_equal(answer.released, cases[i].released);
                assert_string_equal(pin, cases[i].outcome ? "" : "2718");
                assert_int_equal(count(recorded(rig), "\nCONFIRM"), cases[i].pages);
                /* "all" is promised where it is meant */
                assert_int_equal(count(recorded(rig), "\nSETOK _Agree\n"),
                        strstr(cases[i].script, "gnome3") ? 1 : 0);
                assert_false(answer.remember);
        }
}

static void without_a_choice_there_is_no_third_button(void **state)
{
        const struct rig *rig = *state;
        struct question question = plain();
        char pin[16];
        question.required = SHARE_READER;
        script(rig, "\"confirm\": [\"no\"]");
        assert_int_equal(converse(rig, &question, pin), OUTCOME_REFUSED);
        assert_null(strstr(recorded(rig), "SETNOTOK"));
        question.may_remember = true; /* a page with three, and then one with two */
        question.pinpad = true;
        script(rig, "\"confirm\": [\"ok\"]");
        assert_int_equal(converse(rig, &question, pin), 0);
        assert_int_equal(count(recorded(rig), "\nRESET\n"), 3);
        assert_int_equal(count(recorded(rig), "\nSETNOTOK"), 1);
}

static void it_is_remembered_only_by_a_yes_of_its_own(void **state)
{
        static const struct {
                const char *script;
                int outcome;
                bool remember;
        } cases[] = {
                { "\"confirm\": [\"ok\", \"ok\"]", 0, true },
                { "\"confirm\": [\"ok\", \"no\"]", 0, false },
                { "\"confirm\": [\"ok\", \"cancel\"]", OUTCOME_REFUSED, false },
                { "\"confirm\": [\"ok\", \"close\"]", OUTCOME_REFUSED, false },
                { "\"flavor\": \"gnome3\", \"confirm\": [\"ok\"]", 0, false },
        };
        const struct rig *rig = *state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct question question = plain();
                char pin[16], answers[160];
                question.may_remember = true;
                snprintf(answers, sizeof answers, "%s, \"getpin\": [\"2718\"]", cases[i].script);
                script(rig, answers);
                struct answer answer = converse_fully(rig, &question, pin);
                assert_int_equal(answer.outcome, cases[i].outcome);
                assert_true(answer.remember == cases[i].remember);
                script(rig, "\"confirm\": [\"ok\"], \"getpin\": [\"cancel\"]");
                answer = converse_fully(rig, &question, pin);
                assert_true(answer.outcome == OUTCOME_REFUSED && !answer.remember);
        }
}

static void what_was_allowed_is_not_asked_again_but_told(void **state)
{
        const struct rig *rig = *state;
        struct question question = plain();
        char pin[16];
        question.granted = question.recorded = true;
        question.required = SHARE_READER;
        SET(question.organization, "Office of Examples");
        script(rig, "\"getpin\": [\"2718\"]");
        struct answer answer = converse_fully(rig, &question, pin);
        assert_int_equal(answer.outcome, 0);
        assert_int_equal(answer.released, SHARE_READER);
        assert_string_equal(pin, "2718");
        assert_null(strstr(recorded(rig), "\nCONFIRM"));
        static const char *const told[] = { "Verified organisation: " FSI "Office of Examples" PDI,
                "/usr/bin/office", "https://office.example", "opening an account",
                "the card reader's name", "mohr grants", "Kept in your history",
                "Tries left: " FSI "3" PDI };
        for (size_t i = 0; i < ARRAY_LEN(told); i++)
                assert_non_null(strstr(recorded(rig), told[i]));
}

/* By digits and by keys, with consent and without: never a step towards a VERIFY without that yes. */
static void the_last_try_needs_its_own_yes_in_every_path(void **state)
{
        const struct rig *rig = *state;
        static const int tries[] = { 1, 0, -1 };
        static const char *const noes[] = { "no", "cancel", "close" };
        for (int path = 0; path < 16; path++)
                for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
                        struct question question = plain();
                        char pin[16], answers[160];
                        question.pinpad = path & 1;
                        question.granted = path & 2;
                        question.staff = path & 4;
                        question.tell_unproven = path & 8;
                        question.tries_left = tries[i];
                        snprintf(answers, sizeof answers,
                                "\"confirm\": [%s%s\"%s\", \"ok\"], \"getpin\": [\"271828\"]",
                                question.tell_unproven ? "\"ok\", " : "",
                                question.granted ? "" : "\"ok\", ", noes[path % 3]);
                        script(rig, answers);
                        assert_int_equal(converse(rig, &question, pin), OUTCOME_LAST_TRY_DECLINED);
                        assert_string_equal(pin, "");
                        assert_null(strstr(recorded(rig), "GETPIN"));
                        assert_null(strstr(recorded(rig), "keys of the card reader"));
                }
}

static void a_search_is_one_page_with_two_ways_out(void **state)
{
        static const struct {
                const char *answer;
                int outcome;
        } cases[] = { { "ok", 0 }, { "no", OUTCOME_REFUSED }, { "cancel", OUTCOME_REFUSED },
                { "timeout", OUTCOME_TIMED_OUT }, { "die", OUTCOME_NOBODY_TO_ASK } };
        const struct rig *rig = *state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct question question = plain_search();
                char answers[64], pin[16];
                unlink(rig->record);
                snprintf(answers, sizeof answers, "\"confirm\": [\"%s\"], \"getpin\": [\"1234\"]",
                        cases[i].answer);
                script(rig, answers);
                assert_int_equal(converse(rig, &question, pin), cases[i].outcome);
                assert_string_equal(pin, "");
                assert_int_equal(count(recorded(rig), "CONFIRM"), 1);
                assert_null(strstr(recorded(rig), "GETPIN"));
        }
}

static void the_time_covers_all_pages_together(void **state)
{
        const struct rig *rig = *state;
        struct question question = plain();
        char pin[16];
        question.timeout_s = 1;
        script(rig, "\"delay\": 1.2, \"getpin\": [\"1234\"]");
        assert_int_equal(converse(rig, &question, pin), OUTCOME_TIMED_OUT);
        if (access(rig->record, F_OK) == 0) /* it has begun within the second */
                assert_null(strstr(recorded(rig), "GETPIN"));
}

static void no_program_is_nobody(void **state)
{
        struct rig rig = *(struct rig *)*state;
        struct question question = plain();
        char pin[16];
        SET(rig.program, "/nonexistent/pinentry");
        assert_int_equal(converse(&rig, &question, pin), OUTCOME_NOBODY_TO_ASK);
        SET(rig.program, "/bin/true");
        assert_int_equal(converse(&rig, &question, pin), OUTCOME_NOBODY_TO_ASK);
}

#define TALK(test) cmocka_unit_test_setup_teardown(test, rig_up, rig_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TALK(nobody_is_asked_by_an_empty_page),
                TALK(each_answer_has_its_outcome),
                TALK(no_pin_is_asked_for_before_consent),
                TALK(with_keys_on_the_reader_no_digit_is_asked_for_here),
                TALK(a_wrong_entry_is_explained_and_asked_three_times),
                TALK(pinentry_is_told_terminal_language_and_time),
                TALK(the_optional_goes_along_only_with_a_yes),
                TALK(without_a_choice_there_is_no_third_button),
                TALK(it_is_remembered_only_by_a_yes_of_its_own),
                TALK(what_was_allowed_is_not_asked_again_but_told),
                TALK(the_last_try_needs_its_own_yes_in_every_path),
                TALK(a_search_is_one_page_with_two_ways_out),
                TALK(the_time_covers_all_pages_together),
                TALK(no_program_is_nobody),
        };
        bind_catalogue();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
