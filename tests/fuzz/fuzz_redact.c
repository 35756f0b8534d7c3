/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_redact.c: what mohr support-bundle leaves of settings, of log lines and of names. Whatever stood there: no capital letter,
 * nothing but ASCII, and no number as long as a PIN, a card's or a holder's.
 */
#include "client-sdk/redact.h"
#include "tests/fuzz/require.h"

#define INPUT_MAX    4096
#define OUTPUT_MAX   (8 * INPUT_MAX)
#define TIME_LEN     20 /* 1970-01-01T00:00:00Z */
#define REQUEST_LEN  6
#define SETTING_MOST 6 /* digits: seconds and tries */
#define LOG_MOST     3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_digits(const char *text, size_t most)
{
        for (; *text; text++) {
                size_t digits = strspn(text, "0123456789");
                require(digits <= most);
                text += digits;
                if (!*text)
                        return;
        }
}

static void check_letters(const char *text)
{
        require(text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789 =.,_'\t\n[]-")] == '\0');
}

static void check_settings(const char *input)
{
        char text[INPUT_MAX + 1], bytes[OUTPUT_MAX] = "";
        struct redacted left = { .text = bytes, .cap = sizeof bytes };
        memcpy(text, input, sizeof text);
        redact_settings(&left, text);
        require(strlen(bytes) == left.len);
        check_letters(bytes);
        check_digits(bytes, SETTING_MOST);
}

static void check_log(const char *input)
{
        char bytes[OUTPUT_MAX] = "";
        struct redacted left = { .text = bytes, .cap = sizeof bytes };
        if (!redact_log_line(&left, input, 0)) {
                require(left.len == 0);
                return;
        }
        const char *request = bytes + TIME_LEN + 1;
        require(left.len > TIME_LEN + 1 && bytes[left.len - 1] == '\n');
        size_t shown = strcspn(request, " ");
        require(shown == 1 || shown == REQUEST_LEN);
        check_letters(request);
        check_digits(request + shown, LOG_MOST);
}

static void check_name(const char *input)
{
        char name[INPUT_MAX + 1];
        memcpy(name, input, sizeof name);
        redact_digits(name);
        require(strlen(name) == strlen(input));
        check_digits(name, LOG_MOST);
        if (redact_is_state(input))
                check_digits(strchr(input, '='), LOG_MOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        char input[INPUT_MAX + 1] = "";
        if (len > INPUT_MAX)
                return 0;
        if (len > 0)
                memcpy(input, data, len);
        check_settings(input);
        check_log(input);
        check_name(input);
        return 0;
}
