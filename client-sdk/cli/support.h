/* SPDX-License-Identifier: Apache-2.0 */
/* support.h: what the parts of mohr support-bundle share: a part is a name, a sentence about it, and its text.
 *
 * Nothing of a holder may be in it: no PIN, no name, no number, no audience, no nonce. That does not rest on looking for such
 * things. What people or apps may have written is kept only where its form cannot hold them: known words, small numbers,
 * words of our own code; all else becomes "..." (client-sdk/redact.h). The history is never opened.
 *
 *   support.c         the command: the list, the file
 *   support_parts.c   findings, versions, readers, units
 *   support_config.c  the settings
 *   support_log.c     the last lines of mohrd's log
 *   support_run.c     what another program prints, found in PATH
 *   support_tar.c     the archive
 */
#ifndef MOHR_CLI_SUPPORT_H
#define MOHR_CLI_SUPPORT_H

#include "client-sdk/cli/cli.h"
#include "client-sdk/redact.h"

#define SUPPORT_TEXT_MAX (512 * 1024)

/* The subcommand, as those of cli.h. */
int command_support_bundle(struct cli *cli, int argc, char **argv);

struct support_part {
        const char *name, *what; /* what: untranslated, for the list */
        char *text;
        size_t len;
};

/* Each fills the text of its part. */
typedef void (*support_fill)(struct redacted *to);
void support_doctor(struct redacted *to);
void support_versions(struct redacted *to);
void support_readers(struct redacted *to);
void support_units(struct redacted *to);
void support_config(struct redacted *to);
void support_log(struct redacted *to);

/* What a program of PATH prints, at most cap - 1 bytes and ten seconds; its diagnostics are dropped. False: it is not there,
 * failed, or did not end. */
_must_check_ bool support_run(const char *const *argv, char *dst, size_t cap);

/* The parts as a tar archive, gzipped; *ret_data to be freed. */
_must_check_ int support_archive(const struct support_part *parts, size_t count, int64_t when,
        unsigned char **ret_data, size_t *ret_len);

#endif
