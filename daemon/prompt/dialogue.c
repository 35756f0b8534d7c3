/* SPDX-License-Identifier: Apache-2.0 */
/* dialogue.c: see dialogue.h. Assuan as in the manuals of libassuan and pinentry. Options a pinentry
 * does not know are no failure; a page it does not take is.
 */
#include "daemon/prompt/dialogue.h"

#include "base/text.h"
#include "daemon/prompt/guard.h"
#include "daemon/prompt/texts.h"

#include <assuan.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

#define PIN_ENTRIES 3

struct dialogue {
        assuan_context_t assuan;
        const struct question *question; /* borrowed */
        time_t deadline;                 /* CLOCK_MONOTONIC seconds */
        int guard;
};

struct entry { /* what GETPIN brings */
        struct secret *pin;
        bool overlong;
};

/* ---- starting ----------------------------------------------------------------------------- */

/* In the child, before exec. A process group of its own, so that killing mohr-prompt's does not hit it
 * with SIGKILL: it gets SIGTERM by the parent's death instead, and a full-screen pinentry can leave the
 * screen. It is no session leader (the session is mohr-prompt's, without a terminal), so opening the
 * holder's terminal neither takes it over nor hangs it up afterwards. */
static void before_exec(void *opaque, int reserved)
{
        const pid_t *parent = opaque;
        (void)reserved;
        setpgid(0, 0);
        signal(SIGPIPE, SIG_DFL);
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != *parent)
                _exit(127);
}

static time_t now(void)
{
        struct timespec ts = { 0 };
        clock_gettime(CLOCK_MONOTONIC, &ts);
        return ts.tv_sec;
}

static gpg_error_t say(struct dialogue *dialogue, const char *command, const char *text)
{
        char line[PARTS_LINE_MAX + 1];
        if (parts_line(line, command, text) < 0)
                return gpg_error(GPG_ERR_TOO_LARGE);
        return assuan_transact(dialogue->assuan, line, NULL, NULL, NULL, NULL, NULL, NULL);
}

static void set_option(struct dialogue *dialogue, const char *name, const char *value)
{
        char option[512];
        if (!*value)
                return;
        snprintf(option, sizeof option, "%s=%s", name, value);
        (void)say(dialogue, "OPTION", option);
}

static void set_options(struct dialogue *dialogue)
{
        const struct question *question = dialogue->question;
        set_option(dialogue, "ttyname", question->tty);
        set_option(dialogue, "ttytype", question->term);
        set_option(dialogue, "display", question->display);
        set_option(dialogue, "lc-ctype", "C.UTF-8");
        set_option(dialogue, "lc-messages", "C.UTF-8");
}

/* ---- is anybody there? -------------------------------------------------------------------- */

struct flavour {
        char name[32];
        size_t len;
};

static gpg_error_t take_flavour(void *opaque, const void *data, size_t len)
{
        struct flavour *flavour = opaque;
        size_t taken = base_min(len, sizeof flavour->name - 1 - flavour->len);
        memcpy(flavour->name + flavour->len, data, taken);
        flavour->len += taken;
        return 0;
}

/* A pinentry that would ask on a terminal: by its kind, or as a fallback ("gtk2:curses"). */
static bool asks_on_terminal(struct dialogue *dialogue)
{
        struct flavour flavour = { 0 };
        (void)assuan_transact(
                dialogue->assuan, "GETINFO flavor", take_flavour, &flavour, NULL, NULL, NULL, NULL);
        const char *last =
                strrchr(flavour.name, ':') ? strrchr(flavour.name, ':') + 1 : flavour.name;
        return strcmp(last, "tty") == 0 || strcmp(last, "curses") == 0;
}

/* pinentry-tty says "cancelled" when it has no terminal, which would read as a person's no. */
static int find_terminal(struct dialogue *dialogue)
{
        const char *tty = dialogue->question->tty;
        if (!asks_on_terminal(dialogue))
                return 0;
        _cleanup_close_ int fd = *tty ? open(tty, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;
        return fd >= 0 && isatty(fd) ? 0 : OUTCOME_NOBODY_TO_ASK;
}

int dialogue_new(struct dialogue **ret, const char *program, const struct question *question)
{
        _cleanup_dialogue_ struct dialogue *dialogue = calloc(1, sizeof *dialogue);
        const char *argv[] = { program, NULL };
        assuan_fd_t no_files[] = { ASSUAN_INVALID_FD };
        pid_t self = getpid();
        if (!dialogue)
                return -ENOMEM;
        dialogue->guard = -1;
        dialogue->question = question;
        dialogue->deadline = now() + question->timeout_s;
        if (assuan_new(&dialogue->assuan))
                return -ENOMEM;
        if (assuan_pipe_connect(dialogue->assuan, program, argv, no_files, before_exec, &self, 0))
                return OUTCOME_NOBODY_TO_ASK;
        dialogue->guard = guard_start(assuan_get_pid(dialogue->assuan), question->tty);
        if (dialogue->guard < 0)
                return dialogue->guard;
        set_options(dialogue);
        int r = find_terminal(dialogue);
        if (r != 0)
                return r;
        *ret = dialogue;
        dialogue = NULL;
        return 0;
}

struct dialogue *dialogue_free(struct dialogue *dialogue)
{
        if (!dialogue)
                return NULL;
        assuan_release(dialogue->assuan);
        guard_dismiss(dialogue->guard);
        free(dialogue);
        return NULL;
}

/* ---- one page ----------------------------------------------------------------------------- */

static int outcome_of_error(gpg_error_t error)
{
        static const struct {
                gpg_err_code_t code;
                int outcome;
        } outcomes[] = {
                { GPG_ERR_NO_ERROR, OUTCOME_OK },
                { GPG_ERR_CANCELED, OUTCOME_REFUSED },
                { GPG_ERR_FULLY_CANCELED, OUTCOME_REFUSED },
                { GPG_ERR_NOT_CONFIRMED, OUTCOME_REFUSED },
                { GPG_ERR_TIMEOUT, OUTCOME_TIMED_OUT },
                { GPG_ERR_ENOMEM, OUTCOME_INTERNAL },
                { GPG_ERR_TOO_LARGE, OUTCOME_INTERNAL },
        };
        for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
                if (outcomes[i].code == gpg_err_code(error))
                        return outcomes[i].outcome;
        return OUTCOME_NOBODY_TO_ASK;
}

static int show(struct dialogue *dialogue, const struct page *page)
{
        char seconds[24];
        const struct {
                const char *command, *text;
        } lines[] = { { "SETTIMEOUT", seconds }, { "SETTITLE", page->title },
                { "SETDESC", page->desc }, { "SETOK", page->ok }, { "SETCANCEL", page->cancel },
                { "SETPROMPT", page->prompt }, { "SETNOTOK", page->notok } };

        long left = (long)(dialogue->deadline - now());
        if (left <= 0)
                return OUTCOME_TIMED_OUT;
        if (!page->desc[0]) /* it did not fit, and nobody can agree to nothing */
                return OUTCOME_INTERNAL;
        snprintf(seconds, sizeof seconds, "%ld", left);
        for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
                int outcome =
                        lines[i].text
                                ? outcome_of_error(say(dialogue, lines[i].command, lines[i].text))
                                : 0;
                if (outcome != 0)
                        return outcome;
        }
        return 0;
}

static gpg_error_t ask_to_confirm(struct dialogue *dialogue)
{
        return assuan_transact(dialogue->assuan, "CONFIRM", NULL, NULL, NULL, NULL, NULL, NULL);
}

static int confirm(
        struct dialogue *dialogue, void (*compose)(const struct question *, struct page *))
{
        struct page page;
        compose(dialogue->question, &page);
        int outcome = show(dialogue, &page);
        if (outcome != 0)
                return outcome;
        return outcome_of_error(ask_to_confirm(dialogue));
}

/* The one page with three ways out. */
static int choose(struct dialogue *dialogue)
{
        struct page page;
        texts_choice(dialogue->question, &page);
        int outcome = show(dialogue, &page);
        if (outcome != 0)
                return outcome;
        gpg_error_t error = ask_to_confirm(dialogue);
        return gpg_err_code(error) == GPG_ERR_NOT_CONFIRMED ? OUTCOME_NO_CARD
                                                            : outcome_of_error(error);
}

/* ---- the PIN ------------------------------------------------------------------------------ */

static gpg_error_t take_digits(void *opaque, const void *data, size_t len)
{
        struct entry *entry = opaque;
        entry->overlong = entry->overlong || len > entry->pin->cap - entry->pin->len;
        if (entry->overlong)
                return 0;
        memcpy(entry->pin->data + entry->pin->len, data, len);
        entry->pin->len += len;
        return 0;
}

static int get_entry(struct dialogue *dialogue, struct entry *entry)
{
        secret_wipe(entry->pin);
        entry->overlong = false;
        assuan_begin_confidential(dialogue->assuan);
        gpg_error_t error = assuan_transact(
                dialogue->assuan, "GETPIN", take_digits, entry, NULL, NULL, NULL, NULL);
        assuan_end_confidential(dialogue->assuan);
        if (error)
                return outcome_of_error(error);
        entry->pin->len = text_fold_digits((char *)entry->pin->data, entry->pin->len);
        return 0;
}

static int ask_pin(struct dialogue *dialogue, struct secret *pin)
{
        struct page page;
        struct entry entry = { .pin = pin };
        texts_pin(dialogue->question, &page);
        for (int i = 0; i < PIN_ENTRIES; i++) {
                int outcome = show(dialogue, &page);
                if (outcome == 0 && i > 0)
                        outcome = outcome_of_error(
                                say(dialogue, "SETERROR", texts_bad_pin(dialogue->question)));
                if (outcome == 0)
                        outcome = get_entry(dialogue, &entry);
                if (outcome != 0)
                        return outcome;
                if (!entry.overlong && pin->len >= question_pin_min(dialogue->question) &&
                        answer_pin_valid(pin->data, pin->len))
                        return 0;
        }
        return OUTCOME_REFUSED;
}

/* ---- the order ---------------------------------------------------------------------------- */

static bool always(const struct question *question)
{
        (void)question;
        return true;
}

static bool unproven(const struct question *question)
{
        return question->tell_unproven;
}

static bool last_try(const struct question *question)
{
        return question->tries_left == 1;
}

static bool by_keys(const struct question *question)
{
        return question->pinpad;
}

static const struct {
        bool (*needed)(const struct question *question);
        void (*compose)(const struct question *question, struct page *ret);
        int refused; /* the outcome of a "no" on this page */
} confirmations[] = {
        { unproven, texts_unproven, OUTCOME_REFUSED },
        { always, texts_consent, OUTCOME_REFUSED },
        { last_try, texts_last_try, OUTCOME_LAST_TRY_DECLINED },
        { by_keys, texts_keys, OUTCOME_REFUSED },
};

int dialogue_ask(struct dialogue *dialogue, struct secret *pin)
{
        if (dialogue->question->choice)
                return choose(dialogue);
        if (dialogue->question->search)
                return confirm(dialogue, texts_search);
        for (size_t i = 0; i < ARRAY_LEN(confirmations); i++) {
                if (!confirmations[i].needed(dialogue->question))
                        continue;
                int outcome = confirm(dialogue, confirmations[i].compose);
                if (outcome != 0)
                        return outcome == OUTCOME_REFUSED ? confirmations[i].refused : outcome;
        }
        int outcome = dialogue->question->pinpad ? 0 : ask_pin(dialogue, pin);
        if (outcome != 0)
                secret_wipe(pin);
        return outcome;
}
