/* SPDX-License-Identifier: Apache-2.0 */
/* sample_revocation.c: `sample_revocation DIR LIST-URL RESPONDER-URL` writes a PKI that publishes revocation.
 *
 * Certificates and keys of a root, an issuing CA, a citizen's leaf that names where its revocation is told, a
 * responder that the CA named, and a stranger who bears the CA's name; and an assertion by the leaf. All are of
 * today; the root says TEST. Lists and answers are the business of OpenSSL's own programs.
 */
#include "tests/support/testlists.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DAY 86400L

static FILE *open_in(const char *dir, const char *name)
{
        char path[512];
        snprintf(path, sizeof path, "%s/%s", dir, name);
        FILE *file = fopen(path, "w");
        if (!file)
                abort();
        return file;
}

static void write_pair(const char *dir, const char *name, X509 *cert, EVP_PKEY *key)
{
        char file_name[64];
        snprintf(file_name, sizeof file_name, "%s.pem", name);
        FILE *file = open_in(dir, file_name);
        if (PEM_write_X509(file, cert) != 1)
                abort();
        fclose(file);
        snprintf(file_name, sizeof file_name, "%s.key", name);
        file = open_in(dir, file_name);
        if (PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) != 1)
                abort();
        fclose(file);
}

static void add_extension(X509 *cert, int nid, const char *kind, const char *url)
{
        char value[512];
        X509V3_CTX ctx;
        X509V3_set_ctx_nodb(&ctx);
        snprintf(value, sizeof value, "%sURI:%s", kind, url);
        X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
        if (!extension || X509_add_ext(cert, extension, -1) != 1)
                abort();
        X509_EXTENSION_free(extension);
}

static char *assertion(const struct testpki *pki, X509 *leaf, int64_t now)
{
        json_t *payload = testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
        char expiry[24];
        time_t end = now + 365 * DAY;
        strftime(expiry, sizeof expiry, "%Y-%m-%dT%H:%M:%SZ", gmtime(&end));
        json_object_set_new(
                json_object_get(payload, "card"), "certificate_expiry", json_string(expiry));
        json_object_set_new(payload, "iat", json_integer(now));
        json_object_set_new(payload, "auth_time", json_integer(now));
        json_object_set_new(payload, "exp", json_integer(now + 300));
        return testpki_assertion(pki, leaf, pki->ca, payload);
}

int main(int argc, char **argv)
{
        const int64_t now = time(NULL);
        if (argc != 4)
                return 2;
        struct testpki *pki = testpki_new();
        X509 *leaf = testpki_issue(
                pki, &(struct testpki_spec){ .from = now - DAY, .to = now + 365 * DAY });
        X509 *delegate = testlists_responder(
                pki, &(struct testlists_responder){
                             .from = now - DAY, .to = now + 30 * DAY, .nocheck = true });
        X509 *stranger = testpki_issue_ca(pki, "IRAN Digital Citizen CA 2016 17", now - DAY,
                now + 30 * DAY, pki->root, pki->other_key, pki->other_key, "critical,CA:TRUE");
        add_extension(leaf, NID_crl_distribution_points, "", argv[2]);
        add_extension(leaf, NID_info_access, "OCSP;", argv[3]);
        if (X509_sign(leaf, pki->ca_key, EVP_sha256()) <= 0)
                abort();
        write_pair(argv[1], "root", pki->root, pki->root_key);
        write_pair(argv[1], "ca", pki->ca, pki->ca_key);
        write_pair(argv[1], "leaf", leaf, pki->leaf_key);
        write_pair(argv[1], "delegate", delegate, pki->other_key);
        write_pair(argv[1], "stranger", stranger, pki->other_key);
        char *jws = assertion(pki, leaf, now);
        FILE *file = open_in(argv[1], "assertion");
        fprintf(file, "%s\n", jws);
        fclose(file);
        free(jws);
        X509_free(leaf);
        X509_free(delegate);
        X509_free(stranger);
        testpki_free(pki);
        return 0;
}
