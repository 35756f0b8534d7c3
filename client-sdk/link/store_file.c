/* SPDX-License-Identifier: Apache-2.0 */
/* store_file.c: one pairing as text: a flat JSON object on one line (docs/phone.md, "The file of a pairing").
 *
 * Strict both ways: every member must be there but "next", none twice, none that is not known, each within its bounds. The
 * private key is the reason for the one liberty that is taken with the text: its value is copied out and blanked before the
 * JSON library looks, and put in behind it when writing, so that no copy of a key is left in memory that nobody wipes. The sequence
 * of bytes that it is found by can be nothing else in a JSON text than the name of that member.
 */
#include "client-sdk/link/internal.h"

#include "base/text.h"
#include "client-sdk/members.h"

#include <stdio.h>

#define FILE_VERSION 1

static const char key_member[] = "\"key\":\"";

bool link_id_valid(const char *id)
{
        return strlen(id) == LINK_ID_LEN && strspn(id, "0123456789abcdef") == LINK_ID_LEN;
}

void link_peer_clear(struct link_peer *peer)
{
        link_text_cleanup(&peer->key);
        free(peer->certificate);
        explicit_bzero(peer, sizeof *peer);
}

/* ---- reading ---- */

/* PEM has line ends and no other byte that JSON would escape. */
static int unescape_pem(char *from, char *end, char **ret)
{
        _cleanup_(link_text_cleanup) char *pem = calloc(1, LINK_PEM_MAX);
        size_t len = 0;
        if (!pem)
                return -ENOMEM;
        for (char *at = from; at < end && len < LINK_PEM_MAX - 1; at++, len++) {
                if (*at == '\\' && (++at == end || *at != 'n'))
                        return -EBADMSG;
                pem[len] = *at;
                if (at > from && at[-1] == '\\')
                        pem[len] = '\n';
                else if ((unsigned char)*at < ' ')
                        return -EBADMSG;
        }
        if (len == 0 || len >= LINK_PEM_MAX - 1)
                return -EBADMSG;
        *ret = pem;
        pem = NULL;
        return 0;
}

/* Takes the key out and leaves as many plain letters. */
static int take_key(char *text, size_t len, char **ret)
{
        char *start = memmem(text, len, key_member, strlen(key_member));
        if (!start)
                return -EBADMSG;
        start += strlen(key_member);
        char *end = memchr(start, '"', len - (size_t)(start - text));
        int r = end ? unescape_pem(start, end, ret) : -EBADMSG;
        if (end)
                memset(start, 'x', (size_t)(end - start));
        return r;
}

static int get_text(const json_t *root, const char *name, char *dst, size_t cap)
{
        const json_t *value = json_object_get(root, name);
        if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
                return -EBADMSG;
        return text_copy(dst, cap, json_string_value(value)) < 0 ? -EBADMSG : 0;
}

static int get_print(const json_t *root, const char *name, uint8_t ret[static LINK_PRINT])
{
        char hex[2 * LINK_PRINT + 1];
        int r = get_text(root, name, hex, sizeof hex);
        if (r < 0)
                return r;
        return hex_decode(ret, LINK_PRINT, hex) == LINK_PRINT ? 0 : -EBADMSG;
}

static int get_time(const json_t *root, const char *name, int64_t *ret)
{
        const json_t *value = json_object_get(root, name);
        if (!json_is_integer(value) || json_integer_value(value) < 0)
                return -EBADMSG;
        *ret = json_integer_value(value);
        return 0;
}

static int get_certificate(const json_t *root, char **ret)
{
        char pem[LINK_PEM_MAX];
        int r = get_text(root, "certificate", pem, sizeof pem);
        if (r < 0)
                return r;
        *ret = strdup(pem);
        return *ret ? 0 : -ENOMEM;
}

static int get_members(const json_t *root, struct link_peer *ret)
{
        const bool renewing = json_object_get(root, "next") != NULL;
        const json_int_t version = json_integer_value(json_object_get(root, "version"));
        if (!json_is_object(root) || json_object_size(root) != (renewing ? 10 : 9) ||
                version != FILE_VERSION || !json_is_string(json_object_get(root, "key")))
                return -EBADMSG;
        int r = get_text(root, "id", ret->id, sizeof ret->id);
        if (r == 0 && !link_id_valid(ret->id))
                r = -EBADMSG;
        if (r == 0)
                r = get_text(root, "name", ret->name, sizeof ret->name);
        if (r == 0)
                r = get_text(root, "address", ret->address, sizeof ret->address);
        if (r == 0)
                r = get_print(root, "peer", ret->peer_print);
        if (r == 0 && renewing)
                r = get_print(root, "next", ret->next_print);
        if (r == 0)
                r = get_time(root, "paired_at", &ret->paired_at);
        if (r == 0)
                r = get_time(root, "expires_at", &ret->expires_at);
        return r == 0 ? get_certificate(root, &ret->certificate) : r;
}

int link_file_parse(char *text, size_t len, struct link_peer *ret)
{
        _cleanup_(link_peer_clear) struct link_peer peer = { 0 };
        bool starved = false;
        int r = len <= LINK_FILE_MAX ? take_key(text, len, &peer.key) : -EBADMSG;
        if (r < 0)
                return r;
        json_t *root = members_read(text, len, &starved);
        r = root ? get_members(root, &peer) : starved ? -ENOMEM : -EBADMSG;
        json_decref(root);
        if (r < 0)
                return r;
        *ret = peer;
        peer = (struct link_peer){ 0 };
        return 0;
}

/* ---- writing ---- */

static json_t *public_members(const struct link_peer *peer)
{
        static const uint8_t none[LINK_PRINT];
        char print[2 * LINK_PRINT + 1], next[2 * LINK_PRINT + 1];
        hex_encode(print, peer->peer_print, LINK_PRINT);
        hex_encode(next, peer->next_print, LINK_PRINT);
        const struct member renewing = { "next",
                memcmp(peer->next_print, none, LINK_PRINT) != 0 ? next : NULL };
        json_t *root = json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "version",
                FILE_VERSION, "id", peer->id, "name", peer->name, "address", peer->address, "peer",
                print, "paired_at", (json_int_t)peer->paired_at, "expires_at",
                (json_int_t)peer->expires_at, "certificate", peer->certificate);
        return members_of(root, &renewing, 1);
}

static void put_key(struct out *out, const char *pem)
{
        out_bytes(out, ",", 1);
        out_bytes(out, key_member, strlen(key_member));
        for (const char *at = pem; *at; at++) {
                if ((unsigned char)*at < ' ' ? *at != '\n' : *at == '"' || *at == '\\')
                        out->error = -EINVAL;
                out_bytes(out, *at == '\n' ? "\\n" : at, *at == '\n' ? 2 : 1);
        }
        out_bytes(out, "\"}\n", sizeof "\"}\n");
}

static bool may_be_kept(const struct link_peer *peer)
{
        return link_id_valid(peer->id) && peer->key && peer->certificate && peer->key[0] &&
               strlen(peer->key) < LINK_PEM_MAX - 1 && strlen(peer->certificate) < LINK_PEM_MAX &&
               peer->paired_at >= 0 && peer->expires_at >= 0 &&
               text_utf8_valid(peer->name, strlen(peer->name)) &&
               text_utf8_valid(peer->address, strlen(peer->address)) &&
               text_utf8_valid(peer->certificate, strlen(peer->certificate));
}

int link_file_write(const struct link_peer *peer, char text[static LINK_FILE_MAX], size_t *ret_len)
{
        if (!may_be_kept(peer))
                return -EINVAL;
        json_t *root = public_members(peer);
        _cleanup_free_ char *open = root ? members_text(root, JSON_COMPACT) : NULL;
        json_decref(root);
        if (!open)
                return -ENOMEM;
        struct out out = out_new(text, LINK_FILE_MAX);
        out_bytes(&out, open, strlen(open) - 1); /* without the brace that ends it */
        put_key(&out, peer->key);
        if (out_done(&out) < 0)
                return -EINVAL;
        *ret_len = out.len - 1;
        return 0;
}
