/* SPDX-License-Identifier: Apache-2.0 */
/* config_check.c: see config_check.h. For whoever changes a file: mohrd reads it at its next start alone, and one that does not start
 * for a wrong line serves nobody. It reads as mohrd does, by the same code, as the user who runs it; nothing is started.
 */
#include "daemon/config_check.h"

#include "daemon/policy_rule.h"
#include "daemon/relying.h"

#include <stdio.h>

static unsigned int count(const struct config *config, enum config_origin origin)
{
        unsigned int rules = 0;
        for (const struct rule *rule = config->rules; rule; rule = rule->next)
                rules += rule->origin == origin;
        return rules;
}

static void tell(const struct config *config)
{
        printf("The configuration is good. Rules of the administrator: %u, of this user: %u\n",
                count(config, CONFIG_ROOTS), count(config, CONFIG_USERS));
        for (const struct rule *rule = config->rules; rule; rule = rule->next) {
                const struct rule *first = rule_behind(config, rule);
                if (first)
                        printf("%s:%u: [rule %s] never counts: [rule %s] (%s:%u) stands before it "
                               "and matches all that it does\n",
                                rule->file, rule->line, rule->name, first->name, first->file,
                                first->line);
        }
}

int config_check(int argc, char *const *argv, char *error, size_t error_cap)
{
        _cleanup_config_ struct config *config = NULL;
        struct relying *relying = NULL;
        int r = config_load(&config, argc - 1, argv + 1, error, error_cap);
        if (r == 0)
                r = relying_new(&relying, config, error, error_cap);
        relying_free(relying);
        if (r == 0)
                tell(config);
        return r;
}
