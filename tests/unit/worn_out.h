/* SPDX-License-Identifier: Apache-2.0 */
/* worn_out.h: a certificate of a pairing whose last day is over. */
#ifndef MOHR_TESTS_WORN_OUT_H
#define MOHR_TESTS_WORN_OUT_H

#include "client-sdk/link/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <openssl/pem.h>

static inline void wear_out(struct link_peer *peer)
{
        X509 *certificate = NULL;
        EVP_PKEY *key = NULL;
        char *text = NULL;
        assert_int_equal(link_certificate_read(peer->certificate, &certificate), 0);
        assert_int_equal(link_key_read(peer->key, &key), 0);
        assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), -60));
        assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
        BIO *out = BIO_new(BIO_s_mem());
        assert_int_equal(PEM_write_bio_X509(out, certificate), 1);
        long len = BIO_get_mem_data(out, &text);
        free(peer->certificate);
        peer->certificate = strndup(text, (size_t)len);
        BIO_free(out);
        X509_free(certificate);
        EVP_PKEY_free(key);
}

#endif
