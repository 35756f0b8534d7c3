/* SPDX-License-Identifier: Apache-2.0 */
/* test_signed.c: signed documents as a verifier meets them: good ones of every form, with several signers, countersigned,
 * timestamped; each way of being wrong, by itself; each byte flipped; and nothing of them passes for an assertion.
 */
#include "tests/unit/document_talk.h"

#include "tests/support/testlists.h"
#include "tests/support/testtsa.h"

#include "client-sdk/timestamp.h"

#include <openssl/x509v3.h>
#include <sys/mman.h>

static const struct cms_asked plain;
static const struct mohr_verify_options now = { .at = TESTPKI_NOW + 10 };

struct fixture {
        struct testpki *pki;
        struct testtsa *tsa;
        struct mohr_trust *trust;
        struct person citizen, second, ec;
};

/* ---- judging ---- */

static int file_of(const void *data, size_t len)
{
        int fd = memfd_create("document", MFD_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, len), len);
        return fd;
}

struct judged {
        int outcome;
        enum mohr_reason reason;
        char detail[64];
        json_t *json;
};

static struct judged judge_as(const struct fixture *f, const struct mohr_document *document,
        const struct mohr_verify_options *options, const struct mohr_trust *authorities)
{
        struct mohr_signed *result = NULL;
        struct judged judged = { .outcome = mohr_document_verify(
                                         f->trust, document, options, authorities, &result) };
        assert_true(judged.outcome >= 0);
        judged.reason = mohr_signed_reason(result);
        snprintf(judged.detail, sizeof judged.detail, "%s", mohr_signed_detail(result));
        char *text = mohr_signed_json(result);
        assert_non_null(text);
        judged.json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(judged.json);
        assert_int_equal(json_array_size(json_object_get(judged.json, "signatures")),
                mohr_signed_count(result));
        free(text);
        mohr_signed_free(result);
        return judged;
}

static struct judged judge_cms(
        const struct fixture *f, const struct bytes *cms, const char *content)
{
        int fd = file_of(content, strlen(content));
        const struct mohr_document document = { .form = MOHR_DOCUMENT_CMS,
                .content = fd,
                .signature = cms->data,
                .signature_len = cms->len };
        struct judged judged = judge_as(f, &document, &now, f->tsa->anchors);
        close(fd);
        return judged;
}

static struct judged judge_file(const struct fixture *f, const void *data, size_t len,
        enum mohr_document_form form, const struct mohr_verify_options *options)
{
        int fd = file_of(data, len);
        const struct mohr_document document = { .form = form, .content = fd };
        struct judged judged = judge_as(f, &document, options, NULL);
        close(fd);
        return judged;
}

static void expect(const char *what, struct judged judged, enum mohr_reason reason,
        const char *detail, int outcome)
{
        if (judged.reason != reason || judged.outcome != outcome ||
                (detail && strcmp(judged.detail, detail) != 0))
                fail_msg("%s: %s (%s), exit %d; expected %s (%s), exit %d", what,
                        mohr_reason_name(judged.reason), judged.detail, judged.outcome,
                        mohr_reason_name(reason), detail ? detail : "any", outcome);
        json_decref(judged.json);
}

static const json_t *row_at(const json_t *json, size_t index)
{
        return json_array_get(json_object_get(json, "signatures"), index);
}

static const char *told(const json_t *row, const char *where, const char *name)
{
        const char *text = json_string_value(json_object_get(json_object_get(row, where), name));
        return text ? text : "";
}

/* ---- good ones ---- */

static void a_signature_tells_who_signed_and_what_is_only_claimed(void **state)
{
        struct fixture *f = *state;
        const struct cms_asked asked = { .signing_time = TESTPKI_NOW,
                .commitment = CMS_COMMITMENT_APPROVAL,
                .policy = { .oid = "1.2.3.4", .digest = { 0xAB } } };
        struct bytes cms = sign_cms(&f->citizen, f->pki->ca, asked, CONTENT, strlen(CONTENT));
        struct judged judged = judge_cms(f, &cms, CONTENT);
        const json_t *row = row_at(judged.json, 0);
        assert_string_equal(told(row, "signer", "given_name"), TESTPKI_GIVEN);
        assert_string_equal(told(row, "signer", "card_number"), "0099900007");
        assert_string_equal(told(row, "certificate", "holder"), "citizen");
        assert_string_equal(told(row, "claimed", "signing_time"), "2026-11-21T22:47:36Z");
        assert_string_equal(told(row, "claimed", "commitment"), "approval");
        assert_string_equal(told(row, "claimed", "policy"), "1.2.3.4");
        assert_string_equal(told(row, "verification", "judged_by"), "check");
        assert_string_equal(told(judged.json, "document", "form"), "cms");
        expect("good", judged, MOHR_REASON_OK, "", 0);
        expect("another document", judge_cms(f, &cms, "another"), MOHR_REASON_DOCUMENT_CHANGED, "",
                21);
        free(cms.data);
}

static struct bytes of_three(struct fixture *f)
{
        struct bytes all = sign_cms(&f->citizen, f->pki->ca, plain, CONTENT, strlen(CONTENT));
        all = merge(all, sign_cms(&f->second, f->pki->ca, plain, CONTENT, strlen(CONTENT)));
        return merge(all, sign_cms(&f->ec, f->pki->ca, plain, CONTENT, strlen(CONTENT)));
}

static void three_signers_and_their_countersigners_are_told_one_by_one(void **state)
{
        struct fixture *f = *state;
        struct bytes all = of_three(f);
        for (unsigned int i = 0; i < 3; i++) /* the shortest first: each moves to the end by it */
                all = countersign(all, 0, &f->second, f->pki->ca);
        struct judged judged = judge_cms(f, &all, CONTENT);
        for (size_t i = 0; i < 3; i++) {
                const json_t *row = row_at(judged.json, i);
                const json_t *counters = json_object_get(row, "countersignatures");
                assert_string_equal(told(row, "signer", "given_name"), TESTPKI_GIVEN);
                assert_int_equal(json_array_size(counters), 1);
                assert_string_equal(
                        told(json_array_get(counters, 0), "signer", "given_name"), TESTPKI_GIVEN);
        }
        expect("three", judged, MOHR_REASON_OK, "", 0);
        free(all.data);
}

static struct bytes stamp(struct fixture *f, struct bytes cms, int64_t at)
{
        struct cms_signature signature;
        unsigned int count;
        const char *reason = "";
        char why[TIMESTAMP_WHY_MAX];
        unsigned char *request = NULL, *token = NULL;
        size_t request_len, answer_len, token_len;
        struct bytes stamped = { 0 };
        assert_int_equal(cms_signature_at(cms.data, cms.len, 0, &signature, &count, &reason), 0);
        assert_int_equal(timestamp_request(signature.value, signature.value_len, false, &request,
                                 &request_len),
                0);
        unsigned char *answer =
                testtsa_answer(f->tsa, request, request_len, at, TESTTSA_HONEST, &answer_len);
        assert_int_equal(timestamp_response(
                                 request, request_len, answer, answer_len, &token, &token_len, why),
                0);
        assert_int_equal(cms_add_timestamp(cms.data, cms.len, 0, token, token_len, &stamped.data,
                                 &stamped.len, &reason),
                0);
        free(request);
        free(answer);
        free(token);
        free(cms.data);
        return stamped;
}

static void a_timestamp_proves_when_if_somebody_vouches_for_it(void **state)
{
        struct fixture *f = *state;
        struct bytes cms = sign_cms(&f->citizen, f->pki->ca, plain, CONTENT, strlen(CONTENT));
        cms = stamp(f, cms, TESTPKI_NOW + 5);
        struct judged judged = judge_cms(f, &cms, CONTENT);
        const json_t *row = row_at(judged.json, 0);
        assert_string_equal(told(row, "timestamp", "at"), "2026-11-21T22:47:41Z");
        assert_true(json_is_true(json_object_get(json_object_get(row, "timestamp"), "trusted")));
        assert_string_equal(told(row, "verification", "judged_by"), "timestamp");
        expect("stamped", judged, MOHR_REASON_OK, "", 0);
        struct mohr_trust *strangers = testpki_trust((X509 *[]){ f->pki->root, NULL });
        int fd = file_of(CONTENT, strlen(CONTENT));
        const struct mohr_document document = { .form = MOHR_DOCUMENT_CMS,
                .content = fd,
                .signature = cms.data,
                .signature_len = cms.len };
        expect("by strangers", judge_as(f, &document, &now, strangers), MOHR_REASON_TIMESTAMP, NULL,
                21);
        judged = judge_as(f, &document, &now, NULL);
        row = row_at(judged.json, 0);
        assert_true(json_is_false(json_object_get(json_object_get(row, "timestamp"), "trusted")));
        assert_string_equal(told(row, "verification", "judged_by"), "check");
        expect("nobody asked", judged, MOHR_REASON_OK, "", 0);
        mohr_trust_free(strangers);
        close(fd);
        free(cms.data);
}

/* A certificate that is expired by now was good when the timestamp was made, and revoked after it as well. */
static void a_timestamp_carries_a_signature_over_expiry_and_revocation(void **state)
{
        struct fixture *f = *state;
        X509 *leaf = testpki_issue(f->pki, &(struct testpki_spec){ .to = TESTPKI_NOW + 1000 });
        const struct person brief = { leaf, f->pki->leaf_key };
        struct bytes cms = sign_cms(&brief, f->pki->ca, plain, CONTENT, strlen(CONTENT));
        int fd = file_of(CONTENT, strlen(CONTENT));
        struct mohr_document document = { .form = MOHR_DOCUMENT_CMS,
                .content = fd,
                .signature = cms.data,
                .signature_len = cms.len };
        struct mohr_verify_options later = { .at = TESTPKI_NOW + 5000 };
        expect("expired", judge_as(f, &document, &later, f->tsa->anchors),
                MOHR_REASON_CERTIFICATE_EXPIRED, "", 22);
        cms = stamp(f, cms, TESTPKI_NOW + 5);
        document.signature = cms.data;
        document.signature_len = cms.len;
        expect("expired since", judge_as(f, &document, &later, f->tsa->anchors), MOHR_REASON_OK, "",
                0);
        expect("nobody vouches", judge_as(f, &document, &later, NULL),
                MOHR_REASON_CERTIFICATE_EXPIRED, "", 22);
        struct testlists_bytes crl =
                testlists_crl(f->pki, &(struct testlists_crl){ .from = TESTPKI_NOW + 3000,
                                              .revoked = leaf,
                                              .revoked_at = TESTPKI_NOW + 2000 });
        struct mohr_trust *knowing = testpki_trust((X509 *[]){ f->pki->root, NULL });
        assert_int_equal(mohr_trust_add_revocation(knowing, crl.der, crl.len), 0);
        later.revocation = MOHR_REVOCATION_PREFER;
        struct fixture other = { .trust = knowing };
        expect("revoked later", judge_as(&other, &document, &later, f->tsa->anchors),
                MOHR_REASON_OK, "", 0);
        expect("revoked", judge_as(&other, &document, &later, NULL), MOHR_REASON_REVOKED, NULL, 21);
        mohr_trust_free(knowing);
        testlists_free(&crl);
        close(fd);
        free(cms.data);
        X509_free(leaf);
}

static void what_is_required_of_revocation_is_required(void **state)
{
        struct fixture *f = *state;
        char *jws = sign_jws(&f->citizen, f->pki->ca, TESTPKI_NOW, "{}");
        const struct mohr_verify_options prefer = { .at = TESTPKI_NOW,
                .revocation = MOHR_REVOCATION_PREFER },
                                         require = { .at = TESTPKI_NOW,
                                                 .revocation = MOHR_REVOCATION_REQUIRE };
        expect("prefer", judge_file(f, jws, strlen(jws), MOHR_DOCUMENT_JWS, &prefer),
                MOHR_REASON_OK, "", 0);
        expect("require", judge_file(f, jws, strlen(jws), MOHR_DOCUMENT_JWS, &require),
                MOHR_REASON_REVOCATION_UNKNOWN, "leaf: no-evidence", 21);
        free(jws);
}

/* What others may sign with: OpenSSL is told, and judged as ourselves. */
static void each_hash_is_taken_with_each_key(void **state)
{
        struct fixture *f = *state;
        const struct person *people[] = { &f->citizen, &f->ec };
        const EVP_MD *hashes[] = { EVP_sha256(), EVP_sha384(), EVP_sha512(), EVP_sha1() };
        const unsigned int flags = CMS_BINARY | CMS_DETACHED | CMS_CADES | CMS_NOSMIMECAP;
        for (size_t i = 0; i < ARRAY_LEN(people) * ARRAY_LEN(hashes); i++) {
                const struct person *who = people[i % 2];
                BIO *in = BIO_new_mem_buf(CONTENT, -1);
                CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_PARTIAL);
                assert_non_null(CMS_add1_signer(cms, who->leaf, who->key, hashes[i / 2], flags));
                assert_int_equal(CMS_add1_cert(cms, f->pki->ca), 1);
                assert_int_equal(CMS_final(cms, in, NULL, flags), 1);
                unsigned char *der = NULL;
                const int len = i2d_CMS_ContentInfo(cms, &der);
                const struct bytes bytes = { der, (size_t)len };
                bool good = i / 2 < 3;
                expect("by OpenSSL", judge_cms(f, &bytes, CONTENT),
                        good ? MOHR_REASON_OK : MOHR_REASON_ALGORITHM, good ? "" : "digest",
                        good ? 0 : 21);
                OPENSSL_free(der);
                CMS_ContentInfo_free(cms);
                BIO_free(in);
        }
}

static void what_is_expired_is_told_as_the_caller_wants(void **state)
{
        struct fixture *f = *state;
        X509 *leaf = testpki_issue(f->pki, &(struct testpki_spec){ .to = TESTPKI_NOW - 1000 });
        const struct person old = { leaf, f->pki->leaf_key };
        char *jws = sign_jws(&old, f->pki->ca, TESTPKI_NOW, "{}");
        static const struct {
                enum mohr_expired expired;
                bool told;
                enum mohr_reason reason;
                int outcome;
        } rows[] = {
                { MOHR_EXPIRED_REFUSE, false, MOHR_REASON_CERTIFICATE_EXPIRED, 22 },
                { MOHR_EXPIRED_REPORT, true, MOHR_REASON_CERTIFICATE_EXPIRED, 22 },
                { MOHR_EXPIRED_ACCEPT, true, MOHR_REASON_OK, 0 },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const struct mohr_verify_options options = { .at = TESTPKI_NOW,
                        .expired = rows[i].expired };
                struct judged judged = judge_file(f, jws, strlen(jws), MOHR_DOCUMENT_JWS, &options);
                assert_int_equal(
                        told(row_at(judged.json, 0), "signer", "sub")[0] != '\0', rows[i].told);
                expect("expired", judged, rows[i].reason, "", rows[i].outcome);
        }
        free(jws);
        X509_free(leaf);
}

/* ---- JSON ---- */

static void a_json_document_is_verified_in_both_forms(void **state)
{
        struct fixture *f = *state;
        char *one = sign_jws(&f->citizen, f->pki->ca, TESTPKI_NOW, "{\"sum\": 12}");
        char *other = sign_jws(&f->ec, f->pki->ca, TESTPKI_NOW, "{\"sum\": 12}");
        char *both = NULL, *three = NULL, *foreign = sign_jws(&f->second, NULL, TESTPKI_NOW, "{}");
        const char *why = "";
        assert_int_equal(jws_merge(one, strlen(one), other, strlen(other), &both, &why), 0);
        const char *const good[] = { one, other, both };
        for (size_t i = 0; i < ARRAY_LEN(good); i++) {
                assert_int_equal(mohr_document_form_of(good[i], strlen(good[i]), strlen(good[i])),
                        MOHR_DOCUMENT_JWS);
                struct judged judged =
                        judge_file(f, good[i], strlen(good[i]), MOHR_DOCUMENT_JWS, &now);
                assert_int_equal(json_integer_value(json_object_get(
                                         json_object_get(judged.json, "document"), "size")),
                        11);
                expect("good", judged, MOHR_REASON_OK, "", 0);
        }
        assert_int_equal(jws_merge(both, strlen(both), one, strlen(one), &three, &why), 21);
        assert_string_equal(why, "same-signature");
        assert_int_equal(jws_merge(both, strlen(both), foreign, strlen(foreign), &three, &why), 21);
        assert_string_equal(why, "other-content");
        free(one);
        free(other);
        free(both);
        free(foreign);
}

static char *stamp_jws(struct fixture *f, const char *jws, unsigned int index)
{
        char value[JWS_VALUE_MAX + 1], *stamped = NULL, why[TIMESTAMP_WHY_MAX];
        unsigned int count;
        const char *reason = "";
        unsigned char *request = NULL, *token = NULL;
        size_t request_len, answer_len, token_len;
        assert_int_equal(jws_signature_at(jws, strlen(jws), index, value, &count, &reason), 0);
        assert_int_equal(timestamp_request(value, strlen(value), false, &request, &request_len), 0);
        unsigned char *answer = testtsa_answer(
                f->tsa, request, request_len, TESTPKI_NOW + 5, TESTTSA_HONEST, &answer_len);
        assert_int_equal(timestamp_response(
                                 request, request_len, answer, answer_len, &token, &token_len, why),
                0);
        assert_int_equal(
                jws_add_timestamp(jws, strlen(jws), count, token, token_len, &stamped, &reason),
                21);
        assert_string_equal(reason, "signer");
        int r = jws_add_timestamp(jws, strlen(jws), index, token, token_len, &stamped, &reason);
        if (r != 0)
                fail_msg("%d %s", r, reason);
        free(request);
        free(answer);
        free(token);
        return stamped;
}

static struct judged judge_jws(struct fixture *f, const char *jws, bool vouched)
{
        int fd = file_of(jws, strlen(jws));
        const struct mohr_document document = { .form = MOHR_DOCUMENT_JWS, .content = fd };
        struct judged judged = judge_as(f, &document, &now, vouched ? f->tsa->anchors : NULL);
        close(fd);
        return judged;
}

static void a_json_document_has_timestamps_of_each_signer(void **state)
{
        struct fixture *f = *state;
        char *one = sign_jws(&f->citizen, f->pki->ca, TESTPKI_NOW, "{}");
        char *other = sign_jws(&f->ec, f->pki->ca, TESTPKI_NOW, "{}"), *both = NULL;
        char *stamped = stamp_jws(f, one, 0), *again = stamp_jws(f, stamped, 0);
        const char *why = "";
        struct judged judged = judge_jws(f, again, true);
        assert_string_equal(told(row_at(judged.json, 0), "verification", "judged_by"), "timestamp");
        expect("two of one signature", judged, MOHR_REASON_OK, "", 0);
        assert_int_equal(jws_merge(again, strlen(again), other, strlen(other), &both, &why), 0);
        char *all = stamp_jws(f, both, 1);
        judged = judge_jws(f, all, true);
        for (size_t i = 0; i < 2; i++)
                assert_string_equal(
                        told(row_at(judged.json, i), "timestamp", "at"), "2026-11-21T22:47:41Z");
        expect("of each signer", judged, MOHR_REASON_OK, "", 0);
        judged = judge_jws(f, all, false);
        assert_string_equal(told(row_at(judged.json, 1), "verification", "judged_by"), "check");
        expect("nobody asked", judged, MOHR_REASON_OK, "", 0);
        char *val = strstr(all, "\"val\":\"") + 200;
        *val = *val == 'A' ? 'B' : 'A';
        judged = judge_jws(f, all, true);
        assert_int_equal(judged.reason, MOHR_REASON_TIMESTAMP);
        json_decref(judged.json);
        memcpy(strstr(all, "sigTst\":{"), "sigTsT", 6);
        expect("another member", judge_jws(f, all, true), MOHR_REASON_DOCUMENT_FORM,
                "unprotected-header", 21);
        char *texts[] = { one, other, both, stamped, again, all };
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
                free(texts[i]);
}

/* A header of ours with one member changed, and signed by the right key. */
static char *with_member(struct fixture *f, const char *name, json_t *value)
{
        char *good = sign_jws(&f->citizen, f->pki->ca, TESTPKI_NOW, "{}"), json[8192];
        size_t len = strcspn(good, ".");
        ssize_t decoded = base64_decode(BASE64_URL, (uint8_t *)json, sizeof json, good, len);
        json_t *header = json_loadb(json, (size_t)decoded, 0, NULL);
        json_object_del(header, name);
        if (value)
                json_object_set_new(header, name, value);
        char *text = json_dumps(header, JSON_COMPACT);
        char *jws = testpki_sign(text, "{}", f->citizen.key, "RS256");
        free(text);
        free(good);
        json_decref(header);
        return jws;
}

static void a_header_is_taken_as_it_is_made_or_not_at_all(void **state)
{
        struct fixture *f = *state;
        const struct {
                const char *name;
                json_t *value;
                enum mohr_reason reason;
        } rows[] = {
                { "none", NULL, MOHR_REASON_OK },
                { "crit", NULL, MOHR_REASON_CRITICAL },
                { "crit", json_pack("[]"), MOHR_REASON_CRITICAL },
                { "crit", json_pack("[s]", "exp"), MOHR_REASON_CRITICAL },
                { "crit", json_pack("[s,s]", "sigT", "sigT"), MOHR_REASON_CRITICAL },
                { "crit", json_pack("[s,s]", "sigT", "b64"), MOHR_REASON_CRITICAL },
                { "crit", json_string("sigT"), MOHR_REASON_CRITICAL },
                { "typ", NULL, MOHR_REASON_TYPE },
                { "typ", json_string("mohr-identity+jwt"), MOHR_REASON_TYPE },
                { "typ", json_string("JWT"), MOHR_REASON_TYPE },
                { "alg", NULL, MOHR_REASON_HEADER },
                { "alg", json_string("none"), MOHR_REASON_ALGORITHM },
                { "alg", json_string("HS256"), MOHR_REASON_ALGORITHM },
                { "alg", json_string("ES256"), MOHR_REASON_ALGORITHM },
                { "alg", json_string("PS256"), MOHR_REASON_SIGNATURE },
                { "cty", json_string("JWT"), MOHR_REASON_HEADER },
                { "sigT", NULL, MOHR_REASON_HEADER },
                { "sigT", json_integer(5), MOHR_REASON_HEADER },
                { "sigT", json_string("2026-11-21"), MOHR_REASON_DOCUMENT_ATTRIBUTES },
                { "sigT", json_string("2026-02-30T00:00:00Z"), MOHR_REASON_DOCUMENT_ATTRIBUTES },
                { "b64", json_false(), MOHR_REASON_HEADER },
                { "jwk", json_object(), MOHR_REASON_HEADER },
                { "x5c", NULL, MOHR_REASON_HEADER },
                { "x5c", json_array(), MOHR_REASON_CERTIFICATE },
                { "x5c", json_pack("[s]", "AAAA"), MOHR_REASON_DOCUMENT_CERTIFICATE },
                { "x5t#S256", NULL, MOHR_REASON_HEADER },
                { "x5t#S256", json_string("AAAA"), MOHR_REASON_DOCUMENT_CERTIFICATE },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char *jws = with_member(f, rows[i].name, rows[i].value);
                expect(rows[i].name, judge_file(f, jws, strlen(jws), MOHR_DOCUMENT_JWS, &now),
                        rows[i].reason, NULL, rows[i].reason == MOHR_REASON_OK ? 0 : 21);
                free(jws);
        }
}

static void general_json_has_no_other_members(void **state)
{
        struct fixture *f = *state;
        char *jws = sign_jws(&f->ec, f->pki->ca, TESTPKI_NOW, "{}");
        size_t head = strcspn(jws, "."), body = strcspn(jws + head + 1, ".");
        static const struct {
                const char *form, *detail;
        } rows[] = {
                { "{\"payload\":\"%.*s\",\"signatures\":[{\"protected\":\"%.*s\",\"signature\":"
                  "\"%s\"}]}",
                        NULL },
                { "{\"payload\":\"%.*s\",\"signatures\":[{\"protected\":\"%.*s\",\"header\":{},"
                  "\"signature\":\"%s\"}]}",
                        "unprotected-header" },
                { "{\"payload\":\"%.*s\",\"x\":0,\"signatures\":[{\"protected\":\"%.*s\","
                  "\"signature\":\"%s\"}]}",
                        "members" },
                { "{\"payload\":\"%.*s\",\"payload\":\"e30\",\"signatures\":[{\"protected\":\"%.*"
                  "s\","
                  "\"signature\":\"%s\"}]}",
                        "not-json" },
                { "{\"payload\":\"%.*s\",\"signatures\":[{\"protected\":\"%.*s=\",\"signature\":"
                  "\"%s\"}]}",
                        "base64" },
                { "{\"payload\":\"%.*s\",\"signatures\":[{\"protected\":\"%.*s\",\"signature\":"
                  "\"%s\"}]}x",
                        "not-json" },
                { "{\"payload\":\"%.*s\",\"protected\":\"%.*s\",\"signature\":\"%s\"}", "members" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char *text = NULL;
                assert_true(asprintf(&text, rows[i].form, (int)body, jws + head + 1, (int)head, jws,
                                    jws + head + body + 2) > 0);
                expect(rows[i].form, judge_file(f, text, strlen(text), MOHR_DOCUMENT_JWS, &now),
                        rows[i].detail ? MOHR_REASON_DOCUMENT_FORM : MOHR_REASON_OK,
                        rows[i].detail ? rows[i].detail : "", rows[i].detail ? 21 : 0);
                free(text);
        }
        free(jws);
}

/* ---- what an assertion is, a document's signature never is ---- */

static void no_signed_document_passes_for_an_assertion(void **state)
{
        struct fixture *f = *state;
        json_t *payload = testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
        char *claims = json_dumps(payload, JSON_COMPACT);
        char *jws = sign_jws(&f->citizen, f->pki->ca, TESTPKI_NOW, claims);
        char *genuine = testpki_assertion(f->pki, f->pki->leaf, f->pki->ca, NULL);
        const struct mohr_verify_options strict = {
                .audience = "https://bank.example", .nonce = "n-0S6_WzA2Mj", .at = TESTPKI_NOW + 10
        };
        struct mohr_result *result = NULL;
        assert_int_equal(mohr_verify(f->trust, genuine, strlen(genuine), &strict, &result), 0);
        mohr_result_free(result);
        assert_int_equal(mohr_verify(f->trust, jws, strlen(jws), &strict, &result), 21);
        assert_int_equal(mohr_result_reason(result), MOHR_REASON_CRITICAL);
        assert_null(mohr_result_claim(result, "sub"));
        mohr_result_free(result);
        expect("an assertion as document",
                judge_file(f, genuine, strlen(genuine), MOHR_DOCUMENT_JWS, &now),
                MOHR_REASON_CRITICAL, "", 21);
        assert_int_equal(mohr_document_form_of(genuine, strlen(genuine), strlen(genuine)),
                MOHR_DOCUMENT_NONE);
        free(claims);
        free(jws);
        free(genuine);
        json_decref(payload);
}

/* ---- invalid ones, one thing wrong in each ---- */

struct recipe {
        const char *what;
        void (*put)(struct out *out, struct fixture *f, const uint8_t *hash);
        enum mohr_reason reason;
        const char *detail;
};

static void put_attribute(struct out *out, struct view oid, const void *value, size_t len)
{
        size_t mark = der_begin(out);
        der_put(out, DER_OID, oid.data, oid.len);
        der_put(out, DER_SET, value, len);
        der_end(out, mark, DER_SEQUENCE);
}

static void put_type(struct out *out)
{
        put_attribute(out, OID_CONTENT_TYPE, "\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01", 11);
}

static void put_digest(struct out *out, const uint8_t *hash)
{
        uint8_t value[34] = { 0x04, 0x20 };
        memcpy(value + 2, hash, 32);
        put_attribute(out, OID_DIGEST, value, sizeof value);
}

static void put_ess(struct out *out, X509 *cert, size_t times)
{
        uint8_t buffer[512], hash[32];
        struct out value = out_new(buffer, sizeof buffer);
        X509_digest(cert, EVP_sha256(), hash, NULL);
        for (size_t i = 0; i < times; i++) {
                size_t mark = der_begin(&value);
                der_put(&value, DER_OCTETS, hash, 32);
                der_end(&value, mark, DER_SEQUENCE);
        }
        der_end(&value, 0, DER_SEQUENCE);
        der_end(&value, 0, DER_SEQUENCE);
        put_attribute(out, OID_CERTIFICATE, buffer, value.len);
}

static void put_usual(struct out *out, struct fixture *f, const uint8_t *hash)
{
        put_type(out);
        put_digest(out, hash);
        put_ess(out, f->citizen.leaf, 1);
}

static void no_type(struct out *out, struct fixture *f, const uint8_t *hash)
{
        put_digest(out, hash);
        put_ess(out, f->citizen.leaf, 1);
}

static void other_type(struct out *out, struct fixture *f, const uint8_t *hash)
{
        no_type(out, f, hash);
        put_attribute(out, OID_CONTENT_TYPE, "\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02", 11);
}

static void no_digest(struct out *out, struct fixture *f, const uint8_t *hash)
{
        (void)hash;
        put_type(out);
        put_ess(out, f->citizen.leaf, 1);
}

static void long_digest(struct out *out, struct fixture *f, const uint8_t *hash)
{
        (void)hash;
        no_digest(out, f, hash);
        put_attribute(out, OID_DIGEST, "\x04\x01\x00\x05\x00", 5);
}

static void no_ess(struct out *out, struct fixture *f, const uint8_t *hash)
{
        (void)f;
        put_type(out);
        put_digest(out, hash);
}

static void others_ess(struct out *out, struct fixture *f, const uint8_t *hash)
{
        no_ess(out, f, hash);
        put_ess(out, f->second.leaf, 1);
}

static void two_ess(struct out *out, struct fixture *f, const uint8_t *hash)
{
        no_ess(out, f, hash);
        put_ess(out, f->citizen.leaf, 2);
}

static void no_ess_id(struct out *out, struct fixture *f, const uint8_t *hash)
{
        no_ess(out, f, hash);
        put_attribute(out, OID_CERTIFICATE, "\x30\x02\x30\x00", 4);
}

static void attribute_twice(struct out *out, struct fixture *f, const uint8_t *hash)
{
        put_usual(out, f, hash);
        put_attribute(out, OID_SIGNING_TIME,
                "\x17\x0D"
                "261121224736Z",
                15);
        put_attribute(out, OID_SIGNING_TIME,
                "\x17\x0D"
                "261121224737Z",
                15);
}

static void several_values(struct out *out, struct fixture *f, const uint8_t *hash)
{
        put_usual(out, f, hash);
        put_attribute(out, OID_SIGNING_TIME,
                "\x17\x0D"
                "261121224736Z"
                "\x17\x0D"
                "261121224737Z",
                30);
}

static void no_values(struct out *out, struct fixture *f, const uint8_t *hash)
{
        put_usual(out, f, hash);
        put_attribute(out, OID_SIGNING_TIME, "", 0);
}

static void bad_time(struct out *out, struct fixture *f, const uint8_t *hash)
{
        put_usual(out, f, hash);
        put_attribute(out, OID_SIGNING_TIME,
                "\x17\x0B"
                "2611212247Z",
                13);
}

static void no_such_day(struct out *out, struct fixture *f, const uint8_t *hash)
{
        put_usual(out, f, hash);
        put_attribute(out, OID_SIGNING_TIME,
                "\x17\x0D"
                "260230224736Z",
                15);
}

static void generalized_too_early(struct out *out, struct fixture *f, const uint8_t *hash)
{
        put_usual(out, f, hash);
        put_attribute(out, OID_SIGNING_TIME,
                "\x18\x0F"
                "20261121224736Z",
                17);
}

static void bad_commitment(struct out *out, struct fixture *f, const uint8_t *hash)
{
        put_usual(out, f, hash);
        put_attribute(out, OID_COMMITMENT, "\x30\x00", 2);
}

static void bad_policy(struct out *out, struct fixture *f, const uint8_t *hash)
{
        put_usual(out, f, hash);
        put_attribute(out, OID_POLICY, "\x05\x00", 2);
}

static void indefinite(struct out *out, struct fixture *f, const uint8_t *hash)
{
        put_usual(out, f, hash);
        out_bytes(out, "\x30\x80\x06\x01\x2A\x31\x02\x05\x00\x00\x00", 11);
}

static void long_length(struct out *out, struct fixture *f, const uint8_t *hash)
{
        put_usual(out, f, hash);
        out_bytes(out, "\x30\x81\x07\x06\x01\x2A\x31\x02\x05\x00", 10);
}

static void stranger(struct out *out, struct fixture *f, const uint8_t *hash)
{
        put_usual(out, f, hash);
        put_attribute(out, CMS_OID("\x2A\x03\x04"), "\x05\x00", 2);
}

static const struct recipe recipes[] = {
        { "as it must be", put_usual, MOHR_REASON_OK, "" },
        { "no content type", no_type, MOHR_REASON_DOCUMENT_ATTRIBUTES, "content-type" },
        { "another content type", other_type, MOHR_REASON_DOCUMENT_ATTRIBUTES, "content-type" },
        { "no digest", no_digest, MOHR_REASON_DOCUMENT_ATTRIBUTES, "message-digest" },
        { "two things for a digest", long_digest, MOHR_REASON_DOCUMENT_FORM, "attribute-values" },
        { "no signing certificate", no_ess, MOHR_REASON_DOCUMENT_CERTIFICATE, "missing" },
        { "another's signing certificate", others_ess, MOHR_REASON_DOCUMENT_CERTIFICATE,
                "another" },
        { "two signing certificates", two_ess, MOHR_REASON_DOCUMENT_CERTIFICATE, "form" },
        { "an empty signing certificate", no_ess_id, MOHR_REASON_DOCUMENT_CERTIFICATE, "form" },
        { "an attribute twice", attribute_twice, MOHR_REASON_DOCUMENT_FORM, "attribute-twice" },
        { "an attribute of two values", several_values, MOHR_REASON_DOCUMENT_FORM,
                "attribute-values" },
        { "an attribute of no value", no_values, MOHR_REASON_DOCUMENT_FORM, "signed-attributes" },
        { "a time without seconds", bad_time, MOHR_REASON_DOCUMENT_ATTRIBUTES, "signing-time" },
        { "the thirtieth of February", no_such_day, MOHR_REASON_DOCUMENT_ATTRIBUTES,
                "signing-time" },
        { "a GeneralizedTime of this century", generalized_too_early,
                MOHR_REASON_DOCUMENT_ATTRIBUTES, "signing-time" },
        { "a commitment to nothing", bad_commitment, MOHR_REASON_DOCUMENT_ATTRIBUTES,
                "commitment-type" },
        { "a policy that is implied", bad_policy, MOHR_REASON_DOCUMENT_ATTRIBUTES,
                "signature-policy" },
        { "an indefinite length", indefinite, MOHR_REASON_DOCUMENT_FORM, "signed-attributes" },
        { "a length longer than need be", long_length, MOHR_REASON_DOCUMENT_FORM,
                "signed-attributes" },
        { "an attribute nobody knows", stranger, MOHR_REASON_OK, "" },
};

/* Signed by the right key, whatever it is. */
static struct bytes cook(struct fixture *f, const struct recipe *recipe, bool sorted)
{
        uint8_t buffer[CMS_ATTRIBUTES_MAX], hash[64];
        size_t len;
        struct bytes cms = { 0 };
        struct out out = out_new(buffer, sizeof buffer);
        hash_of("sha256", CONTENT, strlen(CONTENT), hash, &len);
        recipe->put(&out, f, hash);
        struct in whole = in_new(buffer, out.len);
        while (in_left(&whole) > 0)
                der_any(&whole);
        if (sorted && in_done(&whole) == 0)
                der_sort(&out, 0);
        der_end(&out, 0, DER_SET);
        assert_int_equal(out_done(&out), 0);
        const struct bytes attributes = { buffer, out.len };
        assert_int_equal(finish_attributes(&attributes, &f->citizen, f->pki->ca, &cms), 0);
        return cms;
}

static void each_thing_that_is_wrong_is_refused_by_its_name(void **state)
{
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(recipes); i++) {
                struct bytes cms = cook(f, &recipes[i], true);
                expect(recipes[i].what, judge_cms(f, &cms, CONTENT), recipes[i].reason,
                        recipes[i].detail, recipes[i].reason == MOHR_REASON_OK ? 0 : 21);
                free(cms.data);
        }
        struct bytes unsorted = cook(f, &recipes[0], false);
        struct judged judged = judge_cms(f, &unsorted, CONTENT);
        assert_true(judged.outcome == 0 || strcmp(judged.detail, "signed-attributes") == 0);
        json_decref(judged.json);
        free(unsorted.data);
}

static void an_attribute_nobody_knows_is_told(void **state)
{
        struct fixture *f = *state;
        struct bytes cms = cook(f, &recipes[ARRAY_LEN(recipes) - 1], true);
        struct judged judged = judge_cms(f, &cms, CONTENT);
        const json_t *list = json_object_get(row_at(judged.json, 0), "not_understood");
        assert_string_equal(json_string_value(json_array_get(list, 0)), "1.2.3.4");
        json_decref(judged.json);
        free(cms.data);
}

static void certificates_are_judged_as_an_assertions_are(void **state)
{
        struct fixture *f = *state;
        const struct {
                const char *what;
                struct testpki_spec spec;
                enum mohr_reason reason;
        } rows[] = {
                { "good", { 0 }, MOHR_REASON_OK },
                { "no holder", { .unit = "Servers", .no_name = true }, MOHR_REASON_NOT_HOLDER },
                { "not for signing", { .key_usage = "critical,keyEncipherment" },
                        MOHR_REASON_KEY_USAGE },
                { "not yet valid", { .from = TESTPKI_NOW + 1000 },
                        MOHR_REASON_CERTIFICATE_NOT_YET_VALID },
                { "an unknown critical extension", { .critical = "critical,DER:0500" },
                        MOHR_REASON_CHAIN },
                { "by another CA", { .issuer_key = f->pki->other_key }, MOHR_REASON_UNTRUSTED },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                X509 *leaf = testpki_issue(f->pki, &rows[i].spec);
                const struct person who = { leaf, f->pki->leaf_key };
                struct bytes cms = sign_cms(&who, f->pki->ca, plain, CONTENT, strlen(CONTENT));
                struct judged judged = judge_cms(f, &cms, CONTENT);
                if (rows[i].reason != MOHR_REASON_OK)
                        assert_string_equal(told(row_at(judged.json, 0), "signer", "sub"), "");
                expect(rows[i].what, judged, rows[i].reason, NULL,
                        rows[i].reason == MOHR_REASON_OK ? 0 : 21);
                free(cms.data);
                X509_free(leaf);
        }
}

static void one_bad_signature_among_good_ones_is_found(void **state)
{
        struct fixture *f = *state;
        X509 *leaf = testpki_issue(f->pki,
                &(struct testpki_spec){ .key = f->pki->other_key, .from = TESTPKI_NOW + 1000 });
        const struct person early = { leaf, f->pki->other_key };
        struct bytes all = sign_cms(&f->citizen, f->pki->ca, plain, CONTENT, strlen(CONTENT));
        all = merge(all, sign_cms(&early, f->pki->ca, plain, CONTENT, strlen(CONTENT)));
        expect("parallel", judge_cms(f, &all, CONTENT), MOHR_REASON_CERTIFICATE_NOT_YET_VALID, "",
                21);
        free(all.data);
        all = sign_cms(&f->citizen, f->pki->ca, plain, CONTENT, strlen(CONTENT));
        all = countersign(all, 0, &early, f->pki->ca);
        struct judged judged = judge_cms(f, &all, CONTENT);
        assert_string_equal(told(row_at(judged.json, 0), "signer", "given_name"), TESTPKI_GIVEN);
        expect("over it", judged, MOHR_REASON_CERTIFICATE_NOT_YET_VALID, "", 21);
        free(all.data);
        all = sign_cms(&early, f->pki->ca, plain, CONTENT, strlen(CONTENT));
        all = countersign(all, 0, &f->citizen, f->pki->ca);
        judged = judge_cms(f, &all, CONTENT);
        const json_t *counter =
                json_array_get(json_object_get(row_at(judged.json, 0), "countersignatures"), 0);
        assert_string_equal(told(counter, "verification", "reason"), "countersigned-invalid");
        assert_null(json_object_get(counter, "signer"));
        expect("under it", judged, MOHR_REASON_CERTIFICATE_NOT_YET_VALID, "", 21);
        free(all.data);
        X509_free(leaf);
}

/* ---- bytes ---- */

/* All of them with MOHR_LONG=1; else of what a digest or a signature is over (certificates, a header) some. */
static size_t stride(size_t some)
{
        return getenv("MOHR_LONG") ? 1 : some;
}

static void no_flipped_byte_is_overlooked(void **state)
{
        struct fixture *f = *state;
        struct bytes all = sign_cms(&f->ec, f->pki->ca, plain, CONTENT, strlen(CONTENT));
        struct cms_form form;
        const char *why = "";
        all = countersign(all, 0, &f->second, f->pki->ca);
        assert_int_equal(cms_read(all.data, all.len, &form, &why), 0);
        size_t first = (size_t)(form.certificates.data - all.data),
               end = first + form.certificates.len;
        for (size_t i = 0; i < all.len; i += i >= first && i < end ? stride(37) : stride(2)) {
                all.data[i] ^= (uint8_t)(1u << (i + i / 8) % 8);
                struct judged judged = judge_cms(f, &all, CONTENT);
                if (judged.outcome != 21)
                        fail_msg("byte %zu of %zu: %d", i, all.len, judged.outcome);
                json_decref(judged.json);
                all.data[i] ^= (uint8_t)(1u << (i + i / 8) % 8);
        }
        expect("as it was", judge_cms(f, &all, CONTENT), MOHR_REASON_OK, "", 0);
        free(all.data);
}

static void no_flipped_letter_is_overlooked(void **state)
{
        struct fixture *f = *state;
        char *jws = sign_jws(&f->ec, f->pki->ca, TESTPKI_NOW, "{\"sum\": 12}");
        size_t head = strcspn(jws, ".");
        for (size_t i = 0; jws[i]; i += i < head ? stride(23) : 1) {
                char letter = jws[i];
                jws[i] = letter == 'A' ? 'B' : 'A';
                struct judged judged = judge_file(f, jws, strlen(jws), MOHR_DOCUMENT_JWS, &now);
                if (judged.outcome != 21)
                        fail_msg("letter %zu: %d", i, judged.outcome);
                json_decref(judged.json);
                jws[i] = letter;
        }
        free(jws);
}

static void ranges_are_what_was_signed(void **state)
{
        struct fixture *f = *state;
        static const char file[] = "a contract<<< hole >>> of two pages";
        struct bytes cms = sign_cms(&f->citizen, f->pki->ca, plain, CONTENT, strlen(CONTENT));
        int fd = file_of(file, strlen(file));
        struct mohr_range ranges[] = { { 0, 10 }, { 22, 13 } };
        const struct mohr_document document = { .form = MOHR_DOCUMENT_CMS,
                .content = fd,
                .ranges = ranges,
                .range_count = 2,
                .signature = cms.data,
                .signature_len = cms.len };
        expect("ranges", judge_as(f, &document, &now, NULL), MOHR_REASON_OK, "", 0);
        ranges[1].len = 14;
        expect("past the end", judge_as(f, &document, &now, NULL), MOHR_REASON_DOCUMENT_FORM,
                "ranges", 21);
        ranges[1] = (struct mohr_range){ UINT64_MAX - 5, 13 };
        expect("past all ends", judge_as(f, &document, &now, NULL), MOHR_REASON_DOCUMENT_FORM,
                "ranges", 21);
        ranges[1] = (struct mohr_range){ 21, 13 };
        expect("others", judge_as(f, &document, &now, NULL), MOHR_REASON_DOCUMENT_CHANGED, "", 21);
        close(fd);
        free(cms.data);
}

/* Eight MiB of nothing inside, in a file that takes no room: MOHR_LONG=1 has a hundred. */
static void what_is_inside_is_read_in_pieces(void **state)
{
        struct fixture *f = *state;
        const size_t size = (getenv("MOHR_LONG") ? 100u : 8u) << 20;
        void *nothing = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct bytes cms = sign_cms(&f->ec, f->pki->ca, plain, nothing, size), before, after;
        assert_int_equal(munmap(nothing, size), 0);
        assert_int_equal(cms_attach(cms.data, cms.len, size, &before.data, &before.len, &after.data,
                                 &after.len),
                0);
        int fd = memfd_create("attached", MFD_CLOEXEC);
        assert_int_equal(pwrite(fd, before.data, before.len, 0), before.len);
        assert_int_equal(pwrite(fd, after.data, after.len, (off_t)(before.len + size)), after.len);
        const struct mohr_document document = { .form = MOHR_DOCUMENT_CMS_ATTACHED, .content = fd };
        assert_int_equal(
                mohr_document_form_of(before.data, before.len, before.len + size + after.len),
                MOHR_DOCUMENT_CMS_ATTACHED);
        struct judged judged = judge_as(f, &document, &now, NULL);
        assert_int_equal(json_integer_value(
                                 json_object_get(json_object_get(judged.json, "document"), "size")),
                size);
        expect("inside", judged, MOHR_REASON_OK, "", 0);
        assert_int_equal(pwrite(fd, "x", 1, (off_t)(before.len + size / 2)), 1);
        expect("changed inside", judge_as(f, &document, &now, NULL), MOHR_REASON_DOCUMENT_CHANGED,
                "", 21);
        assert_int_equal(ftruncate(fd, (off_t)(before.len + size)), 0);
        expect("cut", judge_as(f, &document, &now, NULL), MOHR_REASON_DOCUMENT_FORM, "form", 21);
        assert_int_equal(ftruncate(fd, 0), 0);
        expect("empty", judge_as(f, &document, &now, NULL), MOHR_REASON_DOCUMENT_FORM, "form", 21);
        close(fd);
        free(cms.data);
        free(before.data);
        free(after.data);
}

static void what_has_no_meaning_here_is_not_taken(void **state)
{
        struct fixture *f = *state;
        struct mohr_signed *result = NULL;
        const struct mohr_document document = { .form = MOHR_DOCUMENT_CMS, .content = -1 };
        const struct mohr_verify_options rows[] = { { .audience = "https://bank.example" },
                { .nonce = "n-0S6_WzA2Mj" }, { .at = -1 }, { .asked_at = 1 },
                { .revocation_age_s = -1 } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                assert_int_equal(mohr_document_verify(f->trust, &document, &rows[i], NULL, &result),
                        -EINVAL);
        const struct mohr_document none = { .form = MOHR_DOCUMENT_NONE, .content = -1 };
        assert_int_equal(mohr_document_verify(f->trust, &none, NULL, NULL, &result), -EINVAL);
        assert_null(result);
        assert_int_equal(mohr_document_form_of("", 0, 0), MOHR_DOCUMENT_NONE);
        assert_int_equal(mohr_document_form_of("%PDF-1.7", 8, 8), MOHR_DOCUMENT_NONE);
}

static int set_up(void **state)
{
        static struct fixture f;
        f.pki = testpki_new();
        f.tsa = testtsa_new(&(struct testtsa_spec){ 0 });
        f.trust = testpki_trust((X509 *[]){ f.pki->root, NULL });
        f.citizen = (struct person){ f.pki->leaf, f.pki->leaf_key };
        f.second = (struct person){ testpki_issue(f.pki,
                                            &(struct testpki_spec){ .key = f.pki->other_key }),
                f.pki->other_key };
        f.ec = (struct person){
                testpki_issue(f.pki, &(struct testpki_spec){ .key = f.pki->ec_key }), f.pki->ec_key
        };
        *state = &f;
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;
        X509_free(f->second.leaf);
        X509_free(f->ec.leaf);
        mohr_trust_free(f->trust);
        testtsa_free(f->tsa);
        testpki_free(f->pki);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_signature_tells_who_signed_and_what_is_only_claimed),
                cmocka_unit_test(three_signers_and_their_countersigners_are_told_one_by_one),
                cmocka_unit_test(a_timestamp_proves_when_if_somebody_vouches_for_it),
                cmocka_unit_test(a_timestamp_carries_a_signature_over_expiry_and_revocation),
                cmocka_unit_test(what_is_required_of_revocation_is_required),
                cmocka_unit_test(each_hash_is_taken_with_each_key),
                cmocka_unit_test(what_is_expired_is_told_as_the_caller_wants),
                cmocka_unit_test(a_json_document_is_verified_in_both_forms),
                cmocka_unit_test(a_json_document_has_timestamps_of_each_signer),
                cmocka_unit_test(a_header_is_taken_as_it_is_made_or_not_at_all),
                cmocka_unit_test(general_json_has_no_other_members),
                cmocka_unit_test(no_signed_document_passes_for_an_assertion),
                cmocka_unit_test(each_thing_that_is_wrong_is_refused_by_its_name),
                cmocka_unit_test(an_attribute_nobody_knows_is_told),
                cmocka_unit_test(certificates_are_judged_as_an_assertions_are),
                cmocka_unit_test(one_bad_signature_among_good_ones_is_found),
                cmocka_unit_test(no_flipped_byte_is_overlooked),
                cmocka_unit_test(no_flipped_letter_is_overlooked),
                cmocka_unit_test(ranges_are_what_was_signed),
                cmocka_unit_test(what_is_inside_is_read_in_pieces),
                cmocka_unit_test(what_has_no_meaning_here_is_not_taken),
        };
        return cmocka_run_group_tests_name("signed", tests, set_up, tear_down);
}
