/* SPDX-License-Identifier: Apache-2.0 */
/* renew_rules.c: what the configuration's rules say to a new PIN, before any card is touched, and to reader and card once they are
 * known. Such a request has no audience and releases nothing, so that claims and assurance say nothing about it.
 */
#include "daemon/renew_internal.h"

int renew_judge_rules(struct renew *renew, struct out *args)
{
        const struct policy_question question = { .work = POLICY_PINS, .peer = &renew->peer };
        (void)args;
        policy_decide(renew->context->config, &question, &renew->decision);
        if (renew->decision.consent != POLICY_REFUSE)
                return 0;
        renew->detail = renew->decision.detail;
        renew_note_refusal(renew);
        return OUTCOME_POLICY;
}

/* A new PIN is typed on the computer: who has a reader with keys wants no PIN typed there, and neither does such a rule. */
int renew_allows_card(struct renew *renew, bool keys)
{
        const struct policy_decision *decision = &renew->decision;
        if (keys)
                renew->detail = DETAIL_READER_KEYS;
        else if (decision->pinpad)
                renew->detail =
                        "a rule wants PINs typed on the keys of a card reader, where no new "
                        "one can be";
        else if (decision->no_simulated && renew->simulated)
                renew->detail = "a rule forbids simulated cards here";
        if (!renew->detail)
                return 0;
        renew_note_refusal(renew);
        return OUTCOME_POLICY;
}
