/* SPDX-License-Identifier: Apache-2.0 */
/* bundle.c: see bundle.h. What is written here is read here again, and by the same rules: a text that has
 * another spelling for the same bytes or the same time is refused.
 */
#include "client-sdk/bundle.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/base64.h"
#include "client-sdk/members.h"

#include <time.h>

#define VERSION 1

static void clear_items(struct bundle_item *items, size_t *count)
{
        for (size_t i = 0; i < *count; i++)
                free(items[i].der);
        *count = 0;
}

void bundle_clear(struct bundle *bundle)
{
        clear_items(bundle->anchors, &bundle->anchor_count);
        clear_items(bundle->crls, &bundle->crl_count);
}

static int add_item(
        struct bundle_item *items, size_t *count, size_t max, const uint8_t *der, size_t len)
{
        if (*count == max)
                return -ENOSPC;
        uint8_t *copy = malloc(len ? len : 1);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, der, len);
        items[(*count)++] = (struct bundle_item){ copy, len };
        return 0;
}

int bundle_add_anchor(struct bundle *bundle, const uint8_t *der, size_t len)
{
        return add_item(bundle->anchors, &bundle->anchor_count, BUNDLE_ANCHORS_MAX, der, len);
}

int bundle_add_crl(struct bundle *bundle, const uint8_t *der, size_t len)
{
        return add_item(bundle->crls, &bundle->crl_count, BUNDLE_CRLS_MAX, der, len);
}

/* ---- writing ---- */

static json_t *write_items(const struct bundle_item *items, size_t count)
{
        json_t *list = json_array();
        for (size_t i = 0; list && i < count; i++)
                if (json_array_append_new(list, base64_json(items[i].der, items[i].len)) < 0) {
                        json_decref(list);
                        return NULL;
                }
        return list;
}

char *bundle_compose(const struct bundle *bundle)
{
        char issued[24], next[24];
        text_iso8601(issued, (time_t)bundle->issued_at);
        text_iso8601(next, (time_t)bundle->next_update);
        const struct {
                const char *name;
                json_t *value;
        } rows[] = {
                { "version", json_integer(VERSION) },
                { "issued_at", json_string(issued) },
                { "next_update", json_string(next) },
                { "anchors", write_items(bundle->anchors, bundle->anchor_count) },
                { "crls", write_items(bundle->crls, bundle->crl_count) },
        };
        _cleanup_json_ json_t *content = json_object();
        bool good = true;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                good = json_object_set_new(content, rows[i].name, rows[i].value) == 0 && good;
        return good ? members_text(content, JSON_COMPACT) : NULL;
}

/* ---- reading ---- */

struct parsing {
        struct bundle *bundle;
        const char *why;
};

static int refuse(struct parsing *parsing, const char *why)
{
        parsing->why = why;
        return OUTCOME_INVALID;
}

static int read_version(struct parsing *parsing, const json_t *value)
{
        if (!json_is_integer(value) || json_integer_value(value) != VERSION)
                return refuse(parsing, "version");
        return 0;
}

/* Exactly as text_iso8601() writes it. */
static int read_time(struct parsing *parsing, const json_t *value, int64_t *ret)
{
        const char *text = json_string_value(value);
        struct tm tm = { 0 };
        char again[24];
        const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
        if (!end || *end)
                return refuse(parsing, "time");
        *ret = timegm(&tm);
        text_iso8601(again, (time_t)*ret);
        return strcmp(again, text) == 0 && *ret > 0 ? 0 : refuse(parsing, "time");
}

static int read_issued_at(struct parsing *parsing, const json_t *value)
{
        return read_time(parsing, value, &parsing->bundle->issued_at);
}

static int read_next_update(struct parsing *parsing, const json_t *value)
{
        return read_time(parsing, value, &parsing->bundle->next_update);
}

static int read_item(struct parsing *parsing, const json_t *value,
        int (*add)(struct bundle *bundle, const uint8_t *der, size_t len))
{
        size_t len = json_string_length(value);
        if (!json_is_string(value) || len < 4)
                return refuse(parsing, "base64");
        _cleanup_free_ uint8_t *der = malloc(len / 4 * 3 + 3);
        if (!der)
                return -ENOMEM;
        ssize_t got =
                base64_decode(BASE64_STANDARD, der, len / 4 * 3 + 3, json_string_value(value), len);
        if (got <= 0)
                return refuse(parsing, "base64");
        int r = add(parsing->bundle, der, (size_t)got);
        return r == -ENOSPC ? refuse(parsing, "too-many") : r;
}

static int read_items(struct parsing *parsing, const json_t *list,
        int (*add)(struct bundle *bundle, const uint8_t *der, size_t len))
{
        size_t index;
        json_t *value;
        int r = json_is_array(list) ? 0 : refuse(parsing, "member");
        json_array_foreach (list, index, value)
                if (r == 0)
                        r = read_item(parsing, value, add);
        return r;
}

static int read_anchors(struct parsing *parsing, const json_t *value)
{
        return read_items(parsing, value, bundle_add_anchor);
}

static int read_crls(struct parsing *parsing, const json_t *value)
{
        return read_items(parsing, value, bundle_add_crl);
}

static int read_members(struct parsing *parsing, const json_t *content)
{
        static const struct {
                const char *name;
                int (*read)(struct parsing *parsing, const json_t *value);
        } rows[] = {
                { "version", read_version },
                { "issued_at", read_issued_at },
                { "next_update", read_next_update },
                { "anchors", read_anchors },
                { "crls", read_crls },
        };
        int r = json_is_object(content) ? 0 : refuse(parsing, "json");
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(rows); i++) {
                const json_t *value = json_object_get(content, rows[i].name);
                r = value ? rows[i].read(parsing, value) : refuse(parsing, "member");
        }
        if (r == 0 && json_object_size(content) != ARRAY_LEN(rows))
                r = refuse(parsing, "member");
        const struct bundle *bundle = parsing->bundle;
        if (r == 0 && bundle->next_update <= bundle->issued_at)
                r = refuse(parsing, "time");
        return r == 0 && bundle->anchor_count + bundle->crl_count == 0 ? refuse(parsing, "empty")
                                                                       : r;
}

int bundle_parse(const char *json, size_t len, struct bundle *ret, const char **ret_why)
{
        bool starved;
        _cleanup_json_ json_t *content = members_read(json, len, &starved);
        struct parsing parsing = { .bundle = ret, .why = "" };
        if (starved)
                return -ENOMEM;
        int r = read_members(&parsing, content);
        if (r == 0)
                return 0;
        bundle_clear(ret);
        if (r > 0)
                *ret_why = parsing.why;
        return r;
}

int bundle_timely(const struct bundle *bundle, int64_t now, int64_t taken, const char **ret_why)
{
        const struct {
                bool wrong;
                const char *why;
        } rules[] = {
                { bundle->issued_at > now + BUNDLE_SKEW, "not-yet-valid" },
                { bundle->next_update < now, "expired" },
                { bundle->issued_at < taken, "older" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rules); i++)
                if (rules[i].wrong) {
                        *ret_why = rules[i].why;
                        return OUTCOME_INVALID;
                }
        return 0;
}
