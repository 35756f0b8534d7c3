/* SPDX-License-Identifier: Apache-2.0 */
/* pcsc_part10.h: readers with keys of their own, as PC/SC part 10 puts it into bytes.
 *
 * A reader is asked which features it has, and answers with a list of control codes; a second list
 * tells properties of its keys and display. Both are outside bytes. A list that is out of shape in any
 * place is refused whole, and such a reader is used as one without keys: nothing is lost but comfort.
 * The structures a reader is sent are little-endian on every machine. Pure: nothing here talks.
 */
#ifndef MOHR_PCSC_PART10_H
#define MOHR_PCSC_PART10_H

#include "drivers/driver.h"

#define PART10_ANSWER_MAX 256

/* Control codes, 0: the reader has no such feature. */
struct part10_features {
        uint32_t verify, modify, pin_properties, tlv_properties;
};
/* -EBADMSG unless the answer is a list of distinct features, each with a code of four bytes. */
_must_check_ int part10_features_decode(struct view answer, struct part10_features *ret);

/* 0 wherever a reader says nothing. */
struct part10_properties {
        uint16_t display;   /* wLcdLayout: columns and lines */
        uint8_t validation; /* bEntryValidationCondition: what can end an entry, as a set */
        uint8_t min, max;   /* digits of a PIN */
};
/* The answer to GET_TLV_PROPERTIES, and the older one of four bytes to IFD_PIN_PROPERTIES. */
_must_check_ int part10_properties_decode(struct view answer, struct part10_properties *ret);
_must_check_ int part10_pin_properties_decode(struct view answer, struct part10_properties *ret);

/* What of it Mohr can use, a set of enum driver_pinpad: every PIN of 4 to 8 digits must be typable and
 * be ended by a key, or a reader could cut one short. */
uint8_t part10_usable(
        const struct part10_features *features, const struct part10_properties *properties);

struct part10_call {
        uint8_t bytes[128];
        size_t len;
};
/* PIN_VERIFY_STRUCTURE and PIN_MODIFY_STRUCTURE; -EINVAL for what is no such command. */
_must_check_ int part10_verify(
        const struct apdu_pinpad *how, bool display, struct part10_call *ret);
_must_check_ int part10_modify(
        const struct apdu_pinpad *how, bool display, struct part10_call *ret);

#endif
