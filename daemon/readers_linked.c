/* SPDX-License-Identifier: Apache-2.0 */
/* readers_linked.c: direct readers whose device is at the other end of a link (drivers/phone/). Their watcher lists who is
 * paired, and so they are in the list whether the phone is near or not; what keeps one from being of use is told
 * in a phone's words, by its helper's exit status.
 *
 * What the phone says of itself is the phone's word. It can make its card a simulated one, and never the reverse: a
 * reader that says nothing is as any real one, and its card has to prove itself. When it says something else than
 * before, what lies there counts as new.
 *
 * A phone that is not reached is tried again with growing delay, as all helpers are, and at once when the watcher heard
 * it announce itself: `events` of its report counts that.
 */
#include "daemon/readers_internal.h"

#include "base/clock.h"

#include <sys/wait.h>

#define LOOK_LIMIT_US 4000000ULL /* the helper itself gives up after 3 seconds */

/* What a helper's exit status means, what the state shows, and what a request is answered. */
static const struct trouble {
        int status;
        const char *state, *why;
        int refusal;
        const char *detail;
} troubles[] = {
        { OUTCOME_NO_READER, "unusable", "not-reached", OUTCOME_NO_READER, DETAIL_PHONE_AWAY },
        { OUTCOME_POLICY, "unusable", "unpaired", OUTCOME_NO_READER, DETAIL_PHONE_UNPAIRED },
        { OUTCOME_CERTIFICATE_EXPIRED, "unusable", "expired", OUTCOME_NO_READER,
                DETAIL_PHONE_EXPIRED },
        { OUTCOME_BUSY, "busy", "elsewhere", OUTCOME_BUSY, DETAIL_PHONE_BUSY },
        { OUTCOME_READER_SERVICE, "unusable", "version", OUTCOME_READER_SERVICE,
                DETAIL_PHONE_VERSION },
        { OUTCOME_INTERNAL, "unusable", "failed", OUTCOME_READER_SERVICE, NULL },
        { OUTCOME_USAGE, "unusable", "settings", OUTCOME_READER_SERVICE, NULL },
};

static const struct trouble *find_trouble(int status)
{
        for (size_t i = 0; i < ARRAY_LEN(troubles); i++)
                if (troubles[i].status == status)
                        return &troubles[i];
        return NULL;
}

int linked_trouble(int status)
{
        const struct trouble *known = WIFEXITED(status) ? find_trouble(WEXITSTATUS(status)) : NULL;
        return known ? known->status : OUTCOME_INTERNAL;
}

/* Tried again and still so: not worth another line in the journal. */
bool linked_known(const struct reader *reader, int status)
{
        return reader->backend->row->linked && reader->trouble == linked_trouble(status);
}

const char *linked_why(const struct reader *reader, const char **ret_state)
{
        const struct trouble *known = find_trouble(reader->trouble);
        if (!known)
                return NULL;
        *ret_state = known->state;
        return known->why;
}

int linked_refuses(const struct reader *reader, const char **ret_detail)
{
        const struct trouble *known = find_trouble(reader->trouble);
        *ret_detail = known && known->detail ? known->detail
                                             : "the phone cannot be used: mohr status says why";
        return known ? known->refusal : OUTCOME_READER_SERVICE;
}

int linked_told(struct reader *reader, const struct op_frame *frame)
{
        struct op_link link, before = reader->link;
        if (!reader->backend->row->linked || frame->reply || frame->ahead ||
                op_get_link(frame->payload, &link) < 0)
                return -EBADMSG;
        bool other = strcmp(before.reader, link.reader) != 0 || before.simulated != link.simulated;
        if (other)
                reader->serial = ++reader->backend->readers->last_serial;
        reader->link = link;
        reader->told_ms = clock_ms();
        if (reader->looking)
                asks_time(reader); /* of what else it was asked */
        reader->looking = false;
        readers_changed(reader->backend->readers);
        return 0;
}

/* The pairing's id, and behind an '@' where it was heard of, which is no property of the phone's. */
static bool same_phone(const char *a, const char *b)
{
        size_t len = strcspn(a, "@");
        return len == strcspn(b, "@") && memcmp(a, b, len) == 0;
}

bool linked_report(struct reader *reader, const struct driver_reader *now)
{
        struct driver_reader *seen = &reader->seen;
        if (!same_phone(seen->address, now->address))
                return false;
        bool moved = strcmp(seen->address, now->address) != 0, heard = reader->heard != now->events;
        memcpy(seen->address, now->address, sizeof seen->address);
        reader->heard = now->events;
        if (!heard)
                return true;
        reader->delay_us = 0;
        if (!reader->helper)
                readers_arm(reader->respawn, 0);
        else if (moved && reader->stage == HELPER_STARTING)
                reader_replace_helper(reader); /* it looks for the phone where that was */
        return true;
}

/* ---- is it there? ---------------------------------------------------------------------------- */

static bool may_look(const struct reader *reader)
{
        return reader->backend->row->linked && !reader->taken && !reader->looking &&
               reader_stage(reader)->serves && !asks_first(reader) &&
               clock_ms() - reader->told_ms >= READERS_LOOK_MS;
}

static void look(struct reader *reader)
{
        uint8_t frame[OPS_HEADER];
        struct out payload = op_frame_begin(frame, sizeof frame, OP_LINK, false, 0);
        ssize_t len = op_frame_finish(frame, &payload);
        reader->looking = len > 0 && child_send(reader->helper, frame, (size_t)len) == 0;
        if (reader->looking)
                readers_arm(reader->deadline, LOOK_LIMIT_US);
}

bool readers_look(struct readers *readers)
{
        for (struct reader *reader = readers->list; reader; reader = reader->next)
                if (may_look(reader))
                        look(reader);
        return readers_looking(readers);
}

bool readers_looking(const struct readers *readers)
{
        for (const struct reader *reader = readers->list; reader; reader = reader->next)
                if (reader->looking)
                        return true;
        return false;
}
