/* SPDX-License-Identifier: Apache-2.0 */
/* test_recognise.c: the forms that a key of assertions signs for apps, typed in from RFC 8446, RFC 4252 and RFC 5652, and all
 * that is near them: shortened, lengthened, each byte changed, each attribute more. What is recognised is never what a JWS signs.
 */
#include "client-sdk/base64.h"
#include "client-sdk/der.h"
#include "daemon/recognise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define ROOM 4096

static const uint8_t blob[] = "\0\0\0\x13"
                              "ecdsa-sha2-nistp256\0\0\0\x08nistp256\0\0\0\x41\x04"
                              "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const struct view key = { blob, sizeof blob - 1 };

static bool is(const struct out *data, enum question_content content, const char *text)
{
        struct recognised found = { 0 };
        assert_int_equal(out_done(data), 0);
        if (!recognise((struct view){ data->data, data->len }, key, &found))
                return false;
        assert_int_equal(found.content, content);
        assert_string_equal(found.text, text);
        return true;
}

static bool is_nothing(struct view data)
{
        struct recognised found = { .text = "untouched" };
        bool none = !recognise(data, key, &found);
        assert_true(!none || strcmp(found.text, "untouched") == 0);
        return none;
}

/* ---- TLS ---- */

static struct out tls(uint8_t room[static ROOM], size_t hash_len, const char *context)
{
        struct out out = out_new(room, ROOM);
        for (int i = 0; i < 64; i++)
                out_u8(&out, 0x20);
        out_bytes(&out, context, strlen(context) + 1);
        for (size_t i = 0; i < hash_len; i++)
                out_u8(&out, (uint8_t)(0x20 + i));
        return out;
}

static void a_clients_part_of_tls_1_3(void **state)
{
        static const char client[] = "TLS 1.3, client CertificateVerify";
        uint8_t room[ROOM];
        (void)state;
        for (size_t len = 0; len <= 64; len++) {
                struct out out = tls(room, len, client);
                assert_int_equal(is(&out, CONTENT_TLS, ""), len == 32 || len == 48);
        }
        struct out server = tls(room, 32, "TLS 1.3, server CertificateVerify");
        assert_false(is(&server, CONTENT_TLS, ""));
        struct out good = tls(room, 32, client);
        for (size_t i = 0; i < good.len - 32; i++) { /* of the hash every byte may be any */
                room[i] ^= 1;
                assert_true(is_nothing((struct view){ room, good.len }));
                room[i] ^= 1;
        }
}

/* ---- SSH ---- */

static void string(struct out *out, const void *data, size_t len)
{
        out_u32(out, (uint32_t)len);
        out_bytes(out, data, len);
}

struct login {
        size_t session;
        uint8_t message, signs;
        const char *user, *service, *method, *way;
        const char *host;
        size_t host_len;
        bool other_key;
};
static const struct login login = { 32, 50, 1, "sara", "ssh-connection", "publickey",
        "ecdsa-sha2-nistp256", NULL, 0, false };
#define BOUND "publickey-hostbound-v00@openssh.com"
#define HOST  "\0\0\0\x0bssh-ed25519\0\0\0\x20" POINT
#define POINT "0123456789abcdef0123456789abcdef"

static struct out ssh(uint8_t room[static ROOM], const struct login *what)
{
        static const uint8_t session[65] = { 7 };
        uint8_t other[sizeof blob];
        struct out out = out_new(room, ROOM);
        memcpy(other, blob, sizeof other);
        other[sizeof other - 2] ^= what->other_key;
        string(&out, session, what->session);
        out_u8(&out, what->message);
        string(&out, what->user, strlen(what->user));
        string(&out, what->service, strlen(what->service));
        string(&out, what->method, strlen(what->method));
        out_u8(&out, what->signs);
        string(&out, what->way, strlen(what->way));
        string(&out, other, sizeof other - 1);
        if (what->host)
                string(&out, what->host, what->host_len);
        return out;
}

static void a_login_by_ssh(void **state)
{
        struct login rows[16];
        bool good[16] = { true, true, true, true, true };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                rows[i] = login;
        rows[1].session = 20, rows[2].session = 64, rows[3].user = "سارا";
        rows[4].method = BOUND, rows[4].host = HOST, rows[4].host_len = sizeof HOST - 1;
        rows[5].method = BOUND, rows[5].host = "";               /* it names none */
        rows[6].host = HOST, rows[6].host_len = sizeof HOST - 1; /* behind a plain one */
        rows[7].session = 33, rows[8].message = 51, rows[9].signs = 0, rows[10].signs = 2;
        rows[11].service = "ssh-userauth", rows[12].method = "password";
        rows[13].way = "rsa-sha2-256", rows[14].other_key = true, rows[15].user = "a\nb";
        uint8_t room[ROOM];
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct out out = ssh(room, &rows[i]);
                if (is(&out, CONTENT_SSH, rows[i].user) != good[i])
                        fail_msg("row %zu", i);
        }
}

static size_t certificate(
        uint8_t dst[static ROOM], const char *kind, const char *const parts[], bool whole)
{
        struct out out = out_new(dst, ROOM);
        string(&out, kind, strlen(kind));
        string(&out, "a random number", 15);
        for (size_t i = 0; parts[i]; i++)
                string(&out, parts[i], strlen(parts[i]));
        if (whole)
                out_bytes(&out, "\0\0\0\0\0\0\0\1\0\0\0\2 and so on", 22);
        assert_int_equal(out_done(&out), 0);
        return out.len;
}

static size_t bare(uint8_t dst[static ROOM], const char *kind, const char *const parts[])
{
        struct out out = out_new(dst, ROOM);
        string(&out, kind, strlen(kind));
        for (size_t i = 0; parts[i]; i++)
                string(&out, parts[i], strlen(parts[i]));
        assert_int_equal(out_done(&out), 0);
        return out.len;
}

static bool is_bound_to(const void *host, size_t len, const uint8_t *told, size_t told_len)
{
        uint8_t room[ROOM];
        struct login what = login;
        struct recognised found = { 0 };
        what.method = BOUND, what.host = host, what.host_len = len;
        struct out out = ssh(room, &what);
        assert_int_equal(out_done(&out), 0);
        if (!recognise((struct view){ room, out.len }, key, &found))
                return false;
        assert_int_equal(found.content, CONTENT_SSH);
        assert_string_equal(found.text, "sara");
        assert_int_equal(found.host_len, told_len);
        assert_memory_equal(found.host, told, told_len);
        return true;
}

/* The key that the server shows in the exchange of keys, or the one in its certificate. */
static void a_login_may_be_bound_to_a_host(void **state)
{
        static const char *const edwards[] = { POINT, NULL }, *const rsa[] = { "\1\1", "n", NULL },
                                 *const curve[] = { "nistp521", "\4xy", NULL },
                                 *const half[] = { "\1\1", NULL };
        static const struct {
                const char *kind, *bare;
                const char *const *parts;
                bool whole, good;
        } rows[] = {
                { "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", edwards, true, true },
                { "ssh-rsa-cert-v01@openssh.com", "ssh-rsa", rsa, true, true },
                { "ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521", curve, true,
                        true },
                { "ssh-rsa-cert-v01@openssh.com", "ssh-rsa", half, false, false },
                { "ssh-new-cert-v02@example.org", "ssh-new", edwards, true, false },
        };
        static uint8_t host[ROOM], told[ROOM];
        (void)state;
        assert_true(is_bound_to(HOST, sizeof HOST - 1, (const uint8_t *)HOST, sizeof HOST - 1));
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                size_t len = certificate(host, rows[i].kind, rows[i].parts, rows[i].whole);
                size_t told_len = bare(told, rows[i].bare, rows[i].parts);
                if (is_bound_to(host, len, told, told_len) != rows[i].good)
                        fail_msg("row %zu", i);
        }
        size_t len = bare(host, "ssh-future@example.org", edwards); /* no key that is known here */
        assert_true(is_bound_to(host, len, host, len));
        assert_false(is_bound_to(host, 26, host, len)); /* a name and no key */
        assert_false(is_bound_to("\0\0\0\1\nkey", 8, host, len));
        assert_false(is_bound_to("no string", 9, host, len));
        memset(host, 0, sizeof host);
        memcpy(host, "\0\0\0\1k", 5);
        assert_true(is_bound_to(host, RECOGNISE_HOST_MAX, host, RECOGNISE_HOST_MAX));
        assert_false(is_bound_to(host, RECOGNISE_HOST_MAX + 1, host, RECOGNISE_HOST_MAX + 1));
}

static void a_login_is_read_to_its_end(void **state)
{
        uint8_t room[ROOM];
        struct out out = ssh(room, &login);
        struct recognised found;
        (void)state;
        for (size_t len = 0; len < out.len; len++)
                assert_true(is_nothing((struct view){ room, len }));
        room[out.len] = 0;
        assert_true(is_nothing((struct view){ room, out.len + 1 }));
        assert_false(recognise((struct view){ room, out.len }, (struct view){ 0 }, &found));
        for (size_t i = 0; i < out.len;
                i++) { /* only the session's and the user's bytes may be others */
                bool free = (i >= 4 && i < 36) || (i >= 41 && i < 45);
                room[i] ^= 1;
                assert_int_equal(!is_nothing((struct view){ room, out.len }), free);
                room[i] ^= 1;
        }
}

/* ---- CMS ---- */

#define PKCS9   0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09
#define ID_DATA "\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01"

static void attribute(
        struct out *out, const uint8_t *oid, size_t oid_len, const void *value, size_t len)
{
        size_t sequence = der_begin(out);
        der_put(out, DER_OID, oid, oid_len);
        der_put(out, DER_SET, value, len);
        der_end(out, sequence, DER_SEQUENCE);
}

struct attributes {
        size_t digest;
        bool no_type, two_digests, unsorted, other_type;
        const uint8_t *more; /* its type, after one byte of length */
        bool twice;
};

static struct out cms(uint8_t room[static ROOM], const struct attributes *what)
{
        static const uint8_t type[] = { PKCS9, 3 }, digest[] = { PKCS9, 4 };
        uint8_t value[80] = { DER_OCTETS, (uint8_t)what->digest };
        struct out out = out_new(room, ROOM);
        size_t set = der_begin(&out);
        if (what->unsorted)
                attribute(&out, digest, sizeof digest, value, what->digest + 2);
        if (!what->no_type)
                attribute(&out, type, sizeof type,
                        what->other_type
                                ? (const void *)"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02"
                                : (const void *)ID_DATA,
                        11);
        if (!what->unsorted)
                attribute(&out, digest, sizeof digest, value, what->digest + 2);
        value[2] = 1;
        if (what->two_digests)
                attribute(&out, digest, sizeof digest, value, what->digest + 2);
        if (what->more)
                attribute(&out, what->more + 1, what->more[0], "\x30\x00", 2);
        if (what->twice)
                attribute(&out, what->more + 1, what->more[0], "\x30\x01\x05", 3);
        if (!what->unsorted)
                der_sort(&out, set);
        der_end(&out, set, DER_SET);
        return out;
}

static void signed_attributes_of_cms(void **state)
{
        static const uint8_t time[] = { 9, PKCS9, 5 }, v2[] = { 11, PKCS9, 16, 2, 47 },
                             commitment[] = { 11, PKCS9, 16, 2, 16 },
                             policy[] = { 11, PKCS9, 16, 2, 15 }, unknown[] = { 2, 0x2A, 0x03 };
        const struct {
                struct attributes what;
                bool good;
        } rows[] = {
                { { .digest = 32 }, true },
                { { .digest = 48 }, true },
                { { .digest = 64 }, true },
                { { .digest = 20 }, false },
                { { .digest = 0 }, false },
                { { .digest = 32, .more = time }, true },
                { { .digest = 32, .more = v2 }, true },
                { { .digest = 32, .more = v2, .twice = true }, false },
                { { .digest = 32, .more = commitment }, false },
                { { .digest = 32, .more = policy }, false },
                { { .digest = 32, .more = unknown }, false },
                { { .digest = 32, .no_type = true }, false },
                { { .digest = 32, .other_type = true }, false },
                { { .digest = 32, .two_digests = true }, false },
                { { .digest = 32, .unsorted = true }, false },
        };
        char zeros[129];
        uint8_t room[ROOM];
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct out out = cms(room, &rows[i].what);
                snprintf(zeros, sizeof zeros, "%0*d", (int)(2 * rows[i].what.digest), 0);
                if (is(&out, CONTENT_CMS, zeros) != rows[i].good)
                        fail_msg("row %zu", i);
        }
}

static void attributes_are_der_and_nothing_else(void **state)
{
        uint8_t room[ROOM];
        struct out out = cms(room, &(struct attributes){ .digest = 32 });
        (void)state;
        for (size_t len = 0; len < out.len; len++)
                assert_true(is_nothing((struct view){ room, len }));
        room[out.len] = 0;
        assert_true(is_nothing((struct view){ room, out.len + 1 }));
        for (size_t i = 0; i < out.len - 32; i++) { /* the digest's bytes stand at the end */
                room[i] ^= 1;
                assert_true(is_nothing((struct view){ room, out.len }));
                room[i] ^= 1;
        }
}

/* ---- what a JWS signs ---- */

static bool could_be_jws(const uint8_t *data, size_t len)
{
        uint8_t start[3];
        return len >= 4 &&
               base64_decode(BASE64_URL, start, sizeof start, (const char *)data, 4) == 3 &&
               strchr("{ \t\r\n", start[0]);
}

static void what_is_recognised_is_no_signing_input_of_a_jws(void **state)
{
        (void)state;
        static const uint8_t firsts[] = { 0x20, 0x00, 0x31 };
        assert_true(could_be_jws((const uint8_t *)"eyJhbGciOiJFUzI1NiJ9.e30", 24));
        for (unsigned int first = 0; first < 256; first++)
                for (unsigned int second = 0; second < 256; second++) {
                        const uint8_t start[4] = { (uint8_t)first, (uint8_t)second, 'A', 'A' };
                        if (could_be_jws(start, 4))
                                assert_null(memchr(firsts, (int)first, sizeof firsts));
                }
        static const char *const inputs[] = { "", "eyJhbGciOiJFUzI1NiJ9.e30", "1.2", "0",
                "eyJ0eXAiOiJtb2hyLWlkZW50aXR5K2p3dCJ9.eyJ2ZXIiOjF9" };
        for (size_t i = 0; i < ARRAY_LEN(inputs); i++)
                assert_true(
                        is_nothing((struct view){ (const uint8_t *)inputs[i], strlen(inputs[i]) }));
}

static void more_than_is_taken_is_not_looked_at(void **state)
{
        static uint8_t much[RECOGNISE_DATA_MAX + 1];
        (void)state;
        memset(much, 0x20, sizeof much);
        assert_true(is_nothing((struct view){ much, sizeof much }));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_clients_part_of_tls_1_3),
                cmocka_unit_test(a_login_by_ssh),
                cmocka_unit_test(a_login_may_be_bound_to_a_host),
                cmocka_unit_test(a_login_is_read_to_its_end),
                cmocka_unit_test(signed_attributes_of_cms),
                cmocka_unit_test(attributes_are_der_and_nothing_else),
                cmocka_unit_test(what_is_recognised_is_no_signing_input_of_a_jws),
                cmocka_unit_test(more_than_is_taken_is_not_looked_at),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
