/* SPDX-License-Identifier: Apache-2.0 */
/* world_ahead.h: what a request of request_world.h asks ahead, kept beside what it then calls: whether each guess came true. */
#ifndef MOHR_TESTS_WORLD_AHEAD_H
#define MOHR_TESTS_WORLD_AHEAD_H

#include "daemon/readers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct ahead_ask {
        enum op op;
        uint8_t payload[32];
        size_t len;
};

static struct {
        struct ahead_ask asks[READER_AHEAD_MAX];
        size_t count, at;   /* at: where reader_ahead() goes on */
        unsigned int waits; /* calls that nothing had been asked ahead for */
        unsigned int wrong; /* guesses that another call came of */
        char said[64];      /* a letter for each call, a capital where it had been asked ahead */
} ahead;

static struct ahead_ask ahead_ask(enum op op, const void *payload, size_t len)
{
        struct ahead_ask ask = { .op = op, .len = len };
        assert_true(len <= sizeof ask.payload);
        if (len > 0)
                memcpy(ask.payload, payload, len);
        return ask;
}

static bool ahead_is(size_t at, enum op op, const void *payload, size_t len)
{
        const struct ahead_ask *ask = &ahead.asks[at];
        return ask->op == op && ask->len == len &&
               (len == 0 || memcmp(ask->payload, payload, len) == 0);
}

static void ahead_drop(void)
{
        ahead.count--;
        memmove(ahead.asks, ahead.asks + 1, ahead.count * sizeof ahead.asks[0]);
}

static void ahead_called(enum op op, const void *payload, size_t len)
{
        static const char letters[OP_COUNT] = { [OP_BEGIN] = 'b',
                [OP_IDENTIFY] = 'i',
                [OP_RESUME] = 'u',
                [OP_READ] = 'r',
                [OP_CONFIRM] = 'c',
                [OP_COUNTER] = 'n',
                [OP_PROBE] = 'p',
                [OP_METHOD] = 'm',
                [OP_PIN] = 'd',
                [OP_VERIFY] = 'v',
                [OP_PINPAD] = 'k',
                [OP_SIGN] = 's',
                [OP_CLEAR] = 'l',
                [OP_END] = 'e',
                [OP_ANNOUNCE] = 'a' };
        while (op == OP_END && ahead.count > 0 && ahead.asks[0].op != OP_END)
                ahead_drop();
        bool right = ahead.count > 0 && (op == OP_END || ahead_is(0, op, payload, len));
        char letter = letters[op] ? letters[op] : '?';
        size_t used = strlen(ahead.said);
        if (used + 1 < sizeof ahead.said)
                ahead.said[used] = (char)(right ? letter - 'a' + 'A' : letter);
        ahead.wrong += !right && ahead.count > 0;
        ahead.waits += !right;
        if (right)
                ahead_drop();
        else
                ahead.count = 0;
        ahead.at = 0;
}

#endif
