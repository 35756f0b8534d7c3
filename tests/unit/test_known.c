/* SPDX-License-Identifier: Apache-2.0 */
/* test_known.c: what is remembered, for how long, and what of it reaches the disk. */
#include "daemon/known.h"

#include "tests/support/testpki.h"

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
        assert_non_null(known_card_find(known, 7));
        assert_true(known_card_find(known, 7)->chain.leaf == pki->leaf);
        assert_null(known_card_find(known, 8));
        assert_null(known_card_find(known, 0));
        known_free(known);
}

static void cards_are_bounded_and_the_oldest_leaves(void **state)
{
        (void)state;
        struct config config = { 0 };
        struct known *known = fresh(&config);
        struct known_card card = a_card();
        for (uint32_t i = 1; i <= 1000; i++)
                known_card_put(known, i, &card);
        assert_null(known_card_find(known, 1));
        assert_non_null(known_card_find(known, 1000));
        known_card_put(known, 1000, &card); /* again: its own place */
        assert_non_null(known_card_find(known, 999));
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
                cmocka_unit_test(cards_are_bounded_and_the_oldest_leaves),
                cmocka_unit_test(keys_are_bounded_and_replaced_in_place),
                cmocka_unit_test(an_issuer_serves_only_leaves_it_signed),
                cmocka_unit_test(being_told_survives_the_process_and_is_private),
                cmocka_unit_test(a_disk_that_refuses_is_no_failure),
                cmocka_unit_test(a_link_is_not_followed_for_the_fact),
                cmocka_unit_test(anchors_that_are_missing_stop_the_start),
        };
        return cmocka_run_group_tests(tests, make_pki, drop_pki);
}
