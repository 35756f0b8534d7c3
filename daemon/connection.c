/* SPDX-License-Identifier: Apache-2.0 */
/* connection.c: see connection.h.
 *
 * There is one place that decides what a connection waits for, settle(): a running call waits for its
 * handler, unsent output for the client, buffered frames for their turn, else for bytes. `turn` is a
 * deferred event source, made anew for each turn: sd-event serves what has been ready longest, and a
 * deferred source that is only switched off and on counts as ready since it was made, so that a client
 * with a full buffer would always be first.
 *
 * A client that closes both directions has hung up: its call is cancelled at once, and what it sent
 * but was not yet read is dropped, since nobody is left to answer.
 *
 * Descriptors that a client passes belong to the frame in which the read that brought them ends, since the kernel
 * ends a read behind the bytes that descriptors came with. They are taken only if that read brought no other
 * frame, so that there is nothing to guess: whoever passes some sends that frame by itself, in one sendmsg(). They
 * go to the call of that frame and are closed with it. More than two, some for another part of a frame, or some among
 * several frames end the connection; which calls may have how many is service.c's to say.
 */
#include "daemon/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#define READ_CHUNK 4096

struct call {
        struct connection *connection;
        json_t *message; /* owns what the parameters are part of */
        bool more, oneway;
        struct descriptors passed; /* came with it, and were not taken */
        void (*hangup)(void *user);
        void *user;
};

static int on_turn(sd_event_source *source, void *userdata);

static void set_turn(struct connection *c, bool on)
{
        if (!on)
                c->turn = sd_event_source_disable_unref(c->turn);
        else if (!c->turn && sd_event_add_defer(c->owner->event, &c->turn, on_turn, c) < 0)
                shutdown(c->fd, SHUT_RDWR); /* no memory: end it by a hang-up, which needs none */
}

static void settle(struct connection *c)
{
        bool idle = !c->call && c->out_len == 0;
        bool ready = idle && !c->refusing && varlink_ready(&c->in);
        if (idle && !ready && (c->eof || c->refusing))
                c->broken = true;
        set_turn(c, c->broken || ready);
        uint32_t events = c->out_len ? EPOLLOUT : 0;
        if (idle && !ready && !c->broken)
                events |= EPOLLIN;
        if (c->broken)
                events = 0;
        if (sd_event_source_set_io_events(c->io, events) < 0)
                shutdown(c->fd, SHUT_RDWR);
}

static void break_off(struct connection *c, const char *why)
{
        if (why && !c->broken)
                log_kv(c->owner->log, LOG_LEVEL_NOTICE, NULL, "client closed", "why", why, NULL);
        c->broken = true;
        settle(c);
}

static void flush(struct connection *c)
{
        while (c->out_len > 0) {
                ssize_t n = send(c->fd, c->out, c->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN)
                        return;
                if (n <= 0) {
                        c->broken = true; /* the hang-up follows as an event of its own */
                        return;
                }
                c->out_len -= (size_t)n;
                memmove(c->out, c->out + n, c->out_len);
        }
        free(c->out);
        c->out = NULL;
        c->out_cap = 0;
}

static int out_reserve(struct connection *c, size_t len)
{
        if (len > SERVER_OUTPUT_MAX - c->out_len)
                return -ENOBUFS;
        size_t need = c->out_len + len;
        if (need <= c->out_cap)
                return 0;
        size_t cap = base_min(need * 2, SERVER_OUTPUT_MAX);
        char *out = realloc(c->out, cap);
        if (!out)
                return -ENOMEM;
        c->out = out;
        c->out_cap = cap;
        return 0;
}

static void out_append(struct connection *c, const char *frame, size_t len)
{
        if (c->broken)
                return;
        if (out_reserve(c, len) < 0) {
                break_off(c, "does not take its answers");
                return;
        }
        memcpy(c->out + c->out_len, frame, len);
        c->out_len += len;
        flush(c);
}

/* The members of a reply, stolen; NULL counts as empty, for errors only (see call_reply). */
static void say(struct call *call, json_t *reply, json_t *parameters)
{
        _cleanup_message_ json_t *message = reply;
        _cleanup_free_ char *frame = NULL;
        size_t len = 0;
        if (!parameters)
                parameters = json_object();
        if (json_object_set_new(message, "parameters", parameters) < 0 ||
                varlink_encode(message, &frame, &len) < 0)
                break_off(call->connection, "no memory for an answer");
        else
                out_append(call->connection, frame, len);
}

static void call_free(struct call *call)
{
        call->connection->call = NULL;
        descriptors_close(&call->passed);
        json_decref(call->message);
        free(call);
}

static void call_end(struct call *call, json_t *reply, json_t *parameters)
{
        struct connection *c = call->connection;
        if (call->oneway) {
                json_decref(reply);
                json_decref(parameters);
        } else {
                say(call, reply, parameters);
        }
        call_free(call);
        settle(c);
}

/* An answer that could not be made must not look like an empty one: without a message say() hangs up. */
void call_reply(struct call *call, json_t *parameters)
{
        call_end(call, parameters ? json_object() : NULL, parameters);
}

void call_error(struct call *call, const char *error, json_t *parameters)
{
        call_end(call, json_pack("{s:s}", "error", error), parameters);
}

void call_reply_more(struct call *call, json_t *parameters)
{
        if (!call->more) {
                json_decref(parameters);
                return;
        }
        say(call, parameters ? json_pack("{s:b}", "continues", 1) : NULL, parameters);
        settle(call->connection);
}

const struct peer *call_peer(const struct call *call)
{
        return &call->connection->peer;
}

uint64_t call_connection(const struct call *call)
{
        return call->connection->number;
}

bool call_wants_more(const struct call *call)
{
        return call->more;
}

size_t call_fds(const struct call *call)
{
        return call->passed.count;
}

int call_take_fd(struct call *call)
{
        return descriptors_take(&call->passed);
}

void *call_belongings(const struct call *call)
{
        return call->connection->belongings;
}

void call_keep(struct call *call, void *belongings, void (*forget)(void *belongings))
{
        call->connection->belongings = belongings;
        call->connection->forget = forget;
}

void call_on_hangup(struct call *call, void (*hangup)(void *user), void *user)
{
        call->hangup = hangup;
        call->user = user;
}

static void start_call(struct connection *c, json_t *message, const struct varlink_call *parsed)
{
        struct call *call = calloc(1, sizeof *call);
        if (!call) {
                json_decref(message);
                break_off(c, "no memory for a call");
                return;
        }
        *call = (struct call){
                .connection = c,
                .message = message,
                .more = parsed->more,
                .oneway = parsed->oneway,
                .passed = c->passed,
        };
        c->passed.count = 0;
        c->call = call;
        c->owner->dispatch(c->owner->user, call, parsed);
}

/* Handles one frame, if one is there and the connection is free for it. */
static void take_turn(struct connection *c)
{
        if (c->call || c->out_len > 0 || c->refusing || c->broken)
                return;
        _cleanup_message_ json_t *message = NULL;
        struct varlink_call parsed;
        const char *why = NULL;
        int r = varlink_next(&c->in, &message, &why);
        if (r == VARLINK_INCOMPLETE)
                return;
        if (r == 0)
                r = varlink_call_parse(message, &parsed, &why);
        if (r != 0)
                break_off(c, why ? why : "no memory for a call");
        else
                start_call(c, json_incref(message), &parsed);
}

static void keep_passed(struct connection *c, struct descriptors *passed)
{
        if (c->passed.count == 0 && varlink_holds_one(&c->in)) {
                c->passed = *passed;
                return;
        }
        descriptors_close(passed);
        break_off(c, "passed a descriptor with no one frame");
}

static void fill(struct connection *c)
{
        char chunk[READ_CHUNK];
        struct descriptors passed = { .count = 0 };
        size_t room = base_min(varlink_room(&c->in), sizeof chunk);
        if (room == 0)
                return;
        ssize_t n = descriptor_receive(c->fd, chunk, room, &passed);
        if (n == -EAGAIN || n == -EINTR)
                return;
        if (n == -EPROTO)
                break_off(c, "passed too many descriptors");
        if (n == 0)
                c->eof = true;
        else if (n < 0 || varlink_feed(&c->in, chunk, (size_t)n) < 0)
                c->broken = true;
        if (passed.count > 0)
                keep_passed(c, &passed);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct connection *c = userdata;
        (void)source;
        (void)fd;
        if (revents & (EPOLLHUP | EPOLLERR)) {
                c->owner->closed(c->owner->user, c);
                return 0;
        }
        if (revents & EPOLLOUT)
                flush(c);
        if (revents & EPOLLIN && !c->broken) {
                fill(c);
                take_turn(c);
        }
        settle(c);
        return 0;
}

static int on_turn(sd_event_source *source, void *userdata)
{
        struct connection *c = userdata;
        (void)source;
        set_turn(c, false);
        if (c->broken) {
                c->owner->closed(c->owner->user, c);
                return 0;
        }
        take_turn(c);
        settle(c);
        return 0;
}

int connection_new(struct connection **ret, const struct connection_owner *owner, int fd,
        const struct peer *peer)
{
        struct connection *c = calloc(1, sizeof *c);
        if (!c) {
                descriptor_close(fd);
                return -ENOMEM;
        }
        *c = (struct connection){ .owner = owner, .fd = fd, .peer = *peer };
        int r = sd_event_add_io(owner->event, &c->io, fd, EPOLLIN, on_io, c);
        if (r < 0) {
                connection_free(c);
                return r;
        }
        *ret = c;
        return 0;
}

struct connection *connection_free(struct connection *c)
{
        if (!c)
                return NULL;
        c->broken = true;
        if (c->call && c->call->hangup)
                c->call->hangup(c->call->user);
        if (c->call)
                call_free(c->call);
        if (c->belongings)
                c->forget(c->belongings);
        sd_event_source_disable_unref(c->io);
        sd_event_source_disable_unref(c->turn);
        varlink_decoder_clear(&c->in);
        free(c->out);
        descriptors_close(&c->passed);
        descriptor_close(c->fd);
        free(c);
        return NULL;
}

void connection_drain(struct connection *c)
{
        c->refusing = true;
        settle(c);
}

bool connection_pending(const struct connection *c)
{
        return !c->broken && (c->call || c->out_len > 0);
}
