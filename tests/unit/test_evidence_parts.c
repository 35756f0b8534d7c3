/* SPDX-License-Identifier: Apache-2.0 */
/* test_evidence_parts.c: each part of a bundle replaced by another that is good by itself; timestamps of authorities
 * that lie.
 */
#include "client-sdk/base64.h"
#include "tests/unit/evidence_talk.h"

/* ---- parts replaced by others ---- */

/* The bundle with a member of its content set to this JSON text, all else made to fit. */
static char *altered(const char *bundle, const char *name, const char *value)
{
        json_t *all = json_loads(bundle, 0, NULL), *content = json_object_get(all, "content");
        json_t *set = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
        if (set)
                json_object_set_new(content, name, set);
        else
                json_object_del(content, name);
        char *text = evidence_file(content, json_object_get(all, "timestamps"),
                json_array_size(json_object_get(all, "timestamps")));
        json_decref(all);
        return text;
}

static void each_member_has_its_form(void **state)
{
        static const struct {
                const char *name, *value, *detail;
        } rows[] = {
                { "assertion", "1", "content" },
                { "assertion", NULL, "content" },
                { "chain", "[]", "chain" },
                { "chain", "[1]", "chain" },
                { "chain", "[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]", "chain" },
                { "chain", "[\"AAAA\"]", "chain" },
                { "chain", "[\"AAAA=\"]", "chain" },
                { "more", "1", "content" },
                { "received_at", "0", "received_at" },
                { "received_at", "-1", "received_at" },
                { "received_at", "253402300800", "received_at" },
                { "received_at", "1.0", "content" },
                { "report", "[]", "content" },
                { "report", NULL, "content" },
                { "revocation", "[\"AAAA\"]", "revocation" },
                { "revocation", "{}", "content" },
                { "terms", "{}", "terms" },
                { "terms",
                        "{\"expired\":\"refuse\",\"revocation\":\"off\",\"revocation_age_s\":0,"
                        "\"skew_s\":601}",
                        "terms" },
                { "terms",
                        "{\"expired\":\"maybe\",\"revocation\":\"off\",\"revocation_age_s\":0,"
                        "\"skew_s\":60}",
                        "terms" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char *text = altered(f->bundle, rows[i].name, rows[i].value);
                refused(f, rows[i].value ? rows[i].value : rows[i].name, text,
                        MOHR_REASON_EVIDENCE_FORM, rows[i].detail);
                free(text);
        }
}

static void each_part_is_judged(void **state)
{
        struct fixture *f = *state;
        char *other = sign_for(f->pki, f->pki->leaf), quoted[8200];
        other[strlen(other) - 10] ^= 1;
        snprintf(quoted, sizeof quoted, "\"%s\"", other);
        char *text = altered(f->bundle, "assertion", quoted);
        struct verdict v = judge(f, text, strlen(text), &later, NULL);
        assert_int_equal(v.outcome, OUTCOME_INVALID);
        assert_true(v.reason == MOHR_REASON_SIGNATURE || v.reason == MOHR_REASON_BASE64);
        free(text);
        free(other);
        text = altered(f->bundle, "received_at", "1795301267");
        refused(f, "a second later", text, MOHR_REASON_EVIDENCE_REPORT, NULL);
        free(text);
        text = altered(f->bundle, "received_at", "1795401267");
        refused(f, "a day later", text, MOHR_REASON_EXPIRED, NULL);
        free(text);
        text = altered(f->bundle, "report", "{}");
        refused(f, "no report", text, MOHR_REASON_EVIDENCE_REPORT, NULL);
        free(text);
        text = altered(f->bundle, "terms",
                "{\"audience\":\"https://other.example\",\"expired\":\"refuse\",\"revocation\":"
                "\"off\",\"revocation_age_s\":0,\"skew_s\":60}");
        refused(f, "other terms", text, MOHR_REASON_AUDIENCE, NULL);
        free(text);
        text = altered(f->bundle, "terms",
                "{\"audience\":\"https://bank.example\",\"expired\":\"refuse\",\"revocation\":"
                "\"off\",\"revocation_age_s\":0,\"skew_s\":60}");
        refused(f, "no nonce asked", text, MOHR_REASON_EVIDENCE_REPORT, NULL);
        free(text);
}

static void the_issuers_are_those_above_the_leaf(void **state)
{
        struct fixture *f = *state;
        json_t *all = json_loads(f->bundle, 0, NULL),
               *chain = json_object_get(json_object_get(all, "content"), "chain");
        json_t *root = json_incref(json_array_get(chain, 1));
        unsigned char *der = NULL;
        int len = i2d_X509(f->tsa->root, &der);
        json_array_set_new(chain, 1, base64_json(der, (size_t)len));
        char *value = json_dumps(chain, 0), *text = altered(f->bundle, "chain", value);
        refused(f, "another root", text, MOHR_REASON_EVIDENCE_CHAIN, NULL);
        free(value);
        free(text);
        json_array_set(chain, 1, root);
        json_array_append_new(chain, base64_json(der, (size_t)len));
        value = json_dumps(chain, 0), text = altered(f->bundle, "chain", value);
        refused(f, "something above the root", text, MOHR_REASON_EVIDENCE_CHAIN, NULL);
        free(value);
        free(text);
        json_array_remove(chain, 2);
        json_array_remove(chain, 0);
        value = json_dumps(chain, 0), text = altered(f->bundle, "chain", value);
        refused(f, "one left out", text, MOHR_REASON_EVIDENCE_CHAIN, NULL);
        free(value);
        free(text);
        OPENSSL_free(der);
        json_decref(root);
        json_decref(all);
}

static void a_file_is_told_by_what_it_holds(void **state)
{
        struct fixture *f = *state;
        char *copy = strdup(f->stamped);
        for (size_t i = 0; i < strlen(f->stamped); i++) {
                copy[i] ^= 1;
                assert_int_equal(mohr_form_of(copy, strlen(f->stamped)), MOHR_FORM_BUNDLE);
                copy[i] = f->stamped[i];
        }
        free(copy);
        assert_int_equal(mohr_form_of(f->assertion, strlen(f->assertion)), MOHR_FORM_ASSERTION);
        assert_int_equal(mohr_form_of("{\"payload\":\"\"}", 14), MOHR_FORM_ASSERTION);
        assert_int_equal(mohr_form_of("", 0), MOHR_FORM_ASSERTION);
        assert_int_equal(mohr_form_of("%PDF-1.4", 8), MOHR_FORM_RECEIPT);
}

static void other_spellings_are_refused(void **state)
{
        struct fixture *f = *state;
        static const char *const texts[] = { "{}", "{", "{\"sha256\":\"\"}",
                "{\"a\":1,\"sha256\":\"x\"}", "[]", "", "{\"content\":{},\"mohr_evidence\":1}" };
        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                struct verdict v = judge(f, texts[i], strlen(texts[i]), &later, NULL);
                assert_int_equal(v.outcome, OUTCOME_INVALID);
                assert_true(v.reason == MOHR_REASON_EVIDENCE_FORM ||
                            v.reason == MOHR_REASON_EVIDENCE_DAMAGED);
        }
        char *spaced = malloc(strlen(f->bundle) + 8), *forged;
        snprintf(spaced, strlen(f->bundle) + 8, "{ %s", f->bundle + 1);
        forged = with_checksum(spaced, strlen(spaced));
        refused(f, "a space", forged, MOHR_REASON_EVIDENCE_FORM, NULL);
        free(forged);
        snprintf(spaced, strlen(f->bundle) + 8, "%s\n", f->bundle);
        forged = with_checksum(spaced, strlen(spaced));
        refused(f, "a line end", forged, MOHR_REASON_EVIDENCE_FORM, NULL);
        free(forged);
        free(spaced);
        char *large = malloc(MOHR_EVIDENCE_MAX + 2);
        memset(large, ' ', MOHR_EVIDENCE_MAX + 1);
        large[0] = '{';
        large[MOHR_EVIDENCE_MAX + 1] = '\0';
        refused(f, "too large", large, MOHR_REASON_EVIDENCE_FORM, NULL);
        free(large);
}

/* ---- timestamps ---- */

/* A token added by hand, whoever made it. */
static char *forced(const char *bundle, struct testtsa *tsa, int64_t at, enum testtsa_lie lie)
{
        struct evidence e = { 0 };
        enum mohr_reason reason;
        const char *detail;
        unsigned char *request = NULL, *token = NULL;
        size_t len = 0, answer_len = 0;
        char why[256];
        assert_int_equal(evidence_read(bundle, strlen(bundle), &e, &reason, &detail), 0);
        assert_int_equal(reason, MOHR_REASON_OK);
        assert_int_equal(
                mohr_evidence_timestamp_request(bundle, strlen(bundle), &request, &len), 0);
        unsigned char *answer = testtsa_answer(tsa, request, len, at, lie, &answer_len);
        (void)why, (void)token;
        /* ResponseHeader: SEQUENCE, status SEQUENCE, then the token */
        size_t skip = answer[1] == 0x82 ? 4 : 3;
        skip += 2U + answer[skip + 1];
        json_array_append_new(e.timestamps, base64_json(answer + skip, answer_len - skip));
        char *file = evidence_file(e.content, e.timestamps, json_array_size(e.timestamps));
        evidence_clear(&e);
        free(request);
        free(answer);
        return file;
}

static void a_timestamp_makes_the_time_somebody_elses_word(void **state)
{
        struct fixture *f = *state;
        struct verdict v = judge(f, f->stamped, strlen(f->stamped), &later, f->tsa->anchors);
        assert_int_equal(v.outcome, 0);
        assert_string_equal(told(&v, "basis"), "timestamp");
        const json_t *row = json_array_get(json_object_get(v.told, "timestamps"), 0);
        assert_string_equal(
                json_string_value(json_object_get(row, "authority")), "TEST Time Authority");
        assert_string_equal(json_string_value(json_object_get(row, "policy")), "1.2.3.4.1");
        assert_int_equal(json_integer_value(json_object_get(row, "accuracy_ms")), 1500);
        assert_true(json_is_true(json_object_get(row, "trusted")));
        json_decref(v.told);
        /* nobody to vouch: it is told, and not relied on */
        v = judge(f, f->stamped, strlen(f->stamped), &later, NULL);
        assert_int_equal(v.outcome, 0);
        assert_string_equal(told(&v, "basis"), "office");
        row = json_array_get(json_object_get(v.told, "timestamps"), 0);
        assert_true(json_is_false(json_object_get(row, "trusted")));
        json_decref(v.told);
        /* a day late: it proves that the file existed then, and no more */
        char *late = stamped_at(f->tsa, f->bundle, RECEIVED + 86400);
        v = judge(f, late, strlen(late), &later, f->tsa->anchors);
        assert_int_equal(v.outcome, 0);
        assert_string_equal(told(&v, "basis"), "office");
        json_decref(v.told);
        free(late);
        late = forced(f->bundle, f->tsa, RECEIVED - 3600, TESTTSA_HONEST);
        refused(f, "stamped before it was received", late, MOHR_REASON_EVIDENCE_TIME, "timestamp");
        free(late);
}

static void lying_authorities_are_not_believed(void **state)
{
        struct fixture *f = *state;
        static const struct {
                const char *what;
                struct testtsa_spec spec;
                enum testtsa_lie lie;
                const char *problem, *detail;
        } rows[] = {
                { "another imprint", { 0 }, TESTTSA_IMPRINT, "imprint", "1: imprint" },
                { "another nonce", { 0 }, TESTTSA_NONCE, "nonce", NULL },
                { "a refusal", { 0 }, TESTTSA_REFUSAL, "refused", NULL },
                { "a weak digest", { 0 }, TESTTSA_SHA1, "weak", "1: weak" },
                { "for servers", { .usage = "critical,serverAuth" }, TESTTSA_HONEST, "certificate",
                        "1: certificate" },
                { "for servers, too", { .usage = "critical,timeStamping,serverAuth" },
                        TESTTSA_HONEST, "certificate", "1: certificate" },
                { "not critical", { .usage = "timeStamping" }, TESTTSA_HONEST, "certificate",
                        "1: certificate" },
                { "for anything", { .usage = "" }, TESTTSA_HONEST, "certificate",
                        "1: certificate" },
                { "expired", { .from = TESTPKI_NOW - 900, .to = TESTPKI_NOW - 60 }, TESTTSA_HONEST,
                        "certificate", "1: certificate" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct testtsa *tsa = testtsa_new(&rows[i].spec);
                char problem[256], *text = NULL;
                int r = stamp(tsa, f->bundle, RECEIVED + 1, rows[i].lie, &text, problem);
                if (r != OUTCOME_INVALID ||
                        strncmp(problem, rows[i].problem, strlen(rows[i].problem)))
                        fail_msg("%s: %d %s", rows[i].what, r, problem);
                assert_null(text);
                if (rows[i].detail) {
                        text = forced(f->bundle, tsa, RECEIVED + 1, rows[i].lie);
                        expect_by(f->trust, rows[i].what, text, &later, tsa->anchors,
                                OUTCOME_INVALID, MOHR_REASON_TIMESTAMP, rows[i].detail);
                        free(text);
                }
                testtsa_free(tsa);
        }
        struct testtsa *stranger = testtsa_new(NULL);
        expect_by(f->trust, "somebody else's", f->stamped, &later, stranger->anchors,
                OUTCOME_INVALID, MOHR_REASON_TIMESTAMP, "1: certificate");
        testtsa_free(stranger);
}

static void a_renewal_outlives_the_first_authority(void **state)
{
        struct fixture *f = *state;
        struct testtsa *brief = testtsa_new(
                &(struct testtsa_spec){ .to = TESTPKI_NOW + YEAR, .root = "TEST Brief Root" });
        struct mohr_verify_options decade = { .at = TESTPKI_NOW + 4 * YEAR };
        struct mohr_trust *both = testpki_trust((X509 *[]){ brief->root, f->tsa->root, NULL });
        char *first = stamped_at(brief, f->bundle, RECEIVED + 1), sha256[65];
        expect_by(f->trust, "not renewed", first, &decade, both, OUTCOME_INVALID,
                MOHR_REASON_TIMESTAMP, "1: certificate");
        struct mohr_trust *kept = f->tsa->anchors;
        f->tsa->anchors = both;
        char *second = stamped_at(f->tsa, first, TESTPKI_NOW + YEAR / 2);
        char problem[256], *third = NULL;
        assert_int_equal(
                stamp(f->tsa, first, TESTPKI_NOW + 2 * YEAR, TESTTSA_HONEST, &third, problem),
                OUTCOME_INVALID); /* too late */
        assert_non_null(strstr(problem, "earlier"));
        f->tsa->anchors = kept;
        struct verdict v = judge(f, second, strlen(second), &decade, both);
        assert_int_equal(v.outcome, 0);
        assert_string_equal(told(&v, "basis"), "timestamp");
        const json_t *earlier = json_object_get(v.told, "earlier");
        assert_int_equal(json_array_size(earlier), 2);
        assert_true(mohr_evidence_digest(f->bundle, strlen(f->bundle), sha256));
        assert_string_equal(json_string_value(json_array_get(earlier, 0)), sha256);
        assert_true(mohr_evidence_digest(first, strlen(first), sha256));
        assert_string_equal(json_string_value(json_array_get(earlier, 1)), sha256);
        json_decref(v.told);
        expect_by(f->trust, "the first is unknown now", second, &decade, f->tsa->anchors,
                OUTCOME_INVALID, MOHR_REASON_TIMESTAMP, "1: certificate");
        free(first);
        free(second);
        testtsa_free(brief);
        mohr_trust_free(both);
}

static void timestamps_come_in_order(void **state)
{
        struct fixture *f = *state;
        char *second = forced(f->stamped, f->tsa, RECEIVED - 7200, TESTTSA_HONEST);
        refused(f, "older than what it seals", second, MOHR_REASON_TIMESTAMP, "1: ");
        free(second);
        char *text = forced(f->bundle, f->tsa, RECEIVED + 1, TESTTSA_HONEST);
        json_t *all = json_loads(text, 0, NULL), *list = json_object_get(all, "timestamps");
        json_array_append(list, json_array_get(list, 0));
        char *twice = evidence_file(json_object_get(all, "content"), list, 2);
        refused(f, "the same again", twice, MOHR_REASON_TIMESTAMP, "2: imprint");
        free(twice);
        while (json_array_size(list) < 17)
                json_array_append(list, json_array_get(list, 0));
        twice = evidence_file(json_object_get(all, "content"), list, 17);
        refused(f, "seventeen", twice, MOHR_REASON_EVIDENCE_FORM, "timestamps");
        free(twice);
        json_array_clear(list);
        json_array_append_new(list, json_string("MAA="));
        twice = evidence_file(json_object_get(all, "content"), list, 1);
        refused(f, "no token", twice, MOHR_REASON_TIMESTAMP, "1: form");
        free(twice);
        free(text);
        json_decref(all);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_member_has_its_form),
                cmocka_unit_test(each_part_is_judged),
                cmocka_unit_test(the_issuers_are_those_above_the_leaf),
                cmocka_unit_test(a_file_is_told_by_what_it_holds),
                cmocka_unit_test(other_spellings_are_refused),
                cmocka_unit_test(a_timestamp_makes_the_time_somebody_elses_word),
                cmocka_unit_test(lying_authorities_are_not_believed),
                cmocka_unit_test(a_renewal_outlives_the_first_authority),
                cmocka_unit_test(timestamps_come_in_order),
        };
        return cmocka_run_group_tests_name("evidence_parts", tests, setup, teardown);
}
