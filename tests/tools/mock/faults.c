/* SPDX-License-Identifier: Apache-2.0 */
/* faults.c: what goes wrong on the wire on purpose: KIND[=VALUE]@WHERE[/before][*TIMES].
 *
 * WHERE is N, the N-th XfrBlock or Secure from now on, or `verify` (the one that carries a VERIFY with
 * digits), `sign`, or ins:HH. `/before` means that the card never saw the command.
 */
#include "tests/tools/mock/reader.h"

static const struct {
        const char *name;
        enum fault_kind kind;
        unsigned int value; /* where none is given */
} kinds[] = {
        { "silent", FAULT_SILENT, 0 },
        { "sequence", FAULT_SEQUENCE, 1 },
        { "short", FAULT_SHORT, 1 },
        { "oversize", FAULT_OVERSIZE, 0x7FFFFFFF },
        { "longer", FAULT_LONGER, 5 },
        { "slot", FAULT_SLOT, 1 },
        { "type", FAULT_TYPE, 0x81 },
        { "error", FAULT_ERROR, 0xFE },
        { "stall", FAULT_STALL, 0 },
        { "stall-out", FAULT_STALL_OUT, 0 },
        { "unplug", FAULT_UNPLUG, 0 },
        { "time", FAULT_TIME, 3 },
        { "garbage", FAULT_GARBAGE, 0 },
        { "twice", FAULT_TWICE, 0 },
        { "power", FAULT_POWER, 0 },
        { "checksum", FAULT_EDC, 0 },
        { "nak", FAULT_NAK, 0 },
        { "lost", FAULT_LOST, 0 },
        { "wtx", FAULT_WTX, 3 },
        { "block-short", FAULT_BLOCK_SHORT, 1 },
        { "block-sequence", FAULT_BLOCK_SEQUENCE, 0 },
        { "block-length", FAULT_BLOCK_LENGTH, 200 },
        { "abort", FAULT_ABORT, 0 },
};

/* Cuts text at the last `mark`; what stood behind it, or NULL. */
static char *cut(char *text, char mark)
{
        char *at = strrchr(text, mark);
        if (at)
                *at++ = '\0';
        return at;
}

static int number(const char *text, int base, unsigned int *ret)
{
        char *end = NULL;
        errno = 0;
        unsigned long value = strtoul(text, &end, base);
        if (errno || end == text || *end || value > 0x7FFFFFFF)
                return -EINVAL;
        *ret = (unsigned int)value;
        return 0;
}

static int read_where(const char *where, struct fault *fault)
{
        unsigned int ins = 0;
        int r = 0;
        if (strcmp(where, "verify") == 0)
                ins = 0x20;
        else if (strcmp(where, "sign") == 0)
                ins = 0x2A;
        else if (strncmp(where, "ins:", 4) == 0)
                r = number(where + 4, 16, &ins);
        else
                r = number(where, 10, &fault->n);
        fault->ins = ins ? (int)ins : -1;
        return r < 0 || (!ins && fault->n == 0) ? -EINVAL : 0;
}

static int read_kind(char *text, struct fault *fault)
{
        char *value = cut(text, '=');
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
                if (strcmp(text, kinds[i].name) == 0) {
                        fault->kind = kinds[i].kind;
                        fault->value = kinds[i].value;
                        return value ? number(value, 0, &fault->value) : 0;
                }
        return -EINVAL;
}

int fault_arm(struct mock_faults *faults, const char *text)
{
        char copy[MOCK_LINE];
        struct fault fault = { .ins = -1, .times = 1 };
        snprintf(copy, sizeof copy, "%s", text);
        char *times = cut(copy, '*');
        if (times && number(times, 10, &fault.times) < 0)
                return -EINVAL;
        char *when = cut(copy, '/');
        if (when && strcmp(when, "before") != 0)
                return -EINVAL;
        fault.before = when != NULL;
        char *where = cut(copy, '@');
        if (!where || read_where(where, &fault) < 0 || read_kind(copy, &fault) < 0 ||
                faults->count == FAULTS_MAX)
                return -EINVAL;
        faults->rows[faults->count++] = fault;
        return 0;
}

static bool is_meant(const struct fault *fault, int ins, bool with_data)
{
        if (fault->ins < 0)
                return fault->n == 1;
        return fault->ins == ins && (ins != 0x20 || with_data);
}

struct fault fault_strikes(struct mock_faults *faults, int ins, bool with_data)
{
        struct fault struck = { .kind = FAULT_NONE };
        for (size_t i = 0; i < faults->count; i++) {
                struct fault *fault = &faults->rows[i];
                if (struck.kind == FAULT_NONE && fault->times > 0 &&
                        is_meant(fault, ins, with_data)) {
                        fault->times--;
                        struck = *fault;
                        fault->ins = -1; /* and the ones that follow at once */
                        fault->n = 1;
                } else if (fault->ins < 0 && fault->n > 1) {
                        fault->n--;
                }
        }
        return struck;
}

bool fault_next_is(const struct mock_faults *faults, enum fault_kind kind)
{
        for (size_t i = 0; i < faults->count; i++)
                if (faults->rows[i].kind == kind && faults->rows[i].times > 0 &&
                        faults->rows[i].ins < 0 && faults->rows[i].n == 1)
                        return true;
        return false;
}

void fault_done(struct mock_faults *faults, enum fault_kind kind)
{
        for (size_t i = 0; i < faults->count; i++)
                if (faults->rows[i].kind == kind && faults->rows[i].times > 0 &&
                        faults->rows[i].n == 1)
                        faults->rows[i].times--;
}
