/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c: see wire.h. No call here blocks, and poll() waits, so that a deadline holds even when the peer takes
 * or gives one byte at a time. No signal comes of a peer that is gone.
 */
#include "client-sdk/wire.h"

#include "base/clock.h"
#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/members.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

int64_t wire_deadline(int64_t ms_from_now)
{
        return clock_ms() + ms_from_now;
}

short wire_events(const struct wire *wire)
{
        return wire->out ? POLLIN | POLLOUT : POLLIN;
}

int wire_wait(const struct wire *wire, int64_t deadline)
{
        for (;;) {
                int64_t left = deadline == WIRE_FOR_EVER ? -1 : deadline - clock_ms();
                if (deadline != WIRE_FOR_EVER && left <= 0)
                        return OUTCOME_TIMED_OUT;
                struct pollfd poll_fd = { .fd = wire->fd, .events = wire_events(wire) };
                int r = poll(&poll_fd, 1, left > 60000 ? 60000 : (int)left);
                if (r > 0)
                        return 0;
                if (r < 0 && errno != EINTR)
                        return -errno;
        }
}

/* ---- Sending ---- */

static void drop_passed(struct wire *wire)
{
        while (wire->passed_count > 0)
                close(wire->passed[--wire->passed_count]);
}

static void drop_out(struct wire *wire)
{
        drop_passed(wire);
        free(wire->out);
        wire->out = NULL;
        wire->out_len = wire->out_at = 0;
}

/* The frame may have to wait for room, and the caller's descriptors do not wait with it. */
static int copy_descriptors(struct wire *wire, const struct wire_call *call)
{
        for (size_t i = 0; i < call->fd_count; i++) {
                int copy = fcntl(call->fds[i], F_DUPFD_CLOEXEC, 3);
                if (copy < 0)
                        return -errno;
                wire->passed[wire->passed_count++] = copy;
        }
        return 0;
}

static char *frame_of(const struct wire_call *call)
{
        _cleanup_json_ json_t *frame =
                json_pack("{s:s, s:o}", "method", call->method, "parameters", call->parameters);
        if (!frame || (call->more && json_object_set_new(frame, "more", json_true()) < 0))
                return NULL;
        return members_text(frame, JSON_COMPACT);
}

int wire_queue(struct wire *wire, const struct wire_call *call)
{
        _cleanup_free_ char *text = frame_of(call);
        if (!text)
                return -ENOMEM;
        size_t len = strlen(text) + 1; /* the NUL is the end of the frame */
        if (len > WIRE_SEND_MAX || call->fd_count > WIRE_FDS_MAX)
                return -E2BIG;
        drop_out(wire);
        int r = copy_descriptors(wire, call);
        if (r != 0) {
                drop_passed(wire);
                return r;
        }
        wire->out = text;
        wire->out_len = len;
        text = NULL;
        return 0;
}

static ssize_t send_with_descriptors(struct wire *wire, const char *data, size_t len)
{
        union {
                struct cmsghdr head;
                char room[CMSG_SPACE(sizeof(int[WIRE_FDS_MAX]))];
        } control = { 0 };
        size_t size = sizeof(int) * wire->passed_count;
        struct iovec part = { (char *)(uintptr_t)data, len };
        struct msghdr message = { .msg_iov = &part,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = CMSG_SPACE(size) };
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(&control.head), wire->passed, size);
        return sendmsg(wire->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Descriptors go with the first byte of their frame. */
static ssize_t send_some(struct wire *wire)
{
        const char *data = wire->out + wire->out_at;
        size_t len = wire->out_len - wire->out_at;
        ssize_t sent = wire->passed_count > 0
                               ? send_with_descriptors(wire, data, len)
                               : send(wire->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
                drop_passed(wire);
        return sent;
}

int wire_flush(struct wire *wire)
{
        while (wire->out) {
                ssize_t sent = send_some(wire);
                if (sent < 0 && errno == EINTR)
                        continue;
                if (sent < 0 && errno == EAGAIN)
                        return 0;
                if (sent < 0)
                        return errno == EPIPE || errno == ECONNRESET ? OUTCOME_UNREACHABLE : -errno;
                wire->out_at += (size_t)sent;
                if (wire->out_at == wire->out_len)
                        drop_out(wire);
        }
        return 0;
}

void wire_close(struct wire *wire)
{
        drop_out(wire);
        if (wire->fd >= 0)
                close(wire->fd);
        wire->fd = -1;
}

/* ---- Receiving ---- */

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

int wire_step(struct wire *wire, struct wire_reply *ret, bool *ret_found)
{
        int r = wire_flush(wire);
        while (r == 0) {
                r = take_frame(wire, ret, ret_found);
                if (r != 0 || *ret_found)
                        return r;
                ssize_t got = recv(wire->fd, wire->buffer + wire->len,
                        sizeof wire->buffer - wire->len, MSG_DONTWAIT);
                if (got < 0 && errno == EAGAIN)
                        return 0;
                if (got == 0 || (got < 0 && errno == ECONNRESET))
                        return OUTCOME_UNREACHABLE;
                if (got < 0 && errno != EINTR)
                        return -errno;
                if (got > 0)
                        wire->len += (size_t)got;
        }
        return r;
}
