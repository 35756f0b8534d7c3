/* SPDX-License-Identifier: Apache-2.0 */
/* text.h: what people read and type: UTF-8 that is checked, digits of three scripts, dates.
 *
 * text_sanitize() is the only way for a string of an app, a card or a certificate to reach a prompt
 * or a terminal: invalid UTF-8, control characters (C0, C1), line and paragraph separators,
 * bidirectional controls (U+061C, U+200E/F, U+202A..E, U+2066..9) and characters that cannot be seen
 * (fillers, tags, most variation selectors) are dropped, and the result is cut at a character
 * boundary. ZWNJ (U+200C) stays: Persian orthography needs it; so does ZWJ. Nothing else is normalised
 * (card-facts 7.2 rule 15).
 */
#ifndef MOHR_TEXT_H
#define MOHR_TEXT_H

#include "base/base.h"
#include <time.h>

bool text_utf8_valid(
        const char *text, size_t len); /* no NUL, no surrogates, no overlong, <= U+10FFFF */
/* All of it, NULL as "", or -EMSGSIZE: it does not fit with its NUL, or is no UTF-8. */
_must_check_ int text_copy(char *dst, size_t cap, const char *src);
/* At most max_chars code points and cap-1 bytes; always terminated; appends U+2026 when cut. */
void text_sanitize(char *dst, size_t cap, const char *src, size_t max_chars);
/* Folds Persian (U+06F0..9) and Arabic-Indic (U+0660..9) digits to ASCII, in place (never longer).
 * Returns the new length. Other bytes stay. */
size_t text_fold_digits(char *text, size_t len);
/* The reverse for display: ASCII digits to Persian ones. */
void text_persian_digits(char *dst, size_t cap, const char *src);

/* National-number check digit (card-facts 3.2): ten ASCII digits, not all equal, check holds. */
bool text_national_number_valid(const char digits[10]);

struct jalali {
        int year, month, day;
};
struct jalali text_jalali(int gyear, int gmonth, int gday);
/* "1405/08/30 22:47" in Tehran time (UTC+03:30, no daylight saving since 2022), Latin digits. */
void text_tehran(char dst[static 24], time_t when);
/* "2026-11-21T22:47:36Z" */
void text_iso8601(char dst[static 24], time_t when);

#endif
