/* SPDX-License-Identifier: Apache-2.0 */
/* claimset.c: see claimset.h. */
#include "client-sdk/claimset.h"

static const char *const names[] = {
#define X(bit, id, name) [bit] = name,
        CLAIMSET_LIST(X)
#undef X
};

const char *claimset_name(unsigned int bit)
{
        return bit < ARRAY_LEN(names) ? names[bit] : NULL;
}

static claimset bit_of(const json_t *name)
{
        for (unsigned int bit = 0; bit < ARRAY_LEN(names); bit++)
                if (json_is_string(name) && strcmp(json_string_value(name), names[bit]) == 0)
                        return (claimset)(1u << bit);
        return CLAIMS_NONE;
}

bool claimset_read(const json_t *list, claimset *ret)
{
        claimset set = CLAIMS_NONE;
        if (list && !json_is_array(list))
                return false;
        for (size_t i = 0; i < json_array_size(list); i++) {
                claimset bit = bit_of(json_array_get(list, i));
                if (bit == CLAIMS_NONE || set & bit)
                        return false;
                set |= bit;
        }
        *ret = set;
        return true;
}

json_t *claimset_json(claimset set)
{
        json_t *list = json_array();
        for (unsigned int bit = 0; list && bit < ARRAY_LEN(names); bit++)
                if (set & 1u << bit && json_array_append_new(list, json_string(names[bit])) < 0) {
                        json_decref(list);
                        return NULL;
                }
        return list;
}
