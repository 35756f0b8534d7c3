/* SPDX-License-Identifier: Apache-2.0 */
/* evidence_time.c: the timestamps of a bundle (RFC 3161), the renewal of old ones, asking for new ones.
 *
 * Each timestamp is over the body as it was when it was made: content and the timestamps before it. So the
 * next one seals the last, before its keys and digests are too old to be believed (RFC 4998 has the idea),
 * and every file there ever was can be written again from the last one. An old timestamp has to hold only as
 * of the time of the next; the newest as of the time of the check.
 */
#include "client-sdk/evidence.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/base64.h"
#include "client-sdk/members.h"
#include "client-sdk/timestamp.h"
#include "client-sdk/trust.h"

#include <stdio.h>
#include <time.h>

#define ORDER_SKEW 60 /* seconds by which the clocks of two authorities may differ */

struct look {
        const struct evidence *evidence;
        X509_STORE *anchors; /* NULL: nobody vouches */
        size_t index;
        int64_t at;
        struct timestamp found;
        char why[TIMESTAMP_WHY_MAX];
};

static int look_at(struct look *look)
{
        const struct evidence *e = look->evidence;
        _cleanup_free_ char *body = evidence_body(e->content, e->timestamps, look->index);
        uint8_t *token = NULL;
        size_t len = 0;
        if (!body)
                return -ENOMEM;
        const struct timestamp_terms terms = {
                .data = body, .len = strlen(body), .anchors = look->anchors, .at = look->at
        };
        int r = evidence_unpack(
                json_array_get(e->timestamps, look->index), TIMESTAMP_MAX, &token, &len);
        if (r == -EBADMSG) {
                snprintf(look->why, sizeof look->why, "form");
                return OUTCOME_INVALID;
        }
        if (r == 0)
                r = timestamp_judge(token, len, &terms, &look->found, look->why);
        free(token);
        return r;
}

static json_t *tell(const struct timestamp *timestamp)
{
        char at[24];
        text_iso8601(at, timestamp->at);
        const struct member rows[] = {
                { "at", at },
                { "authority", timestamp->authority },
                { "policy", timestamp->policy },
        };
        json_t *told = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (told && json_object_set_new(told, "trusted", json_boolean(timestamp->trusted)) == 0 &&
                (timestamp->accuracy_ms < 0 || json_object_set_new(told, "accuracy_ms",
                                                       json_integer(timestamp->accuracy_ms)) == 0))
                return told;
        json_decref(told);
        return NULL;
}

/* From the newest, which must hold at the time of the check, to the first. */
int evidence_time(const struct evidence *evidence, const struct mohr_trust *authorities, int64_t at,
        json_t **ret_told, int64_t *ret_first, char detail[static 64])
{
        _cleanup_json_ json_t *told = json_array();
        struct look look = { .evidence = evidence,
                .anchors = authorities ? authorities->scopes[TRUST_CITIZENS].store : NULL,
                .at = at };
        int r = told ? 0 : -ENOMEM;
        for (size_t i = json_array_size(evidence->timestamps); r == 0 && i > 0; i--) {
                look.index = i - 1;
                r = look_at(&look);
                if (r == 0 && look.anchors && look.found.at > look.at + ORDER_SKEW) {
                        snprintf(look.why, sizeof look.why, "order");
                        r = OUTCOME_INVALID;
                }
                if (r == 0 && json_array_insert_new(told, 0, tell(&look.found)) < 0)
                        r = -ENOMEM;
                look.at = look.found.at;
        }
        if (r == OUTCOME_INVALID)
                snprintf(detail, 64, "%zu: %.48s", look.index + 1, look.why);
        if (r != 0)
                return r;
        bool believed = look.anchors && json_array_size(told) > 0;
        *ret_first = believed ? look.found.at : 0;
        *ret_told = told;
        told = NULL;
        return 0;
}

/* ---- asking for one ---- */

static int read_bundle(const char *bundle, size_t len, struct evidence *ret)
{
        enum mohr_reason reason;
        const char *detail;
        int r = evidence_read(bundle, len, ret, &reason, &detail);
        return r == 0 && reason != MOHR_REASON_OK ? OUTCOME_INVALID : r;
}

int mohr_evidence_timestamp_request(
        const char *bundle, size_t len, unsigned char **ret, size_t *ret_len)
{
        _cleanup_evidence_ struct evidence e = { 0 };
        int r = read_bundle(bundle, len, &e);
        if (r != 0)
                return r;
        size_t count = json_array_size(e.timestamps);
        if (count == EVIDENCE_TIMESTAMPS_MAX)
                return OUTCOME_INVALID;
        _cleanup_free_ char *body = evidence_body(e.content, e.timestamps, count);
        if (!body)
                return -ENOMEM;
        return timestamp_request(body, strlen(body), count > 0, ret, ret_len);
}

/* Appends the token in the response, whatever it is worth. */
static int append(struct evidence *e, const void *request, size_t request_len, const void *response,
        size_t response_len, char *why)
{
        unsigned char *token = NULL;
        size_t len = 0;
        int r = timestamp_response(request, request_len, response, response_len, &token, &len, why);
        if (r != 0)
                return r;
        r = json_array_append_new(e->timestamps, base64_json(token, len)) < 0 ? -ENOMEM : 0;
        free(token);
        return r;
}

/* All of them must hold: one that does not is not worth renewing. */
static int judge(const struct evidence *e, const struct mohr_trust *authorities, int64_t at,
        char *problem, size_t problem_cap)
{
        _cleanup_json_ json_t *told = NULL;
        struct look newest = { .evidence = e,
                .anchors = authorities->scopes[TRUST_CITIZENS].store,
                .index = json_array_size(e->timestamps) - 1,
                .at = at };
        char detail[64] = "";
        int64_t first;
        int r = look_at(&newest);
        if (r == OUTCOME_INVALID)
                snprintf(problem, problem_cap, "%s", newest.why);
        if (r != 0)
                return r;
        r = evidence_time(e, authorities, at, &told, &first, detail);
        if (r == OUTCOME_INVALID)
                snprintf(problem, problem_cap, "an earlier one does not hold: %s", detail);
        return r;
}

int mohr_evidence_timestamp_add(const char *bundle, size_t len, const void *request,
        size_t request_len, const void *response, size_t response_len,
        const struct mohr_trust *authorities, int64_t at, char **ret, char *problem,
        size_t problem_cap)
{
        _cleanup_evidence_ struct evidence e = { 0 };
        char why[TIMESTAMP_WHY_MAX] = "no evidence bundle";
        int r = read_bundle(bundle, len, &e);
        if (r == 0)
                r = append(&e, request, request_len, response, response_len, why);
        if (r == OUTCOME_INVALID)
                snprintf(problem, problem_cap, "%s", why);
        if (r == 0)
                r = judge(&e, authorities, at ? at : (int64_t)time(NULL), problem, problem_cap);
        if (r != 0)
                return r;
        return evidence_seal(e.content, e.timestamps, json_array_size(e.timestamps), ret);
}
