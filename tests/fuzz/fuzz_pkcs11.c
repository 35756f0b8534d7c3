/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pkcs11.c: what mohrd tells of a card's keys, and the certificates in it. The first byte chooses: a certificate as it is
 * or a reply of mohr.Keys.List as JSON. Whatever is read lies within what was given, and every object can be asked for
 * all that it has.
 */
#include "client-sdk/pkcs11/p11.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require_inside(struct view part, const uint8_t *data, size_t len)
{
        require(part.len > 0 && part.data >= data && part.data + part.len <= data + len);
}

static void read_certificate(const uint8_t *data, size_t len)
{
        struct p11_certificate read;
        if (p11_certificate_read(&read, data, len) != 0)
                return;
        require_inside(read.serial, data, len);
        require_inside(read.issuer, data, len);
        require_inside(read.subject, data, len);
        require_inside(read.info, data, len);
        if (read.type == CKK_RSA) {
                require_inside(read.modulus, data, len);
                require_inside(read.exponent, data, len);
        } else {
                require_inside(read.params, data, len);
                require_inside(read.point, data, len);
        }
}

static void require_object(const struct p11_object *object, const struct p11_token *token)
{
        require(object->key < token->key_count);
        for (size_t i = 0; i < object->count; i++) {
                const struct p11_row *row = &object->rows[i];
                CK_ATTRIBUTE one = { row->type, object->bytes + row->at, row->len };
                require(row->at + row->len <= object->len);
                require(p11_attribute(object, row->type) == row); /* none twice */
                require(p11_object_matches(object, &one, 1));
        }
}

static void read_reply(const uint8_t *data, size_t len)
{
        struct p11_token *token = NULL;
        CK_ULONG last = 7, count = 0;
        json_t *reply = json_loadb((const char *)data, len, JSON_REJECT_DUPLICATES, NULL);
        if (p11_token_read(&token, reply, &last) == 0) {
                require(token->card[0] && token->key_count <= P11_KEYS_MAX);
                for (const struct p11_object *o = token->objects; o; o = o->next, count++)
                        require_object(o, token);
                require(last == 7 + count && count >= 3 * token->key_count);
        }
        p11_token_free(token);
        json_decref(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        if (len == 0)
                return 0;
        if (data[0] & 1)
                read_certificate(data + 1, len - 1);
        else
                read_reply(data + 1, len - 1);
        return 0;
}
