/* SPDX-License-Identifier: Apache-2.0 */
/* test_prompt_works.c: what the prompt says of documents, certificates and keys, with everything at its longest and most
 * hostile, and in what order it asks.
 */
#include "tests/unit/prompt_rig.h"

static struct question documents(size_t count)
{
        struct question question = plain();
        question.work = WORK_DOCUMENTS;
        question.audience[0] = '\0';
        question.document_count = (uint8_t)count;
        for (size_t i = 0; i < count; i++) {
                struct question_document *document = &question.documents[i];
                snprintf(document->name, sizeof document->name, "contract-%zu.pdf", i + 1);
                document->kind = DOCUMENT_PDF;
                document->form = FORM_PDF;
                document->size = 1423456;
                document->pages = 12;
                memset(document->digest, (int)(0x10 + i), sizeof document->digest);
        }
        return question;
}

static struct question of_work(enum question_work work)
{
        struct question question = plain();
        question.work = work;
        question.audience[0] = '\0';
        return question;
}

/* ---- frames -------------------------------------------------------------------------------- */

static void documents_survive_the_channel(void **state)
{
        (void)state;
        static uint8_t frame[QUESTION_FRAME_MAX];
        static struct question got;
        size_t len;
        struct question sent = documents(QUESTION_DOCUMENTS_MAX);
        for (size_t i = 0; i < QUESTION_DOCUMENTS_MAX; i++) {
                fill(sent.documents[i].name, sizeof sent.documents[i].name, "n");
                fill(sent.documents[i].countersigned, sizeof sent.documents[i].countersigned, "c");
                fill(sent.documents[i].location, sizeof sent.documents[i].location, "l");
                fill(sent.documents[i].policy, sizeof sent.documents[i].policy, "1");
                sent.documents[i].commitment = COMMITMENT_CREATION;
                sent.documents[i].stamp_page = (uint32_t)i;
                sent.documents[i].size = UINT64_MAX - i;
                sent.documents[i].form = FORM_COUNTERSIGNATURE;
        }
        sent.document_at = 63;
        assert_int_equal(question_encode(&sent, frame, sizeof frame, &len), 0);
        assert_int_equal(question_decode(frame, len, &got), 0);
        assert_int_equal(got.document_count, QUESTION_DOCUMENTS_MAX);
        assert_int_equal(got.document_at, 63);
        assert_memory_equal(got.documents[63].digest, sent.documents[63].digest, 32);
        assert_true(got.documents[63].size == UINT64_MAX - 63);
        assert_string_equal(got.documents[63].countersigned, sent.documents[63].countersigned);
        assert_string_equal(got.documents[63].location, sent.documents[63].location);
        assert_string_equal(got.documents[63].policy, sent.documents[63].policy);
        assert_int_equal(got.documents[63].commitment, COMMITMENT_CREATION);
        assert_int_equal(got.documents[63].stamp_page, 63);
        for (size_t cut = len - 400; cut < len; cut++)
                assert_int_equal(question_decode(frame, cut, &got), -EBADMSG);
        assert_int_equal(question_decode(frame, len + 1, &got), -EBADMSG);
}

static void what_does_not_go_together_is_no_question(void **state)
{
        (void)state;
        static uint8_t frame[QUESTION_FRAME_MAX];
        static struct question bad[10];
        size_t len;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                bad[i] = documents(2);
        bad[0].document_count = 0;
        bad[1].document_at = 2;
        bad[2].document_count = QUESTION_DOCUMENTS_MAX + 1;
        bad[3].documents[1].kind = DOCUMENT_KINDS;
        bad[4].documents[0].form = FORMS;
        bad[5].may_remember = true; /* documents are agreed to each time */
        bad[6].work = WORK_SIGN;
        bad[7].content = CONTENTS;
        bad[8] = of_work(WORK_CERTIFICATES);
        bad[8].pinpad = true;
        bad[9] = of_work(WORK_KEY);
        bad[9].may_remember = true;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(question_encode(&bad[i], frame, sizeof frame, &len), -EINVAL);
}

static int decode_digits(const struct question *question, const char *digits)
{
        static uint8_t frame[ANSWER_FRAME_MAX];
        struct answer answer;
        memcpy(frame + 3, digits, strlen(digits));
        return answer_decode(frame, 3 + strlen(digits), question, &answer);
}

static void only_certificates_are_answered_without_digits(void **state)
{
        (void)state;
        struct question questions[] = { documents(1), of_work(WORK_KEY),
                of_work(WORK_CERTIFICATES) };
        for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
                bool digits = questions[i].work != WORK_CERTIFICATES;
                assert_int_equal(decode_digits(&questions[i], "2718"), digits ? 0 : -EBADMSG);
                assert_int_equal(decode_digits(&questions[i], ""), digits ? -EBADMSG : 0);
                assert_int_equal(decode_digits(&questions[i], "\006271828123456"), -EBADMSG);
                questions[i].pinpad = digits;
                assert_int_equal(decode_digits(&questions[i], ""), 0);
        }
}

/* ---- words --------------------------------------------------------------------------------- */

static void one_document_is_agreed_to_on_one_page(void **state)
{
        (void)state;
        static const char *const said[] = { "Who is asking (unverified name): " FSI
                                            "/usr/bin/office",
                "Purpose: " FSI "opening an account", "Document: " FSI "contract-1.pdf" PDI "\n",
                "Content: " FSI "PDF document, 12 pages, 1.4 MB, ",
                "SHA-256 1010101010101010\u20261010101010101010",
                "the PDF with the signature inside", "Holder of the card: " FSI "نمونه آزمایشی",
                "0099900007", "always go with the chip's signature", "Kept in your history",
                "01234567" };
        struct question question = documents(1);
        struct page page;
        question.recorded = true;
        speak("en");
        assert_true(texts_documents_whole(&question, &page));
        for (size_t i = 0; i < ARRAY_LEN(said); i++)
                assert_non_null(strstr(page.desc, said[i]));
        assert_string_equal(page.ok, "_Agree");
        assert_string_equal(page.cancel, "_Refuse");
        assert_null(page.notok);
        question.documents[0].kind = DOCUMENT_CMS;
        question.documents[0].form = FORM_COUNTERSIGNATURE;
        question.documents[0].pages = 0;
        question.documents[0].size = 1;
        SET(question.documents[0].countersigned, "Sara\nExample");
        assert_true(texts_documents_whole(&question, &page));
        assert_non_null(strstr(page.desc, "signature file (CMS), 1 byte, "));
        assert_non_null(strstr(page.desc,
                "Result: a countersignature of the signature of " FSI "SaraExample" PDI));
        texts_entry(&question, &page);
        assert_non_null(strstr(page.desc, "Document: " FSI "contract-1.pdf" PDI "\n"));
}

static void what_is_stated_with_a_signature_is_shown(void **state)
{
        (void)state;
        struct question question = documents(2);
        struct page page;
        bool last = false;
        struct question_document *document = &question.documents[1];
        speak("en");
        document->commitment = COMMITMENT_APPROVAL;
        document->stamp_page = 3;
        SET(document->policy, "2.16.364.1");
        SET(document->location, "Shiraz\n\u202e\u2022 x");
        (void)texts_documents(&question, 0, &page, &last);
        assert_non_null(strstr(page.desc,
                "Stated with the signature: " FSI "approval of the content, a visible stamp on "
                "page 3, signature policy 2.16.364.1, place: Shiraz- x" PDI "\n"));
        assert_null(
                strstr(strstr(page.desc, "Stated") + 1, "Stated")); /* the other one states none */
        question.document_at = 1;
        assert_true(texts_documents_whole(&question, &page));
        assert_non_null(strstr(page.desc, "approval of the content"));
        document->commitment = COMMITMENTS;
        assert_int_equal(question_encode(&question, (uint8_t[QUESTION_FRAME_MAX]){ 0 },
                                 QUESTION_FRAME_MAX, &(size_t){ 0 }),
                -EINVAL);
}

static void sizes_are_told_in_peoples_units(void **state)
{
        (void)state;
        static const struct {
                uint64_t size;
                const char *en, *fa;
        } rows[] = {
                { 0, ", 0 bytes, ", "، ۰ بایت، " },
                { 999, ", 999 bytes, ", "، ۹۹۹ بایت، " },
                { 1000, ", 1.0 kB, ", "، ۱٫۰ کیلوبایت، " },
                { 999999, ", 999.9 kB, ", "، ۹۹۹٫۹ کیلوبایت، " },
                { 20000000000, ", 20.0 GB, ", "، ۲۰٫۰ گیگابایت، " },
                { UINT64_MAX, ", 18446744.0 TB, ", "، ۱۸۴۴۶۷۴۴٫۰ ترابایت، " },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                for (int l = 0; l < 2; l++) {
                        struct question question = documents(1);
                        struct page page;
                        SET(question.language, l ? "fa" : "en");
                        speak(l ? "fa" : "en");
                        question.documents[0].size = rows[i].size;
                        (void)!texts_documents_whole(&question, &page);
                        assert_non_null(strstr(page.desc, l ? rows[i].fa : rows[i].en));
                }
}

/* All of them, in their order, each once, with its digest; and no way to agree before the end. */
static void check_list(const struct question *question, const char *agree)
{
        struct page page;
        bool last = false;
        size_t at = question->document_at;
        assert_false(texts_documents_whole(question, &page) && question->document_count - at != 1);
        while (!last) {
                char line[PARTS_LINE_MAX + 1], digest[40] = "";
                size_t next = texts_documents(question, at, &page, &last);
                assert_true(page.desc[0] && text_utf8_valid(page.desc, strlen(page.desc)));
                assert_int_equal(parts_line(line, "SETDESC", page.desc), 0);
                assert_int_equal(strcmp(page.ok, agree) == 0, last);
                assert_int_equal(count(page.desc, "SHA-256"), next - at);
                assert_int_equal(count(page.desc, "\u2022 "), count(page.desc, "\n") + 1);
                const char *found = page.desc;
                for (; at < next; at++) {
                        hex_encode(digest, question->documents[at].digest, 8);
                        found = strstr(found, digest);
                        assert_non_null(found);
                }
                assert_true(next > 0 && at == next);
        }
        assert_int_equal(at, question->document_count);
        assert_non_null(strstr(page.desc, question->family_name));
}

static void a_batch_is_listed_whole_before_it_is_agreed_to(void **state)
{
        (void)state;
        static const size_t counts[] = { 1, 2, 3, 5, 8, 9, 64 };
        for (size_t i = 0; i < 2 * ARRAY_LEN(counts); i++) {
                struct question question = documents(counts[i / 2]);
                struct page page;
                SET(question.language, i % 2 ? "fa" : "en");
                speak(question.language);
                check_list(&question, i % 2 ? "موافقت" : "_Agree");
                question.document_at = (uint8_t)(counts[i / 2] - 1); /* the others are signed */
                check_list(&question, i % 2 ? "موافقت" : "_Agree");
                question.documents[0].form = FORM_CMS; /* each result is told by itself then */
                question.document_at = 0;
                question.staff = true;
                check_list(&question, i % 2 ? "موافقت" : "_Agree");
                texts_documents_asked(&question, &page);
                assert_non_null(strstr(page.desc, question.purpose));
        }
        struct question question = documents(5);
        struct page page;
        bool last;
        speak("en");
        question.document_at = 1;
        texts_documents_asked(&question, &page);
        assert_non_null(strstr(page.desc, "to be signed: " FSI "4" PDI));
        (void)texts_documents(&question, 1, &page, &last);
        assert_non_null(strstr(page.desc, "Document 2 of 5: " FSI "contract-2.pdf" PDI));
        texts_entry(&question, &page);
        assert_non_null(strstr(page.desc, "Document 2 of 5: " FSI "contract-2.pdf" PDI));
        texts_last_try(&question, &page);
        assert_non_null(strstr(page.desc, "Document 2 of 5: " FSI "contract-2.pdf" PDI));
}

/* Each name whole, in one line of its own, whatever is in it. */
static void no_name_of_a_document_hides_another(void **state)
{
        (void)state;
        static const char *const units[] = { "a", "م", "漢", "%", "😀", "W", " x", "<b>", "\"\\",
                "\n", "\u202e", "\u2022", "%0A" };
        for (size_t i = 0; i < 2 * ARRAY_LEN(units); i++) {
                struct question question = hostile(units[i / 2], i % 2 ? "fa" : "en");
                struct question with = documents(QUESTION_DOCUMENTS_MAX);
                question.work = WORK_DOCUMENTS;
                question.document_count = with.document_count;
                question.english_instead = i % 2 == 0;
                memcpy(question.documents, with.documents, sizeof with.documents);
                speak(question.language);
                for (size_t d = 0; d < QUESTION_DOCUMENTS_MAX; d++) {
                        struct question_document *document = &question.documents[d];
                        fill(document->name, sizeof document->name, units[i / 2]);
                        fill(document->countersigned, sizeof document->name, units[i / 2]);
                        fill(document->location, sizeof document->location, units[i / 2]);
                        fill(document->policy, sizeof document->policy, "1");
                        document->commitment = d % COMMITMENTS;
                        document->stamp_page = UINT32_MAX;
                        document->size = UINT64_MAX;
                        document->pages = UINT32_MAX;
                        document->kind = d % DOCUMENT_KINDS;
                        document->form = d % FORMS;
                }
                check_list(&question, i % 2 ? "موافقت" : "_Agree");
        }
        struct question question = documents(2);
        struct page page;
        bool last;
        char clean[300];
        speak("en");
        fill(question.documents[0].name, 124, "W");
        snprintf(question.documents[0].name + 123, 6, "%s", ".pdf\n");
        SET(question.documents[1].name, "\u202e\x1b[2J\n");
        (void)texts_documents(&question, 0, &page, &last);
        parts_clean(clean, sizeof clean, page.desc, SIZE_MAX); /* without places to break */
        assert_non_null(strstr(clean, "W.pdf"));
        assert_non_null(strstr(page.desc, "Document 2 of 2: " FSI "[2J" PDI "\n"));
}

static void a_key_s_page_says_what_it_is_used_for(void **state)
{
        (void)state;
        static const struct {
                enum question_content content;
                const char *text, *said;
        } rows[] = {
                { CONTENT_RAW, "ignored", "Mohr cannot tell what this signature is for" },
                { CONTENT_TLS, "", "a login to a web server (TLS)" },
                { CONTENT_SSH, "root\n\u202e", "User name there: " FSI "root" PDI },
                { CONTENT_CMS, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                        "Digest of the document: " FSI
                        "0123456789abcdef\u20260123456789abcdef" PDI },
                { CONTENT_CMS, "no digest", "Digest of the document: " FSI "no digest" PDI },
        };
        speak("en");
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct question question = of_work(WORK_KEY);
                struct page page;
                question.content = rows[i].content;
                question.recorded = true;
                SET(question.content_text, rows[i].text);
                texts_entry(&question, &page);
                assert_non_null(strstr(page.desc, rows[i].said));
                assert_non_null(strstr(page.desc, "Who is asking (unverified name)"));
                assert_non_null(strstr(page.desc, "Key: the signature key of the card"));
                assert_non_null(strstr(page.desc, "Tries left: " FSI "3" PDI));
                assert_non_null(strstr(page.desc, "Kept in your history"));
                assert_null(strstr(page.desc, "ignored"));
                assert_string_equal(page.prompt, "Identification PIN:");
                question.staff = question.authentication_key = true;
                texts_key(&question, &page);
                assert_non_null(strstr(page.desc, rows[i].said));
                assert_non_null(strstr(page.desc, "authentication key of the staff card (9A)"));
                assert_null(page.prompt);
        }
}

/* Which computer, where the data says so: whole, as one has it from ssh-keygen to compare. */
static void a_login_names_the_host_it_is_bound_to(void **state)
{
        static const char print[] = "SHA256:0123456789012345678901234567890123456789012";
        struct question question = of_work(WORK_KEY);
        struct page page;
        (void)state;
        speak("en");
        question.content = CONTENT_SSH;
        SET(question.content_text, "root");
        texts_entry(&question, &page);
        assert_non_null(strstr(page.desc, "To which computer, the data does not say."));
        assert_null(strstr(page.desc, "Host key"));
        SET(question.content_host, print);
        fill(question.app, sizeof question.app, "/usr");
        texts_key(&question, &page);
        assert_non_null(strstr(page.desc, "good for one computer: the one with this host key."));
        assert_non_null(strstr(page.desc, "Host key there: " FSI "SHA256:"
                                          "0123456789012345678901234567890123456789012" PDI "\n"));
        assert_non_null(strstr(page.desc, "User name there: " FSI "root" PDI));
        assert_null(strstr(page.desc, "does not say"));
        SET(question.content_host, "a\u202e\nb\u2022");
        texts_key(&question, &page);
        assert_non_null(strstr(page.desc, "Host key there: " FSI "ab-" PDI "\n"));
        question.content = CONTENT_TLS; /* only a login has one */
        texts_key(&question, &page);
        assert_null(strstr(page.desc, "Host key"));
}

static void certificates_are_shown_with_a_warning_of_what_is_in_them(void **state)
{
        (void)state;
        struct question question = of_work(WORK_CERTIFICATES);
        struct page page;
        speak("en");
        texts_certificates(&question, &page);
        assert_non_null(strstr(page.desc, "Your name and your number stand in them."));
        assert_non_null(strstr(page.desc, "/usr/bin/office"));
        assert_null(strstr(page.desc, "Tries"));
        question.staff = true;
        texts_certificates(&question, &page);
        assert_non_null(strstr(page.desc, "all else that the certificates say of you"));
        texts_remember(&question, &page);
        assert_non_null(strstr(page.desc, "see the certificates of this card again"));
        assert_null(strstr(page.desc, "PIN"));
}

/* pinentry-curses on 80 columns gives a button 25 bytes, brackets included. */
static void their_buttons_fit_a_small_terminal(void **state)
{
        (void)state;
        for (size_t l = 0; l < 2; l++) {
                struct question question = documents(64);
                struct page pages[5];
                bool last;
                SET(question.language, l ? "fa" : "en");
                speak(question.language);
                (void)!texts_documents_whole(&question, &pages[0]);
                texts_documents_asked(&question, &pages[1]);
                (void)texts_documents(&question, 0, &pages[2], &last);
                texts_key(&question, &pages[3]);
                texts_certificates(&question, &pages[4]);
                for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
                        assert_true(strlen(pages[i].ok) <= 23 + (l == 0));
                        assert_true(strlen(pages[i].cancel) <= 23 + (l == 0));
                        assert_true(!l || (strstr(pages[i].title, "مُهر") &&
                                                  !strstr(pages[i].desc, "Document")));
                }
        }
}

/* ---- in what order ------------------------------------------------------------------------- */

static void no_document_is_signed_before_the_end_of_the_list(void **state)
{
        static const struct walk walks[] = {
                { "\"getpin\": [\"2718\"]", 0, 4, "2718" },
                { "\"confirm\": [\"cancel\"]", OUTCOME_REFUSED, 1, "" },
                { "\"confirm\": [\"ok\", \"cancel\"]", OUTCOME_REFUSED, 2, "" },
                { "\"confirm\": [\"ok\", \"ok\", \"cancel\"]", OUTCOME_REFUSED, 3, "" },
                { "\"confirm\": [\"ok\", \"ok\", \"ok\", \"close\"]", OUTCOME_REFUSED, 4, "" },
                { "\"confirm\": [\"ok\", \"ok\", \"ok\", \"timeout\"]", OUTCOME_TIMED_OUT, 4, "" },
        };
        const struct rig *rig = *state;
        struct question question = documents(12);
        for (size_t i = 0; i < ARRAY_LEN(walks); i++)
                check_walk(rig, &question, &walks[i]);
        question.tell_unproven = true;
        check_walk(rig, &question, &(struct walk){ "\"getpin\": [\"2718\"]", 0, 5, "2718" });
}

static void a_document_of_an_agreed_batch_takes_the_pin_alone(void **state)
{
        const struct rig *rig = *state;
        struct question question = documents(12);
        question.granted = question.tell_unproven = true;
        question.document_at = 11;
        check_walk(rig, &question, &(struct walk){ "\"getpin\": [\"2718\"]", 0, 0, "2718" });
        assert_non_null(strstr(recorded(rig), "Document 12 of 12: " FSI "contract-12.pdf" PDI));
        assert_null(strstr(recorded(rig), "mohr grants"));
        question.pinpad = true;
        check_walk(rig, &question, &(struct walk){ "\"confirm\": [\"ok\"]", 0, 1, "" });
        question.tries_left = 1;
        check_walk(rig, &question,
                &(struct walk){ "\"confirm\": [\"no\"]", OUTCOME_LAST_TRY_DECLINED, 1, "" });
        question.pinpad = false;
        check_walk(rig, &question,
                &(struct walk){ "\"confirm\": [\"cancel\"]", OUTCOME_LAST_TRY_DECLINED, 1, "" });
}

static void a_key_is_used_by_the_pin_or_after_a_page_of_consent(void **state)
{
        const struct rig *rig = *state;
        struct question question = of_work(WORK_KEY);
        check_walk(rig, &question, &(struct walk){ "\"getpin\": [\"2718\"]", 0, 0, "2718" });
        question.pinpad = true;
        check_walk(rig, &question, &(struct walk){ "\"confirm\": [\"ok\"]", 0, 2, "" });
        check_walk(rig, &question,
                &(struct walk){ "\"confirm\": [\"cancel\"]", OUTCOME_REFUSED, 1, "" });
        question.pinpad = false;
        question.tries_left = -1;
        check_walk(rig, &question,
                &(struct walk){
                        "\"confirm\": [\"ok\", \"no\"]", OUTCOME_LAST_TRY_DECLINED, 2, "" });
        question.tries_left = 3;
        fill(question.app, sizeof question.app, "/folder"); /* more than the PIN's page can say */
        fill(question.purpose, sizeof question.purpose, "why ");
        check_walk(rig, &question, &(struct walk){ "\"getpin\": [\"2718\"]", 0, 1, "2718" });
}

static void certificates_are_shown_after_a_yes_and_no_pin(void **state)
{
        const struct rig *rig = *state;
        struct question question = of_work(WORK_CERTIFICATES);
        char pin[16];
        check_walk(rig, &question, &(struct walk){ "\"confirm\": [\"ok\"]", 0, 1, "" });
        check_walk(rig, &question,
                &(struct walk){ "\"confirm\": [\"cancel\"]", OUTCOME_REFUSED, 1, "" });
        question.may_remember = true;
        script(rig, "\"confirm\": [\"ok\", \"ok\"]");
        assert_true(converse_fully(rig, &question, pin).remember);
        script(rig, "\"confirm\": [\"ok\", \"no\"]");
        struct answer answer = converse_fully(rig, &question, pin);
        assert_true(answer.outcome == 0 && !answer.remember);
}

#define TALK(test) cmocka_unit_test_setup_teardown(test, rig_up, rig_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(documents_survive_the_channel),
                cmocka_unit_test(what_does_not_go_together_is_no_question),
                cmocka_unit_test(only_certificates_are_answered_without_digits),
                cmocka_unit_test(one_document_is_agreed_to_on_one_page),
                cmocka_unit_test(what_is_stated_with_a_signature_is_shown),
                cmocka_unit_test(sizes_are_told_in_peoples_units),
                cmocka_unit_test(a_batch_is_listed_whole_before_it_is_agreed_to),
                cmocka_unit_test(no_name_of_a_document_hides_another),
                cmocka_unit_test(a_key_s_page_says_what_it_is_used_for),
                cmocka_unit_test(a_login_names_the_host_it_is_bound_to),
                cmocka_unit_test(certificates_are_shown_with_a_warning_of_what_is_in_them),
                cmocka_unit_test(their_buttons_fit_a_small_terminal),
                TALK(no_document_is_signed_before_the_end_of_the_list),
                TALK(a_document_of_an_agreed_batch_takes_the_pin_alone),
                TALK(a_key_is_used_by_the_pin_or_after_a_page_of_consent),
                TALK(certificates_are_shown_after_a_yes_and_no_pin),
        };
        bind_catalogue();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
