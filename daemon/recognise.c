/* SPDX-License-Identifier: Apache-2.0 */
/* recognise.c: see recognise.h. Each form is read from its first byte to its last, and what is left over is no form of ours:
 * half a recognition would be worse than none, since a person is told of it in a sentence.
 */
#include "daemon/recognise.h"

#include "base/text.h"
#include "client-sdk/der.h"

/* ---- TLS 1.3 ------------------------------------------------------------------------------- */

#define SPACES 64

static bool is_tls(struct view data, struct view blob, struct recognised *ret)
{
        static const char context[] = "TLS 1.3, client CertificateVerify"; /* and its zero byte */
        struct in in = in_new(data.data, data.len);
        struct view spaces = in_bytes(&in, SPACES);
        struct view name = in_bytes(&in, sizeof context);
        size_t left = in_left(&in);
        struct view hash = in_bytes(&in, left);
        (void)blob, (void)ret;
        for (size_t i = 0; i < spaces.len; i++)
                if (spaces.data[i] != ' ')
                        return false;
        return in_done(&in) == 0 && view_eq(name, context, sizeof context) &&
               (hash.len == 32 || hash.len == 48);
}

/* ---- SSH ----------------------------------------------------------------------------------- */

#define USERAUTH_REQUEST 50

/* RFC 4251 section 5 */
static struct view get_string(struct in *in, size_t cap)
{
        uint32_t len = in_u32(in);
        if (len > cap)
                in->error = -EBADMSG;
        return in_bytes(in, len);
}

static bool is_text(struct view view, const char *text)
{
        return view_eq(view, text, strlen(text));
}

/* Hashes of 20 to 64 bytes: a session's first exchange hash (RFC 4253 7.2). */
static bool is_session(struct view id)
{
        return id.len == 20 || id.len == 32 || id.len == 48 || id.len == 64;
}

/* A name that people can read, whole. */
static bool take_user(struct view user, char dst[static RECOGNISE_TEXT_MAX])
{
        const char *text = (const char *)user.data;
        if (user.len == 0 || user.len >= RECOGNISE_TEXT_MAX || !text_utf8_valid(text, user.len))
                return false;
        for (size_t i = 0; i < user.len; i++)
                if (user.data[i] < 0x20 || user.data[i] == 0x7F)
                        return false;
        memcpy(dst, text, user.len);
        dst[user.len] = '\0';
        return true;
}

/* The name of a way to sign and the kind of key that its blob begins with (RFC 8332, RFC 5656). */
static bool is_way_of(struct view way, struct view kind)
{
        static const struct {
                const char *way, *kind;
        } ways[] = {
                { "rsa-sha2-256", "ssh-rsa" },
                { "rsa-sha2-512", "ssh-rsa" },
                { "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256" },
                { "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384" },
        };
        for (size_t i = 0; i < ARRAY_LEN(ways); i++)
                if (is_text(way, ways[i].way) && is_text(kind, ways[i].kind))
                        return true;
        return false;
}

/* How a host's certificate calls itself, its key alone, and in how many strings the latter is written (OpenSSH's
 * PROTOCOL.certkeys). */
static const struct host_certificate {
        const char *kind, *bare;
        unsigned int strings;
} host_certificates[] = {
        { "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", 1 },
        { "ssh-rsa-cert-v01@openssh.com", "ssh-rsa", 2 },
        { "ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256", 2 },
        { "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384", 2 },
        { "ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521", 2 },
};

static const struct host_certificate *host_certificate_of(struct view kind)
{
        for (size_t i = 0; i < ARRAY_LEN(host_certificates); i++)
                if (is_text(kind, host_certificates[i].kind))
                        return &host_certificates[i];
        return NULL;
}

static bool is_printable(struct view text)
{
        for (size_t i = 0; i < text.len; i++)
                if (text.data[i] <= 0x20 || text.data[i] >= 0x7F)
                        return false;
        return text.len > 0;
}

static void put_string(struct out *out, const void *data, size_t len)
{
        out_u32(out, (uint32_t)len);
        out_bytes(out, data, len);
}

/* A kind of key and whatever it is written with; of a certificate, what stands between a random number and who signed it. */
static bool take_host(struct view host, struct recognised *ret)
{
        struct in in = in_new(host.data, host.len);
        struct out out = out_new(ret->host, sizeof ret->host);
        struct view kind = get_string(&in, 64);
        const struct host_certificate *certificate = host_certificate_of(kind);
        if (!is_printable(kind) || in_left(&in) == 0)
                return false;
        if (!certificate && memmem(kind.data, kind.len, "-cert-", 6))
                return false;
        if (certificate) {
                (void)get_string(&in, RECOGNISE_HOST_MAX);
                put_string(&out, certificate->bare, strlen(certificate->bare));
                for (unsigned int i = 0; i < certificate->strings; i++) {
                        struct view part = get_string(&in, RECOGNISE_HOST_MAX);
                        if (part.len == 0)
                                return false;
                        put_string(&out, part.data, part.len);
                }
        } else {
                out_bytes(&out, host.data, host.len);
        }
        ret->host_len = out.len;
        return !in.error && out_done(&out) == 0;
}

static bool is_ssh(struct view data, struct view blob, struct recognised *ret)
{
        struct in in = in_new(data.data, data.len), inside = in_new(blob.data, blob.len);
        struct view session = get_string(&in, 64);
        uint8_t message = in_u8(&in);
        struct view user = get_string(&in, RECOGNISE_TEXT_MAX - 1);
        struct view service = get_string(&in, 32), method = get_string(&in, 64);
        uint8_t signs = in_u8(&in);
        struct view way = get_string(&in, 64), key = get_string(&in, RECOGNISE_BLOB_MAX);
        bool bound = is_text(method, "publickey-hostbound-v00@openssh.com");
        if (bound && !take_host(get_string(&in, RECOGNISE_HOST_MAX), ret))
                return false;
        return in_done(&in) == 0 && is_session(session) && message == USERAUTH_REQUEST &&
               is_text(service, "ssh-connection") && (bound || is_text(method, "publickey")) &&
               signs == 1 && blob.len > 0 && view_eq(key, blob.data, blob.len) &&
               is_way_of(way, get_string(&inside, 64)) && take_user(user, ret->text);
}

/* ---- CMS ----------------------------------------------------------------------------------- */

/* What may stand there; the first two must. Each has one value, and stands there once. */
enum { CONTENT_TYPE, MESSAGE_DIGEST, ATTRIBUTES = 8 };
static const struct {
        uint8_t len, oid[11];
} attributes[ATTRIBUTES] = {
        [CONTENT_TYPE] = { 9, { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 3 } },
        [MESSAGE_DIGEST] = { 9, { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 4 } },
        { 9, { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 5 } },          /* signingTime */
        { 9, { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 15 } },         /* smimeCapabilities */
        { 11, { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 16, 2, 11 } }, /* encrypKeyPref */
        { 11, { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 16, 2, 12 } }, /* signingCertificate */
        { 11, { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 16, 2, 47 } }, /* signingCertificateV2 */
        { 9, { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 52 } }, /* CMSAlgorithmProtection */
};

static size_t attribute_of(struct view oid)
{
        size_t i = 0;
        while (i < ATTRIBUTES && !view_eq(oid, attributes[i].oid, attributes[i].len))
                i++;
        return i;
}

static bool is_data(struct view value)
{
        static const uint8_t id_data[] = { 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01,
                0x07, 0x01 };
        return view_eq(value, id_data, sizeof id_data);
}

/* SHA-256, SHA-384 or SHA-512 by their length. */
static bool take_digest(struct view value, char dst[static RECOGNISE_TEXT_MAX])
{
        struct in in = in_new(value.data, value.len);
        struct view digest = der_get(&in, DER_OCTETS);
        if (in_done(&in) < 0 || (digest.len != 32 && digest.len != 48 && digest.len != 64))
                return false;
        hex_encode(dst, digest.data, digest.len);
        return true;
}

/* Attribute ::= SEQUENCE { OBJECT IDENTIFIER, SET OF value } */
static bool take_attribute(struct in *set, bool seen[static ATTRIBUTES], struct recognised *ret)
{
        struct in attribute = der_enter(set, DER_SEQUENCE);
        size_t what = attribute_of(der_get(&attribute, DER_OID));
        struct in values = der_enter(&attribute, DER_SET);
        struct view value = der_any(&values);
        if (in_done(&values) < 0 || in_done(&attribute) < 0 || what == ATTRIBUTES || seen[what])
                return false;
        seen[what] = true;
        return what == CONTENT_TYPE     ? is_data(value)
               : what == MESSAGE_DIGEST ? take_digest(value, ret->text)
                                        : true;
}

static bool is_cms(struct view data, struct view blob, struct recognised *ret)
{
        struct in outer = in_new(data.data, data.len);
        struct view content = der_get(&outer, DER_SET);
        struct in set = der_open(content);
        bool seen[ATTRIBUTES] = { false };
        (void)blob;
        if (in_done(&outer) < 0 || !der_sorted(content))
                return false;
        while (in_left(&set) > 0)
                if (!take_attribute(&set, seen, ret))
                        return false;
        return in_done(&set) == 0 && seen[CONTENT_TYPE] && seen[MESSAGE_DIGEST];
}

/* ---- all of them --------------------------------------------------------------------------- */

bool recognise(struct view data, struct view blob, struct recognised *ret)
{
        static const struct {
                enum question_content content;
                bool (*is)(struct view data, struct view blob, struct recognised *ret);
        } forms[] = { { CONTENT_TLS, is_tls }, { CONTENT_SSH, is_ssh }, { CONTENT_CMS, is_cms } };
        if (data.len > RECOGNISE_DATA_MAX)
                return false;
        for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
                struct recognised found = { .content = forms[i].content };
                if (!forms[i].is(data, blob, &found))
                        continue;
                *ret = found;
                return true;
        }
        return false;
}
