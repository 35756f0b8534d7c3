/* SPDX-License-Identifier: Apache-2.0 */
/* dialogue.c: see dialogue.h. Assuan as in the manuals of libassuan and pinentry. Options a pinentry
 * does not know are no failure; a page it does not take is.
 */
#include "daemon/prompt/dialogue.h"

#include "base/text.h"
#include "daemon/prompt/guard.h"
#include "daemon/prompt/rows.h"
#include "daemon/prompt/vault.h"

#include <assuan.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

struct dialogue {
        assuan_context_t assuan;
        const struct question *question; /* borrowed */
        const struct flavour *flavour;
        time_t deadline; /* CLOCK_MONOTONIC seconds */
        int guard;
        bool letter_by_letter; /* a terminal without directions, which would draw what isolates them */
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
        if (dialogue->letter_by_letter)
                parts_drop_isolates(line);
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

struct name {
        char text[32];
        size_t len;
};

static gpg_error_t take_name(void *opaque, const void *data, size_t len)
{
        struct name *name = opaque;
        size_t taken = base_min(len, sizeof name->text - 1 - name->len);
        memcpy(name->text + name->len, data, taken);
        name->len += taken;
        return 0;
}

static const struct flavour *ask_flavour(struct dialogue *dialogue)
{
        struct name name = { 0 };
        (void)assuan_transact(
                dialogue->assuan, "GETINFO flavor", take_name, &name, NULL, NULL, NULL, NULL);
        return flavour_of(name.text);
}

/* pinentry-tty says "cancelled" when it has no terminal, which would read as a person's no. */
static int find_terminal(struct dialogue *dialogue)
{
        const char *tty = dialogue->question->tty;
        if (!dialogue->flavour->terminal)
                return 0;
        _cleanup_close_ int fd = *tty ? open(tty, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;
        return fd >= 0 && isatty(fd) ? 0 : OUTCOME_NOBODY_TO_ASK;
}

int dialogue_new(struct dialogue **ret, const char *program, const struct question *question)
{
        _cleanup_dialogue_ struct dialogue *dialogue = calloc(1, sizeof *dialogue);
        const char *argv[] = { program, NULL };
        assuan_fd_t no_files[] = { ASSUAN_INVALID_FD };
        struct assuan_malloc_hooks memory = { vault_malloc, vault_realloc, vault_free };
        pid_t self = getpid();
        if (!dialogue)
                return -ENOMEM;
        dialogue->guard = -1;
        dialogue->question = question;
        dialogue->deadline = now() + question->timeout_s;
        if (assuan_new_ext(&dialogue->assuan, GPG_ERR_SOURCE_USER_1, &memory, NULL, NULL))
                return -ENOMEM;
        if (assuan_pipe_connect(dialogue->assuan, program, argv, no_files, before_exec, &self, 0))
                return OUTCOME_NOBODY_TO_ASK;
        dialogue->guard = guard_start(assuan_get_pid(dialogue->assuan), question->tty);
        if (dialogue->guard < 0)
                return dialogue->guard;
        set_options(dialogue);
        dialogue->flavour = ask_flavour(dialogue);
        dialogue->letter_by_letter =
                dialogue->flavour->terminal && !flavour_terminal_shapes(question->term);
        int r = find_terminal(dialogue);
        if (r != 0)
                return r;
        *ret = dialogue;
        dialogue = NULL;
        return 0;
}

const struct flavour *dialogue_flavour(const struct dialogue *dialogue)
{
        return dialogue->flavour;
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

/* The terminal was there when the first page came: without one now, somebody closed it, and pinentry broke off. */
static int outcome_of_answer(struct dialogue *dialogue, gpg_error_t error)
{
        int outcome = outcome_of_error(error);
        bool closed = outcome == OUTCOME_NOBODY_TO_ASK && find_terminal(dialogue) != 0;
        return closed ? OUTCOME_REFUSED : outcome;
}

/* As broad as a page of ours is elsewhere. One so full that the breaks find no room has fewer of them. */
static gpg_error_t say_in_rows(struct dialogue *dialogue, const char *text)
{
        char rows[PARTS_LINE_MAX];
        gpg_error_t error = gpg_error(GPG_ERR_TOO_LARGE);
        for (size_t columns = 72; columns < 2 * PARTS_LINE_MAX; columns += columns / 2) {
                rows_break(rows, text, columns);
                error = say(dialogue, "SETDESC", rows);
                if (gpg_err_code(error) != GPG_ERR_TOO_LARGE)
                        break;
        }
        return error;
}

static gpg_error_t describe(struct dialogue *dialogue, const struct page *page)
{
        return dialogue->flavour->breaks_no_rows && page->prompt
                       ? say_in_rows(dialogue, page->desc)
                       : say(dialogue, "SETDESC", page->desc);
}

/* RESET first, which keeps the options: no button of an earlier page is left on this one. */
static int show(struct dialogue *dialogue, const struct page *page)
{
        char seconds[24];
        const struct {
                const char *command, *text;
        } lines[] = { { "SETTIMEOUT", seconds }, { "SETTITLE", page->title }, { "SETOK", page->ok },
                { "SETCANCEL", page->cancel }, { "SETPROMPT", page->prompt },
                { "SETNOTOK", page->notok } };

        long left = (long)(dialogue->deadline - now());
        if (left <= 0)
                return OUTCOME_TIMED_OUT;
        if (!page->desc[0]) /* it did not fit, and nobody can agree to nothing */
                return OUTCOME_INTERNAL;
        snprintf(seconds, sizeof seconds, "%ld", left);
        (void)assuan_transact(dialogue->assuan, "RESET", NULL, NULL, NULL, NULL, NULL, NULL);
        for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
                int outcome =
                        lines[i].text
                                ? outcome_of_error(say(dialogue, lines[i].command, lines[i].text))
                                : 0;
                if (outcome != 0)
                        return outcome;
        }
        return outcome_of_error(describe(dialogue, page));
}

/* Some call a closed window "not confirmed", which would be an answer. */
static gpg_error_t take_status(void *opaque, const char *line)
{
        bool *closed = opaque;
        *closed = *closed || strcmp(line, "BUTTON_INFO close") == 0;
        return 0;
}

int dialogue_confirm(struct dialogue *dialogue, const struct page *page, bool *ret_third)
{
        bool closed = false;
        int outcome = show(dialogue, page);
        if (outcome != 0)
                return outcome;
        gpg_error_t error = assuan_transact(
                dialogue->assuan, "CONFIRM", NULL, NULL, NULL, NULL, take_status, &closed);
        bool third = page->notok && !closed && gpg_err_code(error) == GPG_ERR_NOT_CONFIRMED;
        outcome = third ? 0 : outcome_of_answer(dialogue, error);
        if (outcome == 0)
                *ret_third = third;
        return outcome;
}

/* ---- what is typed ------------------------------------------------------------------------ */

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
        assuan_begin_confidential(dialogue->assuan);
        gpg_error_t error = assuan_transact(
                dialogue->assuan, "GETPIN", take_digits, entry, NULL, NULL, NULL, NULL);
        assuan_end_confidential(dialogue->assuan);
        if (error)
                return outcome_of_answer(dialogue, error);
        entry->pin->len = text_fold_digits((char *)entry->pin->data, entry->pin->len);
        return 0;
}

int dialogue_type(struct dialogue *dialogue, const struct page *page, const char *error,
        struct secret *ret, bool *ret_overlong)
{
        struct entry entry = { .pin = ret };
        int outcome = show(dialogue, page);
        if (outcome == 0 && error)
                outcome = outcome_of_error(say(dialogue, "SETERROR", error));
        if (outcome == 0)
                outcome = get_entry(dialogue, &entry);
        if (outcome == 0)
                *ret_overlong = entry.overlong;
        return outcome;
}
