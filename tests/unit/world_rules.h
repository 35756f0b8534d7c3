/* SPDX-License-Identifier: Apache-2.0 */
/* world_rules.h: what request_world.h's rules decide, and what its signed requests say: as the test wants it. */
#ifndef MOHR_TESTS_WORLD_RULES_H
#define MOHR_TESTS_WORLD_RULES_H

#include "daemon/policy.h"
#include "daemon/relying.h"
#include "tests/unit/world_state.h"

#define ORGANIZATION "Bank of Tests"

void policy_decide(const struct config *config, const struct policy_question *question,
        struct policy_decision *ret)
{
        (void)config;
        /* before any card is met, but for a list of keys, which may be two requests (keys_list.c) */
        assert_true(world.total == 0 || question->work == POLICY_KEYS);
        assert_true(question->work != POLICY_ASSERT || question->audience);
        claimset over = question->required & world.forbidden;
        *ret = (struct policy_decision){
                .consent = over ? POLICY_REFUSE : world.consent_mode,
                .required = question->required,
                .optional = question->optional & (claimset)~world.forbidden,
                .over = over,
                .pinpad = world.wants_pinpad,
                .no_simulated = world.wants_real,
                .assurance = world.wants_level,
                .detail = over || world.consent_mode == POLICY_REFUSE ? "a rule refuses" : NULL,
        };
}

int relying_check(const struct relying *relying, const char *jws, int64_t now,
        struct relying_request *ret, const char **ret_detail)
{
        (void)relying, (void)now;
        assert_string_equal(jws, "signed");
        if (world.relying_outcome != 0) {
                *ret_detail = "not signed well";
                return world.relying_outcome;
        }
        WORLD_CALM();
        *ret = (struct relying_request){
                .audience = strdup("https://bank.example"),
                .nonce = strdup("fedcba9876543210"),
                .purpose = strdup("an account"),
                .required = CLAIM_CARD_EXPIRY,
                .organization = ORGANIZATION,
                .organization_key = "00",
                .replay_key = "11",
        };
        WORLD_ON();
        return 0;
}

bool relying_knows_any(const struct relying *relying)
{
        return relying != NULL;
}

void relying_request_clear(struct relying_request *request)
{
        free(request->audience);
        free(request->nonce);
        free(request->purpose);
        free(request->expect_national_number);
        *request = (struct relying_request){ 0 };
}

#endif
