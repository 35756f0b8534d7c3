/* SPDX-License-Identifier: Apache-2.0 */
/* nid_read.c: what can be read without a PIN (card-facts 2.7, 2.8, 3.1, 3.2, 4.7).
 *
 * A certificate says in its first bytes how long it is; exactly that is read, whatever padding the
 * file has behind it. Other files are read to their end, which the card shows by a short block, a
 * warning or 6B00. What is longer than the buffer, shorter than announced or refused is
 * OUTCOME_CARD_NOT_SUPPORTED; half a file is never handed out. MPCOS counts offsets in words, so far
 * as anybody knows: before a second block is read, four bytes at offset 1 prove or disprove it.
 *
 * With T=0 a block cut short costs two exchanges. So the dates are first asked for in their observed
 * length (3.5), and are whole if the objects in them end where that block ends.
 */
#include "apdu/nid.h"

struct reading {
        struct card *card;
        uint8_t *buf;
        size_t len, goal;
        size_t first; /* length of the first block */
        uint8_t unit;
        bool more;
};

static bool has_data(uint16_t sw)
{
        return sw == 0x9000 || sw >> 8 == 0x62;
}

/* Up to `want` bytes at an offset in the card's units; 0 bytes beyond the end. */
static int read_at(struct card *card, size_t offset, uint8_t *buf, size_t want, size_t *ret_got)
{
        struct apdu_rsp rsp = { .data = buf, .cap = want };
        struct apdu_cmd cmd = {
                .ins = 0xB0,
                .p1 = (uint8_t)(offset >> 8),
                .p2 = (uint8_t)offset,
                .le = (int)want,
        };
        int r = nid_send(card, &cmd, &rsp);
        if (r != 0)
                return r;
        if (sw_kind(rsp.sw) == SW_BEYOND_END)
                rsp.len = 0;
        else if (!has_data(rsp.sw))
                return OUTCOME_CARD_NOT_SUPPORTED;
        *ret_got = rsp.len;
        return 0;
}

static int read_block(struct reading *reading)
{
        size_t block = reading->len == 0 ? reading->first : NID_BLOCK;
        size_t want = base_min(block, reading->goal - reading->len), got = 0;
        int r = read_at(reading->card, reading->len / reading->unit, reading->buf + reading->len,
                want, &got);
        if (r != 0)
                return r;
        reading->len += got;
        reading->more = got == want && reading->len < reading->goal;
        return 0;
}

/* A certificate that may not be read says itself whom it waits for, if asked (6.6 step 6). */
static int read_first(struct reading *reading, const struct nid_file *file)
{
        struct card *card = reading->card;
        struct card_rules rules;
        int r = read_block(reading);
        if (r != OUTCOME_CARD_NOT_SUPPORTED || !file->der)
                return r;
        uint16_t refused = card->sw;
        if (sw_kind(refused) == SW_SECURE_MESSAGING)
                return OUTCOME_NEEDS_ISSUER_KEYS;
        if (sw_kind(refused) != SW_SECURITY)
                return r;
        int asked = nid_ask_rules(card, file, &rules);
        if (asked != 0)
                return asked;
        card->sw = refused;
        return card_needs_keys(rules.read) ? OUTCOME_NEEDS_ISSUER_KEYS : r;
}

static int set_der_goal(struct reading *reading)
{
        struct view start = { reading->buf, reading->len };
        size_t total;
        if (nid_der_length(start, base_min(reading->goal, CARD_FILE_MAX), &total) < 0)
                return OUTCOME_CARD_NOT_SUPPORTED;
        reading->goal = total;
        if (reading->len >= total) {
                reading->len = total;
                reading->more = false;
        }
        return 0;
}

/* Plain TLV, one byte each of tag and length, that ends with the last byte. */
static bool whole_objects(const struct reading *reading)
{
        struct in in = in_new(reading->buf, reading->len);
        while (in_left(&in) > 0) {
                (void)in_u8(&in);
                (void)in_bytes(&in, in_u8(&in));
        }
        return in_done(&in) == 0;
}

/* Ambiguous only for repeating bytes; then the table's unit stays (card-facts 2.8). */
static int check_unit(struct reading *reading)
{
        uint8_t probe[4];
        size_t got = 0;
        if (reading->unit == 1 || !reading->more)
                return 0;
        int r = read_at(reading->card, 1, probe, sizeof probe, &got);
        if (r != 0)
                return r;
        if (got == sizeof probe && memcmp(probe, reading->buf + reading->unit, sizeof probe) == 0)
                return 0;
        if (got != sizeof probe || memcmp(probe, reading->buf + 1, sizeof probe) != 0)
                return OUTCOME_CARD_NOT_SUPPORTED;
        reading->unit = 1;
        return 0;
}

static int read_file(
        struct card *card, const struct nid_file *file, uint8_t *buf, size_t cap, size_t *ret_len)
{
        struct reading reading = {
                .card = card,
                .buf = buf,
                .goal = cap,
                .first = NID_BLOCK,
                .unit = nid_applications[file->app].unit,
        };
        if (file->expect > 0 && card->link->protocol == APDU_T0)
                reading.first = file->expect;
        int r = nid_select_file(card, file);
        if (r == 0)
                r = read_first(&reading, file);
        if (r == 0 && reading.first == file->expect && whole_objects(&reading))
                reading.more = false;
        if (r == 0)
                r = file->der ? set_der_goal(&reading) : check_unit(&reading);
        for (unsigned int n = 1; r == 0 && reading.more && n < NID_READS_MAX; n++)
                r = read_block(&reading);
        if (r != 0)
                return r;
        bool whole = file->der ? reading.len == reading.goal
                               : !reading.more && reading.len > 0 && reading.len < cap;
        if (!whole)
                return OUTCOME_CARD_NOT_SUPPORTED;
        *ret_len = reading.len;
        return 0;
}

/* GET DATA objects of the card manager: tag (2), length (1), value; a cut of it is the answer. */
static const struct data_object {
        uint16_t tag;
        uint8_t le, len_min, len_max, cut_at, cut_len;
        bool digits;
} data_objects[OBJECT_COUNT] = {
        [OBJECT_CSN] = { 0x9F7F, 0x2D, 0x2A, 0x2A, 13, 8, false },
        [OBJECT_CRN] = { 0x0101, 0x15, 10, 0x12, 3, 10, true },
};

static bool all_digits(struct view view)
{
        for (size_t i = 0; i < view.len; i++)
                if (view.data[i] < '0' || view.data[i] > '9')
                        return false;
        return true;
}

static int cut_data(const struct data_object *object, struct view answer, struct view *ret)
{
        struct in in = in_new(answer.data, answer.len);
        uint16_t tag = in_u16(&in);
        uint8_t len = in_u8(&in);
        bool announced = len >= object->len_min && len <= object->len_max && len <= in_left(&in);
        if (tag != object->tag || !announced)
                return OUTCOME_CARD_NOT_SUPPORTED;
        struct view cut = { answer.data + object->cut_at, object->cut_len };
        if (object->digits && !all_digits(cut))
                return OUTCOME_CARD_NOT_SUPPORTED;
        *ret = cut;
        return 0;
}

static int read_data(struct card *card, const struct data_object *object, uint8_t *buf, size_t cap,
        size_t *ret_len)
{
        uint8_t answer[256];
        struct apdu_rsp rsp = { .data = answer, .cap = sizeof answer };
        struct apdu_cmd cmd = {
                .cla = 0x80,
                .ins = 0xCA,
                .p1 = (uint8_t)(object->tag >> 8),
                .p2 = (uint8_t)object->tag,
                .le = object->le,
        };
        struct view cut = { 0 };
        int r = nid_select_app(card, NID_MANAGER);
        if (r == 0)
                r = nid_send(card, &cmd, &rsp);
        if (r != 0)
                return r;
        if (!has_data(rsp.sw))
                return OUTCOME_CARD_NOT_SUPPORTED;
        r = cut_data(object, (struct view){ answer, rsp.len }, &cut);
        if (r != 0)
                return r;
        if (cut.len > cap)
                return -ENOSPC;
        memcpy(buf, cut.data, cut.len);
        *ret_len = cut.len;
        return 0;
}

/* The words of EF 0010 that mean something (4.7): one byte of words 2 and 3, two of 4, 5 and 7. The
 * whole file fits into one block, so it is read at once and cut here: no offset has to be believed. */
static int read_pin_flags(struct card *card, uint8_t *buf, size_t cap, size_t *ret_len)
{
        static const struct {
                uint8_t word, len;
        } cuts[] = { { 2, 1 }, { 3, 1 }, { 4, 2 }, { 5, 2 }, { 7, 2 } };
        uint8_t file[2 * NID_BLOCK];
        size_t len = 0;
        struct out out = out_new(buf, cap);
        int r = read_file(
                card, nid_file_of(card->nid.row, OBJECT_PIN_FLAGS), file, sizeof file, &len);
        if (r != 0)
                return r;
        for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
                size_t at = 4u * cuts[i].word;
                if (at + cuts[i].len > len)
                        return OUTCOME_CARD_NOT_SUPPORTED;
                out_bytes(&out, file + at, cuts[i].len);
        }
        if (out_done(&out) < 0)
                return -ENOSPC;
        *ret_len = out.len;
        return 0;
}

static int read_kept_dates(const struct card *card, uint8_t *buf, size_t cap, size_t *ret_len)
{
        if (card->nid.dates_len > cap)
                return -ENOSPC;
        memcpy(buf, card->nid.dates, card->nid.dates_len);
        *ret_len = card->nid.dates_len;
        return 0;
}

int nid_read(struct card *card, enum card_object object, uint8_t *buf, size_t cap, size_t *ret_len)
{
        if (!card->nid.row)
                return -EPERM;
        if ((size_t)object >= OBJECT_COUNT)
                return -EINVAL;
        const struct nid_file *file = nid_file_of(card->nid.row, object);
        card->sw = 0;
        if (!nid_may_use(card, file ? file->app : NID_MANAGER))
                return OUTCOME_CARD_NOT_SUPPORTED;
        if (!file)
                return read_data(card, &data_objects[object], buf, cap, ret_len);
        if (object == OBJECT_DATES && card->nid.dates_len > 0)
                return read_kept_dates(card, buf, cap, ret_len);
        if (object == OBJECT_PIN_FLAGS)
                return read_pin_flags(card, buf, cap, ret_len);
        return read_file(card, file, buf, cap, ret_len);
}
