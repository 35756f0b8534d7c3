/* SPDX-License-Identifier: Apache-2.0 */
/* readers.h: the supervisor: one watcher process per driver, one helper process per reader.
 *
 * A helper is started when its reader appears, serves one request, is killed when an operation passes
 * its deadline and replaced after every request that met a card. A watcher that
 * dies is restarted with growing delay; meanwhile its backend is "unavailable". Nothing here knows
 * what an operation means.
 */
#ifndef MOHR_READERS_H
#define MOHR_READERS_H

#include "base/base.h"
#include "base/log.h"
#include "daemon/config.h"
#include "drivers/ops.h"
#include <systemd/sd-event.h>

struct readers;
struct reader;

_must_check_ int readers_new(
        struct readers **ret, sd_event *event, const struct config *config, const struct log *log);
/* The daemon ends: direct readers are let go in order, before running requests are cut off, since cutting
 * one off kills its helper. NULL is fine. */
void readers_end(struct readers *readers);
struct readers *readers_free(struct readers *readers);

#define DETAIL_READER_TAKEN "another request uses this reader"

struct reader_info {
        const char *name, *driver, *state; /* as in mohr.Identity; borrowed until the next change */
        bool simulated;
        uint32_t events; /* changes when a card came or went; no two cards of one daemon share it */
        const char *why; /* a word for a state that needs one, or NULL */
        bool linked;     /* at the other end of a link: a phone (readers_linked.c) */
        bool asks_pin;   /* of a linked one: it asks for the PIN itself */
        bool pin_sent; /* of a linked one: a PIN went to the card there, or may have, since its helper began */
        const char *remote;  /* of a linked one: the reader there, "" none or not known */
        uint32_t latency_us; /* of a linked one: there and back, 0 not measured */
};
struct backend_info {
        const char *driver, *state;
};
size_t readers_list(const struct readers *readers, struct reader_info *ret, size_t cap);
size_t readers_backends(const struct readers *readers, struct backend_info *ret, size_t cap);
/* The same, of readers that hold a card and could be used, or are in use. */
size_t readers_with_cards(const struct readers *readers, struct reader_info *ret, size_t cap);
/* False until every backend has spoken once: just after the start an empty list means nothing yet. */
bool readers_settled(const struct readers *readers);
/* True while they are not, in the first three seconds: subscribers hear of its end. One that says nothing does not keep the others'
 * readers from being told for longer. */
bool readers_first_look(const struct readers *readers);

/* Is any of them asked for that no service shares? */
bool readers_direct(const struct readers *readers);
/* Lets go of those, or takes them again. */
void readers_pause(struct readers *readers, bool pause);

/* A link that broke without a word looks like one that idles. Has those phones asked whether they are there that were not heard
 * for READERS_LOOK_MS, and that nobody uses; true while that is open: subscribers hear of its end, after 3 seconds at most. */
#define READERS_LOOK_MS 5000
bool readers_look(struct readers *readers);
bool readers_looking(const struct readers *readers);

/* One callback per change, any number of subscribers. */
struct readers_watch;
_must_check_ int readers_subscribe(struct readers *readers, struct readers_watch **ret,
        void (*changed)(void *user), void *user);
struct readers_watch *readers_watch_free(struct readers_watch *watch);

/* One callback, from the loop, when the readers are settled or the time is over; it ends the wait by
 * readers_wait_free(). */
struct readers_wait;
_must_check_ int readers_wait_new(struct readers_wait **ret, struct readers *readers,
        sd_event *event, uint64_t limit_us, void (*over)(void *user), void *user);
struct readers_wait *readers_wait_free(struct readers_wait *wait);

/* Takes a reader for one request: by name, or NULL for the only one that holds a card. 0, NO_READER,
 * NO_CARD, BUSY (taken, held by another program, or cards on several readers and none named),
 * READER_SERVICE. *ret_detail says more in static English text, or is NULL. */
_must_check_ int readers_acquire(
        struct readers *readers, const char *name, struct reader **ret, const char **ret_detail);
/* Ends the use. A helper that met the card is killed and replaced, so that each request starts with a
 * fresh one (PC/SC resets the card when it dies in a transaction, and VERIFY happens only inside one). */
struct reader *reader_release(struct reader *reader);

void reader_describe(const struct reader *reader, struct reader_info *ret);
/* True from a BEGIN that succeeded until an END did, or the helper died. */
bool reader_in_transaction(const struct reader *reader);

/* Sends one operation. Exactly one callback unless released before: outcome 0 with `fields` after the
 * result head, an outcome from the helper (`fields` still after the head), OUTCOME_TIMED_OUT (helper killed), OUTCOME_CARD_REMOVED / NO_READER
 * (reader gone, helper died) or OUTCOME_INTERNAL. Never called from inside reader_call. */
typedef void (*reader_done)(void *user, int outcome, uint16_t sw, struct in *fields);
_must_check_ int reader_call(struct reader *reader, enum op op, const void *payload, size_t len,
        reader_done done, void *user);

/* What will probably be called next, asked while the helper is at work; after reader_call(), in the order in which it will
 * be called. It changes nothing for the caller, who calls each of them in its time: reader_call() hands out the answer that is
 * there, or on its way, to exactly that question (to OP_END, whatever its way, since a transaction ends once). What was
 * skipped there, or was not meant after all, is asked anew. Never a frame with digits: -EINVAL. Any other failure only means that
 * it was not asked: the bounds below, or no memory. */
#define READER_AHEAD_MAX   16    /* questions asked and not called for yet */
#define READER_AHEAD_BYTES 65536 /* of their answers */
_must_check_ int reader_ahead(struct reader *reader, enum op op, const void *payload, size_t len);
/* Another mohrd's question, as a relay passes it on: as reader_call(), one at a time, with OPS_AHEAD as it had it; the outcome may
 * then be OPS_SKIPPED. */
_must_check_ int reader_pass(struct reader *reader, enum op op, bool ahead, const void *payload,
        size_t len, reader_done done, void *user);
/* How often a helper was waited for since readers_acquire(): of questions that were under way together, the longest chain in
 * which each waited for the answer before it. */
unsigned int reader_flights(const struct reader *reader);

#endif
