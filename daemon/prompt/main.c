/* SPDX-License-Identifier: Apache-2.0 */
/* mohr-prompt: asks the holder once and dies.
 *
 * One question comes in on descriptor 3, one answer goes out, see question.h. The process is not
 * dumpable, keeps the PIN in locked memory, libassuan's buffers among it (vault.h), and is short-lived all the same:
 * mohrd lets the card sign only after this process is gone. SIGALRM is the outer limit of time and is
 * left at its default action: a person.c that sees it knows the time ran out, whatever hung.
 */
#include "daemon/prompt/course.h"

#include "base/language.h"
#include "base/program.h"

#include <libintl.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define CHANNEL 3
#define GRACE_S 2 /* beyond the question's own time, for a pinentry that does not keep it */

/* The catalogue of a build tree lies beside the program; else the installed one. */
static void use_language(void)
{
        char self[PATH_MAX], local[PATH_MAX + 8];
        ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
        self[len > 0 ? len : 0] = '\0';
        char *slash = strrchr(self, '/');
        if (slash)
                *slash = '\0';
        snprintf(local, sizeof local, "%s/locale", self);
        setlocale(LC_ALL, "C.UTF-8");
        const char *catalogues = access(local, R_OK) == 0 ? local : MOHR_LOCALEDIR;
        language_unlock(catalogues);
        bindtextdomain("mohr", catalogues);
        bind_textdomain_codeset("mohr", "UTF-8");
        textdomain("mohr");
}

static int receive(struct question *ret)
{
        uint8_t frame[QUESTION_FRAME_MAX];
        ssize_t len;
        do
                len = recv(CHANNEL, frame, sizeof frame, MSG_TRUNC);
        while (len < 0 && errno == EINTR);
        if (len < 0)
                return -errno;
        return question_decode(frame, base_min((size_t)len, sizeof frame + 1), ret);
}

/* gettext looks anew when the locale was set anew. */
static void speak_english(struct question *question)
{
        setenv("LANGUAGE", "en", 1);
        setlocale(LC_ALL, "C");
        setlocale(LC_ALL, "C.UTF-8");
        snprintf(question->language, sizeof question->language, "en");
        question->english_instead = true;
}

static bool lacks_persian(const struct dialogue *dialogue, const struct question *question)
{
        return dialogue_flavour(dialogue)->terminal && strcmp(question->language, "fa") == 0 &&
               !flavour_terminal_shapes(question->term);
}

static int send_answer(const struct answer *answer)
{
        _cleanup_secret_ struct secret *frame = NULL;
        int r = secret_new(&frame, ANSWER_FRAME_MAX);
        if (r == 0)
                r = answer_encode(answer, frame->data, frame->cap, &frame->len);
        if (r < 0)
                return r;
        return send(CHANNEL, frame->data, frame->len, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int ask(struct question *question)
{
        char program[PATH_MAX];
        struct answer answer = { 0 };
        _cleanup_secret_ struct secret *pin = NULL;
        _cleanup_dialogue_ struct dialogue *dialogue = NULL;
        int r = secret_new(&pin, ANSWER_FRAME_MAX);
        if (r == 0)
                r = program_find(question->pinentry, program, sizeof program)
                            ? 0
                            : OUTCOME_NOBODY_TO_ASK;
        if (r == 0)
                r = dialogue_new(&dialogue, program, question);
        answer.outcome = outcome_of(r);
        if (r == 0 && lacks_persian(dialogue, question))
                speak_english(question);
        if (r == 0)
                answer = course_run(dialogue, question, pin);
        r = send_answer(&answer);
        alarm(GRACE_S); /* the answer is out: a pinentry that stays is not waited for */
        return r;
}

int main(void)
{
        struct question question;
        use_language();
        signal(SIGPIPE, SIG_IGN);
        signal(SIGALRM, SIG_DFL);
        if (prctl(PR_SET_DUMPABLE, 0) < 0 || receive(&question) < 0)
                return OUTCOME_INTERNAL;
        alarm(question.timeout_s + GRACE_S);
        return ask(&question) < 0 ? OUTCOME_INTERNAL : 0;
}
