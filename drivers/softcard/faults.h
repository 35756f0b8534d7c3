/* SPDX-License-Identifier: Apache-2.0 */
/* faults.h: what goes wrong, where, and at which side of the card's own work; see faults.c. */
#ifndef MOHR_SOFTCARD_FAULTS_H
#define MOHR_SOFTCARD_FAULTS_H

#include "base/bytes.h"

struct softcard;

enum fault_kind {
        FAULT_REMOVAL,
        FAULT_RESET,
        FAULT_MUTE,
        FAULT_TRUNCATE,
        FAULT_SW_ONLY,
        FAULT_OVERSIZE,
        FAULT_WRONG_DER_LENGTH,
        FAULT_GARBAGE,
        FAULT_WRONG_SW,
};
enum fault_when { FAULT_BEFORE, FAULT_LOST, FAULT_AFTER };
enum fault_where { FAULT_EXCHANGE, FAULT_TOTAL, FAULT_COMMAND };

enum fault_command {
        COMMAND_OTHER,
        COMMAND_SELECT,
        COMMAND_READ,
        COMMAND_VERIFY,
        COMMAND_EMPTY_VERIFY,
        COMMAND_MSE,
        COMMAND_HASH,
        COMMAND_CDS,
        COMMAND_GET_RESPONSE,
        COMMAND_COUNTER,
        COMMAND_KEY_QUERY,
        COMMAND_GET_DATA,
        COMMAND_AUTHENTICATE,
        COMMAND_CHANGE,
        COMMAND_UNBLOCK,
        COMMAND_COUNT,
};

struct fault {
        enum fault_kind kind;
        enum fault_when when;
        enum fault_where where;
        enum fault_command command;
        unsigned int n;     /* the n-th exchange, or the n-th such command since start */
        unsigned int value; /* ms, status word or length, by kind; 0: the kind's default */
        bool done;
};

#define FAULTS_MAX 16
struct faults {
        struct fault rows[FAULTS_MAX];
        size_t count;
        unsigned int exchange, total; /* since power on, since start */
        unsigned int seen[COMMAND_COUNT];
};

/* "KIND[:NUMBER|=XXXX]@WHERE[:WHEN]"; -EINVAL. */
_must_check_ int fault_parse(struct faults *faults, const char *text);
/* Counts the command and returns the fault that is due at it, or NULL. */
const struct fault *fault_due(struct faults *faults, const uint8_t *cmd, size_t len);
/* The card or its surroundings suffer: removal, reset, mute. 0 or an outcome for the caller. */
_must_check_ int fault_strike(struct softcard *card, const struct fault *fault);
static inline bool fault_is_of_answer(const struct fault *fault)
{
        return fault->kind >= FAULT_TRUNCATE;
}
/* Changes the raw answer (data and status word) in rsp[cap]. */
void fault_spoil(const struct fault *fault, uint8_t *rsp, size_t cap, size_t *len);

#endif
