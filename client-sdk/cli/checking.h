/* SPDX-License-Identifier: Apache-2.0 */
/* checking.h: what `verify` and `receipt` ask of an assertion, and whom they trust: one set of options,
 * read in one way, so that a receipt is never made on other terms than those it is checked on.
 */
#ifndef MOHR_CLI_CHECKING_H
#define MOHR_CLI_CHECKING_H

#include "client-sdk/cli/cli.h"

struct checking {
        const char *trust, *staff, *revocation_from; /* NULL: the store's */
        const char *tsa;     /* anchors of timestamping authorities, or NULL */
        const char *issuers; /* NULL: none but the store's */
        bool revocation_said;
        struct mohr_verify_options options;
};

/* Values of getopt_long() from here on are these; a command's own are below. */
enum {
        CHECKING_FIRST = 512,
        CHECKING_TRUST = CHECKING_FIRST,
        CHECKING_STAFF,
        CHECKING_AUDIENCE,
        CHECKING_NONCE,
        CHECKING_AT,
        CHECKING_ASKED_AT,
        CHECKING_ISSUERS,
        CHECKING_EXPIRED,
        CHECKING_REVOCATION,
        CHECKING_REVOCATION_FROM,
        CHECKING_REVOCATION_AGE,
        CHECKING_TSA,
        CHECKING_JSON,
};

/* Rows for a command's `struct option` table. */
/* clang-format off */
#define CHECKING_OPTIONS                                                   \
        { "trust", required_argument, NULL, CHECKING_TRUST },              \
        { "staff-anchors", required_argument, NULL, CHECKING_STAFF },      \
        { "audience", required_argument, NULL, CHECKING_AUDIENCE },        \
        { "nonce", required_argument, NULL, CHECKING_NONCE },              \
        { "at", required_argument, NULL, CHECKING_AT },                    \
        { "asked-at", required_argument, NULL, CHECKING_ASKED_AT },        \
        { "issuers", required_argument, NULL, CHECKING_ISSUERS },          \
        { "expired-cert", required_argument, NULL, CHECKING_EXPIRED },     \
        { "revocation", required_argument, NULL, CHECKING_REVOCATION },    \
        { "revocation-from", required_argument, NULL, CHECKING_REVOCATION_FROM }, \
        { "revocation-age", required_argument, NULL, CHECKING_REVOCATION_AGE }, \
        { "tsa-anchors", required_argument, NULL, CHECKING_TSA },          \
        { "json", no_argument, NULL, CHECKING_JSON }
/* clang-format on */

/* One of them, with optarg. 0, or 2 with the complaint already made. */
_must_check_ int checking_option(struct cli *cli, int option, struct checking *checking);
/* After the last of them: is what is needed there? As above. */
_must_check_ int checking_complete(struct cli *cli, struct checking *checking);

/* All of a file, or standard input for "-". White space around an assertion is the shell's and is taken off;
 * of a bundle or a receipt every byte counts. What is larger than anything that can be checked is cut, for
 * the verifier to refuse. */
struct checking_input {
        char *buffer; /* owned */
        const char *text;
        size_t len;
};
_must_check_ int checking_read(const char *file, struct checking_input *ret);
/* `cap` bytes of it, as they are. */
_must_check_ int checking_read_upto(const char *file, size_t cap, struct checking_input *ret);
/* Seconds since the epoch, or ISO 8601 in UTC; 0 if it is neither. */
int64_t checking_time(const char *text);
static inline void checking_free_input(struct checking_input *input)
{
        free(input->buffer);
}
#define _cleanup_input_ _cleanup_(checking_free_input)

/* What is trusted. 0, or an outcome that is reported already. */
_must_check_ int checking_trust(
        const struct cli *cli, const struct checking *checking, struct mohr_trust **ret);

/* Who is trusted for timestamps: *ret stays NULL where nobody was named. As above. */
_must_check_ int checking_authorities(
        const struct cli *cli, const struct checking *checking, struct mohr_trust **ret);

/* checking_revocation.c: the options about revocation, as checking_option(); prefer if nothing was said. */
_must_check_ int checking_revocation_option(struct cli *cli, int option, struct checking *checking);
void checking_revocation_complete(struct checking *checking);
/* What to do about an assertion that does not hold for this reason: a new one helps against most. */
const char *checking_revocation_next(enum mohr_reason reason);
/* What is known of revocation; what of it cannot be read is a warning, as the verdict says what it rests on. */
_must_check_ int checking_revocation_load(
        const struct cli *cli, const struct checking *checking, struct mohr_trust *trust);

/* The verdict in words on stderr: the outcome, the reason, which claim, and what may help. With --json stdout
 * has it all. */
void checking_explain(const struct cli *cli, const struct checking *checking,
        const struct mohr_trust *trust, const struct mohr_result *result, int outcome);
/* Which roots are missing, when nobody stands behind a certificate. */
void checking_explain_untrusted(
        const struct cli *cli, const struct checking *checking, const struct mohr_trust *trust);
/* What was not asked to be checked, as loudly as it deserves. `json` is mohr_result_json()'s. */
void checking_warn(const struct cli *cli, const char *json);

static inline void checking_free_trust(struct mohr_trust **trust)
{
        *trust = mohr_trust_free(*trust);
}

static inline void checking_free_result(struct mohr_result **result)
{
        *result = mohr_result_free(*result);
}
#define _cleanup_trust_  _cleanup_(checking_free_trust)
#define _cleanup_result_ _cleanup_(checking_free_result)

#endif
