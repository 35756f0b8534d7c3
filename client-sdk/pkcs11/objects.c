/* SPDX-License-Identifier: Apache-2.0 */
/* objects.c: a card's keys as objects: for each a certificate, a public and a private key, and the issuer's certificate where the
 * card has it (2.40, 4.6 to 4.9, and the key types' own tables).
 *
 * A private key is told without a login, so CKA_PRIVATE is false; that it signs only what its holder agrees to is not PKCS#11's
 * to say. CKA_ALWAYS_AUTHENTICATE is false for the same reason: the holder types the PIN where mohrd asks for it.
 */
#include "client-sdk/pkcs11/p11.h"

#include "client-sdk/der.h"

#include <stdio.h>

/* Sticky: an object that lost an attribute has no bytes. */
static void put(struct p11_object *to, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
        uint8_t *bytes = to->bytes && to->count < P11_ROWS_MAX
                                 ? realloc(to->bytes, to->len + len + 1)
                                 : NULL;
        if (!bytes) {
                free(to->bytes);
                to->bytes = NULL;
                return;
        }
        to->bytes = bytes;
        to->rows[to->count++] = (struct p11_row){ type, to->len, len };
        if (len > 0)
                memcpy(bytes + to->len, value, len);
        to->len += len;
}

static void put_view(struct p11_object *to, CK_ATTRIBUTE_TYPE type, struct view value)
{
        put(to, type, value.data, value.len);
}

static void put_number(struct p11_object *to, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
        put(to, type, &value, sizeof value);
}

struct flag {
        CK_ATTRIBUTE_TYPE type;
        CK_BBOOL value;
};

static void put_flags(struct p11_object *to, const struct flag *flags, size_t count)
{
        for (size_t i = 0; i < count; i++)
                put(to, flags[i].type, &flags[i].value, sizeof flags[i].value);
}

static const struct flag flags_of_all[] = {
        { CKA_TOKEN, CK_TRUE },
        { CKA_PRIVATE, CK_FALSE },
        { CKA_MODIFIABLE, CK_FALSE },
        { CKA_COPYABLE, CK_FALSE },
        { CKA_DESTROYABLE, CK_FALSE },
};
static const struct flag flags_of_public[] = {
        { CKA_DERIVE, CK_FALSE },
        { CKA_LOCAL, CK_FALSE },
        { CKA_ENCRYPT, CK_FALSE },
        { CKA_VERIFY, CK_TRUE },
        { CKA_VERIFY_RECOVER, CK_FALSE },
        { CKA_WRAP, CK_FALSE },
        { CKA_TRUSTED, CK_FALSE },
};
static const struct flag flags_of_private[] = {
        { CKA_DERIVE, CK_FALSE },
        { CKA_LOCAL, CK_FALSE },
        { CKA_SENSITIVE, CK_TRUE },
        { CKA_ALWAYS_SENSITIVE, CK_TRUE },
        { CKA_EXTRACTABLE, CK_FALSE },
        { CKA_NEVER_EXTRACTABLE, CK_TRUE },
        { CKA_DECRYPT, CK_FALSE },
        { CKA_SIGN, CK_TRUE },
        { CKA_SIGN_RECOVER, CK_FALSE },
        { CKA_UNWRAP, CK_FALSE },
        { CKA_WRAP_WITH_TRUSTED, CK_FALSE },
        { CKA_ALWAYS_AUTHENTICATE, CK_FALSE },
};

/* ---- What each class has ---- */

struct making {
        const struct p11_key *key;
        const char *label;
        struct view id, der;
        struct p11_certificate read;
};

static void put_common(struct p11_object *to, const struct making *making)
{
        put_number(to, CKA_CLASS, to->class);
        put_flags(to, flags_of_all, ARRAY_LEN(flags_of_all));
        put(to, CKA_LABEL, making->label, strlen(making->label));
        put_view(to, CKA_ID, making->id);
        put_view(to, CKA_SUBJECT, making->read.subject);
}

static void put_certificate(struct p11_object *to, const struct making *making, CK_ULONG category)
{
        static const struct flag trusted = { CKA_TRUSTED, CK_FALSE };
        put_common(to, making);
        put_number(to, CKA_CERTIFICATE_TYPE, CKC_X_509);
        put_number(to, CKA_CERTIFICATE_CATEGORY, category);
        put_flags(to, &trusted, 1);
        put_view(to, CKA_ISSUER, making->read.issuer);
        put_view(to, CKA_SERIAL_NUMBER, making->read.serial);
        put_view(to, CKA_VALUE, making->der);
        put_view(to, CKA_PUBLIC_KEY_INFO, making->read.info);
        put(to, CKA_START_DATE, NULL, 0);
        put(to, CKA_END_DATE, NULL, 0);
}

/* CKA_EC_POINT: the point's bytes as an OCTET STRING. */
static void put_point(struct p11_object *to, struct view point)
{
        uint8_t wrapped[160];
        struct out out = out_new(wrapped, sizeof wrapped);
        der_put(&out, DER_OCTETS, point.data, point.len);
        if (out_done(&out) == 0)
                put(to, CKA_EC_POINT, wrapped, out.len);
}

static void put_key(struct p11_object *to, const struct making *making)
{
        put_common(to, making);
        put_number(to, CKA_KEY_TYPE, making->key->type);
        put_number(to, CKA_KEY_GEN_MECHANISM, CK_UNAVAILABLE_INFORMATION);
        put_view(to, CKA_PUBLIC_KEY_INFO, making->read.info);
        put(to, CKA_START_DATE, NULL, 0);
        put(to, CKA_END_DATE, NULL, 0);
        if (making->key->type == CKK_RSA) {
                put_view(to, CKA_MODULUS, making->read.modulus);
                put_view(to, CKA_PUBLIC_EXPONENT, making->read.exponent);
                return;
        }
        put_view(to, CKA_EC_PARAMS, making->read.params);
        put_point(to, making->read.point);
}

static void put_leaf(struct p11_object *to, const struct making *making)
{
        put_certificate(to, making, CK_CERTIFICATE_CATEGORY_TOKEN_USER);
}

static void put_issuer(struct p11_object *to, const struct making *making)
{
        put_certificate(to, making, CK_CERTIFICATE_CATEGORY_AUTHORITY);
}

static void put_public(struct p11_object *to, const struct making *making)
{
        put_key(to, making);
        put_flags(to, flags_of_public, ARRAY_LEN(flags_of_public));
        if (making->key->type == CKK_RSA)
                put_number(to, CKA_MODULUS_BITS, making->key->bits);
}

static void put_private(struct p11_object *to, const struct making *making)
{
        CK_MECHANISM_TYPE mechanisms[32];
        put_key(to, making);
        put_flags(to, flags_of_private, ARRAY_LEN(flags_of_private));
        CK_ULONG count = p11_mechanisms_told(making->key->mechanisms, mechanisms);
        put(to, CKA_ALLOWED_MECHANISMS, mechanisms, count * sizeof mechanisms[0]);
}

/* ---- Making them ---- */

static int add(struct p11_token *token, size_t key, CK_ULONG class,
        void (*fill)(struct p11_object *to, const struct making *making),
        const struct making *making, CK_ULONG *last_handle)
{
        struct p11_object *made = calloc(1, sizeof *made);
        if (!made)
                return -ENOMEM;
        made->bytes = malloc(1);
        made->class = class;
        made->key = key;
        fill(made, making);
        if (!made->bytes) {
                free(made);
                return -ENOMEM;
        }
        made->handle = ++*last_handle;
        struct p11_object **end = &token->objects;
        while (*end)
                end = &(*end)->next;
        *end = made;
        return 0;
}

static bool is_there(const struct p11_token *token, struct view der)
{
        for (const struct p11_object *object = token->objects; object; object = object->next) {
                const struct p11_row *row = p11_attribute(object, CKA_VALUE);
                if (row && view_eq(der, object->bytes + row->at, row->len))
                        return true;
        }
        return false;
}

/* One issuer of two keys is one object. It has no CKA_ID, since no key of the card's is its. */
static int add_issuer(
        struct p11_token *token, size_t key, const char *label, struct view der, CK_ULONG *last)
{
        char name[P11_LABEL_MAX + 16];
        struct making making = { .key = &token->keys[key], .label = name, .der = der };
        snprintf(name, sizeof name, "%s (issuer)", label);
        if (der.len == 0 || is_there(token, der) ||
                p11_certificate_read(&making.read, der.data, der.len) != 0)
                return 0;
        return add(token, key, CKO_CERTIFICATE, put_issuer, &making, last);
}

int p11_objects_add(struct p11_token *token, size_t key, const char *label, struct view der,
        struct view issuer, CK_ULONG *last_handle)
{
        static const struct {
                CK_ULONG class;
                void (*fill)(struct p11_object *to, const struct making *making);
        } kinds[] = {
                { CKO_CERTIFICATE, put_leaf },
                { CKO_PUBLIC_KEY, put_public },
                { CKO_PRIVATE_KEY, put_private },
        };
        uint8_t id[P11_ID_MAX];
        ssize_t id_len = hex_decode(id, sizeof id, token->keys[key].id);
        struct making making = { .key = &token->keys[key],
                .label = label,
                .id = { id, id_len > 0 ? (size_t)id_len : 0 },
                .der = der };
        int r = p11_certificate_read(&making.read, der.data, der.len);
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds); i++)
                r = add(token, key, kinds[i].class, kinds[i].fill, &making, last_handle);
        return r == 0 ? add_issuer(token, key, label, issuer, last_handle) : r;
}
