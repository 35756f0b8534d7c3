/* SPDX-License-Identifier: Apache-2.0 */
/* test_cms.c: signatures over documents as they are made: OpenSSL, which composed none of it, reads and verifies each; what
 * does not belong together is not put together; and what is signed is never what an assertion's signature is over.
 */
#include "tests/unit/document_talk.h"

#include "base/bytes.h"

#include <openssl/ess.h>

static const struct cms_asked plain;

struct fixture {
        struct testpki *pki;
        struct person citizen, second, ec, ec384;
        EVP_PKEY *p384;
};

/* As OpenSSL sees it: structure, signatures, signing-certificate-v2. */
static int openssl_says(const struct bytes *cms, const char *content, size_t len, X509 *root)
{
        const unsigned char *at = cms->data;
        unsigned char *again = NULL;
        CMS_ContentInfo *read = d2i_CMS_ContentInfo(NULL, &at, (long)cms->len);
        assert_non_null(read);
        assert_ptr_equal(at, cms->data + cms->len);
        assert_int_equal(i2d_CMS_ContentInfo(read, &again), cms->len);
        assert_memory_equal(again, cms->data, cms->len); /* it was DER */
        OPENSSL_free(again);
        X509_STORE *store = X509_STORE_new();
        X509_STORE_add_cert(store, root);
        X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), TESTPKI_NOW);
        X509_VERIFY_PARAM_set_purpose(X509_STORE_get0_param(store), X509_PURPOSE_ANY);
        BIO *in = content ? BIO_new_mem_buf(content, (int)len) : NULL;
        int r = CMS_verify(read, NULL, store, in, NULL, CMS_BINARY | CMS_CADES);
        if (r != 1)
                ERR_print_errors_fp(stderr);
        BIO_free(in);
        X509_STORE_free(store);
        CMS_ContentInfo_free(read);
        return r;
}

static const struct cms_asked full = { .signing_time = TESTPKI_NOW,
        .commitment = CMS_COMMITMENT_APPROVAL,
        .policy = { .oid = "1.3.6.1.4.1.99999.1.2", .digest = { 1, 2, 3 } } };

static void openssl_verifies_what_each_kind_of_key_signs(void **state)
{
        struct fixture *f = *state;
        const struct person *people[] = { &f->citizen, &f->ec, &f->ec384 };
        const struct cms_asked *asked[] = { &plain, &full };
        for (size_t i = 0; i < ARRAY_LEN(people); i++)
                for (size_t j = 0; j < ARRAY_LEN(asked); j++) {
                        struct bytes cms = sign_cms(
                                people[i], f->pki->ca, *asked[j], CONTENT, strlen(CONTENT));
                        assert_int_equal(
                                openssl_says(&cms, CONTENT, strlen(CONTENT), f->pki->root), 1);
                        free(cms.data);
                }
}

static void several_signers_are_verified_by_openssl(void **state)
{
        struct fixture *f = *state;
        struct bytes all = sign_cms(&f->citizen, f->pki->ca, plain, CONTENT, strlen(CONTENT));
        all = merge(all, sign_cms(&f->second, f->pki->ca, full, CONTENT, strlen(CONTENT)));
        all = merge(all, sign_cms(&f->ec384, f->pki->ca, full, CONTENT, strlen(CONTENT)));
        assert_int_equal(openssl_says(&all, CONTENT, strlen(CONTENT), f->pki->root), 1);
        for (unsigned int i = 0; i < 3; i++)
                all = countersign(all, i, &f->ec, f->pki->ca);
        assert_int_equal(openssl_says(&all, CONTENT, strlen(CONTENT), f->pki->root), 1);
        struct cms_signature found;
        unsigned int count = 0;
        const char *why = "";
        assert_int_equal(cms_signature_at(all.data, all.len, 1, &found, &count, &why), 0);
        assert_int_equal(count, 3);
        assert_string_equal(found.signer, TESTPKI_GIVEN " " TESTPKI_FAMILY);
        assert_int_equal(cms_signature_at(all.data, all.len, 3, &found, &count, &why), 21);
        assert_string_equal(why, "signer");
        free(all.data);
}

static void a_second_countersignature_joins_the_first(void **state)
{
        struct fixture *f = *state;
        struct bytes all = sign_cms(&f->citizen, f->pki->ca, plain, CONTENT, strlen(CONTENT));
        all = countersign(all, 0, &f->ec, f->pki->ca);
        all = countersign(all, 0, &f->second, f->pki->ca);
        struct cms_form form;
        struct cms_attribute counters;
        const char *why = "";
        assert_int_equal(cms_read(all.data, all.len, &form, &why), 0);
        assert_true(cms_attribute(form.signer[0].unsigned_attributes, OID_COUNTER, &counters));
        assert_int_equal(counters.count, 2);
        assert_int_equal(openssl_says(&all, CONTENT, strlen(CONTENT), f->pki->root), 1);
        free(all.data);
}

/* Somebody's signature beside another's name: who countersigns must not be shown that name. */
static void a_signature_is_told_by_its_own_signer_alone(void **state)
{
        struct fixture *f = *state;
        struct bytes one = sign_cms(&f->citizen, f->pki->ca, plain, CONTENT, strlen(CONTENT));
        struct bytes other = sign_cms(&f->second, f->pki->ca, plain, CONTENT, strlen(CONTENT));
        struct cms_form form, forged;
        const char *why = "";
        assert_int_equal(cms_signature_holds(one.data, one.len, 0, &why), 0);
        assert_int_equal(cms_signature_holds(other.data, other.len, 0, &why), 0);
        assert_int_equal(cms_signature_holds(other.data, other.len, 1, &why), 21);
        assert_int_equal(cms_read(one.data, one.len, &form, &why), 0);
        assert_int_equal(cms_read(other.data, other.len, &forged, &why), 0);
        assert_int_equal(form.signer[0].value.len, forged.signer[0].value.len);
        memcpy(other.data + (forged.signer[0].value.data - other.data), form.signer[0].value.data,
                form.signer[0].value.len);
        assert_int_equal(cms_signature_holds(other.data, other.len, 0, &why), 21);
        assert_string_equal(why, "not-its-signer");
        free(one.data);
        free(other.data);
}

static void what_does_not_belong_together_is_not_put_together(void **state)
{
        struct fixture *f = *state;
        struct bytes one = sign_cms(&f->citizen, f->pki->ca, plain, CONTENT, strlen(CONTENT));
        struct bytes other = sign_cms(&f->second, f->pki->ca, plain, "another", 7);
        struct bytes counter = sign_cms(&f->second, f->pki->ca,
                (struct cms_asked){ .countersignature = true }, "another", 7);
        struct bytes ret = { 0 };
        const char *why = "";
        assert_int_equal(
                cms_merge(one.data, one.len, other.data, other.len, &ret.data, &ret.len, &why), 21);
        assert_string_equal(why, "other-content");
        assert_int_equal(
                cms_merge(one.data, one.len, one.data, one.len, &ret.data, &ret.len, &why), 21);
        assert_string_equal(why, "same-signature");
        assert_int_equal(cms_countersign(one.data, one.len, 0, other.data, other.len, &ret.data,
                                 &ret.len, &why),
                21);
        assert_string_equal(why, "no-countersignature");
        assert_int_equal(cms_countersign(one.data, one.len, 0, counter.data, counter.len, &ret.data,
                                 &ret.len, &why),
                21);
        assert_string_equal(why, "other-signature");
        assert_int_equal(cms_countersign(one.data, one.len, 1, counter.data, counter.len, &ret.data,
                                 &ret.len, &why),
                21);
        assert_string_equal(why, "signer");
        assert_int_equal(cms_add_timestamp(one.data, one.len, 0, other.data, other.len, &ret.data,
                                 &ret.len, &why),
                21);
        assert_string_equal(why, "timestamp");
        free(one.data);
        free(other.data);
        free(counter.data);
}

static void an_attached_content_is_found_again_and_taken_out(void **state)
{
        struct fixture *f = *state;
        static const size_t sizes[] = { 0, 1, 127, 128, 255, 256, 65535, 65536, 70000 };
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
                char *content = calloc(1, sizes[i] + 1);
                struct bytes cms = sign_cms(&f->ec, f->pki->ca, plain, content, sizes[i]), before,
                             after, again, all = { 0 };
                assert_int_equal(cms_attach(cms.data, cms.len, sizes[i], &before.data, &before.len,
                                         &after.data, &after.len),
                        0);
                all.len = before.len + sizes[i] + after.len;
                all.data = malloc(all.len);
                memcpy(all.data, before.data, before.len);
                memcpy(all.data + before.len, content, sizes[i]);
                memcpy(all.data + before.len + sizes[i], after.data, after.len);
                assert_int_equal(openssl_says(&all, NULL, 0, f->pki->root), 1);
                uint64_t at = 0, len = 0;
                assert_true(cms_content_at(all.data, all.len, all.len, &at, &len));
                assert_int_equal(at, before.len);
                assert_int_equal(len, sizes[i]);
                assert_false(cms_content_at(all.data, all.len, all.len + 1, &at, &len));
                assert_false(cms_content_at(cms.data, cms.len, cms.len, &at, &len));
                assert_int_equal(cms_detach(before.data, before.len, after.data, after.len,
                                         &again.data, &again.len),
                        0);
                assert_int_equal(again.len, cms.len);
                assert_memory_equal(again.data, cms.data, cms.len);
                free(content);
                free(cms.data);
                free(before.data);
                free(after.data);
                free(again.data);
                free(all.data);
        }
}

static void a_content_of_any_size_has_a_place(void **state)
{
        struct fixture *f = *state;
        static const uint64_t sizes[] = { 1u << 24, 1ull << 32, 1ull << 40, 1ull << 56 };
        struct bytes cms = sign_cms(&f->ec, f->pki->ca, plain, "", 0), before, after;
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
                uint64_t at = 0, len = 0;
                assert_int_equal(cms_attach(cms.data, cms.len, sizes[i], &before.data, &before.len,
                                         &after.data, &after.len),
                        0);
                assert_true(cms_content_at(
                        before.data, before.len, before.len + sizes[i] + after.len, &at, &len));
                assert_int_equal(at, before.len);
                assert_true(len == sizes[i]);
                free(before.data);
                free(after.data);
        }
        assert_int_equal(cms_attach(cms.data, cms.len, UINT64_MAX, &before.data, &before.len,
                                 &after.data, &after.len),
                -EINVAL);
        free(cms.data);
}

static void a_signature_that_does_not_verify_is_not_finished(void **state)
{
        struct fixture *f = *state;
        uint8_t hash[64], digest[48], signature[512];
        struct cms_asked asked = { .digest = hash };
        struct bytes attributes, ret = { 0 };
        hash_of("sha256", CONTENT, strlen(CONTENT), hash, &asked.digest_len);
        assert_int_equal(
                cms_compose(&asked, f->citizen.leaf, &attributes.data, &attributes.len), 0);
        size_t len = 0;
        assert_int_equal(
                cms_to_sign(attributes.data, attributes.len, f->citizen.leaf, digest, &len), 0);
        size_t size = chip_signs(f->pki->other_key, digest, len, signature);
        assert_int_equal(cms_finish(attributes.data, attributes.len, f->citizen.leaf, f->pki->ca,
                                 signature, size, &ret.data, &ret.len),
                OUTCOME_NO_STANDARD_SIGNATURE);
        size = chip_signs(f->citizen.key, digest, len, signature);
        signature[9] ^= 1;
        assert_int_equal(cms_finish(attributes.data, attributes.len, f->citizen.leaf, f->pki->ca,
                                 signature, size, &ret.data, &ret.len),
                OUTCOME_NO_STANDARD_SIGNATURE);
        assert_null(ret.data);
        free(attributes.data);
}

static void what_cannot_be_asked_is_refused(void **state)
{
        struct fixture *f = *state;
        uint8_t hash[64] = { 0 }, *ret = NULL;
        size_t len = 0;
        struct cms_asked rows[] = {
                { .digest = hash, .digest_len = 20 },
                { .digest = hash, .digest_len = 48 },
                { .digest = hash, .digest_len = 32, .signing_time = -1 },
                { .digest = hash, .digest_len = 32, .signing_time = 253402300800 },
                { .digest = hash, .digest_len = 32, .commitment = CMS_COMMITMENTS },
                { .digest = hash, .digest_len = 32, .policy = { .oid = "no number" } },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                assert_int_equal(cms_compose(&rows[i], f->citizen.leaf, &ret, &len), -EINVAL);
        assert_null(ret);
        struct cms_asked good = { .digest = hash, .digest_len = 32 };
        X509 *small = testpki_issue(f->pki, &(struct testpki_spec){ .key = f->pki->small_key });
        assert_int_equal(cms_compose(&good, small, &ret, &len), -EINVAL);
        assert_null(cms_hash_name(small));
        X509_free(small);
}

static void commitments_have_names(void **state)
{
        enum cms_commitment found;
        (void)state;
        assert_null(cms_commitment_name(CMS_COMMITMENT_NONE));
        for (unsigned int i = 1; i < CMS_COMMITMENTS; i++) {
                assert_true(
                        cms_commitment_named(cms_commitment_name((enum cms_commitment)i), &found));
                assert_int_equal(found, i);
        }
        assert_false(cms_commitment_named("", &found));
        assert_false(cms_commitment_named("Approval", &found));
}

/* RFC 5652 11.3: until 2049 a UTCTime. */
static void the_time_is_written_as_its_century_wants(void **state)
{
        struct fixture *f = *state;
        uint8_t hash[32] = { 0 }, *der = NULL;
        size_t len = 0;
        static const struct {
                int64_t when;
                const char *text;
        } rows[] = { { TESTPKI_NOW, "\x17\x0D"
                                    "261121224736Z" },
                { 2524607999, "\x17\x0D"
                              "491231235959Z" },
                { 2524608000, "\x18\x0F"
                              "20500101000000Z" } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const struct cms_asked asked = {
                        .digest = hash, .digest_len = 32, .signing_time = rows[i].when
                };
                assert_int_equal(cms_compose(&asked, f->citizen.leaf, &der, &len), 0);
                assert_non_null(memmem(der, len, rows[i].text, strlen(rows[i].text)));
                free(der);
        }
}

/* A JWS signing input is two base64url texts and a full stop: none begins with a SET, and none has a byte over 0x7F. */
static void signed_attributes_look_like_no_signing_input(void **state)
{
        struct fixture *f = *state;
        for (unsigned int i = 0; i < 64; i++) {
                uint8_t hash[32], *der = NULL;
                size_t len = 0;
                memset(hash, 'A' + (int)(i % 26), sizeof hash);
                const struct cms_asked asked = { .digest = hash,
                        .digest_len = 32,
                        .countersignature = i & 1,
                        .signing_time = i & 2 ? TESTPKI_NOW : 0,
                        .commitment = i & 4 ? CMS_COMMITMENT_ORIGIN : CMS_COMMITMENT_NONE };
                assert_int_equal(cms_compose(&asked, f->citizen.leaf, &der, &len), 0);
                assert_int_equal(der[0], 0x31);
                assert_int_equal(der[1] & 0x80, 0x80); /* longer than 127 bytes: not ASCII */
                assert_null(memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                   "-_.",
                        der[1], 65));
                free(der);
        }
}

static void every_cut_and_every_longer_one_is_refused(void **state)
{
        struct fixture *f = *state;
        struct bytes cms = sign_cms(&f->ec, NULL, full, CONTENT, strlen(CONTENT));
        struct cms_form form;
        const char *why = NULL;
        for (size_t len = 0; len < cms.len; len++) {
                uint8_t *cut = malloc(len + 1); /* exactly, so that a sanitizer sees who reads on */
                memcpy(cut, cms.data, len);
                uint8_t *exact = realloc(cut, len ? len : 1);
                assert_int_equal(cms_read(exact, len, &form, &why), 21);
                free(exact);
        }
        uint8_t *longer = calloc(1, cms.len + 1);
        memcpy(longer, cms.data, cms.len);
        assert_int_equal(cms_read(longer, cms.len + 1, &form, &why), 21);
        assert_string_equal(why, "form");
        free(longer);
        free(cms.data);
}

static int set_up(void **state)
{
        static struct fixture f;
        f.pki = testpki_new();
        f.p384 = EVP_EC_gen("P-384");
        f.citizen = (struct person){ f.pki->leaf, f.pki->leaf_key };
        f.second = (struct person){ testpki_issue(f.pki,
                                            &(struct testpki_spec){ .key = f.pki->other_key }),
                f.pki->other_key };
        f.ec = (struct person){
                testpki_issue(f.pki, &(struct testpki_spec){ .key = f.pki->ec_key }), f.pki->ec_key
        };
        f.ec384 = (struct person){ testpki_issue(f.pki, &(struct testpki_spec){ .key = f.p384 }),
                f.p384 };
        *state = &f;
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;
        X509_free(f->second.leaf);
        X509_free(f->ec.leaf);
        X509_free(f->ec384.leaf);
        EVP_PKEY_free(f->p384);
        testpki_free(f->pki);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(openssl_verifies_what_each_kind_of_key_signs),
                cmocka_unit_test(several_signers_are_verified_by_openssl),
                cmocka_unit_test(a_second_countersignature_joins_the_first),
                cmocka_unit_test(a_signature_is_told_by_its_own_signer_alone),
                cmocka_unit_test(what_does_not_belong_together_is_not_put_together),
                cmocka_unit_test(an_attached_content_is_found_again_and_taken_out),
                cmocka_unit_test(a_content_of_any_size_has_a_place),
                cmocka_unit_test(a_signature_that_does_not_verify_is_not_finished),
                cmocka_unit_test(what_cannot_be_asked_is_refused),
                cmocka_unit_test(commitments_have_names),
                cmocka_unit_test(the_time_is_written_as_its_century_wants),
                cmocka_unit_test(signed_attributes_look_like_no_signing_input),
                cmocka_unit_test(every_cut_and_every_longer_one_is_refused),
        };
        return cmocka_run_group_tests_name("cms", tests, set_up, tear_down);
}
