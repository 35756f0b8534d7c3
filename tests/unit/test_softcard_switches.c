/* SPDX-License-Identifier: Apache-2.0 */
/* test_softcard_switches.c: each switch of the software card, flipped, changes what the card says.
 *
 * One row per value that is not the default: the same script, once without and once with it. A test
 * at the end compares this table with softcard_switches[], so that a value without a row fails.
 */
#include "softcard_piv_rows.h"
#include "softcard_talk.h"

#include <time.h>

struct row {
        const char *option, *others; /* others: given both times */
        const char *script, *without, *with;
};

#define DATES  INFO_DF "00A4020C020303 00B0000028"
#define FLAGS  MPCOS "00A4020C020010 "
#define LABEL  IAS "00CADF3000"
#define KEY    IAS "00CB00FF0AB6038301037F4902810000"
#define SIGNED IAS PIN MSE("42") HASH CDS

static const struct row rows[] = {
        { "aid=40", "profile=mav4", "00A4040C0CA00000001840000001634200", "6a82", "9000" },
        { "aid=0a", "profile=mav4", "00A4040C0CA0000000180A000001634200", "6a82", "9000" },
        { "le-over=6282", "", LEAF "00B00500F8", "*9000", "*6282" },
        { "le-over=6cxx", "", LEAF "00B00500F8", "*9000", "6c*" },
        { "le-data=short", "", MANAGER "80CA010115", "6c0d", "*9000" },
        { "ef-pad=600", "", LEAF "00B0070004", "6b00", "000000009000" },
        { "ef-pad-byte=ff", "ef-pad=600", LEAF "00B0070004", "000000009000", "ffffffff9000" },
        { "mpcos-offset=byte", "", INFO_DF "00A4020C020303 00B0000104", "003100349000",
                "12feff009000" },
        { "crn=0099900058", "", MANAGER "80CA01010D", "01010a303039393930303030379000",
                "01010a303039393930303035389000" },
        { "crn-trailing=5", "", MANAGER "80CA010100", "01010a*", "01010f*" },
        { "crn-trailing-at=after", "crn-trailing=5", MANAGER "80CA010100", "01010f*", "01010a*" },
        { "csn=1122334455667788", "", MANAGER "80CA9F7F2D", "~4201a1b2c3d40007",
                "~1122334455667788" },
        { "pin=99887766", "", IAS PIN, "9000", "63c2" },
        { "pin-max=5", "", IAS ASK, "63c3", "63c5" },
        { "blocked=6984", "", IAS WRONG WRONG WRONG ASK, "6983", "6984" },
        { "empty-verify=case1", "", IAS "0020008100", "63c3", "6700" },
        { "empty-verify=lc0", "", IAS ASK, "63c3", "6700" },
        { "empty-verify-mpcos=counts", "", ID_DF "00200000", "6700", "63c2" },
        { "verify-length=counts", "", IAS "002000810432353830", "6700", "63c2" },
        { "pin-reference-01=present", "", IAS "00200001", "6a88", "63c3" },
        { "start-verified=on", "", IAS ASK, "63c3", "9000" },
        { "do-a0=off", "", IAS "00CB00FF05A00383018100", "~df210103", "6a88" },
        { "do-a0=one", "", IAS "00CB00FF05A00383018100", "~df210103", "~df210101" },
        { "do-a0=none-left", "", IAS "00CB00FF05A00383018100", "~df210103", "~df210100" },
        { "do-a0=initial", "", IAS "00CB00FF05A00383018100", "~df2f0101", "~df2f0100" },
        { "certificate-rule=pin", "", LEAF "00B0000010", "*9000", "6982" },
        { "certificate-rule=keys", "", DF5100 "00A4020002504000", "~8c054bffffff00",
                "~8c054bffffff21" },
        { "certificate-rule=sm", "", DF5100 "00A4020002504000", "~8c054bffffff00",
                "~8c054bffffffc1" },
        { "failed-select=clears", "", IAS PIN "00A4040C05A000000099 " ASK, "9000", "63c3" },
        { "path-select=off", "", IAS "00A4080C0451005040", "9000", "6a86" },
        { "sibling-select=on", "", DF5100 "00A4000C025000", "6a82", "9000" },
        { "fci=62", "", DF5100 "00A4020002504000", "6f158102*", "62158102*" },
        { "fci=v5", "", DF5100 "00A4020002504000", "6f158102*", "6f158002*" },
        { "fci-without-le=data", "", "00A404000CA0000000180C000001634200", "9000", "6f*" },
        { "label=v3", "profile=mav4", LABEL, "~7634", "~7633" },
        { "label=v2", "profile=mav4", LABEL, "~7634", "~7632" },
        { "label=v4-bare", "profile=mav4", LABEL, "df30*", "c0*" },
        { "label=none", "profile=mav4", LABEL, "*9000", "6a88" },
        { "ca-file=absent", "", DF5000 "00A4020C020303", "9000", "6a82" },
        { "pardis-0303=present", "profile=pardis",
                PARDIS "00A4000C023F00 00A4000C025100 00A4000C020303", "6a82", "9000" },
        { "pardis-select=p1-00", "profile=pardis",
                PARDIS "00A4000C023F00 00A4000C025100 00A4020C025040", "9000", "6a82" },
        { "pardis-select=p1-02", "profile=pardis",
                PARDIS "00A4000C023F00 00A4000C025100 00A4000C025040", "9000", "6a82" },
        { "third-file=auth", "", DF5000 "00A4020C025040", "6a82", "9000" },
        { "key-ref=05", "", IAS MSE("42"), "9000", "6a88" },
        { "key-query=b6", "", KEY, "7f49*", "b6*" },
        { "key-query=bare", "", KEY, "7f49*", "81820100*" },
        { "key-query=off", "", KEY, "7f49*", "6a88" },
        { "sign=sign-once", "", SIGNED HASH CDS, "#258", "6982" },
        { "sign=sm-6982", "", SIGNED, "#258", "6982" },
        { "sign=sm-6988", "", SIGNED, "#258", "6988" },
        { "sign=sm-mse", "", IAS MSE("42"), "9000", "6982" },
        { "alg-42=off", "", IAS MSE("42"), "9000", "6a80" },
        { "alg-45=off", "", IAS MSE("45"), "9000", "6a80" },
        { "alg-02=off", "", IAS MSE("02"), "9000", "6a80" },
        { "alg-02-takes=bare-hash-padded", "", IAS MSE("02") HASH, "6a80", "9000" },
        { "alg-02-takes=bare-hash-adds-digestinfo", "", IAS MSE("02") HASH, "6a80", "9000" },
        { "cds-t0=direct", "profile=mav2-t0", SIGNED, "6100", "#258" },
        { "t0-extra=mute", "profile=mav2-t0", "00A4040C0CA0000000180C00000163420000", "6700",
                "!19" },
        { "t0-unfetched=info", "profile=mav2-t0",
                "00A404000CA0000000180C000001634200 00A4000C023F00", "6b00", "9000" },
        { "dates=nul", "", DATES, "b212feff00310034*", "b21200310034003000330030003500310037*" },
        { "dates=slash", "", DATES, "b212feff*", "b21200300033002f*" },
        { "dates=long-slash", "", DATES, "b212feff*", "b2120031003400300033002f*" },
        { "dates-order=le", "", DATES, "b212feff0031*", "b212fffe3100*" },
        { "dates-calendar=gregorian", "", DATES, "b212feff00310034*", "b212feff00320030*" },
        { "dates-digits=persian", "", DATES, "b212feff0031*", "b212feff06f1*" },
        { "versions=without", "", MPCOS "00A4010C020600 00A4020C020601 00B0000004", "cc0220e09000",
                "cc20e0d59000" },
        { "afis=01", "", INFO_DF "00A4020C020302 00B0000003", "ad01009000", "ad01019000" },
        { "pin-flags=initial", "", FLAGS "00B0000502", "5a109000", "ac109000" },
        { "nmoc=set", "", FLAGS "00B0000701", "009000", "029000" },
        { "journal=01", "", FLAGS "00B0000201", "009000", "019000" },
        { "journal=0f", "", FLAGS "00B0000301", "009000", "0f9000" },
        PIV_ROWS,
};

static void each_value_changes_an_answer(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char flipped[256];
                snprintf(flipped, sizeof flipped, "%s %s", rows[i].others, rows[i].option);
                _cleanup_card_ struct softcard *plain = card_with(*state, rows[i].others, NULL);
                _cleanup_card_ struct softcard *other = card_with(*state, flipped, NULL);
                talk_expect(plain, rows[i].script, rows[i].without);
                talk_expect(other, rows[i].script, rows[i].with);
        }
}

/* Tested by themselves below and in test_softcard.c, or no behaviour of the card. */
static bool has_own_test(const char *name)
{
        static const char *const own[] = { "profile", "pki", "leaf", "laid-back", "replay",
                "piv-leaf", "delay-ms", "sign-ms" };
        for (size_t i = 0; i < ARRAY_LEN(own); i++)
                if (strcmp(own[i], name) == 0)
                        return true;
        return false;
}

static bool has_row(const char *option)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (strcmp(rows[i].option, option) == 0)
                        return true;
        return false;
}

static bool has_row_of(const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (strncmp(rows[i].option, name, strlen(name)) == 0 &&
                        rows[i].option[strlen(name)] == '=')
                        return true;
        return false;
}

/* Enumerated values need a row each; of ranges, digits and the sixteen key references one will do. */
static void check_values(const struct softcard_switch *row)
{
        char values[256], option[256];
        bool one_will_do = strcmp(row->name, "key-ref") == 0;
        snprintf(values, sizeof values, "%s", row->values);
        for (char *save = NULL, *v = strtok_r(values, "|", &save); v;
                v = strtok_r(NULL, "|", &save)) {
                snprintf(option, sizeof option, "%s=%s", row->name, v);
                if (strcmp(v, row->fallback) == 0 || one_will_do || strpbrk(v, "*.") ||
                        has_row(option))
                        continue;
                fail_msg("no row for %s", option);
        }
}

static void no_value_is_without_a_row(void **state _unused_)
{
        for (const struct softcard_switch *row = softcard_switches; row->name; row++) {
                if (has_own_test(row->name))
                        continue;
                if (!has_row_of(row->name))
                        fail_msg("no row for %s", row->name);
                check_values(row);
        }
}

static const struct softcard_switch *switch_named(const char *name)
{
        for (const struct softcard_switch *row = softcard_switches; row->name; row++)
                if (strcmp(row->name, name) == 0)
                        return row;
        return NULL;
}

static void each_leaf_is_another_certificate(void **state)
{
        char values[256], seen[16][512];
        size_t count = 0;
        snprintf(values, sizeof values, "%s", switch_named("leaf")->values);
        for (char *save = NULL, *v = strtok_r(values, "|", &save); v;
                v = strtok_r(NULL, "|", &save)) {
                char option[64];
                snprintf(option, sizeof option, "leaf=%s", v);
                _cleanup_card_ struct softcard *card = card_with(*state, option, NULL);
                struct talk head = talk(card, LEAF "00B00000F0");
                assert_int_equal(head.len, 242);
                hex_encode(seen[count], head.answer, 242);
                for (size_t i = 0; i < count; i++)
                        assert_string_not_equal(seen[i], seen[count]);
                count++;
        }
        assert_int_equal(count, 11);
}

static long elapsed_ms(struct softcard *card, const char *script)
{
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        talk(card, script);
        clock_gettime(CLOCK_MONOTONIC, &b);
        return (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
}

/* Only that the time is spent: how much more a loaded machine takes is no matter of the card. */
static void delays_are_slept(void **state)
{
        _cleanup_card_ struct softcard *slow = card_with(*state, "delay-ms=20", NULL);
        _cleanup_card_ struct softcard *signs = card_with(*state, "sign-ms=60", NULL);
        assert_true(elapsed_ms(slow, IAS ASK ASK) >= 60);
        assert_true(elapsed_ms(signs, SIGNED) >= 60);
}

static void bad_options_are_named(void **state)
{
        static const char *const bad[] = { "le-over=maybe", "ef-pad=601", "ef-pad=-1", "pin=123",
                "pin=123456789", "pin=12a4", "nonsense=1", "le-over", "csn=1234", "key-ref=10",
                "profile=omid2", "pin-max=2", "fault=removal", "fault=explode@3", "fault=removal@0",
                "fault=truncate@3:after", "fault=wrong-sw@3", "fault=wrong-sw=90@3",
                "fault=mute@verify:now", "fault=reset@3#2" };
        char pki[256];
        snprintf(pki, sizeof pki, "pki=%s", (char *)*state);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                struct softcard *card = NULL;
                const char *named = NULL;
                int r = softcard_new(
                        &card, (const char *const[]){ pki, bad[i], NULL }, NULL, &named);
                if (r != -EINVAL || named != bad[i])
                        fail_msg("%s: %d, named %s", bad[i], r, named ? named : "nothing");
        }
}

static void missing_keys_are_named(void **state _unused_)
{
        struct softcard *card = NULL;
        const char *named = NULL, *pki = "pki=/nowhere";
        assert_int_equal(
                softcard_new(&card, (const char *const[]){ pki, NULL }, NULL, &named), -ENOENT);
        assert_ptr_equal(named, pki);
}

static void keys_are_made_only_in_an_empty_folder(void **state)
{
        assert_int_equal(softcard_make_pki(*state), -ENOTEMPTY);
        assert_int_equal(softcard_make_pki("/nowhere"), -ENOENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_value_changes_an_answer),
                cmocka_unit_test(no_value_is_without_a_row),
                cmocka_unit_test(each_leaf_is_another_certificate),
                cmocka_unit_test(delays_are_slept),
                cmocka_unit_test(bad_options_are_named),
                cmocka_unit_test(missing_keys_are_named),
                cmocka_unit_test(keys_are_made_only_in_an_empty_folder),
        };
        return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}
