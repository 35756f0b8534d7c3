/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_page.c: any bytes as what a page is to show. They are refused in one line that names a member, or
 * they become a sheet within its bounds whose every text can be drawn: valid UTF-8, ended, and with nothing that
 * would turn or hide what stands beside it.
 */
#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/page/facts.h"
#include "client-sdk/page/page.h"
#include "client-sdk/page/sheet.h"
#include "client-sdk/page/stamp.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* How many times `what` is in `text`. */
static size_t count(const char *text, const char *what)
{
        size_t found = 0;
        for (; (text = strstr(text, what)); text += strlen(what))
                found++;
        return found;
}

static void check_text(const char *text, size_t cap)
{
        require(memchr(text, '\0', cap) != NULL && text_utf8_valid(text, strlen(text)));
        require(!strpbrk(text, "\x01\x07\x08\n\r\x1b\x7f"));
        /* Isolates are ours, and each is closed: FSI U+2068, PDI U+2069; overrides never. */
        require(count(text, "\xE2\x81\xA8") == count(text, "\xE2\x81\xA9"));
        require(count(text, "\xE2\x80\xAE") == 0 && count(text, "\xE2\x80\xAB") == 0);
}

static void check_sheet(const struct sheet *sheet)
{
        require(sheet->count > 0 && sheet->count <= SHEET_ROWS_MAX);
        for (size_t i = 0; i < sheet->count; i++) {
                const struct sheet_row *row = &sheet->rows[i];
                require(row->kind < SHEET_KINDS && (row->kind != SHEET_FIELD || row->label));
                check_text(row->text, sizeof row->text);
                check_text(row->note, sizeof row->note);
        }
}

static void check_stamp(const uint8_t *data, size_t len)
{
        struct stamp stamp;
        int r = stamp_read(&stamp, (const char *)data, len);
        require(r == 0 || r == OUTCOME_USAGE);
        if (r != 0)
                return;
        require(stamp.name[0] && stamp.width >= PAGE_STAMP_MIN && stamp.width <= PAGE_STAMP_SIDE &&
                stamp.height >= PAGE_STAMP_MIN && stamp.height <= PAGE_STAMP_SIDE);
        check_text(stamp.name, sizeof stamp.name);
        check_text(stamp.purpose, sizeof stamp.purpose);
        check_text(stamp.location, sizeof stamp.location);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static struct sheet sheet;
        static struct facts facts;
        char problem[FACTS_PROBLEM_MAX] = "";
        check_stamp(data, len);
        int r = page_facts_read(&facts, (const char *)data, len, problem);
        require(r == 0 || (r == OUTCOME_USAGE && problem[0] && !strchr(problem, '\n')));
        if (r != 0)
                return 0;
        for (int language = 0; language < 2; language++) {
                facts.persian = language == 1;
                require(sheet_write(&sheet, &facts) == 0);
                check_sheet(&sheet);
        }
        return 0;
}
