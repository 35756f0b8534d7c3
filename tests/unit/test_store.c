/* SPDX-License-Identifier: Apache-2.0 */
/* test_store.c: where trusted certificates are kept, what may be one, and what a file may not do to whoever
 * reads it.
 */
#include "client-sdk/appraise.h"
#include "client-sdk/store.h"

#include "base/file.h"
#include "base/outcome.h"
#include "tests/support/testpki.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

struct fixture {
        struct testpki *pki;
        char dir[64];
};

static char *path_of(const struct fixture *f, const char *name)
{
        char *path = NULL;
        assert_true(asprintf(&path, "%s/%s", f->dir, name) > 0);
        return path;
}

static void put_pem(const struct fixture *f, const char *name, X509 *cert)
{
        _cleanup_free_ char *path = path_of(f, name);
        X509 *const certs[] = { cert, NULL };
        testpki_write_pem(path, certs);
}

/* ---- files ---- */

static void a_file_is_replaced_whole_with_its_mode(void **state)
{
        struct fixture *f = *state;
        _cleanup_free_ char *path = path_of(f, "file");
        char text[8] = "";
        struct stat st;
        mode_t mask = umask(077);
        assert_int_equal(file_replace(path, "one", 3, 0644), 0);
        assert_int_equal(file_replace(path, "two", 3, 0644), 0);
        umask(mask);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        assert_int_equal(fread(text, 1, sizeof text, file), 3);
        fclose(file);
        assert_string_equal(text, "two");
        assert_int_equal(file_remove(path), 0);
        assert_int_equal(file_remove(path), 0);
        assert_int_equal(access(path, F_OK), -1);
}

static void a_link_is_replaced_not_followed(void **state)
{
        struct fixture *f = *state;
        _cleanup_free_ char *path = path_of(f, "link"), *target = path_of(f, "target");
        struct stat st;
        assert_int_equal(file_replace(target, "kept", 4, 0600), 0);
        assert_int_equal(symlink(target, path), 0);
        assert_int_equal(file_replace(path, "x", 1, 0600), 0);
        assert_int_equal(lstat(path, &st), 0);
        assert_true(S_ISREG(st.st_mode));
        assert_int_equal(stat(target, &st), 0);
        assert_int_equal(st.st_size, 4);
}

static void what_is_no_file_is_left_alone(void **state)
{
        struct fixture *f = *state;
        _cleanup_free_ char *path = path_of(f, "pipe");
        struct stat st;
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(file_replace(path, "x", 1, 0600), -EPERM);
        assert_int_equal(lstat(path, &st), 0);
        assert_true(S_ISFIFO(st.st_mode));
}

static void what_cannot_be_written_leaves_nothing(void **state)
{
        struct fixture *f = *state;
        _cleanup_free_ char *folder = path_of(f, "is-a-folder"), *below = path_of(f, "none/file");
        assert_int_equal(file_make_folders(folder, 0700), 0);
        assert_int_equal(file_make_folders(folder, 0700), 0);
        assert_true(file_replace(folder, "x", 1, 0600) < 0);
        assert_int_equal(file_replace(below, "x", 1, 0600), -ENOENT);
        assert_true(file_make_folders("", 0700) < 0);
        char command[128];
        snprintf(command, sizeof command, "test -z \"$(find %s -name '.new-*')\"", f->dir);
        assert_int_equal(system(command), 0);
}

/* ---- the folders ---- */

static void folders_follow_the_xdg_specification(void **state)
{
        static const struct {
                const char *config, *home, *folder;
        } rows[] = {
                { "/c", "/h", "/c/mohr/anchors" },
                { "", "/h", "/h/.config/mohr/anchors" },
                { "relative", "/h", "/h/.config/mohr/anchors" },
                { "/c", "", "/c/mohr/anchors" },
                { "", "", NULL },
        };
        struct fixture *f = *state;
        char *folder = NULL;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                folder = NULL;
                setenv("XDG_CONFIG_HOME", rows[i].config, 1);
                setenv("HOME", rows[i].home, 1);
                int r = store_folder(STORE_USER, STORE_ANCHORS, &folder);
                assert_int_equal(r, rows[i].folder ? 0 : -ENOENT);
                if (rows[i].folder)
                        assert_string_equal(folder, rows[i].folder);
                free(folder);
        }
        assert_int_equal(store_folder(STORE_SYSTEM, STORE_SIGNERS, &folder), 0);
        assert_string_equal(folder, "/etc/mohr/bundle-signers");
        free(folder);
        setenv("XDG_CONFIG_HOME", f->dir, 1);
        setenv("HOME", f->dir, 1);
}

static void what_is_kept_is_private_to_write_and_open_to_read(void **state)
{
        char *path = NULL;
        struct stat st;
        (void)state;
        assert_int_equal(store_put(STORE_USER, STORE_STAFF, "x.pem", "x", 1, &path), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0644);
        *strrchr(path, '/') = '\0';
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0700);
        free(path);
        char *folder = NULL;
        assert_int_equal(store_folder(STORE_USER, STORE_STAFF, &folder), 0);
        char command[160];
        snprintf(command, sizeof command, "rm -r %s", folder);
        assert_int_equal(system(command), 0);
        free(folder);
}

static int load(enum trust_scope scope, bool *ret_some, char *problem, size_t cap)
{
        struct mohr_trust *trust = NULL;
        int r = store_load(&trust, scope, problem, cap);
        *ret_some = trust != NULL;
        mohr_trust_free(trust);
        return r;
}

static void each_scope_has_its_own_folder(void **state)
{
        struct fixture *f = *state;
        char problem[256] = "";
        bool some = true;
        assert_int_equal(load(TRUST_CITIZENS, &some, problem, sizeof problem), 0);
        assert_false(some);
        _cleanup_free_ char *folder = path_of(f, "mohr/anchors");
        assert_int_equal(file_make_folders(folder, 0700), 0);
        assert_int_equal(load(TRUST_CITIZENS, &some, problem, sizeof problem), 0);
        assert_false(some);
        put_pem(f, "mohr/anchors/root.pem", f->pki->root);
        assert_int_equal(load(TRUST_CITIZENS, &some, problem, sizeof problem), 0);
        assert_true(some);
        assert_int_equal(load(TRUST_STAFF, &some, problem, sizeof problem), 0);
        assert_false(some);
        struct mohr_trust *trust = NULL;
        assert_int_equal(mohr_trust_load_store(&trust, problem, sizeof problem), 0);
        assert_false(mohr_trust_has_national_root(trust));
        mohr_trust_free(trust);
}

static void an_empty_store_trusts_nobody_and_says_so(void **state)
{
        struct fixture *f = *state;
        struct mohr_trust *trust = NULL;
        char problem[256] = "", elsewhere[96];
        snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", f->dir);
        setenv("XDG_CONFIG_HOME", elsewhere, 1);
        int r = mohr_trust_load_store(&trust, problem, sizeof problem);
        setenv("XDG_CONFIG_HOME", f->dir, 1);
        if (r == 0) { /* this machine trusts somebody */
                mohr_trust_free(trust);
                return;
        }
        assert_int_equal(r, OUTCOME_INVALID);
        assert_null(trust);
        assert_string_not_equal(problem, "");
}

static void one_wrong_thing_refuses_the_store(void **state)
{
        static const struct {
                const char *make, *says;
        } rows[] = {
                { "mkfifo %s/mohr/anchors/a.pem", "plain file" },
                { "truncate -s 1G %s/mohr/anchors/a.pem", "plain file" },
                { "ln -s a.pem %s/mohr/anchors/a.pem", "" },
                { "echo x >%s/mohr/anchors/a.pem", "no certificate" },
                { ": >%s/mohr/anchors/a.pem", "plain file" },
                { "mkdir %s/mohr/anchors/a.pem", "plain file" },
                { "cd %s/mohr/anchors && openssl x509 -in root.pem -outform DER -out a.der && echo "
                  ">>a.der",
                        "strict DER" },
                { "cd %s/mohr/anchors && cp root.pem a.pem && chmod o+w a.pem", "everybody" },
                { "chmod o+w %s/mohr/anchors", "everybody" },
                { "cd %s/mohr/anchors && (cat root.pem; echo -----BEGIN X-----; echo -----END "
                  "X-----) >a.pem",
                        "" },
                { "cd %s/mohr/anchors && for i in $(seq 300); do cp root.pem $i.pem; done",
                        "too many" },
                { "cd %s/mohr/anchors && for i in $(seq 200); do cat root.pem; done >a.pem",
                        "too many" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char command[256], problem[512] = "";
                bool some = true;
                snprintf(command, sizeof command, rows[i].make, f->dir);
                assert_int_equal(system(command), 0);
                int r = load(TRUST_CITIZENS, &some, problem, sizeof problem);
                snprintf(command, sizeof command,
                        "cd %s/mohr/anchors && chmod 700 . && mv root.pem .. && rm -rf ./* && mv "
                        "../root.pem .",
                        f->dir);
                assert_int_equal(system(command), 0);
                if (r != OUTCOME_INVALID || some || !strstr(problem, rows[i].says))
                        fail_msg("%s: %d, %s", rows[i].make, r, problem);
        }
        bool some = false;
        char problem[64];
        assert_int_equal(load(TRUST_CITIZENS, &some, problem, sizeof problem), 0);
        assert_true(some);
}

static void a_stranger_s_file_refuses_the_store(void **state)
{
        struct fixture *f = *state;
        _cleanup_free_ char *path = path_of(f, "mohr/anchors/root.pem");
        char problem[256] = "";
        bool some = true;
        if (geteuid() != 0)
                skip();
        assert_int_equal(chown(path, 65534, 65534), 0);
        assert_int_equal(load(TRUST_CITIZENS, &some, problem, sizeof problem), OUTCOME_INVALID);
        assert_non_null(strstr(problem, "another user"));
        assert_int_equal(chown(path, 0, 0), 0);
}

/* ---- what may be trusted ---- */

static struct appraisal appraisal_of(X509 *cert)
{
        unsigned char *der = NULL;
        struct appraisal appraisal;
        int len = i2d_X509(cert, &der);
        assert_int_equal(appraise(der, (size_t)len, &appraisal), 0);
        OPENSSL_free(der);
        return appraisal;
}

static void a_certificate_is_told_as_it_is(void **state)
{
        struct fixture *f = *state;
        struct appraisal root = appraisal_of(f->pki->root), leaf = appraisal_of(f->pki->leaf);
        assert_string_equal(
                root.subject, "C=IR, O=Iran Government, CN=TEST Root CA1\\, NOT GENUINE");
        assert_string_equal(root.issuer, root.subject);
        assert_true(root.self_signed && root.authority);
        assert_int_equal(strlen(root.fingerprint), 95);
        assert_string_equal(root.key, "RSA 2048");
        assert_null(root.national);
        assert_false(leaf.authority || leaf.self_signed);
        assert_non_null(strstr(leaf.subject, TESTPKI_GIVEN));
        struct appraisal untouched = { .fingerprint = "x" };
        assert_int_equal(appraise((const uint8_t *)"0", 1, &untouched), -EBADMSG);
        assert_string_equal(untouched.fingerprint, "x");
}

static void what_must_not_be_trusted_is_refused_by_name(void **state)
{
        static const struct mohr_national r1 = { .name = "R1", .for_cards = true };
        static const struct mohr_national r2 = { .name = "R2" };
        const struct appraisal good = { .authority = true,
                .self_signed = true,
                .may_sign = true,
                .not_before = 100,
                .not_after = 200 };
        struct appraisal of[] = { good, good, good, good, good, good, good, good };
        of[1].authority = false;
        of[2].national = &r2;
        of[3].national = &r1;
        of[4].may_sign = false;
        of[5].weak_key = true;
        of[6].weak_digest = true;
        const struct {
                size_t which;
                enum trust_use use;
                int64_t now;
                const char *name;
        } rows[] = {
                { 0, TRUST_USE_CITIZENS, 150, "fit" },
                { 0, TRUST_USE_STAFF, 150, "fit" },
                { 0, TRUST_USE_BUNDLES, 150, "fit" },
                { 0, TRUST_USE_CITIZENS, 99, "not-yet-valid" },
                { 0, TRUST_USE_CITIZENS, 201, "expired" },
                { 1, TRUST_USE_CITIZENS, 150, "not-a-ca" },
                { 1, TRUST_USE_STAFF, 150, "not-a-ca" },
                { 1, TRUST_USE_BUNDLES, 150, "fit" },
                { 2, TRUST_USE_CITIZENS, 150, "not-for-cards" },
                { 2, TRUST_USE_STAFF, 150, "fit" },
                { 3, TRUST_USE_CITIZENS, 150, "fit" },
                { 3, TRUST_USE_STAFF, 150, "for-cards-only" },
                { 3, TRUST_USE_BUNDLES, 150, "for-cards-only" },
                { 4, TRUST_USE_BUNDLES, 150, "not-for-signing" },
                { 4, TRUST_USE_CITIZENS, 150, "fit" },
                { 5, TRUST_USE_CITIZENS, 150, "weak-key" },
                { 6, TRUST_USE_STAFF, 150, "weak-digest" },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                assert_string_equal(appraisal_name(appraisal_judge(
                                            &of[rows[i].which], rows[i].use, rows[i].now)),
                        rows[i].name);
}

static void strength_is_read_from_the_certificate(void **state)
{
        struct fixture *f = *state;
        X509 *sha1 = testpki_issue(f->pki, &(struct testpki_spec){ .sha1 = true });
        X509 *small = testpki_issue(f->pki, &(struct testpki_spec){ .key = f->pki->small_key });
        X509 *ec = testpki_issue(f->pki, &(struct testpki_spec){ .key = f->pki->ec_key });
        assert_true(appraisal_of(sha1).weak_digest);
        assert_false(appraisal_of(f->pki->ca).weak_digest);
        assert_true(appraisal_of(small).weak_key);
        assert_false(appraisal_of(ec).weak_key);
        assert_string_equal(appraisal_of(ec).key, "EC P-256");
        X509_free(sha1);
        X509_free(small);
        X509_free(ec);
}

static void a_national_certificate_is_known_by_all_its_bytes(void **state)
{
        struct fixture *f = *state;
        unsigned char *der = NULL;
        int len = i2d_X509(f->pki->root, &der);
        assert_null(mohr_trust_recognise(der, (size_t)len));
        assert_null(mohr_trust_recognise("", 0));
        assert_int_equal(strlen(mohr_national_root_fingerprint()), 95);
        OPENSSL_free(der);
}

static int set_up(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);
        snprintf(f->dir, sizeof f->dir, "/tmp/mohr-store-XXXXXX");
        if (!mkdtemp(f->dir))
                return -1;
        setenv("XDG_CONFIG_HOME", f->dir, 1);
        f->pki = testpki_new();
        *state = f;
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;
        char command[128];
        snprintf(command, sizeof command, "rm -rf %s", f->dir);
        int r = system(command);
        testpki_free(f->pki);
        free(f);
        return r;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_file_is_replaced_whole_with_its_mode),
                cmocka_unit_test(a_link_is_replaced_not_followed),
                cmocka_unit_test(what_is_no_file_is_left_alone),
                cmocka_unit_test(what_cannot_be_written_leaves_nothing),
                cmocka_unit_test(folders_follow_the_xdg_specification),
                cmocka_unit_test(what_is_kept_is_private_to_write_and_open_to_read),
                cmocka_unit_test(each_scope_has_its_own_folder),
                cmocka_unit_test(an_empty_store_trusts_nobody_and_says_so),
                cmocka_unit_test(one_wrong_thing_refuses_the_store),
                cmocka_unit_test(a_stranger_s_file_refuses_the_store),
                cmocka_unit_test(a_certificate_is_told_as_it_is),
                cmocka_unit_test(what_must_not_be_trusted_is_refused_by_name),
                cmocka_unit_test(strength_is_read_from_the_certificate),
                cmocka_unit_test(a_national_certificate_is_known_by_all_its_bytes),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
