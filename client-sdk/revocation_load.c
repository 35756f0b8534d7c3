/* SPDX-License-Identifier: Apache-2.0 */
/* revocation_load.c: where lists and responses come from: files that the relying party keeps, and what was
 * stapled to an assertion. A bad file does not keep the others from being read: with fewer lists a verifier
 * knows less and says so, while one that stops at the first would know nothing.
 */
#include "client-sdk/certfile.h"
#include "client-sdk/store.h"
#include "client-sdk/trust.h"

static const char *const labels[] = { "X509 CRL", "OCSP RESPONSE", NULL };
static const char *const endings[] = { ".crl", ".ocsp", ".pem", ".der", NULL };
const struct certfile_kind revocation_files = { .labels = labels,
        .endings = endings,
        .file_max = REVOCATION_CRL_MAX,
        .what = "no CRL and no OCSP response in it",
        .size = "not a plain file of 1 byte to 16 MiB" };

struct loading {
        struct revocation *set;
        struct certfile in;
};

static int add_one(void *user, const char *path, const uint8_t *der, size_t len)
{
        struct loading *loading = user;
        char why[REVOCATION_WHY_MAX] = "";
        int r = revocation_add(loading->set, der, len, false, why);
        return r > 0 ? certfile_complain(&loading->in, path, why) : r;
}

/* Both levels of the store. One that cannot be relied on leaves the other's lists. */
static int read_store(struct certfile *in)
{
        int r = 0;
        in->guarded = in->may_lack = true;
        for (enum store_level level = 0; r >= 0 && level < STORE_LEVELS; level++) {
                _cleanup_free_ char *folder = NULL;
                int one = store_folder(level, STORE_CRLS, &folder);
                if (one == 0)
                        one = certfile_read(in, folder);
                if (one != -ENOENT)
                        r = one < 0 || r == 0 ? one : r;
        }
        return r;
}

int mohr_trust_load_revocation(
        struct mohr_trust *trust, const char *path, char *problem, size_t problem_cap)
{
        struct loading loading = { .set = trust->revocation,
                .in = { .each = add_one,
                        .kind = &revocation_files,
                        .go_on = true,
                        .problem = problem,
                        .problem_cap = problem_cap } };
        loading.in.user = &loading;
        if (problem_cap > 0)
                problem[0] = '\0';
        return path ? certfile_read(&loading.in, path) : read_store(&loading.in);
}

int mohr_trust_add_revocation(struct mohr_trust *trust, const void *der, size_t len)
{
        char why[REVOCATION_WHY_MAX];
        return revocation_add(trust->revocation, der, len, true, why);
}
