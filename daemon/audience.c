/* SPDX-License-Identifier: Apache-2.0 */
/* audience.c: see audience.h. RFC 3986, 6.2.2 and 6.2.3: small letters in scheme and host, no %XX for what needs none, no dots
 * to walk by in a path, no port that goes without saying, "/" where there is no path. Besides, as browsers meet an address: no user
 * before the host, no dot behind it.
 *
 * It is for comparing, and nobody is told it: an assertion is for the audience byte by byte. What comes out is its own plain spelling
 * (tests/fuzz/fuzz_policy.c).
 */
#include "daemon/audience.h"

struct spelling {
        char *text; /* AUDIENCE_PLAIN_MAX */
        size_t len;
};

static void put(struct spelling *to, char c)
{
        if (to->len + 1 < AUDIENCE_PLAIN_MAX)
                to->text[to->len++] = c;
        to->text[to->len] = 0;
}

static char small(char c)
{
        return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int hex_of(char c)
{
        static const char digits[] = "0123456789abcdef";
        const char *at = c ? strchr(digits, small(c)) : NULL;
        return at ? (int)(at - digits) : -1;
}

static bool needs_no_escape(int c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c > 0 && strchr("-._~", c));
}

static void put_escaped(struct spelling *to, int c)
{
        put(to, '%');
        put(to, "0123456789ABCDEF"[c / 16]);
        put(to, "0123456789ABCDEF"[c % 16]);
}

enum where { PATH, NAME, ADDRESS }; /* the last two: of a host */

/* From `at` to `end`. A %XX that has to stay has capital digits; a % alone is one, and so is a colon in a host's name, which is no
 * port's. */
static void put_unescaped(struct spelling *to, const char *at, const char *end, enum where where)
{
        while (at < end) {
                int high = *at == '%' && end - at > 2 ? hex_of(at[1]) : -1;
                int low = high >= 0 ? hex_of(at[2]) : -1;
                int c = low >= 0 ? high * 16 + low : *at;
                bool stays =
                        *at == '%' ? low < 0 || !needs_no_escape(c) : where == NAME && c == ':';
                if (stays)
                        put_escaped(to, c);
                else
                        put(to, where == PATH ? (char)c : small((char)c));
                at += low >= 0 ? 3 : 1;
        }
}

/* ---- host and port ------------------------------------------------------------------------- */

static void drop_dots(struct spelling *to, size_t begin)
{
        while (to->len > begin && to->text[to->len - 1] == '.')
                to->text[--to->len] = 0;
}

/* Where ":port" begins, in [begin, end]; end if there is none. What is in brackets has colons of its own. */
static const char *port_of(const char *begin, const char *end)
{
        for (const char *at = end; at > begin && at[-1] != ']'; at--)
                if (at[-1] == ':')
                        return at - 1;
        return end;
}

static void put_port(struct spelling *to, const char *at, const char *end)
{
        bool https = strncmp(to->text, "https:", 6) == 0, http = strncmp(to->text, "http:", 5) == 0;
        at += at < end; /* the colon */
        while (at < end && *at == '0')
                at++;
        size_t len = (size_t)(end - at);
        bool usual = (https && len == 3 && memcmp(at, "443", 3) == 0) ||
                     (http && len == 2 && memcmp(at, "80", 2) == 0);
        if (len == 0 || usual)
                return;
        put(to, ':');
        for (; at < end; at++)
                put(to, *at);
}

static void put_authority(struct spelling *to, const char *at, const char *end)
{
        for (const char *c = at; c < end; c++)
                if (*c == '@')
                        at = c + 1;
        const char *port = port_of(at, end);
        size_t begin = to->len;
        bool address = at < port && *at == '[' && port[-1] == ']';
        put_unescaped(to, at, port, address ? ADDRESS : NAME);
        drop_dots(to, begin);
        put_port(to, port, end);
}

/* ---- path ---------------------------------------------------------------------------------- */

/* The path began at `begin`, with "/"; a segment of it ended. True: it was "." or "..", and is taken away, the latter
 * with the segment before it; a "/" is left behind. */
static bool drop_step(struct spelling *to, size_t begin)
{
        size_t start = to->len;
        while (start > begin && to->text[start - 1] != '/')
                start--;
        size_t len = to->len - start;
        bool one = len == 1 && to->text[start] == '.';
        bool two = len == 2 && to->text[start] == '.' && to->text[start + 1] == '.';
        if (!one && !two)
                return false;
        to->len = start;
        if (two && start > begin + 1)
                for (to->len--; to->len > begin + 1 && to->text[to->len - 1] != '/';)
                        to->len--;
        to->text[to->len] = 0;
        return true;
}

static void put_path(struct spelling *to, const char *at, const char *end)
{
        size_t begin = to->len;
        put(to, '/');
        at += at < end; /* its own "/" */
        for (const char *next; at <= end; at = next + 1) {
                next = memchr(at, '/', (size_t)(end - at));
                next = next ? next : end;
                put_unescaped(to, at, next, PATH);
                if (!drop_step(to, begin) && next < end)
                        put(to, '/');
        }
}

/* ---- all of it ----------------------------------------------------------------------------- */

/* After "scheme:", without an authority. The name of a URN's space is of small letters, too (RFC 8141, 3.1). */
static void put_rest(struct spelling *to, const char *at, const char *end)
{
        const char *colon = memchr(at, ':', (size_t)(end - at));
        if (strcmp(to->text, "urn:") == 0 && colon)
                for (; at < colon; at++)
                        put(to, small(*at));
        put_unescaped(to, at, end, PATH);
}

void audience_plain(char dst[static AUDIENCE_PLAIN_MAX], const char *uri)
{
        struct spelling to = { .text = dst };
        const char *end = uri + strnlen(uri, FIELD_AUDIENCE_MAX), *at = uri;
        dst[0] = 0;
        while (at < end && (at == uri || at[-1] != ':'))
                put(&to, small(*at++));
        if (end - at < 2 || at[0] != '/' || at[1] != '/') {
                put_rest(&to, at, end);
                return;
        }
        put(&to, '/');
        put(&to, '/');
        const char *path = at + 2 + strcspn(at + 2, "/?#");
        path = path < end ? path : end;
        const char *query = path + strcspn(path, "?#");
        query = query < end ? query : end;
        put_authority(&to, at + 2, path);
        put_path(&to, path, query);
        put_unescaped(&to, query, end, PATH);
}
