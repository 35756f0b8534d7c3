/* SPDX-License-Identifier: Apache-2.0 */
/* relying_internal.h: the two judgements behind a signed request's signature. */
#ifndef MOHR_RELYING_INTERNAL_H
#define MOHR_RELYING_INTERNAL_H

#include "client-sdk/signer.h"
#include "daemon/relying.h"

#define RELYING_TYP      "oauth-authz-req+jwt" /* RFC 9101 section 10.8 */
#define RELYING_AUD      "urn:mohr:daemon"
#define RELYING_LIFE_MAX 600 /* seconds from iat to exp */
#define RELYING_SKEW     60  /* seconds that two clocks may differ */

/* relying_certificate.c: is it an organisation's, and by which name? 0 or OUTCOME_POLICY. */
_must_check_ int relying_organization(
        const struct signer *signer, char dst[static 257], const char **ret_detail);
/* Does the certificate speak for this URI? 0, OUTCOME_POLICY or -ENOMEM. */
_must_check_ int relying_speaks_for(X509 *cert, const char *uri, const char **ret_detail);

/* relying_payload.c: every member, and nothing else; the times as of now. */
_must_check_ int relying_read_payload(
        const json_t *payload, int64_t now, struct relying_request *ret, const char **ret_detail);

#endif
