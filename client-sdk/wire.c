/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c: see wire.h. The socket is non-blocking and poll() waits, so that a deadline holds even when
 * the peer takes or gives one byte at a time.
 */
#include "client-sdk/wire.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/members.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

static int64_t now_ms(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t wire_deadline(int64_t ms_from_now)
{
        return now_ms() + ms_from_now;
}

static int wait_for(int fd, short events, int64_t deadline)
{
        for (;;) {
                int64_t left = deadline == WIRE_FOR_EVER ? -1 : deadline - now_ms();
                if (deadline != WIRE_FOR_EVER && left <= 0)
                        return OUTCOME_TIMED_OUT;
                struct pollfd poll_fd = { .fd = fd, .events = events };
                int r = poll(&poll_fd, 1, left > 60000 ? 60000 : (int)left);
                if (r > 0)
                        return 0;
                if (r < 0 && errno != EINTR)
                        return -errno;
        }
}

static int send_all(int fd, const char *data, size_t len, int64_t deadline)
{
        while (len > 0) {
                ssize_t sent = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (sent < 0 && errno != EAGAIN && errno != EINTR)
                        return errno == EPIPE || errno == ECONNRESET ? OUTCOME_UNREACHABLE : -errno;
                if (sent < 0) {
                        int r = wait_for(fd, POLLOUT, deadline);
                        if (r != 0)
                                return r;
                        continue;
                }
                data += sent;
                len -= (size_t)sent;
        }
        return 0;
}

int wire_call(
        struct wire *wire, const char *method, json_t *parameters, bool more, int64_t deadline)
{
        _cleanup_json_ json_t *call =
                json_pack("{s:s, s:o}", "method", method, "parameters", parameters);
        if (!call || (more && json_object_set_new(call, "more", json_true()) < 0))
                return -ENOMEM;
        _cleanup_free_ char *text = members_text(call, JSON_COMPACT);
        if (!text)
                return -ENOMEM;
        size_t len = strlen(text) + 1; /* the NUL is the end of the frame */
        return len > WIRE_SEND_MAX ? -E2BIG : send_all(wire->fd, text, len, deadline);
}

int wire_parse(const char *frame, size_t len, struct wire_reply *ret)
{
        bool starved;
        _cleanup_json_ json_t *reply = members_read(frame, len, &starved);
        if (starved)
                return -ENOMEM;
        json_t *parameters = json_object_get(reply, "parameters");
        const json_t *error = json_object_get(reply, "error"),
                     *continues = json_object_get(reply, "continues");
        if (!json_is_object(reply) || (parameters && !json_is_object(parameters)) ||
                (error && !json_is_string(error)) || (continues && !json_is_boolean(continues)))
                return -EBADMSG;
        *ret = (struct wire_reply){ .continues = json_is_true(continues) && !error };
        if (error)
                text_sanitize(
                        ret->error, sizeof ret->error, json_string_value(error), sizeof ret->error);
        if (error && ret->error[0] == '\0')
                return -EBADMSG;
        ret->parameters = parameters ? json_incref(parameters) : json_object();
        return ret->parameters ? 0 : -ENOMEM;
}

/* Takes the first frame out of the buffer, if it is there whole. */
static int take_frame(struct wire *wire, struct wire_reply *ret, bool *ret_found)
{
        const char *end = memchr(wire->buffer, '\0', wire->len);
        *ret_found = end != NULL;
        if (!end)
                return wire->len == sizeof wire->buffer ? -EBADMSG : 0;
        size_t frame = (size_t)(end - wire->buffer);
        int r = wire_parse(wire->buffer, frame, ret);
        wire->len -= frame + 1;
        memmove(wire->buffer, end + 1, wire->len);
        return r;
}

int wire_receive(struct wire *wire, int64_t deadline, struct wire_reply *ret)
{
        for (;;) {
                bool found;
                int r = take_frame(wire, ret, &found);
                if (r != 0 || found)
                        return r;
                r = wait_for(wire->fd, POLLIN, deadline);
                if (r != 0)
                        return r;
                ssize_t got = recv(wire->fd, wire->buffer + wire->len,
                        sizeof wire->buffer - wire->len, MSG_DONTWAIT);
                if (got == 0 || (got < 0 && errno == ECONNRESET))
                        return OUTCOME_UNREACHABLE;
                if (got < 0 && errno != EAGAIN && errno != EINTR)
                        return -errno;
                if (got > 0)
                        wire->len += (size_t)got;
        }
}
