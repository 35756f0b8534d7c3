/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.c: names of outcomes, from the one list in outcome.h. */
#include "base/outcome.h"

#include "base/base.h"

static const struct {
        int outcome;
        const char *name;
} names[] = {
#define X(number, id, text) { number, #text },
        OUTCOME_LIST(X)
#undef X
};

const char *outcome_name(int outcome)
{
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (names[i].outcome == outcome)
                        return names[i].name;
        return "Internal";
}

int outcome_from_name(const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (strcmp(names[i].name, name) == 0)
                        return names[i].outcome;
        return OUTCOME_INTERNAL;
}

bool outcome_is_refusal(int outcome)
{
        return outcome == OUTCOME_CARD_NOT_SUPPORTED || outcome == OUTCOME_NEEDS_ISSUER_KEYS ||
               outcome == OUTCOME_NO_STANDARD_SIGNATURE;
}
