/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_replay.c: any text as a transcript, and every line of one that is read as a command to it: the
 * answer has its status word or nothing at all, and the head stays within its bounds.
 */
#include "drivers/softcard/replay.h"
#include "tests/fuzz/require.h"

#include "base/outcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct replay *replay, const uint8_t *cmd, size_t len)
{
        static uint8_t rsp[70000];
        struct out out = out_new(rsp, sizeof rsp);
        int r = replay_answer(replay, cmd, len, &out);
        require(r == 0 || r == -ENOSPC || r == OUTCOME_CARD_REMOVED || r == OUTCOME_TIMED_OUT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const uint8_t der[] = { 0x30, 0x03, 0x02, 0x01, 0x05 };
        static const uint8_t selects[][7] = { { 0x00, 0xA4, 0x00, 0x0C, 2, 0x3F, 0x00 } };
        static const uint8_t reads[][5] = { { 0x00, 0xB0, 0x00, 0x00, 0xF8 },
                { 0x00, 0xB0, 0x00, 0x03, 0x02 }, { 0x00, 0xC0, 0x00, 0x00, 0x01 } };
        static const uint8_t get[] = { 0x00, 0xCB, 0x3F, 0xFF, 5, 0x5C, 3, 0x5F, 0xC1, 0x0A, 0 };
        struct replay *replay = NULL;
        unsigned int line;
        if (replay_new(&replay, (const char *)data, size, &line) != 0)
                return 0;
        const struct replay_head *head = replay_head(replay);
        require(head->atr_len >= 2 && head->atr_len <= REPLAY_ATR_MAX && head->key < 256);
        for (size_t i = 0; i < REPLAY_FILES; i++) {
                require(memchr(head->files[i], '\0', sizeof head->files[i]) != NULL);
                replay_put_file(replay, i, (struct view){ der, sizeof der });
        }
        for (int round = 0; round < 3; round++) {
                ask(replay, selects[0], sizeof selects[0]);
                ask(replay, get, sizeof get);
                for (size_t i = 0; i < ARRAY_LEN(reads); i++)
                        ask(replay, reads[i], sizeof reads[i]);
        }
        ask(replay, data, base_min(size, 5));
        replay_free(replay);
        return 0;
}
