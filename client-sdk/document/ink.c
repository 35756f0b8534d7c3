/* SPDX-License-Identifier: Apache-2.0 */
/* ink.c: see ink.h. The stamp is drawn by mohr-page and comes through the daemon into what people see on a signed page. Were
 * it led astray there, the worst that a stamp could be is a drawing: no text to be searched for, no picture, no font, no
 * resource, nothing that runs. Operators are rows of a table; what is in no row is refused, and so is a number out of bounds.
 */
#include "client-sdk/document/ink.h"

#define OPERANDS_MAX 6
#define DEPTH_MAX    16
#define NUMBER_MAX   10 /* characters */

struct operator
{
        const char *name;
        int operands, depth;
};

static const struct operator operators[] = {
        /* paths */
        { "m", 2, 0 },
        { "l", 2, 0 },
        { "c", 6, 0 },
        { "v", 4, 0 },
        { "y", 4, 0 },
        { "h", 0, 0 },
        { "re", 4, 0 },
        /* paint */
        { "f", 0, 0 },
        { "f*", 0, 0 },
        { "S", 0, 0 },
        { "s", 0, 0 },
        { "B", 0, 0 },
        { "B*", 0, 0 },
        { "n", 0, 0 },
        { "W", 0, 0 },
        { "W*", 0, 0 },
        /* colour */
        { "g", 1, 0 },
        { "G", 1, 0 },
        { "rg", 3, 0 },
        { "RG", 3, 0 },
        /* state */
        { "q", 0, 1 },
        { "Q", 0, -1 },
        { "cm", 6, 0 },
        { "w", 1, 0 },
        { "J", 1, 0 },
        { "j", 1, 0 },
        { "M", 1, 0 },
};

static bool is_gap(uint8_t byte)
{
        return byte == ' ' || byte == '\n';
}

static bool is_number(const uint8_t *word, size_t len)
{
        size_t digits = 0, stops = 0;
        for (size_t i = 0; i < len; i++) {
                bool digit = word[i] >= '0' && word[i] <= '9';
                if (!digit && word[i] != '.' && !(word[i] == '-' && i == 0))
                        return false;
                digits += digit;
                stops += word[i] == '.';
        }
        return digits > 0 && stops <= 1 && len <= NUMBER_MAX;
}

static const struct operator* operator_of(const uint8_t *word, size_t len)
{
        for (size_t i = 0; i < ARRAY_LEN(operators); i++)
                if (strlen(operators[i].name) == len && memcmp(operators[i].name, word, len) == 0)
                        return &operators[i];
        return NULL;
}

bool ink_is_plain(const uint8_t *data, size_t len)
{
        int operands = 0, depth = 0;
        for (size_t at = 0; at < len;) {
                size_t begin = at;
                while (at < len && !is_gap(data[at]))
                        at++;
                if (at == begin) {
                        at++;
                        continue;
                }
                if (is_number(data + begin, at - begin)) {
                        if (++operands > OPERANDS_MAX)
                                return false;
                        continue;
                }
                const struct operator* found = operator_of(data + begin, at - begin);
                if (!found || found->operands != operands)
                        return false;
                operands = 0;
                depth += found->depth;
                if (depth < 0 || depth > DEPTH_MAX)
                        return false;
        }
        return operands == 0 && depth == 0;
}
