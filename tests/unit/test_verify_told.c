/* SPDX-License-Identifier: Apache-2.0 */
/* test_verify_told.c: what holds, and what a result says of it: claims, basis, level, what was not checked.
 */
#include "tests/unit/verify_talk.h"

/* ---- what holds ---- */

static void a_good_assertion_holds_and_tells_the_leaf(void **state)
{
        struct fixture *f = *state;
        char *jws = good_assertion(f);
        for (int round = 0; round < 3; round++) { /* the second time from memory */
                struct mohr_result *result = NULL;
                assert_int_equal(mohr_verify(f->trust, jws, strlen(jws), &strict, &result), 0);
                assert_string_equal(mohr_result_claim(result, "given_name"), TESTPKI_GIVEN);
                assert_string_equal(mohr_result_claim(result, "family_name"), TESTPKI_FAMILY);
                assert_string_equal(mohr_result_claim(result, "card_number"), "0099900007");
                assert_string_equal(mohr_result_claim(result, "aud"), AUD);
                assert_null(mohr_result_claim(result, "national_number"));
                char *text = mohr_result_json(result);
                json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
                assert_non_null(json);
                json_decref(json);
                assert_non_null(strstr(text, "\"revocation\""));
                free(text);
                mohr_result_free(result);
        }
        free(jws);
}

static void times_are_judged_at_the_time_given(void **state)
{
        static const struct {
                int64_t offset;
                int skew;
                enum mohr_reason reason;
        } rows[] = {
                { 0, 0, MOHR_REASON_OK },
                { -60, 0, MOHR_REASON_OK },
                { -61, 0, MOHR_REASON_NOT_YET_VALID },
                { 359, 0, MOHR_REASON_OK },
                { 360, 0, MOHR_REASON_EXPIRED },
                { 86400, 0, MOHR_REASON_EXPIRED },
                { 301, 1, MOHR_REASON_EXPIRED },
                { 300, 1, MOHR_REASON_OK },
                { -2, 1, MOHR_REASON_NOT_YET_VALID },
                { 86400 * 2191L, 0, MOHR_REASON_EXPIRED }, /* the leaf is expired as well: not 22 */
                { -86400 * 366L, 0, MOHR_REASON_CERTIFICATE_NOT_YET_VALID },
        };
        struct fixture *f = *state;
        char *jws = good_assertion(f);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct mohr_verify_options options = strict;
                char what[32];
                options.at = TESTPKI_NOW + rows[i].offset;
                options.skew_s = rows[i].skew;
                snprintf(what, sizeof what, "row %zu", i);
                expect(f, what, jws, &options, rows[i].reason,
                        rows[i].reason == MOHR_REASON_OK ? 0 : OUTCOME_INVALID);
        }
        free(jws);
}

static void what_was_not_asked_is_told_as_not_checked(void **state)
{
        struct fixture *f = *state;
        const struct mohr_verify_options loose = { .at = TESTPKI_NOW };
        struct mohr_result *result = NULL;
        char *jws = good_assertion(f);
        assert_int_equal(mohr_verify(f->trust, jws, strlen(jws), &loose, &result), 0);
        char *text = mohr_result_json(result);
        json_t *json = json_loads(text, 0, NULL);
        json_t *unchecked = json_object_get(json_object_get(json, "verification"), "not_checked");
        assert_int_equal(json_array_size(unchecked), 4);
        json_decref(json);
        free(text);
        mohr_result_free(result);
        free(jws);
}

static void a_national_number_is_told_with_its_basis(void **state)
{
        struct fixture *f = *state;
        X509 *leaf = testpki_issue(f->pki, &(struct testpki_spec){ .cn = TESTPKI_CN_NN });
        json_t *header = testpki_header("RS256", leaf, f->pki->ca, NULL);
        json_t *payload = testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0012345679", true);
        char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
        expect(f, "with basis", jws, &strict, MOHR_REASON_OK, 0);
        free(jws);
        json_object_del(payload, "national_number");
        jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
        expect(f, "left out", jws, &strict, MOHR_REASON_NATIONAL_NUMBER, OUTCOME_INVALID);
        free(jws);
        json_decref(header);
        json_decref(payload);
        X509_free(leaf);
}

static void an_assurance_level_counts_only_alone(void **state)
{
        static const struct {
                const char *policies, *acr;
        } rows[] = {
                { "2.16.364.101.1.1.3", "urn:oid:2.16.364.101.1.1.3" },
                { "1.2.3.4,2.16.364.101.1.1.1", "urn:oid:2.16.364.101.1.1.1" },
                { "2.16.364.101.1.1.3,2.16.364.101.1.1.4", "unstated" },
                { "2.16.364.101.1.1.5", "unstated" },
                { "2.16.364.101.1.1.1.1", "unstated" },
                { "2.16.364.101.1.3.1", "unstated" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                X509 *leaf = testpki_issue(
                        f->pki, &(struct testpki_spec){ .policies = rows[i].policies });
                json_t *header = testpki_header("RS256", leaf, f->pki->ca, NULL),
                       *payload = good_payload();
                json_object_set_new(payload, "acr", json_string(rows[i].acr));
                char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
                expect(f, rows[i].policies, jws, &strict, MOHR_REASON_OK, 0);
                free(jws);
                json_decref(header);
                json_decref(payload);
                X509_free(leaf);
        }
}

static void reasons_have_names_and_sentences(void **state)
{
        (void)state;
        for (int i = 0; i < MOHR_REASON_COUNT; i++) {
                assert_non_null(mohr_reason_name((enum mohr_reason)i));
                assert_true(strlen(mohr_reason_text((enum mohr_reason)i)) > 10);
                for (int k = 0; k < i; k++)
                        assert_string_not_equal(mohr_reason_name((enum mohr_reason)i),
                                mohr_reason_name((enum mohr_reason)k));
        }
}

/* ---- assurance ---- */

static void the_levels_are_told_by_name(void **state)
{
        static const struct {
                const char *policies, *acr, *level;
        } rows[] = {
                { NULL, "unstated", "unstated" },
                { "2.16.364.101.1.1.1", "urn:oid:2.16.364.101.1.1.1", "bronze" },
                { "2.16.364.101.1.1.2", "urn:oid:2.16.364.101.1.1.2", "silver" },
                { "2.16.364.101.1.1.3", "urn:oid:2.16.364.101.1.1.3", "gold" },
                { "2.16.364.101.1.1.4", "urn:oid:2.16.364.101.1.1.4", "platinum" },
                { "2.16.364.101.1.1.1,2.16.364.101.1.1.4", "unstated", "unstated" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                X509 *leaf = testpki_issue(
                        f->pki, &(struct testpki_spec){ .policies = rows[i].policies });
                json_t *payload = good_payload(), *json;
                json_object_set_new(payload, "acr", json_string(rows[i].acr));
                char *jws = signed_by_leaf(f, leaf, payload);
                assert_int_equal(verify_json(f->trust, jws, &strict, &json), 0);
                assert_string_equal(told(json, "assurance", "acr"), rows[i].acr);
                assert_string_equal(told(json, "assurance", "level"), rows[i].level);
                assert_string_equal(told(json, "assurance", "identity_level"), "digital-signature");
                assert_string_equal(told(json, "assurance", "photo"), "unstated");
                json_decref(json);
                free(jws);
                X509_free(leaf);
        }
}

static void a_photo_is_only_ever_stated_and_a_simulation_proves_nobody(void **state)
{
        static const struct {
                bool simulated;
                bool checked;
                const char *identity_level, *photo;
        } rows[] = {
                { false, true, "digital-signature", "stated-by-station" },
                { false, false, "digital-signature", "unstated" },
                { true, true, "none", "stated-by-station" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                json_t *payload = good_payload(), *json;
                json_object_set_new(json_object_get(payload, "station"), "photo_checked",
                        json_boolean(rows[i].checked));
                if (rows[i].simulated)
                        json_object_set_new(
                                json_object_get(payload, "card"), "simulated", json_true());
                char *jws = signed_by_leaf(f, f->pki->leaf, payload);
                assert_int_equal(verify_json(f->trust, jws, &strict, &json), 0);
                assert_string_equal(
                        told(json, "assurance", "identity_level"), rows[i].identity_level);
                assert_string_equal(told(json, "assurance", "photo"), rows[i].photo);
                json_decref(json);
                free(jws);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_good_assertion_holds_and_tells_the_leaf),
                cmocka_unit_test(times_are_judged_at_the_time_given),
                cmocka_unit_test(what_was_not_asked_is_told_as_not_checked),
                cmocka_unit_test(a_national_number_is_told_with_its_basis),
                cmocka_unit_test(an_assurance_level_counts_only_alone),
                cmocka_unit_test(reasons_have_names_and_sentences),
                cmocka_unit_test(the_levels_are_told_by_name),
                cmocka_unit_test(a_photo_is_only_ever_stated_and_a_simulation_proves_nobody),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
