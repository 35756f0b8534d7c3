/* SPDX-License-Identifier: Apache-2.0 */
/* alone_request.c: a request that came by file, by camera or by link (docs/phone.md, "A request on the phone alone"):
 *
 *   a signed request, as it is                docs/relying-parties.md
 *   {"audience": ..., "nonce": ..., ...}      what mohr.Identity.Assert takes of an asker
 *   mohr-request:R?v=1[&reply=B]              R is the first as it is, or the second in base64url; B an address in base64url
 *
 * Whoever made it is a stranger. So everything is bounded before it is copied, JSON names each member once, base64url has one
 * spelling, and nothing may stand there that has no meaning here. What the request is good for is judged where all requests are.
 *
 * An answer goes only to the place that it is for: an assertion for a bank that is carried to somebody else's server would be
 * what that one needs to be its holder at the bank. So `reply` must be of the audience's own origin.
 */
#include "daemon/relay/alone.h"

#include "client-sdk/base64.h"
#include "client-sdk/members.h"
#include "daemon/assert_params.h"

#include <ctype.h>

#define SCHEME  "mohr-request:"
#define HTTPS   "https://"
#define VERSION "v=1"
#define REPLY   "reply="
#define SPACES  " \t\r\n"

struct text {
        const char *at;
        size_t len;
};

static bool starts(struct text text, const char *word)
{
        return text.len >= strlen(word) && memcmp(text.at, word, strlen(word)) == 0;
}

static struct text after(struct text text, size_t count)
{
        return (struct text){ text.at + count, text.len - count };
}

static struct text trimmed(struct text text)
{
        while (text.len > 0 && strchr(SPACES, text.at[0]) && text.at[0])
                text = after(text, 1);
        while (text.len > 0 && strchr(SPACES, text.at[text.len - 1]) && text.at[text.len - 1])
                text.len--;
        return text;
}

static int refuse(char why[static ALONE_WHY_MAX], const char *text)
{
        snprintf(why, ALONE_WHY_MAX, "%s", text);
        return OUTCOME_USAGE;
}

/* ---- where the answer goes --------------------------------------------------------------------- */

/* "https://host:port" and its length; 0 if it is no such address, or names a user. */
static size_t origin_len(const char *uri)
{
        size_t scheme = strlen(HTTPS);
        if (strncmp(uri, HTTPS, scheme) != 0)
                return 0;
        size_t host = strcspn(uri + scheme, "/?#");
        return host == 0 || memchr(uri + scheme, '@', host) ? 0 : scheme + host;
}

bool alone_may_reply(const char *audience, const char *reply)
{
        size_t len = origin_len(reply);
        return len > 0 && origin_len(audience) == len && strncasecmp(audience, reply, len) == 0;
}

/* In the fragment, which browsers do not send along with the address: neither logs nor referrers have it. */
char *alone_reply_link(const char *reply, const char *assertion)
{
        char *link = NULL;
        return asprintf(&link, "%s#assertion=%s", reply, assertion) < 0 ? NULL : link;
}

static int read_reply(
        struct text text, char dst[static ALONE_REPLY_MAX + 1], char why[static ALONE_WHY_MAX])
{
        ssize_t len = base64_decode(BASE64_URL, (uint8_t *)dst, ALONE_REPLY_MAX, text.at, text.len);
        dst[len > 0 ? len : 0] = '\0';
        if (len <= 0 || strlen(dst) != (size_t)len || !field_is_uri(dst) || origin_len(dst) == 0 ||
                strchr(dst, '#'))
                return refuse(why, "reply is no https address in base64url");
        return 0;
}

/* ---- what is asked ------------------------------------------------------------------------------ */

static int take(json_t *parameters, const struct param *table, struct alone_request *ret,
        char why[static ALONE_WHY_MAX])
{
        struct request_params unused = { 0 };
        json_t *bad = NULL;
        if (!parameters)
                return -ENOMEM;
        ret->parameters = parameters;
        bool fits = params_fit(parameters, table, &bad);
        const char *name = fits ? assert_params_read(parameters, &unused) : json_string_value(bad);
        if (!fits || name)
                snprintf(why, ALONE_WHY_MAX, "this cannot stand there, or is missing: %.64s",
                        name ? name : "");
        json_decref(bad);
        return fits && !name ? 0 : OUTCOME_USAGE;
}

/* Three parts in base64url; whether they are worth anything is judged elsewhere. */
static bool is_compact(struct text text)
{
        size_t stops = 0;
        for (size_t i = 0; i < text.len; i++) {
                bool letter = isalnum((unsigned char)text.at[i]) && (unsigned char)text.at[i] < 128;
                if (!letter && (text.at[i] == '\0' || !strchr("-_.", text.at[i])))
                        return false;
                stops += text.at[i] == '.';
        }
        return stops == 2;
}

static int read_signed(struct text text, struct alone_request *ret, char why[static ALONE_WHY_MAX])
{
        if (!is_compact(text))
                return refuse(why, "it is neither a signed request nor a JSON object nor a link");
        json_t *jws = json_stringn(text.at, text.len);
        return take(json_pack("{s:o}", "signed_request", jws), assert_params, ret, why);
}

static int read_plain(struct text text, struct alone_request *ret, char why[static ALONE_WHY_MAX])
{
        bool starved;
        json_t *read = members_read(text.at, text.len, &starved);
        if (!json_is_object(read)) {
                json_decref(read);
                return starved ? -ENOMEM : refuse(why, "this is no JSON object");
        }
        return take(read, assert_params_afar, ret, why);
}

static int read_encoded(struct text text, struct alone_request *ret, char why[static ALONE_WHY_MAX])
{
        _cleanup_free_ char *decoded = malloc(text.len + 1);
        if (!decoded)
                return -ENOMEM;
        ssize_t len = base64_decode(BASE64_URL, (uint8_t *)decoded, text.len, text.at, text.len);
        if (len < 0)
                return refuse(why, "what the link holds is no base64url");
        return read_plain((struct text){ decoded, (size_t)len }, ret, why);
}

static int read_link(struct text text, struct alone_request *ret, char why[static ALONE_WHY_MAX])
{
        const char *mark = memchr(text.at, '?', text.len);
        struct text request = { text.at, mark ? (size_t)(mark - text.at) : text.len };
        struct text rest = mark ? after(text, request.len + 1) : after(text, text.len);
        if (!starts(rest, VERSION))
                return refuse(why, "the link is of no version that is known here");
        rest = after(rest, strlen(VERSION));
        int r = 0;
        if (starts(rest, "&" REPLY))
                r = read_reply(after(rest, strlen("&" REPLY)), ret->reply, why);
        else if (rest.len > 0)
                r = refuse(why, "the link says something that is not known here");
        if (r != 0)
                return r;
        return memchr(request.at, '.', request.len) ? read_signed(request, ret, why)
                                                    : read_encoded(request, ret, why);
}

bool alone_is_link(const char *text)
{
        return strncmp(text, SCHEME, strlen(SCHEME)) == 0;
}

int alone_request_read(
        const char *text, size_t len, struct alone_request *ret, char why[static ALONE_WHY_MAX])
{
        struct text all = trimmed((struct text){ text, len });
        struct alone_request request = { 0 };
        int r;
        if (all.len == 0 || len > ALONE_TEXT_MAX)
                return refuse(why, all.len == 0 ? "it is empty" : "it is too long");
        if (starts(all, SCHEME))
                r = read_link(after(all, strlen(SCHEME)), &request, why);
        else if (starts(all, "{"))
                r = read_plain(all, &request, why);
        else
                r = read_signed(all, &request, why);
        const char *audience = param_string(request.parameters, "audience");
        if (r == 0 && audience && request.reply[0] && !alone_may_reply(audience, request.reply))
                r = refuse(why, ALONE_ELSEWHERE);
        if (r != 0) {
                alone_request_clear(&request);
                return r;
        }
        *ret = request;
        return 0;
}

void alone_request_clear(struct alone_request *request)
{
        json_decref(request->parameters);
        request->parameters = NULL;
}
