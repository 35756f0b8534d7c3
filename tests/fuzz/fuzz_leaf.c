/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_leaf.c: certificates from a hostile card. What is read must be within its bounds, and text; and
 * nobody is a citizen and a staff member. */
#include "client-sdk/identity.h"
#include "tests/fuzz/require.h"

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require_staff(const struct leaf *leaf, size_t digits)
{
        const char *const texts[] = { leaf->common_name, leaf->organization, leaf->employee_number,
                leaf->email, leaf->upn };
        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                require_text(texts[i], LEAF_NAME_MAX);
                require(leaf->class == LEAF_STAFF || texts[i][0] == '\0');
        }
        if (leaf->class == LEAF_STAFF)
                require(digits == 0 && !leaf->issuer_is_nocr && leaf->common_name[0] != '\0');
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
        require_staff(&leaf, digits);
        if (identity_read(cert, &leaf, &identity) == 0) {
                require(strlen(identity.sub) == IDENTITY_SUB_LEN);
                require(identity.staff == (leaf.class == LEAF_STAFF));
                require(identity.staff || (digits == 10 && leaf.issuer_is_nocr));
        }
        X509_free(cert);
        return 0;
}
