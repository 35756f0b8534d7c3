/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tlv.c: the cursor walked as deep as the bytes go, the search, and the writer: what was read can
 * be written, and reads back the same.
 */
#include "apdu/tlv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
        if (!holds)
                abort();
}

static void inside(struct view value, const uint8_t *data, size_t size)
{
        check(value.len == 0 ||
                (value.data >= data && value.len <= size - (size_t)(value.data - data)));
}

static void walk(const uint8_t *data, size_t size)
{
        struct tlv tlv = tlv_new(data, size);
        for (;;) {
                struct tlv before = tlv;
                struct view value;
                uint32_t tag;
                while (tlv.depth > 0 && !tlv_more(&tlv) && tlv.in.error == 0)
                        check(tlv_leave(&tlv) == 0);
                if (!tlv_more(&tlv))
                        break;
                before = tlv;
                if (tlv_next(&tlv, &tag, &value) < 0)
                        break;
                inside(value, data, size);
                if ((before.in.data[before.in.pos] & 0x20) && before.depth < TLV_DEPTH_MAX) {
                        tlv = before;
                        check(tlv_enter(&tlv, tag) == 0);
                }
        }
        if (tlv_done(&tlv) == 0)
                check(tlv.in.pos == size);
}

static void write_again(const uint8_t *data, size_t size)
{
        static uint8_t copy[1 << 17];
        struct tlv tlv = tlv_new(data, size);
        struct out out = out_new(copy, sizeof copy);
        struct view value, back;
        uint32_t tag;
        while (tlv_more(&tlv) && tlv_next(&tlv, &tag, &value) == 0) {
                out.len = 0;
                size_t mark = tlv_open(&out, 0x30);
                tlv_put(&out, tag, value.data, value.len);
                tlv_close(&out, mark);
                if (out_done(&out) < 0)
                        return;
                struct tlv again = tlv_new(copy, out.len);
                check(tlv_enter(&again, 0x30) == 0 && tlv_get(&again, tag, &back) == 0 &&
                        view_eq(back, value.data, value.len) && tlv_leave(&again) == 0 &&
                        tlv_done(&again) == 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const uint32_t tags[] = { 0x81, 0x82, 0x7F49, 0xC0, 0xDF21, 0x5F8101 };
        walk(data, size);
        write_again(data, size);
        for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
                struct view value;
                if (tlv_find((struct view){ data, size }, tags[i], &value) == 0)
                        inside(value, data, size);
        }
        return 0;
}
