/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_leaf.c: certificates from a hostile card. What is read must be within its bounds, and text. */
#include "client-sdk/identity.h"

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
        if (!holds)
                abort();
}

static void require_text(const char *text, size_t cap)
{
        size_t len = strnlen(text, cap);
        require(len < cap && text_utf8_valid(text, len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct leaf leaf;
        struct identity identity;
        X509 *cert = NULL;
        if (leaf_parse(data, len, &cert, &leaf) < 0)
                return 0;
        require_text(leaf.given_name, sizeof leaf.given_name);
        require_text(leaf.family_name, sizeof leaf.family_name);
        size_t digits = strlen(leaf.card_number);
        require(digits == 0 || (digits == 10 && strspn(leaf.card_number, "0123456789") == 10));
        require((digits == 0) == (leaf.cn_suffix[0] == '\0'));
        require(leaf.class != LEAF_CA || digits == 0);
        if (identity_read(cert, &leaf, &identity) == 0)
                require(digits == 10 && leaf.issuer_is_nocr &&
                        strlen(identity.sub) == IDENTITY_SUB_LEN);
        X509_free(cert);
        return 0;
}
