/* SPDX-License-Identifier: Apache-2.0 */
/* test_prompt_words.c: the prompt's words with everything at its longest and most hostile.
 */
#include "tests/unit/prompt_talk.h"

static void consent_names_everything_that_matters(void **state)
{
        (void)state;
        static const char *const said[] = { "SIMULATED CARD", "unverified", "/usr/bin/office",
                "https://office.example", "opening an account", "نمونه آزمایشی", "0099900007",
                "always go with the chip's signature", "signature key", "expired", "01234567" };
        struct question question = plain();
        struct page page;
        question.simulated = question.expired = true;
        speak("en");
        texts_consent(&question, &page);
        for (size_t i = 0; i < ARRAY_LEN(said); i++)
                assert_non_null(strstr(page.desc, said[i]));
        assert_null(strstr(page.desc, "89abcdef"));
        assert_non_null(strstr(page.title, "SIMULATED"));
        question.simulated = question.expired = false;
        texts_consent(&question, &page);
        assert_null(strstr(page.desc, "SIMULATED"));
        assert_null(strstr(page.desc, "expired"));
}

static void the_pin_page_says_which_pin_and_how_often(void **state)
{
        (void)state;
        struct question question = plain();
        struct page page;
        speak("en");
        texts_pin(&question, &page);
        assert_non_null(strstr(page.desc, "identification PIN"));
        assert_non_null(strstr(page.desc, "not the signature PIN"));
        assert_non_null(strstr(page.desc, "Tries left: " FSI "3" PDI));
        question.tries_left = -1;
        texts_pin(&question, &page);
        assert_non_null(strstr(page.desc, "unknown"));
}

static void the_page_before_the_readers_keys_says_where_to_type(void **state)
{
        (void)state;
        struct question question = plain();
        struct page page;
        speak("en");
        texts_keys(&question, &page);
        assert_non_null(strstr(page.desc, "on the keys of the card reader, not here"));
        assert_non_null(strstr(page.desc, "not the signature PIN"));
        assert_non_null(strstr(page.desc, "Tries left: " FSI "3" PDI));
        assert_non_null(strstr(page.desc, question.reader));
        assert_null(page.prompt);
}

static void a_choice_of_cards_says_nothing_of_holders(void **state)
{
        (void)state;
        struct question question = plain();
        struct page page;
        speak("en");
        texts_choice(&question, &page);
        assert_non_null(strstr(page.desc, question.reader));
        assert_non_null(strstr(page.desc, question.audience));
        assert_null(strstr(page.desc, question.family_name));
        assert_null(strstr(page.desc, question.given_name));
        assert_null(strstr(page.desc, question.card_number));
        assert_null(strstr(page.desc, "Tries"));
        assert_non_null(page.notok);
        assert_null(page.prompt);
}

static void a_search_names_who_asks_for_whom_and_where(void **state)
{
        (void)state;
        struct question question = plain_search();
        struct page page;
        speak("en");
        texts_search(&question, &page);
        const char *const told[] = { "these card readers (" FSI "16" PDI ")", "No PIN",
                "National number asked for: " FSI "0012345679" PDI, question.app, question.audience,
                question.purpose, "Card reader: " FSI "Reader A" PDI,
                "Card reader: " FSI "Reader C" PDI, "More card readers: " FSI "13" PDI };
        for (size_t i = 0; i < ARRAY_LEN(told); i++)
                assert_non_null(strstr(page.desc, told[i]));
        const char *const holder[] = { question.family_name, question.given_name, "Tries",
                "Holder" };
        for (size_t i = 0; i < ARRAY_LEN(holder); i++)
                assert_null(strstr(page.desc, holder[i]));
        assert_null(page.notok);
        assert_null(page.prompt);
        SET(question.reader, "Reader A\nReader B");
        question.reader_count = 2;
        texts_search(&question, &page);
        assert_null(strstr(page.desc, "More card readers"));
        assert_int_equal(count(page.desc, "Card reader: "), 2);
}

static void persian_uses_the_agreed_words(void **state)
{
        (void)state;
        struct question question = plain();
        struct page page;
        SET(question.language, "fa");
        question.simulated = question.expired = true;
        speak("fa");
        texts_consent(&question, &page);
        assert_non_null(strstr(
                page.desc, "کارت شبیه‌سازی‌شده، فقط برای آزمایش"));
        assert_non_null(strstr(page.desc, "درخواست‌کننده"));
        assert_non_null(strstr(page.desc, "نام تأییدنشده"));
        assert_non_null(strstr(page.desc, "شماره کارت"));
        assert_non_null(strstr(page.desc, "نام و شماره شما همیشه همراه امضا ارائه "
                                          "می‌شود"));
        assert_non_null(strstr(page.desc, "اعتبار گواهی به پایان رسیده است"));
        assert_non_null(strstr(page.desc, "0099900007"));
        texts_pin(&question, &page);
        assert_non_null(strstr(page.desc, "رمز شناسایی"));
        assert_non_null(strstr(page.desc, "دفعات باقی‌مانده: " FSI "۳" PDI));
        texts_keys(&question, &page);
        assert_non_null(strstr(page.desc, "صفحه‌کلید کارت‌خوان"));
        texts_choice(&question, &page);
        assert_non_null(strstr(page.desc, "چند کارت‌خوان"));
        question.reader_count = 3;
        texts_search(&question, &page);
        assert_non_null(strstr(page.desc, "کارت‌خوان‌ها (" FSI "۳" PDI ")"));
        assert_non_null(strstr(page.desc, "شماره ملی درخواست‌شده"));
        texts_last_try(&question, &page);
        assert_non_null(strstr(page.desc, "آخرین فرصت"));
        texts_unproven(&question, &page);
        assert_non_null(strstr(page.desc, "روی کارت واقعی آزموده نشده است"));
}

static void longest_names(struct question *question)
{
        for (int i = 0; i < 64; i++) {
                memcpy(question->given_name + 2 * i, "ن", 2);
                memcpy(question->family_name + 2 * i, "م", 2);
        }
        question->given_name[128] = question->family_name[128] = '\0';
}

static const char *const units[] = { "a", "م", "漢", "%", "😀", "\n", "\u202e", " x", "<b>", "\"\\",
        "\u3000y", "%0A", "نمونه " };

static void nothing_protected_is_ever_cut(void **state)
{
        (void)state;
        static const char *const warnings[][5] = {
                { "en", "SIMULATED CARD, FOR TESTING ONLY", "The certificate has expired.",
                        "The key is a signature key.", "Tries left: " FSI "1" PDI },
                { "fa", "کارت شبیه‌سازی‌شده، فقط برای آزمایش",
                        "اعتبار گواهی به پایان رسیده است", "این کلید، کلید امضا است",
                        "دفعات باقی‌مانده: " FSI "۱" PDI },
        };
        char line[PARTS_LINE_MAX + 1];
        struct page page;
        for (size_t l = 0; l < ARRAY_LEN(warnings); l++) {
                speak(warnings[l][0]);
                for (size_t i = 0; i < ARRAY_LEN(units); i++) {
                        struct question question = hostile(units[i], warnings[l][0]);
                        longest_names(&question);
                        texts_consent(&question, &page);
                        assert_int_equal(parts_line(line, "SETDESC", page.desc), 0);
                        assert_true(text_utf8_valid(page.desc, strlen(page.desc)));
                        for (size_t w = 1; w < 4; w++)
                                assert_non_null(strstr(page.desc, warnings[l][w]));
                        assert_non_null(strstr(page.desc, question.given_name));
                        assert_non_null(strstr(page.desc, question.family_name));
                        assert_non_null(strstr(page.desc, "0099900007"));
                        texts_keys(&question, &page);
                        assert_int_equal(parts_line(line, "SETDESC", page.desc), 0);
                        assert_non_null(strstr(page.desc, warnings[l][4]));
                        assert_non_null(strstr(page.desc, question.family_name));
                        texts_pin(&question, &page);
                        assert_int_equal(parts_line(line, "SETDESC", page.desc), 0);
                        assert_non_null(strstr(page.desc, warnings[l][4]));
                        assert_non_null(strstr(page.desc, question.family_name));
                        texts_last_try(&question, &page);
                        assert_int_equal(parts_line(line, "SETDESC", page.desc), 0);
                        assert_non_null(strstr(page.desc, question.family_name));
                        texts_unproven(&question, &page);
                        assert_int_equal(parts_line(line, "SETDESC", page.desc), 0);
                        texts_choice(&question, &page);
                        assert_int_equal(parts_line(line, "SETDESC", page.desc), 0);
                        question.reader_count = 64;
                        texts_search(&question, &page);
                        assert_int_equal(parts_line(line, "SETDESC", page.desc), 0);
                        assert_non_null(strstr(page.desc, FSI "0099900007" PDI));
                }
        }
}

static void something_of_the_app_always_remains(void **state)
{
        (void)state;
        static const char *const languages[] = { "en", "fa" };
        struct page page;
        for (size_t l = 0; l < ARRAY_LEN(languages); l++) {
                struct question question = hostile("/a", languages[l]);
                longest_names(&question);
                memcpy(question.audience, "https://evil.example", 20);
                memcpy(question.app + strlen(question.app) - 8, "/the-app", 8);
                speak(languages[l]);
                assert_true(texts_consent_is_long(&question));
                texts_consent(&question, &page);
                assert_non_null(strstr(page.desc, FSI "https://evil.example"));
                texts_asked(&question, &page);
                assert_non_null(strstr(page.desc, FSI "https://evil.example"));
                assert_non_null(strstr(page.desc, "/the-app" PDI));
        }
}

static void an_app_cannot_add_a_line_or_leave_its_isolate(void **state)
{
        (void)state;
        struct question question = plain();
        struct page honest, faked;
        speak("en");
        texts_consent(&question, &honest);
        SET(question.audience, "x\nHolder: y\r\n\u2028z\u2029\xc2\x85" PDI PDI "w\u202e\x1b[2J");
        SET(question.given_name, "a\nb" PDI);
        texts_consent(&question, &faked);
        assert_int_equal(count(faked.desc, "\n"), count(honest.desc, "\n"));
        assert_int_equal(count(faked.desc, FSI), count(faked.desc, PDI));
        assert_int_equal(count(faked.desc, PDI), count(honest.desc, PDI));
        assert_int_equal(count(faked.desc, "\x1b"), 0);
        assert_int_equal(count(faked.desc, "\u202e"), 0);
}

static void blanks_and_markup_lose_their_power(void **state)
{
        (void)state;
        static const struct {
                const char *outside, *shown;
        } cases[] = {
                { "a                    Holder: b", "a Holder: b" },
                { "\u3000\u2003a\u00a0\u2800b\u200b ", "a b" },
                { "<b>bold</b>", "\u2039b>bold\u2039/b>" },
                { "می\u200cشود", "می\u200cشود" },
                { "هُوَّ", "هُوَّ" },
                { "a\u0336\u0336\u0336\u0336\u0336\u0336z\u0301", "a\u0336\u0336\u0336z\u0301" },
                { "\u0489\u200d\u0300x", "x" },
                { "ا\u200c\u200c\u200c\u200c\u200c\u200cب", "ا\u200c\u200c\u200cب" },
                { "a\U000e0068\U000e0069\u2062\u00ad\u180e\u3164z", "az" },
                { "", "" },
        };
        char shown[64];
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                parts_clean(shown, sizeof shown, cases[i].outside, SIZE_MAX);
                assert_string_equal(shown, cases[i].shown);
        }
        parts_clean(shown, 6, "<<<<<<", SIZE_MAX);
        assert_true(strlen(shown) < 6 && text_utf8_valid(shown, strlen(shown)));
}

static void a_line_is_escaped_and_bounded(void **state)
{
        (void)state;
        char line[PARTS_LINE_MAX + 1], text[PARTS_LINE_MAX];
        assert_int_equal(parts_line(line, "SETDESC", "a%b\nc\r"), 0);
        assert_string_equal(line, "SETDESC a%25b%0Ac%0D");
        memset(text, 'a', sizeof text);
        text[992] = '\0';
        assert_int_equal(parts_line(line, "SETDESC", text), 0);
        assert_int_equal(strlen(line), PARTS_LINE_MAX);
        text[992] = 'a';
        text[993] = '\0';
        assert_int_equal(parts_line(line, "SETDESC", text), -EMSGSIZE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(consent_names_everything_that_matters),
                cmocka_unit_test(the_pin_page_says_which_pin_and_how_often),
                cmocka_unit_test(the_page_before_the_readers_keys_says_where_to_type),
                cmocka_unit_test(a_choice_of_cards_says_nothing_of_holders),
                cmocka_unit_test(a_search_names_who_asks_for_whom_and_where),
                cmocka_unit_test(persian_uses_the_agreed_words),
                cmocka_unit_test(nothing_protected_is_ever_cut),
                cmocka_unit_test(something_of_the_app_always_remains),
                cmocka_unit_test(an_app_cannot_add_a_line_or_leave_its_isolate),
                cmocka_unit_test(blanks_and_markup_lose_their_power),
                cmocka_unit_test(a_line_is_escaped_and_bounded),
        };
        bind_catalogue();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
