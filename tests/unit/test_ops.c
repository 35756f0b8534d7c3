/* SPDX-License-Identifier: Apache-2.0 */
/* test_ops.c: the channel's codec. Whatever one end encodes the other gets back whole; whatever was
 * cut or changed on the way is refused, or still decodes to something within the types' ranges.
 */
#include "drivers/ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <cmocka.h>

#define CAP 20480

/* One kind of payload: makes an example, decodes, says whether the decoded thing is in range. */
struct kind {
        const char *name;
        void (*put)(struct out *out);
        int (*get)(struct view payload);
};

static bool text_in_range(const char *text, size_t cap)
{
        return memchr(text, '\0', cap) != NULL;
}

static void put_ready(struct out *out)
{
        const struct op_ready v = { 2, 0, 1, true, "soft" };
        op_put_ready(out, &v);
}

static int get_ready(struct view payload)
{
        struct op_ready v;
        int r = op_get_ready(payload, &v);
        if (r == 0)
                assert_true(v.seccomp <= 2 && v.dumpable <= 2 && v.no_new_privs <= 1 &&
                            v.driver[0] != '\0' && text_in_range(v.driver, sizeof v.driver));
        return r;
}

static const struct op_readers two_readers = {
        .readers = {
                { .name = "خواننده 00 00", .present = true, .events = 0x10007, .atr = { 0x3b, 0x88 }, .atr_len = 2 },
                { .name = "Other 01 00", .address = "/dev/bus/usb/001/004", .busy = true, .events = 0x20000 },
        },
        .count = 2,
};

static void put_readers(struct out *out)
{
        op_put_readers(out, &two_readers);
}

static int get_readers(struct view payload)
{
        struct op_readers v;
        int r = op_get_readers(payload, &v);
        for (size_t i = 0; r == 0 && i < v.count; i++)
                assert_true(i < DRIVER_READERS_MAX && v.readers[i].atr_len <= CARD_ATR_MAX &&
                            v.readers[i].name[0] != '\0' &&
                            text_in_range(v.readers[i].name, sizeof v.readers[i].name));
        return r;
}

static void put_presence(struct out *out)
{
        const struct driver_presence v = { true, 0x10203, { 0x3b, 0x80, 0x01 }, 3 };
        op_put_presence(out, &v);
}

static int get_presence(struct view payload)
{
        struct driver_presence v;
        int r = op_get_presence(payload, &v);
        if (r == 0)
                assert_true(v.atr_len <= CARD_ATR_MAX);
        return r;
}

static void put_card(struct out *out)
{
        const struct driver_card v = { APDU_T1, { 0x3b, 0x01, 0x02 }, 3, CARD_WAS_RESET, 7,
                PINPAD_VERIFY };
        op_put_card(out, &v);
}

static int get_card(struct view payload)
{
        struct in in = in_new(payload.data, payload.len);
        struct driver_card v;
        int r = op_get_card(&in, &v);
        if (r == 0)
                assert_true(v.protocol <= APDU_T1 && v.event <= CARD_IS_NEW &&
                            v.atr_len <= CARD_ATR_MAX);
        return r;
}

static void put_identity(struct out *out)
{
        const struct card_identity v = { CARD_NID, GENERATION_MAV4, true, 'V', "Mav 4" };
        op_put_identity(out, &v);
}

static int get_identity(struct view payload)
{
        struct in in = in_new(payload.data, payload.len);
        struct card_identity v;
        int r = op_get_identity(&in, &v);
        if (r == 0)
                assert_true(v.family <= CARD_PIV && v.generation <= GENERATION_OMID &&
                            strchr("OVDI", v.evidence) && text_in_range(v.label, sizeof v.label));
        return r;
}

static void put_counter(struct out *out)
{
        const struct pin_counter v = { true, 3, 0x63c3 };
        op_put_counter(out, &v);
}

static int get_counter(struct view payload)
{
        struct in in = in_new(payload.data, payload.len);
        struct pin_counter v;
        int r = op_get_counter(&in, &v);
        if (r == 0)
                assert_true(v.tries >= 0 && v.tries <= 15);
        return r;
}

static struct card_probe full_probe(void)
{
        struct card_probe v = {
                .label = "IAS Classic v4",
                .tries_known = true,
                .tries = 15,
                .changed_known = true,
                .changed = true,
                .rules = { { NEED_KNOWN, NEED_KNOWN | NEED_NEVER }, { CARD_NEEDS, 0 } },
                .key_count = CARD_KEYS_MAX,
        };
        for (unsigned int i = 0; i < CARD_KEYS_MAX; i++) {
                v.keys[i] = (struct card_key){ .ref = (uint8_t)i,
                        .modulus_len = 512,
                        .exponent_len = 3,
                        .exponent = { 1, 0, 1 } };
                memset(v.keys[i].modulus, 0xc0 + (int)i, 512);
        }
        return v;
}

static void put_probe(struct out *out)
{
        struct card_probe v = full_probe();
        v.key_count = 2;
        v.keys[0].modulus_len = v.keys[1].modulus_len = 20;
        op_put_probe(out, &v);
}

static int get_probe(struct view payload)
{
        struct in in = in_new(payload.data, payload.len);
        struct card_probe v;
        int r = op_get_probe(&in, &v);
        if (r < 0)
                return r;
        assert_true(v.key_count <= CARD_KEYS_MAX && text_in_range(v.label, sizeof v.label));
        assert_true(v.tries <= (v.tries_known ? 15 : 0) && (v.changed_known || !v.changed));
        for (unsigned int i = 0; i < v.key_count; i++)
                assert_true(v.keys[i].modulus_len <= 512 && v.keys[i].exponent_len <= 8);
        return 0;
}

static void put_result(struct out *out)
{
        op_put_result(out, OUTCOME_WRONG_PIN, 0x63c2);
}

static int get_result(struct view payload)
{
        struct in in = in_new(payload.data, payload.len);
        int outcome;
        uint16_t sw;
        int r = op_get_result(&in, &outcome, &sw);
        if (r == 0)
                assert_true(outcome == 0 || outcome == OPS_SKIPPED ||
                            outcome == outcome_from_name(outcome_name(outcome)));
        return r < 0 ? r : in_done(&in);
}

static const struct kind kinds[] = {
        { "ready", put_ready, get_ready },
        { "readers", put_readers, get_readers },
        { "card", put_card, get_card },
        { "presence", put_presence, get_presence },
        { "identity", put_identity, get_identity },
        { "counter", put_counter, get_counter },
        { "probe", put_probe, get_probe },
        { "result", put_result, get_result },
};

static size_t example(const struct kind *kind, uint8_t *buf)
{
        struct out out = out_new(buf, CAP);
        kind->put(&out);
        assert_int_equal(out_done(&out), 0);
        return out.len;
}

static void every_truncation_is_refused(void **state _unused_)
{
        static uint8_t buf[CAP];
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
                size_t len = example(&kinds[k], buf);
                assert_int_equal(kinds[k].get((struct view){ buf, len }), 0);
                for (size_t cut = 0; cut < len; cut++)
                        assert_true(kinds[k].get((struct view){ buf, cut }) < 0);
        }
}

static void a_byte_too_many_is_refused(void **state _unused_)
{
        static uint8_t buf[CAP];
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
                size_t len = example(&kinds[k], buf);
                buf[len] = 0;
                assert_true(kinds[k].get((struct view){ buf, len + 1 }) < 0);
        }
}

static void every_changed_byte_is_refused_or_in_range(void **state _unused_)
{
        static uint8_t buf[CAP];
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
                size_t len = example(&kinds[k], buf), refused = 0;
                for (size_t at = 0; at < len; at++) {
                        uint8_t good = buf[at];
                        for (int v = 0; v < 256; v++) {
                                buf[at] = (uint8_t)v;
                                refused += kinds[k].get((struct view){ buf, len }) < 0;
                        }
                        buf[at] = good;
                }
                assert_true(refused > 0);
        }
}

static void readers_survive_the_way(void **state _unused_)
{
        static uint8_t buf[CAP];
        struct op_readers got;
        size_t len = example(&kinds[1], buf);
        assert_int_equal(op_get_readers((struct view){ buf, len }, &got), 0);
        assert_memory_equal(&got, &two_readers, sizeof got);
}

static void an_absent_service_reports_no_readers(void **state _unused_)
{
        uint8_t buf[CAP];
        struct op_readers v = { .outcome = OUTCOME_READER_SERVICE }, got = two_readers;
        struct out out = out_new(buf, sizeof buf);
        op_put_readers(&out, &v);
        assert_int_equal(op_get_readers((struct view){ buf, out.len }, &got), 0);
        assert_int_equal(got.outcome, OUTCOME_READER_SERVICE);
        assert_int_equal(got.count, 0);
        buf[0] = OUTCOME_NO_CARD; /* not a thing a watcher can say */
        assert_int_equal(op_get_readers((struct view){ buf, out.len }, &got), -EBADMSG);
}

static void the_largest_probe_fits_a_frame(void **state _unused_)
{
        static uint8_t frame[OPS_FRAME_MAX];
        static struct card_probe v, got;
        v = full_probe();
        struct out payload = op_frame_begin(frame, sizeof frame, OP_PROBE, true, 7);
        op_put_result(&payload, 0, 0x9000);
        op_put_probe(&payload, &v);
        ssize_t len = op_frame_finish(frame, &payload);
        assert_true(len > 0);
        struct op_frame decoded;
        assert_int_equal(op_frame_decode(frame, (size_t)len, &decoded), 0);
        struct in in = in_new(decoded.payload.data, decoded.payload.len);
        int outcome;
        uint16_t sw;
        assert_int_equal(op_get_result(&in, &outcome, &sw), 0);
        assert_int_equal(op_get_probe(&in, &got), 0);
        assert_memory_equal(&got, &v, sizeof v);
}

static void a_label_of_a_hostile_card_leaves_as_printable_ascii(void **state _unused_)
{
        uint8_t buf[CAP];
        struct card_identity v = { CARD_NID, GENERATION_MAV2, true, 'O', "a\xff\n\x1b[2Jb" }, got;
        struct out out = out_new(buf, sizeof buf);
        op_put_identity(&out, &v);
        struct in in = in_new(buf, out.len);
        assert_int_equal(op_get_identity(&in, &got), 0);
        assert_string_equal(got.label, "a???[2Jb");
}

static void failure_leaves_the_result_untouched(void **state _unused_)
{
        struct op_ready got = { .driver = "before" };
        assert_true(op_get_ready((struct view){ (const uint8_t *)"\x09", 1 }, &got) < 0);
        assert_string_equal(got.driver, "before");
}

static ssize_t frame_of(uint8_t *frame, size_t cap, uint8_t op, bool reply)
{
        struct out payload = op_frame_begin(frame, cap, op, reply, 0x1234);
        out_bytes(&payload, "abc", 3);
        return op_frame_finish(frame, &payload);
}

static void a_frame_survives_the_way(void **state _unused_)
{
        uint8_t frame[64];
        struct op_frame got;
        ssize_t len = frame_of(frame, sizeof frame, OP_READ, true);
        assert_int_equal(len, OPS_HEADER + 3);
        assert_int_equal(op_frame_decode(frame, (size_t)len, &got), 0);
        assert_int_equal(got.op, OP_READ);
        assert_true(got.reply);
        assert_int_equal(got.id, 0x1234);
        assert_true(view_eq(got.payload, "abc", 3));
}

static void a_question_asked_ahead_says_so(void **state _unused_)
{
        uint8_t frame[64];
        struct op_frame got;
        int pair[2];
        ssize_t len = frame_of(frame, sizeof frame, OP_READ | OPS_AHEAD, false);
        assert_int_equal(op_frame_decode(frame, (size_t)len, &got), 0);
        assert_int_equal(got.op, OP_READ);
        assert_true(got.ahead && !got.reply);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
        assert_false(ops_asked_ahead(pair[1]));
        assert_int_equal(ops_send(pair[0], frame, (size_t)len), 0);
        assert_true(ops_asked_ahead(pair[1]));
        size_t whole = 0;
        assert_int_equal(
                ops_recv(pair[1], frame, sizeof frame, &whole), 0); /* it still waits there */
        assert_int_equal(whole, len);
        len = frame_of(frame, sizeof frame, OP_READ, false);
        assert_int_equal(ops_send(pair[0], frame, (size_t)len), 0);
        assert_false(ops_asked_ahead(pair[1]));
        close(pair[0]);
        close(pair[1]);
}

static void what_was_skipped_is_no_outcome_but_survives_the_way(void **state _unused_)
{
        uint8_t buf[8];
        struct out out = out_new(buf, sizeof buf);
        int outcome = 0;
        uint16_t sw;
        op_put_result(&out, OPS_SKIPPED, 0x9000);
        struct in in = in_new(buf, out.len);
        assert_int_equal(op_get_result(&in, &outcome, &sw), 0);
        assert_int_equal(outcome, OPS_SKIPPED);
        buf[0] = OPS_SKIPPED - 1;
        in = in_new(buf, out.len);
        assert_int_equal(op_get_result(&in, &outcome, &sw), -EBADMSG);
}

static void a_frame_of_another_length_or_version_is_refused(void **state _unused_)
{
        static uint8_t frame[OPS_FRAME_MAX + 1];
        struct op_frame got;
        size_t len = (size_t)frame_of(frame, 64, OP_READ, false);
        for (size_t cut = 0; cut <= len + 1; cut++)
                assert_int_equal(op_frame_decode(frame, cut, &got), cut == len ? 0 : -EBADMSG);
        frame[0] = OPS_VERSION + 1;
        assert_int_equal(op_frame_decode(frame, len, &got), -EBADMSG);
        frame[0] = OPS_VERSION;
        const uint8_t bad[] = { 0, OP_COUNT, 0x7f, OPS_REPLY, OPS_REPLY | OP_COUNT,
                OPS_REPLY | OPS_AHEAD | OP_READ, OPS_AHEAD | OP_PIN, OPS_AHEAD | OP_NEW_PIN,
                OPS_AHEAD | OP_CHANGE_PIN, OPS_AHEAD | OP_UNBLOCK_PIN };
        for (size_t i = 0; i < sizeof bad; i++) {
                frame[1] = bad[i];
                assert_int_equal(op_frame_decode(frame, len, &got), -EBADMSG);
        }
}

static void a_frame_over_the_cap_is_neither_made_nor_taken(void **state _unused_)
{
        static uint8_t frame[OPS_FRAME_MAX + 64], filler[OPS_FRAME_MAX];
        struct op_frame got;
        struct out payload = op_frame_begin(frame, sizeof frame, OP_READ, true, 1);
        out_bytes(&payload, filler, OPS_FRAME_MAX - OPS_HEADER + 1);
        assert_true(op_frame_finish(frame, &payload) < 0);
        assert_true(frame_of(frame, OPS_HEADER - 1, OP_READ, false) < 0);
        const uint8_t head[] = { OPS_VERSION, OP_READ, 0, 1, 0, 0, 0x4f,
                0xf9 }; /* one byte too many */
        memcpy(frame, head, sizeof head);
        assert_int_equal(op_frame_decode(frame, OPS_FRAME_MAX + 1, &got), -EBADMSG);
        frame[7] = 0xf8;
        assert_int_equal(op_frame_decode(frame, OPS_FRAME_MAX, &got), 0);
}

static void a_packet_over_the_buffer_is_never_cut_silently(void **state _unused_)
{
        int pair[2];
        uint8_t buf[8];
        size_t len = 0;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
        assert_int_equal(ops_send(pair[0], "123456789", 9), 0);
        assert_int_equal(ops_recv(pair[1], buf, sizeof buf, &len), -EMSGSIZE);
        assert_int_equal(ops_send(pair[0], "12345678", 8), 0);
        assert_int_equal(ops_recv(pair[1], buf, sizeof buf, &len), 0);
        assert_int_equal(len, 8);
        close(pair[0]);
        assert_int_equal(ops_recv(pair[1], buf, sizeof buf, &len), 0);
        assert_int_equal(len, 0);
        assert_int_equal(ops_send(pair[1], "1", 1), -EPIPE);
        close(pair[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_truncation_is_refused),
                cmocka_unit_test(a_byte_too_many_is_refused),
                cmocka_unit_test(every_changed_byte_is_refused_or_in_range),
                cmocka_unit_test(readers_survive_the_way),
                cmocka_unit_test(an_absent_service_reports_no_readers),
                cmocka_unit_test(the_largest_probe_fits_a_frame),
                cmocka_unit_test(a_label_of_a_hostile_card_leaves_as_printable_ascii),
                cmocka_unit_test(failure_leaves_the_result_untouched),
                cmocka_unit_test(a_frame_survives_the_way),
                cmocka_unit_test(a_question_asked_ahead_says_so),
                cmocka_unit_test(what_was_skipped_is_no_outcome_but_survives_the_way),
                cmocka_unit_test(a_frame_of_another_length_or_version_is_refused),
                cmocka_unit_test(a_frame_over_the_cap_is_neither_made_nor_taken),
                cmocka_unit_test(a_packet_over_the_buffer_is_never_cut_silently),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
