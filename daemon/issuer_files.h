/* SPDX-License-Identifier: Apache-2.0 */
/* issuer_files.h: issuing CAs that cards showed, kept over a restart: STATE/issuers/<SHA-256>.der.
 *
 * Only what led to an anchor is put there, and what is read from there must lead to one again: a file is
 * no reason to believe anything. What is lost is read from the next card. At most sixteen, the oldest goes
 * first. Nobody waits for the disk: a file that a power cut tore is passed over, and written again when such a card comes.
 */
#ifndef MOHR_ISSUER_FILES_H
#define MOHR_ISSUER_FILES_H

#include "client-sdk/trust.h"

#include "base/base.h"

#define ISSUER_FILES_MAX 16

/* Calls back for each that leads to one of the anchors for citizens. 0; 21 with the problem, when the folder or one of its
 * files cannot be relied on; the others are good. */
_must_check_ int issuer_files_read(const char *state_dir, const struct mohr_trust *anchors,
        void (*take)(void *user, X509 *issuer), void *user, char *problem, size_t problem_cap);
/* One that leads to an anchor. */
_must_check_ int issuer_files_keep(const char *state_dir, X509 *issuer);

#endif
