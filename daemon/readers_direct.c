/* SPDX-License-Identifier: Apache-2.0 */
/* readers_direct.c: what readers need that no service shares (nfc, usb). Their helper holds the device and
 * tells of cards; the watcher only lists devices. So three things can keep one from being of use that
 * pcscd would have told us: another program holds it, it may not be opened, it does not answer. The
 * helper's exit status says which (`trouble`), and the state shows it until a helper is ready again.
 *
 * A reader that another program holds is left alone: where the kernel says so, nothing is tried until it
 * says that the reader was given back. Where pcscd is asked for too, it goes first.
 *
 * Letting go is orderly: the helper's channel is closed, it ends what it was asked, takes the card's power
 * off and goes. Only one that does not is killed.
 */
#include "daemon/readers_internal.h"

#include "base/clock.h"

#include <sys/wait.h>

#define PCSCD_FIRST_US 2000000ULL
#define LEAVE_US       1000000ULL
#define SERVED_WELL_MS 30000 /* it is no failure of the start that such a helper ended */

static struct readers *all(const struct reader *reader)
{
        return reader->backend->readers;
}

/* ---- what the helper says -------------------------------------------------------------------- */

/* It counts from where it likes, so each first word of a helper is a change; a card that the kill of its
 * predecessor left there is a new one. */
int direct_presence(struct reader *reader, const struct op_frame *frame)
{
        struct driver_presence presence;
        struct driver_reader now = reader->seen;
        if (!reader->backend->row->direct || frame->reply ||
                op_get_presence(frame->payload, &presence) < 0)
                return -EBADMSG;
        now.present = presence.present;
        now.events = presence.events;
        now.atr_len = presence.atr_len;
        memcpy(now.atr, presence.atr, sizeof now.atr);
        reader->trouble = 0;
        reader_update(reader, &now);
        readers_changed(all(reader));
        return 0;
}

void direct_ready(struct reader *reader)
{
        reader->ready_ms = clock_ms();
        if (reader->trouble <= 0)
                return;
        reader->trouble = 0;
        readers_changed(all(reader));
}

static int trouble_of(const struct reader *reader, int status)
{
        static const int known[] = { OUTCOME_NO_READER, OUTCOME_BUSY, OUTCOME_READER_SERVICE };
        if (reader->backend->row->linked)
                return linked_trouble(status);
        for (size_t i = 0; WIFEXITED(status) && i < ARRAY_LEN(known); i++)
                if (WEXITSTATUS(status) == known[i])
                        return known[i];
        return OUTCOME_INTERNAL;
}

/* A helper ended unasked. One that was ready has lost its card, its device, or its mind: unless it was
 * the device, the next one will tell what lies there. */
void direct_ended(struct reader *reader, int status, enum helper_stage before)
{
        int trouble = trouble_of(reader, status);
        const bool sent = reader->link.pin_sent; /* whoever asked for one has yet to hear of it */
        if (before != HELPER_STARTING && trouble != OUTCOME_NO_READER)
                trouble = NOT_TOLD;
        bool news = reader->trouble != trouble || reader->seen.present;
        reader->link = (struct op_link){ .pin_sent = sent };
        reader->trouble = trouble;
        reader->seen.present = false;
        if (before != HELPER_STARTING && clock_ms() - reader->ready_ms >= SERVED_WELL_MS)
                reader->delay_us = 0;
        if (news)
                readers_changed(all(reader));
}

/* ---- what the watcher says ------------------------------------------------------------------- */

static bool handed_over(const struct reader *reader)
{
        return strcmp(reader->seen.address, HANDED_OVER) == 0;
}

/* No use in trying again by the clock: held by another program, or a descriptor that is no reader any more. */
bool direct_waits_for_news(const struct reader *reader)
{
        return (reader->trouble == OUTCOME_BUSY && reader->claimed) ||
               (reader->trouble > 0 && reader->trouble != OUTCOME_BUSY && handed_over(reader));
}

/* When the next helper is to be started: 0 at once, UINT64_MAX not before there is news. */
uint64_t direct_first_start(struct reader *reader, const struct driver_reader *seen)
{
        const struct readers *readers = all(reader);
        reader->heard = seen->events;
        reader->claimed = seen->busy;
        reader->seen.busy = false; /* of a direct reader that is for `trouble` to say */
        if (reader->claimed) {
                reader->trouble = OUTCOME_BUSY;
                return UINT64_MAX;
        }
        bool alone = handed_over(reader) || reader->backend->row->linked;
        for (size_t i = 0; !alone && i < readers->backend_count; i++)
                if (strcmp(readers->backends[i].row->driver, "pcsc") == 0)
                        return PCSCD_FIRST_US;
        return 0;
}

/* False: it is another device by the old name. */
bool direct_report(struct reader *reader, const struct driver_reader *now)
{
        if (reader->backend->row->linked)
                return linked_report(reader, now);
        if (strcmp(reader->seen.address, now->address) != 0)
                return false;
        bool freed = direct_waits_for_news(reader) && !now->busy;
        reader->claimed = now->busy;
        if (freed && !reader->helper)
                reader_respawn_later(reader);
        return true;
}

/* ---- letting go ------------------------------------------------------------------------------ */

static void forget(struct reader *reader)
{
        struct reader **slot = &all(reader)->leaving;
        while (*slot != reader)
                slot = &(*slot)->next;
        *slot = reader->next;
        reader->next = NULL;
        reader->stage = HELPER_DOWN;
        if (!reader->taken)
                reader_free(reader);
}

void direct_left(struct reader *reader)
{
        forget(reader);
}

/* `reader` is in no list any more. */
static void let_go(struct reader *reader)
{
        if (!reader->helper) {
                reader_vanish(reader, OUTCOME_NO_READER);
                return;
        }
        reader->next = all(reader)->leaving;
        all(reader)->leaving = reader;
        reader->stage = HELPER_LEAVING;
        reader->gone = OUTCOME_NO_READER;
        calls_lost(reader);
        child_hang_up(reader->helper);
        readers_arm(reader->respawn, LEAVE_US); /* on_respawn() kills one that leaves */
        reader_fail_call(reader, OUTCOME_NO_READER);
}

static void pause_backend(struct backend *backend)
{
        struct reader **slot = &backend->readers->list;
        backend->paused = true;
        backend_stop_watcher(backend);
        while (*slot) {
                struct reader *reader = *slot;
                if (reader->backend != backend) {
                        slot = &reader->next;
                        continue;
                }
                *slot = reader->next;
                let_go(reader);
        }
}

bool readers_direct(const struct readers *readers)
{
        for (size_t i = 0; i < readers->backend_count; i++)
                if (readers->backends[i].row->direct)
                        return true;
        return false;
}

void readers_pause(struct readers *readers, bool pause)
{
        for (size_t i = 0; i < readers->backend_count; i++) {
                struct backend *backend = &readers->backends[i];
                if (!backend->row->direct || backend->paused == pause)
                        continue;
                log_kv(readers->log, backend->dozing ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, NULL,
                        pause ? "readers are let go" : "readers are taken again", "driver",
                        backend->row->driver, NULL);
                if (pause) {
                        pause_backend(backend);
                } else {
                        backend->paused = false;
                        backend_start_watcher(backend);
                }
                readers_changed(readers);
        }
}

/* Each helper takes the power off its card, all at the same time. */
void readers_end(struct readers *readers)
{
        if (!readers)
                return;
        readers_pause(readers, true);
        for (struct reader *reader = readers->leaving; reader; reader = reader->next)
                child_wait(reader->helper, LEAVE_US / 1000);
}

/* Nobody holds one of them any more. */
void direct_forget_all(struct readers *readers)
{
        while (readers->leaving)
                forget(readers->leaving);
}
