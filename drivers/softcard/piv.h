/* SPDX-License-Identifier: Apache-2.0 */
/* piv.h: a PIV card application (NIST SP 800-73-4, SP 800-78-4): its keys and data objects.
 *
 * Written from the standard, and independent of the driver that talks to such cards. It is a card
 * already issued: what would change it (PUT DATA, GENERATE, a management key, another's PIN) is refused
 * and counted; only its holder's PIN can be given a new value. piv_data.c fills it, piv.c runs its commands,
 * piv_keys.c its keys, piv_renew.c gives it a new PIN.
 */
#ifndef MOHR_SOFTCARD_PIV_H
#define MOHR_SOFTCARD_PIV_H

#include "drivers/softcard/card.h"

#define PIV_SLOTS       4
#define PIV_OBJECTS_MAX 12
#define PIV_AID_LEN     11

/* SP 800-78-4, 6.2 */
enum piv_algorithm { PIV_RSA_2048 = 0x07, PIV_ECC_P256 = 0x11, PIV_ECC_P384 = 0x14 };

struct piv_slot {
        uint8_t ref, algorithm;
        EVP_PKEY *pkey; /* owned, NULL: an empty slot */
};

struct piv_object {
        uint32_t tag;
        uint8_t *data; /* owned: the whole answer to GET DATA */
        size_t len;
};

struct piv {
        struct piv_slot slots[PIV_SLOTS];
        struct piv_object objects[PIV_OBJECTS_MAX];
        size_t object_count;
        bool fresh; /* a right VERIFY that no PIN-always key has used up */
};

extern const uint8_t pivcard_aid[PIV_AID_LEN];

/* One BER-TLV element; no tag is longer than three bytes here. */
void pivcard_out(struct out *out, uint32_t tag, const void *data, size_t len);
/* An element that must be next; an empty view and `in` spoiled otherwise. */
struct view pivcard_in(struct in *in, uint8_t *ret_tag);

/* Borrowed, NULL: there is none. */
const struct piv_object *pivcard_object(const struct piv *piv, uint32_t tag);
void pivcard_change(struct softcard *card, const struct command *cmd, struct answer *ans);
void pivcard_unblock(struct softcard *card, const struct command *cmd, struct answer *ans);
void pivcard_authenticate(struct softcard *card, const struct command *cmd, struct answer *ans);
/* Each key works once, so that nothing has to be loaded later; -EINVAL: not this certificate's key. */
_must_check_ int pivcard_slot_test(const struct piv_slot *slot, X509 *cert);

/* gzip (RFC 1952) of `data` in fixed Huffman codes or as it is. Owned by the caller, NULL: no memory. */
uint8_t *pivcard_gzip(const uint8_t *data, size_t len, bool stored, size_t *ret_len);

#endif
