/* SPDX-License-Identifier: Apache-2.0 */
/* nid_pin.c: counters at no cost, and the one VERIFY (card-facts 4.2 to 4.5, 4.10, 7.2 rules 2-5, 9).
 *
 * The rule in one sentence: a PIN goes to reference 81 of IAS, padded as the card's row says, once
 * per counter() that showed tries left on this very selection of the application. Whatever the answer
 * is, or if none comes, the right to send is spent before the command is. Nothing here repeats,
 * guesses another reference, or reads an unknown word as "again". A reader with keys of its own makes
 * the same command under the same rules; then no digit comes here.
 *
 * The MPCOS copies are only ever asked with 80 C0: an empty VERIFY there is not known to be harmless.
 */
#include "apdu/nid.h"
#include "apdu/pinpad.h"

static int may_use_pin(const struct card *card)
{
        if (!card->nid.row)
                return -EPERM;
        return card->nid.row->supported ? 0 : OUTCOME_CARD_NOT_SUPPORTED;
}

static int send_empty_verify(struct card *card, int le)
{
        struct apdu_cmd cmd = {
                .ins = 0x20,
                .p2 = card->nid.row->pin.ref,
                .le = le,
                .flags = APDU_ONCE,
        };
        return nid_send_plain(card, &cmd);
}

/* VERIFY without data asks for the counter: case 1 on T=1, P3 = 00 on T=0 (apdu.c knows). A T=1 card
 * that finds case 1 too short is asked in the vendor's five bytes; both forms are in the field (4.5),
 * and neither carries a PIN. */
static int empty_verify(struct card *card, struct pin_counter *ret)
{
        card->nid.counter_seen = false;
        int r = send_empty_verify(card, APDU_NO_LE);
        if (r == 0 && card->sw == 0x6700 && card->link->protocol == APDU_T1)
                r = send_empty_verify(card, APDU_LE_MAX);
        if (r != 0)
                return r;
        *ret = pin_counter_of(card->sw);
        card->nid.counter_seen = ret->tries > 0;
        return 0;
}

/* 9000 means "already verified", never "tries left": the state is dropped and the card asked again. */
static int counter_ias(struct card *card, struct pin_counter *ret)
{
        int r = nid_select_app(card, NID_IAS);
        if (r == 0)
                r = empty_verify(card, ret);
        if (r != 0 || ret->sw != 0x9000)
                return r;
        r = nid_reselect(card, NID_IAS);
        return r == 0 ? empty_verify(card, ret) : r;
}

/* Byte 1 of the secret-code information, one bit per failure (4.5). Other values: unknown, since a
 * card that allows more tries would count further up. */
static const struct {
        uint8_t byte;
        int tries;
} thermometer[] = { { 0x00, 3 }, { 0x01, 2 }, { 0x03, 1 }, { 0x07, 0 } };

static int counter_mpcos(struct card *card, const struct nid_file *file, struct pin_counter *ret)
{
        uint8_t info[12];
        struct apdu_rsp rsp = { .data = info, .cap = sizeof info };
        struct apdu_cmd cmd = {
                .cla = 0x80, .ins = 0xC0, .p1 = 0x02, .p2 = 0x05, .le = sizeof info
        };
        int r = nid_select_file(card, file);
        if (r == 0)
                r = nid_send(card, &cmd, &rsp);
        if (r != 0 && (r != OUTCOME_CARD_NOT_SUPPORTED || card->sw == 0))
                return r;
        *ret = (struct pin_counter){ .sw = card->sw };
        for (size_t i = 0; i < ARRAY_LEN(thermometer); i++) {
                if (rsp.sw == 0x9000 && rsp.len == sizeof info && info[1] == thermometer[i].byte) {
                        ret->known = true;
                        ret->tries = thermometer[i].tries;
                }
        }
        return 0;
}

int nid_counter(struct card *card, enum pin_copy copy, struct pin_counter *ret)
{
        static const struct nid_file secret_codes[PIN_COPY_COUNT] = {
                [PIN_COPY_ID] = { NID_MPCOS, 0x0200, 0x2F01, false, 0 },
                [PIN_COPY_EV] = { NID_MPCOS, 0x0500, 0x5F04, false, 0 },
        };
        struct pin_counter counter = { 0 };
        int r = may_use_pin(card);
        if (r != 0)
                return r;
        if ((size_t)copy >= PIN_COPY_COUNT)
                return -EINVAL;
        r = copy == PIN_COPY_IAS ? counter_ias(card, &counter)
                                 : counter_mpcos(card, &secret_codes[copy], &counter);
        if (r == 0)
                *ret = counter;
        return r;
}

static int verify_outcome(uint16_t sw)
{
        return sw_kind(sw) == SW_SECURE_MESSAGING ? OUTCOME_NEEDS_ISSUER_KEYS : pin_outcome(sw);
}

int nid_verify(struct card *card, const uint8_t *pin, size_t pin_len, int *ret_tries)
{
        _cleanup_(pin_block_wipe) struct pin_block block = { 0 };
        *ret_tries = -1;
        int r = may_use_pin(card);
        if (r != 0)
                return r;
        const struct pin_format *format = &card->nid.row->pin;
        r = pin ? pin_block_fill(&block, format, pin, pin_len) : 0;
        if (r < 0)
                return r;
        if (card->nid.selected != NID_IAS || !card->nid.counter_seen)
                return -EPERM;
        struct apdu_cmd cmd = {
                .ins = 0x20,
                .p2 = format->ref,
                .data = { block.bytes, format->block_len },
                .le = APDU_NO_LE,
                .flags = APDU_ONCE,
        };
        card->nid.counter_seen = card->nid.verified = card->nid.pin_used = false;
        r = pin ? nid_send_plain(card, &cmd) : pin_by_keys(card, &cmd, format);
        if (r != 0)
                return r;
        *ret_tries = sw_tries(card->sw);
        int nothing_sent = pin ? 0 : pinpad_outcome(card->sw);
        r = nothing_sent ? nothing_sent : verify_outcome(card->sw);
        card->nid.verified = r == 0;
        return r;
}
