/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_prompt.c: the two frames of the prompt's channel and the texts made of a question. What decodes
 * must encode to the same bytes, and every page of it must fit its Assuan lines.
 */
#include "daemon/prompt/pinchange.h"
#include "daemon/prompt/question.h"
#include "daemon/prompt/texts.h"
#include "tests/fuzz/require.h"

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_page(const struct page *page)
{
        char line[PARTS_LINE_MAX + 1];
        require(page->desc[0] != '\0' && text_utf8_valid(page->desc, strlen(page->desc)));
        require(parts_line(line, "SETDESC", page->desc) == 0 && !strchr(line, '\n'));
}

/* The others are of questions that no phone is asked. */
static bool composed_on_phone(void (*compose)(const struct question *, struct page *))
{
        return compose == texts_unproven || compose == texts_asked || compose == texts_consent ||
               compose == texts_last_try || compose == texts_entry ||
               compose == texts_documents_asked || compose == texts_key;
}

static void check_pages(const struct question *question)
{
        static void (*const compose[])(const struct question *, struct page *) = { texts_unproven,
                texts_asked, texts_consent, texts_optional, texts_remember, texts_last_try,
                texts_entry, texts_granted, texts_choice, texts_search, texts_documents_asked,
                texts_certificates, texts_key, pintexts_consent, pintexts_code_try, pintexts_proof,
                pintexts_new_pin, pintexts_again };
        struct page page;
        for (size_t i = 0; i < ARRAY_LEN(compose); i++) {
                if (*question->computer && !composed_on_phone(compose[i]))
                        continue;
                compose[i](question, &page);
                check_page(&page);
                require(!*question->computer || !page.notok || compose[i] == texts_last_try);
        }
}

/* Each document stands on some page before the one to agree on, or on that. */
static void check_documents(const struct question *question)
{
        struct page page;
        bool last = false;
        if (texts_documents_whole(question, &page))
                check_page(&page);
        for (size_t at = question->document_at; !last;) {
                size_t next = texts_documents(question, at, &page, &last);
                check_page(&page);
                require(next > at || last);
                at = next;
        }
}

static bool is_typed(const struct question *question, struct view typed)
{
        struct view proof, new_pin;
        require(question->work != WORK_CERTIFICATES);
        if (question->work != WORK_CHANGE_PIN && question->work != WORK_UNBLOCK_PIN)
                return answer_pin_valid(typed.data, typed.len);
        return answer_pair(question->work, typed, &proof, &new_pin) &&
               1 + proof.len + new_pin.len == typed.len &&
               answer_pin_valid(new_pin.data, new_pin.len);
}

/* What is believed for a question is possible, and would be sent just so. */
static void check_answer(const struct question *question, const uint8_t *data, size_t len)
{
        uint8_t again[ANSWER_FRAME_MAX];
        size_t again_len = 0;
        struct answer answer;
        uint8_t asked = question->required | question->optional;
        if (answer_decode(data, len, question, &answer) < 0)
                return;
        require((answer.released & ~asked) == 0 && (!answer.remember || question->may_remember));
        require(answer.outcome == 0 || (answer.released == 0 && answer.pin.len == 0));
        require(answer.pin.len == 0 || is_typed(question, answer.pin));
        require(answer_encode(&answer, again, sizeof again, &again_len) == 0);
        require(again_len == len && memcmp(again, data, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static const struct question plain = { 0 };
        static const struct question rich = {
                .required = SHARE_READER, .optional = SHARE_STATION, .may_remember = true
        };
        static const struct question keys = { .pinpad = true };
        static const struct question choice = { .choice = true, .required = SHARE_READER };
        static const struct question change = { .work = WORK_CHANGE_PIN };
        static const struct question unblock = { .work = WORK_UNBLOCK_PIN };
        static const struct question documents = { .work = WORK_DOCUMENTS, .document_count = 2 };
        static const struct question certificates = { .work = WORK_CERTIFICATES,
                .may_remember = true };
        static const struct question key = { .work = WORK_KEY };
        const struct question *const asked[] = { &plain, &rich, &keys, &choice, &change, &unblock,
                &documents, &certificates, &key };
        uint8_t again[QUESTION_FRAME_MAX];
        size_t again_len = 0;
        struct question question;

        for (size_t i = 0; i < ARRAY_LEN(asked); i++)
                check_answer(asked[i], data, len);
        if (question_decode(data, len, &question) < 0)
                return 0;
        require(question_encode(&question, again, sizeof again, &again_len) == 0);
        require(again_len == len && memcmp(again, data, len) == 0);
        check_pages(&question);
        check_documents(&question);
        return 0;
}
