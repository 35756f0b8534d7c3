/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: mohr-document: one piece of work on one document, then the end. The contract is in work.h.
 *
 * The order is the point: what it needs of the machine is taken first, the filter is closed before the question is parsed and the
 * first byte of a document is read, and when it answers "ok" of a result, that lies on the disk.
 */
#include "client-sdk/document/confine.h"
#include "client-sdk/document/paper.h"
#include "client-sdk/document/works.h"
#include "client-sdk/members.h"

#include <stdio.h>
#include <sys/socket.h>

static const struct {
        const char *name;
        int (*run)(struct task *task);
} works[] = {
        { "inspect", task_inspect },
        { "signatures", task_signatures },
        { "prepare", task_prepare },
        { "text", task_text },
        { "countersign", task_countersign },
        { "write", task_write },
};

static const struct {
        const char *why, *detail;
} refusals[] = {
#define X(why, detail) { why, detail },
        DOCUMENT_REFUSALS(X)
#undef X
};

/* ---- the channel ---- */

static int send_frame(const char *text, size_t len)
{
        ssize_t sent;
        if (len > DOCUMENT_FRAME_MAX)
                return -EMSGSIZE;
        do
                sent = send(DOCUMENT_CHANNEL, text, len, MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
        return sent < 0 ? -errno : 0;
}

static int send_answer(void *user, json_t *answer)
{
        _cleanup_free_ char *text = answer ? members_text(answer, JSON_COMPACT) : NULL;
        (void)user;
        json_decref(answer);
        return text ? send_frame(text, strlen(text)) : -ENOMEM;
}

/* This one is needed when there is no memory. */
static int send_refusal(const struct verdict *verdict)
{
        char text[512];
        const char *detail = verdict->detail;
        for (size_t i = 0; !detail && i < ARRAY_LEN(refusals); i++)
                if (strcmp(refusals[i].why, verdict->why) == 0)
                        detail = refusals[i].detail;
        int len = snprintf(text, sizeof text, "{\"ok\":false,\"why\":\"%s\",\"detail\":\"%s\"}",
                verdict->why, detail ? detail : "");
        return send_frame(text, (size_t)len);
}

/* ---- the work ---- */

/* A question that is left lying would take the answer with it. */
static int receive_frame(char **ret, size_t *ret_len)
{
        _cleanup_free_ char *frame = malloc(DOCUMENT_FRAME_MAX + 1);
        ssize_t len;
        if (!frame)
                return -ENOMEM;
        do
                len = recv(DOCUMENT_CHANNEL, frame, DOCUMENT_FRAME_MAX + 1, 0);
        while (len < 0 && errno == EINTR);
        if (len <= 0)
                return len < 0 ? -errno : -EPIPE;
        *ret = frame;
        *ret_len = (size_t)len;
        frame = NULL;
        return 0;
}

static int read_question(const char *frame, size_t len, json_t **ret, struct verdict *verdict)
{
        bool starved = false;
        json_t *asked = len <= DOCUMENT_FRAME_MAX ? members_read(frame, len, &starved) : NULL;
        if (starved)
                return -ENOMEM;
        if (!json_is_object(asked)) {
                json_decref(asked);
                return verdict_no(verdict, "question", NULL);
        }
        *ret = asked;
        return 0;
}

static int work_on(struct task *task, int (*run)(struct task *task))
{
        char *received = NULL;
        size_t len = 0;
        json_t *asked = NULL;
        int r = receive_frame(&received, &len);
        _cleanup_free_ char *frame = received;
        if (r == 0)
                r = source_open(&task->source, DOCUMENT_READ, &task->verdict);
        if (r == 0)
                r = document_confine(task->source.size);
        if (r == 0)
                r = read_question(frame, len, &asked, &task->verdict);
        task->asked = asked;
        if (r == 0)
                r = task->answer ? task_say(task->answer, "ok", json_true()) : -ENOMEM;
        if (r == 0)
                r = run(task);
        json_decref(asked);
        return r;
}

/* What a library opens on its first use must be open before nothing can be. */
static int warm_up(void)
{
        uint8_t digest[EVP_MAX_MD_SIZE];
        const int room = DOCUMENT_FRAME_MAX;
        qpdf_data q = qpdf_init();
        qpdf_empty_pdf(q);
        qpdf_cleanup(&q);
        json_object_seed(0);
        (void)setsockopt(DOCUMENT_CHANNEL, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        return EVP_Digest("", 0, digest, NULL, EVP_sha256(), NULL) == 1 &&
                               EVP_Digest("", 0, digest, NULL, EVP_sha384(), NULL) == 1
                       ? 0
                       : -EIO;
}

static int run(int (*function)(struct task *task))
{
        struct task task = {
                .answer = json_object(), .output = DOCUMENT_WRITE, .tell = send_answer
        };
        int r = document_settle();
        if (r == 0)
                r = warm_up();
        if (r == 0)
                r = work_on(&task, function);
        if (r == 0)
                return send_answer(NULL, task.answer);
        json_decref(task.answer);
        if (r < 0)
                task.verdict = (struct verdict){ r == -ENOMEM ? "memory" : "internal", NULL };
        return send_refusal(&task.verdict);
}

int main(int argc, char **argv)
{
        for (size_t i = 0; argc == 2 && i < ARRAY_LEN(works); i++)
                if (strcmp(works[i].name, argv[1]) == 0)
                        return run(works[i].run) < 0 ? 1 : 0;
        fputs("mohr-document is started by mohrd and mohr, see docs/signing.md\n", stderr);
        return 2;
}
