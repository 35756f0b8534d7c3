/* SPDX-License-Identifier: Apache-2.0 */
/* test_bundle.c: offline bundles: what is read is what was signed, and by whom; what came with the last one
 * goes when the next one lacks it; nothing older comes back.
 */
#include "tests/unit/bundle_talk.h"

static const char *why_open(const struct fixture *f, const uint8_t *der, size_t len)
{
        X509 *signer = NULL;
        char *content = NULL;
        size_t content_len = 0;
        const char *why = "";
        int r = bundle_open(der, len, f->signers, &signer, &content, &content_len, &why);
        assert_true(r == 0 || r == OUTCOME_INVALID);
        assert_true((r == 0) == (content != NULL));
        assert_true(r == 0 ? signer == f->signer : signer == NULL);
        bool same = r == 0 && content_len == strlen(f->content) &&
                    memcmp(content, f->content, content_len) == 0;
        free(content);
        if (r != 0)
                return why;
        return same ? "the same" : "another";
}

static void what_was_signed_is_what_is_read(void **state)
{
        struct fixture *f = *state;
        X509 *signer = NULL;
        char *content = NULL;
        size_t len = 0;
        const char *why = "";
        _cleanup_bundle_ struct bundle read = { 0 };
        assert_int_equal(
                bundle_open(f->cms, f->cms_len, f->signers, &signer, &content, &len, &why), 0);
        assert_true(signer == f->signer);
        assert_int_equal(bundle_parse(content, len, &read, &why), 0);
        assert_int_equal(read.issued_at, ISSUED);
        assert_int_equal(read.next_update, NEXT);
        assert_int_equal(read.anchor_count, 1);
        assert_int_equal(read.crl_count, 1);
        assert_int_equal(read.anchors[0].len, f->bundle.anchors[0].len);
        assert_memory_equal(read.anchors[0].der, f->bundle.anchors[0].der, read.anchors[0].len);
        free(content);
}

/* Some bits of a CMS say nothing that anybody reads (a version, a name's capitals): those may differ. */
static void no_bit_makes_another_content_of_it(void **state)
{
        struct fixture *f = *state;
        size_t refused = 0, tried = 0;
        uint8_t *copy = malloc(f->cms_len + 1);
        assert_non_null(copy);
        memcpy(copy, f->cms, f->cms_len);
        for (size_t i = 0; i < f->cms_len; i += i < 200 || i + 600 > f->cms_len ? 1 : 41) {
                copy[i] ^= (uint8_t)(1u << (i % 8));
                const char *why = why_open(f, copy, f->cms_len);
                assert_string_not_equal(why, "another");
                refused += strcmp(why, "the same") != 0;
                tried++;
                copy[i] = f->cms[i];
        }
        assert_true(refused + 40 > tried);
        copy[f->cms_len] = 0;
        assert_string_equal(why_open(f, copy, f->cms_len + 1), "not-der");
        for (size_t len = 0; len < f->cms_len; len += 97)
                assert_string_equal(why_open(f, f->cms, len), "not-der");
        assert_string_equal(why_open(f, copy, f->cms_len), "the same");
        free(copy);
}

static void only_a_pinned_signer_counts(void **state)
{
        struct fixture *f = *state;
        STACK_OF(X509) *pinned = f->signers, *none = sk_X509_new_null();
        f->signers = none;
        assert_string_equal(why_open(f, f->cms, f->cms_len), "unknown-signer");
        sk_X509_push(none, f->pki->root);
        assert_string_equal(why_open(f, f->cms, f->cms_len), "unknown-signer");
        f->signers = pinned;
        sk_X509_free(none);
}

/* The pinned signer's name on another's signature. */
static void a_name_is_no_signature(void **state)
{
        struct fixture *f = *state;
        uint8_t *cms = NULL;
        size_t len = 0;
        X509 *twin = X509_dup(f->signer);
        assert_int_equal(X509_set_pubkey(twin, f->pki->root_key), 1);
        assert_true(X509_sign(twin, f->pki->root_key, EVP_sha256()) > 0);
        assert_int_equal(bundle_seal("{}", 2, twin, f->pki->root_key, &cms, &len), 0);
        assert_string_equal(why_open(f, cms, len), "signature");
        free(cms);
        X509_free(twin);
}

static uint8_t *sign_otherwise(
        const struct fixture *f, const EVP_MD *md, unsigned int flags, int signers, size_t *ret_len)
{
        BIO *in = BIO_new_mem_buf(f->content, (int)strlen(f->content));
        CMS_ContentInfo *cms =
                CMS_sign(NULL, NULL, NULL, NULL, CMS_BINARY | CMS_PARTIAL | CMS_NOCERTS | flags);
        unsigned char *der = NULL;
        for (int i = 0; i < signers; i++)
                assert_non_null(CMS_add1_signer(cms, f->signer, f->pki->other_key, md,
                        CMS_BINARY | CMS_NOCERTS | CMS_NOSMIMECAP));
        assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY | flags), signers > 0);
        int len = i2d_CMS_ContentInfo(cms, &der);
        assert_true(len > 0);
        CMS_ContentInfo_free(cms);
        BIO_free(in);
        *ret_len = (size_t)len;
        return der;
}

static void other_envelopes_are_refused(void **state)
{
        struct fixture *f = *state;
        const struct {
                const EVP_MD *md;
                unsigned int flags;
                int signers;
                const char *why;
        } rows[] = {
                { EVP_sha256(), 0, 1, "the same" },
                { EVP_sha512(), 0, 1, "the same" },
                { EVP_sha1(), 0, 1, "digest" },
                { EVP_sha256(), CMS_DETACHED, 1, "not-a-bundle" },
                { EVP_sha256(), 0, 2, "not-a-bundle" },
                { EVP_sha256(), 0, 0, "not-a-bundle" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                size_t len = 0;
                uint8_t *der = sign_otherwise(f, rows[i].md, rows[i].flags, rows[i].signers, &len);
                assert_string_equal(why_open(f, der, len), rows[i].why);
                OPENSSL_free(der);
        }
        unsigned char *cert = NULL;
        int len = i2d_X509(f->signer, &cert);
        assert_string_equal(why_open(f, cert, (size_t)len), "not-der");
        OPENSSL_free(cert);
        assert_string_equal(why_open(f, (const uint8_t *)"", 0), "not-der");
        assert_string_equal(why_open(f, f->cms, BUNDLE_MAX + 1), "too-large");
}

static void each_fault_of_the_content_has_its_word(void **state)
{
        static const char head[] = "{\"version\":1,\"issued_at\":\"2026-11-22T06:00:00Z\","
                                   "\"next_update\":\"2026-12-22T06:00:00Z\",";
        static const struct {
                bool headed;
                const char *rest, *why;
        } rows[] = {
                { true, "\"anchors\":[\"MAA=\"],\"crls\":[]}", NULL },
                { true, "\"crls\":[\"MAA=\"],\"anchors\":[]}", NULL },
                { true, "\"anchors\":[],\"crls\":[]}", "empty" },
                { true, "\"anchors\":[\"MAA=\"]}", "member" },
                { true, "\"anchors\":[\"MAA=\"],\"crls\":[],\"more\":1}", "member" },
                { true, "\"anchors\":[\"MAA=\"],\"crls\":[],\"crls\":[]}", "json" },
                { true, "\"anchors\":{},\"crls\":[]}", "member" },
                { true, "\"anchors\":[\"MAB=\"],\"crls\":[]}", "base64" },
                { true, "\"anchors\":[\"MAA\"],\"crls\":[]}", "base64" },
                { true, "\"anchors\":[\"\"],\"crls\":[]}", "base64" },
                { true, "\"anchors\":[1],\"crls\":[]}", "base64" },
                { true, "\"anchors\":[\"MAA=\"],\"crls\":[]} x", "json" },
                { false, "[]", "json" },
                { false, "", "json" },
                { false, "{}", "member" },
                { false, "{\"version\":2}", "version" },
                { false, "{\"version\":true}", "version" },
                { false, "{\"version\":1,\"issued_at\":1}", "time" },
                { false, "{\"version\":1,\"issued_at\":\"2026-02-30T00:00:00Z\"}", "time" },
                { false, "{\"version\":1,\"issued_at\":\"2026-11-22T06:00:00\"}", "time" },
                { false, "{\"version\":1,\"issued_at\":\"2026-11-22T6:00:00Z\"}", "time" },
                { false,
                        "{\"version\":1,\"issued_at\":\"2026-11-22T06:00:00Z\",\"next_update\":"
                        "\"2026-11-22T06:00:00Z\",\"anchors\":[\"MAA=\"],\"crls\":[]}",
                        "time" },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char text[512];
                const char *why = NULL;
                _cleanup_bundle_ struct bundle bundle = { 0 };
                snprintf(text, sizeof text, "%s%s", rows[i].headed ? head : "", rows[i].rest);
                int r = bundle_parse(text, strlen(text), &bundle, &why);
                if (rows[i].why)
                        assert_int_equal(r, OUTCOME_INVALID);
                else
                        assert_int_equal(r, 0);
                if (rows[i].why)
                        assert_string_equal(why, rows[i].why);
        }
}

static void too_many_are_refused(void **state)
{
        char text[BUNDLE_CRLS_MAX * 16 + 256];
        const char *why = NULL;
        struct bundle bundle = { 0 };
        (void)state;
        size_t len = (size_t)snprintf(text, sizeof text,
                "{\"version\":1,\"issued_at\":\"2026-11-22T06:00:00Z\",\"next_update\":"
                "\"2026-12-22T06:00:00Z\",\"anchors\":[],\"crls\":[\"MAA=\"");
        for (int i = 0; i < BUNDLE_CRLS_MAX; i++)
                len += (size_t)snprintf(text + len, sizeof text - len, ",\"MAA=\"");
        snprintf(text + len, sizeof text - len, "]}");
        assert_int_equal(bundle_parse(text, strlen(text), &bundle, &why), OUTCOME_INVALID);
        assert_string_equal(why, "too-many");
        assert_int_equal(bundle.crl_count, 0);
}

static void time_decides(void **state)
{
        static const struct {
                int64_t now, taken;
                const char *why;
        } rows[] = {
                { ISSUED, 0, NULL },
                { ISSUED - BUNDLE_SKEW, 0, NULL },
                { ISSUED - BUNDLE_SKEW - 1, 0, "not-yet-valid" },
                { NEXT, 0, NULL },
                { NEXT + 1, 0, "expired" },
                { ISSUED, ISSUED, NULL },
                { ISSUED, ISSUED - 1, NULL },
                { ISSUED, ISSUED + 1, "older" },
        };
        const struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const char *why = NULL;
                int r = bundle_timely(&f->bundle, rows[i].now, rows[i].taken, &why);
                assert_int_equal(r, rows[i].why ? OUTCOME_INVALID : 0);
                if (rows[i].why)
                        assert_string_equal(why, rows[i].why);
        }
}

/* ---- the store ---- */

struct tally {
        int added, gone;
};

static int count_change(void *user, const struct bundle_change *change)
{
        struct tally *tally = user;
        tally->added += change->added;
        tally->gone += !change->added;
        return 0;
}

static struct tally changes(const char *print, const struct bundle *bundle)
{
        struct tally tally = { 0 };
        assert_int_equal(bundle_changes(STORE_USER, print, bundle, count_change, &tally), 0);
        return tally;
}

static int count_entry(void *user, const struct store_entry *entry)
{
        size_t *count = user;
        (void)entry;
        (*count)++;
        return 0;
}

static size_t anchors_there(void)
{
        size_t count = 0;
        char problem[256];
        assert_int_equal(
                store_read(STORE_USER, STORE_ANCHORS, count_entry, &count, problem, sizeof problem),
                0);
        return count;
}

static void the_next_bundle_takes_away_what_it_lacks(void **state)
{
        struct fixture *f = *state;
        char print[NATIONAL_PRINT_MAX], by_hand[] = "by hand";
        struct bundle_record record = { 0 };
        assert_true(national_fingerprint(f->signer, print));
        assert_int_equal(bundle_record_read(STORE_USER, print, &record), 0);
        assert_int_equal(record.issued_at, 0);
        assert_int_equal(changes(print, &f->bundle).added, 2);
        assert_int_equal(bundle_install(STORE_USER, print, &f->bundle), 0);
        assert_int_equal(anchors_there(), 1);
        assert_int_equal(changes(print, &f->bundle).added, 0);
        assert_int_equal(bundle_record_read(STORE_USER, print, &record), 0);
        assert_int_equal(record.issued_at, ISSUED);
        assert_int_equal(record.next_update, NEXT);

        assert_int_equal(store_put(STORE_USER, STORE_CRLS, "mine.crl", by_hand, 7, NULL), 0);
        _cleanup_bundle_ struct bundle next = { .issued_at = ISSUED + 1, .next_update = NEXT };
        add_certificate(&next, f->pki->ca, false);
        struct tally tally = changes(print, &next);
        assert_int_equal(tally.added, 1);
        assert_int_equal(tally.gone, 2);
        assert_int_equal(bundle_install(STORE_USER, print, &next), 0);
        assert_int_equal(anchors_there(), 1);

        assert_int_equal(bundle_forget(STORE_USER, print), 0);
        assert_int_equal(anchors_there(), 0);
        assert_int_equal(bundle_record_read(STORE_USER, print, &record), 0);
        assert_int_equal(record.issued_at, 0);
        char path[128];
        snprintf(path, sizeof path, "%s/mohr/crls/mine.crl", f->dir);
        assert_int_equal(access(path, F_OK), 0);
}

static void a_damaged_record_is_no_empty_one(void **state)
{
        static const char *const texts[] = { "", "{", "{\"issued_at\":0,\"next_update\":1}",
                "{\"issued_at\":\"1\",\"next_update\":1}", "[]" };
        struct fixture *f = *state;
        char print[NATIONAL_PRINT_MAX], prefix[BUNDLE_PREFIX_MAX], name[64];
        assert_true(national_fingerprint(f->signer, print));
        bundle_prefix(print, prefix);
        snprintf(name, sizeof name, "%srecord.json", prefix);
        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                struct bundle_record record = { 0 };
                assert_int_equal(store_put(STORE_USER, STORE_BUNDLES, name, texts[i],
                                         strlen(texts[i]), NULL),
                        0);
                assert_int_equal(bundle_record_read(STORE_USER, print, &record), -EBADMSG);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_was_signed_is_what_is_read),
                cmocka_unit_test(no_bit_makes_another_content_of_it),
                cmocka_unit_test(only_a_pinned_signer_counts),
                cmocka_unit_test(a_name_is_no_signature),
                cmocka_unit_test(other_envelopes_are_refused),
                cmocka_unit_test(each_fault_of_the_content_has_its_word),
                cmocka_unit_test(too_many_are_refused),
                cmocka_unit_test(time_decides),
                cmocka_unit_test(the_next_bundle_takes_away_what_it_lacks),
                cmocka_unit_test(a_damaged_record_is_no_empty_one),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
