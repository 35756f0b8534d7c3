/* SPDX-License-Identifier: Apache-2.0 */
/* sign_work.c: see sign_work.h. A process of its own for each piece of work, heard over a channel with a limit for each word, and
 * gone when the last was said. What it says may be what a document has made of it: words are those of the table, and numbers are the
 * caller's to judge.
 */
#include "client-sdk/cli/sign_work.h"

#include "base/outcome.h"
#include "client-sdk/assertion.h"
#include "client-sdk/document/work.h"
#include "client-sdk/members.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PROGRAM  "mohr-document"
#define PATIENCE 600000 /* ms for each answer: a large document on a slow disk */
#define HIGH     10     /* our copies sit above every number that it wants */

extern char **environ;

static const struct {
        const char *why, *detail;
} refusals[] = {
#define X(word, sentence) { word, sentence },
        DOCUMENT_REFUSALS(X)
#undef X
};

/* ---- the process --------------------------------------------------------------------------- */

/* Beside this program in a build tree, else where it is installed. */
static bool find_program(char dst[static PATH_MAX])
{
        ssize_t len = readlink("/proc/self/exe", dst, PATH_MAX - sizeof PROGRAM);
        dst[len > 0 ? len : 0] = '\0';
        char *slash = strrchr(dst, '/');
        if (slash) {
                memcpy(slash + 1, PROGRAM, sizeof PROGRAM);
                if (access(dst, X_OK) == 0)
                        return true;
        }
        snprintf(dst, PATH_MAX, "%s/%s", MOHR_LIBEXECDIR, PROGRAM);
        return access(dst, X_OK) == 0;
}

/* 3: the channel; 4 and 5: the files. */
static int spawn(const char *work, const int fds[static 3], pid_t *ret)
{
        char program[PATH_MAX], name[] = PROGRAM;
        char *const argv[] = { name, (char *)(uintptr_t)work, NULL };
        posix_spawn_file_actions_t actions;
        if (!find_program(program))
                return -ENOENT;
        int r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        for (int i = 0; r == 0 && i < 3; i++)
                if (fds[i] >= 0)
                        r = posix_spawn_file_actions_adddup2(
                                &actions, fds[i], DOCUMENT_CHANNEL + i);
        if (r == 0)
                r = posix_spawn(ret, program, &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

static int high(int fd)
{
        int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
        return fd >= 0 && copy < 0 ? -errno : copy;
}

static int start(const char *work, int from, int to, int *ret_channel, pid_t *ret_pid)
{
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        _cleanup_close_ int ours = pair[0], low = pair[1];
        _cleanup_close_ int theirs = high(low);
        _cleanup_close_ int source = high(from);
        _cleanup_close_ int sink = high(to);
        const int fds[] = { theirs, source, sink };
        if (theirs < 0 || (from >= 0 && source < 0) || (to >= 0 && sink < 0))
                return theirs < 0 ? theirs : -EMFILE;
        int r = spawn(work, fds, ret_pid);
        if (r == 0)
                *ret_channel = base_take_fd(&ours);
        return r;
}

/* ---- what it says -------------------------------------------------------------------------- */

static int receive(int channel, char *frame, size_t cap, size_t *ret_len)
{
        struct pollfd poll_fd = { .fd = channel, .events = POLLIN };
        int r;
        do
                r = poll(&poll_fd, 1, PATIENCE);
        while (r < 0 && errno == EINTR);
        if (r <= 0)
                return r < 0 ? -errno : -ETIMEDOUT;
        ssize_t n = recv(channel, frame, cap, MSG_TRUNC);
        if (n <= 0 || (size_t)n > cap)
                return n < 0 ? -errno : -EBADMSG;
        *ret_len = (size_t)n;
        return 0;
}

static int refused(const json_t *answer, const char **ret_why, const char **ret_detail)
{
        const char *why = json_string_value(json_object_get(answer, "why"));
        for (size_t i = 0; why && i < ARRAY_LEN(refusals); i++)
                if (strcmp(refusals[i].why, why) == 0) {
                        *ret_why = refusals[i].why;
                        *ret_detail = refusals[i].detail;
                        return OUTCOME_DOCUMENT;
                }
        return -EBADMSG;
}

/* One answer; *ret_last: it was the last one. */
static int hear(int channel, char *frame, work_answer *answer, void *user, bool *ret_last,
        const char **ret_why, const char **ret_detail)
{
        size_t len = 0;
        bool starved = false;
        int r = receive(channel, frame, DOCUMENT_FRAME_MAX, &len);
        if (r != 0)
                return r;
        _cleanup_json_ json_t *said = members_read(frame, len, &starved);
        const json_t *ok = json_object_get(said, "ok");
        if (starved)
                return -ENOMEM;
        if (!json_is_object(said) || (ok && !json_is_boolean(ok)))
                return -EBADMSG;
        *ret_last = ok != NULL;
        return json_is_false(ok) ? refused(said, ret_why, ret_detail) : answer(user, said);
}

static int talk(int channel, const json_t *question, work_answer *answer, void *user,
        const char **ret_why, const char **ret_detail)
{
        _cleanup_free_ char *text = members_text(question, JSON_COMPACT);
        _cleanup_free_ char *frame = malloc(DOCUMENT_FRAME_MAX);
        bool last = false;
        if (!text || !frame)
                return -ENOMEM;
        if (send(channel, text, strlen(text), MSG_NOSIGNAL) < 0)
                return -errno;
        int r = 0;
        while (r == 0 && !last)
                r = hear(channel, frame, answer, user, &last, ret_why, ret_detail);
        return r;
}

int sign_work(const char *work, json_t *question, int from, int to, work_answer *answer, void *user,
        const char **ret_why, const char **ret_detail)
{
        _cleanup_json_ json_t *asked = question;
        int channel_made = -1;
        pid_t pid = 0;
        int r = asked ? start(work, from, to, &channel_made, &pid) : -ENOMEM;
        if (r != 0)
                return r;
        _cleanup_close_ int channel = channel_made;
        r = talk(channel, asked, answer, user, ret_why, ret_detail);
        kill(pid, SIGKILL); /* it has said all that is wanted */
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        return r;
}
