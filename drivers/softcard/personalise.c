/* SPDX-License-Identifier: Apache-2.0 */
/* personalise.c: what the issuer's factory does: keys and certificates from the test PKI's folder,
 * and the files of card-facts 2.2 and 2.3 with the synthetic contents of 8.3.
 *
 * The signature key signs once before the card leaves: a certificate that does not fit its key is
 * found here, and OpenSSL has then loaded all that it loads late (a sandboxed reader cannot).
 */
#include "drivers/softcard/card.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

#define CERT_MAX 4096

static void file_cleanup(FILE **slot)
{
        if (*slot)
                fclose(*slot);
}
static void x509_cleanup(X509 **slot)
{
        X509_free(*slot);
}

static FILE *open_in_pki(const struct softcard *card, const char *name, const char *suffix)
{
        char path[SWITCH_TEXT_MAX + 64];
        int len = snprintf(
                path, sizeof path, "%s/%s%s", card->settings[SWITCH_PKI].text, name, suffix);
        return len > 0 && (size_t)len < sizeof path ? fopen(path, "re") : NULL;
}

int pki_load_cert(const struct softcard *card, const char *name, X509 **ret)
{
        _cleanup_(file_cleanup) FILE *file = open_in_pki(card, name, ".pem");
        X509 *cert = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
        if (!cert)
                return -ENOENT;
        *ret = cert;
        return 0;
}

int pki_load_key(const struct softcard *card, const char *name, EVP_PKEY **ret)
{
        _cleanup_(file_cleanup) FILE *file = open_in_pki(card, name, ".key");
        *ret = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
        return *ret ? 0 : -ENOENT;
}

static int load_key(const struct softcard *card, const char *name, uint8_t ref, struct key *ret)
{
        EVP_PKEY *pkey = NULL;
        int r = pki_load_key(card, name, &pkey);
        if (r < 0)
                return r;
        *ret = (struct key){ .ref = ref, .pkey = pkey };
        return EVP_PKEY_get_size(pkey) == 256 ? 0 : -EINVAL;
}

/* The certificate as a file holds it, with the padding that the switches ask for. */
static int encode_cert(const struct softcard *card, X509 *cert, uint8_t **ret, size_t *ret_len)
{
        size_t pad = card->settings[SWITCH_EF_PAD].number;
        int len = i2d_X509(cert, NULL);
        if (len <= 0 || len > CERT_MAX)
                return -EINVAL;
        _cleanup_free_ uint8_t *bytes = malloc((size_t)len + pad);
        if (!bytes)
                return -ENOMEM;
        uint8_t *at = bytes;
        if (i2d_X509(cert, &at) != len)
                return -EINVAL;
        memset(bytes + len, setting_is(card, SWITCH_EF_PAD_BYTE, "ff") ? 0xFF : 0x00, pad);
        *ret = bytes;
        *ret_len = (size_t)len + pad;
        bytes = NULL;
        return 0;
}

static int add_cert(struct softcard *card, uint16_t id, int df, enum access access, X509 *cert)
{
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t len = 0;
        int r = encode_cert(card, cert, &bytes, &len);
        return r < 0 ? r : file_add_ef(card, id, df, access, bytes, len);
}

static int add_named_cert(struct softcard *card, uint16_t id, int df, const char *name)
{
        _cleanup_(x509_cleanup) X509 *cert = NULL;
        int r = pki_load_cert(card, name, &cert);
        return r < 0 ? r : add_cert(card, id, df, ACCESS_FREE, cert);
}

/* The first ten characters of the subject's common name. */
static void note_number(char number[static 11], X509 *cert)
{
        char name[64] = "";
        X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof name);
        snprintf(number, 11, "%-10.10s", name);
}

static const char *issuer_of(const char *leaf)
{
        static const char *const others[][2] = {
                { "wrong-issuer", "wrong-issuer-ca" },
                { "foreign", "foreign-ca" },
                { "impostor", "impostor-ca" },
        };
        for (size_t i = 0; i < ARRAY_LEN(others); i++)
                if (strcmp(others[i][0], leaf) == 0)
                        return others[i][1];
        return "ca";
}

static int self_test(struct softcard *card, X509 *cert)
{
        static const uint8_t prefix[] = { 0x30, 0x31, 0x30, 0x0D };
        uint8_t sig[256];
        size_t len = sizeof sig;
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(card->keys[0].pkey, NULL);
        bool fits = X509_check_private_key(cert, card->keys[0].pkey) > 0 && ctx &&
                    EVP_PKEY_sign_init(ctx) > 0 &&
                    EVP_PKEY_sign(ctx, sig, &len, prefix, sizeof prefix) > 0;
        EVP_PKEY_CTX_free(ctx);
        return fits ? 0 : -EINVAL;
}

static enum access access_of_leaf(const struct softcard *card)
{
        static const struct {
                const char *value;
                enum access access;
        } rules[] = { { "pin", ACCESS_PIN }, { "keys", ACCESS_KEYS }, { "sm", ACCESS_SM } };
        for (size_t i = 0; i < ARRAY_LEN(rules); i++)
                if (setting_is(card, SWITCH_CERTIFICATE_RULE, rules[i].value))
                        return rules[i].access;
        return ACCESS_FREE;
}

int card_add_leaf(struct softcard *card, int df)
{
        char name[64];
        _cleanup_(x509_cleanup) X509 *cert = NULL;
        snprintf(name, sizeof name, "leaf-%.40s", card->settings[SWITCH_LEAF].text);
        int r = pki_load_cert(card, name, &cert);
        if (r < 0)
                return r;
        uint8_t ref = (uint8_t)strtoul(card->settings[SWITCH_KEY_REF].text, NULL, 16);
        r = load_key(card, name, ref, &card->keys[0]);
        if (r < 0)
                return r;
        note_number(card->number, cert);
        r = self_test(card, cert);
        card->spare.leaf = (int)card->file_count;
        return r < 0 ? r : add_cert(card, 0x5040, df, access_of_leaf(card), cert);
}

static int load_spare(struct softcard *card)
{
        struct spare *spare = &card->spare;
        struct key key = { 0 };
        _cleanup_(x509_cleanup) X509 *cert = NULL;
        int r = pki_load_cert(card, "leaf-other", &cert);
        if (r == 0)
                r = encode_cert(card, cert, &spare->data, &spare->len);
        if (r == 0)
                r = load_key(card, "leaf-other", 0, &key);
        spare->pkey = key.pkey;
        if (r == 0)
                note_number(spare->number, cert);
        return r;
}

void card_change_holder(struct softcard *card)
{
        struct spare *spare = &card->spare, old = *spare;
        struct file *leaf = &card->files[spare->leaf];
        pivcard_change_holder(card);
        if (!old.data)
                return;
        *spare = (struct spare){ old.leaf, leaf->data, leaf->len, card->keys[0].pkey, "" };
        memcpy(spare->number, card->number, sizeof spare->number);
        leaf->data = old.data;
        leaf->len = old.len;
        card->keys[0].pkey = old.pkey;
        memcpy(card->number, old.number, sizeof card->number);
}

int card_add_issuer(struct softcard *card, int df)
{
        return add_named_cert(card, 0x0303, df, issuer_of(card->settings[SWITCH_LEAF].text));
}

static int add_auth_leaf(struct softcard *card, int df)
{
        uint8_t ref = card->keys[0].ref == 0x01 ? 0x02 : 0x01;
        int r = load_key(card, "leaf-aut", ref, &card->keys[1]);
        return r < 0 ? r : add_named_cert(card, 0x5040, df, "leaf-aut");
}

static int personalise_ias(struct softcard *card)
{
        int mf, df5100, df5000;
        int r = file_add(card, APP_IAS, 0x3F00, -1, &mf);
        if (r == 0)
                r = file_add(card, APP_IAS, 0x5100, mf, &df5100);
        if (r == 0)
                r = file_add(card, APP_IAS, 0x5000, mf, &df5000);
        if (r == 0)
                r = card_add_leaf(card, df5100);
        if (r == 0 && setting_is(card, SWITCH_LAID_BACK, "other"))
                r = load_spare(card);
        if (r == 0 && setting_is(card, SWITCH_CA_FILE, "present"))
                r = card_add_issuer(card, df5000);
        if (r == 0 && setting_is(card, SWITCH_THIRD_FILE, "auth"))
                r = add_auth_leaf(card, df5000);
        return r;
}

static const char *const dates[2][4][2] = {
        /* issue, expiry; '#' is the byte order mark, '-' a NUL */
        { { "#14030517", "#14100516" }, { "14030517-", "14100516-" }, { "03/05/17-", "10/05/16-" },
                { "1403/5/17", "1410/5/16" } },
        { { "#20240807", "#20310807" }, { "20240807-", "20310807-" }, { "24/08/07-", "31/08/07-" },
                { "2024/8/07", "2031/8/07" } },
};

static uint16_t date_character(const struct softcard *card, char c)
{
        if (c == '#')
                return 0xFEFF;
        if (c == '-')
                return 0;
        bool persian = setting_is(card, SWITCH_DATES_DIGITS, "persian") && c >= '0' && c <= '9';
        return (uint16_t)(persian ? 0x06F0 + (c - '0') : c);
}

static void out_date(const struct softcard *card, struct out *out, uint8_t tag, const char *text)
{
        bool little = setting_is(card, SWITCH_DATES_ORDER, "le");
        out_u8(out, tag);
        out_u8(out, 18);
        for (size_t i = 0; i < 9; i++) {
                uint16_t c = date_character(card, text[i]);
                uint8_t high = (uint8_t)(c >> 8), low = (uint8_t)c;
                out_u8(out, little ? low : high);
                out_u8(out, little ? high : low);
        }
}

static int add_dates(struct softcard *card, int df)
{
        static const char *const forms[] = { "bom8", "nul", "slash", "long-slash" };
        uint8_t bytes[40];
        struct out out = out_new(bytes, sizeof bytes);
        size_t calendar = setting_is(card, SWITCH_DATES_CALENDAR, "gregorian") ? 1 : 0, form = 0;
        while (form + 1 < ARRAY_LEN(forms) && !setting_is(card, SWITCH_DATES, forms[form]))
                form++;
        out_date(card, &out, 0xB2, dates[calendar][form][0]);
        out_date(card, &out, 0xB3, dates[calendar][form][1]);
        return file_add_ef(card, 0x0303, df, ACCESS_FREE, bytes, out.len);
}

static int add_versions(struct softcard *card, int df)
{
        static const uint8_t with[] = { 0xCC, 2, 0x20, 0xE0, 0xD5, 2, 0x1A, 0xF9, 0xD6, 2, 0x03,
                0x5F, 0xD7, 1, 0x03 };
        static const uint8_t without[] = { 0xCC, 0x20, 0xE0, 0xD5, 0x1A, 0xF9, 0xD6, 0x03, 0x5F,
                0xD7, 0x03 };
        bool length = setting_is(card, SWITCH_VERSIONS, "with-length");
        return file_add_ef(card, 0x0601, df, ACCESS_FREE, length ? with : without,
                length ? sizeof with : sizeof without);
}

/* EF 0010, card-facts 4.7: eight words of flags and journal. */
static int add_flags(struct softcard *card, int mf)
{
        uint8_t bytes[32] = { 0 };
        bool initial = setting_is(card, SWITCH_PIN_FLAGS, "initial");
        uint8_t journal = (uint8_t)strtoul(card->settings[SWITCH_JOURNAL].text, NULL, 16);
        bytes[4 * 4] = bytes[4 * 5] = initial ? 0xAC : 0x5A;
        bytes[4 * 5 + 1] = 0x10;
        bytes[4 * 2] = bytes[4 * 3] = bytes[4 * 7 + 1] = journal;
        bytes[4 * 7] = setting_is(card, SWITCH_NMOC, "set") ? 0x02 : 0x00;
        return file_add_ef(card, 0x0010, mf, ACCESS_FREE, bytes, sizeof bytes);
}

struct plain_file {
        uint16_t df, id;
        enum access access;
        uint8_t len, bytes[8];
};

/* Those whose contents no switch changes. Personal files and SOD hold nothing: they never open. */
static const struct plain_file plain_files[] = {
        { 0x0200, 0x0201, ACCESS_DENIED, 8, { 0 } },
        { 0x0200, 0x0202, ACCESS_DENIED, 8, { 0 } },
        { 0x0200, 0x0205, ACCESS_DENIED, 8, { 0 } },
        { 0x0200, 0x2F01, ACCESS_DENIED, 8, { 0 } },
        { 0x0500, 0x5F04, ACCESS_DENIED, 8, { 0 } },
};

static int add_plain_files(struct softcard *card, uint16_t df_id, int df)
{
        int r = 0;
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(plain_files); i++) {
                const struct plain_file *row = &plain_files[i];
                if (row->df == df_id)
                        r = file_add_ef(card, row->id, df, row->access, row->bytes, row->len);
        }
        return r;
}

static int add_information(struct softcard *card, int df)
{
        uint8_t afis[] = { 0xAD, 1, setting_is(card, SWITCH_AFIS, "01") ? 1 : 0 };
        int r = file_add_ef(card, 0x0302, df, ACCESS_FREE, afis, sizeof afis);
        return r < 0 ? r : add_dates(card, df);
}

static int personalise_mpcos(struct softcard *card)
{
        static const uint16_t dfs[] = { 0x0200, 0x0300, 0x0500, 0x0600 };
        int mf, df;
        int r = file_add(card, APP_MPCOS, 0x3F00, -1, &mf);
        if (r == 0)
                r = add_flags(card, mf);
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(dfs); i++) {
                r = file_add(card, APP_MPCOS, dfs[i], mf, &df);
                if (r == 0)
                        r = add_plain_files(card, dfs[i], df);
                if (r == 0 && dfs[i] == 0x0300)
                        r = add_information(card, df);
                if (r == 0 && dfs[i] == 0x0600)
                        r = add_versions(card, df);
        }
        return r;
}

int card_personalise(struct softcard *card)
{
        snprintf(card->number, sizeof card->number, "0099900007");
        int r = card->profile->apps & HAS(APP_IAS) ? personalise_ias(card) : 0;
        if (r == 0 && card->profile->apps & HAS(APP_MPCOS))
                r = personalise_mpcos(card);
        if (r == 0 && card->profile->apps & (HAS(APP_PARDIS) | HAS(APP_OMID)))
                r = matiran_personalise(card);
        return r == 0 && card->profile->apps & HAS(APP_PIV) ? pivcard_personalise(card) : r;
}
