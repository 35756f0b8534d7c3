/* SPDX-License-Identifier: Apache-2.0 */
/* test_usb_t1.c: conversations in T=1 after the scenarios of ISO/IEC 7816-3:2006 annex A, block by block,
 * and the ones that annex leaves out: what a card may do to have a command executed twice.
 *
 * A line is "> BLOCK" from us, "< BLOCK" from the card, both without their last byte, which the test
 * adds; "< ?" garbles the line, "< BLOCK !" has a wrong checksum, "< =RAW" is taken as it stands,
 * "< gone" is a card taken out. "bwi N" is what the reader is told for the block that follows.
 */
#include "tests/unit/usb_script.h"

#include "drivers/usb/atr_params.h"
#include "drivers/usb/t0.h"
#include "drivers/usb/t1.h"

#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct talk {
        const char *const *lines;
        size_t at;
        struct t1 t1;
        uint8_t rsp[64];
        size_t len;
};

static uint8_t sum(const uint8_t *data, size_t len)
{
        uint8_t x = 0;
        for (size_t i = 0; i < len; i++)
                x ^= data[i];
        return x;
}

static void hear(struct talk *talk, const char *hex, const uint8_t *out, size_t out_len)
{
        uint8_t want[T1_BLOCK_MAX];
        size_t len = script_hex(hex, want, sizeof want);
        want[len] = sum(want, len);
        if (out_len != len + 1 || memcmp(out, want, out_len) != 0) {
                char is[2 * T1_BLOCK_MAX + 1];
                hex_encode(is, out, out_len);
                fail_msg("line %zu is \"%s\", the driver sent %s", talk->at - 1, hex, is);
        }
}

static size_t say(const char *text, uint8_t *in)
{
        char hex[2 * T1_BLOCK_MAX + 1];
        (void)snprintf(hex, sizeof hex, "%s", text + (text[0] == '='));
        bool wrong = strchr(hex, '!') != NULL;
        hex[strcspn(hex, "!")] = '\0';
        size_t len = script_hex(hex, in, T1_BLOCK_MAX - 1);
        if (text[0] != '=') {
                in[len] = sum(in, len);
                len++;
        }
        if (wrong)
                in[len - 1] ^= 0x5A;
        return len;
}

static int block(void *ctx, const uint8_t *out, size_t out_len, uint8_t bwi, uint8_t *in,
        size_t cap, size_t *ret_len)
{
        struct talk *talk = ctx;
        assert_int_equal(cap, T1_BLOCK_MAX);
        unsigned int want_bwi = 0;
        const char *line = talk->lines[talk->at++];
        if (line && sscanf(line, "bwi %u", &want_bwi) == 1)
                line = talk->lines[talk->at++];
        assert_int_equal(bwi, want_bwi);
        if (!line || line[0] != '>')
                fail_msg("line %zu is \"%s\", and the driver sends", talk->at - 1,
                        line ? line : "-");
        hear(talk, line + 2, out, out_len);
        line = talk->lines[talk->at++];
        assert_true(line && line[0] == '<');
        if (strcmp(line, "< ?") == 0)
                return -EIO;
        if (strcmp(line, "< gone") == 0)
                return OUTCOME_CARD_REMOVED;
        *ret_len = say(line + 2, in);
        return 0;
}

static void begin(struct talk *talk, uint8_t ifsc, const char *const *lines)
{
        *talk = (struct talk){ .lines = lines };
        struct t1_line line = { .block = block, .ctx = talk };
        t1_init(&talk->t1, &line, ifsc, false);
}

static void finish(const struct talk *talk)
{
        if (talk->lines[talk->at])
                fail_msg("line %zu did not happen: %s", talk->at, talk->lines[talk->at]);
}

static int exchange(struct talk *talk, const char *hex)
{
        uint8_t cmd[64];
        size_t len = script_hex(hex, cmd, sizeof cmd);
        return t1_exchange(&talk->t1, cmd, len, talk->rsp, sizeof talk->rsp, &talk->len);
}

static void answered(const struct talk *talk, const char *hex)
{
        uint8_t want[64];
        size_t len = script_hex(hex, want, sizeof want);
        assert_int_equal(talk->len, len);
        assert_memory_equal(talk->rsp, want, len);
}

/* One command on a fresh card with an IFSC of 4. */
static void check(const char *cmd, int expected, const char *answer, const char *const *lines)
{
        struct talk talk;
        begin(&talk, 4, lines);
        int r = exchange(&talk, cmd);
        if (r != expected)
                fail_msg("%d instead of %d at line %zu", r, expected, talk.at);
        if (r == 0)
                answered(&talk, answer);
        finish(&talk);
}

#define CMD   "00A40000"
#define I0    "> 000004 00A40000"
#define CHAIN "00D6000002AABB" /* seven bytes: four and three */
#define C0    "> 002004 00D60000"
#define C1    "> 004003 02AABB"

static void numbers_alternate(void **state)
{
        (void)state;
        struct talk talk;
        begin(&talk, 32,
                LINES("> 000001 11", "< 000002 9000", "> 004001 22", "< 004002 9000", "> 000001 33",
                        "< 000002 9000"));
        assert_int_equal(exchange(&talk, "11"), 0);
        assert_int_equal(exchange(&talk, "22"), 0);
        assert_int_equal(exchange(&talk, "33"), 0);
        answered(&talk, "9000");
        finish(&talk);
}

static void long_commands_are_chained(void **state)
{
        (void)state;
        check(CHAIN, 0, "9000", LINES(C0, "< 009000", C1, "< 000002 9000"));
}

static void long_answers_are_collected(void **state)
{
        (void)state;
        check(CMD, 0, "0102039000",
                LINES(I0, "< 002002 0102", "> 009000", "< 006001 03", "> 008000", "< 000002 9000"));
}

static void both_ways_are_chained_in_one_exchange(void **state)
{
        (void)state;
        check(CHAIN, 0, "AA9000",
                LINES(C0, "< 009000", C1, "< 002001 AA", "> 009000", "< 004002 9000"));
}

static void the_card_may_take_more_time(void **state)
{
        (void)state;
        check(CMD, 0, "9000",
                LINES(I0, "< 00C301 05", "bwi 5", "> 00E301 05", "< 00C301 01", "bwi 1",
                        "> 00E301 01", "< 000002 9000"));
        check(CHAIN, 0, "9000",
                LINES(C0, "< 00C301 02", "bwi 2", "> 00E301 02", "< 009000", C1, "< 000002 9000"));
}

static void the_card_may_change_its_ifsc(void **state)
{
        (void)state;
        check(CHAIN, 0, "9000",
                LINES(C0, "< 00C101 02", "> 00E101 02", "< 009000", "> 006002 02AA", "< 008000",
                        "> 000001 BB", "< 000002 9000"));
        check(CMD, OUTCOME_TIMED_OUT, "",
                LINES(I0, "< 00C101 00", "> 008200", "< 00C101 FF", "> 008200", "< 00C102 2020"));
}

static void an_answer_that_was_garbled_is_asked_for_again(void **state)
{
        (void)state;
        check(CMD, 0, "9000", LINES(I0, "< 000002 9000 !", "> 008100", "< 000002 9000"));
        check(CMD, 0, "9000", LINES(I0, "< ?", "> 008200", "< 000002 9000"));
        check(CMD, 0, "9000", LINES(I0, "< ?", "> 008200", "< =", "> 008100", "< 000002 9000"));
        check(CMD, 0, "019000",
                LINES(I0, "< 002001 01", "> 009000", "< 004002 9000 !", "> 009100",
                        "< 004002 9000"));
}

static void a_block_that_the_card_has_not_got_is_sent_again(void **state)
{
        (void)state;
        check(CMD, 0, "9000", LINES(I0, "< 008100", I0, "< 000002 9000"));
        check(CMD, 0, "9000", LINES(I0, "< ?", "> 008200", "< 008200", I0, "< 000002 9000"));
        check(CHAIN, 0, "9000",
                LINES(C0, "< 008100", C0, "< 009000", C1, "< 009100", C1, "< 000002 9000"));
}

static void a_receipt_that_was_garbled_is_sent_again(void **state)
{
        (void)state;
        check(CMD, 0, "019000",
                LINES(I0, "< 002001 01", "> 009000", "< 009100", "> 009000", "< 004002 9000"));
}

static void blocks_of_a_wrong_shape_are_asked_for_again(void **state)
{
        (void)state;
        static const char *const bad[] = {
                "< 004002 9000", /* a number that is not due */
                "< 010002 9000", /* another node */
                "< 000003 9000", /* a wrong length */
                "< 000001 9000", /* the same */
                "< 000102 9000", /* a reserved bit */
                "< 00A000",      /* an R-block with a reserved bit */
                "< 008001 00",   /* an R-block with something in it */
                "< 009000",      /* received, and nothing more: that is no answer */
                "< 00E000",      /* nobody asked for a RESYNCH */
                "< 00C000",      /* which is not the card's to ask */
                "< 00C300",      /* no time at all */
                "< 00C301 00",   /* the same */
                "< 00FF00",      /* nothing known */
        };
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                check(CMD, 0, "9000", LINES(I0, bad[i], "> 008200", "< 000002 9000"));
        }
}

static void a_command_that_the_card_may_have_is_never_sent_again(void **state)
{
        (void)state;
        /* Mute: asked for its answer, given up. No RESYNCH, after which it would count as new. */
        check(CMD, OUTCOME_TIMED_OUT, "", LINES(I0, "< ?", "> 008200", "< ?", "> 008200", "< ?"));
        /* It says that it has it, for ever. */
        check(CMD, OUTCOME_TIMED_OUT, "",
                LINES(I0, "< 009000", "> 008200", "< 009000", "> 008200", "< 009000"));
        /* The answer never gets through. */
        check(CMD, OUTCOME_TIMED_OUT, "",
                LINES(I0, "< 000002 9000 !", "> 008100", "< 000002 9000 !", "> 008100",
                        "< 000002 9000 !"));
        /* The last block of a chain is what completes the command. */
        check(CHAIN, OUTCOME_TIMED_OUT, "",
                LINES(C0, "< 009000", C1, "< ?", "> 008200", "< ?", "> 008200", "< ?"));
}

static void a_card_that_never_gets_it_is_given_up(void **state)
{
        (void)state;
        check(CMD, OUTCOME_TIMED_OUT, "", LINES(I0, "< 008100", I0, "< 008100", I0, "< 008100"));
}

static void an_unfinished_command_begins_anew_after_a_resynch(void **state)
{
        (void)state;
        check(CHAIN, 0, "9000",
                LINES(C0, "< ?", "> 008200", "< ?", "> 008200", "< ?", "> 00C000", "< 00E000", C0,
                        "< 009000", C1, "< 000002 9000"));
        check(CHAIN, 0, "9000", /* the RESYNCH itself is repeated */
                LINES(C0, "< ?", "> 008200", "< ?", "> 008200", "< ?", "> 00C000", "< ?",
                        "> 00C000", "< 008000", "> 00C000", "< 00E000", C0, "< 009000", C1,
                        "< 000002 9000"));
        check(CHAIN, OUTCOME_TIMED_OUT, "", /* once */
                LINES(C0, "< ?", "> 008200", "< ?", "> 008200", "< ?", "> 00C000", "< 00E000", C0,
                        "< ?", "> 008200", "< ?", "> 008200", "< ?"));
        check(CHAIN, OUTCOME_TIMED_OUT, "", /* three times at most */
                LINES(C0, "< ?", "> 008200", "< ?", "> 008200", "< ?", "> 00C000", "< ?",
                        "> 00C000", "< ?", "> 00C000", "< ?"));
}

static void an_answer_before_the_command_is_complete_is_none(void **state)
{
        (void)state;
        check(CHAIN, 0, "9000",
                LINES(C0, "< 000002 9000", "> 008200", "< 009000", C1, "< 000002 9000"));
}

static void an_abort_ends_the_exchange(void **state)
{
        (void)state;
        check(CMD, OUTCOME_TIMED_OUT, "", LINES(I0, "< 00C200"));
}

static void a_card_taken_out_ends_it_at_once(void **state)
{
        (void)state;
        check(CMD, OUTCOME_CARD_REMOVED, "", LINES(I0, "< gone"));
        check(CHAIN, OUTCOME_CARD_REMOVED, "",
                LINES(C0, "< ?", "> 008200", "< ?", "> 008200", "< ?", "> 00C000", "< gone"));
}

static void an_answer_over_the_buffer_is_refused(void **state)
{
        (void)state;
        struct talk talk;
        uint8_t small[3];
        size_t len = 0;
        begin(&talk, 32, LINES("> 000001 00", "< 002002 0102", "> 009000", "< 004002 9000"));
        assert_int_equal(
                t1_exchange(&talk.t1, (const uint8_t *)"", 1, small, sizeof small, &len), -EBADMSG);
        finish(&talk);
}

static void the_card_is_told_our_ifsd(void **state)
{
        (void)state;
        struct talk talk;
        begin(&talk, 32, LINES("> 00C101 FE", "< 00E101 FE"));
        assert_int_equal(t1_set_ifsd(&talk.t1, 254), 0);
        finish(&talk);
        begin(&talk, 32,
                LINES("> 00C101 FE", "< 008100", "> 00C101 FE", "< 00E101 FE !", "> 00C101 FE",
                        "< 00E101 FE"));
        assert_int_equal(t1_set_ifsd(&talk.t1, 254), 0);
        finish(&talk);
        begin(&talk, 32,
                LINES("> 00C101 FE", "< ?", "> 00C101 FE", "< ?", "> 00C101 FE", "< ?", "> 00C000",
                        "< 00E000", "> 00C101 FE", "< 00E101 FE"));
        assert_int_equal(t1_set_ifsd(&talk.t1, 254), 0);
        finish(&talk);
        begin(&talk, 32,
                LINES("> 00C101 FE", "< 00E101 20", "> 00C101 FE", "< 00E100", "> 00C101 FE", "< ?",
                        "> 00C000", "< ?", "> 00C000", "< ?", "> 00C000", "< ?"));
        assert_int_equal(t1_set_ifsd(&talk.t1, 254), OUTCOME_TIMED_OUT);
        finish(&talk);
}

/* A card with CRC, as a mirror: it sends back what it got, which must then check. */
static int mirror(void *ctx, const uint8_t *out, size_t out_len, uint8_t bwi, uint8_t *in,
        size_t cap, size_t *ret_len)
{
        (void)bwi;
        assert_true(out_len <= cap);
        memcpy(in, out, out_len);
        in[out_len - 1] ^= *(uint8_t *)ctx;
        *ret_len = out_len;
        return 0;
}

/* What a reader's own firmware put on the wire, and what a card answered (github.com/popovec/oseid). */
static int published(void *ctx, const uint8_t *out, size_t out_len, uint8_t bwi, uint8_t *in,
        size_t cap, size_t *ret_len)
{
        (void)ctx, (void)bwi;
        assert_true(cap >= 6 && out_len == 6);
        assert_memory_equal(out, "\x00\xC1\x01\xFE\x54\x4E", 6);
        memcpy(in, "\x00\xE1\x01\xFE\x57\x75", 6);
        *ret_len = 6;
        return 0;
}

static void crc_is_the_one_on_the_wire(void **state)
{
        (void)state;
        struct t1 t1;
        struct t1_line line = { .block = published };
        t1_init(&t1, &line, 254, true);
        assert_int_equal(t1_set_ifsd(&t1, 254), 0);
}

static void crc_checks_and_notices(void **state)
{
        (void)state;
        uint8_t flip = 0, rsp[8];
        size_t len = 0;
        struct t1 t1;
        struct t1_line line = { .block = mirror, .ctx = &flip };
        t1_init(&t1, &line, 32, true);
        assert_int_equal(
                t1_exchange(&t1, (const uint8_t *)"\x90\x00", 2, rsp, sizeof rsp, &len), 0);
        assert_int_equal(len, 2);
        flip = 1;
        t1_init(&t1, &line, 32, true);
        assert_int_equal(t1_exchange(&t1, (const uint8_t *)"\x90\x00", 2, rsp, sizeof rsp, &len),
                OUTCOME_TIMED_OUT);
}

/* T=0 */

static void apdus_become_tpdus(void **state)
{
        (void)state;
        static const struct {
                const char *apdu, *tpdu;
        } rows[] = {
                { "00200081", "0020008100" },   /* case 1 */
                { "00B0000010", "00B0000010" }, /* case 2 */
                { "00B0000000", "00B0000000" },
                { "00A40004023F00", "00A40004023F00" },   /* case 3 */
                { "00A40004023F0000", "00A40004023F00" }, /* case 4 */
                { "", NULL },
                { "00A400", NULL },
                { "00A4000402", "00A4000402" }, /* no data: that is Le */
                { "00A40004023F", NULL },
                { "00A40004023F000000", NULL },
                { "00B0000000000A", NULL }, /* extended */
                { "00A4000400000200FF", NULL },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                uint8_t apdu[16], tpdu[T0_TPDU_MAX], want[16];
                size_t len = script_hex(rows[i].apdu, apdu, sizeof apdu);
                ssize_t n = t0_tpdu(tpdu, apdu, len);
                if (!rows[i].tpdu) {
                        assert_int_equal(n, -EMSGSIZE);
                        continue;
                }
                size_t want_len = script_hex(rows[i].tpdu, want, sizeof want);
                assert_int_equal(n, want_len);
                assert_memory_equal(tpdu, want, want_len);
        }
}

static void the_longest_tpdu_fits(void **state)
{
        (void)state;
        uint8_t apdu[261] = { 0, 0xD6, 0, 0, 255 }, tpdu[T0_TPDU_MAX];
        assert_int_equal(t0_tpdu(tpdu, apdu, 261), 260);
        assert_int_equal(t0_tpdu(tpdu, apdu, 260), 260);
}

/* ATR */

struct wanted {
        const char *atr;
        uint8_t fi_di, guard, waiting, first, ifsc, bwi_cwi;
        uint16_t offered;
        bool specific, implicit, crc, inverse;
        const char *historical;
};

static void answers_to_reset_are_read(void **state)
{
        (void)state;
        /* clang-format off */
        static const struct wanted rows[] = {
                /* Cards of card-facts 1.4, contact and contactless. */
                { "3B7F94000080318065B0850201F3120FFF829000", 0x94, 0, 10, 0, 32, 0x4D, 1, false, false, false, false, "80318065B0850201F3120FFF829000" },
                { "3BFF9600008131FE4380318065B085040011120FFF829000E0", 0x96, 0, 10, 1, 254, 0x43, 2, false, false, false, false, "80318065B085040011120FFF829000" },
                { "3BDB97008131FE85801349524E7396715B91302F", 0x97, 0, 10, 1, 254, 0x85, 2, false, false, false, false, "801349524E7396715B9130" },
                { "3B8F800180318065B0850300EF120FFF82900073", 0x11, 0, 10, 0, 32, 0x4D, 3, false, false, false, false, "80318065B0850300EF120FFF829000" },
                /* The least there is; both conventions. */
                { "3B00", 0x11, 0, 10, 0, 32, 0x4D, 1, false, false, false, false, "" },
                { "3F00", 0x11, 0, 10, 0, 32, 0x4D, 1, false, false, false, true, "" },
                /* TC1 and TC2. */
                { "3B4011", 0x11, 0x11, 10, 0, 32, 0x4D, 1, false, false, false, false, "" },
                { "3B804017", 0x11, 0, 0x17, 0, 32, 0x4D, 1, false, false, false, false, "" },
                /* Specific mode, T=1; speed by agreement. */
                { "3B901890018100", 0x18, 0, 10, 1, 32, 0x4D, 3, true, false, false, false, "" },
                { "3B801011", 0x11, 0, 10, 1, 32, 0x4D, 3, true, true, false, false, "" },
                /* T=1 with CRC; a reserved IFSC is none; T=15 belongs to nobody. */
                { "3B8081 71 40 55 01 00", 0x11, 0, 10, 1, 64, 0x55, 2, false, false, true, false, "" },
                { "3B8081 11 FF 00", 0x11, 0, 10, 1, 32, 0x4D, 2, false, false, false, false, "" },
                { "3B80 80 1F 05 00", 0x11, 0, 10, 0, 32, 0x4D, 1, false, false, false, false, "" },
        };
        /* clang-format on */
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const struct wanted *row = &rows[i];
                uint8_t atr[64], historical[16];
                struct atr_params is;
                size_t len = script_hex(row->atr, atr, sizeof atr);
                assert_int_equal(atr_params_parse(atr, len, &is), 0);
                bool same = is.fi_di == row->fi_di && is.guard == row->guard &&
                            is.waiting == row->waiting && is.first == row->first &&
                            is.ifsc == row->ifsc && is.bwi_cwi == row->bwi_cwi &&
                            is.offered == row->offered && is.specific == row->specific &&
                            is.implicit == row->implicit && is.crc == row->crc &&
                            is.inverse == row->inverse;
                size_t n = script_hex(row->historical, historical, sizeof historical);
                if (!same || !view_eq(is.historical, historical, n))
                        fail_msg("row %zu: %02x %u %u T=%u %u %02x %x", i, is.fi_di, is.guard,
                                is.waiting, is.first, is.ifsc, is.bwi_cwi, is.offered);
        }
}

static void what_is_no_answer_to_reset_is_refused(void **state)
{
        (void)state;
        static const char *const bad[] = {
                "",
                "3B",
                "3C00",
                "3B10",
                "3B80",
                "3B01",
                "3B8080808080808080808080808080808080808080808080808080808080808080",
                "3B0F000102030405060708090A0B0C0D0E000102030405060708090A0B0C0D0E0F10",
        };
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                uint8_t atr[64];
                struct atr_params is;
                size_t len = script_hex(bad[i], atr, sizeof atr);
                assert_int_equal(atr_params_parse(atr, len, &is), -EBADMSG);
        }
}

static void speeds_are_those_of_the_standard(void **state)
{
        (void)state;
        assert_int_equal(atr_f(0x11), 372);
        assert_int_equal(atr_d(0x11), 1);
        assert_int_equal(atr_f(0x96), 512);
        assert_int_equal(atr_d(0x96), 32);
        assert_int_equal(atr_d(0x18), 12);
        assert_int_equal(atr_f(0x70), 0);
        assert_int_equal(atr_d(0x10), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_alternate),
                cmocka_unit_test(long_commands_are_chained),
                cmocka_unit_test(long_answers_are_collected),
                cmocka_unit_test(both_ways_are_chained_in_one_exchange),
                cmocka_unit_test(the_card_may_take_more_time),
                cmocka_unit_test(the_card_may_change_its_ifsc),
                cmocka_unit_test(an_answer_that_was_garbled_is_asked_for_again),
                cmocka_unit_test(a_block_that_the_card_has_not_got_is_sent_again),
                cmocka_unit_test(a_receipt_that_was_garbled_is_sent_again),
                cmocka_unit_test(blocks_of_a_wrong_shape_are_asked_for_again),
                cmocka_unit_test(a_command_that_the_card_may_have_is_never_sent_again),
                cmocka_unit_test(a_card_that_never_gets_it_is_given_up),
                cmocka_unit_test(an_unfinished_command_begins_anew_after_a_resynch),
                cmocka_unit_test(an_answer_before_the_command_is_complete_is_none),
                cmocka_unit_test(an_abort_ends_the_exchange),
                cmocka_unit_test(a_card_taken_out_ends_it_at_once),
                cmocka_unit_test(an_answer_over_the_buffer_is_refused),
                cmocka_unit_test(the_card_is_told_our_ifsd),
                cmocka_unit_test(crc_checks_and_notices),
                cmocka_unit_test(crc_is_the_one_on_the_wire),
                cmocka_unit_test(apdus_become_tpdus),
                cmocka_unit_test(the_longest_tpdu_fits),
                cmocka_unit_test(answers_to_reset_are_read),
                cmocka_unit_test(what_is_no_answer_to_reset_is_refused),
                cmocka_unit_test(speeds_are_those_of_the_standard),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
