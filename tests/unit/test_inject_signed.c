/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_signed.c: signatures over documents while memory and system calls fail, one by one and all at once. Whatever
 * fails: what is made is whole or not made, no document is said to hold that does not, and what is told is what is so.
 */
#include "tests/support/inject.h"
#include "tests/support/testtsa.h"
#include "tests/unit/document_talk.h"

#include "client-sdk/timestamp.h"

#include <sys/mman.h>

static const struct cms_asked asked = { .signing_time = TESTPKI_NOW,
        .commitment = CMS_COMMITMENT_APPROVAL,
        .policy = { .oid = "1.2.3.4" } };
static const struct mohr_verify_options now = { .at = TESTPKI_NOW + 10 };

struct fixture {
        struct testpki *pki;
        struct mohr_trust *trust;
        struct person citizen, second;
        struct bytes cms, other, both, counter, before, after;
        char *jws, *forged_jws;
        int content, attached, forged, json, forged_json;
};

static const struct inject sweeps[] = { INJECT(INJECT_MEMORY | INJECT_SYSTEM),
        INJECT_EVERY(INJECT_OPENSSL, 31) };
/* A whole check asks OpenSSL thousands of times. */
static const struct inject samples[] = { INJECT_EVERY(INJECT_MEMORY | INJECT_SYSTEM, 3),
        INJECT_EVERY(INJECT_OPENSSL, 211) };

static void a_signature_is_made_whole_or_not_at_all(void **state)
{
        struct fixture *f = *state;
        uint8_t hash[64], digest[48], signature[512];
        struct cms_asked here = asked;
        here.digest = hash;
        hash_of("sha256", CONTENT, strlen(CONTENT), hash, &here.digest_len);
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct bytes attributes = { 0 }, cms = { 0 };
                size_t len = 0, size = 0;
                inject_arm(&in);
                int r = cms_compose(&here, f->citizen.leaf, &attributes.data, &attributes.len);
                if (r == 0)
                        r = cms_to_sign(
                                attributes.data, attributes.len, f->citizen.leaf, digest, &len);
                inject_pause();
                if (r == 0)
                        size = chip_signs(f->citizen.key, digest, len, signature);
                inject_resume();
                if (r == 0)
                        r = cms_finish(attributes.data, attributes.len, f->citizen.leaf, f->pki->ca,
                                signature, size, &cms.data, &cms.len);
                inject_disarm(&in);
                EXPECT(in, r == 0 ? cms.len == f->cms.len &&
                                            memcmp(cms.data, f->cms.data, cms.len) == 0
                                  : cms.data == NULL);
                EXPECT(in, in.failed || r == 0);
                free(attributes.data);
                free(cms.data);
        }
}

static void signatures_are_put_together_whole_or_not_at_all(void **state)
{
        struct fixture *f = *state;
        const char *why;
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct bytes both = { 0 }, over = { 0 };
                inject_arm(&in);
                int r = cms_merge(f->cms.data, f->cms.len, f->other.data, f->other.len, &both.data,
                        &both.len, &why);
                int s = cms_countersign(f->cms.data, f->cms.len, 0, f->counter.data, f->counter.len,
                        &over.data, &over.len, &why);
                int t = cms_signature_holds(f->cms.data, f->cms.len, 0, &why);
                inject_disarm(&in);
                EXPECT(in,
                        t == 0 ||
                                in.failed); /* OpenSSL tells some of it as a key that it does not know */
                EXPECT(in, r == 0 ? both.len == f->both.len &&
                                            memcmp(both.data, f->both.data, both.len) == 0
                                  : r < 0 && both.data == NULL);
                EXPECT(in, s == 0 ? over.len > f->cms.len : s < 0 && over.data == NULL);
                EXPECT(in, in.failed || (r == 0 && s == 0));
                free(both.data);
                free(over.data);
        }
}

static void a_json_document_is_signed_whole_or_not_at_all(void **state)
{
        struct fixture *f = *state;
        char *other = sign_jws(&f->second, f->pki->ca, TESTPKI_NOW, "{}");
        char *calm = NULL, *calm_both = NULL;
        const char *why;
        assert_int_equal(jws_header(f->citizen.leaf, f->pki->ca, TESTPKI_NOW, &calm), 0);
        assert_int_equal(
                jws_merge(f->jws, strlen(f->jws), other, strlen(other), &calm_both, &why), 0);
        FOR_EACH_FAILURE(in, sweeps)
        {
                char *header = NULL, *both = NULL;
                inject_arm(&in);
                int r = jws_header(f->citizen.leaf, f->pki->ca, TESTPKI_NOW, &header);
                int s = jws_merge(f->jws, strlen(f->jws), other, strlen(other), &both, &why);
                inject_disarm(&in);
                EXPECT(in, r == 0 ? strcmp(header, calm) == 0 : r < 0 && header == NULL);
                EXPECT(in, s == 0 ? strcmp(both, calm_both) == 0 : both == NULL);
                EXPECT(in, in.failed || (r == 0 && s == 0));
                free(header);
                free(both);
        }
        free(calm);
        free(calm_both);
        free(other);
}

static void told_is_so(const struct inject *in, const struct mohr_signed *result)
{
        char *json = mohr_signed_json(result);
        EXPECT(*in, strstr(json, TESTPKI_GIVEN) && strstr(json, "\"sha256\""));
        free(json);
}

static void check_while_failing(
        struct fixture *f, const struct mohr_document *document, bool deserved)
{
        FOR_EACH_FAILURE(in, samples)
        {
                struct mohr_signed *result = NULL;
                inject_arm(&in);
                int r = mohr_document_verify(f->trust, document, &now, NULL, &result);
                inject_disarm(&in);
                EXPECT(in, r != 0 || deserved);
                EXPECT(in, in.failed || r == (deserved ? 0 : OUTCOME_INVALID));
                EXPECT(in, r < 0 ? result == NULL : result != NULL);
                if (r == 0)
                        told_is_so(&in, result);
                mohr_signed_free(result);
        }
}

static void no_document_is_said_to_hold_that_does_not(void **state)
{
        struct fixture *f = *state;
        const struct {
                struct mohr_document document;
                bool deserved;
        } rows[] = {
                { { .form = MOHR_DOCUMENT_CMS,
                          .content = f->content,
                          .signature = f->both.data,
                          .signature_len = f->both.len },
                        true },
                { { .form = MOHR_DOCUMENT_CMS_ATTACHED, .content = f->attached }, true },
                { { .form = MOHR_DOCUMENT_CMS_ATTACHED, .content = f->forged }, false },
                { { .form = MOHR_DOCUMENT_JWS, .content = f->json }, true },
                { { .form = MOHR_DOCUMENT_JWS, .content = f->forged_json }, false },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                check_while_failing(f, &rows[i].document, rows[i].deserved);
}

static void a_report_is_told_whole_or_not_at_all(void **state)
{
        struct fixture *f = *state;
        const struct mohr_document document = { .form = MOHR_DOCUMENT_CMS,
                .content = f->content,
                .signature = f->both.data,
                .signature_len = f->both.len };
        struct mohr_signed *result = NULL;
        assert_int_equal(mohr_document_verify(f->trust, &document, &now, NULL, &result), 0);
        char *calm = mohr_signed_json(result);
        FOR_EACH_FAILURE(in, sweeps)
        {
                inject_arm(&in);
                char *json = mohr_signed_json(result);
                inject_disarm(&in);
                EXPECT(in, !json || strcmp(json, calm) == 0);
                EXPECT(in, in.failed || json);
                free(json);
        }
        free(calm);
        mohr_signed_free(result);
}

/* ---- fixture ---- */

static int file_of(const struct bytes *parts, size_t count)
{
        int fd = memfd_create("document", MFD_CLOEXEC);
        for (size_t i = 0; i < count; i++)
                assert_int_equal(write(fd, parts[i].data, parts[i].len), parts[i].len);
        return fd;
}

static struct bytes text(const char *words)
{
        return (struct bytes){ (uint8_t *)(uintptr_t)words, strlen(words) };
}

static struct bytes copy(struct bytes from)
{
        struct bytes to = { malloc(from.len), from.len };
        memcpy(to.data, from.data, from.len);
        return to;
}

static void make_files(struct fixture *f)
{
        const struct bytes words = text(CONTENT), wrong = text("a contract of two page2");
        assert_int_equal(wrong.len, words.len);
        assert_int_equal(cms_attach(f->cms.data, f->cms.len, words.len, &f->before.data,
                                 &f->before.len, &f->after.data, &f->after.len),
                0);
        f->content = file_of(&words, 1);
        f->attached = file_of((struct bytes[]){ f->before, words, f->after }, 3);
        f->forged = file_of((struct bytes[]){ f->before, wrong, f->after }, 3);
        f->jws = sign_jws(&f->citizen, f->pki->ca, TESTPKI_NOW, "{}");
        f->forged_jws = strdup(f->jws);
        f->forged_jws[strlen(f->jws) - 30] = f->jws[strlen(f->jws) - 30] == 'A' ? 'B' : 'A';
        const struct bytes json = text(f->jws), forged = text(f->forged_jws);
        f->json = file_of(&json, 1);
        f->forged_json = file_of(&forged, 1);
}

static int set_up(void **state)
{
        static struct fixture f;
        struct cms_signature signature;
        unsigned int count;
        const char *why;
        alarm(360); /* nothing here may hang */
        f.pki = testpki_new();
        f.trust = testpki_trust((X509 *[]){ f.pki->root, NULL });
        f.citizen = (struct person){ f.pki->leaf, f.pki->leaf_key };
        f.second = (struct person){ testpki_issue(f.pki,
                                            &(struct testpki_spec){ .key = f.pki->other_key }),
                f.pki->other_key };
        f.cms = sign_cms(&f.citizen, f.pki->ca, asked, CONTENT, strlen(CONTENT));
        f.other = sign_cms(&f.second, f.pki->ca, asked, CONTENT, strlen(CONTENT));
        f.both = merge(copy(f.cms), copy(f.other));
        assert_int_equal(cms_signature_at(f.cms.data, f.cms.len, 0, &signature, &count, &why), 0);
        f.counter = sign_cms(&f.second, f.pki->ca, (struct cms_asked){ .countersignature = true },
                signature.value, signature.value_len);
        make_files(&f);
        *state = &f;
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;
        void *owned[] = { f->cms.data, f->other.data, f->both.data, f->counter.data, f->before.data,
                f->after.data, f->jws, f->forged_jws };
        const int files[] = { f->content, f->attached, f->forged, f->json, f->forged_json };
        for (size_t i = 0; i < ARRAY_LEN(owned); i++)
                free(owned[i]);
        for (size_t i = 0; i < ARRAY_LEN(files); i++)
                close(files[i]);
        X509_free(f->second.leaf);
        mohr_trust_free(f->trust);
        testpki_free(f->pki);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_signature_is_made_whole_or_not_at_all),
                cmocka_unit_test(signatures_are_put_together_whole_or_not_at_all),
                cmocka_unit_test(a_json_document_is_signed_whole_or_not_at_all),
                cmocka_unit_test(no_document_is_said_to_hold_that_does_not),
                cmocka_unit_test(a_report_is_told_whole_or_not_at_all),
        };
        inject_init();
        return cmocka_run_group_tests_name("inject_signed", tests, set_up, tear_down);
}
