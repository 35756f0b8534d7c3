/* SPDX-License-Identifier: Apache-2.0 */
/* anchors.c: the roots a relying party trusts. All or nothing: a folder with one unreadable root is
 * refused, as a relying party should learn of it now and not from a citizen who is refused later.
 */
#include "client-sdk/anchors.h"

#include "client-sdk/certfile.h"
#include "client-sdk/national.h"

#include "base/outcome.h"

#include <stdio.h>

#define ANCHORS_MAX 128

struct loader {
        struct mohr_trust *trust;
        enum trust_scope scope;
        struct certfile in;
};

bool mohr_trust_has_national_root(const struct mohr_trust *trust)
{
        return trust->has_national_root;
}

static int complain(const struct loader *loader, const char *path, const char *what)
{
        return certfile_complain(&loader->in, path, what);
}

static bool is_national_root(X509 *cert)
{
        const struct mohr_national *national = national_of(cert);
        return national && national->for_cards;
}

static int add_anchor(void *user, const char *path, const uint8_t *der, size_t len)
{
        struct loader *loader = user;
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

/* Fills one scope of a trust object, which has nothing in it yet. */
static int load_scope(struct loader *loader, const char *path)
{
        X509_STORE *store = X509_STORE_new();
        if (!store)
                return -ENOMEM;
        loader->trust->scopes[loader->scope].store = store;
        loader->in.each = add_anchor;
        loader->in.user = loader;
        return certfile_read(&loader->in, path);
}

int anchors_load(struct mohr_trust *trust, enum trust_scope scope, const char *folder,
        char *problem, size_t problem_cap)
{
        struct loader loader = { .trust = trust,
                .scope = scope,
                .in = { .each = add_anchor,
                        .guarded = true,
                        .may_lack = true,
                        .problem = problem,
                        .problem_cap = problem_cap } };
        loader.in.user = &loader;
        if (!trust->scopes[scope].store)
                trust->scopes[scope].store = X509_STORE_new();
        return trust->scopes[scope].store ? certfile_read(&loader.in, folder) : -ENOMEM;
}

int mohr_trust_load(struct mohr_trust **ret, const char *path, char *problem, size_t problem_cap)
{
        struct mohr_trust *trust = trust_new();
        if (!trust)
                return -ENOMEM;
        struct loader loader = { .trust = trust,
                .scope = TRUST_CITIZENS,
                .in = { .problem = problem, .problem_cap = problem_cap } };
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
        struct mohr_trust *fresh = trust_new();
        if (!fresh)
                return -ENOMEM;
        struct loader loader = {
                .trust = fresh,
                .scope = TRUST_STAFF,
                .in = { .problem = problem, .problem_cap = problem_cap },
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
