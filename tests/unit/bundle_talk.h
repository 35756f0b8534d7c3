/* SPDX-License-Identifier: Apache-2.0 */
/* bundle_talk.h: a signed bundle of two certificates, its signer, and a store of one's own to put it into. For the
 * tests of bundles; included once per program.
 */
#ifndef MOHR_BUNDLE_TALK_H
#define MOHR_BUNDLE_TALK_H

#include "client-sdk/bundle_store.h"

#include "base/outcome.h"
#include "client-sdk/national.h"
#include "tests/support/testpki.h"

#include <fcntl.h>
#include <openssl/cms.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

#define ISSUED 1795300000
#define NEXT   (ISSUED + 86400)

struct fixture {
        struct testpki *pki;
        X509 *signer;
        STACK_OF(X509) * signers;
        struct bundle bundle;
        char *content;
        uint8_t *cms;
        size_t cms_len;
        char dir[64], print[NATIONAL_PRINT_MAX];
};

static inline void add_certificate(struct bundle *bundle, X509 *cert, bool crl)
{
        unsigned char *der = NULL;
        int len = i2d_X509(cert, &der);
        assert_true(len > 0);
        if (crl)
                assert_int_equal(bundle_add_crl(bundle, der, (size_t)len), 0);
        else
                assert_int_equal(bundle_add_anchor(bundle, der, (size_t)len), 0);
        OPENSSL_free(der);
}

static inline int set_up(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);
        snprintf(f->dir, sizeof f->dir, "/tmp/mohr-bundle-XXXXXX");
        if (!mkdtemp(f->dir) || setenv("XDG_CONFIG_HOME", f->dir, 1) < 0)
                return -1;
        f->pki = testpki_new();
        f->signer = testpki_issue(f->pki, &(struct testpki_spec){ .key = f->pki->other_key,
                                                  .cn = "Bundle Signer TEST",
                                                  .key_usage = "critical,digitalSignature" });
        f->signers = sk_X509_new_null();
        sk_X509_push(f->signers, f->pki->root);
        sk_X509_push(f->signers, f->signer);
        f->bundle.issued_at = ISSUED;
        f->bundle.next_update = NEXT;
        add_certificate(&f->bundle, f->pki->root, false);
        add_certificate(&f->bundle, f->pki->leaf, true);
        f->content = bundle_compose(&f->bundle);
        if (!national_fingerprint(f->signer, f->print) || !f->content ||
                bundle_seal(f->content, strlen(f->content), f->signer, f->pki->other_key, &f->cms,
                        &f->cms_len) != 0)
                return -1;
        *state = f;
        return 0;
}

static inline int tear_down(void **state)
{
        struct fixture *f = *state;
        char command[128];
        snprintf(command, sizeof command, "rm -rf %s", f->dir);
        int r = system(command);
        bundle_clear(&f->bundle);
        sk_X509_free(f->signers);
        X509_free(f->signer);
        testpki_free(f->pki);
        free(f->content);
        free(f->cms);
        free(f);
        return r;
}

#endif
