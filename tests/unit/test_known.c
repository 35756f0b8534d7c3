/* SPDX-License-Identifier: Apache-2.0 */
/* test_known.c: what is remembered, for how long, and what of it reaches the disk. */
#include "daemon/known.h"

#include "tests/support/testpki.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

static struct testpki *pki;
static const struct log quiet = { .program = "test", .max = LOG_LEVEL_ERR, .fd = -1 };

static struct known *fresh(const struct config *config)
{
        struct known *known = NULL;
        assert_int_equal(known_new(&known, config, &quiet), 0);
        return known;
}

static struct known_card a_card(void)
{
        struct known_card card = { .complete = true };
        X509_up_ref(pki->leaf);
        X509_up_ref(pki->ca);
        card.chain.leaf = pki->leaf;
        card.chain.issuer = pki->ca;
        return card;
}

static void a_card_is_known_by_its_number_only(void **state)
{
        (void)state;
        struct config config = { 0 };
        struct known *known = fresh(&config);
        struct known_card card = a_card();
        known_card_put(known, 7, &card);
        known_card_clear(&card);
        assert_non_null(known_card_find(known, 7, CARD_USE_SIGNATURE));
        assert_true(known_card_find(known, 7, CARD_USE_SIGNATURE)->chain.leaf == pki->leaf);
        assert_null(known_card_find(known, 8, CARD_USE_SIGNATURE));
        assert_null(known_card_find(known, 0, CARD_USE_SIGNATURE));
        known_free(known);
}

/* A staff card's two keys have a certificate each; a national card has one key for everything. */
static void a_card_is_known_for_the_key_that_it_was_read_for(void **state)
{
        (void)state;
        static const struct {
                enum card_family family;
                enum card_use use;
                bool signature, authentication;
        } rows[] = {
                { CARD_PIV, CARD_USE_SIGNATURE, true, false },
                { CARD_PIV, CARD_USE_AUTHENTICATION, false, true },
                { CARD_NID, CARD_USE_SIGNATURE, true, true },
                { CARD_NID, CARD_USE_AUTHENTICATION, true, true },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct config config = { 0 };
                struct known *known = fresh(&config);
                struct known_card card = a_card();
                card.identity.family = rows[i].family;
                gate_chain_begin(&card.chain, rows[i].family, rows[i].use);
                known_card_put(known, 7, &card);
                assert_int_equal(
                        known_card_find(known, 7, CARD_USE_SIGNATURE) != NULL, rows[i].signature);
                assert_int_equal(known_card_find(known, 7, CARD_USE_AUTHENTICATION) != NULL,
                        rows[i].authentication);
                card.chain.use = CARD_USE_AUTHENTICATION;
                known_card_put(known, 7, &card); /* beside the other one, or in its place */
                known_card_tries(known, 7, 2);   /* one PIN for both */
                for (enum card_use use = 0; use < CARD_USES; use++)
                        if (known_card_find(known, 7, use))
                                assert_int_equal(known_card_find(known, 7, use)->tries, 2);
                known_card_clear(&card);
                known_free(known);
        }
}

static void cards_are_bounded_and_the_oldest_leaves(void **state)
{
        (void)state;
        struct config config = { 0 };
        struct known *known = fresh(&config);
        struct known_card card = a_card();
        for (uint32_t i = 1; i <= 1000; i++)
                known_card_put(known, i, &card);
        assert_null(known_card_find(known, 1, CARD_USE_SIGNATURE));
        assert_non_null(known_card_find(known, 1000, CARD_USE_SIGNATURE));
        known_card_put(known, 1000, &card); /* again: its own place */
        assert_non_null(known_card_find(known, 999, CARD_USE_SIGNATURE));
        known_card_clear(&card);
        known_free(known);
}

static void keys_are_bounded_and_replaced_in_place(void **state)
{
        (void)state;
        struct config config = { 0 };
        struct known *known = fresh(&config);
        uint8_t print[GATE_PRINT_SIZE] = { 0 };
        struct known_key key = { .needs_issuer_keys = true };
        for (unsigned int i = 0; i < 1000; i++) {
                memcpy(print, &i, sizeof i);
                known_key_put(known, print, &key);
        }
        assert_true(known_key_find(known, print)->needs_issuer_keys);
        key.needs_issuer_keys = false;
        known_key_put(known, print, &key);
        assert_false(known_key_find(known, print)->needs_issuer_keys);
        memset(print, 0, sizeof print);
        assert_null(known_key_find(known, print));
        known_free(known);
}

static void an_issuer_serves_only_leaves_it_signed(void **state)
{
        (void)state;
        struct config config = { 0 };
        struct known *known = fresh(&config);
        struct testpki_spec forged = { .issuer_key = pki->other_key };
        X509 *bad = testpki_issue(pki, &forged);
        struct gate_chain good_chain = { .leaf = pki->leaf }, bad_chain = { .leaf = bad };
        assert_null(known_issuer_find(known, &good_chain));
        for (int i = 0; i < 100; i++)
                known_issuer_put(known, pki->ca);
        assert_true(known_issuer_find(known, &good_chain) == pki->ca);
        assert_null(known_issuer_find(known, &bad_chain));
        X509 *equal = X509_dup(pki->ca);
        assert_true(known_issuer_is(known, pki->ca));
        assert_false(known_issuer_is(known, equal));
        assert_false(known_issuer_is(known, pki->root));
        assert_false(known_issuer_is(known, NULL));
        X509_free(equal);
        X509_free(bad);
        known_free(known);
}

static void being_told_survives_the_process_and_is_private(void **state)
{
        (void)state;
        char dir[] = "/tmp/test-known-XXXXXX", folder[64], file[96];
        assert_non_null(mkdtemp(dir));
        snprintf(folder, sizeof folder, "%s/mohr", dir);
        snprintf(file, sizeof file, "%s/told-unproven", folder);
        struct config config = { .state_dir = folder };
        struct stat st;
        struct known *known = fresh(&config);
        assert_false(known_told_unproven(known));
        known_tell_unproven(known);
        known_free(known);
        assert_return_code(stat(file, &st), errno);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_return_code(stat(folder, &st), errno);
        assert_int_equal(st.st_mode & 0777, 0700);
        known = fresh(&config);
        assert_true(known_told_unproven(known));
        known_free(known);
        unlink(file);
        rmdir(folder);
        rmdir(dir);
}

static void a_disk_that_refuses_is_no_failure(void **state)
{
        (void)state;
        char folder[] = "/proc/mohr-test/deep";
        struct config config = { .state_dir = folder };
        struct known *known = fresh(&config);
        known_tell_unproven(known);
        assert_true(known_told_unproven(known)); /* for as long as the process lives */
        known_free(known);
}

static void a_link_is_not_followed_for_the_fact(void **state)
{
        (void)state;
        char dir[] = "/tmp/test-known-XXXXXX", target[64], link[64], fresh_link[64];
        assert_non_null(mkdtemp(dir));
        snprintf(target, sizeof target, "%s/precious", dir);
        snprintf(link, sizeof link, "%s/told-unproven", dir);
        snprintf(fresh_link, sizeof fresh_link, "%s/told-unproven.new", dir);
        assert_return_code(symlink(target, link), errno);
        assert_return_code(symlink(target, fresh_link), errno);
        struct config config = { .state_dir = dir };
        struct known *known = fresh(&config);
        assert_false(known_told_unproven(known));
        known_tell_unproven(known);
        assert_int_not_equal(access(target, F_OK), 0);
        known_free(known);
        unlink(link);
        unlink(fresh_link);
        rmdir(dir);
}

/* Files of a folder that end so. */
static size_t files_in(const char *folder, const char *ending)
{
        size_t count = 0;
        DIR *dir = opendir(folder);
        for (struct dirent *entry; dir && (entry = readdir(dir));) {
                size_t len = strlen(entry->d_name), end = strlen(ending);
                count += len > end && strcmp(entry->d_name + len - end, ending) == 0;
        }
        if (dir)
                closedir(dir);
        return count;
}

struct place {
        char dir[64], root[96], issuers[96];
        struct config config;
};

static void make_place(struct place *place)
{
        X509 *const roots[] = { pki->root, NULL };
        snprintf(place->dir, sizeof place->dir, "/tmp/mohr-known-XXXXXX");
        assert_non_null(mkdtemp(place->dir));
        snprintf(place->root, sizeof place->root, "%s/root.pem", place->dir);
        snprintf(place->issuers, sizeof place->issuers, "%s/issuers", place->dir);
        testpki_write_pem(place->root, roots);
        place->config = (struct config){ .state_dir = place->dir, .anchors = place->root };
}

static void remove_place(const struct place *place)
{
        char command[128];
        snprintf(command, sizeof command, "rm -rf %s", place->dir);
        assert_int_equal(system(command), 0);
}

static bool finds_issuer(const struct config *config)
{
        struct known *known = fresh(config);
        struct gate_chain chain = { .leaf = pki->leaf };
        bool found = known_issuer_find(known, &chain) != NULL;
        known_free(known);
        return found;
}

static void an_issuer_that_leads_to_an_anchor_survives_the_process(void **state)
{
        (void)state;
        struct place place;
        make_place(&place);
        struct known *known = fresh(&place.config);
        known_issuer_put(known, pki->ca);
        known_free(known);
        assert_int_equal(files_in(place.issuers, ".der"), 1);
        assert_true(finds_issuer(&place.config));
        remove_place(&place);
}

static void a_kept_issuer_is_nothing_without_its_anchor(void **state)
{
        (void)state;
        struct place place;
        make_place(&place);
        struct known *known = fresh(&place.config);
        known_issuer_put(known, pki->ca);
        known_free(known);
        place.config.anchors = NULL; /* whoever is trusted no more vouches for nobody */
        assert_false(finds_issuer(&place.config));
        X509 *other = testpki_issue_ca(pki, "Another Root TEST", TESTPKI_NOW - 9, TESTPKI_NOW + 9,
                NULL, pki->other_key, pki->other_key, "critical,CA:TRUE");
        X509 *const roots[] = { other, NULL };
        testpki_write_pem(place.root, roots);
        place.config.anchors = place.root;
        assert_false(finds_issuer(&place.config));
        X509_free(other);
        remove_place(&place);
}

static void what_lies_among_the_kept_issuers_is_believed_by_nobody(void **state)
{
        (void)state;
        struct place place;
        make_place(&place);
        assert_int_equal(mkdir(place.issuers, 0700), 0);
        char path[128];
        X509 *const stranger[] = { pki->leaf, NULL };
        snprintf(path, sizeof path, "%s/leaf.pem", place.issuers);
        testpki_write_pem(path, stranger);
        assert_false(finds_issuer(&place.config));
        snprintf(path, sizeof path, "%s/garbage.der", place.issuers);
        FILE *file = fopen(path, "w");
        fputs("0 is how it begins", file);
        fclose(file);
        assert_false(finds_issuer(&place.config));
        assert_int_equal(chmod(place.issuers, 0777), 0);
        assert_false(finds_issuer(&place.config));
        remove_place(&place);
}

/* The path of the n-th kept file, in any order. */
static void kept_path(const struct place *place, size_t n, char *dst, size_t cap)
{
        DIR *dir = opendir(place->issuers);
        for (struct dirent *entry; dir && (entry = readdir(dir));)
                if (strstr(entry->d_name, ".der") && n-- == 0)
                        snprintf(dst, cap, "%s/%s", place->issuers, entry->d_name);
        closedir(dir);
}

/* What a power cut makes of a file that nobody waited for. */
static void tear(const struct place *place, size_t n, off_t left)
{
        char path[400] = "";
        kept_path(place, n, path, sizeof path);
        assert_int_equal(truncate(path, left), 0);
}

static void keep_two(const struct place *place, X509 *second)
{
        struct known *known = fresh(&place->config);
        known_issuer_put(known, pki->ca);
        known_issuer_put(known, second);
        known_free(known);
        assert_int_equal(files_in(place->issuers, ".der"), 2);
}

static void a_torn_file_is_written_again_and_hides_no_other(void **state)
{
        (void)state;
        struct place place;
        make_place(&place);
        X509 *renewed = testpki_issue_ca(pki, "IRAN Digital Citizen CA 2016 17", TESTPKI_NOW - 9,
                TESTPKI_NOW + 9, pki->root, pki->root_key, pki->ca_key, "critical,CA:TRUE");
        for (off_t left = 0; left < 200; left += 100) {
                for (size_t n = 0; n < 2; n++) {
                        keep_two(&place, renewed);
                        tear(&place, n, left);
                        assert_true(finds_issuer(&place.config));
                }
                keep_two(&place, renewed);
                tear(&place, 0, left);
                tear(&place, 1, left);
                assert_false(finds_issuer(&place.config));
        }
        keep_two(&place, renewed);
        assert_true(finds_issuer(&place.config));
        X509_free(renewed);
        remove_place(&place);
}

static void kept_issuers_are_bounded(void **state)
{
        (void)state;
        struct place place;
        make_place(&place);
        struct known *known = fresh(&place.config);
        for (int i = 0; i < 20; i++) {
                X509 *ca = testpki_issue_ca(pki, "Issuing CA TEST", TESTPKI_NOW - i, TESTPKI_NOW,
                        pki->root, pki->root_key, pki->ca_key, "critical,CA:TRUE");
                known_issuer_put(known, ca);
                X509_free(ca);
        }
        known_free(known);
        assert_int_equal(files_in(place.issuers, ".der"), 16);
        remove_place(&place);
}

static void without_anchors_no_issuer_reaches_the_disk(void **state)
{
        (void)state;
        struct place place;
        make_place(&place);
        place.config.anchors = NULL;
        struct known *known = fresh(&place.config);
        known_issuer_put(known, pki->ca);
        known_free(known);
        assert_int_equal(files_in(place.issuers, ".der"), 0);
        remove_place(&place);
}

static void anchors_that_are_missing_stop_the_start(void **state)
{
        (void)state;
        char nowhere[] = "/nonexistent";
        struct config config = { .anchors = nowhere };
        struct known *known = NULL;
        assert_true(known_new(&known, &config, &quiet) < 0);
}

static int make_pki(void **state)
{
        (void)state;
        pki = testpki_new();
        return 0;
}

static int drop_pki(void **state)
{
        (void)state;
        pki = testpki_free(pki);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_card_is_known_by_its_number_only),
                cmocka_unit_test(a_card_is_known_for_the_key_that_it_was_read_for),
                cmocka_unit_test(cards_are_bounded_and_the_oldest_leaves),
                cmocka_unit_test(keys_are_bounded_and_replaced_in_place),
                cmocka_unit_test(an_issuer_serves_only_leaves_it_signed),
                cmocka_unit_test(being_told_survives_the_process_and_is_private),
                cmocka_unit_test(a_disk_that_refuses_is_no_failure),
                cmocka_unit_test(a_link_is_not_followed_for_the_fact),
                cmocka_unit_test(an_issuer_that_leads_to_an_anchor_survives_the_process),
                cmocka_unit_test(a_kept_issuer_is_nothing_without_its_anchor),
                cmocka_unit_test(what_lies_among_the_kept_issuers_is_believed_by_nobody),
                cmocka_unit_test(a_torn_file_is_written_again_and_hides_no_other),
                cmocka_unit_test(kept_issuers_are_bounded),
                cmocka_unit_test(without_anchors_no_issuer_reaches_the_disk),
                cmocka_unit_test(anchors_that_are_missing_stop_the_start),
        };
        return cmocka_run_group_tests(tests, make_pki, drop_pki);
}
