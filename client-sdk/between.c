/* SPDX-License-Identifier: Apache-2.0 */
/* between.c: CAs between holders and anchors that are known beforehand, so that an assertion need not carry
 * them. They are building material and nothing else: each is put into chains exactly as one out of x5c would be,
 * trusted by nobody, and it must lead to an anchor that was loaded before. One that does not is left out and
 * said, as the folder may be a cache that outlived its anchor; what is no CA's certificate at all refuses the
 * whole, as with anchors.
 */
#include "client-sdk/certfile.h"
#include "client-sdk/trust.h"

#include <stdio.h>

#define BETWEEN_MAX 64

struct gathering {
        struct certfile in;
        STACK_OF(X509) * found;
};

static void stack_free_cleanup(STACK_OF(X509) * *stack)
{
        sk_X509_pop_free(*stack, X509_free);
}

static int gather(void *user, const char *path, const uint8_t *der, size_t len)
{
        struct gathering *g = user;
        _cleanup_x509_ X509 *cert = NULL;
        struct leaf leaf;
        int r = leaf_parse(der, len, &cert, &leaf);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return certfile_complain(&g->in, path, "not a certificate in strict DER");
        if (leaf.class != LEAF_CA)
                return certfile_complain(&g->in, path, "the certificate is not a CA's");
        if (sk_X509_num(g->found) == BETWEEN_MAX)
                return certfile_complain(&g->in, path, "too many certificates");
        if (!sk_X509_push(g->found, cert))
                return -ENOMEM;
        cert = NULL;
        return 0;
}

/* 1 if it leads to an anchor, of whichever kind of holder, 0 or -ENOMEM. */
static int leads(const struct mohr_trust *trust, X509 *cert, STACK_OF(X509) * found)
{
        int r = 0;
        for (int scope = 0; scope < TRUST_SCOPES && r == 0; scope++)
                r = trust_leads(trust, (enum trust_scope)scope, cert, found);
        return r;
}

/* Shares those that lead to an anchor; the number of the others, or -ENOMEM. */
static int sift(const struct mohr_trust *trust, STACK_OF(X509) * found, STACK_OF(X509) * good)
{
        int others = 0;
        for (int i = 0; i < sk_X509_num(found); i++) {
                X509 *cert = sk_X509_value(found, i);
                int r = leads(trust, cert, found);
                if (r < 0 || (r > 0 && !sk_X509_push(good, cert)))
                        return -ENOMEM;
                if (r > 0)
                        X509_up_ref(cert);
                else
                        others++;
        }
        return others;
}

static void say(const struct certfile *in, const char *path, int others)
{
        if (in->problem_cap > 0)
                in->problem[0] = '\0';
        if (others > 0 && in->problem_cap > 0)
                snprintf(in->problem, in->problem_cap,
                        "%s: %d left out that do not lead to a certificate you trust", path,
                        others);
}

int mohr_trust_load_issuers(
        struct mohr_trust *trust, const char *path, char *problem, size_t problem_cap)
{
        _cleanup_(stack_free_cleanup) STACK_OF(X509) *found = sk_X509_new_null();
        _cleanup_(stack_free_cleanup) STACK_OF(X509) *good = sk_X509_new_null();
        struct gathering g = { .found = found };
        g.in = (struct certfile){ .each = gather,
                .user = &g,
                .may_lack = true,
                .problem = problem,
                .problem_cap = problem_cap };
        if (!found || !good)
                return -ENOMEM;
        if (trust->between)
                return certfile_complain(&g.in, path, "issuers were loaded before");
        int r = certfile_read(&g.in, path);
        if (r != 0)
                return r;
        int others = sift(trust, found, good);
        if (others < 0)
                return others;
        say(&g.in, path, others);
        trust->between = good;
        good = NULL;
        return 0;
}
