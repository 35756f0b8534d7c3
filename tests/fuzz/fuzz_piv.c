/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_piv.c: each answer of a PIV card that is parsed by itself; views stay inside, refusals are typed. */
#include "apdu/piv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int r, struct view part, const uint8_t *data, size_t size)
{
        bool inside = part.len > 0 && part.data >= data && part.data + part.len <= data + size;
        if (r == 0 ? !inside : r != -EBADMSG)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct view whole = { data, size }, part = { 0 };
        bool flag = false;
        (void)piv_is_template(whole);
        int r = piv_parse_discovery(whole, &flag);
        if (r != 0 && (r != -EBADMSG || flag))
                abort();
        r = piv_parse_container(whole, &part);
        check(r, part, data, size);
        r = piv_parse_signature(whole, &part);
        check(r, part, data, size);
        r = piv_parse_certificate(whole, &part, &flag);
        check(r, part, data, size);
        return 0;
}
