/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: mohr-page: JSON in, one page of PDF out. The contract is in page.h.
 *
 * It confines itself before it reads a byte, reads to the end or the bound, and writes only when the page is
 * whole: whoever reads its output has all of it or none. pango and glib end the process when there is no
 * memory; that is an exit code that is not 0, too.
 */
#include "base/outcome.h"
#include "client-sdk/cli/cli.h"
#include "client-sdk/page/confine.h"
#include "client-sdk/page/draw.h"
#include "client-sdk/page/page.h"

#include <stdio.h>

/* All of stdin; -EFBIG if it is longer than the bound. */
static int read_all(char *dst, size_t cap, size_t *ret_len)
{
        size_t len = 0;
        for (;;) {
                ssize_t got = read(STDIN_FILENO, dst + len, cap - len);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                len += (size_t)got;
                if (got == 0 || len == cap)
                        break;
        }
        *ret_len = len;
        return len == cap ? -EFBIG : 0;
}

static int write_all(const uint8_t *data, size_t len)
{
        while (len > 0) {
                ssize_t put = write(STDOUT_FILENO, data, len);
                if (put < 0 && errno == EINTR)
                        continue;
                if (put < 0)
                        return -errno;
                data += put;
                len -= (size_t)put;
        }
        return 0;
}

static const char *why(int r)
{
        static const struct {
                int r;
                const char *text;
        } rows[] = {
                { -ENOENT, "no font here has all letters of page and name: install "
                           "fonts-hosny-amiri" },
                { -E2BIG, "the texts do not fit one page" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].r == r)
                        return rows[i].text;
        return strerror(-r);
}

static int render(const struct facts *facts)
{
        _cleanup_free_ struct sheet *sheet = malloc(sizeof *sheet);
        _cleanup_free_ uint8_t *bytes = malloc(DRAW_PDF_MAX);
        if (!sheet || !bytes)
                return -ENOMEM;
        struct out pdf = out_new(bytes, DRAW_PDF_MAX);
        setenv("LANGUAGE", facts->persian ? "fa" : "en", 1);
        cli_set_language();
        int r = sheet_write(sheet, facts);
        if (r == 0)
                r = draw_sheet(sheet, &pdf);
        return r < 0 ? r : write_all(pdf.data, pdf.len);
}

static int run(char problem[static FACTS_PROBLEM_MAX])
{
        _cleanup_free_ char *input = malloc(PAGE_INPUT_MAX + 1);
        _cleanup_free_ struct facts *facts = malloc(sizeof *facts);
        size_t len = 0;
        if (!input || !facts)
                return -ENOMEM;
        int r = confine();
        if (r < 0)
                return r;
        r = read_all(input, PAGE_INPUT_MAX + 1, &len);
        if (r == -EFBIG) {
                snprintf(problem, FACTS_PROBLEM_MAX, "input: too long");
                return OUTCOME_USAGE;
        }
        if (r == 0)
                r = page_facts_read(facts, input, len, problem);
        return r == 0 ? render(facts) : r;
}

int main(int argc, char **argv)
{
        char problem[FACTS_PROBLEM_MAX] = "takes no arguments: one JSON object on standard input";
        (void)argv;
        int r = argc == 1 ? run(problem) : OUTCOME_USAGE;
        if (r == 0)
                return 0;
        fprintf(stderr, "mohr-page: %s [%d]\n", r < 0 ? why(r) : problem, outcome_of(r));
        return outcome_of(r);
}
