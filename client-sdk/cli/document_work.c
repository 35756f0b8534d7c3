/* SPDX-License-Identifier: Apache-2.0 */
/* document_work.c: asks mohr-document for the signatures of a PDF (client-sdk/document/work.h has the contract).
 *
 * It is given the file and a channel and nothing else: no other descriptor, no environment. What it answers is bounded in size and
 * number and in time, and only a beginning: verify_pdf.c looks at the file itself before it believes where a signature lies.
 */
#include "client-sdk/cli/document_work.h"

#include "base/clock.h"
#include "client-sdk/assertion.h"
#include "client-sdk/document/work.h"
#include "client-sdk/members.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PATIENCE 60 /* seconds */
#define CLEAR_OF 64 /* descriptors from here on are in nobody's way */

/* ---- starting it ---- */

static int set_up(posix_spawn_file_actions_t *actions, int channel, int file)
{
        int r = posix_spawn_file_actions_adddup2(actions, channel, DOCUMENT_CHANNEL);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(actions, file, DOCUMENT_READ);
        for (int fd = STDIN_FILENO; r == 0 && fd <= STDERR_FILENO; fd++)
                r = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
        return r == 0 ? posix_spawn_file_actions_addclosefrom_np(actions, DOCUMENT_WRITE) : r;
}

static int spawn(const char *program, int channel, int file, pid_t *ret)
{
        char name[] = DOCUMENT_PROGRAM, work[] = "signatures";
        char *const argv[] = { name, work, NULL }, *const nothing[] = { NULL };
        posix_spawn_file_actions_t actions;
        int r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = set_up(&actions, channel, file);
        if (r == 0)
                r = posix_spawn(ret, program, &actions, NULL, argv, nothing);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

/* *ret_channel is our end. */
static int start(const char *program, int file, int *ret_channel, pid_t *ret_pid)
{
        int pair[2], room = DOCUMENT_FRAME_MAX;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        _cleanup_close_ int ours = pair[0], theirs = pair[1];
        (void)setsockopt(theirs, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        _cleanup_close_ int channel = fcntl(theirs, F_DUPFD_CLOEXEC, CLEAR_OF);
        _cleanup_close_ int document = fcntl(file, F_DUPFD_CLOEXEC, CLEAR_OF);
        if (channel < 0 || document < 0)
                return -errno;
        int r = spawn(program, channel, document, ret_pid);
        if (r < 0)
                return r;
        *ret_channel = base_take_fd(&ours);
        return 0;
}

/* ---- listening ---- */

static int receive(int channel, int64_t end, char *frame, size_t *ret_len)
{
        for (;;) {
                int64_t left = end - clock_ms();
                struct pollfd ready = { .fd = channel, .events = POLLIN };
                if (left <= 0)
                        return -ETIMEDOUT;
                if (poll(&ready, 1, (int)left) <= 0)
                        continue;
                ssize_t got = recv(channel, frame, DOCUMENT_FRAME_MAX + 1, 0);
                if (got < 0 && errno == EINTR)
                        continue;
                *ret_len = got > 0 ? (size_t)got : 0;
                if (got <= 0 || got > DOCUMENT_FRAME_MAX)
                        return got < 0 ? -errno : -EBADMSG;
                return 0;
        }
}

/* A row is kept; the last answer ends it: 0, or 21 with what it says is wrong with the PDF. */
static int take(struct document_work *work, json_t *answer, bool *ret_last)
{
        const json_t *ok = json_object_get(answer, "ok");
        const char *why = json_string_value(json_object_get(answer, "why"));
        *ret_last = json_is_false(ok) || json_is_true(json_object_get(answer, "last"));
        if (!*ret_last && json_array_size(work->rows) < DOCUMENT_SIGNATURES_MAX)
                return json_array_append(work->rows, answer) < 0 ? -ENOMEM : 0;
        if (!*ret_last)
                return -EBADMSG;
        if (json_is_true(ok)) {
                work->last = json_incref(answer);
                return 0;
        }
        snprintf(work->why, sizeof work->why, "%s", why ? why : "damaged");
        return OUTCOME_INVALID;
}

static int listen_to(int channel, struct document_work *work)
{
        _cleanup_free_ char *frame = malloc(DOCUMENT_FRAME_MAX + 1);
        int64_t end = clock_ms() + PATIENCE * 1000;
        if (!frame)
                return -ENOMEM;
        if (send(channel, "{}", 2, MSG_NOSIGNAL) != 2)
                return -EPIPE;
        for (bool last = false; !last;) {
                bool starved = false;
                size_t len = 0;
                int r = receive(channel, end, frame, &len);
                if (r < 0)
                        return r;
                _cleanup_json_ json_t *answer = members_read(frame, len, &starved);
                if (starved || !json_is_object(answer))
                        return starved ? -ENOMEM : -EBADMSG;
                r = take(work, answer, &last);
                if (r != 0)
                        return r;
        }
        return 0;
}

int document_signatures(const char *program, int file, struct document_work *ret)
{
        pid_t pid = 0;
        int opened = -1;
        struct document_work work = { .rows = json_array() };
        int r = work.rows ? start(program, file, &opened, &pid) : -ENOMEM;
        _cleanup_close_ int channel = opened;
        if (r == 0) {
                r = listen_to(channel, &work);
                kill(pid, SIGKILL); /* whatever it still does, nobody listens */
                while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                        ;
        }
        if (r < 0) {
                document_work_clear(&work);
                return r;
        }
        *ret = work;
        return r;
}
