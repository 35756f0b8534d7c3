/* SPDX-License-Identifier: Apache-2.0 */
/* gate_anchors.c: the certificates that [trust] anchors names, and the one question asked of them:
 * does this issuing CA lead to one of you? Times are not looked at, purposes are not looked at; that is
 * the verifier's business, who knows what the answer is for. A file that holds no certificate, or a
 * folder without any, is an error: trust that was asked for and is not there must be noticed.
 */
#include "daemon/gate.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>

#define ANCHORS_MAX  256
#define ANCHOR_BYTES (1024 * 1024)

struct gate_anchors {
        X509_STORE *store;
        unsigned int count;
};

static int add(struct gate_anchors *anchors, X509 *cert)
{
        if (anchors->count >= ANCHORS_MAX)
                return -E2BIG;
        anchors->count++;
        return X509_STORE_add_cert(anchors->store, cert) == 1 ? 0 : -ENOMEM;
}

/* All PEM certificates of the file, or its one DER certificate. */
static int load_bytes(struct gate_anchors *anchors, BIO *bio)
{
        unsigned int before = anchors->count;
        int r = 0;
        X509 *cert;
        while (r == 0 && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
                r = add(anchors, cert);
                X509_free(cert);
        }
        if (r == 0 && anchors->count == before && BIO_seek(bio, 0) >= 0 &&
                (cert = d2i_X509_bio(bio, NULL)) != NULL) {
                r = add(anchors, cert);
                X509_free(cert);
        }
        ERR_clear_error();
        return r;
}

static int load_file(struct gate_anchors *anchors, const char *path)
{
        struct stat st;
        if (stat(path, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return 0;
        if (st.st_size > ANCHOR_BYTES)
                return -EFBIG;
        BIO *bio = BIO_new_file(path, "rb");
        if (!bio) {
                ERR_clear_error();
                return -EIO;
        }
        int r = load_bytes(anchors, bio);
        BIO_free(bio);
        return r;
}

static int load_folder(struct gate_anchors *anchors, const char *path)
{
        int r = 0;
        DIR *folder = opendir(path);
        if (!folder)
                return -errno;
        for (struct dirent *entry; r == 0 && (entry = readdir(folder)) != NULL;) {
                _cleanup_free_ char *file = NULL;
                if (entry->d_name[0] == '.')
                        continue;
                if (asprintf(&file, "%s/%s", path, entry->d_name) < 0) {
                        file = NULL;
                        r = -ENOMEM;
                        break;
                }
                r = load_file(anchors, file);
        }
        closedir(folder);
        return r;
}

int gate_anchors_load(struct gate_anchors **ret, const char *path)
{
        struct stat st;
        if (stat(path, &st) < 0)
                return -errno;
        struct gate_anchors *anchors = calloc(1, sizeof *anchors);
        if (!anchors)
                return -ENOMEM;
        anchors->store = X509_STORE_new();
        int r = !anchors->store       ? -ENOMEM
                : S_ISDIR(st.st_mode) ? load_folder(anchors, path)
                                      : load_file(anchors, path);
        if (r == 0 && anchors->count == 0)
                r = -ENODATA;
        if (r < 0) {
                gate_anchors_free(anchors);
                return r;
        }
        X509_STORE_set_flags(anchors->store, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_PARTIAL_CHAIN);
        *ret = anchors;
        return 0;
}

struct gate_anchors *gate_anchors_free(struct gate_anchors *anchors)
{
        if (!anchors)
                return NULL;
        X509_STORE_free(anchors->store);
        free(anchors);
        return NULL;
}

bool gate_anchors_vouch(const struct gate_anchors *anchors, X509 *issuer)
{
        X509_STORE_CTX *ctx = X509_STORE_CTX_new();
        bool yes = ctx && X509_STORE_CTX_init(ctx, anchors->store, issuer, NULL) == 1 &&
                   X509_verify_cert(ctx) == 1;
        X509_STORE_CTX_free(ctx);
        ERR_clear_error();
        return yes;
}
