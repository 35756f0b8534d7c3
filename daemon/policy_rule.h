/* SPDX-License-Identifier: Apache-2.0 */
/* policy_rule.h: one [rule NAME] as config_rules.c read it, and whether a question is one of those it speaks of.
 *
 * A pattern is a text, or a text with one `*` behind it that stands for any end. Bytes are compared as they are.
 */
#ifndef MOHR_POLICY_RULE_H
#define MOHR_POLICY_RULE_H

#include "daemon/policy.h"

#define RULES_MAX       64 /* of each kind of file */
#define RULE_NAME_MAX   64
#define RULE_VALUES_MAX 16 /* of who, of audience and of purpose */

struct rule {
        struct rule *next;
        char name[RULE_NAME_MAX + 1];
        char *file;
        unsigned int line;
        enum config_origin origin;
        char *who[RULE_VALUES_MAX + 1]; /* "any", "flatpak:ID", ...: whos[] in policy_rule.c */
        char *audience[RULE_VALUES_MAX + 1], *purpose[RULE_VALUES_MAX + 1]; /* none: any */
        char *plain[RULE_VALUES_MAX + 1]; /* of each audience, its plain spelling (audience.h) */
        unsigned int works;               /* set of 1 << enum policy_work; 0: any */
        claimset claims;                  /* that may go along */
        bool says_consent;
        enum policy_consent consent;
        bool pinpad, no_simulated;
        unsigned int assurance; /* client-sdk/assurance.h; 0: says nothing */
        struct limits limits;   /* 0: as [limits] */
        uint32_t seen;          /* keys met, by their rows in config_rules.c */
};

enum rule_match {
        RULE_MATCHES,
        RULE_OTHER_WORK,
        RULE_OTHER_WHO,
        RULE_USERS_UNIT,
        RULE_OTHER_AUDIENCE,
        RULE_OTHER_PURPOSE
};

/* Is this a form that `who` may have? And one that a grant may be keyed to? Static text in *ret_why if not. */
bool rule_who_valid(const char *who, const char **ret_why);
bool rule_who_grantable(const char *who, const char **ret_why);
bool rule_audience_valid(const char *audience, const char **ret_why);
/* The first rule of its list that stands before this one and matches whatever this one does, so that this one never counts; NULL:
 * none is sure to. */
const struct rule *rule_behind(const struct config *config, const struct rule *rule);
enum rule_match rule_match(const struct rule *rule, const struct policy_question *question);
struct rule *rule_free_all(struct rule *rules);

#endif
