/* SPDX-License-Identifier: Apache-2.0 */
/* fields.h: the bounds of every text an assertion can carry; composer and verifier use the same.
 *
 * What is signed is what was shown: a text that text_sanitize() would change for the prompt is out
 * of bounds here, so nobody signs characters that nobody saw.
 */
#ifndef MOHR_FIELDS_H
#define MOHR_FIELDS_H

#include "base/base.h"
#include <jansson.h>

#define FIELD_AUDIENCE_MAX 512
#define FIELD_NONCE_MIN    8
#define FIELD_NONCE_MAX    128
#define FIELD_PURPOSE_MAX  256
#define FIELD_STATION_MAX  128
#define FIELD_LIFE_MAX     3600 /* seconds an assertion may live */

bool field_is_uri(
        const char *text); /* scheme ":" and printable ASCII that RFC 3986 allows, <= 512 */
bool field_is_nonce(const char *text); /* 8..128 printable ASCII without space */
bool field_is_text(
        const char *text, size_t max_bytes); /* 1..max bytes, unchanged by text_sanitize */
bool field_is_token(const char *text);       /* 1..32 of a-z 0-9 - _ */
bool field_is_hex(const char *text, size_t min_digits, size_t max_digits); /* lower case, even */
bool field_is_digits(const char *text, size_t digits);

/* Station members an app may state: operator, branch, device, case_number (text), photo_checked
 * (boolean). With `composed`, also those only the daemon adds: reader, software (text), pin_entry
 * (token). NULL is good; an unknown member is not. */
bool field_is_station(const json_t *station, bool composed);
/* The same texts before they are JSON: each is NULL or good. photo_checked is not looked at. */
struct mohr_station;
bool field_is_stated(const struct mohr_station *station);

#endif
