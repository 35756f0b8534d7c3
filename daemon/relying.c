/* SPDX-License-Identifier: Apache-2.0 */
/* relying.c: a list of steps, each of which may only find a reason to stop. Nothing of the payload is parsed before
 * the chain and the signature hold, and nothing is told of a request that was refused.
 *
 * The key is the certificate's and the certificate is the header's, under our own anchors: a header with any other
 * member, or an algorithm that is not for that kind of key, is refused before a signature is looked at
 * (RFC 8725 sections 3.1 and 3.10). What is signed is told apart from everything else by its `typ`
 * (section 3.11). Whether the certificate was revoked is not asked: docs/relying-parties.md says what that means.
 */
#include "daemon/relying.h"
#include "daemon/relying_internal.h"

#include "base/outcome.h"
#include "client-sdk/base64.h"
#include "client-sdk/compact.h"
#include "client-sdk/members.h"
#include "client-sdk/trust.h"

#include <stdio.h>
#include <sys/stat.h>

#define SIG_MAX 512

struct relying {
        struct mohr_trust *trust; /* NULL: nobody is believed */
};

/* Whoever can write to it says who is believed. One that is not there is told of when it is read. */
static bool is_owners(const char *path, uid_t owner)
{
        struct stat st;
        return stat(path, &st) < 0 || (st.st_uid == owner && !(st.st_mode & (S_IWGRP | S_IWOTH)));
}

static int load(struct relying *relying, const char *anchors, uid_t owner, char *error, size_t cap)
{
        if (!is_owners(anchors, owner)) {
                snprintf(error, cap,
                        "%s: it must belong to uid %u, and nobody else may write to it", anchors,
                        owner);
                return OUTCOME_USAGE;
        }
        int r = mohr_trust_load(&relying->trust, anchors, error, cap);
        return r > 0 ? OUTCOME_USAGE : r;
}

int relying_load(
        struct relying **ret, const char *anchors, uid_t owner, char *error, size_t error_cap)
{
        struct relying *relying = calloc(1, sizeof *relying);
        if (!relying)
                return -ENOMEM;
        int r = anchors ? load(relying, anchors, owner, error, error_cap) : 0;
        if (r == 0)
                *ret = relying;
        else
                relying_free(relying);
        return r;
}

int relying_new(struct relying **ret, const struct config *config, char *error, size_t error_cap)
{
        return relying_load(ret, config->relying_anchors, 0, error, error_cap);
}

struct relying *relying_free(struct relying *relying)
{
        if (relying)
                mohr_trust_free(relying->trust);
        free(relying);
        return NULL;
}

bool relying_knows_any(const struct relying *relying)
{
        return relying->trust != NULL;
}

void relying_request_clear(struct relying_request *request)
{
        free(request->audience);
        free(request->nonce);
        free(request->purpose);
        free(request->expect_national_number);
        *request = (struct relying_request){ 0 };
}

struct check {
        const struct relying *relying;
        int64_t now;
        const char *jws;
        struct compact parts;
        struct signer *signer;
        json_t *payload;
        struct relying_request request;
        const char *detail;
};

typedef int (*step_t)(struct check *c);

static int refuse(struct check *c, int outcome, const char *detail)
{
        c->detail = detail;
        return outcome;
}

/* What the reasons of reading a header and judging a chain are for whoever asks. */
static int refuse_reason(struct check *c, enum mohr_reason reason)
{
        static const struct {
                enum mohr_reason reason;
                int outcome;
                const char *detail;
        } rows[] = {
                { MOHR_REASON_HEADER, OUTCOME_INVALID,
                        "the signed request's header is not alg, typ and x5c" },
                { MOHR_REASON_CRITICAL, OUTCOME_INVALID,
                        "the signed request's header has a member crit" },
                { MOHR_REASON_TYPE, OUTCOME_INVALID,
                        "the signed request's typ is not " RELYING_TYP },
                { MOHR_REASON_ALGORITHM, OUTCOME_INVALID,
                        "the signed request's alg is not known, or not for its kind of key" },
                { MOHR_REASON_CERTIFICATE, OUTCOME_INVALID,
                        "the signed request's x5c is not 1 to 4 certificates" },
                { MOHR_REASON_CERTIFICATE_ORDER, OUTCOME_INVALID,
                        "the signed request's x5c is not a chain from its signer upwards" },
                { MOHR_REASON_KEY, OUTCOME_POLICY,
                        "the signed request's key is of a size or curve that is not fit" },
                { MOHR_REASON_KEY_USAGE, OUTCOME_POLICY,
                        "the signed request's certificate is not for digital signatures" },
                { MOHR_REASON_UNTRUSTED, OUTCOME_POLICY,
                        "the signed request's certificate leads to no configured anchor" },
                { MOHR_REASON_CERTIFICATE_NOT_YET_VALID, OUTCOME_POLICY,
                        "the signed request's certificate is not valid yet" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].reason == reason)
                        return refuse(c, rows[i].outcome, rows[i].detail);
        return refuse(
                c, OUTCOME_POLICY, "the signed request's chain of certificates does not hold");
}

static int step_anchors(struct check *c)
{
        return c->relying->trust ? 0 : refuse(c, OUTCOME_POLICY, DETAIL_NO_RELYING_PARTIES);
}

static int step_split(struct check *c)
{
        size_t len = strnlen(c->jws, RELYING_REQUEST_MAX + 1);
        if (len > RELYING_REQUEST_MAX)
                return refuse(c, OUTCOME_INVALID, "the signed request is over 8192 bytes");
        if (!compact_split(c->jws, len, &c->parts))
                return refuse(c, OUTCOME_INVALID, "the signed request is no compact JWS");
        return 0;
}

/* Text in `json`; bytes, or the refusal in *ret. */
static ssize_t decode(struct check *c, const struct compact_part *part,
        uint8_t json[static RELYING_REQUEST_MAX], int *ret)
{
        ssize_t len = base64_decode(BASE64_URL, json, RELYING_REQUEST_MAX, part->text, part->len);
        if (len < 0)
                *ret = refuse(c, OUTCOME_INVALID, "the signed request is no base64url");
        return len;
}

static int step_signer(struct check *c)
{
        uint8_t json[RELYING_REQUEST_MAX];
        enum mohr_reason reason = MOHR_REASON_OK;
        int r = 0;
        ssize_t len = decode(c, &c->parts.header, json, &r);
        if (len < 0)
                return r;
        r = signer_read_as((char *)json, (size_t)len, RELYING_TYP, &c->signer, &reason);
        if (r < 0)
                return r;
        return reason == MOHR_REASON_OK ? 0 : refuse_reason(c, reason);
}

/* The trust object is of relying parties alone; in it they stand where citizens do. */
static int step_chain(struct check *c)
{
        struct chain_verdict verdict;
        int r = trust_check(c->relying->trust, c->signer, c->now, &verdict);
        if (r < 0)
                return r;
        if (verdict.reason != MOHR_REASON_OK)
                return refuse_reason(c, verdict.reason);
        if (verdict.leaf_expired || verdict.issuer_expired)
                return refuse(c, OUTCOME_POLICY, "the signed request's certificate has expired");
        return 0;
}

static int step_signature(struct check *c)
{
        uint8_t sig[SIG_MAX];
        const struct compact *parts = &c->parts;
        ssize_t len = base64_decode(
                BASE64_URL, sig, sizeof sig, parts->signature.text, parts->signature.len);
        int r = signer_begin(c->signer, parts->header.text, parts->header.len + 1);
        if (r < 0)
                return r;
        if (len <= 0 || !signer_verifies(c->signer, parts->payload.text, parts->payload.len, sig,
                                (size_t)len))
                return refuse(c, OUTCOME_POLICY, "the signed request's signature does not hold");
        return 0;
}

static int step_organization(struct check *c)
{
        /* describe()d when it was read; without memory it is "" */
        if (!c->signer->fingerprint[0])
                return -ENOMEM;
        memcpy(c->request.organization_key, c->signer->fingerprint,
                sizeof c->request.organization_key);
        return relying_organization(c->signer, c->request.organization, &c->detail);
}

static int step_payload(struct check *c)
{
        uint8_t json[RELYING_REQUEST_MAX];
        bool starved = false;
        int r = 0;
        ssize_t len = decode(c, &c->parts.payload, json, &r);
        if (len < 0)
                return r;
        c->payload = members_read((char *)json, (size_t)len, &starved);
        if (starved)
                return -ENOMEM;
        if (!json_is_object(c->payload))
                return refuse(c, OUTCOME_INVALID,
                        "the signed request's payload is no JSON object with each member once");
        return relying_read_payload(c->payload, c->now, &c->request, &c->detail);
}

static int step_audience(struct check *c)
{
        return relying_speaks_for(c->signer->certs[0], c->request.audience, &c->detail);
}

static const step_t steps[] = { step_anchors, step_split, step_signer, step_chain, step_signature,
        step_organization, step_payload, step_audience };

int relying_check(const struct relying *relying, const char *jws, int64_t now,
        struct relying_request *ret, const char **ret_detail)
{
        struct check c = { .relying = relying, .now = now, .jws = jws };
        int r = 0;
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(steps); i++)
                r = steps[i](&c);
        signer_unref(c.signer);
        json_decref(c.payload);
        if (r == 0) {
                *ret = c.request;
                return 0;
        }
        relying_request_clear(&c.request);
        if (r > 0)
                *ret_detail = c.detail;
        return r;
}
