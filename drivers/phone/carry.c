/* SPDX-License-Identifier: Apache-2.0 */
/* carry.c: see carry.h. It sleeps until the channel or the link can be read or the bridge's time has come, and an idle bridge
 * has none: then the kernel alone watches over the connection.
 *
 * mohrd hears "ready" when the phone has proven itself and not before, so that a reader in the list that can be used is
 * a phone that answers.
 */
#include "drivers/phone/carry.h"

#include "base/clock.h"
#include "drivers/helper/loop.h"
#include "drivers/phone/bridge.h"

#include <poll.h>

struct ready {
        bool channel, link;
};

/* Until one of them is ready, or `until_us` (-1: for ever). */
static enum ending wait_for(const struct bridge *bridge, int64_t until_us, struct ready *ret)
{
        struct pollfd fds[] = {
                { .fd = bridge->channel, .events = POLLIN },
                { .fd = link_fd(bridge->link), .events = link_wants(bridge->link) },
        };
        int64_t left = until_us < 0 ? -1 : until_us - clock_us();
        int ms = until_us < 0 ? -1 : left > 0 ? (int)((left + 999) / 1000) : 0;
        int n = poll(fds, ARRAY_LEN(fds), link_pending(bridge->link) ? 0 : ms);
        if (n < 0 && errno != EINTR)
                return END_BROKEN;
        *ret = (struct ready){ n > 0 && fds[0].revents,
                link_pending(bridge->link) || (n > 0 && fds[1].revents) };
        return GO_ON;
}

/* Before mohrd may ask: its channel can only have been closed. */
static enum ending wait_for_link(const struct bridge *bridge, int64_t until_us)
{
        struct ready ready;
        enum ending ending = wait_for(bridge, until_us, &ready);
        if (ending != GO_ON)
                return ending;
        if (ready.channel)
                return END_IN_ORDER;
        return ready.link || clock_us() < until_us ? GO_ON : END_AWAY;
}

/* While the two get to know each other: whether a pairing is over, or was forgotten, is not the same to a person. */
static enum ending ending_of_meeting(const struct bridge *bridge, int r)
{
        return r == -EACCES && link_expired(bridge->link) ? END_EXPIRED : ending_of_error(r);
}

static enum ending shake_hands(const struct bridge *bridge, int64_t until_us)
{
        int r;
        while ((r = link_handshake(bridge->link)) == -EAGAIN) {
                enum ending ending = wait_for_link(bridge, until_us);
                if (ending != GO_ON)
                        return ending;
        }
        /* What does not speak as we do is not the phone: it moved, and something else has its address. */
        return r == 0 ? GO_ON : r == -EPROTO ? END_AWAY : ending_of_meeting(bridge, r);
}

static enum ending say_hello(const struct bridge *bridge, const char *name)
{
        uint8_t body[LINK_NAME_MAX + 8];
        struct out out = out_new(body, sizeof body);
        out_u8(&out, LINK_VERSION);
        out_u8(&out, LINK_ROLE_READER);
        out_text16(&out, name);
        int r = out_done(&out);
        if (r == 0)
                r = link_send(bridge->link, LINK_HELLO, body, out.len);
        return r < 0 && r != -EAGAIN ? ending_of_error(r) : GO_ON;
}

static enum ending take_first(struct bridge *bridge, enum link_type type, int64_t said_us)
{
        const struct secret *heard = bridge->heard;
        if (type == LINK_WELCOME)
                return bridge_welcome(
                        bridge, (struct view){ heard->data, heard->len }, clock_us() - said_us);
        return type == LINK_BYE && heard->len == 1 ? ending_of_reason(heard->data[0])
                                                   : END_NONSENSE;
}

static enum ending introduce(struct bridge *bridge, const char *name, int64_t until_us)
{
        enum link_type type;
        int64_t said_us = clock_us();
        enum ending ending = say_hello(bridge, name);
        int r = -EAGAIN;
        while (ending == GO_ON) {
                r = link_flush(bridge->link);
                if (r == 0 || r == -EAGAIN)
                        r = link_recv(bridge->link, &type, bridge->heard);
                if (r != -EAGAIN)
                        break;
                ending = wait_for_link(bridge, until_us);
        }
        if (ending != GO_ON)
                return ending;
        return r == 0 ? take_first(bridge, type, said_us) : ending_of_meeting(bridge, r);
}

static enum ending begin(struct bridge *bridge, const struct driver *driver, const char *name)
{
        int64_t until_us = clock_us() + CARRY_PROOF_MS * 1000;
        enum ending ending = shake_hands(bridge, until_us);
        if (ending == GO_ON)
                ending = introduce(bridge, name, until_us);
        if (ending == GO_ON && loop_say_ready(bridge->channel, driver) < 0)
                ending = END_BROKEN;
        return ending == GO_ON ? bridge_tell(bridge) : ending;
}

static enum ending turn(struct bridge *bridge)
{
        struct ready ready;
        enum ending ending = wait_for(bridge, bridge_due_us(bridge), &ready);
        int64_t now_us = clock_us();
        if (ending == GO_ON && ready.link)
                ending = bridge_hear(bridge, now_us);
        if (ending == GO_ON && ready.channel)
                ending = bridge_ask(bridge, now_us);
        if (ending == GO_ON)
                ending = bridge_tick(bridge, now_us);
        int r = ending == GO_ON ? link_flush(bridge->link) : 0;
        return r < 0 && r != -EAGAIN ? ending_of_error(r) : ending;
}

/* One word, if there is room for it: nobody waits for somebody who may be gone. */
static void say_bye(const struct bridge *bridge, enum ending ending)
{
        const uint8_t reason = (uint8_t)ending_reason(ending);
        if (reason != LINK_REASON_NONE && link_send(bridge->link, LINK_BYE, &reason, 1) == 0)
                (void)!link_flush(bridge->link);
}

enum ending carry(struct bridge *bridge, const struct driver *driver, const char *name)
{
        enum ending ending = begin(bridge, driver, name);
        if (ending == GO_ON) {
                do
                        ending = turn(bridge);
                while (ending == GO_ON);
                say_bye(bridge, ending);
        }
        return ending;
}
