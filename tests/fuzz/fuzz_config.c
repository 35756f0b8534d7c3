/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_config.c: any bytes as a configuration file. It is taken whole, or refused with one line that
 * names the file; and what is taken is within its bounds.
 */
#include "base/outcome.h"
#include "daemon/config.h"
#include "daemon/policy_rule.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t count(char *const *list)
{
        size_t n = 0;
        while (list[n])
                n++;
        return n;
}

static void check_rules(const struct rule *rules)
{
        const char *why;
        size_t count = 0;
        for (const struct rule *rule = rules; rule; rule = rule->next, count++) {
                require(rule->name[0] && rule->file && rule->line > 0);
                require(rule->who[0] != NULL);
                for (char *const *who = rule->who; *who; who++) {
                        require(rule_who_valid(*who, &why));
                        require(rule->consent != POLICY_GRANT || rule_who_grantable(*who, &why));
                }
                for (char *const *audience = rule->audience; *audience; audience++)
                        require(rule_audience_valid(*audience, &why));
        }
        require(count <= RULES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        char error[256] = "";
        struct config *config = calloc(1, sizeof *config);
        if (!config)
                return 0;
        int r = config_parse(
                config, CONFIG_ROOTS, (const char *)data, len, "fuzz.conf", error, sizeof error);
        require(r == 0 || r == OUTCOME_USAGE);
        require((r == 0) == (error[0] == 0));
        require(r == 0 || strncmp(error, "fuzz.conf:", 10) == 0);
        require(!strchr(error, '\n'));
        require(count(config->drivers) <= CONFIG_DRIVERS_MAX &&
                count(config->soft) <= CONFIG_OPTIONS_MAX);
        require(!config->anchors || config->anchors[0] == '/');
        require(!config->state_dir || config->state_dir[0] == '/');
        require(config->prompt_timeout_s <= 3600 && config->card_timeout_ms <= 60000);
        if (r == 0)
                check_rules(config->rules);
        config_free(config);
        return 0;
}
