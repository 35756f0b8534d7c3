/* SPDX-License-Identifier: Apache-2.0 */
/* test_prompt_frames.c: the two frames of the prompt's channel: what they carry, and what is no question or no answer.
 */
#include "tests/unit/prompt_talk.h"

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
        SET(sent.content_host, "SHA256:0123");
        SET(sent.asker_name, "org.example.App");
        SET(sent.organization, "Office of Examples");
        assert_int_equal(question_encode(&sent, frame, sizeof frame, &len), 0);
        assert_int_equal(question_decode(frame, len, &got), 0);
        assert_true(got.asker == sent.asker && got.work == sent.work);
        assert_true(got.required == sent.required && got.optional == sent.optional);
        assert_true(got.may_remember && got.recorded && !got.granted);
        assert_true(!got.recorded_identity && !got.recorded_by_station);
        assert_string_equal(got.content_host, sent.content_host);
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
        struct question bad[15], got;
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
        bad[12].recorded_identity = bad[13].recorded_by_station = true; /* nothing is kept */
        bad[14].recorded = bad[14].recorded_identity = bad[14].recorded_by_station = true;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(question_encode(&bad[i], frame, sizeof frame, &len), -EINVAL);
        struct question good = plain();
        assert_int_equal(question_encode(&good, frame, sizeof frame, &len), 0);
        frame[0]++;
        assert_int_equal(question_decode(frame, len, &got), -EBADMSG);
        frame[0]--;
        frame[len - 12] |= 128; /* a flag that does not exist */
        assert_int_equal(question_decode(frame, len, &got), -EBADMSG);
}

static struct question on_a_phone(void)
{
        struct question question = plain();
        SET(question.computer, "laptop");
        question.not_proven_here = true;
        return question;
}

/* What was agreed to at the computer is all of it; nothing about readers, and nobody's new PIN. */
static void a_phone_is_asked_for_a_pin_and_nothing_else(void **state)
{
        (void)state;
        uint8_t frame[QUESTION_FRAME_MAX];
        size_t len;
        struct question bad[10], sent = on_a_phone(), got;
        assert_int_equal(question_encode(&sent, frame, sizeof frame, &len), 0);
        assert_int_equal(question_decode(frame, len, &got), 0);
        assert_string_equal(got.computer, "laptop");
        assert_true(got.not_proven_here && !got.on_phone);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                bad[i] = sent;
        bad[0].choice = true;
        bad[1].search = true;
        bad[2].granted = true;
        bad[3].may_remember = true;
        bad[4].optional = SHARE_READER;
        bad[5].work = WORK_CHANGE_PIN;
        bad[6].work = WORK_UNBLOCK_PIN;
        bad[7].work = WORK_CERTIFICATES;
        bad[8].work = WORK_DOCUMENTS;
        bad[8].document_count = 2;
        bad[9].pinpad = bad[9].on_phone = true;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(question_encode(&bad[i], frame, sizeof frame, &len), -EINVAL);
}

static void a_phone_is_a_reader_with_keys_or_without(void **state)
{
        (void)state;
        uint8_t frame[QUESTION_FRAME_MAX];
        size_t len;
        struct question sent = plain(), got;
        sent.on_phone = true;
        assert_int_equal(question_encode(&sent, frame, sizeof frame, &len), 0);
        sent.pinpad = true;
        assert_int_equal(question_encode(&sent, frame, sizeof frame, &len), 0);
        assert_int_equal(question_decode(frame, len, &got), 0);
        assert_true(got.on_phone && got.pinpad);
        sent.not_proven_here = true; /* there is no computer to be doubted */
        assert_int_equal(question_encode(&sent, frame, sizeof frame, &len), -EINVAL);
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
        longest.may_remember = longest.recorded_by_station = false;
        longest.recorded_identity = true;
        longest.on_phone = true; /* and so this is not the phone */
        longest.not_proven_here = false;
        SET(longest.computer, "");
        longest.asker = ASKER_USER_SERVICE;
        longest.required = SHARE_ALL;
        longest.optional = 0;
        END(tty), END(term), END(display), END(language), END(pinentry), END(request), END(app);
        END(asker_name), END(organization);
        longest.work = WORK_DOCUMENTS;
        longest.content = CONTENT_RAW;
        longest.authentication_key = false;
        longest.document_count = QUESTION_DOCUMENTS_MAX;
        longest.document_at = 0;
        for (size_t i = 0; i < QUESTION_DOCUMENTS_MAX; i++) {
                longest.documents[i].kind = DOCUMENT_OTHER;
                longest.documents[i].form = FORM_CMS;
                longest.documents[i].commitment = COMMITMENT_CREATION;
                END(documents[i].name), END(documents[i].countersigned);
                END(documents[i].location), END(documents[i].policy);
        }
        END(content_text), END(content_host);
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

static void a_staff_cards_pin_has_six_digits(void **state)
{
        (void)state;
        struct question question = plain();
        struct answer answer;
        question.staff = true;
        assert_int_equal(decode(&(struct said){ 0, 0, 0, "12345" }, &question, &answer), -EBADMSG);
        assert_int_equal(decode(&(struct said){ 0, 0, 0, "123456" }, &question, &answer), 0);
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_question_survives_the_channel),
                cmocka_unit_test(every_other_length_is_refused),
                cmocka_unit_test(a_field_out_of_bounds_is_refused),
                cmocka_unit_test(a_phone_is_asked_for_a_pin_and_nothing_else),
                cmocka_unit_test(a_phone_is_a_reader_with_keys_or_without),
                cmocka_unit_test(the_longest_question_fits_a_frame),
                cmocka_unit_test(only_a_pin_or_an_outcome_is_an_answer),
                cmocka_unit_test(a_staff_cards_pin_has_six_digits),
                cmocka_unit_test(consent_alone_brings_no_digits),
                cmocka_unit_test(only_what_was_asked_for_is_released),
                cmocka_unit_test(an_answer_that_nobody_gives_is_not_sent),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
