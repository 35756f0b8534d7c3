/* SPDX-License-Identifier: Apache-2.0 */
/* visit_table.c: which operation a paired computer may ask for, as one table. Reading `rows` is reading the policy.
 *
 * The helper behind has a finer table of its own (drivers/helper/session.c) and judges each operation again. What stands here
 * is what only this side knows: whether the person's phone was told what a PIN is for, whether it was used for that already,
 * and what does not cross a link at all. A row without states is such a thing.
 */
#include "daemon/relay/visit_internal.h"

#include "daemon/gate.h"

#include <stdio.h>

enum need {
        ANNOUNCED = 1, /* and no PIN was asked for or taken by it */
        COUNTED = 2,   /* the card told of its tries in this transaction */
        UNSPENT = 4,   /* no VERIFY was sent in this visit */
        FROM_AFAR = 8, /* nobody is asked here: the PIN comes from the computer */
        AT_HAND = 16,  /* somebody can be asked here, or the reader asks */
        ARMED = 32,    /* the digits are with the helper */
        STEPS = 64,    /* fewer signatures were tried than any card needs */
};

#define SIGN_HOW  2 /* of OP_SIGN: u8 key, u8 method; what follows is signed */
#define IN(state) (1U << (state))
#define HELD      (IN(VISIT_BEGUN) | IN(VISIT_VERIFIED))
#define MAY_PIN   (ANNOUNCED | COUNTED | UNSPENT)

/* A helper ends over arguments that are none, and one that has not served yet is replaced only after a while: others would wait. */
static bool is_in_shape(const struct visit_op *op)
{
        return op->op == OP_BEGIN ? op->len == 0 : op->len == 1 && op->payload[0] <= 1;
}

static int take_and_pass(struct visit *visit, struct visit_op *op)
{
        int r = is_in_shape(op) ? 0 : -EBADMSG;
        if (r == 0 && !visit->taken)
                r = visit->world.take(visit->user);
        if (r != 0)
                return r;
        visit->taken = true;
        return visit_pass(visit, op);
}

static void give_unless_met(struct visit *visit)
{
        if (visit->met || !visit->taken)
                return;
        visit->taken = false;
        visit->world.give(visit->user);
}

/* The keys that a computer is told of are those of this phone, where it asks for the PIN; a new PIN is made on neither. */
static int begun(struct visit *visit, int outcome, struct in fields, struct out *out)
{
        struct driver_card card;
        if (outcome != 0) {
                give_unless_met(visit);
                return 0;
        }
        if (op_get_card(&fields, &card) < 0)
                return -EBADMSG;
        visit->met = true;
        visit->state = VISIT_BEGUN;
        visit->counted = visit->armed = false;
        visit->insertion = card.insertion;
        visit->keys = card.pinpad & PINPAD_VERIFY;
        card.pinpad = visit->keys || visit->world.ask ? PINPAD_VERIFY : 0;
        op_put_card(out, &card);
        return 1;
}

/* ---- notes of cards ---- */

/* Two readers may count alike. */
static bool is_known(const struct visit *visit, uint32_t insertion, struct view note)
{
        for (size_t i = 0; visit->notes && i < VISIT_NOTES_MAX; i++) {
                const struct visit_note *known = &visit->notes->list[i];
                if (known->len > 0 && known->insertion == insertion &&
                        view_eq(note, known->bytes, known->len) &&
                        strcmp(known->reader, visit->world.reader(visit->user)) == 0)
                        return true;
        }
        return false;
}

static int resume(struct visit *visit, struct visit_op *op)
{
        struct in in = in_new(op->payload, op->len);
        uint32_t insertion = in_u32(&in);
        struct view note = in_bytes16(&in, CARD_NOTE_MAX);
        if (in_done(&in) < 0)
                return -EBADMSG;
        return is_known(visit, insertion, note) ? visit_pass(visit, op)
                                                : OUTCOME_CARD_NOT_SUPPORTED;
}

static int confirmed(struct visit *visit, int outcome, struct in fields, struct out *out _unused_)
{
        struct view note = in_bytes16(&fields, CARD_NOTE_MAX);
        if (outcome != 0)
                return 0;
        if (in_done(&fields) < 0)
                return -EBADMSG;
        if (!visit->notes || note.len == 0 || is_known(visit, visit->insertion, note))
                return 0;
        struct visit_note *place = &visit->notes->list[visit->notes->next++ % VISIT_NOTES_MAX];
        *place = (struct visit_note){ .insertion = visit->insertion, .len = note.len };
        snprintf(place->reader, sizeof place->reader, "%s", visit->world.reader(visit->user));
        memcpy(place->bytes, note.data, note.len);
        return 0;
}

/* ---- the others ---- */

static int wrote(
        struct visit *visit, int outcome, struct in fields _unused_, struct out *out _unused_)
{
        visit->met |= outcome == 0;
        give_unless_met(visit);
        return 0;
}

static int count(struct visit *visit, struct visit_op *op)
{
        visit->counting = op->len == 1 && op->payload[0] == PIN_COPY_IAS;
        return visit_pass(visit, op);
}

/* Of another PIN than the one that signs the person at this phone is told nothing. */
static int counted(struct visit *visit, int outcome, struct in fields, struct out *out _unused_)
{
        struct pin_counter counter;
        if (!visit->counting)
                return 0;
        visit->counted = false;
        if (outcome != 0)
                return 0;
        if (op_get_counter(&fields, &counter) < 0)
                return -EBADMSG;
        visit->counted = true;
        visit->tries = counter.known ? counter.tries : -1;
        return 0;
}

/* By which method a key signs is tried, but what it signs is the same each time: the PIN was given for one thing. */
static int sign(struct visit *visit, struct visit_op *op)
{
        const struct view block = { op->payload + SIGN_HOW,
                op->len > SIGN_HOW ? op->len - SIGN_HOW : 0 };
        if (block.len == 0 || block.len > sizeof visit->block)
                return -EBADMSG;
        if (visit->signatures++ > 0 && !view_eq(block, visit->block, visit->block_len)) {
                visit_end(visit, LINK_REASON_FORBIDDEN);
                return 0;
        }
        memcpy(visit->block, block.data, block.len);
        visit->block_len = block.len;
        return visit_pass(visit, op);
}

static int has_signed(
        struct visit *visit, int outcome, struct in fields _unused_, struct out *out _unused_)
{
        if (outcome == 0)
                visit->result = VISIT_SIGNED;
        return 0;
}

static int cleared(struct visit *visit, int outcome _unused_, struct in fields _unused_,
        struct out *out _unused_)
{
        visit->state = VISIT_BEGUN;
        visit->counted = visit->armed = false;
        return 0;
}

static int ended(struct visit *visit, int outcome _unused_, struct in fields _unused_,
        struct out *out _unused_)
{
        visit->state = VISIT_IDLE;
        visit->counted = visit->armed = false;
        visit_conclude(visit);
        return 0;
}

#define OUT_OF_PLACE LINK_REASON_PROTOCOL
#define FORBIDDEN    LINK_REASON_FORBIDDEN

/* clang-format off */
static const struct visit_row rows[OP_COUNT] = {
        /*                  states                             needs                                start           came            out of place */
        [OP_BEGIN]       = { IN(VISIT_IDLE),                    0,                                   take_and_pass,  begun,          OUT_OF_PLACE },
        [OP_IDENTIFY]    = { IN(VISIT_BEGUN),                   0,                                   visit_pass,     NULL,           OUT_OF_PLACE },
        [OP_RESUME]      = { IN(VISIT_BEGUN),                   0,                                   resume,         NULL,           OUT_OF_PLACE },
        [OP_READ]        = { IN(VISIT_BEGUN),                   0,                                   visit_pass,     NULL,           OUT_OF_PLACE },
        [OP_CONFIRM]     = { IN(VISIT_BEGUN),                   0,                                   visit_pass,     confirmed,      OUT_OF_PLACE },
        [OP_COUNTER]     = { IN(VISIT_BEGUN),                   0,                                   count,          counted,        OUT_OF_PLACE },
        [OP_PROBE]       = { IN(VISIT_BEGUN),                   0,                                   visit_pass,     NULL,           OUT_OF_PLACE },
        [OP_METHOD]      = { IN(VISIT_BEGUN),                   0,                                   visit_pass,     NULL,           OUT_OF_PLACE },
        [OP_FOREIGN]     = { IN(VISIT_BEGUN),                   0,                                   visit_pass,     NULL,           OUT_OF_PLACE },
        [OP_TRANSCRIPT]  = { IN(VISIT_IDLE),                    0,                                   take_and_pass,  wrote,          OUT_OF_PLACE },
        [OP_ANNOUNCE]    = { IN(VISIT_IDLE) | IN(VISIT_BEGUN),  UNSPENT,                             visit_announce, NULL,           FORBIDDEN },
        [OP_PIN]         = { IN(VISIT_BEGUN),                   MAY_PIN | FROM_AFAR,                 visit_pin,      visit_armed,    FORBIDDEN },
        [OP_VERIFY]      = { IN(VISIT_BEGUN),                   COUNTED | UNSPENT | ARMED,           visit_verify,   visit_verified, FORBIDDEN },
        [OP_PINPAD]      = { IN(VISIT_BEGUN),                   MAY_PIN | AT_HAND,                   visit_pinpad,   visit_verified, FORBIDDEN },
        [OP_SIGN]        = { IN(VISIT_VERIFIED),                STEPS,                               sign,           has_signed,     FORBIDDEN },
        [OP_CLEAR]       = { HELD,                              0,                                   visit_pass,     cleared,        OUT_OF_PLACE },
        [OP_END]         = { HELD,                              0,                                   visit_pass,     ended,          OUT_OF_PLACE },
        [OP_NEW_PIN]     = { 0,                                 0,                                   visit_pass,     NULL,           FORBIDDEN },
        [OP_CHANGE_PIN]  = { 0,                                 0,                                   visit_pass,     NULL,           FORBIDDEN },
        [OP_UNBLOCK_PIN] = { 0,                                 0,                                   visit_pass,     NULL,           FORBIDDEN },
};
/* clang-format on */

const struct visit_row *visit_row(uint8_t op)
{
        return op < OP_COUNT && rows[op].start ? &rows[op] : NULL;
}

bool visit_allows(const struct visit *visit, const struct visit_row *row)
{
        bool asks = visit->world.ask != NULL;
        unsigned int holds = (visit->announced && visit->fresh ? ANNOUNCED : 0) |
                             (visit->counted ? COUNTED : 0) | (visit->spent ? 0 : UNSPENT) |
                             (asks ? 0 : FROM_AFAR) | (asks || visit->keys ? AT_HAND : 0) |
                             (visit->armed ? ARMED : 0) |
                             (visit->signatures < GATE_STEPS_MAX ? STEPS : 0);
        return (row->states & IN(visit->state)) != 0 && (row->needs & ~holds) == 0;
}
