/* SPDX-License-Identifier: Apache-2.0 */
/* search.c: which objects a template means, and whether it is reason enough to ask the holder.
 *
 * Programs search all tokens for what is none of a card's: browsers look for the issuer of each server, and for trust.
 * Such a search finds what is known already and has nobody asked: one for a class or an attribute that our objects never have, and
 * one for a certificate by what stands in it. Who looks for a certificate or a key to use it does so by class, label or CKA_ID.
 */
#include "client-sdk/pkcs11/p11.h"

const struct p11_row *p11_attribute(const struct p11_object *object, CK_ATTRIBUTE_TYPE type)
{
        for (size_t i = 0; i < object->count; i++)
                if (object->rows[i].type == type)
                        return &object->rows[i];
        return NULL;
}

bool p11_object_matches(
        const struct p11_object *object, const CK_ATTRIBUTE *template, CK_ULONG count)
{
        for (CK_ULONG i = 0; i < count; i++) {
                const struct p11_row *row = p11_attribute(object, template[i].type);
                if (!row || row->len != template[i].len ||
                        (row->len > 0 &&
                                (!template[i].value || memcmp(object->bytes + row->at,
                                                               template[i].value, row->len) != 0)))
                        return false;
        }
        return true;
}

/* ---- Interest ---- */

/* What an object of ours can be asked for. `values` of those that are numbers: the ones that occur, by their bits. */
static const struct {
        CK_ATTRIBUTE_TYPE type;
        enum p11_interest interest; /* of a search for certificates, by this one */
        uint32_t values;            /* 0: any */
        bool flag;                  /* a CK_BBOOL, else a CK_ULONG, where `values` are */
} rules[] = {
        { CKA_CLASS, P11_ASK, 1u << CKO_CERTIFICATE | 1u << CKO_PUBLIC_KEY | 1u << CKO_PRIVATE_KEY,
                false },
        { CKA_TOKEN, P11_ASK, 1u << CK_TRUE, true },
        { CKA_PRIVATE, P11_ASK, 1u << CK_FALSE, true },
        { CKA_TRUSTED, P11_LISTED, 1u << CK_FALSE, true },
        { CKA_MODIFIABLE, P11_ASK, 1u << CK_FALSE, true },
        { CKA_COPYABLE, P11_ASK, 1u << CK_FALSE, true },
        { CKA_DESTROYABLE, P11_ASK, 1u << CK_FALSE, true },
        { CKA_LABEL, P11_ASK, 0, false },
        { CKA_ID, P11_ASK, 0, false },
        { CKA_START_DATE, P11_LISTED, 0, false },
        { CKA_END_DATE, P11_LISTED, 0, false },
        { CKA_CERTIFICATE_TYPE, P11_ASK, 1u << CKC_X_509, false },
        { CKA_CERTIFICATE_CATEGORY, P11_LISTED, 0, false },
        { CKA_SUBJECT, P11_LISTED, 0, false },
        { CKA_ISSUER, P11_LISTED, 0, false },
        { CKA_SERIAL_NUMBER, P11_LISTED, 0, false },
        { CKA_VALUE, P11_LISTED, 0, false },
        { CKA_PUBLIC_KEY_INFO, P11_LISTED, 0, false },
        { CKA_KEY_TYPE, P11_ASK, 1u << CKK_RSA | 1u << CKK_EC, false },
        { CKA_MODULUS, P11_ASK, 0, false },
        { CKA_MODULUS_BITS, P11_ASK, 0, false },
        { CKA_PUBLIC_EXPONENT, P11_ASK, 0, false },
        { CKA_EC_PARAMS, P11_ASK, 0, false },
        { CKA_EC_POINT, P11_ASK, 0, false },
        { CKA_KEY_GEN_MECHANISM, P11_ASK, 0, false },
        { CKA_ALLOWED_MECHANISMS, P11_ASK, 0, false },
        { CKA_DERIVE, P11_ASK, 1u << CK_FALSE, true },
        { CKA_LOCAL, P11_ASK, 1u << CK_FALSE, true },
        { CKA_ENCRYPT, P11_ASK, 1u << CK_FALSE, true },
        { CKA_DECRYPT, P11_ASK, 1u << CK_FALSE, true },
        { CKA_SIGN, P11_ASK, 1u << CK_TRUE, true },
        { CKA_SIGN_RECOVER, P11_ASK, 1u << CK_FALSE, true },
        { CKA_VERIFY, P11_ASK, 1u << CK_TRUE, true },
        { CKA_VERIFY_RECOVER, P11_ASK, 1u << CK_FALSE, true },
        { CKA_WRAP, P11_ASK, 1u << CK_FALSE, true },
        { CKA_UNWRAP, P11_ASK, 1u << CK_FALSE, true },
        { CKA_SENSITIVE, P11_ASK, 1u << CK_TRUE, true },
        { CKA_ALWAYS_SENSITIVE, P11_ASK, 1u << CK_TRUE, true },
        { CKA_EXTRACTABLE, P11_ASK, 1u << CK_FALSE, true },
        { CKA_NEVER_EXTRACTABLE, P11_ASK, 1u << CK_TRUE, true },
        { CKA_WRAP_WITH_TRUSTED, P11_ASK, 1u << CK_FALSE, true },
        { CKA_ALWAYS_AUTHENTICATE, P11_ASK, 1u << CK_FALSE, true },
};

/* The number in it, or one that never occurs. */
static CK_ULONG number_in(const CK_ATTRIBUTE *asked, bool flag)
{
        CK_ULONG value = 31;
        if (!asked->value || asked->len != (flag ? sizeof(CK_BBOOL) : sizeof(CK_ULONG)))
                return 31;
        if (flag)
                return *(const CK_BBOOL *)asked->value ? CK_TRUE : CK_FALSE;
        memcpy(&value, asked->value, sizeof value);
        return value < 31 ? value : 31;
}

static enum p11_interest interest_of(const CK_ATTRIBUTE *asked)
{
        for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
                if (rules[i].type != asked->type)
                        continue;
                if (rules[i].values && !(rules[i].values >> number_in(asked, rules[i].flag) & 1))
                        return P11_NOTHING;
                return rules[i].interest;
        }
        return P11_NOTHING;
}

static bool wants_keys(const CK_ATTRIBUTE *template, CK_ULONG count)
{
        for (CK_ULONG i = 0; i < count; i++)
                if (template[i].type == CKA_CLASS)
                        return number_in(&template[i], false) != CKO_CERTIFICATE;
        return false;
}

enum p11_interest p11_interest(const CK_ATTRIBUTE *template, CK_ULONG count)
{
        bool keys = wants_keys(template, count);
        enum p11_interest least = P11_ASK;
        for (CK_ULONG i = 0; i < count; i++) {
                enum p11_interest one = interest_of(&template[i]);
                if (one == P11_LISTED && keys)
                        one = P11_ASK;
                if (one < least)
                        least = one;
        }
        return least;
}
