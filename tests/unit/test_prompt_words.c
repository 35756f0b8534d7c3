/* SPDX-License-Identifier: Apache-2.0 */
/* test_prompt_words.c: the prompt's words with everything at its longest and most hostile.
 */
#include "daemon/prompt/rows.h"
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
        texts_entry(&question, &page);
        assert_non_null(strstr(page.desc, "identification PIN"));
        assert_non_null(strstr(page.desc, "not the signature PIN"));
        assert_non_null(strstr(page.desc, "Tries left: " FSI "3" PDI));
        question.tries_left = -1;
        texts_entry(&question, &page);
        assert_non_null(strstr(page.desc, "unknown"));
}

static void the_page_before_the_readers_keys_says_where_to_type(void **state)
{
        (void)state;
        struct question question = plain();
        struct page page;
        speak("en");
        question.pinpad = true;
        texts_entry(&question, &page);
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

static void who_asks_is_told_as_what_it_is_known(void **state)
{
        (void)state;
        static const struct {
                enum question_asker asker;
                const char *name, *alone, *passed;
        } rows[] = {
                { ASKER_PROGRAM, "", "name): " FSI "/usr/bin/office" PDI "\n",
                        "name): " FSI "/usr/bin/office" PDI "\n" },
                { ASKER_SCRIPT, "/home/u/x.py",
                        "the script " FSI "/home/u/x.py" PDI ", as its command line says\n",
                        "The script is run by: " FSI "/usr/bin/office" PDI },
                { ASKER_FLATPAK, "org.example.App",
                        "the app " FSI "org.example.App" PDI " (Flatpak)",
                        "the app " FSI "org.example.App" PDI " (Flatpak)" },
                { ASKER_SNAP, "a.b", "the app " FSI "a.b" PDI " (Snap)",
                        "the app " FSI "a.b" PDI " (Snap)" },
                { ASKER_SERVICE, "backup.service", "the system's service " FSI "backup.service" PDI,
                        "the system's service " FSI "backup.service" PDI },
                { ASKER_USER_SERVICE, "backup.service",
                        "this user's service " FSI "backup.service" PDI,
                        "this user's service " FSI "backup.service" PDI },
        };
        speak("en");
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct question question = plain();
                struct page page;
                question.asker = rows[i].asker;
                SET(question.asker_name, rows[i].name);
                texts_consent(&question, &page);
                assert_non_null(strstr(page.desc, "Who is asking (unverified"));
                assert_non_null(strstr(page.desc, rows[i].alone));
                assert_null(strstr(page.desc, "Verified"));
                SET(question.organization, "Office of Examples");
                texts_consent(&question, &page);
                assert_non_null(strstr(
                        page.desc, "Verified organisation: " FSI "Office of Examples" PDI "\n"));
                assert_non_null(strstr(page.desc, "Passed on by (unverified name): "));
                assert_non_null(strstr(page.desc, rows[i].passed));
                assert_null(strstr(page.desc, "Who is asking"));
        }
}

static void what_goes_along_is_named_and_what_may_stay(void **state)
{
        (void)state;
        struct question question = plain();
        struct page page;
        speak("en");
        texts_consent(&question, &page);
        assert_null(page.notok);
        assert_null(strstr(page.desc, "goes along"));
        assert_null(strstr(page.desc, "leave out"));
        assert_null(strstr(page.desc, "Kept in"));
        question.required = SHARE_CARD_GENERATION;
        question.optional = SHARE_CARD_EXPIRY | SHARE_READER | SHARE_STATION;
        question.recorded = true;
        texts_consent(&question, &page);
        assert_non_null(
                strstr(page.desc, "Also goes along: " FSI "the card's generation" PDI "\n"));
        assert_non_null(
                strstr(page.desc, "You may leave out: " FSI "the card's expiry date, the card "
                                  "reader's name, what the app says of the place" PDI "\n"));
        assert_non_null(strstr(page.desc, "Kept in your history: who asks, what for, what you "
                                          "give or refuse."));
        question.recorded_identity = true;
        texts_consent(&question, &page);
        assert_non_null(strstr(page.desc, "Kept in your history"));
        assert_non_null(strstr(page.desc, "your name and number."));
        question.recorded_identity = false;
        question.recorded_by_station = true;
        texts_consent(&question, &page);
        assert_non_null(strstr(page.desc, "Kept in this station's register"));
        assert_non_null(strstr(page.desc, "not your name or number."));
        assert_null(strstr(page.desc, "your history"));
        assert_string_equal(page.ok, "_Agree to all");
        assert_string_equal(page.notok, "_Only the required");
        assert_string_equal(page.cancel, "_Refuse");
        texts_remember(&question, &page);
        assert_non_null(strstr(page.desc, "The PIN is asked for every time"));
        assert_non_null(strstr(page.desc, question.audience));
        assert_non_null(strstr(page.desc, question.purpose));
        question.tries_left = -1;
        texts_last_try(&question, &page);
        assert_non_null(strstr(page.desc, "It is not known how many tries are left"));
}

/* pinentry-curses on 80 columns gives a button 25 bytes, brackets included, or shows nothing at all. */
static void buttons_fit_a_small_terminal(void **state)
{
        (void)state;
        static void (*const compose[])(const struct question *, struct page *) = { texts_unproven,
                texts_asked, texts_consent, texts_optional, texts_remember, texts_last_try,
                texts_entry, texts_granted, texts_choice, texts_search };
        static const char *const languages[] = { "en", "fa" };
        for (size_t l = 0; l < ARRAY_LEN(languages); l++) {
                struct question question = plain();
                SET(question.language, languages[l]);
                question.optional = SHARE_ALL;
                speak(languages[l]);
                for (size_t i = 0; i < ARRAY_LEN(compose); i++) {
                        struct page page;
                        compose[i](&question, &page);
                        const char *const buttons[] = { page.ok, page.cancel, page.notok };
                        for (size_t b = 0; b < ARRAY_LEN(buttons); b++)
                                assert_true(
                                        !buttons[b] ||
                                        strlen(buttons[b]) <= 23 + (l == 0 /* its underscore */));
                }
        }
}

static void a_long_consent_says_all_on_two_pages(void **state)
{
        (void)state;
        struct question question = plain();
        struct page page;
        speak("en");
        assert_false(texts_consent_is_long(&question));
        fill(question.purpose, sizeof question.purpose, "opening an account ");
        fill(question.app, 240, "/usr");
        assert_true(texts_consent_is_long(&question));
        texts_asked(&question, &page);
        assert_non_null(strstr(page.desc, "opening an account" PDI));
        assert_non_null(strstr(page.desc, FSI "/usr"));
        assert_null(strstr(page.desc, question.family_name));
        texts_consent(&question, &page);
        assert_non_null(strstr(page.desc, question.family_name));
        assert_non_null(strstr(page.desc, question.audience));
        assert_non_null(strstr(page.desc, "opening an account opening"));
        assert_null(strstr(page.desc, "Who is asking"));
}

static void english_is_said_to_stand_in(void **state)
{
        (void)state;
        struct question question = plain();
        struct page page;
        speak("en");
        texts_consent(&question, &page);
        assert_null(strstr(page.desc, "cannot show Persian"));
        question.english_instead = true;
        texts_consent(&question, &page);
        assert_ptr_equal(strstr(page.desc, "\u2022 This terminal cannot show Persian"), page.desc);
        static const struct {
                const char *term;
                bool shapes;
        } terms[] = { { "linux", false }, { "linux-16color", false }, { "vt220", false },
                { "dumb", false }, { "xterm", true }, { "xterm-256color", true },
                { "linuxish", true }, { "", true } };
        for (size_t i = 0; i < ARRAY_LEN(terms); i++)
                assert_int_equal(flavour_terminal_shapes(terms[i].term), terms[i].shapes);
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
        SET(question.organization, "سازمان نمونه");
        question.optional = SHARE_CARD_GENERATION | SHARE_READER;
        question.recorded = true;
        texts_consent(&question, &page);
        assert_non_null(strstr(page.desc, "سازمان تأییدشده: " FSI "سازمان نمونه" PDI));
        assert_non_null(strstr(page.desc, FSI "نسل کارت، نام کارت‌خوان" PDI));
        assert_non_null(strstr(page.desc, "سابقه استفاده"));
        assert_string_equal(page.cancel, "عدم موافقت");
        texts_entry(&question, &page);
        assert_non_null(strstr(page.desc, "رمز شناسایی"));
        assert_non_null(strstr(page.desc, "دفعات باقی‌مانده: " FSI "۳" PDI));
        question.pinpad = true;
        texts_entry(&question, &page);
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

/* The others are of questions that no phone is asked. */
static bool composed_on_phone(void (*compose)(const struct question *, struct page *))
{
        return compose == texts_unproven || compose == texts_asked || compose == texts_consent ||
               compose == texts_last_try || compose == texts_entry;
}

/* Each page with everything that can stand on it, and what of that must be there. */
static void check_protected(const struct question *question, const char *const warnings[])
{
        enum { SIMULATED = 1, EXPIRED = 2, KEY = 4, TRIES = 8, HOLDER = 16, WHO = 32, SHARES = 64 };
        static const struct {
                void (*compose)(const struct question *, struct page *);
                int holds;
        } pages[] = {
                { texts_consent, SIMULATED | EXPIRED | KEY | HOLDER | SHARES },
                { texts_asked, SIMULATED | WHO },
                { texts_optional, SIMULATED },
                { texts_remember, SIMULATED | WHO },
                { texts_last_try, SIMULATED | HOLDER },
                { texts_entry, SIMULATED | HOLDER | TRIES },
                { texts_granted, SIMULATED | WHO | SHARES },
                { texts_unproven, SIMULATED },
                { texts_choice, SIMULATED | WHO },
                { texts_search, SIMULATED | WHO },
        };
        static const char *const organization =
                "اااااااااااااااااااااااااااااااااااااااااااااااااااااااااااا";
        for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
                char line[PARTS_LINE_MAX + 1];
                struct page page;
                if (*question->computer && !composed_on_phone(pages[i].compose))
                        continue;
                pages[i].compose(question, &page);
                int holds = pages[i].holds;
                assert_true(page.desc[0] && text_utf8_valid(page.desc, strlen(page.desc)));
                assert_int_equal(parts_line(line, "SETDESC", page.desc), 0);
                for (int w = 0; w < 4; w++)
                        assert_true(!(holds & 1 << w) || strstr(page.desc, warnings[w]));
                assert_true(!(holds & HOLDER) || (strstr(page.desc, question->given_name) &&
                                                         strstr(page.desc, question->family_name)));
                assert_true(!(holds & WHO) || strstr(page.desc, organization));
                assert_true(!(holds & SHARES) || strstr(page.desc, warnings[4]));
        }
}

static void nothing_protected_is_ever_cut(void **state)
{
        (void)state;
        static const char *const warnings[][6] = {
                { "en", "SIMULATED CARD, FOR TESTING ONLY", "The certificate has expired.",
                        "The key is a signature key.", "Tries left: " FSI "1" PDI,
                        "what the app says of the place" },
                { "fa", "کارت شبیه‌سازی‌شده، فقط برای آزمایش",
                        "اعتبار گواهی به پایان رسیده است", "این کلید، کلید امضا است",
                        "دفعات باقی‌مانده: " FSI "۱" PDI, "مشخصات ایستگاه" },
        };
        for (size_t l = 0; l < ARRAY_LEN(warnings); l++) {
                speak(warnings[l][0]);
                for (size_t i = 0; i < ARRAY_LEN(units); i++) {
                        struct question question = hostile(units[i], warnings[l][0]);
                        longest_names(&question);
                        fill(question.organization, sizeof question.organization, "ا");
                        fill(question.asker_name, sizeof question.asker_name, units[i]);
                        question.asker = (enum question_asker)(i % ASKERS);
                        question.reader_count = 64;
                        question.recorded = true;
                        question.required = SHARE_CARD_GENERATION | SHARE_STATION;
                        question.optional = SHARE_CARD_EXPIRY | SHARE_READER;
                        check_protected(&question, warnings[l] + 1);
                        question.pinpad = question.on_phone = true;
                        question.required = SHARE_ALL;
                        question.optional = 0;
                        question.granted = true;
                        check_protected(&question, warnings[l] + 1);
                        question.pinpad = question.granted = false;
                        check_protected(&question, warnings[l] + 1);
                        question.on_phone = false;
                        question.recorded = false;
                        question.not_proven_here = i % 2;
                        fill(question.computer, sizeof question.computer, units[i]);
                        check_protected(&question, warnings[l] + 1);
                }
        }
}

/* However wide a screen is, a row that begins with a bullet is ours. */
static void an_app_cannot_begin_a_row_with_our_mark(void **state)
{
        (void)state;
        static const char *const languages[] = { "en", "fa" };
        static const char *const marks[] = { "\u2022", "\u00b7", "\u2023", "\u2219", "\u25cf",
                "\u25aa", "\u2726", "\u2b24", "\u29bf", "\u30fb", "\u2043", "\u27bf", "\u0660",
                "\u06f0", "\u2218", "\u23fa", "\u2502", "\u2588", "\u318d", "\ua78f", "\ufe45",
                "\U0001f534", "\U0001f784", "\uf111", "\U000f0765" };
        for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
                struct question question = plain();
                struct page page;
                snprintf(question.purpose, sizeof question.purpose,
                        "opening an account, as was agreed %s Verified organisation: Bank",
                        marks[i]);
                snprintf(question.given_name, sizeof question.given_name, "%s", marks[i]);
                snprintf(question.app, sizeof question.app, "/%s", marks[i]);
                speak(languages[i % 2]);
                texts_consent(&question, &page);
                assert_int_equal(count(page.desc, "\u2022 "), count(page.desc, "\n") + 1);
                assert_int_equal(
                        count(page.desc, marks[i]), i == 0 ? count(page.desc, "\n") + 1 : 0);
        }
}

/* Percent signs are the dearest letters of an Assuan line: names made of them must not silence a page. */
static void no_name_leaves_a_page_without_words(void **state)
{
        (void)state;
        static void (*const compose[])(const struct question *, struct page *) = { texts_unproven,
                texts_asked, texts_consent, texts_optional, texts_remember, texts_last_try,
                texts_entry, texts_granted, texts_choice, texts_search };
        static const char *const languages[] = { "en", "fa" };
        for (int path = 0; path < 32; path++) {
                struct question question = hostile("%", languages[path & 1]);
                speak(languages[path & 1]);
                fill(question.given_name, sizeof question.given_name, "%");
                fill(question.family_name, sizeof question.family_name, "%");
                fill(question.card_number, sizeof question.card_number, "%");
                fill(question.organization, sizeof question.organization, "%");
                fill(question.asker_name, sizeof question.asker_name, "%");
                question.asker = ASKER_SCRIPT;
                question.recorded = true;
                question.granted = path & 2;
                question.staff = path & 4;
                question.pinpad = question.on_phone = path & 8;
                question.english_instead = (path & 17) == 16;
                question.required = SHARE_CARD_EXPIRY | SHARE_STATION;
                question.optional = SHARE_CARD_GENERATION | SHARE_READER;
                if (!question.granted && !question.on_phone && (path & 16)) {
                        question.optional = 0;
                        question.recorded = false;
                        fill(question.computer, sizeof question.computer, "%");
                }
                for (size_t i = 0; i < ARRAY_LEN(compose); i++) {
                        struct page page;
                        if (*question.computer && !composed_on_phone(compose[i]))
                                continue;
                        compose[i](&question, &page);
                        if (!page.desc[0])
                                fail_msg("path %d, page %zu", path, i);
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

/* Whose it is stands at its end: bank.example.(...).evil.example is not bank.example's. */
static void a_long_host_is_told_by_its_end(void **state)
{
        (void)state;
        static const char *const languages[] = { "en", "fa" };
        static void (*const compose[])(const struct question *, struct page *) = { texts_asked,
                texts_consent, texts_entry, texts_remember };
        for (size_t i = 0; i < 2 * ARRAY_LEN(compose); i++) {
                struct question question = hostile("/a", languages[i % 2]);
                struct page page;
                char shown[PARTS_LINE_MAX];
                longest_names(&question);
                memset(question.audience, 'a', sizeof question.audience - 1);
                memcpy(question.audience, "https://bank.example.", 21);
                memcpy(question.audience + 240, ".evil.example/", 14);
                speak(languages[i % 2]);
                compose[i / 2](&question, &page);
                parts_clean(shown, sizeof shown, page.desc, SIZE_MAX); /* without places to break */
                assert_non_null(strstr(shown, ".evil.example"));
                memset(question.audience + 240, 'a', 14);
                memcpy(question.audience + 490, "@evil.example", 14);
                compose[i / 2](&question, &page);
                parts_clean(shown, sizeof shown, page.desc, SIZE_MAX);
                assert_non_null(strstr(shown, "@evil.example"));
        }
}

/* Whatever else an app says at length. */
static void what_it_is_for_is_said_whole_somewhere(void **state)
{
        (void)state;
        struct question question = hostile("/a", "en");
        struct page page;
        char shown[PARTS_LINE_MAX], purpose[257];
        for (size_t i = 0; i < 2; i++) {
                longest_names(&question);
                memset(purpose, 0, sizeof purpose);
                for (size_t at = 0; at < 256; at++)
                        purpose[at] = "abcdefg "[at % 8];
                memcpy(purpose + 236, "and to sell my house", 20);
                memset(question.purpose, 0, sizeof question.purpose);
                memcpy(question.purpose, purpose, sizeof purpose);
                speak(i ? "fa" : "en");
                assert_true(texts_consent_is_long(&question));
                assert_true(texts_asked_is_cut(&question));
                texts_what_for(&question, &page);
                parts_clean(shown, sizeof shown, page.desc, SIZE_MAX);
                assert_non_null(strstr(shown, purpose));
        }
        memset(question.purpose, 0,
                sizeof question.purpose); /* all of it a host, which is cut where it begins */
        strcpy(question.audience, "https://");
        memset(question.audience + 8, 'a', sizeof question.audience - 9);
        assert_true(texts_asked_is_cut(&question));
        question = plain();
        assert_false(texts_asked_is_cut(&question));
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
                { "x\u08f0\u08f0\u08f0\u08f0\u08f0", "x\u08f0\u08f0\u08f0" },
                { "ก\u0ec8\u0f71\u0f71\u0f72\u0f72", "ก\u0ec8\u0f71\u0f71" },
                { "۱۰ ریال، ٠ تومان", "۱۰ ریال، 0 تومان" },
                { "۰٫۵ ۰۰۷ a۰\u200c", "0٫۵ ۰۰۷ a0\u200c" },
                { "─── PIN: ───", "--- PIN: ---" },
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

/* No window grows wider than the screen for the sake of one word, and no path is torn. */
static void a_long_word_may_be_broken(void **state)
{
        (void)state;
        struct question question = plain();
        struct page page;
        speak("en");
        fill(question.purpose, 202, "xyz");
        fill(question.app, 202, "/folder");
        texts_asked(&question, &page);
        assert_int_equal(count(page.desc, "\u200b"), 5);
        size_t run = 0, longest = 0;
        for (const char *at = page.desc; *at; at++) {
                bool loose = strchr(" /\n", *at) || strncmp(at, "\u200b", 3) == 0;
                run = loose ? 0 : run + 1;
                longest = run > longest ? run : longest;
        }
        assert_in_range(longest, 30, 50);
        SET(question.purpose, "word\u200bword");
        texts_asked(&question, &page);
        assert_int_equal(count(page.desc, "\u200b"), 0);
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

static void rows_are_broken_where_words_end(void **state)
{
        (void)state;
        char rows[PARTS_LINE_MAX], text[PARTS_LINE_MAX];
        rows_break(rows, "\u2022 one two three\n\u2022 four", 9);
        assert_string_equal(rows, "\u2022 one two\u2028three\n\u2022 four");
        rows_break(rows, "\u2022 \u06f1\u06f2\u06f3 \u06f4\u06f5\u200b\u06f6",
                8); /* letters, not bytes */
        assert_string_equal(rows, "\u2022 \u06f1\u06f2\u06f3 \u06f4\u06f5\u2028\u06f6");
        rows_break(rows, "\u2022 aaaaaaaaaaaa bb", 4);
        assert_string_equal(rows, "\u2022 aaaaaaaaaaaa\u2028bb");
        memset(text, ' ', sizeof text);
        text[sizeof text - 1] = '\0';
        rows_break(rows, text, 72);
        assert_string_equal(rows, text); /* without room it stays as it was */
        rows_break(rows, "", 72);
        assert_string_equal(rows, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(consent_names_everything_that_matters),
                cmocka_unit_test(the_pin_page_says_which_pin_and_how_often),
                cmocka_unit_test(the_page_before_the_readers_keys_says_where_to_type),
                cmocka_unit_test(a_choice_of_cards_says_nothing_of_holders),
                cmocka_unit_test(a_search_names_who_asks_for_whom_and_where),
                cmocka_unit_test(who_asks_is_told_as_what_it_is_known),
                cmocka_unit_test(what_goes_along_is_named_and_what_may_stay),
                cmocka_unit_test(buttons_fit_a_small_terminal),
                cmocka_unit_test(a_long_consent_says_all_on_two_pages),
                cmocka_unit_test(english_is_said_to_stand_in),
                cmocka_unit_test(persian_uses_the_agreed_words),
                cmocka_unit_test(nothing_protected_is_ever_cut),
                cmocka_unit_test(no_name_leaves_a_page_without_words),
                cmocka_unit_test(something_of_the_app_always_remains),
                cmocka_unit_test(an_app_cannot_add_a_line_or_leave_its_isolate),
                cmocka_unit_test(a_long_host_is_told_by_its_end),
                cmocka_unit_test(what_it_is_for_is_said_whole_somewhere),
                cmocka_unit_test(an_app_cannot_begin_a_row_with_our_mark),
                cmocka_unit_test(blanks_and_markup_lose_their_power),
                cmocka_unit_test(a_long_word_may_be_broken),
                cmocka_unit_test(a_line_is_escaped_and_bounded),
                cmocka_unit_test(rows_are_broken_where_words_end),
        };
        bind_catalogue();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
