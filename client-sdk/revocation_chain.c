/* SPDX-License-Identifier: Apache-2.0 */
/* revocation_chain.c: see revocation_chain.h. What is not known is never told as good, and what was not asked
 * is told as such: "unchecked" always comes with its reason.
 */
#include "client-sdk/revocation_chain.h"

#include "base/text.h"
#include "client-sdk/members.h"

#include <stdio.h>

static const struct revocation_verdict not_asked = {
        .state = REVOCATION_UNKNOWN, .why = "policy-off", .source = "", .reason = ""
};
static const struct revocation_verdict too_long = {
        .state = REVOCATION_UNKNOWN, .why = "chain-too-long", .source = "", .reason = ""
};

void revocation_finding_clear(struct revocation_finding *finding)
{
        for (size_t i = 0; i < finding->count; i++)
                revocation_verdict_clear(&finding->verdicts[i]);
        *finding = (struct revocation_finding){ .told = false };
}

/* Who asks about this moment is not told that a certificate was good "then": a clock that is behind would
 * turn a revocation of yesterday into one of tomorrow. */
static void insist(struct revocation_verdict *verdict, const struct mohr_verify_options *options)
{
        if (options->at == 0 && verdict->state == REVOCATION_GOOD && verdict->revoked_at != 0) {
                verdict->state = REVOCATION_REVOKED;
                verdict->why = "";
        }
}

static int ask_each(const struct revocation_question *question, struct revocation_finding *finding)
{
        int links = sk_X509_num(question->chain) - 1; /* none of the anchor itself */
        if (links > REVOCATION_CHAIN_MAX) {
                finding->verdicts[finding->count++] = too_long;
                return 0;
        }
        for (int i = 0; i < links; i++) {
                struct revocation_verdict *verdict = &finding->verdicts[finding->count];
                int r = revocation_check(question->set, sk_X509_value(question->chain, i),
                        sk_X509_value(question->chain, i + 1), question->at,
                        question->options->revocation_age_s, verdict);
                if (r < 0)
                        return r;
                finding->count++;
                insist(verdict, question->options);
        }
        return 0;
}

static int badness(enum revocation_state state)
{
        static const int rows[] = {
                [REVOCATION_GOOD] = 0, [REVOCATION_UNKNOWN] = 1, [REVOCATION_REVOKED] = 2
        };
        return rows[state];
}

static bool decides(const struct revocation_verdict *a, const struct revocation_verdict *b)
{
        if (a->state != b->state)
                return badness(a->state) > badness(b->state);
        if ((a->why[0] != '\0') != (b->why[0] != '\0'))
                return a->why[0] != '\0';
        return a->state == REVOCATION_GOOD && a->as_of < b->as_of;
}

static enum mohr_reason reason_of(const struct revocation_finding *finding)
{
        enum revocation_state worst = finding->verdicts[finding->decisive].state;
        if (finding->policy == MOHR_REVOCATION_OFF || finding->count == 0)
                return MOHR_REASON_OK;
        if (worst == REVOCATION_REVOKED)
                return MOHR_REASON_REVOKED;
        return worst == REVOCATION_UNKNOWN && finding->policy == MOHR_REVOCATION_REQUIRE
                       ? MOHR_REASON_REVOCATION_UNKNOWN
                       : MOHR_REASON_OK;
}

int revocation_of_chain(const struct revocation_question *question, struct revocation_finding *ret,
        enum mohr_reason *ret_reason)
{
        struct revocation_finding finding = { .told = true,
                .policy = question->options->revocation };
        int r = 0;
        if (finding.policy == MOHR_REVOCATION_OFF)
                finding.verdicts[finding.count++] = not_asked;
        else
                r = ask_each(question, &finding);
        if (r < 0) {
                revocation_finding_clear(&finding);
                return r;
        }
        for (size_t i = 1; i < finding.count; i++)
                if (decides(&finding.verdicts[i], &finding.verdicts[finding.decisive]))
                        finding.decisive = i;
        *ret = finding;
        *ret_reason = reason_of(&finding);
        return 0;
}

bool revocation_is_known(const struct revocation_finding *finding)
{
        return finding->told && finding->policy != MOHR_REVOCATION_OFF && finding->count > 0 &&
               finding->verdicts[finding->decisive].state == REVOCATION_GOOD;
}

static const char *whose(size_t index)
{
        return index == 0 ? "leaf" : "issuer";
}

void revocation_detail(const struct revocation_finding *finding, char *dst, size_t cap)
{
        const struct revocation_verdict *verdict = &finding->verdicts[finding->decisive];
        const char *what = verdict->why[0] ? verdict->why : verdict->reason;
        snprintf(dst, cap, "%s%s%s", whose(finding->decisive), what[0] ? ": " : "", what);
}

/* ---- telling ------------------------------------------------------------------------------- */

static const char *iso(char dst[static 24], int64_t when)
{
        if (when == 0)
                return NULL;
        text_iso8601(dst, when);
        return dst;
}

static const char *or_nothing(const char *text)
{
        return text[0] ? text : NULL;
}

static json_t *tell_verdict(json_t *to, const struct revocation_verdict *verdict)
{
        static const char *const states[] = { [REVOCATION_GOOD] = "good",
                [REVOCATION_UNKNOWN] = "unchecked",
                [REVOCATION_REVOKED] = "revoked" };
        char as_of[24], next[24], revoked[24];
        const struct member rows[] = {
                { "state", states[verdict->state] },
                { "why", or_nothing(verdict->why) },
                { "source", or_nothing(verdict->source) },
                { "as_of", iso(as_of, verdict->as_of) },
                { "next_update", iso(next, verdict->next_update) },
                { "revoked_at", iso(revoked, verdict->revoked_at) },
                { "reason", or_nothing(verdict->reason) },
        };
        return to ? members_of(to, rows, ARRAY_LEN(rows)) : NULL;
}

static json_t *tell_each(const struct revocation_finding *finding)
{
        json_t *list = json_array();
        for (size_t i = 0; i < finding->count; i++) {
                const struct member row = { "certificate", whose(i) };
                json_t *one =
                        tell_verdict(members_of(json_object(), &row, 1), &finding->verdicts[i]);
                if (json_array_append_new(list, one) < 0) {
                        json_decref(list);
                        return NULL;
                }
        }
        return list;
}

json_t *revocation_json(const struct revocation_finding *finding)
{
        static const char *const policies[] = { [MOHR_REVOCATION_OFF] = "off",
                [MOHR_REVOCATION_PREFER] = "prefer",
                [MOHR_REVOCATION_REQUIRE] = "require" };
        const struct member row = { "policy", policies[finding->policy] };
        json_t *all = members_of(json_object(), &row, 1);
        if (finding->count > 0)
                all = tell_verdict(all, &finding->verdicts[finding->decisive]);
        if (finding->policy == MOHR_REVOCATION_OFF)
                return all;
        if (json_object_set_new(all, "certificates", tell_each(finding)) < 0) {
                json_decref(all);
                return NULL;
        }
        return all;
}
