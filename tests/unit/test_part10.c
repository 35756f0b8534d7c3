/* SPDX-License-Identifier: Apache-2.0 */
/* test_part10.c: what a reader says of its keys, true or not, and what it is told (PC/SC part 10, 2.2, 2.3,
 * 2.5.2, 2.5.3, 2.6.14). The structures are typed in from the document, byte by byte.
 */
#include "drivers/pcsc.h"

#include <reader.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define LIST_MAX 300

/* A string of hex, blanks allowed, as bytes. */
static struct view bytes_of(const char *hex)
{
        static uint8_t bytes[2][LIST_MAX];
        static unsigned int turn;
        char packed[2 * LIST_MAX + 1];
        size_t used = 0;
        uint8_t *dst = bytes[turn++ % 2];
        for (; *hex; hex++)
                if (*hex != ' ')
                        packed[used++] = *hex;
        packed[used] = '\0';
        ssize_t len = hex_decode(dst, LIST_MAX, packed);
        assert_true(len >= 0);
        return (struct view){ dst, (size_t)len };
}

/* ---- lists ---------------------------------------------------------------------------------------- */

#define VERIFY "06 04 42330006 "
#define MODIFY "07 04 42330007 "
#define SHORT  "0A 04 4233000A "
#define TAGGED "12 04 42330012 "
#define OTHER  "13 04 42000001 "

static void a_list_of_features_is_read_in_any_order(void **state _unused_)
{
        struct part10_features found;
        assert_int_equal(
                part10_features_decode(bytes_of(VERIFY MODIFY SHORT TAGGED OTHER), &found), 0);
        assert_int_equal(found.verify, 0x42330006);
        assert_int_equal(found.modify, 0x42330007);
        assert_int_equal(found.pin_properties, 0x4233000A);
        assert_int_equal(found.tlv_properties, 0x42330012);
        assert_int_equal(part10_features_decode(bytes_of(OTHER TAGGED), &found), 0);
        assert_int_equal(found.verify, 0);
        assert_int_equal(found.tlv_properties, 0x42330012);
        assert_int_equal(part10_features_decode(bytes_of(""), &found), 0);
        assert_int_equal(found.tlv_properties, 0);
}

static void a_list_out_of_shape_is_refused_whole(void **state _unused_)
{
        static const char *const bad[] = { "06", "06 04", "06 04 423300", VERIFY "07",
                VERIFY "07 04 423300", "06 03 423300", "06 05 4233000600", "06 00",
                "06 FF 42330006", VERIFY VERIFY, VERIFY OTHER MODIFY "06 04 42330009", OTHER OTHER,
                "06 04 00000000", VERIFY "00" };
        struct part10_features found = { .verify = 7 };
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                if (part10_features_decode(bytes_of(bad[i]), &found) != -EBADMSG)
                        fail_msg("taken: %s", bad[i]);
                assert_int_equal(found.verify, 7);
        }
}

static void properties_are_little_endian(void **state _unused_)
{
        struct part10_properties found;
        assert_int_equal(part10_properties_decode(
                                 bytes_of("01 02 1002  02 01 07  03 01 00  06 01 04  07 01 0C"
                                          " 08 03 414243  0A 04 00000100  0B 02 E608"),
                                 &found),
                0);
        assert_int_equal(found.display, 0x0210);
        assert_int_equal(found.validation, 7);
        assert_int_equal(found.min, 4);
        assert_int_equal(found.max, 12);
        assert_int_equal(part10_pin_properties_decode(bytes_of("1002 07 00"), &found), 0);
        assert_int_equal(found.display, 0x0210);
        assert_int_equal(found.validation, 7);
        assert_int_equal(found.min + found.max, 0);
}

static void properties_out_of_shape_are_refused(void **state _unused_)
{
        static const char *const bad[] = { "01", "01 02", "01 02 10", "01 01 10", "01 04 10000000",
                "06 00", "06 02 0400", "07 FF 08", "06 01 04 06 01 04", "08 02 4142 08 02 4142",
                "02 01" };
        struct part10_properties found = { .min = 9 };
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(part10_properties_decode(bytes_of(bad[i]), &found), -EBADMSG);
        assert_int_equal(part10_pin_properties_decode(bytes_of("100207"), &found), -EBADMSG);
        assert_int_equal(part10_pin_properties_decode(bytes_of("1002070000"), &found), -EBADMSG);
        assert_int_equal(part10_pin_properties_decode(bytes_of(""), &found), -EBADMSG);
        assert_int_equal(found.min, 9);
}

static void keys_on_which_not_every_pin_can_be_typed_are_not_used(void **state _unused_)
{
        static const struct {
                struct part10_properties properties;
                uint8_t usable;
        } cases[] = {
                { { 0 }, PINPAD_VERIFY | PINPAD_MODIFY },
                { { .display = 0x0210 }, PINPAD_ALL },
                { { .validation = 7, .min = 4, .max = 8 }, PINPAD_VERIFY | PINPAD_MODIFY },
                { { .validation = 2, .min = 1, .max = 16 }, PINPAD_VERIFY | PINPAD_MODIFY },
                { { .validation = 5 }, 0 }, /* ends by itself: no key says "ready" */
                { { .min = 5 }, 0 },
                { { .max = 7 }, 0 },
        };
        const struct part10_features both = { .verify = 1, .modify = 2 }, none = { 0 };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                assert_int_equal(part10_usable(&both, &cases[i].properties), cases[i].usable);
                assert_int_equal(part10_usable(&none, &cases[i].properties) & PINPAD_VERIFY, 0);
        }
}

/* ---- structures ----------------------------------------------------------------------------------- */

static void expect(const struct part10_call *call, const char *hex)
{
        struct view wanted = bytes_of(hex);
        assert_int_equal(call->len, wanted.len);
        assert_memory_equal(call->bytes, wanted.data, wanted.len);
}

static void verify_is_written_as_the_document_says(void **state _unused_)
{
        struct part10_call call;
        struct apdu_pinpad how = {
                .ins = 0x20, .p2 = 0x81, .block_len = 16, .min = 4, .max = 8, .language = 0x0409
        };
        /* timers, format, block, length format, digits, validation, messages, language, index, prologue,
         * length, command */
        assert_int_equal(part10_verify(&how, true, &call), 0);
        expect(&call, "2D 14 82 08 00 0804 02 01 0904 00 000000 15000000"
                      "00200081 10 00000000000000000000000000000000");
        assert_int_equal(part10_verify(&how, false, &call), 0);
        assert_int_equal(call.bytes[8], 0);
        how.seconds = 7;
        assert_int_equal(part10_verify(&how, false, &call), 0);
        assert_int_equal(call.bytes[0], 7);
        how.seconds = 200;
        how.p2 = 0x80;
        how.block_len = 8;
        how.pad = 0xFF;
        how.min = 6;
        assert_int_equal(part10_verify(&how, false, &call), 0);
        expect(&call, "2D 14 82 08 00 0806 02 00 0904 00 000000 0D000000"
                      "00200080 08 FFFFFFFFFFFFFFFF");
}

static void a_change_is_written_as_the_document_says(void **state _unused_)
{
        struct part10_call call;
        struct apdu_pinpad how = { .ins = 0x24,
                .p2 = 0x80,
                .block_len = 8,
                .pad = 0xFF,
                .min = 6,
                .max = 8,
                .new_offset = 8,
                .asks_old = true,
                .language = 0x0409 };
        assert_int_equal(part10_modify(&how, true, &call), 0);
        expect(&call, "2D 14 82 08 00 00 08 0806 03 02 03 0904 00 01 02 000000 15000000"
                      "00240080 10 FFFFFFFFFFFFFFFF FFFFFFFFFFFFFFFF");
        how.asks_old = false;
        how.new_offset = 0;
        assert_int_equal(part10_modify(&how, true, &call), 0);
        expect(&call, "2D 14 82 08 00 00 00 0806 01 02 02 0904 01 02 00 000000 0D000000"
                      "00240080 08 FFFFFFFFFFFFFFFF");
        assert_int_equal(part10_modify(&how, false, &call), 0);
        assert_int_equal(call.bytes[11], 0);
}

static void a_command_of_the_other_kind_is_refused(void **state _unused_)
{
        struct part10_call call;
        struct apdu_pinpad how = { .ins = 0x24, .block_len = 8, .min = 4, .max = 8 };
        assert_int_equal(part10_verify(&how, false, &call), -EINVAL);
        how.ins = 0x20;
        assert_int_equal(part10_modify(&how, false, &call), -EINVAL);
        how.max = 9;
        assert_int_equal(part10_verify(&how, false, &call), -EINVAL);
}

/* ---- the questions, to a service that is replaced here ---------------------------------------------- */

static struct {
        const char *list, *properties;
        LONG list_rv, properties_rv;
        size_t excess;
        unsigned int asked;
} service;

LONG SCardControl(SCARDHANDLE card _unused_, DWORD code, LPCVOID cmd, DWORD cmd_len, LPVOID answer,
        DWORD cap, LPDWORD ret_len)
{
        bool list = code == CM_IOCTL_GET_FEATURE_REQUEST;
        struct view bytes = bytes_of(list ? service.list : service.properties);
        service.asked++;
        assert_null(cmd);
        assert_int_equal(cmd_len, 0);
        assert_true(bytes.len <= cap);
        memcpy(answer, bytes.data, bytes.len);
        *ret_len = bytes.len + service.excess;
        return list ? service.list_rv : service.properties_rv;
}

static void a_reader_is_asked_as_little_as_possible(void **state _unused_)
{
        static const struct {
                const char *list, *properties;
                LONG list_rv, properties_rv;
                unsigned int asked;
                uint8_t usable;
        } cases[] = {
                { "", "", SCARD_E_UNSUPPORTED_FEATURE, 0, 1, 0 },
                { "", "", SCARD_S_SUCCESS, 0, 1, 0 },
                { TAGGED OTHER, "", SCARD_S_SUCCESS, 0, 1, 0 },
                { VERIFY, "", SCARD_S_SUCCESS, 0, 1, PINPAD_VERIFY },
                { VERIFY TAGGED, "01 02 1002", SCARD_S_SUCCESS, 0, 2,
                        PINPAD_VERIFY | PINPAD_DISPLAY },
                { VERIFY SHORT, "1002 07 00", SCARD_S_SUCCESS, 0, 2,
                        PINPAD_VERIFY | PINPAD_DISPLAY },
                { VERIFY SHORT TAGGED, "07 01 0C", SCARD_S_SUCCESS, 0, 2, PINPAD_VERIFY },
                { VERIFY TAGGED, "01 02", SCARD_S_SUCCESS, 0, 2, 0 },
                { VERIFY TAGGED, "", SCARD_S_SUCCESS, SCARD_E_NOT_TRANSACTED, 2, 0 },
                { VERIFY VERIFY, "", SCARD_S_SUCCESS, 0, 1, 0 },
                { VERIFY, "", SCARD_W_REMOVED_CARD, 0, 1, 0 },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct pcsc_pinpad pinpad = { 0 };
                memset(&service, 0, sizeof service);
                service.list = cases[i].list;
                service.properties = cases[i].properties;
                service.list_rv = cases[i].list_rv;
                service.properties_rv = cases[i].properties_rv;
                pcsc_pinpad_look(&pinpad, 1);
                assert_true(pinpad.known);
                assert_int_equal(service.asked, cases[i].asked);
                assert_int_equal(pinpad.usable, cases[i].usable);
        }
}

static void a_length_beyond_the_room_is_no_answer(void **state _unused_)
{
        struct pcsc_pinpad pinpad = { 0 };
        memset(&service, 0, sizeof service);
        service.list = VERIFY;
        service.properties = "";
        service.excess = PART10_ANSWER_MAX;
        pcsc_pinpad_look(&pinpad, 1);
        assert_int_equal(pinpad.usable, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_list_of_features_is_read_in_any_order),
                cmocka_unit_test(a_list_out_of_shape_is_refused_whole),
                cmocka_unit_test(properties_are_little_endian),
                cmocka_unit_test(properties_out_of_shape_are_refused),
                cmocka_unit_test(keys_on_which_not_every_pin_can_be_typed_are_not_used),
                cmocka_unit_test(verify_is_written_as_the_document_says),
                cmocka_unit_test(a_change_is_written_as_the_document_says),
                cmocka_unit_test(a_command_of_the_other_kind_is_refused),
                cmocka_unit_test(a_reader_is_asked_as_little_as_possible),
                cmocka_unit_test(a_length_beyond_the_room_is_no_answer),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
