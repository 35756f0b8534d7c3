/* SPDX-License-Identifier: Apache-2.0 */
/* request_assert.c: the kind of request that all others were made after: an identity assertion.
 *
 * The text to be signed is composed by one function, once before the prompt as a rehearsal and once after the PIN
 * was accepted; identity comes from the leaf alone (client-sdk/assertion.h). Nothing an app says is signed but what docs/assertion.md
 * has a claim for.
 */
#include "daemon/request_internal.h"

#include "base/text.h"

#include <sys/timex.h>

#define STATION_TEXT_SIZE 128 /* bytes with the NUL: what docs/assertion.md allows, less one */

static bool clock_synchronised(void)
{
        struct timex clock = { 0 };
        int state = adjtimex(&clock);
        return state >= 0 && state != TIME_ERROR && !(clock.status & STA_UNSYNC);
}

static const char *or_null(const char *text)
{
        return *text ? text : NULL;
}

static const char *pin_entry(const struct request *request)
{
        if (request->pinpad)
                return ask_on_phone(request) ? "phone" : "pinpad";
        return request->on_screen ? "screen" : "pinentry";
}

static int compose_text(
        struct request *request, const struct request_subject *subject, const char **ret_detail)
{
        const struct known_card *card = &request->card;
        bool piv = subject->family == CARD_PIV;
        char reader_name[STATION_TEXT_SIZE];
        text_sanitize(reader_name, sizeof reader_name, subject->reader, sizeof reader_name);
        const struct assertion_request asked = {
                .audience = request->audience,
                .nonce = request->nonce,
                .purpose = request->purpose,
                .expect_national_number = request->expect_national_number,
                .station = request->station,
                .declined = (claimset)(CLAIMS_ALL & ~request->released),
        };
        const struct assertion_facts facts = {
                .issuer_id = subject->id,
                .now = subject->when,
                .auth_time = subject->when,
                .life = ASSERTION_LIFE,
                .clock_synchronised = clock_synchronised(),
                .pin_entry = pin_entry(request),
                .software = "mohr " MOHR_VERSION,
                .reader = or_null(reader_name),
                .card = {
                        .generation = piv ? NULL : card_generation_name(card->identity.generation),
                        .family = piv ? "piv" : NULL,
                        .expiry = or_null(card->expiry),
                        .expiry_raw = or_null(card->expiry_raw),
                        .simulated = subject->simulated,
                },
        };
        free(request->signing_input);
        request->signing_input = NULL;
        return assertion_signing_input(&asked, &facts, subject->leaf, subject->issuer,
                &request->signing_input, ret_detail);
}

static int assert_compose(void *user, const struct request_subject *subject,
        struct request_to_sign *ret, const char **ret_detail)
{
        struct request *request = user;
        int r = compose_text(request, subject, ret_detail);
        if (r != 0)
                return r;
        ret->method = SIGN_METHOD_COUNT;
        return assertion_digest(request->signing_input, subject->leaf, ret->bytes, &ret->len);
}

static int assert_finish(void *user, const struct request_subject *subject,
        const uint8_t *signature, size_t len, const char **ret_detail)
{
        struct request *request = user;
        (void)ret_detail;
        return assertion_finish(
                request->signing_input, subject->leaf, signature, len, &request->assertion);
}

static json_t *values_of(const struct request *request)
{
        const struct leaf *facts = &request->card.chain.facts;
        return facts->class == LEAF_STAFF
                       ? json_pack("{s:s, s:s}", "name", facts->common_name, "employee_number",
                                 facts->employee_number)
                       : json_pack("{s:s, s:s, s:s}", "given_name", facts->given_name,
                                 "family_name", facts->family_name, "card_number",
                                 facts->card_number);
}

static void assert_end(void *user, struct history_ended *ended)
{
        struct request *request = user;
        const struct config *config = request->context->config;
        claimset asked = request->required | request->optional;
        ended->assertion = request->assertion;
        ended->released = request->released;
        ended->declined = (claimset)(asked & ~request->released);
        ended->remember = request->remember;
        if (config->history_values && !config->history_station)
                ended->values = request->values = values_of(request);
}

const struct request_work request_assert_work = {
        .method = "Assert",
        .policy = POLICY_ASSERT,
        .compose = assert_compose,
        .finish = assert_finish,
        .end = assert_end,
};
