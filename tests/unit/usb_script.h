/* SPDX-License-Identifier: Apache-2.0 */
/* usb_script.h: a reader made of memory, for tests of drivers/usb/. It is a list of lines that must
 * happen in this order and no others:
 *
 *      "> HEX"     the driver sends this message      "> stall" "> gone"   it cannot
 *      "< HEX"     the reader answers with this       "< stall" "< gone" "< late" "< over" "< garbled"
 *      "abort N"   the control request, its wValue    "abort stall"
 *      "clear in"  "clear out"                        a stalled endpoint is cleared
 *      "notice HEX"                                   what the interrupt endpoint has to say
 *      "tick N"    N ms pass
 *
 * A late answer takes all the time that was allowed. Blanks inside HEX do not count.
 */
#ifndef MOHR_TESTS_USB_SCRIPT_H
#define MOHR_TESTS_USB_SCRIPT_H

#include "base/bytes.h"
#include "drivers/usb/ccid.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct usb_script {
        const char *const *lines; /* NULL ends them */
        size_t at;
        uint64_t now;
        struct wire wire;
};

static inline size_t script_hex(const char *text, uint8_t *ret, size_t cap)
{
        char digits[2 * CCID_MESSAGE_MAX + 1];
        size_t n = 0;
        for (; *text; text++)
                if (*text != ' ')
                        digits[n++] = *text;
        digits[n] = '\0';
        ssize_t len = hex_decode(ret, cap, digits);
        assert_true(len >= 0);
        return (size_t)len;
}

/* The next line, which must begin with `how`; what follows it. */
static inline const char *script_next(struct usb_script *script, const char *how)
{
        unsigned int ms;
        while (script->lines[script->at] &&
                sscanf(script->lines[script->at], "tick %u", &ms) == 1) {
                script->now += ms;
                script->at++;
        }
        const char *line = script->lines[script->at];
        if (!line || strncmp(line, how, strlen(how)) != 0)
                fail_msg("line %zu is \"%s\", what happened is \"%s\"", script->at,
                        line ? line : "the end", how);
        script->at++;
        return line + strlen(how);
}

static inline int script_fault(struct usb_script *script, const char *word, unsigned int ms)
{
        if (strcmp(word, "stall") == 0)
                return -EPIPE;
        if (strcmp(word, "gone") == 0)
                return OUTCOME_NO_READER;
        if (strcmp(word, "over") == 0)
                return -EOVERFLOW;
        if (strcmp(word, "garbled") == 0)
                return -EIO;
        if (strcmp(word, "late") != 0)
                return 0;
        script->now += ms;
        return OUTCOME_TIMED_OUT;
}

static inline int script_out(void *ctx, const uint8_t *data, size_t len, unsigned int ms)
{
        struct usb_script *script = ctx;
        uint8_t want[CCID_MESSAGE_MAX];
        const char *line = script_next(script, "> ");
        int r = script_fault(script, line, ms);
        if (r != 0)
                return r;
        size_t want_len = script_hex(line, want, sizeof want);
        if (want_len != len || memcmp(want, data, len) != 0) {
                char is[2 * CCID_MESSAGE_MAX + 1];
                hex_encode(is, data, len);
                fail_msg("line %zu is \"%s\", the driver sent %s", script->at - 1, line, is);
        }
        return 0;
}

static inline int script_in(void *ctx, uint8_t *data, size_t cap, unsigned int ms, size_t *ret_len)
{
        struct usb_script *script = ctx;
        const char *line = script_next(script, "< ");
        int r = script_fault(script, line, ms);
        if (r == 0)
                *ret_len = script_hex(line, data, cap);
        return r;
}

static inline int script_notice(void *ctx, uint8_t *data, size_t cap, size_t *ret_len)
{
        struct usb_script *script = ctx;
        const char *line = script->lines[script->at];
        *ret_len = 0;
        if (line && strncmp(line, "notice ", 7) == 0)
                *ret_len = script_hex(script_next(script, "notice "), data, cap);
        return 0;
}

static inline int script_control(void *ctx, uint8_t request, uint16_t value, unsigned int ms)
{
        struct usb_script *script = ctx;
        assert_int_equal(request, WIRE_ABORT);
        const char *line = script_next(script, "abort ");
        int r = script_fault(script, line, ms);
        if (r == 0)
                assert_int_equal(value, strtoul(line, NULL, 16));
        return r;
}

static inline int script_unstall(void *ctx, enum wire_end end)
{
        (void)script_next(ctx, end == WIRE_IN ? "clear in" : "clear out");
        return 0;
}

static inline uint64_t script_now(void *ctx)
{
        return ((struct usb_script *)ctx)->now;
}

static inline void script_start(struct usb_script *script, const char *const *lines)
{
        *script = (struct usb_script){ .lines = lines };
        script->wire = (struct wire){ script_out, script_in, script_notice, script_control,
                script_unstall, script_now, script, true };
}

static inline void script_over(const struct usb_script *script)
{
        if (script->lines[script->at])
                fail_msg("line %zu did not happen: %s", script->at, script->lines[script->at]);
}

#endif
