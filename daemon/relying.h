/* SPDX-License-Identifier: Apache-2.0 */
/* relying.h: a relying party that proves who it is: its request is a signed JWS (in the manner of RFC 9101) with
 * its certificate in `x5c`, under anchors that the administrator configured. docs/relying-parties.md has the form.
 *
 * What a signed request says replaces what the caller could say beside it: audience, nonce, purpose, claims. Whoever
 * delivers it learns the answer, though: the signature tells who wants to know, not who asks here.
 */
#ifndef MOHR_RELYING_H
#define MOHR_RELYING_H

#include "client-sdk/claimset.h"
#include "daemon/config.h"

#include <sys/types.h>

#define RELYING_REQUEST_MAX 8192 /* bytes of the compact serialisation */

struct relying; /* the configured anchors */
/* Without anchors every signed request is refused. OUTCOME_USAGE if those that are configured cannot be used; `error`
 * then is an English line that names the file. They must be root's. */
_must_check_ int relying_new(
        struct relying **ret, const struct config *config, char *error, size_t error_cap);
/* The same for anchors (NULL: none) that must belong to this user. */
_must_check_ int relying_load(
        struct relying **ret, const char *anchors, uid_t owner, char *error, size_t error_cap);
struct relying *relying_free(struct relying *relying);
bool relying_knows_any(const struct relying *relying); /* there are anchors */

struct relying_request {                  /* zero-initialised; freed by relying_request_clear() */
        char *audience, *nonce, *purpose; /* purpose may be NULL */
        char *expect_national_number;     /* or NULL */
        claimset required, optional;
        char organization[257]; /* shown: what its certificate calls it, sanitised; never "" */
        char organization_key
                [65]; /* SHA-256 of its certificate, lower-case hex: what a grant is keyed to */
        char replay_key[65]; /* names this very request: SHA-256 of iss and jti, lower-case hex */
};
/* 0; OUTCOME_POLICY (signature, chain, expired, not meant for us, asks for an audience that is not its own to ask
 * for), OUTCOME_INVALID (form). *ret_detail is static English text that says which; negative: broken. Whether it
 * was seen before is for whoever remembers: by its replay_key. */
_must_check_ int relying_check(const struct relying *relying, const char *jws, int64_t now,
        struct relying_request *ret, const char **ret_detail);
void relying_request_clear(struct relying_request *request);

#endif
