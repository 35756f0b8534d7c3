/* SPDX-License-Identifier: Apache-2.0 */
/* certificate.c: the few fields of a certificate that are attributes of objects (RFC 5280, 4.1; RFC 8017, A.1.1; RFC 5480, 2).
 *
 * Nothing is checked: what a certificate is worth the program finds out, and mohrd did. OpenSSL is not used, since this runs inside
 * programs that may have engines of OpenSSL's which call this module.
 */
#include "client-sdk/pkcs11/p11.h"

#include "client-sdk/der.h"

#define BIT_STRING 0x03

/* rsaEncryption 1.2.840.113549.1.1.1, id-ecPublicKey 1.2.840.10045.2.1 */
static const uint8_t rsa[] = { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01 };
static const uint8_t ec[] = { 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01 };

static struct view number(struct in *in)
{
        struct view value = der_get(in, DER_INTEGER);
        while (value.len > 1 && value.data[0] == 0) {
                value.data++;
                value.len--;
        }
        return value;
}

/* One of whole bytes. */
static struct view bits(struct in *in)
{
        struct in inner = der_enter(in, BIT_STRING);
        if (in_u8(&inner) != 0)
                in->error = -EBADMSG;
        return in_bytes(&inner, in_left(&inner));
}

static int read_rsa(struct p11_certificate *ret, struct view key)
{
        struct in in = der_open(key), inner = der_enter(&in, DER_SEQUENCE);
        ret->type = CKK_RSA;
        ret->modulus = number(&inner);
        ret->exponent = number(&inner);
        int r = in_done(&inner);
        return r != 0 ? r : in_done(&in);
}

/* Points are whole and named curves only: no others are on cards that mohrd knows. */
static int read_ec(struct p11_certificate *ret, struct view params, struct view key)
{
        ret->type = CKK_EC;
        ret->params = params;
        ret->point = key;
        return key.len > 1 && key.data[0] == 0x04 ? 0 : -EBADMSG;
}

static int read_key(struct p11_certificate *ret)
{
        struct in in = der_open(ret->info), info = der_enter(&in, DER_SEQUENCE);
        struct in algorithm = der_enter(&info, DER_SEQUENCE);
        struct view oid = der_get(&algorithm, DER_OID), params = { 0 };
        bool is_ec = view_eq(oid, ec, sizeof ec);
        if (is_ec)
                params = der_get_whole(&algorithm, DER_OID);
        else
                der_get(&algorithm, DER_NULL);
        struct view key = bits(&info);
        if (in_done(&algorithm) != 0 || in_done(&info) != 0 || in_done(&in) != 0)
                return -EBADMSG;
        if (is_ec)
                return read_ec(ret, params, key);
        return view_eq(oid, rsa, sizeof rsa) ? read_rsa(ret, key) : -EBADMSG;
}

int p11_certificate_read(struct p11_certificate *ret, const void *der, size_t len)
{
        struct p11_certificate read = { 0 };
        struct in in = in_new(der, len), whole = der_enter(&in, DER_SEQUENCE);
        struct in tbs = der_enter(&whole, DER_SEQUENCE);
        if (der_is(&tbs, DER_0)) /* version */
                der_get(&tbs, DER_0);
        read.serial = der_get_whole(&tbs, DER_INTEGER);
        der_get(&tbs, DER_SEQUENCE); /* how it is signed */
        read.issuer = der_get_whole(&tbs, DER_SEQUENCE);
        der_get(&tbs, DER_SEQUENCE); /* validity */
        read.subject = der_get_whole(&tbs, DER_SEQUENCE);
        read.info = der_get_whole(&tbs, DER_SEQUENCE);
        der_get(&whole, DER_SEQUENCE);
        der_get(&whole, BIT_STRING);
        if (tbs.error || in_done(&whole) != 0 || in_done(&in) != 0)
                return -EBADMSG;
        int r = read_key(&read);
        if (r == 0)
                *ret = read;
        return r;
}
