/* SPDX-License-Identifier: Apache-2.0 */
/* guest_news.c: what a computer is told unasked: how this phone calls itself and its reader, and whether a card lies there. Of a
 * card nothing else: not even its kind, before the computer begins with it.
 *
 * Card events are counted from a number that is another one in each run, so that a computer which remembers a card by
 * it does not take tomorrow's first card for today's.
 */
#include "daemon/relay/host.h"

#include <stdio.h>

/* Those that a visit could take: with `--reader` that one. */
static size_t offered(const struct host *host, struct reader_info *info, size_t cap, bool cards)
{
        const char *only = host->options.reader;
        size_t count = cards ? readers_with_cards(host->readers, info, cap)
                             : readers_list(host->readers, info, cap);
        for (size_t i = 0; only && i < count; i++)
                if (strcmp(info[i].name, only) == 0) {
                        info[0] = info[i];
                        return 1;
                }
        return only ? 0 : count;
}

/* Which reader a visit would take; of cards it says that one is there and nothing about it. */
static void look(
        const struct guest *guest, struct op_link *status, struct driver_presence *presence)
{
        const struct host *host = guest->host;
        struct reader_info info[DRIVER_READERS_MAX];
        *status = (struct op_link){ .asks_pin = host->asks };
        *presence = (struct driver_presence){ .events = host->events_begin };
        presence->present = offered(host, info, ARRAY_LEN(info), true) > 0;
        if (presence->present)
                presence->events += info[0].events;
        else if (offered(host, info, ARRAY_LEN(info), false) == 0)
                return;
        snprintf(status->reader, sizeof status->reader, "%s", info[0].name);
        status->simulated = info[0].simulated;
}

static void put_status(const struct guest *guest, struct out *out)
{
        op_put_link(out, &guest->status);
}

int guest_welcome(struct guest *guest)
{
        uint8_t body[512];
        struct out out = out_new(body, sizeof body);
        look(guest, &guest->status, &guest->presence);
        out_u8(&out, LINK_VERSION);
        out_text16(&out, guest->host->name);
        put_status(guest, &out);
        int r = out_done(&out);
        return r < 0 ? r : guest_send(guest, LINK_WELCOME, out.data, out.len);
}

static int tell_status(struct guest *guest)
{
        uint8_t body[256];
        struct out out = out_new(body, sizeof body);
        put_status(guest, &out);
        int r = out_done(&out);
        return r < 0 ? r : guest_send(guest, LINK_STATUS, out.data, out.len);
}

static int tell_presence(struct guest *guest)
{
        uint8_t frame[128];
        struct out payload = op_frame_begin(frame, sizeof frame, OP_PRESENCE, false, 0);
        op_put_presence(&payload, &guest->presence);
        ssize_t len = op_frame_finish(frame, &payload);
        return len < 0 ? (int)len : guest_send(guest, LINK_OP, frame, (size_t)len);
}

int guest_tell_sending(struct guest *guest, bool sent)
{
        guest->status.pin_sent = sent;
        return tell_status(guest);
}

static bool same_status(const struct op_link *a, const struct op_link *b)
{
        return strcmp(a->reader, b->reader) == 0 && a->simulated == b->simulated;
}

/* Of comings and goings in the middle of a transaction its operations tell. */
void guest_tell_readers(struct guest *guest)
{
        struct op_link status;
        struct driver_presence presence;
        if (guest->stage != GUEST_OPEN || visit_patience_s(guest->visit) > 0)
                return;
        look(guest, &status, &presence);
        status.pin_sent = guest->status.pin_sent;
        bool news = !same_status(&status, &guest->status);
        bool moved = !guest->told || presence.present != guest->presence.present ||
                     presence.events != guest->presence.events;
        guest->status = status;
        guest->presence = presence;
        guest->told = true;
        int r = news ? tell_status(guest) : 0;
        if (r == 0 && moved)
                r = tell_presence(guest);
        if (r < 0)
                guest_farewell(guest, LINK_REASON_NONE);
}
