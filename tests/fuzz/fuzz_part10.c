/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_part10.c: what a reader may say of its keys. The first byte chooses the list; what is taken must be
 * a list that could be written again, and lead to no keys on which a PIN of 4 to 8 digits cannot be typed.
 * The rest of the time the input is an order to the reader: what comes out has its length in itself.
 */
#include "drivers/pcsc_part10.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void features(struct view answer)
{
        struct part10_features found = { 0 };
        if (part10_features_decode(answer, &found) == 0)
                require(answer.len % 6 == 0);
        else
                require(!found.verify && !found.modify);
}

static void properties(struct view answer)
{
        const struct part10_features all = { 1, 1, 1, 1 };
        struct part10_properties found = { 0 };
        if (part10_properties_decode(answer, &found) < 0 &&
                part10_pin_properties_decode(answer, &found) < 0)
                return;
        if (part10_usable(&all, &found) & PINPAD_VERIFY)
                require(found.min <= 4 && (found.max == 0 || found.max >= 8));
}

static void check_call(const struct part10_call *call, size_t head)
{
        require(call->len > head + 5 && call->len <= sizeof call->bytes);
        require(call->bytes[head - 4] == call->len - head &&
                call->bytes[head + 4] == call->len - head - 5);
}

static void orders(struct view order)
{
        struct apdu_pinpad how = { 0 };
        struct part10_call call;
        if (order.len < 10)
                return;
        const uint8_t *b = order.data;
        how = (struct apdu_pinpad){ b[0], b[1], b[2], b[3], b[4], b[5], b[6] & 31, b[7] & 31, b[8],
                b[9] & 1, 0x0409, b[9] >> 2 };
        if (part10_verify(&how, b[9] & 2, &call) == 0)
                check_call(&call, 19);
        if (part10_modify(&how, b[9] & 2, &call) == 0)
                check_call(&call, 24);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static void (*const checks[])(struct view rest) = { features, properties, orders };
        if (len > 0)
                checks[data[0] % ARRAY_LEN(checks)]((struct view){ data + 1, len - 1 });
        return 0;
}
