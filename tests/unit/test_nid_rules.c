/* SPDX-License-Identifier: Apache-2.0 */
/* test_nid_rules.c: what files say of their own access, in the published shapes and in none, and what a
 * certificate that may not be read is taken for. The bytes are typed in from card-facts 2.9.
 */
#include "tests/unit/nid_setting.h"

#define KNOWN NEED_KNOWN
#define PIN   NEED_PIN
#define KEYS  NEED_AUTHENTICATION
#define SM    NEED_SECURE_MESSAGING
#define ALL   NEED_ALL
#define NEVER NEED_NEVER

static struct card_rules rules_of(const char *fci_hex)
{
        uint8_t fci[256];
        ssize_t len = hex_decode(fci, sizeof fci, fci_hex);
        assert_true(len >= 0);
        return nid_parse_rules((struct view){ fci, (size_t)len }, 0x5040);
}

static void published_shapes_are_understood(void **state _unused_)
{
        static const struct {
                const char *what, *fci;
                uint8_t read, update;
        } cases[] = {
                { "IAS Classic", "6F1581020556820101830250408A01058C054BFFFFFF00", KNOWN,
                        KNOWN | NEVER },
                { "in template 62", "621581020556820101830250408A01058C054BFFFFFF00", KNOWN,
                        KNOWN | NEVER },
                { "size in 80, rules in 86", "6F1580020556820101830250408A010586054BFFFFFF00",
                        KNOWN, KNOWN | NEVER },
                { "no template", "830250408C0201 10", KNOWN | PIN, 0 },
                { "no file id", "6F058C03031020", KNOWN | KEYS, KNOWN | PIN },
                { "any one of three", "8C020170", KNOWN | PIN | KEYS | SM, 0 },
                { "two together", "8C0201D1", KNOWN | PIN | SM | ALL, 0 },
                { "secure messaging", "8C0201C3", KNOWN | SM | ALL, 0 },
                { "an environment and no condition", "8C020103", 0, 0 },
                { "no operation", "8C0100", 0, 0 },
                { "MPCOS, free", "850E00005040010005560000 0000 0000", KNOWN, KNOWN },
                { "MPCOS, never to be written", "850E000050400100 0556 C000 C000 0000", KNOWN,
                        KNOWN | NEVER },
                { "MPCOS, one code", "6F10850E000050400100 0556 C000 C000 4000", KNOWN | PIN,
                        KNOWN | NEVER },
                { "MPCOS, code and key", "850E000050400100 0556 4100 0000 8100",
                        KNOWN | PIN | SM | ALL, KNOWN | PIN | SM | ALL },
                { "MPCOS, key", "850E000050400100 0556 0000 0000 0300", KNOWN | SM, KNOWN },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                char packed[256];
                size_t n = 0;
                for (const char *c = cases[i].fci; *c; c++)
                        if (*c != ' ')
                                packed[n++] = *c;
                packed[n] = '\0';
                struct card_rules rules = rules_of(packed);
                if (rules.read != cases[i].read || rules.update != cases[i].update)
                        fail_msg("%s: read %02x, update %02x", cases[i].what, rules.read,
                                rules.update);
        }
}

static void other_shapes_are_not_interpreted(void **state _unused_)
{
        static const char *const strange[] = {
                "",
                "6F",
                "6F15",
                "8C",
                "8C00",
                "8C0101",
                "8C03010000",
                "8C028100",
                "8C054BFFFF00",
                "830250418C020100",
                "8301508C020100",
                "6F0583025040",
                "850D00005040010005 56C000C00000",
                "850E000050410100 0556C000C0000000",
                "9000",
        };
        for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
                char packed[256];
                size_t n = 0;
                for (const char *c = strange[i]; *c; c++)
                        if (*c != ' ')
                                packed[n++] = *c;
                packed[n] = '\0';
                struct card_rules rules = rules_of(packed);
                if (rules.read != 0 || rules.update != 0)
                        fail_msg(
                                "%s: read %02x, update %02x", strange[i], rules.read, rules.update);
        }
}

static void keys_are_needed_only_where_nothing_else_would_do(void **state _unused_)
{
        assert_true(card_needs_keys(KNOWN | SM));
        assert_true(card_needs_keys(KNOWN | KEYS | ALL));
        assert_true(card_needs_keys(KNOWN | PIN | SM | ALL));
        assert_false(card_needs_keys(KNOWN | PIN | SM));
        assert_false(card_needs_keys(KNOWN | PIN | ALL));
        assert_false(card_needs_keys(KNOWN | NEVER));
        assert_false(card_needs_keys(KNOWN));
        assert_false(card_needs_keys(0));
}

static void a_refused_certificate_says_whom_it_waits_for(void **state _unused_)
{
        static const struct {
                const char *refusal, *fci; /* NULL: not asked */
                int outcome;
        } cases[] = {
                { "6982", "6F048C0201C1 9000", OUTCOME_NEEDS_ISSUER_KEYS },
                { "6982", "6F048C020121 9000", OUTCOME_NEEDS_ISSUER_KEYS },
                { "6982", "6F048C020111 9000", OUTCOME_CARD_NOT_SUPPORTED },
                { "6982", "6F048C0201FF 9000", OUTCOME_CARD_NOT_SUPPORTED },
                { "6982", "9000", OUTCOME_CARD_NOT_SUPPORTED },
                { "6982", "6A82", OUTCOME_CARD_NOT_SUPPORTED },
                { "6982", "!17", OUTCOME_CARD_REMOVED },
                { "6988", NULL, OUTCOME_NEEDS_ISSUER_KEYS },
                { "6A82", NULL, OUTCOME_CARD_NOT_SUPPORTED },
                { "6985", NULL, OUTCOME_CARD_NOT_SUPPORTED },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
                size_t len = 0;
                says(&s, LEAF_PATH, "9000");
                says(&s, "00B00000F8", cases[i].refusal);
                if (cases[i].fci)
                        says(&s, "00A4080004 51005040 00", cases[i].fci);
                int r = read_object(&s, OBJECT_CERTIFICATE_1, &len);
                if (r != cases[i].outcome)
                        fail_msg("case %zu: %d", i, r);
                check(&s);
        }
}

static void steps_are_taken_where_paths_are_unknown(void **state _unused_)
{
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        size_t len = 0;
        says(&s, LEAF_PATH, "6A86");
        says(&s, DF_5100, "9000");
        says(&s, EF_5040, "9000");
        says(&s, "00B00000F8", "6982");
        says(&s, "00A4020002 5040 00", "6F048C0201C1 9000");
        assert_int_equal(read_object(&s, OBJECT_CERTIFICATE_1, &len), OUTCOME_NEEDS_ISSUER_KEYS);
        check(&s);
}

int main(void)
{
        prepare();
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(published_shapes_are_understood),
                cmocka_unit_test(other_shapes_are_not_interpreted),
                cmocka_unit_test(keys_are_needed_only_where_nothing_else_would_do),
                cmocka_unit_test(a_refused_certificate_says_whom_it_waits_for),
                cmocka_unit_test(steps_are_taken_where_paths_are_unknown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
