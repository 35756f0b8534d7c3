/* SPDX-License-Identifier: Apache-2.0 */
/* guest_frames.c: frames of a computer that has proven which pairing it is: the greeting and its role, then that role's. Operations
 * go to the visit; keys are renewed by link_renew_*(). Whatever is out of place ends the connection with a word why.
 */
#include "daemon/relay/host.h"

static enum link_reason admit(struct guest *guest, enum guest_stage as)
{
        enum link_reason reason = door_admit(guest->host->door, guest);
        if (reason == LINK_REASON_NONE)
                guest->stage = as;
        return reason;
}

static enum link_reason open_visit(struct guest *guest)
{
        if (visit_new(&guest->visit, guest_world(guest->host->asks), guest) < 0)
                return LINK_REASON_CLOSING;
        visit_remember(guest->visit, &guest->host->notes);
        return admit(guest, GUEST_OPEN);
}

static enum link_reason open_renewal(struct guest *guest)
{
        return admit(guest, GUEST_RENEWING);
}

static enum link_reason greet(struct guest *guest, const struct in *frame)
{
        static enum link_reason (*const opens[LINK_ROLES])(struct guest *) = {
                [LINK_ROLE_READER] = open_visit, [LINK_ROLE_RENEW] = open_renewal
        };
        char name[LINK_NAME_MAX];
        struct in in = *frame;
        uint8_t version = in_u8(&in), role = in_u8(&in);
        in_text16(&in, name, sizeof name); /* what counts is what its pairing calls it */
        if (version != LINK_VERSION)
                return LINK_REASON_VERSION;
        if (in_done(&in) < 0 || role >= LINK_ROLES || !opens[role])
                return LINK_REASON_PROTOCOL;
        enum link_reason reason = opens[role](guest);
        if (reason != LINK_REASON_NONE)
                return reason;
        if (guest_welcome(guest) < 0)
                return LINK_REASON_CLOSING;
        guest_tell_readers(guest);
        return LINK_REASON_NONE;
}

static enum link_reason renew(struct guest *guest, const struct in *in)
{
        if (guest->renewal || link_renew_answer(&guest->renewal, guest->link, guest->host->folder,
                                      in->data, in->len) < 0)
                return LINK_REASON_PROTOCOL;
        return LINK_REASON_NONE;
}

/* Only a computer that goes in order has written down which key it is to see from now on. */
static enum link_reason take_farewell(struct guest *guest, const struct in *in)
{
        bool orderly = in->len == 1 && in->data[0] == LINK_REASON_CLOSING;
        if (guest->renewal && orderly && link_renew_kept(guest->renewal, guest->host->folder) == 0)
                host_say(guest->host, _("%s: the keys of this pairing were renewed."), guest->name);
        return LINK_REASON_CLOSING;
}

static enum link_reason pong(struct guest *guest, const struct in *in)
{
        return in->len == 4 && guest_send(guest, LINK_PONG, in->data, in->len) == 0
                       ? LINK_REASON_NONE
                       : LINK_REASON_PROTOCOL;
}

static enum link_reason take_pong(struct guest *guest, const struct in *in)
{
        guest->sure = true;
        return in->len == 4 ? LINK_REASON_NONE : LINK_REASON_PROTOCOL;
}

static enum link_reason operate(struct guest *guest, const struct in *in)
{
        return visit_take(guest->visit, LINK_OP, in->data, in->len);
}

static enum link_reason operate_sealed(struct guest *guest, const struct in *in)
{
        return visit_take(guest->visit, LINK_SECRET, in->data, in->len);
}

#define IN(stage) (1U << (stage))
#define GREETED   (IN(GUEST_OPEN) | IN(GUEST_RENEWING))

static const struct frame_row {
        unsigned int stages;
        enum link_reason (*take)(struct guest *guest, const struct in *in);
} rows[LINK_PAIR_FIRST] = {
        [LINK_HELLO] = { IN(GUEST_GREETING), greet },
        [LINK_OP] = { IN(GUEST_OPEN), operate },
        [LINK_SECRET] = { IN(GUEST_OPEN), operate_sealed },
        [LINK_RENEW] = { IN(GUEST_RENEWING), renew },
        [LINK_PING] = { GREETED, pong },
        [LINK_PONG] = { GREETED, take_pong },
        [LINK_BYE] = { GREETED | IN(GUEST_GREETING), take_farewell },
};

static enum link_reason take(struct guest *guest, enum link_type type)
{
        const struct secret *inbox = guest->host->inbox;
        const struct in in = in_new(inbox->data, inbox->len);
        const struct frame_row *row = type < ARRAY_LEN(rows) ? &rows[type] : NULL;
        guest_heard(guest);
        if (!row || !(row->stages & IN(guest->stage)))
                return LINK_REASON_PROTOCOL;
        return row->take(guest, &in);
}

#define FRAMES_AT_ONCE 64 /* then others have their turn */

/* -EAGAIN: that was all; 0: more waits; else it is over, and *reason is what to say. */
int guest_read(struct guest *guest, enum link_reason *reason)
{
        struct secret *inbox = guest->host->inbox;
        int r = 0;
        for (int i = 0; r == 0 && i < FRAMES_AT_ONCE && guest->stage != GUEST_LEAVING; i++) {
                enum link_type type;
                r = link_recv(guest->link, &type, inbox);
                if (r == 0)
                        *reason = take(guest, type);
                secret_wipe(inbox);
                if (r == -EBADMSG)
                        *reason = LINK_REASON_PROTOCOL;
                if (*reason != LINK_REASON_NONE)
                        return -ECONNABORTED;
        }
        return r;
}
