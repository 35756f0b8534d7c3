/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_trust.c: looks at what this user believes: the national root, anchors that ran out, bundles that are overdue.
 *
 * Only a verifier needs them (and mohrd for staff cards), so all of it is advice.
 */
#include "client-sdk/cli/doctor.h"
#include "client-sdk/cli/trust.h"

#include <openssl/x509.h>

struct finding look_at_root(struct examination *e)
{
        struct mohr_trust *trust = NULL;
        int r = e->trust ? mohr_trust_load(&trust, e->trust, e->problem, sizeof e->problem)
                         : mohr_trust_load_store(&trust, e->problem, sizeof e->problem);
        bool found = r == 0 && mohr_trust_has_national_root(trust);
        mohr_trust_free(trust);
        if (found)
                return (struct finding){ .text = N_("The root certificate of the national cards is "
                                                    "there, with the right fingerprint.") };
        return (struct finding){ .advice = true,
                .outcome = OUTCOME_INVALID,
                .text = N_("The root certificate of the national cards (IRAN Root CA1) is not "
                           "there. Reading cards and "
                           "signing work without it; checking assertions does not."),
                .next = N_("Get it from a source you trust, compare its SHA-256 fingerprint with "
                           "the one "
                           "below, then:"),
                .command = "mohr trust add FILE",
                .data = mohr_national_root_fingerprint() };
}

struct anchors {
        size_t count, expired;
        char *first; /* of the expired; room of `shown` */
        size_t room;
};

static int count_anchor(void *user, const struct store_entry *entry)
{
        struct anchors *anchors = user;
        const uint8_t *at = entry->der;
        X509 *certificate = d2i_X509(NULL, &at, (long)entry->len);
        bool expired = certificate && X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
        X509_free(certificate);
        anchors->count++;
        if (expired && anchors->expired++ == 0)
                snprintf(anchors->first, anchors->room, "%s", entry->path);
        return 0;
}

struct finding look_at_anchors(struct examination *e)
{
        struct anchors anchors = { .first = e->shown, .room = sizeof e->shown };
        int r = 0;
        for (int level = 0; r == 0 && level < STORE_LEVELS; level++)
                for (int kind = STORE_ANCHORS; r == 0 && kind <= STORE_STAFF; kind++)
                        r = store_read((enum store_level)level, (enum store_kind)kind, count_anchor,
                                &anchors, e->problem, sizeof e->problem);
        struct finding finding = { .outcome = OUTCOME_INVALID,
                .advice = true,
                .next = N_("See them:"),
                .command = "mohr trust list" };
        if (r != 0) {
                finding.text =
                        N_("What is trusted here cannot be relied on: a folder or file of it is "
                           "not as it must be.");
                finding.data = e->problem;
        } else if (anchors.expired > 0) {
                finding.text = N_("A trusted certificate has expired. What it vouches for is not "
                                  "believed any more.");
                finding.data = e->shown;
        } else if (anchors.count == 0) {
                finding.text = N_("No certificate is trusted yet. Signing works without; checking "
                                  "others' signatures does not.");
                finding.next = N_("How to begin:");
                finding.command = "mohr trust help";
        } else {
                return (struct finding){ .text = N_("The trusted certificates are in date.") };
        }
        return finding;
}

/* Files that somebody carries here are forgotten more easily than a timer. */
struct finding look_at_bundles(struct examination *e)
{
        const struct cli quiet = { .json = true };
        size_t overdue = 0;
        _cleanup_json_ json_t *bundles = json_array(), *lists = json_array();
        (void)e;
        if (trust_ages(&quiet, false, bundles, lists, &overdue) != 0 || overdue > 0)
                return (struct finding){ .advice = true,
                        .outcome = OUTCOME_INVALID,
                        .text = N_("A bundle or a list of revoked certificates is overdue."),
                        .next = N_("Get the newest one. Which it is:"),
                        .command = "mohr trust list" };
        return (struct finding){ .text = N_("No bundle and no list of revoked certificates is "
                                            "overdue.") };
}
