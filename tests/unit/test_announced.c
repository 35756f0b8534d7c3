/* SPDX-License-Identifier: Apache-2.0 */
/* test_announced.c: what a phone believes of a paired computer that announces a request: its form to the byte, its words as its
 * own, and an organisation's only where the organisation signed them.
 */
#include "tests/unit/announced_talk.h"

#include "base/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct fixture {
        struct testorg *org;
        struct relying *known, *nobody;
        char *jws;
};

static int up(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);
        char error[64];
        f->org = testorg_new();
        f->known = announced_anchors(f->org);
        f->jws = testorg_sign(f->org, testorg_header(f->org, "RS256", NULL), testorg_payload());
        *state = f;
        return f->known && relying_load(&f->nobody, NULL, 0, error, sizeof error) == 0 ? 0 : -1;
}

static int down(void **state)
{
        struct fixture *f = *state;
        relying_free(f->known);
        relying_free(f->nobody);
        testorg_free(f->org);
        free(f->jws);
        free(f);
        return 0;
}

static int take(struct announced **ret, const struct announcement *said,
        const struct relying *relying, const char **ret_detail)
{
        const struct announced_by by = {
                .computer = "counter-3", .relying = relying, .now = TESTPKI_NOW
        };
        return announced_take(ret, (struct view){ said->bytes, said->len }, &by, ret_detail);
}

/* `detail` is a part of the reason; NULL: there is none to be given. */
static void expect(const struct question *question, const char *jws, const struct relying *relying,
        int outcome, const char *detail)
{
        static struct announcement said;
        struct announced *announced = NULL;
        const char *told = NULL;
        assert_true(announced_say(&said, question, jws));
        int r = take(&announced, &said, relying, &told);
        if (r != outcome || (detail ? !told || !strstr(told, detail) : told != NULL))
                fail_msg("%d and not %d: %s (expected: %s)", r, outcome, told ? told : "-",
                        detail ? detail : "-");
        assert_true(r == 0 ? announced != NULL : announced == NULL);
        announced_free(announced);
}

/* ---- what is shown ------------------------------------------------------------------------- */

static void an_announcement_becomes_a_question_at_the_phone(void **state)
{
        const struct fixture *f = *state;
        static struct announcement said;
        struct announced *announced = NULL;
        struct question question = announced_plain();
        const char *detail = NULL;
        char line[256];
        question.asker = ASKER_FLATPAK;
        SET(question.asker_name, "org.example.Office");
        question.required = SHARE_READER;
        question.tell_unproven = question.simulated = question.expired = true;
        assert_true(announced_say(&said, &question, NULL));
        assert_int_equal(take(&announced, &said, f->known, &detail), 0);
        struct person_question told = announced_question(announced);
        assert_string_equal(told.computer, "counter-3");
        assert_null(told.organization);
        assert_false(told.not_proven_here);
        assert_string_equal(told.audience, "https://office.example");
        assert_string_equal(told.purpose, "opening an account");
        assert_string_equal(told.asker_name, "org.example.Office");
        assert_int_equal(told.asker, ASKER_FLATPAK);
        assert_int_equal(told.work, PERSON_SIGN);
        assert_int_equal(told.required, CLAIM_READER);
        assert_int_equal(told.tries_left, 3);
        assert_true(told.tell_unproven && told.expired);
        assert_false(told.simulated); /* of its own readers a phone knows that itself */
        assert_true(!told.granted && !told.may_remember && !told.recorded && told.optional == 0);
        assert_null(told.ui.tty);
        assert_null(told.pinentry);
        announced_line(announced, line, sizeof line);
        assert_string_equal(line, "counter-3: org.example.Office, https://office.example");
        announced_free(announced);
}

/* Where to ask is for whoever asks: the same facts go into a frame of this phone's own prompt. */
static void the_question_is_one_that_the_prompt_takes(void **state)
{
        const struct fixture *f = *state;
        static struct announcement said;
        static struct question asked, got;
        static uint8_t frame[QUESTION_FRAME_MAX];
        static const enum question_work works[] = { WORK_SIGN, WORK_DOCUMENTS, WORK_KEY };
        for (size_t i = 0; i < ARRAY_LEN(works); i++) {
                struct announced *announced = NULL;
                const char *detail = NULL;
                size_t len = 0;
                asked = announced_plain();
                asked.work = works[i];
                asked.document_count = works[i] == WORK_DOCUMENTS;
                SET(asked.documents[0].name, "contract.pdf");
                asked.content = works[i] == WORK_KEY ? CONTENT_SSH : CONTENT_RAW;
                SET(asked.content_text, works[i] == WORK_KEY ? "root" : "");
                SET(asked.content_host, works[i] == WORK_KEY ? "SHA256:0123" : "");
                assert_true(announced_say(&said, &asked, NULL));
                assert_int_equal(take(&announced, &said, f->nobody, &detail), 0);
                struct person_question told = announced_question(announced);
                assert_int_equal(person_state(&told, true, &got), 0);
                assert_int_equal(question_encode(&got, frame, sizeof frame, &len), 0);
                assert_int_equal(got.work, works[i]);
                assert_string_equal(got.computer, "counter-3");
                assert_string_equal(got.app, "/usr/bin/office");
                assert_int_equal(got.document_count, asked.document_count);
                assert_string_equal(
                        got.documents[0].name, asked.document_count ? "contract.pdf" : "");
                assert_int_equal(got.content, asked.content);
                assert_string_equal(got.content_text, asked.content_text);
                assert_string_equal(got.content_host, asked.content_host);
                announced_free(announced);
        }
}

static void a_computer_without_a_name_has_a_question_mark(void **state)
{
        (void)state;
        static struct announcement said;
        struct question question = announced_plain();
        assert_true(announced_say(&said, &question, NULL));
        static const char *const names[] = { "", "\n\u202e", "رایانه" };
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                struct announced *announced = NULL;
                const char *detail = NULL;
                const struct announced_by by = { .computer = names[i], .now = TESTPKI_NOW };
                assert_int_equal(announced_take(&announced, (struct view){ said.bytes, said.len },
                                         &by, &detail),
                        0);
                assert_string_equal(
                        announced_question(announced).computer, i == 2 ? "رایانه" : "?");
                announced_free(announced);
        }
}

/* ---- form ---------------------------------------------------------------------------------- */

static void a_computer_has_no_say_in_where_and_how_a_phone_asks(void **state)
{
        const struct fixture *f = *state;
        static struct question bad[17];
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                bad[i] = announced_plain();
        SET(bad[0].tty, "/dev/tty1");
        SET(bad[1].term, "xterm");
        SET(bad[2].display, ":0");
        SET(bad[3].pinentry, "/tmp/my-pinentry");
        SET(bad[4].computer, "another one");
        bad[5].granted = true;
        bad[6].may_remember = true;
        bad[7].recorded = true;
        bad[8].optional = SHARE_READER;
        bad[9].pinpad = true;
        bad[10].pinpad = bad[10].on_phone = true;
        bad[11].choice = true;
        bad[12].search = true;
        bad[13].work = WORK_CHANGE_PIN;
        bad[14].work = WORK_UNBLOCK_PIN;
        bad[15].work = WORK_CERTIFICATES;
        SET(bad[16].language, "fa");
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                expect(&bad[i], NULL, f->known, -EBADMSG, NULL);
        struct question two = announced_plain();
        two.work = WORK_DOCUMENTS;
        two.document_count = 2;
        expect(&two, NULL, f->known, -EBADMSG, NULL);
        struct question word = announced_plain();
        SET(word.computer, "another one");
        word.not_proven_here = true;
        expect(&word, NULL, f->known, -EBADMSG, NULL);
}

static void every_other_length_is_no_announcement(void **state)
{
        const struct fixture *f = *state;
        static struct announcement said, cut;
        struct question question = announced_signed();
        const char *detail = NULL;
        struct announced *announced = NULL;
        assert_true(announced_say(&said, &question, f->jws));
        size_t question_len = (size_t)(said.bytes[0] << 8 | said.bytes[1]);
        for (cut.len = 0; cut.len < said.len; cut.len++) {
                if (cut.len > question_len + 8 && cut.len + 8 < said.len)
                        continue;
                memcpy(cut.bytes, said.bytes, cut.len);
                assert_int_equal(take(&announced, &cut, f->known, &detail), -EBADMSG);
        }
        said.bytes[said.len++] = 0;
        assert_int_equal(take(&announced, &said, f->known, &detail), -EBADMSG);
        said.len--;
        said.bytes[2]++; /* the question's version */
        assert_int_equal(take(&announced, &said, f->known, &detail), -EBADMSG);
        said.bytes[2]--;
        said.bytes[said.len - 4] = '\0'; /* what a C string would end at */
        assert_int_equal(take(&announced, &said, f->known, &detail), -EBADMSG);
        assert_null(detail);
}

/* ---- whose word ---------------------------------------------------------------------------- */

static void what_an_organization_signed_is_proven_here(void **state)
{
        const struct fixture *f = *state;
        static struct announcement said;
        struct question question = announced_signed();
        const struct relying *const phones[] = { f->known, f->nobody, NULL };
        for (size_t i = 0; i < ARRAY_LEN(phones); i++) {
                struct announced *announced = NULL;
                const char *detail = NULL;
                assert_true(announced_say(&said, &question, f->jws));
                assert_int_equal(take(&announced, &said, phones[i], &detail), 0);
                struct person_question told = announced_question(announced);
                assert_string_equal(told.organization, TESTORG_NAME);
                assert_int_equal(told.not_proven_here, i > 0);
                announced_free(announced);
        }
        question.required = CLAIMS_NONE; /* the card had none of them, or the holder kept it */
        question.purpose[0] = '\0';
        expect(&question, f->jws, f->nobody, 0, NULL);
}

static void other_words_than_the_signed_ones_are_refused(void **state)
{
        const struct fixture *f = *state;
        static struct question lies[7];
        static const char *const why[ARRAY_LEN(lies)] = { "another organisation",
                "another audience", "another purpose", "another purpose", "give away more",
                "without its signed request", "without its signed request" };
        for (size_t i = 0; i < ARRAY_LEN(lies); i++)
                lies[i] = announced_signed();
        SET(lies[0].organization, "Specimen Bank of Elsewhere");
        SET(lies[1].audience, "https://bank.example/other");
        SET(lies[2].purpose, "open an account, and a loan");
        SET(lies[3].purpose, "");
        lies[4].required |= SHARE_STATION;
        lies[5].organization[0] = '\0';
        lies[6].work = WORK_KEY;
        for (size_t i = 0; i < ARRAY_LEN(lies); i++)
                expect(&lies[i], f->jws, f->known, OUTCOME_POLICY, why[i]);
        struct question question = announced_signed();
        expect(&question, NULL, f->known, OUTCOME_POLICY, "without its signed request");
        expect(&question, NULL, f->nobody, OUTCOME_POLICY, "without its signed request");
}

static void the_expected_holder_is_the_one_that_is_shown(void **state)
{
        const struct fixture *f = *state;
        json_t *payload = testorg_payload();
        json_object_set_new(payload, "expect_national_number", json_string("0099900007"));
        char *jws = testorg_sign(f->org, testorg_header(f->org, "RS256", NULL), payload);
        struct question question = announced_signed();
        expect(&question, jws, f->known, 0, NULL);
        SET(question.card_number, "0012345679");
        expect(&question, jws, f->known, OUTCOME_POLICY, "another holder");
        free(jws);
}

static void a_signed_request_that_does_not_hold_is_refused_where_it_can_be_judged(void **state)
{
        const struct fixture *f = *state;
        struct question question = announced_signed();
        json_t *payload = testorg_payload();
        json_object_set_new(payload, "exp", json_integer(TESTPKI_NOW - 120));
        json_object_set_new(payload, "iat", json_integer(TESTPKI_NOW - 240));
        char *expired = testorg_sign(f->org, testorg_header(f->org, "RS256", NULL), payload);
        char *forged = strdup(f->jws);
        size_t at = strlen(forged) - 20;
        forged[at] = forged[at] == 'A' ? 'B' : 'A';
        expect(&question, expired, f->known, OUTCOME_POLICY, "expired");
        expect(&question, forged, f->known, OUTCOME_POLICY, "signature does not hold");
        expect(&question, "no.jws.at all", f->known, OUTCOME_INVALID, "the signed request");
        expect(&question, forged, f->nobody, 0, NULL); /* shown as the computer's word */
        free(expired);
        free(forged);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_announcement_becomes_a_question_at_the_phone),
                cmocka_unit_test(the_question_is_one_that_the_prompt_takes),
                cmocka_unit_test(a_computer_without_a_name_has_a_question_mark),
                cmocka_unit_test(a_computer_has_no_say_in_where_and_how_a_phone_asks),
                cmocka_unit_test(every_other_length_is_no_announcement),
                cmocka_unit_test(what_an_organization_signed_is_proven_here),
                cmocka_unit_test(other_words_than_the_signed_ones_are_refused),
                cmocka_unit_test(the_expected_holder_is_the_one_that_is_shown),
                cmocka_unit_test(
                        a_signed_request_that_does_not_hold_is_refused_where_it_can_be_judged),
        };
        return cmocka_run_group_tests(tests, up, down);
}
