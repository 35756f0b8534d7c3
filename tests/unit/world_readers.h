/* SPDX-License-Identifier: Apache-2.0 */
/* world_readers.h: the supervisor of request_world.h: what daemon/readers.h promises, answered from the loop. */
#ifndef MOHR_TESTS_WORLD_READERS_H
#define MOHR_TESTS_WORLD_READERS_H

#include "tests/unit/world_ahead.h"
#include "tests/unit/world_card.h"

struct readers {
        int unused;
};
struct readers_watch {
        void (*changed)(void *user);
        void *user;
};
struct reader {
        bool taken;
        uint8_t op;
        uint8_t payload[OPS_FRAME_MAX];
        size_t len;
        reader_done done;
        void *user;
        sd_event_source *soon;
};

static struct readers the_readers;
static struct reader the_reader;
static struct readers_watch *the_watch;

bool readers_look(struct readers *readers _unused_)
{
        return false;
}

bool readers_looking(const struct readers *readers _unused_)
{
        return false;
}

bool readers_first_look(const struct readers *readers _unused_)
{
        return false;
}

bool readers_settled(const struct readers *readers)
{
        (void)readers;
        return !world.settled_late;
}

size_t readers_list(const struct readers *readers, struct reader_info *ret, size_t cap)
{
        (void)readers;
        assert_true(cap > 0);
        ret[0] = (struct reader_info){ .name = READER,
                .driver = "soft",
                .state = the_reader.taken ? "in_use" : "card",
                .simulated = true,
                .events = world.events };
        return 1;
}

int readers_subscribe(struct readers *readers, struct readers_watch **ret,
        void (*changed)(void *user), void *user)
{
        (void)readers;
        WORLD_CALM();
        the_watch = calloc(1, sizeof *the_watch);
        WORLD_ON();
        *the_watch = (struct readers_watch){ changed, user };
        *ret = the_watch;
        return 0;
}

struct readers_watch *readers_watch_free(struct readers_watch *watch)
{
        if (watch)
                the_watch = NULL;
        free(watch);
        return NULL;
}

size_t readers_with_cards(const struct readers *readers, struct reader_info *ret, size_t cap)
{
        (void)readers;
        size_t count = 0;
        for (const struct lying *at = world.lying; at && at->reader && count < cap; at++, count++)
                ret[count] = (struct reader_info){ .name = at->reader,
                        .driver = "soft",
                        .state = at->state ? at->state : "card",
                        .simulated = true,
                        .events = 1 };
        for (const char *const *name = world.cards; name && *name && count < cap; name++)
                ret[count++] = (struct reader_info){ .name = *name,
                        .driver = "soft",
                        .state = "card",
                        .simulated = true,
                        .events = 1 };
        return count;
}

/* Nothing is met of which nobody knows, and a card in use is nobody else's. */
static int acquire_lying(const char *name)
{
        assert_true(world.agreed || !name);
        for (world.here = world.lying; name && world.here->reader; world.here++)
                if (strcmp(world.here->reader, name) == 0)
                        break;
        if (!name || !world.here->reader)
                return name ? OUTCOME_NO_READER : OUTCOME_BUSY;
        if (world.here->then_ms)
                world.config.card_timeout_ms = world.here->then_ms;
        return world.here->acquire_outcome;
}

int readers_acquire(
        struct readers *readers, const char *name, struct reader **ret, const char **ret_detail)
{
        (void)readers, (void)ret_detail;
        int outcome = world.lying ? acquire_lying(name) : 0;
        if (outcome)
                return outcome;
        snprintf(world.taken, sizeof world.taken, "%s", name ? name : "");
        if (world.acquire_outcome)
                return world.acquire_outcome;
        assert_false(the_reader.taken);
        the_reader = (struct reader){ .taken = true };
        world.open = world.identified = world.confirmed = world.counted = world.armed = false;
        world.acquired++;
        memset(&ahead, 0, sizeof ahead);
        *ret = &the_reader;
        return 0;
}

struct reader *reader_release(struct reader *reader)
{
        if (!reader)
                return NULL;
        assert_true(reader->taken);
        reader->taken = false;
        reader->soon = sd_event_source_disable_unref(reader->soon);
        if (world.here && world.here->looks++ == 0 && world.here->swapped)
                world.here->files[0] = world.here->swapped;
        process_ends();
        return NULL;
}

void reader_describe(const struct reader *reader, struct reader_info *ret)
{
        (void)reader;
        *ret = (struct reader_info){ .name = READER,
                .driver = "soft",
                .state = "in_use",
                .simulated = world.simulated,
                .events = world.events,
                .linked = world.linked,
                .pin_sent = world.pin_sent,
                .asks_pin = world.asks_pin,
                .remote = world.parted ? "" : "the reader there" };
        if (world.here) {
                ret->name = world.here->reader;
                ret->events = 100 + (uint32_t)(world.here - world.lying);
        }
}

bool reader_in_transaction(const struct reader *reader)
{
        (void)reader;
        return world.open;
}

static int on_soon(sd_event_source *source, void *user)
{
        (void)source;
        struct reader *reader = user;
        static uint8_t buf[OPS_FRAME_MAX];
        struct out out = out_new(buf, sizeof buf);
        unsigned int number = world.total++;
        bool failing = number == world.fail_at;
        WORLD_CALM();
        bool lying = world.here && world.here->fails == reader->op;
        int outcome = failing ? world.fail_with
                      : lying ? world.here->with
                              : card_does(reader->op, reader->payload, reader->len, &out);
        WORLD_ON();
        if (lying && !outcome_is_refusal(outcome))
                process_ends();
        world.ops[reader->op]++;
        if (reader->op == OP_END && failing && !world.fail_dead)
                card_end(DRIVER_RESET);
        if (failing && world.fail_dead)
                process_ends();
        if (failing)
                out.len = 0;
        reader->soon = sd_event_source_disable_unref(reader->soon);
        struct in fields = in_new(buf, out.len);
        assert_int_equal(out.error, 0);
        bool renews = reader->op == OP_CHANGE_PIN || reader->op == OP_UNBLOCK_PIN;
        uint16_t sw = failing                   ? 0x9000
                      : reader->op == OP_PINPAD ? world.pinpad_sw
                      : renews                  ? world.renew_sw
                                                : 0x9000;
        reader->done(reader->user, outcome, sw, &fields);
        return 0;
}

static int on_cancel(sd_event_source *source, void *user)
{
        (void)source, (void)user;
        world.request = request_cancel(world.request);
        sd_event_exit(world.event, 0);
        return 0;
}

int reader_call(struct reader *reader, enum op op, const void *payload, size_t len,
        reader_done done, void *user)
{
        assert_true(reader->taken);
        assert_null(reader->soon);
        assert_true(len <= sizeof reader->payload);
        ahead_called(op, payload, len);
        reader->op = (uint8_t)op;
        if (len > 0)
                memcpy(reader->payload, payload, len);
        reader->len = len;
        reader->done = done;
        reader->user = user;
        bool cancelling = world.total == world.cancel_at;
        if (world.here && world.here->silent == op)
                return 0;
        WORLD_CALM();
        assert_return_code(sd_event_add_defer(world.event, &reader->soon,
                                   cancelling ? on_cancel : on_soon, reader),
                0);
        WORLD_ON();
        return 0;
}

/* What a request asks ahead is kept by the supervisor, and so is nothing to whoever asks it. Here it is compared with what is called. */
int reader_ahead(struct reader *reader, enum op op, const void *payload, size_t len)
{
        assert_true(reader->taken && reader->soon);
        assert_false(op_is_secret(op));
        if (ahead.at < ahead.count && !ahead_is(ahead.at, op, payload, len))
                return -ESTALE;
        if (ahead.count == READER_AHEAD_MAX)
                return -ENOBUFS;
        if (ahead.at == ahead.count)
                ahead.asks[ahead.count++] = ahead_ask(op, payload, len);
        ahead.at++;
        return 0;
}

unsigned int reader_flights(const struct reader *reader)
{
        (void)reader;
        return 0;
}

#endif
