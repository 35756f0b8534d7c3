/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_nid_dates.c: whatever a card calls its dates file, the result is text that can be shown and a
 * date that exists, or raw bytes, or a refusal.
 */
#include "apdu/card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
        if (!holds)
                abort();
}

static void check_date(const struct card_date *date)
{
        check(date->raw_len > 0 && date->raw_len <= sizeof date->raw);
        check(strnlen(date->text, sizeof date->text) < sizeof date->text);
        for (const char *c = date->text; *c; c++)
                check((*c >= '0' && *c <= '9') || strchr("/-. ", *c));
        if (date->year == 0) {
                check(date->month == 0 && date->day == 0 && !date->jalali);
                return;
        }
        check(date->month >= 1 && date->month <= 12 && date->day >= 1 && date->day <= 31);
        check(date->jalali ? date->year >= 1300 && date->year <= 1499
                           : date->year >= 1900 && date->year <= 2199);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct card_date issued, expires;
        if (nid_parse_dates((struct view){ data, size }, &issued, &expires) == 0) {
                check_date(&issued);
                check_date(&expires);
        }
        return 0;
}
