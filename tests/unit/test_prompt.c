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
        sent.asker = ASKER_FLATPAK;
        sent.work = WORK_UNBLOCK_PIN;
        sent.required = SHARE_READER;
        sent.optional = SHARE_STATION | SHARE_CARD_EXPIRY;
        sent.may_remember = sent.recorded = true;
        SET(sent.asker_name, "org.example.App");
        SET(sent.organization, "Office of Examples");
        assert_int_equal(question_encode(&sent, frame, sizeof frame, &len), 0);
        assert_int_equal(question_decode(frame, len, &got), 0);
        assert_true(got.asker == sent.asker && got.work == sent.work);
        assert_true(got.required == sent.required && got.optional == sent.optional);
        assert_true(got.may_remember && got.recorded && !got.granted);
        assert_string_equal(got.asker_name, sent.asker_name);
        assert_string_equal(got.organization, sent.organization);
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
        struct question bad[12], got;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                bad[i] = plain();
        SET(bad[0].tty, "/dev/pts/1\nOPTION x");
        SET(bad[1].pinentry, "pin\x7f");
        bad[2].tries_left = 16;
        bad[3].timeout_s = 0;
        bad[4].timeout_s = 3601;
        bad[5].work = WORKS;
        bad[6].asker = ASKERS;
        bad[7].required = SHARE_ALL + 1;
        bad[8].optional = SHARE_ALL + 1;
        bad[9].required = bad[9].optional = SHARE_READER;
        bad[10].granted = bad[10].may_remember = true;
        bad[11].granted = true;
        bad[11].optional = SHARE_READER;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(question_encode(&bad[i], frame, sizeof frame, &len), -EINVAL);
        struct question good = plain();
        assert_int_equal(question_encode(&good, frame, sizeof frame, &len), 0);
        frame[0]++;
        assert_int_equal(question_decode(frame, len, &got), -EBADMSG);
        frame[0]--;
        frame[len - 9] |= 128; /* a flag that does not exist */
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
        longest.granted = longest.may_remember = longest.recorded = true;
        longest.may_remember = false;
        longest.work = WORK_SIGN;
        longest.asker = ASKER_USER_SERVICE;
        longest.required = SHARE_ALL;
        longest.optional = 0;
        END(tty), END(term), END(display), END(language), END(pinentry), END(request), END(app);
        END(asker_name), END(organization);
        END(audience), END(purpose), END(given_name), END(family_name), END(card_number),
                END(reader);
#undef END
        assert_int_equal(question_encode(&longest, frame, sizeof frame, &len), 0);
        assert_int_equal(question_decode(frame, len, &got), 0);
        assert_string_equal(got.reader, longest.reader);
}

/* An answer's three bytes and its digits; the frame is as long as they are. */
struct said {
        uint8_t outcome, released, remember;
        const char *digits;
};

static int decode(const struct said *said, const struct question *question, struct answer *ret)
{
        static uint8_t frame[ANSWER_FRAME_MAX];
        size_t digits = strlen(said->digits);
        frame[0] = said->outcome;
        frame[1] = said->released;
        frame[2] = said->remember;
        memcpy(frame + 3, said->digits, digits);
        return answer_decode(frame, 3 + digits, question, ret);
}

static void only_a_pin_or_an_outcome_is_an_answer(void **state)
{
        (void)state;
        static const struct {
                struct said said;
                int result;
        } cases[] = {
                { { 0, 0, 0, "1234" }, 0 },
                { { 0, 0, 0, "12345678" }, 0 },
                { { 0, 0, 0, "123" }, -EBADMSG },
                { { 0, 0, 0, "123456789" }, -EBADMSG },
                { { 0, 0, 0, "12a4" }, -EBADMSG },
                { { 0, 0, 0, "" }, -EBADMSG },
                { { OUTCOME_REFUSED, 0, 0, "" }, 0 },
                { { OUTCOME_REFUSED, 0, 0, "1234" }, -EBADMSG },
                { { 18, 0, 0, "" }, -EBADMSG },
                { { 255, 0, 0, "" }, -EBADMSG },
                { { OUTCOME_INTERNAL, 0, 0, "" }, 0 },
                { { OUTCOME_LAST_TRY_DECLINED, 0, 0, "" }, 0 },
                { { OUTCOME_TIMED_OUT, 0, 0, "" }, 0 },
                { { OUTCOME_NOBODY_TO_ASK, 0, 0, "" }, 0 },
                { { OUTCOME_WRONG_PIN, 0, 0, "" }, -EBADMSG },
        };
        const struct question question = plain();
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct answer answer = { .outcome = -1 };
                assert_int_equal(decode(&cases[i].said, &question, &answer), cases[i].result);
                assert_int_equal(answer.outcome, cases[i].result ? -1 : cases[i].said.outcome);
        }
        struct answer answer;
        for (size_t len = 0; len < 3; len++)
                assert_int_equal(answer_decode("\017\0", len, &question, &answer), -EBADMSG);
}

static void consent_alone_brings_no_digits(void **state)
{
        (void)state;
        struct question questions[] = { plain(), plain(), plain_search() };
        struct answer answer;
        questions[0].pinpad = true;
        questions[1].choice = true;
        for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
                assert_int_equal(decode(&(struct said){ 0, 0, 0, "" }, &questions[i], &answer), 0);
                assert_int_equal(answer.outcome, 0);
                assert_int_equal(answer.pin.len, 0);
                assert_int_equal(
                        decode(&(struct said){ OUTCOME_REFUSED, 0, 0, "" }, &questions[i], &answer),
                        0);
                assert_int_equal(answer.outcome, OUTCOME_REFUSED);
                assert_int_equal(decode(&(struct said){ 0, 0, 0, "1234" }, &questions[i], &answer),
                        -EBADMSG);
        }
}

/* What was asked for and no more, with all that was required; nothing at all without a yes. */
static void only_what_was_asked_for_is_released(void **state)
{
        (void)state;
        static const struct {
                struct said said;
                bool may_remember;
                int result;
        } cases[] = {
                { { 0, SHARE_READER, 0, "1234" }, false, 0 },
                { { 0, SHARE_READER | SHARE_STATION, 0, "1234" }, false, 0 },
                { { 0, 0, 0, "1234" }, false, -EBADMSG },
                { { 0, SHARE_STATION, 0, "1234" }, false, -EBADMSG },
                { { 0, SHARE_READER | SHARE_CARD_EXPIRY, 0, "1234" }, false, -EBADMSG },
                { { 0, SHARE_READER | 16, 0, "1234" }, false, -EBADMSG },
                { { OUTCOME_REFUSED, SHARE_READER, 0, "" }, false, -EBADMSG },
                { { 0, SHARE_READER, 1, "1234" }, true, 0 },
                { { 0, SHARE_READER, 1, "1234" }, false, -EBADMSG },
                { { 0, SHARE_READER, 2, "1234" }, true, -EBADMSG },
                { { OUTCOME_REFUSED, 0, 1, "" }, true, -EBADMSG },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct question question = plain();
                struct answer answer = { .outcome = -1 };
                question.required = SHARE_READER;
                question.optional = SHARE_STATION;
                question.may_remember = cases[i].may_remember;
                assert_int_equal(decode(&cases[i].said, &question, &answer), cases[i].result);
                if (cases[i].result == 0)
                        assert_true(answer.released == cases[i].said.released &&
                                    answer.remember == (cases[i].said.remember == 1));
                question.choice = true;
                assert_int_equal(decode(&cases[i].said, &question, &answer), -EBADMSG);
        }
}

static void an_answer_that_nobody_gives_is_not_sent(void **state)
{
        (void)state;
        uint8_t frame[ANSWER_FRAME_MAX];
        size_t len = 0;
        const struct answer good = {
                .released = SHARE_ALL, .remember = true, .pin = { (const uint8_t *)"27182818", 8 }
        };
        const struct answer bad[] = {
                { .outcome = OUTCOME_REFUSED, .released = 1 },
                { .outcome = OUTCOME_REFUSED, .remember = true },
                { .outcome = OUTCOME_REFUSED, .pin = good.pin },
                { .outcome = OUTCOME_WRONG_PIN },
                { .released = SHARE_ALL + 1 },
                { .pin = { (const uint8_t *)"12x4", 4 } },
        };
        assert_int_equal(answer_encode(&good, frame, sizeof frame, &len), 0);
        assert_int_equal(len, 11);
        assert_int_equal(answer_encode(&good, frame, 10, &len), -EINVAL);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(answer_encode(&bad[i], frame, sizeof frame, &len), -EINVAL);
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
static struct answer converse_fully(
        const struct rig *rig, const struct question *question, char pin[static 16])
{
        struct answer answer = { 0 };
        _cleanup_secret_ struct secret *secret = NULL;
        _cleanup_dialogue_ struct dialogue *dialogue = NULL;
        assert_int_equal(secret_new(&secret, 64), 0);
        answer.outcome = dialogue_new(&dialogue, rig->program, question);
        if (answer.outcome == 0)
                answer = course_run(dialogue, question, secret);
        snprintf(pin, 16, "%.*s", (int)secret->len, (const char *)secret->data);
        return answer;
}

static int converse(const struct rig *rig, const struct question *question, char pin[static 16])
{
        return converse_fully(rig, question, pin).outcome;
}

/* Percent signs are the dearest letters of an Assuan line: names made of them leave room for nothing. */
static void nobody_is_asked_by_an_empty_page(void **state)
{
        const struct rig *rig = *state;
        struct question question = hostile("%", "fa");
        char pin[16];
        fill(question.given_name, sizeof question.given_name, "%");
        fill(question.family_name, sizeof question.family_name, "%");
        fill(question.organization, sizeof question.organization, "%");
        question.tell_unproven = false;
        question.staff = question.granted = true;
        question.required = SHARE_ALL;
        speak("fa");
        script(rig, "\"confirm\": [\"ok\", \"ok\"], \"getpin\": [\"123456\"]");
        assert_int_equal(converse(rig, &question, pin), OUTCOME_INTERNAL);
        assert_string_equal(pin, "");
        assert_null(strstr(recorded(rig), "GETPIN"));
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
                cmocka_unit_test(only_what_was_asked_for_is_released),
                cmocka_unit_test(an_answer_that_nobody_gives_is_not_sent),
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
