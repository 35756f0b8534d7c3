/* SPDX-License-Identifier: Apache-2.0 */
/* faults.c: things that go wrong on purpose, each once.
 *
 *   fault = KIND @ WHERE [: WHEN]
 *   KIND    removal[:MS back after] reset mute[:MS]          to the card
 *           truncate[:BYTES kept] sw-only oversize[:BYTES]   to its answer
 *           wrong-der-length[:LENGTH] garbage wrong-sw=XXXX
 *   WHERE   N          the N-th exchange since power on
 *           total:N    since the card was made
 *           NAME[#K]   the K-th (else first) select, read, verify, empty-verify, mse, hash, cds,
 *                      get-response, counter, key-query, get-data, authenticate, change, unblock since the
 *                      card was made; a chained command counts once for each of its blocks
 *   WHEN    before     the command never reaches the card (default for what happens to the card)
 *           lost       the card acts, its answer is lost or changed (default for answers)
 *           after      the answer arrives, then it happens
 *
 * An answer that a reset swallowed has no bytes: PC/SC shows the same. A muted card answers nothing
 * for MS (200) and lives on. Faults of the answer can only be `lost`, wrong-sw also `before`.
 */
#include "drivers/softcard/card.h"
#include "base/outcome.h"

#include <stdio.h>

static const char *const kinds[] = {
        [FAULT_REMOVAL] = "removal",
        [FAULT_RESET] = "reset",
        [FAULT_MUTE] = "mute",
        [FAULT_TRUNCATE] = "truncate",
        [FAULT_SW_ONLY] = "sw-only",
        [FAULT_OVERSIZE] = "oversize",
        [FAULT_WRONG_DER_LENGTH] = "wrong-der-length",
        [FAULT_GARBAGE] = "garbage",
        [FAULT_WRONG_SW] = "wrong-sw",
};
static const char *const whens[] = { "before", "lost", "after" };
static const char *const commands[COMMAND_COUNT] = {
        [COMMAND_OTHER] = "other",
        [COMMAND_SELECT] = "select",
        [COMMAND_READ] = "read",
        [COMMAND_VERIFY] = "verify",
        [COMMAND_EMPTY_VERIFY] = "empty-verify",
        [COMMAND_MSE] = "mse",
        [COMMAND_HASH] = "hash",
        [COMMAND_CDS] = "cds",
        [COMMAND_GET_RESPONSE] = "get-response",
        [COMMAND_COUNTER] = "counter",
        [COMMAND_KEY_QUERY] = "key-query",
        [COMMAND_GET_DATA] = "get-data",
        [COMMAND_AUTHENTICATE] = "authenticate",
        [COMMAND_CHANGE] = "change",
        [COMMAND_UNBLOCK] = "unblock",
};

static int find(const char *const *list, size_t count, const char *text)
{
        for (size_t i = 0; i < count; i++)
                if (strcmp(list[i], text) == 0)
                        return (int)i;
        return -EINVAL;
}

static int parse_number(const char *text, int base, unsigned int max, unsigned int *ret)
{
        const char *accepted = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
        size_t len = strlen(text);
        if (len == 0 || len > 6 || strspn(text, accepted) != len)
                return -EINVAL;
        unsigned long value = strtoul(text, NULL, base);
        if (value > max)
                return -EINVAL;
        *ret = (unsigned int)value;
        return 0;
}

/* Cuts text at the last `mark` and returns what stood behind it, or NULL. */
static char *cut_last(char *text, char mark)
{
        char *at = strrchr(text, mark);
        if (!at)
                return NULL;
        *at = '\0';
        return at + 1;
}

static int parse_kind(char *text, struct fault *fault)
{
        char *sw = cut_last(text, '='), *number = sw ? NULL : cut_last(text, ':');
        int kind = find(kinds, ARRAY_LEN(kinds), text);
        if (kind < 0 || (sw != NULL) != (kind == FAULT_WRONG_SW))
                return -EINVAL;
        fault->kind = (enum fault_kind)kind;
        fault->when = fault_is_of_answer(fault) ? FAULT_LOST : FAULT_BEFORE;
        if (sw)
                return strlen(sw) == 4 ? parse_number(sw, 16, 0xFFFF, &fault->value) : -EINVAL;
        return number ? parse_number(number, 10, 65535, &fault->value) : 0;
}

static int parse_when(const char *text, struct fault *fault)
{
        int when = find(whens, ARRAY_LEN(whens), text);
        if (when < 0)
                return when;
        fault->when = (enum fault_when)when;
        if (!fault_is_of_answer(fault) || fault->when == FAULT_LOST)
                return 0;
        return fault->kind == FAULT_WRONG_SW && fault->when == FAULT_BEFORE ? 0 : -EINVAL;
}

static int parse_where(char *text, struct fault *fault)
{
        char *count = cut_last(text, '#');
        int command = find(commands, COMMAND_COUNT, text);
        if (command >= 0) {
                fault->where = FAULT_COMMAND;
                fault->command = (enum fault_command)command;
                fault->n = 1;
                return count ? parse_number(count, 10, 65535, &fault->n) : 0;
        }
        bool total = strncmp(text, "total:", 6) == 0;
        fault->where = total ? FAULT_TOTAL : FAULT_EXCHANGE;
        return count ? -EINVAL : parse_number(total ? text + 6 : text, 10, 65535, &fault->n);
}

int fault_parse(struct faults *faults, const char *text)
{
        char copy[96];
        if (strlen(text) >= sizeof copy || faults->count == FAULTS_MAX)
                return -EINVAL;
        memcpy(copy, text, strlen(text) + 1);
        struct fault fault = { 0 };
        char *where = strchr(copy, '@');
        if (!where)
                return -EINVAL;
        *where++ = '\0';
        int r = parse_kind(copy, &fault);
        if (r < 0)
                return r;
        char *colon = strrchr(where, ':');
        if (colon && strspn(colon + 1, "0123456789") == 0) {
                *colon = '\0';
                r = parse_when(colon + 1, &fault);
        }
        if (r == 0)
                r = parse_where(where, &fault);
        if (r < 0 || fault.n == 0)
                return -EINVAL;
        faults->rows[faults->count++] = fault;
        return 0;
}

static enum fault_command command_of_pso(const uint8_t *cmd)
{
        return cmd[2] == 0x90 ? COMMAND_HASH : cmd[2] == 0x9E ? COMMAND_CDS : COMMAND_OTHER;
}

static enum fault_command command_of(const uint8_t *cmd, size_t len)
{
        if (len < 4)
                return COMMAND_OTHER;
        switch (cmd[1]) {
        case 0xA4: return COMMAND_SELECT;
        case 0xB0: return COMMAND_READ;
        case 0x20: return len > 5 ? COMMAND_VERIFY : COMMAND_EMPTY_VERIFY;
        case 0x22: return COMMAND_MSE;
        case 0x2A: return command_of_pso(cmd);
        case 0xC0: return cmd[0] == 0x80 ? COMMAND_COUNTER : COMMAND_GET_RESPONSE;
        case 0xCA: return COMMAND_GET_DATA;
        case 0x87: return COMMAND_AUTHENTICATE;
        case 0x24: return COMMAND_CHANGE;
        case 0x2C: return COMMAND_UNBLOCK;
        case 0xCB:
                if (cmd[2] == 0x3F)
                        return COMMAND_GET_DATA; /* a PIV card's */
                return len > 5 && cmd[5] == 0xA0 ? COMMAND_COUNTER : COMMAND_KEY_QUERY;
        default: return COMMAND_OTHER;
        }
}

const struct fault *fault_due(struct faults *faults, const uint8_t *cmd, size_t len)
{
        enum fault_command command = command_of(cmd, len);
        unsigned int at[] = { [FAULT_EXCHANGE] = ++faults->exchange,
                [FAULT_TOTAL] = ++faults->total,
                [FAULT_COMMAND] = ++faults->seen[command] };
        for (size_t i = 0; i < faults->count; i++) {
                struct fault *fault = &faults->rows[i];
                if (fault->done || fault->n != at[fault->where])
                        continue;
                if (fault->where == FAULT_COMMAND && fault->command != command)
                        continue;
                fault->done = true;
                return fault;
        }
        return NULL;
}

int fault_strike(struct softcard *card, const struct fault *fault)
{
        unsigned int mute_ms = fault->value ? fault->value : 200;
        switch (fault->kind) {
        case FAULT_REMOVAL:
                card_lift(card, fault->value);
                return fault->when == FAULT_AFTER ? 0 : OUTCOME_CARD_REMOVED;
        case FAULT_RESET: card_reset(card); return 0;
        case FAULT_MUTE:
                if (fault->when == FAULT_AFTER) {
                        card->mute_next_ms = mute_ms;
                        return 0;
                }
                card_wait(card, mute_ms);
                return OUTCOME_TIMED_OUT;
        default: return 0;
        }
}

static void spoil_oversize(const struct fault *fault, uint8_t *rsp, size_t cap, size_t *len)
{
        size_t more = base_min(fault->value ? fault->value : 300, cap - *len);
        uint8_t sw[2] = { rsp[*len - 2], rsp[*len - 1] };
        memset(rsp + *len - 2, 0xA5, more);
        *len += more;
        memcpy(rsp + *len - 2, sw, 2);
}

static void spoil_der_length(const struct fault *fault, uint8_t *rsp, size_t len)
{
        if (len < 6 || (rsp[0] != 0x30 && rsp[0] != 0x53) || rsp[1] != 0x82)
                return;
        unsigned int length = (unsigned int)rsp[2] << 8 | rsp[3];
        length = fault->value ? fault->value : length + 256;
        rsp[2] = (uint8_t)(length >> 8);
        rsp[3] = (uint8_t)length;
}

static void spoil_garbage(uint8_t *rsp, size_t len)
{
        uint32_t noise = 0x9E3779B9u;
        size_t count = len > 2 ? len - 2 : len;
        for (size_t i = 0; i < count; i++) {
                noise = noise * 1664525u + 1013904223u;
                rsp[i] = (uint8_t)(noise >> 24);
        }
}

static void spoil_sw(const struct fault *fault, uint8_t *rsp, size_t *len)
{
        bool keeps_data =
                fault->value == 0x9000 || fault->value >> 8 == 0x61 || fault->value >> 8 == 0x62;
        size_t at = keeps_data ? *len - 2 : 0;
        rsp[at] = (uint8_t)(fault->value >> 8);
        rsp[at + 1] = (uint8_t)fault->value;
        *len = at + 2;
}

void fault_spoil(const struct fault *fault, uint8_t *rsp, size_t cap, size_t *len)
{
        if (*len < 2)
                return;
        switch (fault->kind) {
        case FAULT_TRUNCATE: *len = fault->value ? base_min(fault->value, *len) : *len / 2; return;
        case FAULT_SW_ONLY:
                memmove(rsp, rsp + *len - 2, 2);
                *len = 2;
                return;
        case FAULT_OVERSIZE: spoil_oversize(fault, rsp, cap, len); return;
        case FAULT_WRONG_DER_LENGTH: spoil_der_length(fault, rsp, *len); return;
        case FAULT_GARBAGE: spoil_garbage(rsp, *len); return;
        case FAULT_WRONG_SW: spoil_sw(fault, rsp, len); return;
        default: return;
        }
}
