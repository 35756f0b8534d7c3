/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_prompt.c: the two frames of the prompt's channel and the texts made of a question. What decodes
 * must encode to the same bytes, and every page of it must fit its Assuan lines.
 */
#include "daemon/prompt/question.h"
#include "daemon/prompt/texts.h"
#include "tests/fuzz/require.h"

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_pages(const struct question *question)
{
        static void (*const compose[])(const struct question *, struct page *) = { texts_unproven,
                texts_consent, texts_last_try, texts_pin, texts_keys, texts_choice, texts_search };
        char line[PARTS_LINE_MAX + 1];
        struct page page;
        for (size_t i = 0; i < ARRAY_LEN(compose); i++) {
                compose[i](question, &page);
                require(page.desc[0] != '\0' && text_utf8_valid(page.desc, strlen(page.desc)));
                require(parts_line(line, "SETDESC", page.desc) == 0 && !strchr(line, '\n'));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        uint8_t again[QUESTION_FRAME_MAX];
        size_t again_len = 0;
        struct question question;
        struct view pin;
        int outcome;

        if (answer_decode(data, len, true, &outcome, &pin) == 0)
                require(outcome != 0 || answer_pin_valid(pin.data, pin.len));
        if (answer_decode(data, len, false, &outcome, &pin) == 0)
                require(pin.len == 0);
        if (question_decode(data, len, &question) < 0)
                return 0;
        require(question_encode(&question, again, sizeof again, &again_len) == 0);
        require(again_len == len && memcmp(again, data, len) == 0);
        check_pages(&question);
        return 0;
}
