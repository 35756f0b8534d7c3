/* SPDX-License-Identifier: Apache-2.0 */
/* question.h: what mohrd tells mohr-prompt, and what comes back; the two frames of that channel.
 *
 * Question: u8 version | texts in the order of the struct (u16 length, UTF-8) | u8 tries (255 unknown)
 *           | u8 flags | u16 timeout in seconds | u8 readers; nothing after it.
 * Answer:   u8 outcome (0 or enum outcome) | 4..8 ASCII digits if and only if the outcome is 0 and the
 *           question was not one whose digits are typed on the reader, or about readers. To one about
 *           a single reader NO_CARD says: not this one, another.
 *
 * The texts are facts, not wording. `tty` to `pinentry` steer programs and hold no control character;
 * the others are for display, come from apps, cards and certificates, and are hostile: whoever shows
 * them passes them through texts.c.
 */
#ifndef MOHR_QUESTION_H
#define MOHR_QUESTION_H

#include "base/bytes.h"

#define QUESTION_VERSION       1
#define QUESTION_FRAME_MAX     4096
#define QUESTION_PIN_MIN       4
#define QUESTION_PIN_MIN_STAFF 6
#define QUESTION_PIN_MAX       8
#define QUESTION_TRIES_MAX     15
#define QUESTION_READER_MAX    128
#define QUESTION_READERS_SHOWN 3

struct question {
        char tty[128], term[64], display[128], language[8], pinentry[256];
        char request[64], app[512], audience[768], purpose[512];
        char given_name[256], family_name[256], card_number[32];
        char reader[QUESTION_READERS_SHOWN * QUESTION_READER_MAX];
        int tries_left; /* -1 unknown */
        bool simulated, tell_unproven, expired;
        bool pinpad; /* consent only: the PIN is typed on the reader's keys afterwards */
        bool choice; /* nothing else is asked than whether the card on `reader` is meant */
        bool search; /* nothing else than whether the cards on `reader_count` readers may be looked at for
                        the one of `card_number`; `reader` names the first of them, one a line */
        bool staff; /* a card of an organisation: `given_name` is all of the name, `card_number`
                             * the employee's, and the PIN has 6 digits or more */
        uint16_t timeout_s; /* 1..3600 */
        uint8_t reader_count;
};

/* Writes at most QUESTION_FRAME_MAX bytes; *ret_len. -EINVAL if a field is out of its bounds. */
_must_check_ int question_encode(
        const struct question *question, uint8_t *frame, size_t cap, size_t *ret_len);
_must_check_ int question_decode(const void *frame, size_t len, struct question *ret);

/* -EBADMSG unless the frame is a well-formed answer to a question that wanted digits, or did not.
 * `ret_pin` is a view into the frame. */
_must_check_ int answer_decode(
        const void *frame, size_t len, bool digits, int *ret_outcome, struct view *ret_pin);
size_t question_pin_min(const struct question *question); /* digits of a PIN of this card */
bool answer_pin_valid(const void *digits, size_t len);    /* 4..8 ASCII digits */

#endif
