/* SPDX-License-Identifier: Apache-2.0 */
/* names.c: whether two names differ only in how they were typed.
 *
 * Persian names are typed on Arabic keyboards, with and without half-spaces, hamza and vowel marks; the
 * registry's spelling is one of many. A relying party that compares a certificate's name with its own list
 * asks here, knowing that it asks something softer than "the same bytes". The verifier never does: between
 * payload and certificate every byte counts. What a name is folded to is nobody's name and not shown.
 */
#include "client-sdk/mohr.h"

#include "base/text.h"

/* Ranges of characters and what each is taken for: 0 is nothing at all. */
static const struct fold {
        uint32_t from, to, as;
} folds[] = {
        { 0x0009, 0x000D, 0 },      /* white space */
        { 0x0020, 0x0020, 0 },      /* space */
        { 0x00A0, 0x00A0, 0 },      /* no-break space */
        { 0x061C, 0x061C, 0 },      /* Arabic letter mark */
        { 0x0622, 0x0623, 0x0627 }, /* alef with madda, with hamza above */
        { 0x0624, 0x0624, 0x0648 }, /* waw with hamza */
        { 0x0625, 0x0625, 0x0627 }, /* alef with hamza below */
        { 0x0626, 0x0626, 0x06CC }, /* yeh with hamza */
        { 0x0629, 0x0629, 0x0647 }, /* teh marbuta */
        { 0x0640, 0x0640, 0 },      /* tatweel */
        { 0x0643, 0x0643, 0x06A9 }, /* Arabic kaf */
        { 0x0649, 0x064A, 0x06CC }, /* alef maksura, Arabic yeh */
        { 0x064B, 0x065F, 0 },      /* vowel marks, hamza and madda by themselves */
        { 0x0670, 0x0670, 0 },      /* superscript alef */
        { 0x0671, 0x0671, 0x0627 }, /* alef wasla */
        { 0x06AA, 0x06AA, 0x06A9 }, /* swash kaf */
        { 0x06BE, 0x06BE, 0x0647 }, /* heh doachashmee */
        { 0x06C0, 0x06C2, 0x0647 }, /* heh with hamza, heh goal */
        { 0x06D5, 0x06D5, 0x0647 }, /* ae */
        { 0x06D6, 0x06ED, 0 },      /* marks of recitation */
        { 0x2000, 0x200F, 0 },      /* spaces, ZWNJ, ZWJ, direction marks */
        { 0x202F, 0x202F, 0 },      /* narrow no-break space */
        { 0x3000, 0x3000, 0 },      /* ideographic space */
        { 0xFEFF, 0xFEFF, 0 },      /* byte order mark */
};

/* The next character of a valid text, or 0 at its end. */
static uint32_t next_character(const char **text)
{
        const uint8_t *at = (const uint8_t *)*text;
        size_t more = at[0] >= 0xF0 ? 3 : at[0] >= 0xE0 ? 2 : at[0] >= 0xC0 ? 1 : 0;
        uint32_t character = more == 0 ? at[0] : at[0] & (0x3FU >> more);
        for (size_t i = 1; i <= more; i++)
                character = character << 6 | (at[i] & 0x3FU);
        *text += at[0] ? more + 1 : 0;
        return character;
}

static uint32_t folded(uint32_t character)
{
        if (character >= 0x06F0 && character <= 0x06F9)
                return character - 0x06F0 + '0';
        if (character >= 0x0660 && character <= 0x0669)
                return character - 0x0660 + '0';
        for (size_t i = 0; i < ARRAY_LEN(folds); i++)
                if (character >= folds[i].from && character <= folds[i].to)
                        return folds[i].as;
        return character;
}

/* The next one that counts, or 0 at the end. */
static uint32_t next_folded(const char **text)
{
        for (uint32_t character; (character = next_character(text)) != 0;)
                if (folded(character) != 0)
                        return folded(character);
        return 0;
}

bool mohr_names_match(const char *one, const char *other)
{
        uint32_t left, right;
        size_t count = 0;
        if (!one || !other || !text_utf8_valid(one, strlen(one)) ||
                !text_utf8_valid(other, strlen(other)))
                return false;
        do {
                left = next_folded(&one);
                right = next_folded(&other);
                count++;
        } while (left == right && left != 0);
        return left == right && count > 1; /* two texts without a letter are no names */
}
