/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_nid_versions.c: the versions file becomes short printable text in a buffer of any size, or
 * nothing.
 */
#include "apdu/card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size == 0)
                return 0;
        size_t cap = data[0] % 80u + 1;
        char *text = malloc(cap);
        if (!text)
                abort();
        if (nid_parse_versions((struct view){ data + 1, size - 1 }, text, cap) == 0) {
                if (strnlen(text, cap) == cap || text[0] == '\0')
                        abort();
                if (strspn(text, "0123456789ABCDEF= ") != strlen(text))
                        abort();
        }
        free(text);
        return 0;
}
