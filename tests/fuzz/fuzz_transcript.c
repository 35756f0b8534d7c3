/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_transcript.c: any exchanges, written down: the text stays within its bounds and its alphabet, and no
 * byte of a certificate's or an unnamed command's answer stands in it.
 */
#include "apdu/transcript.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct transcript t;

/* What follows the header of a READ BINARY of a certificate is "[n]" or nothing, then the status word. */
static void is_withheld(struct view rsp)
{
        static const uint8_t read[] = { 0x00, 0xB0, 0x00, 0x00, 0xF8 };
        transcript_clear(&t);
        transcript_add(&t, OBJECT_CERTIFICATE_1, read, sizeof read, rsp.data, rsp.len);
        const char *answer = t.text + 11;
        require(rsp.len < 2 ? *answer == '-' : rsp.len == 2 ? *answer != '[' : *answer == '[');
        require(strlen(answer) <= 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct in in = in_new(data, size);
        transcript_clear(&t);
        while (in_left(&in) > 2 && !in.error) {
                uint8_t object = in_u8(&in);
                struct view cmd = in_bytes(&in, base_min(in_u8(&in), in_left(&in)));
                struct view rsp = { 0 };
                if (in_left(&in) > 0)
                        rsp = in_bytes(&in, base_min(in_u8(&in), in_left(&in)));
                transcript_step(&t, "x", object);
                transcript_add(&t, object, cmd.data, cmd.len, rsp.data, rsp.len);
        }
        require(t.len <= TRANSCRIPT_MAX + 6 && strlen(t.text) == t.len);
        require(strspn(t.text, "0123456789abcdefghijklmnopqrstuvwxyz@[]- \n") == t.len);
        is_withheld((struct view){ data, size > 600 ? 600 : size });
        return 0;
}
