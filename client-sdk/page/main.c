/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: mohr-page: JSON in, one page of PDF out. The contract is in page.h.
 *
 * As `mohr-page stamp` it draws the stamp of a signature and speaks over a channel, by read() and write(): one call is one frame.
 * It confines itself before it reads a byte, reads to the end or the bound, and writes only when the page is
 * whole: whoever reads its output has all of it or none. pango and glib end the process when there is no
 * memory; that is an exit code that is not 0, too.
 */
#include "base/file.h"
#include "base/outcome.h"
#include "client-sdk/base64.h"
#include "client-sdk/cli/cli.h"
#include "client-sdk/page/confine.h"
#include "client-sdk/page/draw.h"
#include "client-sdk/page/page.h"
#include "client-sdk/page/stamp.h"

#include <stdio.h>

#define CHANNEL 3

static const char *why(int r)
{
        static const struct {
                int r;
                const char *text;
        } rows[] = {
                { -ENOENT, "no font here has all letters of page and name: install "
                           "fonts-hosny-amiri" },
                { -E2BIG, "the texts do not fit in this place" },
                { -EFBIG, "the texts are too long to be drawn" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].r == r)
                        return rows[i].text;
        return strerror(-r);
}

static void choose_language(bool persian)
{
        setenv("LANGUAGE", persian ? "fa" : "en", 1);
        cli_set_language();
}

static int render(const struct facts *facts)
{
        _cleanup_free_ struct sheet *sheet = malloc(sizeof *sheet);
        _cleanup_free_ uint8_t *bytes = malloc(DRAW_PDF_MAX);
        if (!sheet || !bytes)
                return -ENOMEM;
        struct out pdf = out_new(bytes, DRAW_PDF_MAX);
        choose_language(facts->persian);
        int r = sheet_write(sheet, facts);
        if (r == 0)
                r = draw_sheet(sheet, &pdf);
        return r < 0 ? r : file_write(STDOUT_FILENO, pdf.data, pdf.len);
}

static int run(char problem[static FACTS_PROBLEM_MAX])
{
        _cleanup_free_ char *input = malloc(PAGE_INPUT_MAX + 1);
        _cleanup_free_ struct facts *facts = malloc(sizeof *facts);
        if (!input || !facts)
                return -ENOMEM;
        int r = confine();
        if (r < 0)
                return r;
        ssize_t len = file_read_upto(STDIN_FILENO, input, PAGE_INPUT_MAX + 1);
        if (len > PAGE_INPUT_MAX) {
                snprintf(problem, FACTS_PROBLEM_MAX, "input: too long");
                return OUTCOME_USAGE;
        }
        r = len < 0 ? (int)len : page_facts_read(facts, input, (size_t)len, problem);
        return r == 0 ? render(facts) : r;
}

/* ---- a stamp ---- */

static ssize_t read_frame(char *dst, size_t cap)
{
        ssize_t len;
        do
                len = read(CHANNEL, dst, cap);
        while (len < 0 && errno == EINTR);
        return len < 0 ? -errno : len;
}

static int draw_frame(const char *input, size_t len, struct out *content)
{
        struct stamp stamp;
        int r = stamp_read(&stamp, input, len);
        if (r != 0)
                return r;
        choose_language(stamp.persian);
        return stamp_draw(&stamp, content);
}

static int answer_stamp(const struct out *content)
{
        static const char begin[] = "{\"ok\":true,\"content\":\"", end[] = "\"}";
        size_t letters = base64_encoded_len(BASE64_STANDARD, content->len);
        _cleanup_free_ char *frame = malloc(sizeof begin + letters + sizeof end);
        if (!frame)
                return -ENOMEM;
        memcpy(frame, begin, sizeof begin);
        base64_encode(BASE64_STANDARD, frame + sizeof begin - 1, content->data, content->len);
        memcpy(frame + sizeof begin - 1 + letters, end, sizeof end);
        return file_write(CHANNEL, frame, strlen(frame));
}

static int run_stamp(void)
{
        _cleanup_free_ char *input = malloc(PAGE_INPUT_MAX + 1);
        _cleanup_free_ uint8_t *bytes = malloc(PAGE_STAMP_MAX);
        char refusal[256];
        if (!input || !bytes)
                return -ENOMEM;
        struct out content = out_new(bytes, PAGE_STAMP_MAX);
        int r = confine();
        ssize_t len = r == 0 ? read_frame(input, PAGE_INPUT_MAX + 1) : r;
        if (len <= 0)
                return len < 0 ? (int)len : -EPIPE;
        r = draw_frame(input, (size_t)len, &content);
        if (r == 0)
                return answer_stamp(&content);
        int refused = snprintf(refusal, sizeof refusal,
                "{\"ok\":false,\"why\":\"no-stamp\",\"detail\":\"%s\"}",
                r < 0 ? why(r) : "the question is not one that this program answers");
        return file_write(CHANNEL, refusal, (size_t)refused);
}

int main(int argc, char **argv)
{
        char problem[FACTS_PROBLEM_MAX] = "takes no arguments: one JSON object on standard input";
        if (argc == 2 && strcmp(argv[1], "stamp") == 0)
                return run_stamp() < 0 ? 1 : 0;
        int r = argc == 1 ? run(problem) : OUTCOME_USAGE;
        if (r == 0)
                return 0;
        fprintf(stderr, "mohr-page: %s [%d]\n", r < 0 ? why(r) : problem, outcome_of(r));
        return outcome_of(r);
}
