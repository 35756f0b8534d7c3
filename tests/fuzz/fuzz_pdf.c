/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pdf.c: PDFs that say they hold a bundle. 'X': taking one out; what comes out lies inside the file, and
 * putting it in again gives the same file. 'E': as the page around a bundle; if it is taken, the very bundle
 * comes out again.
 */
#include "client-sdk/mohr.h"
#include "tests/fuzz/require.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void extract(const char *pdf, size_t len)
{
        const char *bundle = NULL;
        size_t bundle_len = 0;
        int r = mohr_receipt_extract(pdf, len, &bundle, &bundle_len);
        require(r == 0 || r == 21);
        require(r != 0 || (bundle >= pdf && bundle + bundle_len <= pdf + len && bundle_len > 0));
}

static void embed(const char *page, size_t len)
{
        static const char text[] = "{\"content\":{},\"mohr_evidence\":1,\"sha256\":\"\"}";
        const char *bundle = NULL;
        unsigned char *pdf = NULL;
        size_t pdf_len = 0, bundle_len = 0;
        int r = mohr_receipt_embed(page, len, text, strlen(text), &pdf, &pdf_len);
        require(r == 0 || r == 21);
        if (r != 0)
                return;
        require(pdf_len > len && memcmp(pdf, page, len) == 0);
        require(mohr_receipt_extract(pdf, pdf_len, &bundle, &bundle_len) == 0);
        require(bundle_len == strlen(text) && memcmp(bundle, text, bundle_len) == 0);
        free(pdf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        if (len > 0 && data[0] == 'X')
                extract((const char *)data + 1, len - 1);
        if (len > 0 && data[0] == 'E')
                embed((const char *)data + 1, len - 1);
        return 0;
}
