/* SPDX-License-Identifier: Apache-2.0 */
/* secure.c: the PIN pad: PC_to_RDR_Secure, CCID 1.1 clause 6.1.11, verification and modification.
 *
 * The test types on the keys ("type 1234", "type cancel", "type timeout"); the reader puts the digits
 * where the host's description says and sends the command, at TPDU level in a T=1 block that begins
 * with the host's prologue.
 */
#include "tests/tools/mock/reader.h"

#define ERROR_CANCELLED 0xEF
#define ERROR_TIMEOUT   0xF0
#define ERROR_PIN       0xF6 /* the description makes no sense */
#define VERIFY_HEAD     15   /* with the operation's byte; then the APDU */

struct plan {
        uint8_t format, block, length_format;
        unsigned int min, max, timeout_s, where; /* where: offset of the PIN's block in the data */
        const uint8_t *prologue, *apdu;
        size_t apdu_len;
};

static bool read_verify(struct plan *plan, const struct ccid *cmd)
{
        const uint8_t *at = cmd->data;
        if (cmd->len < VERIFY_HEAD + 4)
                return false;
        *plan = (struct plan){ .timeout_s = at[1],
                .format = at[2],
                .block = at[3],
                .length_format = at[4],
                .max = at[5],
                .min = at[6],
                .prologue = at + 12,
                .apdu = at + VERIFY_HEAD,
                .apdu_len = cmd->len - VERIFY_HEAD };
        return true;
}

/* Two optional bytes of messages, by their number (6.1.11.7). */
static bool read_modify(struct plan *plan, const struct ccid *cmd)
{
        const uint8_t *at = cmd->data;
        if (cmd->len < 24)
                return false;
        size_t head = at[11] == 0 ? 18 : at[11] == 3 ? 20 : 19;
        if (cmd->len < head + 4)
                return false;
        *plan = (struct plan){ .timeout_s = at[1],
                .format = at[2],
                .block = at[3],
                .length_format = at[4],
                .where = at[6],
                .max = at[7],
                .min = at[8],
                .prologue = at + head - 3,
                .apdu = at + head,
                .apdu_len = cmd->len - head };
        return true;
}

static size_t block_size(const struct plan *plan)
{
        return plan->block & 0x0F;
}

/* The digits where the description puts them. False: it does not fit the APDU. */
static bool place(const struct plan *plan, const char *digits, uint8_t *apdu)
{
        unsigned int type = plan->format & 3;
        bool bytes = plan->format & 0x80;
        size_t offset = plan->format >> 3 & 0x0F, count = strlen(digits), size = block_size(plan);
        if (type == 0 || type == 3 || plan->format & 4 || (!bytes && offset % 8) ||
                plan->apdu_len < 5)
                return false;
        size_t begin = 5 + plan->where + (bytes ? offset : offset / 8);
        size_t len = type == 2 ? count : (count + 1) / 2;
        if (len > size || begin + size > 5u + apdu[4] || begin + size > plan->apdu_len)
                return false;
        for (size_t i = 0; i < count; i++) {
                uint8_t digit = (uint8_t)(digits[i] - '0');
                uint8_t *at = apdu + begin + (type == 2 ? i : i / 2);
                if (type == 2)
                        *at = (uint8_t)digits[i];
                else
                        *at = i % 2 ? (uint8_t)((*at & 0xF0) | digit)
                                    : (uint8_t)((*at & 0x0F) | digit << 4);
        }
        unsigned int bits = plan->block >> 4; /* of the length, kept in the block itself */
        size_t position = plan->length_format & 0x0F;
        if (bits == 4 && !(plan->length_format & 0x10) && position % 8 == 4)
                apdu[5 + position / 8] = (uint8_t)((apdu[5 + position / 8] & 0xF0) | count);
        else if (bits == 8)
                apdu[5 + (plan->length_format & 0x10 ? position : position / 8)] = (uint8_t)count;
        else if (bits != 0)
                return false;
        return true;
}

/* 0 with digits in reader->typed, or the reader's error; -1: nobody waits any more. */
static int ask(struct reader *reader, const struct ccid *cmd, const struct plan *plan)
{
        int64_t until = mock_ms() + (plan->timeout_s ? plan->timeout_s : 30) * 1000;
        uint8_t stray[4096];
        size_t len;
        while (!reader->has_typed && mock_ms() < until) {
                enum woken woken = reader_wait(reader, mock_ms() + 500, stray, sizeof stray, &len);
                if (woken == WOKEN_TIME)
                        ccid_more_time(reader, cmd, 1);
                if (woken == WOKEN_GONE)
                        return -1;
                if (woken == WOKEN_REMOVED || woken == WOKEN_ABORTED)
                        return woken == WOKEN_ABORTED ? 0xFF : 0xFE;
        }
        bool typed = reader->has_typed;
        reader->has_typed = false;
        if (!typed || strcmp(reader->typed, "timeout") == 0)
                return ERROR_TIMEOUT;
        if (strspn(reader->typed, "0123456789") != strlen(reader->typed))
                return ERROR_CANCELLED;
        size_t count = strlen(reader->typed);
        return count < plan->min || count > plan->max ? ERROR_CANCELLED : 0;
}

static void run(struct reader *reader, const struct ccid *cmd, const struct plan *plan)
{
        uint8_t block[3 + 255 + 2];
        bool blocks = reader->p->level == LEVEL_TPDU && reader->icc.protocol == 1;
        size_t head = blocks ? 3 : 0, len = head + plan->apdu_len;
        if (plan->apdu_len > 255) {
                ccid_fail(reader, cmd, 0x80, ERROR_PIN);
                return;
        }
        memcpy(block, plan->prologue, head);
        memcpy(block + head, plan->apdu, plan->apdu_len);
        bool fits = place(plan, reader->typed, block + head);
        explicit_bzero(reader->typed, sizeof reader->typed);
        if (!fits) {
                ccid_fail(reader, cmd, 0x80, ERROR_PIN);
                return;
        }
        if (blocks)
                t1_seal(&reader->icc.t1, block, &len);
        ccid_exchange(reader, cmd, block, len);
        explicit_bzero(block, sizeof block);
}

void ccid_secure(struct reader *reader, const struct ccid *cmd)
{
        struct plan plan;
        uint8_t operation = cmd->len > 0 ? cmd->data[0] : 0xFF;
        bool known = operation == 0
                             ? reader->p->pinpad & 1 && read_verify(&plan, cmd)
                             : operation == 1 && reader->p->pinpad & 2 && read_modify(&plan, cmd);
        reader->secures++;
        if (!known) {
                ccid_fail(reader, cmd, 0x80, ERROR_PIN);
                return;
        }
        mock_log(reader->p, "pinpad asks");
        int error = ask(reader, cmd, &plan);
        mock_log(reader->p, "pinpad %s", error ? "without a PIN" : "has a PIN");
        if (error > 0)
                ccid_fail(reader, cmd, 0x80, (uint8_t)error);
        if (error == 0)
                run(reader, cmd, &plan);
}
