/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_store.c: the store and its bundles while memory and system calls fail, one by one and all at
 * once. Whatever fails: nobody is trusted who was not added, a file is the old one or the new one, and a
 * bundle is read as it was signed or not at all.
 */
#include "client-sdk/appraise.h"
#include "daemon/issuer_files.h"
#include "tests/support/inject.h"
#include "tests/unit/bundle_talk.h"

#include "base/file.h"

#define OWN     INJECT(INJECT_MEMORY | INJECT_SYSTEM)
#define OPENSSL INJECT_EVERY(INJECT_OPENSSL, 11)
static const struct inject sweeps[] = { OWN, OPENSSL };

static void a_file_is_the_old_one_or_the_new_one(void **state)
{
        struct fixture *f = *state;
        char path[96], text[8];
        snprintf(path, sizeof path, "%s/file", f->dir);
        assert_int_equal(file_replace(path, "old", 3, 0600), 0);
        for (struct inject in = OWN; inject_next(&in);) {
                inject_arm(&in);
                int r = file_replace(path, "new", 3, 0600);
                inject_disarm(&in);
                FILE *file = fopen(path, "r");
                size_t len = fread(text, 1, sizeof text, file);
                fclose(file);
                EXPECT(in, len == 3);
                EXPECT(in, memcmp(text, "new", 3) == 0 || (r < 0 && memcmp(text, "old", 3) == 0));
                EXPECT(in, in.failed || r == 0);
                assert_int_equal(file_replace(path, "old", 3, 0600), 0);
        }
        char command[128];
        snprintf(command, sizeof command, "test -z \"$(find %s -name '.new-*')\"", f->dir);
        assert_int_equal(system(command), 0);
}

static void a_store_is_loaded_whole_or_not_at_all(void **state)
{
        struct fixture *f = *state;
        const char one[] = "one.pem", two[] = "two.pem";
        char path[128];
        snprintf(path, sizeof path, "%s/mohr/anchors", f->dir);
        assert_int_equal(file_make_folders(path, 0700), 0);
        X509 *const first[] = { f->pki->root, NULL }, *const second[] = { f->pki->ca, NULL };
        snprintf(path, sizeof path, "%s/mohr/anchors/%s", f->dir, one);
        testpki_write_pem(path, first);
        snprintf(path, sizeof path, "%s/mohr/anchors/%s", f->dir, two);
        testpki_write_pem(path, second);
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct mohr_trust *trust = NULL;
                char problem[256] = "";
                inject_arm(&in);
                int r = store_load(&trust, TRUST_CITIZENS, problem, sizeof problem);
                inject_disarm(&in);
                EXPECT(in, r == 0 ? trust && trust->scopes[TRUST_CITIZENS].count == 2 : !trust);
                EXPECT(in, r <= 0 || (r == OUTCOME_INVALID && problem[0]));
                EXPECT(in, in.failed || r == 0);
                mohr_trust_free(trust);
        }
}

static void a_certificate_is_appraised_in_full_or_not_at_all(void **state)
{
        struct fixture *f = *state;
        unsigned char *der = NULL;
        int len = i2d_X509(f->pki->leaf, &der);
        struct appraisal calm = { 0 };
        assert_int_equal(appraise(der, (size_t)len, &calm), 0);
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct appraisal found = { 0 };
                inject_arm(&in);
                int r = appraise(der, (size_t)len, &found);
                inject_disarm(&in);
                EXPECT(in, r == 0 || (r < 0 && found.fingerprint[0] == '\0'));
                EXPECT(in, r != 0 || memcmp(&found, &calm, sizeof calm) == 0);
                EXPECT(in, in.failed || r == 0);
        }
        OPENSSL_free(der);
}

static void a_bundle_is_made_whole_or_not_at_all(void **state)
{
        struct fixture *f = *state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                uint8_t *cms = NULL;
                size_t len = 0;
                inject_arm(&in);
                char *content = bundle_compose(&f->bundle);
                int r = content ? bundle_seal(content, strlen(content), f->signer,
                                          f->pki->other_key, &cms, &len)
                                : -ENOMEM;
                inject_disarm(&in);
                EXPECT(in, !content || strcmp(content, f->content) == 0);
                EXPECT(in, (r == 0) == (cms != NULL));
                EXPECT(in, in.failed || r == 0);
                free(content);
                free(cms);
        }
}

static void a_bundle_is_read_as_it_was_signed_or_not_at_all(void **state)
{
        struct fixture *f = *state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                X509 *signer = NULL;
                char *content = NULL;
                const char *why = NULL;
                size_t len = 0;
                struct bundle read = { 0 };
                inject_arm(&in);
                int r = bundle_open(f->cms, f->cms_len, f->signers, &signer, &content, &len, &why);
                if (r == 0)
                        r = bundle_parse(content, len, &read, &why);
                inject_disarm(&in);
                EXPECT(in, !content || (len == strlen(f->content) &&
                                               memcmp(content, f->content, len) == 0));
                EXPECT(in, r == 0 ? read.anchor_count == 1 && read.crl_count == 1
                                  : read.anchor_count + read.crl_count == 0);
                EXPECT(in, in.failed || r == 0);
                EXPECT(in, r <= 0 || why != NULL);
                free(content);
                bundle_clear(&read);
        }
}

static void a_bundle_is_recorded_after_all_of_it_is_there(void **state)
{
        struct fixture *f = *state;
        for (struct inject in = OWN; inject_next(&in);) {
                struct bundle_record record = { 0 };
                inject_arm(&in);
                int r = bundle_install(STORE_USER, f->print, &f->bundle);
                inject_disarm(&in);
                assert_int_equal(bundle_record_read(STORE_USER, f->print, &record), 0);
                EXPECT(in, r != 0 || record.issued_at == f->bundle.issued_at);
                EXPECT(in, in.failed || r == 0);
                char command[160];
                snprintf(command, sizeof command, "test $(ls %s/mohr/*/bundle-*.??? | wc -l) = 2",
                        f->dir);
                EXPECT(in, record.issued_at == 0 || system(command) == 0);
                assert_int_equal(bundle_forget(STORE_USER, f->print), 0);
        }
}

struct taken {
        size_t good, other;
        X509 *expected;
};

static void take_issuer(void *user, X509 *issuer)
{
        struct taken *taken = user;
        if (X509_cmp(issuer, taken->expected) == 0)
                taken->good++;
        else
                taken->other++;
}

static void a_kept_issuer_is_there_or_not_there(void **state)
{
        struct fixture *f = *state;
        X509 *const roots[] = { f->pki->root, NULL };
        struct mohr_trust *anchors = testpki_trust(roots);
        for (struct inject in = OWN; inject_next(&in);) {
                struct taken taken = { .expected = f->pki->ca };
                char problem[256] = "";
                inject_arm(&in);
                int kept = issuer_files_keep(f->dir, f->pki->ca);
                int r = issuer_files_read(
                        f->dir, anchors, take_issuer, &taken, problem, sizeof problem);
                inject_disarm(&in);
                EXPECT(in, taken.other == 0 && taken.good <= 1);
                EXPECT(in, in.failed || (kept == 0 && r == 0 && taken.good == 1));
                EXPECT(in, r <= 0 || problem[0]);
                char command[128];
                snprintf(command, sizeof command, "rm -rf %s/issuers", f->dir);
                assert_int_equal(system(command), 0);
        }
        mohr_trust_free(anchors);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_file_is_the_old_one_or_the_new_one),
                cmocka_unit_test(a_store_is_loaded_whole_or_not_at_all),
                cmocka_unit_test(a_certificate_is_appraised_in_full_or_not_at_all),
                cmocka_unit_test(a_bundle_is_made_whole_or_not_at_all),
                cmocka_unit_test(a_bundle_is_read_as_it_was_signed_or_not_at_all),
                cmocka_unit_test(a_bundle_is_recorded_after_all_of_it_is_there),
                cmocka_unit_test(a_kept_issuer_is_there_or_not_there),
        };
        inject_init();
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
