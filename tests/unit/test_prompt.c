/* SPDX-License-Identifier: Apache-2.0 */
/* test_prompt.c: the prompt's frames, and its conversation with scripted pinentries (tests/tools/pinentry-script) that
 * obey, refuse and lie.
 */
#include "tests/unit/prompt_talk.h"

/* ---- frames ------------------------------------------------------------------------------- */

static void a_question_survives_the_channel(void **state)
{
        (void)state;
        uint8_t frame[QUESTION_FRAME_MAX];
        size_t len;
        struct question sent = plain(), got;
        sent.expired = true;
        sent.tries_left = -1;
        assert_int_equal(question_encode(&sent, frame, sizeof frame, &len), 0);
        assert_int_equal(question_decode(frame, len, &got), 0);
        assert_string_equal(got.audience, sent.audience);
        assert_string_equal(got.family_name, sent.family_name);
        assert_int_equal(got.tries_left, -1);
        assert_true(got.expired && !got.simulated && !got.tell_unproven && !got.pinpad);
        assert_int_equal(got.timeout_s, 30);
        sent.pinpad = true;
        assert_int_equal(question_encode(&sent, frame, sizeof frame, &len), 0);
        assert_int_equal(question_decode(frame, len, &got), 0);
        assert_true(got.pinpad && !got.search);
        sent.search = true;
        sent.reader_count = 16;
        assert_int_equal(question_encode(&sent, frame, sizeof frame, &len), 0);
        assert_int_equal(question_decode(frame, len, &got), 0);
        assert_true(got.search && got.reader_count == 16);
}

static void every_other_length_is_refused(void **state)
{
        (void)state;
        uint8_t frame[QUESTION_FRAME_MAX + 1] = { 0 };
        size_t len;
        struct question sent = plain(), got;
        assert_int_equal(question_encode(&sent, frame, sizeof frame, &len), 0);
        for (size_t cut = 0; cut < len; cut++)
                assert_int_equal(question_decode(frame, cut, &got), -EBADMSG);
        assert_int_equal(question_decode(frame, len + 1, &got), -EBADMSG);
        assert_int_equal(question_decode(frame, sizeof frame, &got), -EBADMSG);
}

static void a_field_out_of_bounds_is_refused(void **state)
{
        (void)state;
        uint8_t frame[QUESTION_FRAME_MAX];
        size_t len;
        struct question bad[5], got;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                bad[i] = plain();
        SET(bad[0].tty, "/dev/pts/1\nOPTION x");
        SET(bad[1].pinentry, "pin\x7f");
        bad[2].tries_left = 16;
        bad[3].timeout_s = 0;
        bad[4].timeout_s = 3601;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(question_encode(&bad[i], frame, sizeof frame, &len), -EINVAL);
        struct question good = plain();
        assert_int_equal(question_encode(&good, frame, sizeof frame, &len), 0);
        frame[0]++;
        assert_int_equal(question_decode(frame, len, &got), -EBADMSG);
        frame[0]--;
        frame[len - 4] |= 128; /* a flag that does not exist */
        assert_int_equal(question_decode(frame, len, &got), -EBADMSG);
}

static void the_longest_question_fits_a_frame(void **state)
{
        (void)state;
        uint8_t frame[QUESTION_FRAME_MAX];
        size_t len;
        struct question longest, got;
        memset(&longest, 'a', sizeof longest);
        struct question tail = plain();
        longest.tries_left = 3;
        longest.simulated = longest.tell_unproven = longest.expired = true;
        longest.pinpad = longest.choice = longest.staff = longest.search = true;
        longest.timeout_s = tail.timeout_s;
#define END(field) longest.field[sizeof longest.field - 1] = '\0'
        END(tty), END(term), END(display), END(language), END(pinentry), END(request), END(app);
        END(audience), END(purpose), END(given_name), END(family_name), END(card_number),
                END(reader);
#undef END
        assert_int_equal(question_encode(&longest, frame, sizeof frame, &len), 0);
        assert_int_equal(question_decode(frame, len, &got), 0);
        assert_string_equal(got.reader, longest.reader);
}

static void only_a_pin_or_an_outcome_is_an_answer(void **state)
{
        (void)state;
        static const struct {
                const char *frame;
                size_t len;
                int result;
        } cases[] = {
                { "\0001234", 5, 0 },
                { "\00012345678", 9, 0 },
                { "\000123", 4, -EBADMSG },
                { "\000123456789", 10, -EBADMSG },
                { "\00012a4", 5, -EBADMSG },
                { "\000", 1, -EBADMSG },
                { "\017", 1, 0 },
                { "\017"
                  "1234",
                        5, -EBADMSG },
                { "\022", 1, -EBADMSG },
                { "\377", 1, -EBADMSG },
                { "", 0, -EBADMSG },
                { "\106", 1, 0 },
                { "\030", 1, 0 },
                { "\023", 1, 0 },
                { "\032", 1, 0 },
                { "\015", 1, -EBADMSG },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                int outcome = -1;
                struct view pin;
                assert_int_equal(answer_decode(cases[i].frame, cases[i].len, true, &outcome, &pin),
                        cases[i].result);
                if (cases[i].result == 0)
                        assert_int_equal(outcome, (unsigned char)cases[i].frame[0]);
        }
}

static void consent_alone_brings_no_digits(void **state)
{
        (void)state;
        int outcome = -1;
        struct view pin;
        assert_int_equal(answer_decode("\0", 1, false, &outcome, &pin), 0);
        assert_int_equal(outcome, 0);
        assert_int_equal(pin.len, 0);
        assert_int_equal(answer_decode("\017", 1, false, &outcome, &pin), 0);
        assert_int_equal(outcome, OUTCOME_REFUSED);
        assert_int_equal(answer_decode("\0001234", 5, false, &outcome, &pin), -EBADMSG);
        assert_int_equal(answer_decode("\0", 1, true, &outcome, &pin), -EBADMSG);
}

/* ---- the conversation --------------------------------------------------------------------- */

struct rig {
        char folder[64], script[128], record[128], program[PATH_MAX];
};

static int rig_up(void **state)
{
        struct rig *rig = calloc(1, sizeof *rig);
        if (!rig || !realpath("tests/tools/pinentry-script", rig->program))
                return -1;
        SET(rig->folder, "/tmp/mohr-prompt-XXXXXX");
        if (!mkdtemp(rig->folder))
                return -1;
        snprintf(rig->script, sizeof rig->script, "%s/script", rig->folder);
        snprintf(rig->record, sizeof rig->record, "%s/record", rig->folder);
        setenv("MOHR_PINENTRY_SCRIPT", rig->script, 1);
        speak("en");
        *state = rig;
        return 0;
}

static int rig_down(void **state)
{
        struct rig *rig = *state;
        unlink(rig->script);
        unlink(rig->record);
        rmdir(rig->folder);
        free(rig);
        return 0;
}

static void script(const struct rig *rig, const char *answers)
{
        FILE *file = fopen(rig->script, "w");
        assert_non_null(file);
        fprintf(file, "{\"record\": \"%s\"%s%s}", rig->record, *answers ? ", " : "", answers);
        fclose(file);
        unlink(rig->record);
}

static char *recorded(const struct rig *rig)
{
        static char text[65536];
        FILE *file = fopen(rig->record, "r");
        assert_non_null(file);
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        return text;
}

/* One whole conversation; the digits that came back, or "". */
static int converse(const struct rig *rig, const struct question *question, char pin[static 16])
{
        _cleanup_secret_ struct secret *secret = NULL;
        _cleanup_dialogue_ struct dialogue *dialogue = NULL;
        assert_int_equal(secret_new(&secret, 64), 0);
        int r = dialogue_new(&dialogue, rig->program, question);
        if (r == 0)
                r = dialogue_ask(dialogue, secret);
        snprintf(pin, 16, "%.*s", (int)secret->len, (const char *)secret->data);
        return r;
}

/* Percent signs are the dearest letters of an Assuan line: names made of them leave room for nothing. */
static void nobody_is_asked_by_an_empty_page(void **state)
{
        const struct rig *rig = *state;
        struct question question = hostile("%", "fa");
        char pin[16];
        fill(question.given_name, sizeof question.given_name, "%");
        fill(question.family_name, sizeof question.family_name, "%");
        question.tell_unproven = false;
        question.staff = true;
        speak("fa");
        script(rig, "\"confirm\": [\"ok\", \"ok\"], \"getpin\": [\"123456\"]");
        assert_int_equal(converse(rig, &question, pin), OUTCOME_INTERNAL);
        assert_string_equal(pin, "");
        assert_null(strstr(recorded(rig), "CONFIRM"));
        speak("en");
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
        static const char *const told[] = { "\nOPTION ttyname=/dev/pts/7\n",
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
                cmocka_unit_test(a_question_survives_the_channel),
                cmocka_unit_test(every_other_length_is_refused),
                cmocka_unit_test(a_field_out_of_bounds_is_refused),
                cmocka_unit_test(the_longest_question_fits_a_frame),
                cmocka_unit_test(only_a_pin_or_an_outcome_is_an_answer),
                cmocka_unit_test(consent_alone_brings_no_digits),
                TALK(nobody_is_asked_by_an_empty_page),
                TALK(each_answer_has_its_outcome),
                TALK(no_pin_is_asked_for_before_consent),
                TALK(with_keys_on_the_reader_no_digit_is_asked_for_here),
                TALK(a_wrong_entry_is_explained_and_asked_three_times),
                TALK(pinentry_is_told_terminal_language_and_time),
                TALK(a_search_is_one_page_with_two_ways_out),
                TALK(the_time_covers_all_pages_together),
                TALK(no_program_is_nobody),
        };
        bind_catalogue();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
