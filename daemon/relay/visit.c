/* SPDX-License-Identifier: Apache-2.0 */
/* visit.c: see visit.h. Operations come in as frames of drivers/ops.h, wait in their order, and go to the reader's helper one
 * by one; what they may be is visit_table.c's to say, at the moment when it is their turn.
 *
 * One that was asked ahead and is out of place when its turn comes is answered "skipped" (drivers/ops.h), and so are those
 * behind it until one comes that was not asked ahead: whoever guesses wrong asks anew. One that was not asked
 * ahead and is out of place ends the visit, since a computer of ours would never ask for it.
 *
 * A helper that died in a transaction takes the visit with it, once that is answered: a new helper knows nothing of what was
 * said to the old one, and "this card never left" must not come to mean less over a link.
 */
#include "daemon/relay/visit_internal.h"

int visit_new(struct visit **ret, const struct visit_world *world, void *user)
{
        struct visit *visit = calloc(1, sizeof *visit);
        if (!visit)
                return -ENOMEM;
        *visit = (struct visit){ .world = *world, .user = user, .tries = -1, .result = VISIT_ASKS };
        visit->last = &visit->first;
        int r = secret_new(&visit->pin, 64);
        if (r < 0) {
                free(visit);
                return r;
        }
        *ret = visit;
        return 0;
}

void visit_remember(struct visit *visit, struct visit_notes *notes)
{
        visit->notes = notes;
}

static struct visit_op *pop(struct visit *visit)
{
        struct visit_op *op = visit->first;
        visit->first = op->next;
        if (!visit->first)
                visit->last = &visit->first;
        visit->waiting--;
        visit->bytes -= op->len;
        return op;
}

struct visit *visit_free(struct visit *visit)
{
        if (!visit)
                return NULL;
        if (visit->asking)
                visit->world.hush(visit->user);
        if (visit->taken) /* first: words may have to wait for a terminal that was stopped */
                visit->world.give(visit->user);
        if (visit->forbidden)
                visit->world.tell(visit->user, VISIT_FORBIDDEN, visit->announced, -1);
        visit_conclude(visit);
        while (visit->first)
                free(pop(visit));
        free(visit->running);
        announced_free(visit->announced);
        secret_free(visit->pin);
        free(visit);
        return NULL;
}

void visit_stop(struct visit *visit)
{
        visit->over = true;
        if (visit->asking && !visit->forbidden)
                visit_withdraw(visit);
}

bool visit_holds(const struct visit *visit)
{
        return visit->taken;
}

/* While a card waits in a transaction its computer says something every second; a verified one waits less. */
unsigned int visit_patience_s(const struct visit *visit)
{
        static const unsigned int silence[VISIT_STATES] = {
                [VISIT_BEGUN] = 10, [VISIT_VERIFIED] = 5
        };
        return silence[visit->state];
}

/* Several times what a person and a slow card need. */
unsigned int visit_limit_s(const struct visit *visit)
{
        static const unsigned int longest[VISIT_STATES] = {
                [VISIT_BEGUN] = 300, [VISIT_VERIFIED] = 90
        };
        return longest[visit->state];
}

void visit_end(struct visit *visit, enum link_reason reason)
{
        if (visit->over)
                return;
        visit->over = true;
        visit->forbidden = reason == LINK_REASON_FORBIDDEN;
        visit->world.over(visit->user, reason);
}

void visit_conclude(struct visit *visit)
{
        if (visit->result != VISIT_ASKS)
                visit->world.tell(visit->user, visit->result, visit->announced, visit->tries);
        visit->result = VISIT_ASKS;
}

/* ---- what comes ------------------------------------------------------------------------------ */

static enum link_reason append(
        struct visit *visit, const struct op_frame *frame, const void *payload, size_t len)
{
        if (visit->waiting >= VISIT_QUEUE_MAX || visit->bytes + len > VISIT_QUEUE_BYTES)
                return LINK_REASON_PROTOCOL;
        struct visit_op *op = malloc(sizeof *op + len);
        if (!op)
                return LINK_REASON_CLOSING;
        *op = (struct visit_op){
                .op = frame->op, .ahead = frame->ahead, .id = frame->id, .len = len
        };
        if (len > 0)
                memcpy(op->payload, payload, len);
        *visit->last = op;
        visit->last = &op->next;
        visit->waiting++;
        visit->bytes += len;
        return LINK_REASON_NONE;
}

/* Digits wait for nothing: a computer that sends them has heard all answers, and they must be allowed right now. */
static enum link_reason take_secret(struct visit *visit, const struct op_frame *frame)
{
        const struct visit_row *row = visit_row(frame->op);
        if (!visit_allows(visit, row))
                return row->otherwise;
        if (visit->running || visit->first || visit->asking || frame->ahead ||
                frame->payload.len == 0 || frame->payload.len > OPS_PIN_MAX)
                return LINK_REASON_PROTOCOL;
        memcpy(visit->pin->data, frame->payload.data, frame->payload.len);
        visit->pin->len = frame->payload.len;
        return append(visit, frame, NULL, 0);
}

enum link_reason visit_take(
        struct visit *visit, enum link_type type, const uint8_t *body, size_t len)
{
        struct op_frame frame;
        if (op_frame_decode(body, len, &frame) < 0 || frame.reply || !visit_row(frame.op) ||
                op_is_secret(frame.op) != (type == LINK_SECRET))
                return LINK_REASON_PROTOCOL;
        enum link_reason reason =
                type == LINK_SECRET ? take_secret(visit, &frame)
                                    : append(visit, &frame, frame.payload.data, frame.payload.len);
        if (reason == LINK_REASON_FORBIDDEN)
                visit_end(visit, reason);
        return reason;
}

/* ---- what is done with it -------------------------------------------------------------------- */

/* The answer to the one that runs. */
static int send_answer(struct visit *visit, const struct visit_op *op, int outcome, uint16_t sw,
        struct view fields)
{
        uint8_t frame[OPS_FRAME_MAX];
        struct out payload = op_frame_begin(frame, sizeof frame, op->op, true, op->id);
        op_put_result(&payload, outcome, sw);
        out_bytes(&payload, fields.data, fields.len);
        ssize_t len = op_frame_finish(frame, &payload);
        int r = len < 0 ? (int)len : visit->world.send(visit->user, LINK_OP, frame, (size_t)len);
        explicit_bzero(frame, sizeof frame); /* certificates name their holder */
        return r;
}

static int interpret(struct visit *visit, const struct visit_row *row, int outcome,
        const struct in *fields, struct out *out, struct view *ret)
{
        *ret = (struct view){ fields->data + fields->pos, in_left(fields) };
        if (!row->came || outcome == OPS_SKIPPED)
                return 0;
        int r = row->came(visit, outcome, *fields, out);
        if (r == 1)
                *ret = (struct view){ out->data, out->len };
        return r < 0 ? r : out_done(out);
}

void visit_reply(struct visit *visit, int outcome, uint16_t sw, const struct in *fields)
{
        uint8_t own[256];
        struct out out = out_new(own, sizeof own);
        struct visit_op *op = visit->running;
        const struct in nothing = in_new("", 0);
        struct view shown;
        visit->running = NULL;
        visit->sw = sw;
        int r = interpret(
                visit, visit_row(op->op), outcome, fields ? fields : &nothing, &out, &shown);
        visit->skipping |= outcome == OPS_SKIPPED || (outcome != 0 && op->op == OP_ANNOUNCE);
        if (r == 0)
                r = send_answer(visit, op, outcome, sw, shown);
        free(op);
        if (r < 0 || (visit->state != VISIT_IDLE && !visit->world.holds(visit->user)))
                visit_end(visit, LINK_REASON_CLOSING);
}

void visit_replied(void *user, int outcome, uint16_t sw, struct in *fields)
{
        struct visit *visit = user;
        visit_reply(visit, outcome, sw, fields);
        visit_go_on(visit);
}

int visit_pass(struct visit *visit, struct visit_op *op)
{
        return visit->world.pass(
                visit->user, op->op, op->ahead, op->payload, op->len, visit_replied, visit);
}

/* False: it is not to be carried out. */
static bool in_its_place(struct visit *visit, const struct visit_row *row)
{
        bool allowed = visit_allows(visit, row);
        if (!visit->running->ahead)
                visit->skipping = false;
        else
                visit->skipping |= !allowed;
        if (visit->skipping)
                visit_reply(visit, OPS_SKIPPED, 0, NULL);
        else if (!allowed)
                visit_end(visit, row->otherwise);
        return allowed && !visit->skipping;
}

void visit_go_on(struct visit *visit)
{
        while (!visit->over && !visit->running && visit->first) {
                visit->running = pop(visit);
                const struct visit_row *row = visit_row(visit->running->op);
                if (!in_its_place(visit, row))
                        continue;
                int r = row->start(visit, visit->running);
                if (r == -EBADMSG)
                        visit_end(visit, LINK_REASON_PROTOCOL);
                else if (r != 0)
                        visit_reply(visit, outcome_of(r), 0, NULL);
        }
}
