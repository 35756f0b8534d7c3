/* SPDX-License-Identifier: Apache-2.0 */
/* nid_rules.c: whom a file obeys, out of what SELECT tells about it (card-facts 2.9, 6.6 step 6).
 *
 * Two shapes are published for the family. IAS Classic has a compact rule, in tag 8C or, in later
 * versions, 86: one byte that names operations, then one security condition for each of them. MPCOS
 * has a block in tag 85 with three conditions of sixteen bits. Both come with or without a template
 * around them, so they are searched for. What is a bit longer, shorter or otherwise than that is not
 * interpreted: no rule is better than a wrong one. A file's rule says nothing of a key's.
 */
#include "apdu/nid.h"
#include "apdu/tlv.h"

#define INFO_MAX       256
#define TAG_FILE_ID    0x83
#define TAG_BLOCK      0x85
#define TAG_RULE       0x8C
#define TAG_RULE_LATER 0x86

#define AM_UPDATE      0x02
#define AM_READ        0x01
#define AM_PROPRIETARY 0x80

#define BLOCK_LEN       14
#define BLOCK_ID_AT     2
#define BLOCK_UPDATE_AT 8
#define BLOCK_READ_AT   12

/* One security condition byte. */
static uint8_t needs_of(uint8_t condition)
{
        static const struct {
                uint8_t bit, need;
        } bits[] = {
                { 0x80, NEED_ALL },
                { 0x40, NEED_SECURE_MESSAGING },
                { 0x20, NEED_AUTHENTICATION },
                { 0x10, NEED_PIN },
        };
        uint8_t needs = NEED_KNOWN;
        if (condition == 0x00)
                return NEED_KNOWN;
        if (condition == 0xFF)
                return NEED_KNOWN | NEED_NEVER;
        if (!(condition & 0x70))
                return 0;
        for (size_t i = 0; i < ARRAY_LEN(bits); i++)
                if (condition & bits[i].bit)
                        needs |= bits[i].need;
        return needs;
}

/* The conditions stand in the order of the operations' bits, high to low, one for each that is set. */
static struct card_rules compact_rules(struct view rule)
{
        struct card_rules rules = { 0 };
        struct in in = in_new(rule.data, rule.len);
        uint8_t operations = in_u8(&in);
        if (operations & AM_PROPRIETARY)
                return rules;
        for (uint8_t bit = 0x40; bit > 0; bit >>= 1) {
                uint8_t needs = operations & bit ? needs_of(in_u8(&in)) : 0;
                if (bit == AM_UPDATE)
                        rules.update = needs;
                if (bit == AM_READ)
                        rules.read = needs;
        }
        return in_done(&in) == 0 ? rules : (struct card_rules){ 0 };
}

/* Two bits: how many secret codes, 3 for never; six bits: a key for secure messaging. */
static uint8_t needs_of_block(struct view block, size_t at)
{
        uint8_t high = block.data[at], codes = high >> 6;
        uint8_t needs = NEED_KNOWN;
        if (codes == 3)
                return NEED_KNOWN | NEED_NEVER;
        if (codes > 0)
                needs |= NEED_PIN;
        if (high & 0x3F)
                needs |= NEED_SECURE_MESSAGING;
        return needs & NEED_PIN && needs & NEED_SECURE_MESSAGING ? needs | NEED_ALL : needs;
}

static bool same_file(const uint8_t id[static 2], uint16_t ef)
{
        return (id[0] << 8 | id[1]) == ef;
}

static struct card_rules block_rules(struct view block, uint16_t ef)
{
        if (block.len != BLOCK_LEN || !same_file(block.data + BLOCK_ID_AT, ef))
                return (struct card_rules){ 0 };
        return (struct card_rules){
                .read = needs_of_block(block, BLOCK_READ_AT),
                .update = needs_of_block(block, BLOCK_UPDATE_AT),
        };
}

struct card_rules nid_parse_rules(struct view fci, uint16_t ef)
{
        struct view rule = { 0 }, id = { 0 };
        bool named = tlv_find(fci, TAG_FILE_ID, &id) == 0;
        if (named && (id.len != 2 || !same_file(id.data, ef)))
                return (struct card_rules){ 0 };
        if (tlv_find(fci, TAG_RULE, &rule) == 0 || tlv_find(fci, TAG_RULE_LATER, &rule) == 0)
                return compact_rules(rule);
        if (tlv_find(fci, TAG_BLOCK, &rule) == 0)
                return block_rules(rule, ef);
        return (struct card_rules){ 0 };
}

int nid_ask_rules(struct card *card, const struct nid_file *file, struct card_rules *ret)
{
        uint8_t buf[INFO_MAX];
        struct apdu_rsp rsp = { .data = buf, .cap = sizeof buf };
        struct card_rules rules = { 0 };
        int r = nid_select_info(card, file, &rsp);
        if (r == 0)
                rules = nid_parse_rules((struct view){ buf, rsp.len }, file->ef);
        else if (r != OUTCOME_CARD_NOT_SUPPORTED || card->sw == 0)
                return r;
        *ret = rules;
        return 0;
}
