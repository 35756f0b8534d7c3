/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_varlink.c: whatever a client may send. The first byte says in how large pieces it comes. These
 * hold: the decoder never holds more than one frame's cap; "ready" tells the truth; a message is an
 * object nested no deeper than the cap; what decodes is encoded to a frame that decodes to the same;
 * and how the bytes were cut makes no difference.
 */
#include "daemon/varlink.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t depth_of(json_t *value)
{
        const char *name;
        json_t *member;
        size_t i, deepest = 0;
        json_object_foreach (value, name, member) {
                size_t depth = depth_of(member);
                deepest = depth > deepest ? depth : deepest;
        }
        json_array_foreach (value, i, member) {
                size_t depth = depth_of(member);
                deepest = depth > deepest ? depth : deepest;
        }
        return deepest + (json_is_object(value) || json_is_array(value));
}

static void check_again(const json_t *message)
{
        _cleanup_message_ json_t *again = NULL;
        _cleanup_free_ char *frame = NULL;
        struct varlink_decoder decoder = { 0 };
        const char *why;
        size_t len;
        require(varlink_encode(message, &frame, &len) == 0 && frame[len - 1] == 0);
        if (len > VARLINK_FRAME_MAX + 1) /* numbers may grow: 1e20 is written in full */
                return;
        require(varlink_feed(&decoder, frame, len) == 0);
        require(varlink_next(&decoder, &again, &why) == 0 && json_equal(message, again));
        varlink_decoder_clear(&decoder);
}

static void check_message(json_t *message)
{
        struct varlink_call call;
        const char *why = NULL;
        require(json_is_object(message) && depth_of(message) <= VARLINK_DEPTH_MAX);
        check_again(message);
        int r = varlink_call_parse(message, &call, &why);
        require(r == 0 ? json_is_object(call.parameters) : why != NULL);
        require(r != 0 || (call.interface_len > 2 && call.method[call.interface_len] == '.'));
}

/* How many messages came before the end or the violation, and which of the two it was. */
static unsigned int decode_all(const uint8_t *data, size_t len, size_t piece, bool *ret_violation)
{
        struct varlink_decoder decoder = { 0 };
        unsigned int count = 0;
        int r = VARLINK_INCOMPLETE;
        while (len > 0 && r != VARLINK_VIOLATION) {
                size_t n = base_min(base_min(piece, len), varlink_room(&decoder));
                require(n > 0 && varlink_feed(&decoder, data, n) == 0);
                require(decoder.cap <= VARLINK_FRAME_MAX + 1);
                data += n;
                len -= n;
                for (r = 0; r == 0;) {
                        json_t *message = NULL;
                        const char *why = NULL;
                        bool ready = varlink_ready(&decoder);
                        r = varlink_next(&decoder, &message, &why);
                        require(ready == (r != VARLINK_INCOMPLETE));
                        if (r == 0)
                                check_message(message);
                        count += r == 0;
                        json_decref(message);
                }
        }
        varlink_decoder_clear(&decoder);
        *ret_violation = r == VARLINK_VIOLATION;
        return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        bool cut, whole;
        if (len == 0)
                return 0;
        unsigned int a = decode_all(data + 1, len - 1, (size_t)data[0] + 1, &cut);
        unsigned int b = decode_all(data + 1, len - 1, SIZE_MAX, &whole);
        require(a == b && cut == whole);
        return 0;
}
