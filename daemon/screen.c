/* SPDX-License-Identifier: Apache-2.0 */
/* screen.c: see screen.h. Who holds the role, and the one question that is open.
 *
 * The role is a call of Serve that goes on, and ends with the process that made it: a child of it that has inherited the
 * connection neither keeps the role nor gets it, and while the role is held its number is no other process's. A question is open from screen_ask() until it is settled: answered, out
 * of time, or left by a screen that went. Settling only notes the answer; it reaches the asker from the loop, by
 * a source that was there before, so that no answer calls into a request from under the socket's hands, and
 * none is lost for want of memory. Each question has a ticket of 128 random bits that nobody but the screen is told:
 * the request's own id is known to the app as well.
 *
 * A card's PIN is changed or unblocked by two secrets; a screen has no way to bring them, so it is not asked.
 */
#include "daemon/screen_internal.h"

#include "base/bytes.h"
#include "base/outcome.h"
#include "base/portable.h"
#include "daemon/params.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/random.h>

int screen_new(
        struct screen **ret, sd_event *event, const struct config *config, const struct log *log)
{
        struct screen *screen = calloc(1, sizeof *screen);
        if (!screen)
                return -ENOMEM;
        *screen = (struct screen){ .event = event, .config = config, .log = log };
        *ret = screen;
        return 0;
}

struct screen *screen_free(struct screen *screen)
{
        free(screen);
        return NULL;
}

bool screen_is_there(const struct screen *screen)
{
        return screen && screen->serving;
}

/* ---- the role ------------------------------------------------------------------------------ */

static void tell(const struct screen *screen, const char *what, pid_t pid, const char *why)
{
        char number[16];
        snprintf(number, sizeof number, "%d", (int)pid);
        log_kv(screen->log, LOG_LEVEL_NOTICE, NULL, what, "pid", number, "why", why, NULL);
}

/* For the screen the role ends; for the person who was asked on it, it is as if they had refused. */
static void leave_role(struct screen *screen)
{
        static const struct person_answer refused = { .outcome = OUTCOME_REFUSED };
        screen->serving = NULL;
        screen->died = sd_event_source_disable_unref(screen->died);
        tell(screen, "screen left", screen->pid, NULL);
        if (screen->open)
                screen_settle(screen->open, &refused);
}

static void on_hangup(void *user)
{
        leave_role(user);
}

void screen_drain(struct screen *screen)
{
        struct call *call = screen->serving;
        if (!call)
                return;
        if (screen->open)
                call_reply_more(call,
                        json_pack("{s:s, s:s}", "event", "end", "ticket", screen->open->ticket));
        leave_role(screen);
        call_reply(call, json_pack("{s:s}", "event", "end"));
}

static int on_died(sd_event_source *source, int fd, uint32_t events, void *user)
{
        (void)source, (void)fd, (void)events;
        screen_drain(user);
        return 0;
}

static int wait_for_end(struct screen *screen, pid_t pid)
{
        _cleanup_close_ int fd = portable_pidfd_open(pid);
        if (fd < 0)
                return -errno;
        int r = sd_event_add_io(screen->event, &screen->died, fd, EPOLLIN, on_died, screen);
        if (r >= 0)
                r = sd_event_source_set_io_fd_own(screen->died, true);
        if (r >= 0)
                base_take_fd(&fd);
        else
                screen->died = sd_event_source_disable_unref(screen->died);
        return r < 0 ? r : 0;
}

static const char *error_of(
        const struct screen *screen, const struct call *call, const char **ret_why)
{
        *ret_why = screen_refusal(screen->config, call_peer(call));
        if (*ret_why)
                return SCREEN_INTERFACE ".PermissionDenied";
        *ret_why = "called without more";
        if (!call_wants_more(call))
                return SCREEN_INTERFACE ".ExpectedMore";
        *ret_why = "another screen is there";
        return screen->serving ? SCREEN_INTERFACE ".RoleTaken" : NULL;
}

static void refuse(
        const struct screen *screen, struct call *call, const char *error, const char *why)
{
        tell(screen, "screen refused", call_peer(call)->pid, why);
        call_error(call, error, NULL);
}

void screen_serve(void *user, struct call *call, json_t *parameters)
{
        static const struct param none[] = { { 0 } };
        struct screen *screen = user;
        const char *why;
        if (!params_accept(call, parameters, none))
                return;
        const char *error = error_of(screen, call, &why);
        int r = error ? 0 : wait_for_end(screen, call_peer(call)->pid);
        if (error || r < 0) {
                refuse(screen, call, error ? error : SCREEN_INTERFACE ".Internal",
                        error ? why : strerror(-r));
                return;
        }
        screen->serving = call;
        screen->pid = call_peer(call)->pid;
        call_on_hangup(call, on_hangup, screen);
        tell(screen, "screen took over", screen->pid, NULL);
        call_reply_more(call, json_pack("{s:s}", "event", "serving"));
}

/* ---- the question -------------------------------------------------------------------------- */

static int on_settled(sd_event_source *source, void *user)
{
        struct screen_question *question = user;
        (void)source;
        const struct person_answer answer = question->answer;
        question->done(question->user, &answer); /* the question may be gone after it */
        return 0;
}

static int on_limit(sd_event_source *source, uint64_t usec, void *user)
{
        static const struct person_answer late = { .outcome = OUTCOME_TIMED_OUT };
        (void)source, (void)usec;
        screen_settle(user, &late);
        return 0;
}

/* The screen takes it down, and nobody can answer it any more. */
static void close_question(struct screen_question *question)
{
        struct screen *screen = question->screen;
        screen->open = NULL;
        screen_answer_drop(question);
        if (screen->serving)
                call_reply_more(screen->serving,
                        json_pack("{s:s, s:s}", "event", "end", "ticket", question->ticket));
}

void screen_settle(struct screen_question *question, const struct person_answer *answer)
{
        question->answer = *answer;
        question->limit = sd_event_source_disable_unref(question->limit);
        close_question(question);
        if (answer->outcome != 0 && question->pin)
                secret_wipe(question->pin);
        if (sd_event_source_set_enabled(question->settled, SD_EVENT_ONESHOT) < 0)
                (void)on_settled(NULL, question);
}

struct screen_question *screen_take_down(struct screen_question *question)
{
        if (!question)
                return NULL;
        if (question->screen->open == question)
                close_question(question);
        sd_event_source_disable_unref(question->limit);
        sd_event_source_disable_unref(question->settled);
        free(question);
        return NULL;
}

static int prepare(struct screen_question *question, const struct person_question *asked)
{
        uint8_t random[SCREEN_TICKET_LEN / 2];
        sd_event *event = question->screen->event;
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
                return -EIO;
        hex_encode(question->ticket, random, sizeof random);
        int r = sd_event_add_defer(event, &question->settled, on_settled, question);
        if (r >= 0)
                r = sd_event_source_set_enabled(question->settled, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &question->limit, CLOCK_MONOTONIC,
                        (uint64_t)asked->timeout_s * 1000000, 0, on_limit, question);
        return r < 0 ? r : 0;
}

static struct screen_question question_of(const struct person_question *asked, bool pinpad)
{
        return (struct screen_question){
                .kind = screen_kind_of(asked),
                .required = asked->required,
                .optional = asked->optional,
                .may_remember = screen_may_remember(asked),
                .pinpad = pinpad,
                .staff = asked->staff,
                .last_try = asked->tries_left <= 1, /* unknown is less */
        };
}

int screen_ask(struct screen_question **ret, struct screen *screen,
        const struct person_question *asked, struct secret *pin, person_done done, void *user)
{
        bool pinpad = !pin && (screen_kind_of(asked) & SCREEN_SIGNS);
        bool pair = asked->work == PERSON_CHANGE_PIN || asked->work == PERSON_UNBLOCK_PIN;
        if (!screen->serving || pair)
                return OUTCOME_NOBODY_TO_ASK;
        if (screen->open)
                return OUTCOME_BUSY;
        struct screen_question *question = calloc(1, sizeof *question);
        if (!question)
                return -ENOMEM;
        *question = question_of(asked, pinpad);
        question->screen = screen;
        question->pin = pin;
        question->done = done;
        question->user = user;
        int r = prepare(question, asked);
        json_t *event = r == 0 ? screen_question_json(asked, question->ticket, pinpad) : NULL;
        if (!event) {
                screen_take_down(question);
                return r < 0 ? r : -ENOMEM;
        }
        screen->open = question;
        call_reply_more(screen->serving, event);
        *ret = question;
        return 0;
}
