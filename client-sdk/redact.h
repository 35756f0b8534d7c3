/* SPDX-License-Identifier: Apache-2.0 */
/* redact.h: what may be given to somebody who must not learn whom it is about.
 *
 * What people or apps may have written is kept only where its form cannot hold a name, a number or a PIN: known words, small
 * numbers, words of our own code; all else becomes "..." or is left out. Nothing here looks for secrets: one that is not
 * recognised would go along.
 */
#ifndef MOHR_REDACT_H
#define MOHR_REDACT_H

#include "base/base.h"

#define REDACTED "..."

/* Text that grows; what does not fit any more is left out. Zeros but for `text`, of `cap` bytes, which begins with a NUL. */
struct redacted {
        char *text;
        size_t cap, len;
};
_printf_(2, 3) void redact_add(struct redacted *to, const char *format, ...);

/* A file of settings (mohr.conf(5)), which is torn on the way. */
void redact_settings(struct redacted *to, char *text);
/* `mohrd[0123...]: message key="value"`, as the journal has it, of this time. False: it is no line of mohrd's, and nothing of
 * it was added. */
_must_check_ bool redact_log_line(struct redacted *to, const char *line, int64_t when);
/* `Name=value` of systemd's, whose value is a word or a small number; a path or a description is neither. */
_must_check_ bool redact_is_state(const char *line);
/* A reader's name may carry its serial number: runs of more than three digits become '#'. In place. */
void redact_digits(char *name);

#endif
