/* SPDX-License-Identifier: Apache-2.0 */
/* uri.c: what a QR code for pairing says (pair.h), as text (RFC 3986).
 *
 * One writing for each meaning but for the digits of a percent-encoding: parts in their order, no other part, no escape but
 * in the name, addresses in plain letters. A camera and a person's clipboard are outside: everything is bounded before it is
 * copied, and what the secret went through here is wiped. The text itself is the caller's.
 */
#include "client-sdk/link/pair.h"

#include "base/bytes.h"
#include "base/text.h"
#include "client-sdk/base64.h"
#include "client-sdk/link/place.h"

#define SCHEME  "mohr-pair:"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define SPACES  " \t\r\n"

/* What is left of a text that is being read. */
struct rest {
        const char *at;
        size_t len;
};

static void wipe_uri(struct pair_uri *uri)
{
        explicit_bzero(uri, sizeof *uri);
}

static bool skip(struct rest *rest, const char *word)
{
        size_t len = strlen(word);
        if (len > rest->len || memcmp(rest->at, word, len) != 0)
                return false;
        rest->at += len;
        rest->len -= len;
        return true;
}

/* Up to one of these characters or the end. */
static struct rest until(struct rest *rest, char end, char other)
{
        size_t len = 0;
        while (len < rest->len && rest->at[len] != end && rest->at[len] != other)
                len++;
        struct rest part = { rest->at, len };
        rest->at += len;
        rest->len -= len;
        return part;
}

/* ---- addresses ---- */

/* Whole, and without a scope: that is another one on each device, and a percent sign besides. */
static bool address_is_good(struct rest text)
{
        struct link_place place;
        return !memchr(text.at, '%', text.len) &&
               link_place_read(text.at, text.len, 0, &place) == 0;
}

static bool take_addresses(struct rest *rest, struct pair_uri *uri)
{
        do {
                struct rest one = until(rest, ',', '?');
                if (uri->address_count == PAIR_ADDRESSES || one.len >= LINK_ADDRESS_MAX ||
                        !address_is_good(one))
                        return false;
                memcpy(uri->addresses[uri->address_count], one.at, one.len);
                uri->addresses[uri->address_count++][one.len] = '\0';
        } while (skip(rest, ","));
        return true;
}

/* ---- the other parts ---- */

static bool take_bytes(struct rest *rest, uint8_t *ret, size_t len)
{
        struct rest text = until(rest, '&', '&');
        return base64_decode(BASE64_URL, ret, len, text.at, text.len) == (ssize_t)len;
}

/* The next character of a name; -1: it is written in no way that a URI knows. */
static int take_character(struct rest *rest)
{
        char hex[3] = { 0 };
        uint8_t byte = 0;
        char c = rest->at[0];
        if (c != '%' || rest->len < 3) {
                skip(rest, (char[]){ c, '\0' });
                return c != '\0' && strchr(LETTERS "-._~", c) ? c : -1;
        }
        memcpy(hex, rest->at + 1, 2);
        rest->at += 3;
        rest->len -= 3;
        return hex_decode(&byte, 1, hex) == 1 && byte != 0 ? byte : -1;
}

static bool take_name(struct rest *rest, char ret[static LINK_NAME_MAX])
{
        size_t len = 0;
        while (rest->len > 0) {
                int c = take_character(rest);
                if (c < 0 || len == LINK_NAME_MAX - 1)
                        return false;
                ret[len++] = (char)c;
        }
        ret[len] = '\0';
        return text_utf8_valid(ret, len);
}

int pair_uri_read(const char *text, struct pair_uri *ret)
{
        _cleanup_(wipe_uri) struct pair_uri uri = { 0 };
        struct rest rest = { text + strspn(text, SPACES), 0 };
        rest.len = strnlen(rest.at, PAIR_URI_MAX + 16);
        while (rest.len > 0 && strchr(SPACES, rest.at[rest.len - 1]))
                rest.len--;
        if (rest.len >= PAIR_URI_MAX || !skip(&rest, SCHEME) || !take_addresses(&rest, &uri) ||
                !skip(&rest, "?v=1&c=") || !take_bytes(&rest, uri.print, sizeof uri.print) ||
                !skip(&rest, "&s=") || !take_bytes(&rest, uri.secret, sizeof uri.secret) ||
                !skip(&rest, "&n=") || !take_name(&rest, uri.name))
                return -EINVAL;
        *ret = uri;
        return 0;
}

/* ---- writing ---- */

static void put_bytes(struct out *out, const char *name, const uint8_t *bytes, size_t len)
{
        char text[64];
        base64_encode(BASE64_URL, text, bytes, len);
        out_bytes(out, name, strlen(name));
        out_bytes(out, text, strlen(text));
        explicit_bzero(text, sizeof text);
}

static void put_name(struct out *out, const char *name)
{
        static const char digits[] = "0123456789ABCDEF";
        out_bytes(out, "&n=", 3);
        for (const char *at = name; *at; at++) {
                const char escaped[] = { '%', digits[(uint8_t)*at >> 4], digits[*at & 15] };
                bool plain = strchr(LETTERS "-._~", *at) != NULL;
                out_bytes(out, plain ? at : escaped, plain ? 1 : sizeof escaped);
        }
}

int pair_uri_write(const struct pair_uri *uri, char ret[static PAIR_URI_MAX])
{
        struct out out = out_new(ret, PAIR_URI_MAX);
        if (uri->address_count == 0 || uri->address_count > PAIR_ADDRESSES ||
                !text_utf8_valid(uri->name, strlen(uri->name)))
                return -EINVAL;
        out_bytes(&out, SCHEME, strlen(SCHEME));
        for (size_t i = 0; i < uri->address_count; i++) {
                const char *address = uri->addresses[i];
                if (!address_is_good((struct rest){ address, strlen(address) }))
                        return -EINVAL;
                out_bytes(&out, ",", i > 0);
                out_bytes(&out, address, strlen(address));
        }
        out_bytes(&out, "?v=1", 4);
        put_bytes(&out, "&c=", uri->print, sizeof uri->print);
        put_bytes(&out, "&s=", uri->secret, sizeof uri->secret);
        put_name(&out, uri->name);
        out_u8(&out, '\0');
        return out_done(&out) == 0 ? 0 : -EINVAL;
}
