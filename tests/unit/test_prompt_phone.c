/* SPDX-License-Identifier: Apache-2.0 */
/* test_prompt_phone.c: the page at the computer that leads to a phone, and the phone's own, which says it all and takes the PIN.
 */
#include "tests/unit/prompt_rig.h"

static const char *const languages[] = { "en", "fa" };

static struct question at_computer(const char *language)
{
        struct question question = plain();
        SET(question.language, language);
        SET(question.reader, "Sara's phone");
        question.pinpad = question.on_phone = true;
        return question;
}

static struct question at_phone(enum question_work work, const char *language)
{
        struct question question = plain();
        SET(question.language, language);
        SET(question.computer, "counter-3");
        SET(question.reader, "ACS ACR39U");
        question.work = work;
        if (work == WORK_DOCUMENTS) {
                question.audience[0] = '\0';
                question.document_count = 1;
                SET(question.documents[0].name, "contract.pdf");
                question.documents[0].kind = DOCUMENT_PDF;
                question.documents[0].form = FORM_PDF;
                question.documents[0].size = 120500;
                question.documents[0].pages = 4;
        }
        return question;
}

static void the_computers_page_says_to_enter_the_pin_on_the_phone(void **state)
{
        (void)state;
        struct question question = at_computer("en");
        struct page page;
        speak("en");
        texts_entry(&question, &page);
        assert_non_null(strstr(page.desc, "Please enter the PIN on the phone, not here"));
        assert_non_null(strstr(page.desc, "not the signature PIN"));
        assert_non_null(strstr(page.desc, "Phone: " FSI "Sara's phone" PDI));
        assert_null(strstr(page.desc, "keys"));
        assert_null(page.prompt);
        question.staff = true;
        texts_entry(&question, &page);
        assert_non_null(strstr(page.desc, "the PIN of the staff card"));
        assert_non_null(strstr(page.desc, "on the phone, not here"));
}

/* By its name alone it could be taken for a reader of this computer. */
static void digits_that_go_to_a_phone_are_asked_for_as_that(void **state)
{
        (void)state;
        for (size_t l = 0; l < ARRAY_LEN(languages); l++) {
                struct question question = at_computer(languages[l]);
                struct page page;
                SET(question.reader, "ACS ACR1252");
                question.pinpad = false;
                speak(languages[l]);
                texts_entry(&question, &page);
                assert_non_null(page.prompt);
                assert_non_null(strstr(page.desc,
                        l ? "تلفن همراه: " FSI "ACS ACR1252" : "Phone: " FSI "ACS ACR1252"));
        }
}

/* Everything that consent would have said, in one page. */
static void the_phones_page_says_everything_and_takes_the_pin(void **state)
{
        (void)state;
        static const struct {
                enum question_work work;
                const char *said[5];
        } rows[] = {
                { WORK_SIGN, { "https://office.example", "0099900007", "always go with" } },
                { WORK_DOCUMENTS, { "contract.pdf", "4 pages", "120.5 kB",
                                          "the PDF with the signature inside", "always go with" } },
                { WORK_KEY, { "the signature key of the card", "cannot tell what" } },
        };
        static const char *const all[] = { "The computer " FSI "counter-3" PDI, "paired",
                "Who is asking (unverified name): " FSI "/usr/bin/office", "opening an account",
                "نمونه آزمایشی", "identification PIN", "Tries left: " FSI "3" PDI, "expired" };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct question question = at_phone(rows[i].work, "en");
                struct page page;
                question.expired = true;
                speak("en");
                texts_entry(&question, &page);
                assert_ptr_equal(strstr(page.desc, "\u2022 The computer"), page.desc);
                assert_string_equal(page.prompt, "Identification PIN:");
                for (size_t n = 0; n < ARRAY_LEN(all); n++)
                        assert_non_null(strstr(page.desc, all[n]));
                for (size_t n = 0; n < ARRAY_LEN(rows[i].said) && rows[i].said[n]; n++)
                        assert_non_null(strstr(page.desc, rows[i].said[n]));
                assert_null(strstr(page.desc, "Kept in"));
        }
}

static void one_page_is_enough_in_both_languages(void **state)
{
        (void)state;
        static const enum question_work works[] = { WORK_SIGN, WORK_DOCUMENTS, WORK_KEY };
        for (size_t l = 0; l < ARRAY_LEN(languages); l++) {
                speak(languages[l]);
                for (size_t i = 0; i < ARRAY_LEN(works); i++) {
                        struct question question = at_phone(works[i], languages[l]);
                        assert_false(texts_entry_is_long(&question));
                }
        }
}

/* Who proved it? What this phone did not prove is never called verified. */
static void an_organization_is_whose_word_it_is(void **state)
{
        (void)state;
        struct question question = at_phone(WORK_SIGN, "en");
        struct page page;
        speak("en");
        SET(question.organization, "Office of Examples");
        texts_entry(&question, &page);
        assert_non_null(strstr(page.desc, "Verified organisation: " FSI "Office of Examples" PDI));
        question.not_proven_here = true;
        static void (*const compose[])(const struct question *, struct page *) = { texts_entry,
                texts_consent, texts_asked };
        for (size_t i = 0; i < ARRAY_LEN(compose); i++) {
                compose[i](&question, &page);
                assert_non_null(strstr(page.desc,
                        "Organisation, by that computer's word: " FSI "Office of Examples" PDI));
                assert_null(strstr(page.desc, "erified organisation"));
                assert_non_null(strstr(page.desc, "Passed on by (unverified name)"));
        }
}

/* ---- the order ----------------------------------------------------------------------------- */

#define TYPE "\"getpin\": [\"2718\"]"

static void the_phone_asks_once_and_the_last_try_by_itself(void **state)
{
        const struct rig *rig = *state;
        static const enum question_work works[] = { WORK_SIGN, WORK_DOCUMENTS, WORK_KEY };
        for (size_t i = 0; i < ARRAY_LEN(works); i++) {
                struct question question = at_phone(works[i], "en");
                check_walk(rig, &question, &(struct walk){ TYPE, 0, 0, "2718" });
                question.tell_unproven = true;
                check_walk(rig, &question, &(struct walk){ TYPE, 0, 1, "2718" });
                question.tell_unproven = false;
                question.tries_left = 1;
                check_walk(rig, &question,
                        &(struct walk){ "\"confirm\": [\"ok\", \"ok\"], " TYPE, 0, 2, "2718" });
                check_walk(rig, &question,
                        &(struct walk){ "\"confirm\": [\"ok\", \"no\"]", OUTCOME_LAST_TRY_DECLINED,
                                2, "" });
                question.tries_left = -1;
                check_walk(rig, &question,
                        &(struct walk){ "\"confirm\": [\"ok\", \"cancel\"]",
                                OUTCOME_LAST_TRY_DECLINED, 2, "" });
        }
}

/* What has no room beside the PIN is agreed to before, and never left out. */
static void a_long_request_has_a_page_of_its_own_on_the_phone(void **state)
{
        const struct rig *rig = *state;
        struct question question = at_phone(WORK_SIGN, "en");
        fill(question.app, sizeof question.app, "/folder");
        fill(question.purpose, sizeof question.purpose, "why ");
        check_walk(rig, &question, &(struct walk){ TYPE, 0, 3, "2718" });
        assert_int_equal(count(recorded(rig), "The computer " FSI "counter-3" PDI), 4);
        question.simulated = true;
        check_walk(rig, &question,
                &(struct walk){ "\"confirm\": [\"cancel\"]", OUTCOME_REFUSED, 1, "" });
}

static void the_phones_reader_may_have_keys_of_its_own(void **state)
{
        const struct rig *rig = *state;
        struct question question = at_phone(WORK_SIGN, "en");
        question.pinpad = true;
        check_walk(rig, &question, &(struct walk){ "\"confirm\": [\"ok\"]", 0, 2, "" });
        assert_non_null(strstr(recorded(rig), "on the keys of the card reader, not here"));
}

static void the_computer_takes_no_digit_for_a_phone(void **state)
{
        const struct rig *rig = *state;
        struct question question = at_computer("en");
        check_walk(rig, &question, &(struct walk){ "\"confirm\": [\"ok\", \"ok\"]", 0, 2, "" });
        question.tries_left = 1;
        check_walk(rig, &question,
                &(struct walk){
                        "\"confirm\": [\"ok\", \"no\"]", OUTCOME_LAST_TRY_DECLINED, 2, "" });
}

static void persian_calls_phone_and_computer_by_their_names(void **state)
{
        (void)state;
        struct question here = at_computer("fa"), there = at_phone(WORK_SIGN, "fa");
        struct page page;
        speak("fa");
        texts_entry(&here, &page);
        assert_non_null(strstr(page.desc, "رمز را روی تلفن همراه وارد کنید، نه اینجا"));
        assert_non_null(strstr(page.desc, "تلفن همراه: " FSI "Sara's phone" PDI));
        texts_entry(&there, &page);
        assert_non_null(strstr(page.desc, "رایانه " FSI "counter-3" PDI));
        there.not_proven_here = true;
        SET(there.organization, "سازمان نمونه");
        texts_entry(&there, &page);
        assert_non_null(strstr(page.desc, "سازمان، به گفته همان رایانه: " FSI "سازمان نمونه" PDI));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_computers_page_says_to_enter_the_pin_on_the_phone),
                cmocka_unit_test(digits_that_go_to_a_phone_are_asked_for_as_that),
                cmocka_unit_test(the_phones_page_says_everything_and_takes_the_pin),
                cmocka_unit_test(one_page_is_enough_in_both_languages),
                cmocka_unit_test(an_organization_is_whose_word_it_is),
                cmocka_unit_test(persian_calls_phone_and_computer_by_their_names),
                cmocka_unit_test_setup_teardown(
                        the_phone_asks_once_and_the_last_try_by_itself, rig_up, rig_down),
                cmocka_unit_test_setup_teardown(
                        a_long_request_has_a_page_of_its_own_on_the_phone, rig_up, rig_down),
                cmocka_unit_test_setup_teardown(
                        the_phones_reader_may_have_keys_of_its_own, rig_up, rig_down),
                cmocka_unit_test_setup_teardown(
                        the_computer_takes_no_digit_for_a_phone, rig_up, rig_down),
        };
        bind_catalogue();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
