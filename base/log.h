/* SPDX-License-Identifier: Apache-2.0 */
/* log.h: structured lines on stderr, and the one place where a log line is made.
 *
 * A line is `<N>mohrd[request]: message key=value ...` with the kernel's level prefix that journald
 * understands. Values are quoted and stripped of control characters here. What must not be logged
 * (PIN digits, certificates, names, card numbers, card data) has no function to log it with: there
 * is no format string for free text from outside, only log_kv pairs, and log_apdu, which takes the
 * four header bytes and the status word and nothing else (card-facts 7.2 rule 11).
 * A function either logs or returns an error, never both.
 */
#ifndef MOHR_LOG_H
#define MOHR_LOG_H

#include "base/base.h"

enum log_level {
        LOG_LEVEL_ERR = 3,
        LOG_LEVEL_WARNING = 4,
        LOG_LEVEL_NOTICE = 5,
        LOG_LEVEL_INFO = 6,
        LOG_LEVEL_DEBUG = 7
};

struct log {
        const char *program; /* borrowed */
        enum log_level max;
        int fd;     /* where lines go, usually 2 */
        bool plain; /* a person reads them: without the level's number for the journal */
        bool hasty; /* a line that cannot be written at once is lost: nobody waits for a terminal that was stopped */
};

/* `request` is the request id or NULL. Pairs are const char *key, const char *value, ... NULL; those
 * without a value are left out. */
void log_kv(const struct log *log, enum log_level level, const char *request, const char *message,
        ...) __attribute__((sentinel));
void log_apdu(const struct log *log, const uint8_t header[4], uint16_t sw);
/* "warning", "info", "debug"...; -EINVAL otherwise. */
_must_check_ int log_level_parse(const char *name, enum log_level *ret);

#endif
