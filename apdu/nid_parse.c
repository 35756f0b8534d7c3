/* SPDX-License-Identifier: Apache-2.0 */
/* nid_parse.c: dates, versions and the length of a DER object, from bytes that anybody may have
 * written (card-facts 2.8, 3.5, 3.6).
 *
 * The encoding of the dates is not published, so it is recognised, never assumed: text that is not
 * clearly digits stays raw, a year in no calendar's range stays undecided. The versions file is
 * parsed as TLV with lengths; where that does not come out even, the caller keeps the raw file.
 */
#include "apdu/card.h"
#include "apdu/tlv.h"

#define TAG_ISSUED  0xB2
#define TAG_EXPIRES 0xB3

int nid_der_length(struct view start, size_t cap, size_t *ret_total)
{
        struct in in = in_new(start.data, start.len);
        if (start.len < 4 || in_u8(&in) != 0x30)
                return -EBADMSG;
        size_t len = in_u8(&in), least = 0;
        if (len == 0x81) {
                len = in_u8(&in);
                least = 0x80;
        } else if (len == 0x82) {
                len = in_u16(&in);
                least = 0x100;
        } else if (len >= 0x80) {
                return -EBADMSG;
        }
        if (len < least || len > cap || in.pos > cap - len)
                return -EBADMSG;
        *ret_total = in.pos + len;
        return 0;
}

/* An elementary file may be longer than what was written into it. */
static bool is_padding(const struct tlv *tlv)
{
        uint8_t first = tlv->in.data[tlv->in.pos];
        if (first != 0x00 && first != 0xFF)
                return false;
        for (size_t i = tlv->in.pos; i < tlv->in.len; i++)
                if (tlv->in.data[i] != first)
                        return false;
        return true;
}

/* What one byte or UTF-16 unit stands for: a digit of three scripts, a separator, NUL, or -1. */
static int date_char(unsigned int unit)
{
        static const unsigned int zeros[] = { '0', 0x0660, 0x06F0 };
        for (size_t i = 0; i < ARRAY_LEN(zeros); i++)
                if (unit >= zeros[i] && unit <= zeros[i] + 9)
                        return '0' + (int)(unit - zeros[i]);
        if (unit == '/' || unit == '-' || unit == '.' || unit == ' ' || unit == 0)
                return (int)unit;
        return -1;
}

enum encoding { UTF16_BE, UTF16_LE, SINGLE_BYTE, ENCODING_COUNT };

static unsigned int unit_at(struct view value, enum encoding encoding, size_t i)
{
        if (encoding == SINGLE_BYTE)
                return value.data[i];
        uint8_t a = value.data[2 * i], b = value.data[2 * i + 1];
        return encoding == UTF16_BE ? (unsigned int)(a << 8 | b) : (unsigned int)(b << 8 | a);
}

/* The whole value must read as date characters, with NULs and spaces only at its end. */
static bool decode(struct view value, enum encoding encoding, char *text, size_t cap)
{
        char chars[32];
        size_t width = encoding == SINGLE_BYTE ? 1 : 2, len = 0;
        if (value.len % width != 0 || value.len / width > sizeof chars)
                return false;
        for (size_t i = 0; i < value.len / width; i++) {
                int c = date_char(unit_at(value, encoding, i));
                if (c < 0)
                        return false;
                chars[i] = (char)c;
                if (c != 0 && c != ' ')
                        len = i + 1;
        }
        if (len == 0 || len >= cap || memchr(chars, 0, len))
                return false;
        memcpy(text, chars, len);
        text[len] = '\0';
        return true;
}

static void decode_date(struct view value, char *text, size_t cap)
{
        struct view rest = { value.data + 2, value.len >= 2 ? value.len - 2 : 0 };
        if (value.len >= 2 && value.data[0] == 0xFE && value.data[1] == 0xFF) {
                decode(rest, UTF16_BE, text, cap);
                return;
        }
        if (value.len >= 2 && value.data[0] == 0xFF && value.data[1] == 0xFE) {
                decode(rest, UTF16_LE, text, cap);
                return;
        }
        for (int encoding = UTF16_BE; encoding < ENCODING_COUNT; encoding++)
                if (decode(value, (enum encoding)encoding, text, cap))
                        return;
}

/* Up to `max` digits; returns how many there were. */
static size_t take_digits(const char **at, size_t max, int *ret)
{
        size_t n = 0;
        for (*ret = 0; n < max && **at >= '0' && **at <= '9'; n++, (*at)++)
                *ret = *ret * 10 + (**at - '0');
        return n;
}

/* yyyymmdd, or yyyy m d with one separator twice. */
static bool split_date(const char *text, int *year, int *month, int *day)
{
        if (take_digits(&text, 4, year) != 4)
                return false;
        char separator = *text;
        if (separator >= '0' && separator <= '9')
                return take_digits(&text, 2, month) == 2 && take_digits(&text, 2, day) == 2 &&
                       *text == '\0';
        if (separator == '\0')
                return false;
        text++;
        if (take_digits(&text, 2, month) == 0 || *text != separator)
                return false;
        text++;
        return take_digits(&text, 2, day) > 0 && *text == '\0';
}

static int month_days(bool jalali, int year, int month)
{
        static const uint8_t gregorian[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        if (jalali)
                return month <= 6 ? 31 : 30;
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        return gregorian[month - 1] + (month == 2 && leap);
}

/* Calendar rule of 3.5: 1300..1499 is Jalali, 1900..2199 Gregorian, anything else undecided. */
static void place_date(struct card_date *date)
{
        int year = 0, month = 0, day = 0;
        if (!split_date(date->text, &year, &month, &day))
                return;
        bool jalali = year >= 1300 && year <= 1499, gregorian = year >= 1900 && year <= 2199;
        if (!(jalali || gregorian) || month < 1 || month > 12 || day < 1 ||
                day > month_days(jalali, year, month))
                return;
        date->jalali = jalali;
        date->year = year;
        date->month = month;
        date->day = day;
}

static int read_date(struct view value, struct card_date *ret)
{
        struct card_date date = { .raw_len = value.len };
        if (ret->raw_len > 0 || value.len == 0 || value.len > sizeof date.raw)
                return -EBADMSG;
        memcpy(date.raw, value.data, value.len);
        decode_date(value, date.text, sizeof date.text);
        place_date(&date);
        *ret = date;
        return 0;
}

int nid_parse_dates(struct view file, struct card_date *ret_issued, struct card_date *ret_expires)
{
        struct card_date issued = { 0 }, expires = { 0 };
        struct tlv tlv = tlv_new(file.data, file.len);
        while (tlv_more(&tlv) && !is_padding(&tlv)) {
                struct view value;
                uint32_t tag;
                int r = tlv_next(&tlv, &tag, &value);
                if (r == 0 && tag == TAG_ISSUED)
                        r = read_date(value, &issued);
                if (r == 0 && tag == TAG_EXPIRES)
                        r = read_date(value, &expires);
                if (r < 0)
                        return r;
        }
        if (issued.raw_len == 0 || expires.raw_len == 0)
                return -EBADMSG;
        *ret_issued = issued;
        *ret_expires = expires;
        return 0;
}

#define VERSION_MAX 4 /* bytes; published values have one or two */

static bool is_version_tag(uint32_t tag)
{
        return tag == 0xCC || tag == 0xD5 || tag == 0xD6 || tag == 0xD7;
}

static void add_version(struct out *out, uint32_t tag, struct view value)
{
        static const char digits[] = "0123456789ABCDEF";
        if (out->len > 0)
                out_u8(out, ' ');
        out_u8(out, (uint8_t)digits[tag >> 4 & 15]);
        out_u8(out, (uint8_t)digits[tag & 15]);
        out_u8(out, '=');
        for (size_t i = 0; i < value.len; i++) {
                out_u8(out, (uint8_t)digits[value.data[i] >> 4]);
                out_u8(out, (uint8_t)digits[value.data[i] & 15]);
        }
}

int nid_parse_versions(struct view file, char *ret_text, size_t cap)
{
        char text[4 * (sizeof " XX=" + 2 * VERSION_MAX)];
        struct out out = out_new(text, sizeof text);
        struct tlv tlv = tlv_new(file.data, file.len);
        uint32_t seen = 0;
        while (tlv_more(&tlv) && !is_padding(&tlv)) {
                struct view value;
                uint32_t tag;
                int r = tlv_next(&tlv, &tag, &value);
                if (r < 0)
                        return r;
                uint32_t bit = 1u << (tag & 15);
                if (!is_version_tag(tag) || (seen & bit) || value.len == 0 ||
                        value.len > VERSION_MAX)
                        return -EBADMSG;
                seen |= bit;
                add_version(&out, tag, value);
        }
        if (out.len == 0 || out_done(&out) < 0 || out.len >= cap)
                return -EBADMSG;
        memcpy(ret_text, text, out.len);
        ret_text[out.len] = '\0';
        return 0;
}
