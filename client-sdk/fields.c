/* SPDX-License-Identifier: Apache-2.0 */
/* fields.c: see fields.h. */
#include "client-sdk/fields.h"

#include "base/text.h"
#include "client-sdk/mohr.h"

/* No isalpha() and friends: they ask the locale. */
static bool letter_or_digit(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool field_is_uri(const char *text)
{
        size_t len = strlen(text), scheme = 0;
        if (len > FIELD_AUDIENCE_MAX || !letter_or_digit(text[0]) ||
                (text[0] >= '0' && text[0] <= '9'))
                return false;
        while (letter_or_digit(text[scheme]) ||
                (text[scheme] != '\0' && strchr("+-.", text[scheme])))
                scheme++;
        if (text[scheme] != ':' || text[scheme + 1] == '\0')
                return false;
        for (const char *c = text + scheme + 1; *c; c++)
                if (!letter_or_digit(*c) && !strchr("-._~:/?#[]@!$&'()*+,;=%", *c))
                        return false;
        return true;
}

bool field_is_nonce(const char *text)
{
        size_t len = strlen(text);
        if (len < FIELD_NONCE_MIN || len > FIELD_NONCE_MAX)
                return false;
        for (const char *c = text; *c; c++)
                if (*c < 0x21 || *c > 0x7E)
                        return false;
        return true;
}

bool field_is_text(const char *text, size_t max_bytes)
{
        char clean[512 + 8];
        size_t len = strlen(text);
        if (len == 0 || len > max_bytes || len > 512)
                return false;
        text_sanitize(clean, sizeof clean, text, len);
        return strcmp(clean, text) == 0;
}

bool field_is_token(const char *text)
{
        size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_");
        return len >= 1 && len <= 32 && text[len] == '\0';
}

bool field_is_hex(const char *text, size_t min_digits, size_t max_digits)
{
        size_t len = strspn(text, "0123456789abcdef");
        return len >= min_digits && len <= max_digits && len % 2 == 0 && text[len] == '\0';
}

bool field_is_digits(const char *text, size_t digits)
{
        return strspn(text, "0123456789") == digits && text[digits] == '\0';
}

static const struct station_member {
        const char *name;
        enum { TEXT, TOKEN, BOOLEAN } kind;
        bool daemon_only;
} station_members[] = {
        { "operator", TEXT, false },
        { "branch", TEXT, false },
        { "device", TEXT, false },
        { "case_number", TEXT, false },
        { "photo_checked", BOOLEAN, false },
        { "reader", TEXT, true },
        { "software", TEXT, true },
        { "pin_entry", TOKEN, true },
};

static bool member_is_good(const struct station_member *member, const json_t *value)
{
        if (member->kind == BOOLEAN)
                return json_is_boolean(value);
        if (!json_is_string(value))
                return false;
        const char *text = json_string_value(value);
        return member->kind == TOKEN ? field_is_token(text)
                                     : field_is_text(text, FIELD_STATION_MAX);
}

bool field_is_station(const json_t *station, bool composed)
{
        const char *name;
        json_t *value;
        if (!station)
                return true;
        if (!json_is_object(station))
                return false;
        json_object_foreach ((json_t *)(uintptr_t)station, name, value) {
                bool known = false;
                for (size_t i = 0; i < ARRAY_LEN(station_members) && !known; i++)
                        known = strcmp(station_members[i].name, name) == 0 &&
                                (composed || !station_members[i].daemon_only) &&
                                member_is_good(&station_members[i], value);
                if (!known)
                        return false;
        }
        return true;
}

bool field_is_stated(const struct mohr_station *station)
{
        const char *const texts[] = { station->operator_name, station->branch, station->device,
                station->case_number };
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
                if (texts[i] && !field_is_text(texts[i], FIELD_STATION_MAX))
                        return false;
        return true;
}
