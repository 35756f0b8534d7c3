/* SPDX-License-Identifier: Apache-2.0 */
/* piv.h: the inside of the profile of PIV cards; nobody but apdu/piv*.c and their tests includes it.
 *
 * Everything here follows NIST SP 800-73-4: part 1 (data model: tags, PIN, key references) and part 2
 * (the card's commands). It is small on purpose: one application, one PIN (80), two keys (9C, 9A) and their
 * certificates. Of commands that change a card only those for that one PIN exist here, none for another key or PIN.
 *
 * Errors as in nid.h: what a card may say is an outcome, -EPERM and -EINVAL are callers that broke a
 * rule.
 */
#ifndef MOHR_PIV_H
#define MOHR_PIV_H

#include "apdu/card.h"

#define PIV_PIN_REF   0x80 /* part 1 table 4b: the application's PIN; the only one asked for */
#define PIV_PIN_BLOCK 8    /* part 2, 2.4.3: 6 to 8 digits, then FF */
#define PIV_PIN_MIN   6
#define PIV_PIN_MAX   8
#define PIV_PIN_PAD   0xFF
#define PIV_PUK_LEN   8 /* digits of the code that unblocks it; the standard has it fill its block */
#define PIV_KEY_SIGN  0x9C /* part 1 table 4b: digital signature, a PIN for each signature */
#define PIV_KEY_AUTHENTICATION                                                                     \
        0x9A /* the same table: a PIN once, by the card; here for each, too */

/* piv.c */
_must_check_ int piv_send(struct card *card, const struct apdu_cmd *cmd, struct apdu_rsp *rsp);
/* Selects if the application is not known to be selected. */
_must_check_ int piv_select(struct card *card);
/* One data object by its tag list, its answer as it is; OUTCOME_CARD_NOT_SUPPORTED if refused. */
_must_check_ int piv_get(
        struct card *card, uint32_t tag, uint8_t *buf, size_t cap, struct view *ret);

/* piv_pin.c, piv_sign.c */
int piv_counter(struct card *card, enum pin_copy copy, struct pin_counter *ret);
int piv_verify(struct card *card, const uint8_t *pin, size_t pin_len, int *ret_tries);
int piv_renew(struct card *card, enum card_renewal how, struct view proof, struct view new_pin,
        int *ret_tries); /* piv_renew.c */
int piv_select_method(struct card *card, uint8_t key_ref, enum sign_method method);
int piv_sign(struct card *card, uint8_t key_ref, enum sign_method method, const uint8_t *block,
        size_t block_len, uint8_t *sig, size_t cap, size_t *ret_len);

/* piv_parse.c: pure. -EBADMSG for what the standard does not write. */
bool piv_is_template(struct view answer); /* what SELECT answers, part 2 table 3 */
/* Part 1, 3.3.2: *ret_usable is false where the holder's PIN is not, or not first, the application's. */
_must_check_ int piv_parse_discovery(struct view object, bool *ret_usable);
_must_check_ int piv_parse_container(struct view object, struct view *ret); /* 53 { ... } */
_must_check_ int piv_parse_signature(struct view answer, struct view *ret); /* 7C { 82 ... } */

#endif
