/* SPDX-License-Identifier: Apache-2.0 */
/* trust.h: what the subcommands of mohr trust share. A person sees what a certificate is, in the same
 * words, wherever one is shown, added, listed or removed.
 */
#ifndef MOHR_CLI_TRUST_H
#define MOHR_CLI_TRUST_H

#include "client-sdk/appraise.h"
#include "client-sdk/assertion.h"
#include "client-sdk/cli/cli.h"
#include "client-sdk/store.h"

#include <jansson.h>

/* How each is used, on stdout. */
void trust_show_help(void);
/* The subcommands; argv[0] is the subcommand's name. They return an exit code. */
int trust_show(struct cli *cli, int argc, char **argv);
int trust_add(struct cli *cli, int argc, char **argv);
int trust_list(struct cli *cli, int argc, char **argv);
int trust_remove(struct cli *cli, int argc, char **argv);
int trust_fetch(struct cli *cli, int argc, char **argv); /* trust_fetch.c */
int trust_bundle(struct cli *cli, int argc, char **argv);
int trust_import(struct cli *cli, int argc, char **argv);

/* trust_words.c: a certificate as text on stdout, and as JSON (NULL: no memory). */
void trust_print(const struct cli *cli, const struct appraisal *appraisal);
json_t *trust_json(const struct appraisal *appraisal);
/* What stands against it, translated; "" for APPRAISAL_FIT. */
const char *trust_objection(enum appraisal_verdict verdict);
/* What trusting it would mean. */
const char *trust_meaning(const struct appraisal *appraisal, enum trust_use use);
/* Reports a file that holds no certificate; `r` as certfile_read() returned it. */
int trust_report_unreadable(const struct cli *cli, int r, const char *problem);
/* A JSON value on stdout; the exit code. */
int trust_print_json(const struct cli *cli, const json_t *json);
/* What could not be written or taken away, and why; 70. */
int trust_report_unwritten(const struct cli *cli, int r);
/* Hex without colons and spaces, in lower case. */
void trust_plain_hex(const char *text, char *dst, size_t cap);
/* trust_ages.c: the bundles and CRLs of the store with their days, as rows, and how many are overdue. */
_must_check_ int trust_ages(
        const struct cli *cli, bool print, json_t *bundles, json_t *lists, size_t *ret_overdue);
/* As PREFIX<fingerprint>.pem; *ret_path, to be freed, may be NULL. */
_must_check_ int trust_store_certificate(enum store_level level, enum store_kind kind,
        const char *prefix, const char *fingerprint, const uint8_t *der, size_t len,
        char **ret_path);

#endif
