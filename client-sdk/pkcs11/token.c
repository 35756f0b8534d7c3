/* SPDX-License-Identifier: Apache-2.0 */
/* token.c: what a card holds, asked of mohrd once for each card that lies there.
 *
 * mohr.Keys.List asks the holder whether this program may see the certificates. A no is an answer for as long as that card lies there:
 * then the token is empty, and nobody is asked again. What is read here is mohrd's word and is bounded like a stranger's; a key
 * that cannot be read is left out, and of one that can nothing is left out.
 */
#include "client-sdk/pkcs11/p11.h"

#include "base/text.h"
#include "client-sdk/base64.h"
#include "client-sdk/fields.h"

#include <stdio.h>

#define LIST_S 210 /* mohrd's own 180, and against a dead one */

struct p11_token *p11_token_free(struct p11_token *token)
{
        while (token && token->objects) {
                struct p11_object *object = token->objects;
                token->objects = object->next;
                free(object->bytes);
                free(object);
        }
        free(token);
        return NULL;
}

static void token_cleanup(struct p11_token **slot)
{
        *slot = p11_token_free(*slot);
}

struct p11_object *p11_object(const struct p11_token *token, CK_OBJECT_HANDLE handle)
{
        struct p11_object *object = token ? token->objects : NULL;
        while (object && object->handle != handle)
                object = object->next;
        return object;
}

/* ---- Reading ---- */

static const char *text_of(const json_t *json, const char *name)
{
        const char *text = json_string_value(json_object_get(json, name));
        return text ? text : "";
}

/* DER in base64; empty: none, or not so. */
static struct view decode(uint8_t *dst, const char *text)
{
        size_t len = strlen(text);
        ssize_t got = len > 2 * P11_CERTIFICATE_MAX
                              ? -E2BIG
                              : base64_decode(BASE64_STANDARD, dst, P11_CERTIFICATE_MAX, text, len);
        return got > 0 ? (struct view){ dst, (size_t)got } : (struct view){ 0 };
}

/* A modulus is as many bits as it says, and a point as long as its curve's size. */
static bool is_of_size(const struct p11_key *key, const struct p11_certificate *certificate)
{
        size_t bytes = (key->bits + 7) / 8;
        if (key->type == CKK_RSA)
                return certificate->modulus.len == bytes && bytes <= P11_SIGNATURE_MAX;
        return certificate->point.len == 1 + 2 * bytes && 2 * bytes <= 132;
}

static bool read_key(struct p11_key *key, const json_t *json, struct view der)
{
        struct p11_certificate certificate;
        json_int_t bits = json_integer_value(json_object_get(json, "bits"));
        const char *type = text_of(json, "key_type"), *id = text_of(json, "id");
        if (!field_is_hex(id, 2, 2 * P11_ID_MAX) || bits < 192 || bits > 8 * P11_SIGNATURE_MAX ||
                p11_certificate_read(&certificate, der.data, der.len) != 0)
                return false;
        snprintf(key->id, sizeof key->id, "%s", id);
        key->type = strcmp(type, "rsa") == 0 ? CKK_RSA : CKK_EC;
        key->bits = (CK_ULONG)bits;
        key->mechanisms = p11_mechanisms_named(json_object_get(json, "data_mechanisms")) |
                          p11_mechanisms_named(json_object_get(json, "hash_mechanisms"));
        return (strcmp(type, "rsa") == 0 || strcmp(type, "ec") == 0) &&
               key->type == certificate.type && is_of_size(key, &certificate);
}

static int add_key(struct p11_token *token, const json_t *json, CK_ULONG *last_handle)
{
        uint8_t der[P11_CERTIFICATE_MAX], above[P11_CERTIFICATE_MAX];
        char label[P11_LABEL_MAX];
        struct view leaf = decode(der, text_of(json, "certificate"));
        struct view issuer = decode(above, text_of(json, "issuer"));
        size_t at = token->key_count;
        if (at == P11_KEYS_MAX || !read_key(&token->keys[at], json, leaf))
                return 0;
        token->key_count++;
        text_sanitize(label, sizeof label, text_of(json, "label"), sizeof label);
        return p11_objects_add(token, at, label, leaf, issuer, last_handle);
}

int p11_token_read(struct p11_token **ret, const json_t *reply, CK_ULONG *last_handle)
{
        const char *card = text_of(reply, "card");
        const json_t *keys = json_object_get(reply, "keys");
        if (!card[0] || strlen(card) >= P11_CARD_MAX || !json_is_array(keys))
                return -EBADMSG;
        _cleanup_(token_cleanup) struct p11_token *token = calloc(1, sizeof *token);
        if (!token)
                return -ENOMEM;
        snprintf(token->card, sizeof token->card, "%s", card);
        for (size_t i = 0; i < json_array_size(keys); i++) {
                int r = add_key(token, json_array_get(keys, i), last_handle);
                if (r != 0)
                        return r;
        }
        *ret = token;
        token = NULL;
        return 0;
}

/* ---- Asking ---- */

/* The same card keeps its objects and their handles; another one's sessions end. */
static void keep_token(struct p11 *p11, struct p11_slot *slot, struct p11_token *token)
{
        if (slot->token && strcmp(slot->token->card, token->card) == 0) {
                p11_token_free(token);
        } else {
                if (slot->token)
                        p11_card_gone(p11, slot);
                slot->token = token;
        }
        slot->asked = true;
}

static CK_RV take_reply(struct p11 *p11, struct p11_slot *slot)
{
        struct p11_token *token = NULL;
        bool settled;
        int r = p11_token_read(&token, client_reply(p11->talk), &p11->last_handle);
        if (r == 0)
                keep_token(p11, slot, token);
        return p11_result(r, NULL, &settled);
}

static CK_RV ask(struct p11 *p11, struct p11_slot *slot)
{
        bool settled = false;
        int r = p11->watch ? 0 : p11_watch(p11, &p11->watch);
        if (r == 0)
                r = p11_talk(p11, slot, "mohr.Keys.List", p11_card_parameters(slot), LIST_S);
        CK_RV rv = p11_result(r, p11->talk, &settled);
        if (rv == CKR_OK)
                return take_reply(p11, slot);
        slot->asked = settled;
        return settled ? CKR_OK : rv;
}

CK_RV p11_list(struct p11 *p11, CK_SLOT_ID id)
{
        struct p11_slot *slot = &p11->slots[id];
        p11_take_turn(p11);
        _cleanup_turn_ struct p11 *turn = p11;
        if (p11->ending)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        p11_notice(p11);
        return slot->asked || !slot->present ? CKR_OK : ask(p11, slot);
}
