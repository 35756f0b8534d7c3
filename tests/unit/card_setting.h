/* SPDX-License-Identifier: Apache-2.0 */
/* card_setting.h: a scripted card on the table, whatever its profile. says() adds a line to the script, check()
 * ends it: every line was said, in order, and nothing else. Included once per program.
 */
#ifndef MOHR_CARD_SETTING_H
#define MOHR_CARD_SETTING_H

#include "apdu/card.h"
#include "tests/support/conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

struct setting {
        struct conversation *c;
        struct card card;
        struct card_identity identity;
};

static inline void setting_cleanup(struct setting *s)
{
        conversation_free(s->c);
}
#define _cleanup_setting_ _cleanup_(setting_cleanup)

static inline struct setting setting_new(enum apdu_protocol protocol, const char *atr_hex)
{
        uint8_t atr[CARD_ATR_MAX];
        struct setting s = { .c = conversation_new(protocol) };
        ssize_t len = hex_decode(atr, sizeof atr, atr_hex);
        assert_true(len >= 0);
        card_init(&s.card, conversation_link(s.c), atr, (size_t)len);
        return s;
}

static inline void says(struct setting *s, const char *command, const char *answer)
{
        conversation_say(s->c, command, answer);
}

static inline void check(struct setting *s)
{
        const char *problem = conversation_problem(s->c);
        if (problem)
                print_error("%s\n", problem);
        assert_null(problem);
}

#endif
