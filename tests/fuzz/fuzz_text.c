/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_text.c: any bytes as text, with any cap. What comes out is valid, harmless, terminated and not
 * longer than allowed; doing it twice changes nothing.
 */
#include "base/text.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t chars_of(const char *text)
{
        size_t chars = 0;
        for (; *text; text++)
                chars += (*text & 0xC0) != 0x80;
        return chars;
}

static void sanitize(const char *text, size_t cap, size_t max_chars)
{
        char *once = malloc(cap),
             *twice = malloc(cap); /* blocks of their own: an overrun is seen */
        text_sanitize(once, cap, text, max_chars);
        require(strlen(once) < cap && text_utf8_valid(once, strlen(once)) &&
                chars_of(once) <= max_chars);
        for (const char *c = once; *c; c++)
                require((unsigned char)*c >= 0x20 && *c != 0x7F);
        require(!strstr(once, "\xE2\x80\xAE") && !strstr(once, "\xC2\x9B") &&
                !strstr(once, "\xE2\x81\xA6"));
        text_sanitize(twice, cap, once, max_chars);
        require(strcmp(once, twice) == 0);
        free(once);
        free(twice);
}

static void digits(const char *text, size_t len)
{
        char *folded = malloc(len + 1), *shown = malloc(2 * len + 1);
        memcpy(folded, text, len);
        size_t kept = text_fold_digits(folded, len);
        require(kept <= len && text_fold_digits(folded, kept) == kept);
        text_persian_digits(shown, 2 * len + 1, text);
        require(strpbrk(shown, "0123456789") == NULL);
        free(folded);
        free(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        if (len < 2)
                return 0;
        size_t cap = data[0] % 64 + 1u, max_chars = data[1] % 64;
        char *text = malloc(len - 1);
        memcpy(text, data + 2, len - 2);
        text[len - 2] = '\0';
        sanitize(text, cap, max_chars);
        digits(text, strlen(text));
        require(!text_utf8_valid(text, len - 2) || !memchr(text, '\0', len - 2));
        if (len >= 12)
                (void)text_national_number_valid(text);
        free(text);
        return 0;
}
