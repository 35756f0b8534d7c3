/* SPDX-License-Identifier: Apache-2.0 */
/* pki.c: the test PKI: which certificates there are, and the folder they are written to.
 *
 * Shapes are those of card-facts 5 and 8.3; keys are made fresh each time and the root's name says
 * TEST. The root has 2048 bits instead of 4096 only to be made quickly. Card numbers fail the check
 * digit of national numbers, except in leaf-national, whose 9999900003 is made up as visibly as a
 * number with a right check digit can be. The impostor set has the very names of the other one, and
 * other keys: whoever compares names is fooled by it.
 */
#include "drivers/softcard/pki.h"
#include "drivers/softcard/softcard.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>

enum {
        KEY_ROOT,
        KEY_CA,
        KEY_CITIZEN,
        KEY_OTHER,
        KEY_AUT,
        KEY_FALSE,
        KEY_STAFF_SIGN,
        KEY_STAFF_CA, /* from here on P-256 */
        KEY_P256_9A,
        KEY_P256_9C,
        KEY_P256_9D,
        KEY_P256_9E,
        KEY_P384_9A, /* from here on P-384 */
        KEY_P384_9C,
        KEY_P384_9D,
        KEY_P384_9E,
        KEY_STAFF_ROOT,
        KEY_COUNT
};

#define NAME(...)                                                                                  \
        (const char *const[])                                                                      \
        {                                                                                          \
                __VA_ARGS__, NULL                                                                  \
        }
#define ROOT_NAME NAME("C", "IR", "O", "Iran Government", "CN", "IRAN Root CA1 TEST")
#define CA_NAME                                                                                    \
        NAME("C", "IR", "O", "Iran Government", "OU", "NOCR", "CN",                                \
                "IRAN Digital Citizen CA 2016 17")
#define CITIZEN(given, surname, number)                                                            \
        NAME("C", "IR", "OU", "IRAN Citizen", "GN", given, "SN", surname, "CN", number)

#define SAMPLE     CITIZEN("آزمونه", "نمونه‌نژاد", "0099900007 - SIG")
#define SAMPLE_AUT CITIZEN("آزمونه", "نمونه‌نژاد", "0099900007 - AUT")
#define OTHER      CITIZEN("خیالی", "ناموجودیان", "0099900015 - SIG")
#define NATIONAL   CITIZEN("آزمونه", "نمونه‌نژاد", "9999900003 - SIG")
/* U+202E and U+2067 turn text around, U+0007 rings: what a hostile personaliser might write. */
#define BIDI CITIZEN("آز\xE2\x80\xAEمونه", "نمونه\xE2\x81\xA7نژاد\x07", "0099900023 - SIG")
#define ELSEWHERE                                                                                  \
        NAME("C", "IR", "O", "Elsewhere Government TEST", "OU", "NOCR", "CN",                      \
                "IRAN Digital Citizen CA 2016 17")
#define FOREIGN_CA NAME("C", "XX", "O", "Nowhere Republic TEST", "CN", "Nowhere Citizen CA TEST")
#define FOREIGN    NAME("C", "XX", "GN", "Specimen", "SN", "Nowhereson", "CN", "SPECIMEN 0001")
#define STAFF_ROOT NAME("C", "IR", "O", "Office of Tests", "CN", "Staff Root TEST")
#define STAFF_CA   NAME("C", "IR", "O", "Office of Tests", "OU", "Staff", "CN", "Staff CA TEST")
#define STAFF                                                                                      \
        NAME("C", "IR", "O", "Office of Tests", "OU", "Staff", "GN", "رویا", "SN", "هیچکسی",       \
                "serialNumber", "S-0042", "CN", "رویا هیچکسی")
#define STAFF_OTHER                                                                                \
        NAME("C", "IR", "O", "Office of Tests", "OU", "Staff", "GN", "خیالی", "SN", "ناموجودیان",  \
                "serialNumber", "S-0043", "CN", "خیالی ناموجودیان")

/* What a PIV card of the staff carries in one slot. The slots that sign nothing for a person borrow
 * RSA keys from the rows above: making one costs more than all the others together. */
#define STAFF_SLOT(slot, shape, rsa, p256, p384)                                                   \
        { "staff-" slot "-rsa2048", "staff-ca", rsa, shape, STAFF, -1, 2, false, false },          \
                { "staff-" slot "-p256", "staff-ca", p256, shape, STAFF, -1, 2, false, false },    \
        {                                                                                          \
                "staff-" slot "-p384", "staff-ca", p384, shape, STAFF, -1, 2, false, false         \
        }
#define STAFF_SIGNER(name, issuer, who, from, to, rsa, p256, p384)                                 \
        { "staff-9c-rsa2048-" name, issuer, rsa, PKI_STAFF_9C, who, from, to, false, false },      \
                { "staff-9c-p256-" name, issuer, p256, PKI_STAFF_9C, who, from, to, false,         \
                        false },                                                                   \
        {                                                                                          \
                "staff-9c-p384-" name, issuer, p384, PKI_STAFF_9C, who, from, to, false, false     \
        }

/* clang-format off */
static const struct pki_row rows[] = {
        { "root", "root", KEY_ROOT, PKI_ROOT, ROOT_NAME, -14, 10, false, false },
        { "ca", "root", KEY_CA, PKI_CA, CA_NAME, -11, 10, false, false },
        { "leaf-valid", "ca", KEY_CITIZEN, PKI_SIGNATURE, SAMPLE, -2, 5, false, false },
        { "leaf-expired", "ca", KEY_CITIZEN, PKI_SIGNATURE, SAMPLE, -10, -3, false, false },
        { "leaf-not-yet", "ca", KEY_CITIZEN, PKI_SIGNATURE, SAMPLE, 1, 8, false, false },
        { "leaf-revoked", "ca", KEY_CITIZEN, PKI_SIGNATURE, SAMPLE, -2, 5, false, true },
        { "leaf-policy", "ca", KEY_CITIZEN, PKI_SIGNATURE, SAMPLE, -2, 5, true, false },
        { "leaf-national", "ca", KEY_CITIZEN, PKI_SIGNATURE, NATIONAL, -2, 5, false, false },
        { "leaf-other", "ca", KEY_OTHER, PKI_SIGNATURE, OTHER, -2, 5, false, false },
        { "leaf-bidi", "ca", KEY_OTHER, PKI_SIGNATURE, BIDI, -2, 5, false, false },
        { "leaf-aut", "ca", KEY_AUT, PKI_AUTHENTICATION, SAMPLE_AUT, -2, 5, false, false },
        { "wrong-issuer-ca", "root", KEY_FALSE, PKI_CA, ELSEWHERE, -11, 10, false, false },
        { "leaf-wrong-issuer", "wrong-issuer-ca", KEY_CITIZEN, PKI_SIGNATURE, SAMPLE, -2, 5, false, false },
        { "foreign-ca", "foreign-ca", KEY_FALSE, PKI_ROOT, FOREIGN_CA, -11, 10, false, false },
        { "leaf-foreign", "foreign-ca", KEY_OTHER, PKI_SIGNATURE, FOREIGN, -2, 5, false, false },
        { "impostor-root", "impostor-root", KEY_FALSE, PKI_ROOT, ROOT_NAME, -14, 10, false, false },
        { "impostor-ca", "impostor-root", KEY_FALSE, PKI_CA, CA_NAME, -11, 10, false, false },
        { "leaf-impostor", "impostor-ca", KEY_OTHER, PKI_SIGNATURE, SAMPLE, -2, 5, false, false },
        { "staff-root", "staff-root", KEY_STAFF_ROOT, PKI_ROOT, STAFF_ROOT, -5, 10, false, false },
        { "staff-ca", "staff-root", KEY_STAFF_CA, PKI_CA, STAFF_CA, -4, 8, false, false },
        STAFF_SLOT("9a", PKI_STAFF_9A, KEY_AUT, KEY_P256_9A, KEY_P384_9A),
        STAFF_SLOT("9c", PKI_STAFF_9C, KEY_STAFF_SIGN, KEY_P256_9C, KEY_P384_9C),
        STAFF_SLOT("9d", PKI_STAFF_9D, KEY_OTHER, KEY_P256_9D, KEY_P384_9D),
        STAFF_SLOT("9e", PKI_STAFF_9E, KEY_FALSE, KEY_P256_9E, KEY_P384_9E),
        STAFF_SIGNER("expired", "staff-ca", STAFF, -3, -1, KEY_STAFF_SIGN, KEY_P256_9C, KEY_P384_9C),
        STAFF_SIGNER("foreign", "foreign-ca", STAFF, -1, 2, KEY_STAFF_SIGN, KEY_P256_9C, KEY_P384_9C),
        STAFF_SIGNER("other", "staff-ca", STAFF_OTHER, -1, 2, KEY_OTHER, KEY_P256_9E, KEY_P384_9E),
};
/* clang-format on */
#define ROWS ARRAY_LEN(rows)

static const char readme[] =
        "TEST                    TEST                    TEST                    TEST\n\n"
        "These keys and certificates belong to a SIMULATED CARD. A program made them; no "
        "authority\n"
        "issued them, no such persons exist, the private keys lie open beside the certificates.\n"
        "Never add root.pem to anything that decides about real people.\n\n"
        "root.pem, ca.pem, ca.der   the chain, in the shape of the Iranian citizen PKI\n"
        "leaf-NAME.pem, .key        what mohr-softcard puts on a card with leaf=NAME\n"
        "crl.pem                    revokes leaf-revoked\n"
        "impostor-*                 the same names with other keys: must never be accepted\n"
        "staff-root.pem, staff-ca.pem  another PKI: the issuer of the PIV cards\n"
        "staff-SLOT-ALGORITHM*      what is in their slots\n"
        "wrong-issuer-ca, foreign-ca   issuers that are not the Iranian one\n";

struct pki {
        EVP_PKEY *keys[KEY_COUNT];
        X509 *certs[ROWS];
};

static void pki_cleanup(struct pki *pki)
{
        for (size_t i = 0; i < KEY_COUNT; i++)
                EVP_PKEY_free(pki->keys[i]);
        for (size_t i = 0; i < ROWS; i++)
                X509_free(pki->certs[i]);
}

static size_t row_index(const char *file)
{
        size_t i = 0;
        while (i < ROWS && strcmp(rows[i].file, file) != 0)
                i++;
        return i;
}

static EVP_PKEY *make_key(size_t which)
{
        if (which < KEY_STAFF_CA)
                return EVP_RSA_gen(2048);
        return EVP_EC_gen(which < KEY_P384_9A ? "P-256" : "P-384");
}

static int make_keys(struct pki *pki)
{
        for (size_t i = 0; i < KEY_COUNT; i++) {
                pki->keys[i] = make_key(i);
                if (!pki->keys[i])
                        return -EIO;
        }
        return 0;
}

static int make_certs(struct pki *pki, time_t now)
{
        for (size_t i = 0; i < ROWS; i++) {
                size_t issuer = row_index(rows[i].issuer);
                pki->certs[i] = pki_certificate(&rows[i], pki->keys[rows[i].key],
                        issuer == i ? NULL : pki->certs[issuer], pki->keys[rows[issuer].key], now);
                if (!pki->certs[i])
                        return -EIO;
        }
        return 0;
}

static void file_cleanup(FILE **slot)
{
        if (*slot)
                fclose(*slot);
}

static int create(const char *dir, const char *name, const char *suffix, FILE **ret)
{
        char path[4096];
        int len = snprintf(path, sizeof path, "%s/%s%s", dir, name, suffix);
        if (len < 0 || (size_t)len >= sizeof path)
                return -ENAMETOOLONG;
        mode_t mode = strcmp(suffix, ".key") == 0 ? 0600 : 0644;
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
        if (!file)
                return -errno;
        base_take_fd(&fd);
        *ret = file;
        return 0;
}

/* Closes, since only that tells whether all was written. */
static int finish(FILE **file, bool written)
{
        FILE *owned = *file;
        *file = NULL;
        return fclose(owned) == 0 && written ? 0 : -EIO;
}

static int write_cert(const char *dir, const char *name, X509 *cert)
{
        _cleanup_(file_cleanup) FILE *file = NULL;
        int r = create(dir, name, ".pem", &file);
        return r < 0 ? r : finish(&file, PEM_write_X509(file, cert) > 0);
}

static int write_key(const char *dir, const char *name, EVP_PKEY *key)
{
        _cleanup_(file_cleanup) FILE *file = NULL;
        int r = create(dir, name, ".key", &file);
        if (r < 0)
                return r;
        return finish(&file, PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) > 0);
}

static int write_extras(const char *dir, const struct pki *pki)
{
        _cleanup_(file_cleanup) FILE *der = NULL, *text = NULL;
        int r = create(dir, "ca", ".der", &der);
        if (r == 0)
                r = finish(&der, i2d_X509_fp(der, pki->certs[row_index("ca")]) > 0);
        if (r == 0)
                r = create(dir, "README", ".txt", &text);
        if (r == 0)
                r = finish(&text, fputs(readme, text) >= 0);
        return r;
}

static int write_crl(const char *dir, const struct pki *pki, time_t now)
{
        X509 *revoked[ROWS];
        size_t count = 0, ca = row_index("ca");
        for (size_t i = 0; i < ROWS; i++)
                if (rows[i].revoked)
                        revoked[count++] = pki->certs[i];
        X509_CRL *crl = pki_crl(pki->certs[ca], pki->keys[rows[ca].key], revoked, count, now);
        if (!crl)
                return -EIO;
        _cleanup_(file_cleanup) FILE *file = NULL;
        int r = create(dir, "crl", ".pem", &file);
        if (r == 0)
                r = finish(&file, PEM_write_X509_CRL(file, crl) > 0);
        X509_CRL_free(crl);
        return r;
}

static bool is_leaf(const struct pki_row *row)
{
        return row->shape != PKI_ROOT && row->shape != PKI_CA;
}

static int write_all(const char *dir, const struct pki *pki, time_t now)
{
        int r = 0;
        for (size_t i = 0; r == 0 && i < ROWS; i++) {
                r = write_cert(dir, rows[i].file, pki->certs[i]);
                if (r == 0 && is_leaf(&rows[i]))
                        r = write_key(dir, rows[i].file, pki->keys[rows[i].key]);
        }
        if (r == 0)
                r = write_crl(dir, pki, now);
        return r < 0 ? r : write_extras(dir, pki);
}

static int check_empty(const char *path)
{
        DIR *dir = opendir(path);
        if (!dir)
                return -errno;
        int entries = 0;
        while (entries <= 2 && readdir(dir))
                entries++;
        closedir(dir);
        return entries > 2 ? -ENOTEMPTY : 0;
}

int softcard_make_pki(const char *dir)
{
        _cleanup_(pki_cleanup) struct pki pki = { 0 };
        time_t now = time(NULL);
        int r = check_empty(dir);
        if (r == 0)
                r = make_keys(&pki);
        if (r == 0)
                r = make_certs(&pki, now);
        return r < 0 ? r : write_all(dir, &pki, now);
}
