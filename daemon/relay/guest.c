/* SPDX-License-Identifier: Apache-2.0 */
/* guest.c: one connection, from its first byte to its last. Until TLS has shown whose it is nothing is believed and nothing
 * answered; then the computer says hello and in which role it comes; from then on operations are the visit's, and everything
 * about the connection itself is dealt with here.
 *
 * Silence. While a card waits in a transaction the computer is heard every second; after visit_patience_s() without a word the
 * visit is over, and with it the transaction (a reset). That is judged before anything that came is read, by a clock
 * that goes on while the phone sleeps: what a computer said before it lost its patience must not be carried out when the
 * phone wakes up. While a reader is held outside of transactions it is this side that asks, now and then. A connection
 * that holds nothing is not disturbed at all: TCP's own keepalive tells of its end. And no transaction lasts for ever, however
 * much is said meanwhile (visit_limit_s()).
 *
 * All that came is read before any of it is carried out: behind the last operation may stand the end of the connection.
 */
#include "daemon/relay/host.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>

#define HELD_PING_MS 10000
#define HELD_MS      20000
#define DOUBT_MS     3000
#define NEAR_MS      2000 /* in a transaction something comes every second */
#define FAREWELL_US  1000000

static int64_t now_ms(void)
{
        struct timespec now = { 0 };
        clock_gettime(CLOCK_BOOTTIME, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *reason_name(enum link_reason reason)
{
        static const char *const names[LINK_REASONS] = { "broke", "closing", "version", "protocol",
                "unpaired", "too-many", "silent", "forbidden" };
        return names[reason];
}

void guest_heard(struct guest *guest)
{
        guest->heard_ms = now_ms();
        guest->doubted = false;
}

bool guest_is_near(const struct guest *guest)
{
        return now_ms() - guest->heard_ms <= NEAR_MS;
}

/* ---- silence --------------------------------------------------------------------------------- */

/* For how long may it say nothing? 0: for ever. */
static int64_t patience_ms(const struct guest *guest)
{
        if (guest->stage == GUEST_SHAKING || guest->stage == GUEST_GREETING ||
                guest->stage == GUEST_RENEWING)
                return HOST_SHAKE_S * 1000;
        if (!guest->visit)
                return 0;
        int64_t patience = 1000 * (int64_t)visit_patience_s(guest->visit);
        if (patience == 0 && visit_holds(guest->visit))
                patience = HELD_MS;
        if (guest->doubted && (patience == 0 || patience > DOUBT_MS))
                patience = DOUBT_MS;
        return patience;
}

static bool pings(const struct guest *guest)
{
        return patience_ms(guest) == HELD_MS;
}

int64_t guest_left_ms(struct guest *guest, int64_t at_ms)
{
        unsigned int limit_s = guest->visit ? visit_limit_s(guest->visit) : 0;
        int64_t patience = patience_ms(guest), silent = INT64_MAX, late = INT64_MAX;
        if (limit_s != guest->limit_s) {
                guest->limit_s = limit_s;
                guest->since_ms = at_ms;
        }
        if (patience > 0)
                silent = guest->heard_ms + patience - at_ms;
        if (limit_s > 0)
                late = guest->since_ms + 1000 * (int64_t)limit_s - at_ms;
        return silent < late ? silent : late;
}

/* Sets the clock to the next moment at which something is to be done. */
static void watch_silence(struct guest *guest)
{
        int64_t now = now_ms(), left = guest_left_ms(guest, now);
        int64_t until_ping = guest->heard_ms + HELD_PING_MS - now;
        if (guest->stage == GUEST_LEAVING)
                return;
        if (pings(guest) && until_ping > 0 && until_ping < left)
                left = until_ping;
        if (left != INT64_MAX)
                sd_event_source_set_time_relative(
                        guest->clock, left > 0 ? (uint64_t)left * 1000 : 0);
        sd_event_source_set_enabled(
                guest->clock, left != INT64_MAX ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static bool is_silent(struct guest *guest)
{
        return guest_left_ms(guest, now_ms()) <= 0;
}

static int ping(struct guest *guest)
{
        static const uint8_t any[4] = { 0 };
        return guest_send(guest, LINK_PING, any, sizeof any);
}

static int on_clock(sd_event_source *source, uint64_t usec, void *user)
{
        (void)source, (void)usec;
        struct guest *guest = user;
        if (guest->stage == GUEST_LEAVING)
                door_remove(guest->host->door, guest);
        else if (is_silent(guest))
                guest_farewell(guest, LINK_REASON_SILENT);
        else if (pings(guest) && ping(guest) < 0)
                guest_farewell(guest, LINK_REASON_NONE);
        else
                watch_silence(guest);
        return 0;
}

void guest_doubt(struct guest *guest)
{
        if (guest->doubted)
                return;
        guest->doubted = true;
        guest->heard_ms = now_ms(); /* what was not said before nobody had asked for */
        if (ping(guest) < 0)
                guest_farewell(guest, LINK_REASON_NONE);
        watch_silence(guest);
}

/* ---- what goes out --------------------------------------------------------------------------- */

static void want(struct guest *guest)
{
        short wants = link_wants(guest->link);
        bool reads = guest->stage != GUEST_LEAVING && (wants & POLLIN);
        uint32_t events =
                (reads ? (uint32_t)EPOLLIN : 0) | (wants & POLLOUT ? (uint32_t)EPOLLOUT : 0);
        if (sd_event_source_set_io_events(guest->io, events) < 0)
                guest_farewell(guest, LINK_REASON_NONE);
}

int guest_send(struct guest *guest, enum link_type type, const void *body, size_t len)
{
        if (guest->stage == GUEST_LEAVING)
                return 0;
        int r = link_send(guest->link, type, body, len);
        want(guest);
        watch_silence(guest); /* after an answer it may mean something else */
        return r;
}

/* ---- what comes ------------------------------------------------------------------------------ */

/* What was typed while nobody could tell whether the computer is still there. */
static void use_typed(struct guest *guest)
{
        bool ready = guest->typed && guest->sure;
        guest->sure = false;
        if (!ready)
                return;
        guest->typed = false;
        guest->answered(guest->visit, OUTCOME_OK);
}

static void step(struct guest *guest)
{
        enum link_reason reason = LINK_REASON_NONE;
        int r = guest_read(guest, &reason);
        if (r < 0 && r != -EAGAIN) {
                guest_farewell(guest, reason);
                return;
        }
        if (guest->stage == GUEST_OPEN) {
                use_typed(guest);
                visit_go_on(guest->visit);
        }
        guest_tell_readers(guest);
        if (r == 0 && link_pending(guest->link)) /* no readiness will tell of it */
                sd_event_source_set_enabled(guest->later, SD_EVENT_ONESHOT);
}

static int find_name(struct guest *guest)
{
        struct link_peer peer = { 0 };
        int r = link_store_get(guest->host->folder, link_id(guest->link), &peer);
        if (r == 0)
                snprintf(guest->name, sizeof guest->name, "%s", peer.name);
        link_peer_clear(&peer);
        return r;
}

/* False: it goes on later, or never. */
static bool shake(struct guest *guest)
{
        int r = link_handshake(guest->link);
        if (r == 0)
                r = find_name(guest);
        if (r == 0)
                r = link_renew_seen(guest->link, guest->host->folder);
        if (r == 0)
                guest->stage = GUEST_GREETING;
        else if (r != -EAGAIN)
                guest_farewell(guest, LINK_REASON_NONE);
        return r == 0;
}

static void on_ready(struct guest *guest)
{
        if (guest->stage != GUEST_LEAVING && is_silent(guest)) {
                guest_farewell(guest, LINK_REASON_SILENT);
                return;
        }
        int r = guest->stage == GUEST_SHAKING ? 0 : link_flush(guest->link);
        if (guest->stage == GUEST_LEAVING) {
                if (r != -EAGAIN)
                        sd_event_source_set_enabled(guest->later, SD_EVENT_ONESHOT);
                return;
        }
        if (r < 0 && r != -EAGAIN)
                guest_farewell(guest, LINK_REASON_NONE);
        else if (guest->stage != GUEST_SHAKING || shake(guest))
                step(guest);
        want(guest);
        watch_silence(guest);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *user)
{
        (void)source, (void)fd, (void)events;
        on_ready(user);
        return 0;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* First the card, then words about it: a journal may be waited for. */
static void end_visit(struct guest *guest)
{
        guest->visit = visit_free(guest->visit);
        if (guest->left)
                log_kv(&guest->host->log, LOG_LEVEL_INFO, NULL, "computer left", "reason",
                        guest->left, NULL);
        guest->left = NULL;
}

/* The visit ends here, not when the farewell has arrived: a transaction is reset at once. */
static int on_later(sd_event_source *source, void *user)
{
        (void)source;
        struct guest *guest = user;
        if (guest->stage != GUEST_LEAVING) {
                on_ready(guest);
                return 0;
        }
        end_visit(guest);
        if (guest->reason == LINK_REASON_NONE || link_flush(guest->link) != -EAGAIN) {
                door_remove(guest->host->door, guest);
                return 0;
        }
        want(guest);
        if (sd_event_source_set_time_relative(guest->clock, FAREWELL_US) < 0)
                door_remove(guest->host->door, guest);
        else
                sd_event_source_set_enabled(guest->clock, SD_EVENT_ONESHOT);
        return 0;
}

void guest_farewell(struct guest *guest, enum link_reason reason)
{
        if (guest->stage != GUEST_LEAVING && guest->visit)
                visit_stop(guest->visit); /* its last answer comes before the farewell */
        if (guest->stage == GUEST_LEAVING)
                return;
        bool known = guest->stage != GUEST_SHAKING;
        uint8_t word = (uint8_t)reason;
        guest->stage = GUEST_LEAVING;
        guest->reason = LINK_REASON_NONE;
        if (known && reason != LINK_REASON_NONE &&
                link_send(guest->link, LINK_BYE, &word, sizeof word) == 0)
                guest->reason = reason;
        guest->left = known ? reason_name(reason) : NULL;
        sd_event_source_set_enabled(guest->clock, SD_EVENT_OFF);
        sd_event_source_set_enabled(guest->later, SD_EVENT_ONESHOT);
}

void guest_hang_up(struct guest *guest)
{
        guest_farewell(guest, LINK_REASON_CLOSING);
        end_visit(guest);
}

static int open_sources(struct guest *guest)
{
        sd_event *event = guest->host->event;
        int r = sd_event_add_io(event, &guest->io, link_fd(guest->link), POLLIN, on_io, guest);
        if (r >= 0)
                r = sd_event_add_time(
                        event, &guest->clock, CLOCK_MONOTONIC, 0, 1000, on_clock, guest);
        if (r >= 0)
                r = sd_event_source_set_enabled(guest->clock, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_defer(event, &guest->later, on_later, guest);
        if (r >= 0)
                r = sd_event_source_set_enabled(guest->later, SD_EVENT_OFF);
        return r < 0 ? r : 0;
}

int guest_new(struct guest **ret, struct host *host, int fd)
{
        struct guest *guest = calloc(1, sizeof *guest);
        if (!guest) {
                close(fd);
                return -ENOMEM;
        }
        guest->host = host;
        guest->heard_ms = now_ms();
        int r = link_accept(&guest->link, fd, host->folder);
        if (r == 0)
                r = open_sources(guest);
        if (r < 0) {
                guest_free(guest);
                return r;
        }
        watch_silence(guest);
        *ret = guest;
        return 0;
}

struct guest *guest_free(struct guest *guest)
{
        end_visit(guest);
        link_renewal_free(guest->renewal);
        sd_event_source_disable_unref(guest->io);
        sd_event_source_disable_unref(guest->clock);
        sd_event_source_disable_unref(guest->later);
        link_free(guest->link);
        free(guest);
        return NULL;
}
