/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_nid_rules.c: whatever SELECT answers, a rule is one that can be read: known before it says
 * anything, never "never" together with a way to do it.
 */
#include "apdu/card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(uint8_t needs)
{
        uint8_t ways = needs & (NEED_PIN | NEED_AUTHENTICATION | NEED_SECURE_MESSAGING);
        if (needs > CARD_NEEDS || (needs != 0 && !(needs & NEED_KNOWN)))
                abort();
        if ((needs & NEED_NEVER && ways) || (needs & NEED_ALL && !ways))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size < 2)
                return 0;
        struct card_rules rules = nid_parse_rules(
                (struct view){ data + 2, size - 2 }, (uint16_t)(data[0] << 8 | data[1]));
        judge(rules.read);
        judge(rules.update);
        return 0;
}
