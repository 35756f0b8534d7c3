/* SPDX-License-Identifier: Apache-2.0 */
/* text.c: see text.h. One decoder (RFC 3629, strict) stands under everything: what it refuses is
 * invalid everywhere, what it returns is one code point and its length, and no function looks at a
 * continuation byte by itself. Nothing here allocates or depends on the locale.
 *
 * The Jalali calendar is computed with the 33-year cycle (leap years where year mod 33 is 1, 5, 9,
 * 13, 17, 22, 26 or 30). It agrees with the official calendar of Iran for 1244..1473 SH, which covers every
 * date a certificate or a card can carry; nearer astronomy would add code and no correct day.
 */
#include "base/text.h"

#include <stdio.h>

#define ELLIPSIS     "\xE2\x80\xA6"
#define ELLIPSIS_LEN 3

/* Length of the character at s (1..4) and its code point; 0 for anything RFC 3629 forbids. */
static size_t decode(const unsigned char *s, size_t len, uint32_t *ret_point)
{
        static const struct {
                unsigned char mask, lead;
                uint32_t least;
        } forms[] = { { 0x80, 0x00, 0 }, { 0xE0, 0xC0, 0x80 }, { 0xF0, 0xE0, 0x800 },
                { 0xF8, 0xF0, 0x10000 } };

        for (size_t extra = 0; extra < ARRAY_LEN(forms) && extra < len; extra++) {
                if ((s[0] & forms[extra].mask) != forms[extra].lead)
                        continue;
                uint32_t point = s[0] & (unsigned char)~forms[extra].mask;
                for (size_t i = 1; i <= extra; i++) {
                        if ((s[i] & 0xC0) != 0x80)
                                return 0;
                        point = point << 6 | (s[i] & 0x3Fu);
                }
                if (point < forms[extra].least || point > 0x10FFFF ||
                        (point >= 0xD800 && point <= 0xDFFF))
                        return 0;
                *ret_point = point;
                return extra + 1;
        }
        return 0;
}

bool text_utf8_valid(const char *text, size_t len)
{
        const unsigned char *s = (const unsigned char *)text;
        uint32_t point;
        for (size_t used; len > 0; s += used, len -= used) {
                used = decode(s, len, &point);
                if (used == 0 || point == 0)
                        return false;
        }
        return true;
}

/* Characters that act on a terminal or on the order of other characters, and those that nobody sees:
 * a whole text can be written in tags or variation selectors. ZWNJ and ZWJ shape letters and stay, as
 * do the two selectors that choose between text and picture. */
static bool forbidden(uint32_t point)
{
        static const struct {
                uint32_t first, last;
        } ranges[] = {
                { 0x0000, 0x001F },
                { 0x007F, 0x009F },
                { 0x00AD, 0x00AD },
                { 0x034F, 0x034F },
                { 0x061C, 0x061C },
                { 0x115F, 0x1160 },
                { 0x17B4, 0x17B5 },
                { 0x180B, 0x180F },
                { 0x200B, 0x200B },
                { 0x200E, 0x200F },
                { 0x2028, 0x202E },
                { 0x2060, 0x206F },
                { 0x3164, 0x3164 },
                { 0xFE00, 0xFE0D },
                { 0xFEFF, 0xFEFF },
                { 0xFFA0, 0xFFA0 },
                { 0xFFF0, 0xFFFB },
                { 0x1BCA0, 0x1BCA3 },
                { 0x1D173, 0x1D17A },
                { 0xE0000, 0xE0FFF },
        };
        for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
                if (point >= ranges[i].first && point <= ranges[i].last)
                        return true;
        return false;
}

int text_copy(char *dst, size_t cap, const char *src)
{
        size_t len = src ? strlen(src) : 0;
        if (len >= cap || (len > 0 && !text_utf8_valid(src, len)))
                return -EMSGSIZE;
        if (len > 0)
                memcpy(dst, src, len);
        dst[len] = '\0';
        return 0;
}

void text_sanitize(char *dst, size_t cap, const char *src, size_t max_chars)
{
        const unsigned char *s = (const unsigned char *)src;
        size_t left = strlen(src), len = 0, chars = 0;
        size_t keep = 0; /* longest prefix that leaves room for the ellipsis */

        if (cap == 0)
                return;
        for (uint32_t point; left > 0;) {
                size_t used = decode(s, left, &point);
                size_t step = used ? used : 1;
                if (used && !forbidden(point)) {
                        if (chars < max_chars && len + ELLIPSIS_LEN < cap)
                                keep = len;
                        if (chars == max_chars || len + used >= cap) {
                                len = keep;
                                if (max_chars > 0 && len + ELLIPSIS_LEN < cap) {
                                        memcpy(dst + len, ELLIPSIS, ELLIPSIS_LEN);
                                        len += ELLIPSIS_LEN;
                                }
                                break;
                        }
                        memcpy(dst + len, s, used);
                        len += used;
                        chars++;
                }
                s += step;
                left -= step;
        }
        dst[len] = '\0';
}

/* 0..9 for the two bytes of a Persian or Arabic-Indic digit, else -1. */
static int eastern_digit(const unsigned char *s)
{
        if (s[0] == 0xDB && s[1] >= 0xB0 && s[1] <= 0xB9)
                return s[1] - 0xB0;
        if (s[0] == 0xD9 && s[1] >= 0xA0 && s[1] <= 0xA9)
                return s[1] - 0xA0;
        return -1;
}

size_t text_fold_digits(char *text, size_t len)
{
        size_t to = 0;
        for (size_t from = 0; from < len; from++) {
                int digit = from + 1 < len ? eastern_digit((const unsigned char *)text + from) : -1;
                text[to++] = digit < 0 ? text[from] : (char)('0' + digit);
                if (digit >= 0)
                        from++;
        }
        return to;
}

void text_persian_digits(char *dst, size_t cap, const char *src)
{
        size_t left = strlen(src), len = 0;
        if (cap == 0)
                return;
        for (uint32_t point = 0; left > 0;) {
                size_t used = decode((const unsigned char *)src, left, &point);
                used = used ? used : 1;
                char digit[2] = { '\xDB', (char)(0xB0 + (*src - '0')) };
                bool is_digit = *src >= '0' && *src <= '9';
                size_t needs = is_digit ? sizeof digit : used;
                if (len + needs >= cap)
                        break;
                memcpy(dst + len, is_digit ? digit : src, needs);
                len += needs;
                src += used;
                left -= used;
        }
        dst[len] = '\0';
}

bool text_national_number_valid(const char digits[10])
{
        int sum = 0;
        bool all_equal = true;
        for (int i = 0; i < 10; i++) {
                if (digits[i] < '0' || digits[i] > '9')
                        return false;
                if (digits[i] != digits[0])
                        all_equal = false;
                if (i < 9)
                        sum += (digits[i] - '0') * (10 - i);
        }
        int rest = sum % 11;
        return !all_equal && digits[9] - '0' == (rest < 2 ? rest : 11 - rest);
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar; years are counted from March, so that the
 * leap day is the last of its year. */
static long civil_day(int year, int month, int day)
{
        long y = month > 2 ? year : (long)year - 1;
        long era = (y >= 0 ? y : y - 399) / 400;
        long of_era = y - era * 400;
        long of_year = (153L * ((month + 9) % 12) + 2) / 5 + day - 1;
        return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct jalali text_jalali(int gyear, int gmonth, int gday)
{
        static const bool leap[33] = { [1] = true,
                [5] = true,
                [9] = true,
                [13] = true,
                [17] = true,
                [22] = true,
                [26] = true,
                [30] = true };
        const long cycle = 33 * 365 + 8;

        long day = civil_day(gyear, gmonth, gday) -
                   civil_day(1908, 3, 21); /* 1 Farvardin 1287 = 39 * 33 */
        long cycles = (day >= 0 ? day : day - cycle + 1) / cycle;
        day -= cycles * cycle;
        int year = 0;
        for (long length; day >= (length = leap[year] ? 366 : 365); year++)
                day -= length;
        bool first_half = day < 186; /* six months of 31 days */
        long in_half = first_half ? day : day - 186;
        return (struct jalali){
                .year = (int)(1287 + cycles * 33) + year,
                .month = (int)(first_half ? in_half / 31 + 1 : in_half / 30 + 7),
                .day = (int)(first_half ? in_half % 31 + 1 : in_half % 30 + 1),
        };
}

void text_tehran(char dst[static 24], time_t when)
{
        struct tm tm;
        time_t local;
        if (__builtin_add_overflow(when, (time_t)(3 * 3600 + 1800), &local) ||
                !gmtime_r(&local, &tm) || tm.tm_year > 9999 || tm.tm_year < -1900) {
                snprintf(dst, 24, "?");
                return;
        }
        struct jalali j = text_jalali(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
        snprintf(dst, 24, "%04d/%02d/%02d %02d:%02d", j.year % 100000, j.month % 100, j.day % 100,
                tm.tm_hour % 100, tm.tm_min % 100);
}

void text_iso8601(char dst[static 24], time_t when)
{
        struct tm tm;
        if (!gmtime_r(&when, &tm) || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900) {
                snprintf(dst, 24, "?");
                return;
        }
        strftime(dst, 24, "%Y-%m-%dT%H:%M:%SZ", &tm);
}
