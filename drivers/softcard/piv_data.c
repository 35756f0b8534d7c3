/* SPDX-License-Identifier: Apache-2.0 */
/* piv_data.c: issues a PIV card: keys and certificates of the staff's test PKI into its slots, and the
 * data objects of SP 800-73-4 part 1, section 3 and appendix A, as far as switches make them present.
 *
 * Everything is synthetic: the agency and system codes of the FASC-N are those of nobody, the issuer's
 * signature of the CHUID is empty.
 */
#include "drivers/softcard/piv.h"

#include <stdio.h>

#define CERT_MAX 2048

static const struct slot_row {
        uint8_t ref;
        const char *name;
        uint32_t tag; /* of its certificate */
        enum switch_id holds;
} slot_rows[PIV_SLOTS] = {
        { 0x9A, "9a", 0x5FC105, SWITCH_PIV_9A },
        { 0x9C, "9c", 0x5FC10A, SWITCH_PIV_9C },
        { 0x9D, "9d", 0x5FC10B, SWITCH_PIV_9D },
        { 0x9E, "9e", 0x5FC101, SWITCH_PIV_9E },
};

static void x509_cleanup(X509 **slot)
{
        X509_free(*slot);
}

/* `bytes` as they are told by GET DATA. */
static int object_add(struct piv *piv, uint32_t tag, const uint8_t *bytes, size_t len)
{
        uint8_t *copy = piv->object_count < PIV_OBJECTS_MAX ? malloc(len) : NULL;
        if (!copy)
                return -ENOMEM;
        memcpy(copy, bytes, len);
        piv->objects[piv->object_count++] = (struct piv_object){ tag, copy, len };
        return 0;
}

static int object_add_53(struct piv *piv, uint32_t tag, const uint8_t *body, size_t len)
{
        uint8_t bytes[ANSWER_MAX];
        struct out out = out_new(bytes, sizeof bytes);
        pivcard_out(&out, 0x53, body, len);
        return out_done(&out) < 0 ? -EMSGSIZE : object_add(piv, tag, bytes, out.len);
}

/* Part 1, appendix A, table 10: 70 certificate, 71 CertInfo, 72 MSCUID (obsolete), FE error code. */
static int add_container(struct softcard *card, uint32_t tag, const uint8_t *cert, size_t len)
{
        uint8_t body[ANSWER_MAX];
        struct out out = out_new(body, sizeof body);
        uint8_t info = setting_is(card, SWITCH_PIV_CERT, "plain") ? 0x00 : 0x01;
        pivcard_out(&out, 0x70, cert, len);
        if (setting_is(card, SWITCH_PIV_CERT_TAGS, "unpadded"))
                return out_done(&out) < 0 ? -EMSGSIZE
                                          : object_add_53(card->piv, tag, body, out.len);
        pivcard_out(&out, 0x71, &info, 1);
        if (setting_is(card, SWITCH_PIV_CERT_TAGS, "empty-mscuid"))
                pivcard_out(&out, 0x72, NULL, 0);
        if (!setting_is(card, SWITCH_PIV_CERT_TAGS, "no-lrc"))
                pivcard_out(&out, 0xFE, NULL, 0);
        return out_done(&out) < 0 ? -EMSGSIZE : object_add_53(card->piv, tag, body, out.len);
}

static int add_cert(struct softcard *card, uint32_t tag, X509 *cert)
{
        uint8_t der[CERT_MAX], *at = der;
        int len = i2d_X509(cert, NULL);
        if (len <= 0 || len > CERT_MAX || i2d_X509(cert, &at) != len)
                return -EINVAL;
        if (setting_is(card, SWITCH_PIV_CERT, "plain") ||
                setting_is(card, SWITCH_PIV_CERT, "gzip-lies"))
                return add_container(card, tag, der, (size_t)len);
        size_t zipped_len = 0;
        bool stored = setting_is(card, SWITCH_PIV_CERT, "gzip-stored");
        _cleanup_free_ uint8_t *zipped = pivcard_gzip(der, (size_t)len, stored, &zipped_len);
        return zipped ? add_container(card, tag, zipped, zipped_len) : -ENOMEM;
}

static uint8_t algorithm_named(const char *name)
{
        if (strcmp(name, "rsa2048") == 0)
                return PIV_RSA_2048;
        return strcmp(name, "p256") == 0 ? PIV_ECC_P256 : PIV_ECC_P384;
}

static int fill_slot(
        struct softcard *card, const struct slot_row *row, const char *leaf, struct piv_slot *slot)
{
        const char *holds = card->settings[row->holds].text;
        bool plain = row->ref != 0x9C || strcmp(leaf, "valid") == 0;
        _cleanup_(x509_cleanup) X509 *cert = NULL;
        char name[80];
        if (strcmp(holds, "absent") == 0)
                return 0;
        snprintf(name, sizeof name, "staff-%s-%.20s%s%.20s", row->name, holds, plain ? "" : "-",
                plain ? "" : leaf);
        *slot = (struct piv_slot){ .ref = row->ref, .algorithm = algorithm_named(holds) };
        int r = pki_load_key(card, name, &slot->pkey);
        if (r == 0)
                r = pki_load_cert(card, name, &cert);
        if (r == 0)
                r = pivcard_slot_test(slot, cert);
        return r < 0 ? r : add_cert(card, row->tag, cert);
}

/* Part 1, table 8: the identifier of the card, and the constants that are left of GSC-IS. */
static int add_ccc(struct piv *piv)
{
        static const uint8_t body[] = { 0xF0, 21, 0xA0, 0, 0, 0x01, 0x16, 0xFF, 0x02, 'T', 'E', 'S',
                'T', ' ', 'C', 'A', 'R', 'D', ' ', '0', '0', '4', '2', 0xF1, 1, 0x21, 0xF2, 1, 0x21,
                0xF3, 0, 0xF4, 1, 0x00, 0xF5, 1, 0x10, 0xF6, 0, 0xF7, 0, 0xFA, 0, 0xFB, 0, 0xFC, 0,
                0xFD, 0, 0xFE, 0 };
        return object_add_53(piv, 0x5FC107, body, sizeof body);
}

/* Part 1, table 9: FASC-N, GUID, expiration date, no signature. */
static int add_chuid(struct piv *piv, const char *leaf)
{
        static const uint8_t fasc_n[25] = { 0xD4, 0xE7, 0x39, 0xDA, 0x73, 0x9C, 0xED, 0x39, 0xCE,
                0x73, 0x9D, 0x83, 0x68, 0x58, 0x21, 0x08, 0x42, 0x10, 0x84, 0x21, 0xC8, 0x42, 0x10,
                0xC3, 0xEB };
        uint8_t guid[16] = { 0x42, 0x7E, 0x57, 0xCA, 0x4D, 0x00, 0x40, 0x00, 0x80, 0x00, 0x00, 0x00,
                0x00, 0x00, 0x00, 0x42 };
        uint8_t body[80];
        struct out out = out_new(body, sizeof body);
        if (strcmp(leaf, "other") == 0)
                guid[15]++;
        pivcard_out(&out, 0x30, fasc_n, sizeof fasc_n);
        pivcard_out(&out, 0x34, guid, sizeof guid);
        pivcard_out(&out, 0x35, "20391231", 8);
        pivcard_out(&out, 0x3E, NULL, 0);
        pivcard_out(&out, 0xFE, NULL, 0);
        return object_add_53(piv, 0x5FC102, body, out.len);
}

/* Part 1, 3.3.2: which PINs there are, and which one the card prefers. */
static int add_discovery(struct softcard *card)
{
        uint8_t body[32], bytes[40];
        bool global = !setting_is(card, SWITCH_PIV_GLOBAL, "absent");
        bool first = setting_is(card, SWITCH_PIV_PRIMARY, "global");
        uint8_t policy[] = { global ? 0x60 : 0x40, !global ? 0x00 : first ? 0x20 : 0x10 };
        struct out inner = out_new(body, sizeof body), outer = out_new(bytes, sizeof bytes);
        pivcard_out(&inner, 0x4F, pivcard_aid, sizeof pivcard_aid);
        pivcard_out(&inner, 0x5F2F, policy, sizeof policy);
        pivcard_out(&outer, 0x7E, body, inner.len);
        return object_add(card->piv, 0x7E, bytes, outer.len);
}

static int add_key_history(struct piv *piv)
{
        static const uint8_t body[] = { 0xC1, 1, 0, 0xC2, 1, 0, 0xFE, 0 };
        return object_add_53(piv, 0x5FC10C, body, sizeof body);
}

static int add_objects(struct softcard *card, const char *leaf)
{
        int r = 0;
        if (setting_is(card, SWITCH_PIV_CCC, "present"))
                r = add_ccc(card->piv);
        if (r == 0 && setting_is(card, SWITCH_PIV_CHUID, "present"))
                r = add_chuid(card->piv, leaf);
        if (r == 0 && setting_is(card, SWITCH_PIV_DISCOVERY, "present"))
                r = add_discovery(card);
        if (r == 0 && setting_is(card, SWITCH_PIV_KEY_HISTORY, "present"))
                r = add_key_history(card->piv);
        return r;
}

static int issue(struct softcard *card, const char *leaf)
{
        card->piv = calloc(1, sizeof *card->piv);
        if (!card->piv)
                return -ENOMEM;
        int r = add_objects(card, leaf);
        for (size_t i = 0; r == 0 && i < PIV_SLOTS; i++)
                r = fill_slot(card, &slot_rows[i], leaf, &card->piv->slots[i]);
        return r;
}

void pivcard_change_holder(struct softcard *card)
{
        struct piv *now = card->piv;
        if (!card->piv_other)
                return;
        card->piv = card->piv_other;
        card->piv_other = now;
}

int pivcard_personalise(struct softcard *card)
{
        const char *leaf = card->settings[SWITCH_PIV_LEAF].text;
        if (setting_is(card, SWITCH_LAID_BACK, "other")) {
                int r = issue(card, strcmp(leaf, "other") == 0 ? "valid" : "other");
                card->piv_other = card->piv;
                card->piv = NULL;
                if (r < 0)
                        return r;
        }
        return issue(card, leaf);
}

struct piv *pivcard_free(struct piv *piv)
{
        if (!piv)
                return NULL;
        for (size_t i = 0; i < PIV_SLOTS; i++)
                EVP_PKEY_free(piv->slots[i].pkey);
        for (size_t i = 0; i < piv->object_count; i++)
                free(piv->objects[i].data);
        free(piv);
        return NULL;
}
