/* SPDX-License-Identifier: Apache-2.0 */
/* anchors.c: reading the roots a relying party trusts. Bounded (files, bytes, anchors) and all or
 * nothing: a folder with one unreadable root is refused, as a relying party should learn of it now and
 * not from a citizen who is refused later.
 */
#include "client-sdk/trust.h"

#include "base/outcome.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>

#define FILE_MAX    (1024 * 1024)
#define FILES_MAX   256
#define ANCHORS_MAX 128

/* IRAN Root CA1, card-facts 5.3 row R1 */
static const char national_root[] = "42:21:4C:87:D8:DA:F9:C7:B2:25:CD:BE:42:4E:4F:93:"
                                    "41:F3:46:C6:68:F9:83:3D:14:AD:1C:B5:51:BD:49:16";

struct loader {
        struct mohr_trust *trust;
        enum trust_scope scope;
        char *problem;
        size_t problem_cap;
};

static void close_file(FILE **file)
{
        if (*file)
                fclose(*file);
}

static void close_dir(DIR **dir)
{
        if (*dir)
                closedir(*dir);
}

const char *mohr_national_root_fingerprint(void)
{
        return national_root;
}

bool mohr_trust_has_national_root(const struct mohr_trust *trust)
{
        return trust->has_national_root;
}

static int complain(struct loader *loader, const char *path, const char *what)
{
        if (loader->problem_cap > 0)
                snprintf(loader->problem, loader->problem_cap, "%s: %s", path, what);
        return OUTCOME_INVALID;
}

static bool is_national_root(X509 *cert)
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        char text[3 * 32 + 1];
        if (X509_digest(cert, EVP_sha256(), hash, NULL) != 1)
                return false;
        for (size_t i = 0; i < 32; i++)
                snprintf(text + 3 * i, 4, "%02X:", hash[i]);
        return strncmp(text, national_root, strlen(national_root)) == 0;
}

static int add_anchor(struct loader *loader, const char *path, const uint8_t *der, size_t len)
{
        _cleanup_x509_ X509 *cert = NULL;
        struct leaf leaf;
        struct mohr_trust *trust = loader->trust;
        int r = leaf_parse(der, len, &cert, &leaf);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return complain(loader, path, "not a certificate in strict DER");
        if (leaf.class != LEAF_CA)
                return complain(loader, path, "the certificate is not a CA's");
        if (!X509_get0_pubkey(cert))
                return complain(loader, path, "the certificate's key cannot be read");
        if (trust->scopes[loader->scope].count == ANCHORS_MAX)
                return complain(loader, path, "too many certificates");
        if (X509_STORE_add_cert(trust->scopes[loader->scope].store, cert) != 1)
                return -ENOMEM;
        trust->scopes[loader->scope].count++;
        trust->has_national_root = trust->has_national_root ||
                                   (loader->scope == TRUST_CITIZENS && is_national_root(cert));
        return 0;
}

static int add_pem(struct loader *loader, const char *path, const char *text, size_t len)
{
        BIO *bio = BIO_new_mem_buf(text, (int)len);
        int r = bio ? 0 : -ENOMEM;
        const size_t *count = &loader->trust->scopes[loader->scope].count, before = *count;
        char *name, *header;
        unsigned char *der;
        long der_len;
        while (r == 0 && PEM_read_bio(bio, &name, &header, &der, &der_len) == 1) {
                if (strcmp(name, "CERTIFICATE") == 0)
                        r = add_anchor(loader, path, der, (size_t)der_len);
                else
                        r = complain(loader, path, "a PEM block that is not CERTIFICATE");
                OPENSSL_free(name);
                OPENSSL_free(header);
                OPENSSL_free(der);
        }
        BIO_free(bio);
        unsigned long error = ERR_peek_last_error();
        ERR_clear_error();
        if (r == 0 && ERR_GET_REASON(error) != PEM_R_NO_START_LINE)
                return complain(loader, path, "a damaged PEM block");
        return r != 0 || *count > before ? r : complain(loader, path, "no certificate in it");
}

static int add_file(struct loader *loader, int dir_fd, const char *name, const char *path)
{
        struct stat st;
        int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return complain(loader, path, strerror(errno));
        _cleanup_(close_file) FILE *file = fdopen(fd, "r");
        if (!file) {
                close(fd);
                return -ENOMEM;
        }
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 1 || st.st_size > FILE_MAX)
                return complain(loader, path, "not a plain file of 1 byte to 1 MiB");
        size_t cap = (size_t)st.st_size;
        _cleanup_free_ char *text = malloc(cap);
        if (!text)
                return -ENOMEM;
        if (fread(text, 1, cap, file) != cap)
                return complain(loader, path, "changed while it was read");
        if (text[0] == 0x30)
                return add_anchor(loader, path, (uint8_t *)text, cap);
        return add_pem(loader, path, text, cap);
}

static bool named_as_certificate(const char *name)
{
        static const char *const endings[] = { ".pem", ".crt", ".cer", ".der" };
        size_t len = strlen(name);
        for (size_t i = 0; i < ARRAY_LEN(endings); i++)
                if (name[0] != '.' && len > 4 && strcmp(name + len - 4, endings[i]) == 0)
                        return true;
        return false;
}

static int add_folder(struct loader *loader, const char *path)
{
        _cleanup_(close_dir) DIR *dir = opendir(path);
        if (!dir)
                return complain(loader, path, strerror(errno));
        size_t files = 0;
        int r = 0;
        for (struct dirent *entry; r == 0 && (entry = readdir(dir));) {
                char whole[PATH_MAX];
                if (!named_as_certificate(entry->d_name))
                        continue;
                if (++files > FILES_MAX)
                        return complain(loader, path, "too many files");
                snprintf(whole, sizeof whole, "%s/%s", path, entry->d_name);
                r = add_file(loader, dirfd(dir), entry->d_name, whole);
        }
        return r;
}

static int load(struct loader *loader, const char *path)
{
        struct stat st;
        if (stat(path, &st) < 0)
                return complain(loader, path, strerror(errno));
        int r = S_ISDIR(st.st_mode) ? add_folder(loader, path)
                                    : add_file(loader, AT_FDCWD, path, path);
        if (r == 0 && loader->trust->scopes[loader->scope].count == 0)
                return complain(loader, path, "no certificate in it");
        return r;
}

/* Fills one scope of a trust object, which has nothing in it yet. */
static int load_scope(struct loader *loader, const char *path)
{
        X509_STORE *store = X509_STORE_new();
        if (!store)
                return -ENOMEM;
        loader->trust->scopes[loader->scope].store = store;
        return load(loader, path);
}

int mohr_trust_load(struct mohr_trust **ret, const char *path, char *problem, size_t problem_cap)
{
        struct mohr_trust *trust = calloc(1, sizeof *trust);
        if (!trust)
                return -ENOMEM;
        struct loader loader = { .trust = trust,
                .scope = TRUST_CITIZENS,
                .problem = problem,
                .problem_cap = problem_cap };
        int r = load_scope(&loader, path);
        if (r != 0) {
                mohr_trust_free(trust);
                return r;
        }
        *ret = trust;
        return 0;
}

/* Loaded apart and moved in whole: a trust object is never left with half of it. */
int mohr_trust_load_staff(
        struct mohr_trust **trust, const char *path, char *problem, size_t problem_cap)
{
        struct mohr_trust *fresh = calloc(1, sizeof *fresh);
        if (!fresh)
                return -ENOMEM;
        struct loader loader = {
                .trust = fresh, .scope = TRUST_STAFF, .problem = problem, .problem_cap = problem_cap
        };
        int r = *trust && (*trust)->scopes[TRUST_STAFF].store
                        ? complain(&loader, path, "staff anchors were loaded before")
                        : load_scope(&loader, path);
        if (r == 0 && *trust) {
                (*trust)->scopes[TRUST_STAFF] = fresh->scopes[TRUST_STAFF];
                fresh->scopes[TRUST_STAFF].store = NULL;
        } else if (r == 0) {
                *trust = fresh;
                fresh = NULL;
        }
        mohr_trust_free(fresh);
        return r;
}
