/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c: see loop.h. Frames in, frames out; it knows neither what an operation means (session.c)
 * nor what the process may do (sandbox.c).
 */
#include "drivers/helper/loop.h"

#include "base/secret.h"

static int send_frame(int fd, uint8_t *frame, const struct out *payload)
{
        ssize_t len = op_frame_finish(frame, payload);
        return len < 0 ? (int)len : ops_send(fd, frame, (size_t)len);
}

int loop_say_ready(int fd, const struct driver *driver)
{
        struct op_ready ready = { .simulated = driver->simulated };
        sandbox_read_back(&ready.seccomp, &ready.dumpable, &ready.no_new_privs);
        strncpy(ready.driver, driver->name, sizeof ready.driver - 1);
        uint8_t frame[OPS_HEADER + 64];
        struct out payload = op_frame_begin(frame, sizeof frame, OP_READY, false, 0);
        op_put_ready(&payload, &ready);
        return send_frame(fd, frame, &payload);
}

/* Receives one frame, has it answered. 0 to go on, 1 when the channel was closed, or < 0. */
static int serve_one(int fd, struct session *session, struct secret *inbox, uint8_t *reply)
{
        int r = ops_recv(fd, inbox->data, inbox->cap, &inbox->len);
        if (r < 0)
                return r;
        if (inbox->len == 0)
                return 1;
        ssize_t len = session_step(session, inbox->data, inbox->len, reply, OPS_FRAME_MAX);
        secret_wipe(inbox);
        return len < 0 ? (int)len : ops_send(fd, reply, (size_t)len);
}

static int say_presence(int fd, const struct driver_presence *presence)
{
        uint8_t frame[OPS_HEADER + 64];
        struct out payload = op_frame_begin(frame, sizeof frame, OP_PRESENCE, false, 0);
        op_put_presence(&payload, presence);
        return send_frame(fd, frame, &payload);
}

/* Tells of cards that come and go on a direct reader until mohrd asks something. 0, an outcome or < 0. */
static int wait_for_question(int fd, struct session *session)
{
        struct driver_presence presence;
        bool changed = true;
        int r = 0;
        while (r == 0 && changed) {
                changed = false;
                r = session_wait(session, fd, &changed, &presence);
                if (r == 0 && changed)
                        r = say_presence(fd, &presence);
        }
        return r;
}

int loop_serve(int fd, struct session *session, struct secret *inbox)
{
        uint8_t reply[OPS_FRAME_MAX];
        int r;
        do {
                r = wait_for_question(fd, session);
                if (r == 0 && session_gone(session) == 0)
                        r = serve_one(fd, session, inbox, reply);
        } while (r == 0 && session_gone(session) == 0);
        secret_wipe(inbox);
        if (r < 0)
                return OUTCOME_INTERNAL;
        return session_gone(session);
}

int loop_watch(int fd, const struct driver *driver, void *watch)
{
        uint8_t frame[OPS_FRAME_MAX];
        int r;
        do {
                struct op_readers readers = { 0 };
                readers.outcome = driver->watch(watch, readers.readers, &readers.count);
                if (readers.outcome < 0)
                        return OUTCOME_INTERNAL;
                if (readers.outcome != OUTCOME_OK)
                        readers.count = 0;
                struct out payload = op_frame_begin(frame, sizeof frame, OP_READERS, false, 0);
                op_put_readers(&payload, &readers);
                r = send_frame(fd, frame, &payload);
                if (readers.outcome != OUTCOME_OK)
                        return readers.outcome;
        } while (r == 0);
        return r == -EPIPE || r == -ECONNRESET ? OUTCOME_OK : OUTCOME_INTERNAL;
}
