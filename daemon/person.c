/* SPDX-License-Identifier: Apache-2.0 */
/* person.c: see person.h. The daemon's half of a prompt: it says the facts, waits, and believes
 * nothing but a well-formed answer of a process that has ended. Which words are shown, and what
 * pinentry did, it does not know.
 *
 * The answer is received in a locked buffer of its own and the digits are moved from there into the
 * caller's, so that the caller's secret holds a PIN or nothing.
 */
#include "daemon/person.h"

#include "base/outcome.h"
#include "base/text.h"
#include "daemon/child.h"
#include "daemon/peer.h"
#include "daemon/programs.h"
#include "daemon/prompt/question.h"
#include "daemon/screen.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#define ENV_MAX   16
#define ENV_CHARS 512

#define SAME(theirs, ours) ((int)(theirs) == (int)(ours))
_Static_assert(SAME(SHARE_CARD_GENERATION, CLAIM_CARD_GENERATION) &&
                       SAME(SHARE_CARD_EXPIRY, CLAIM_CARD_EXPIRY) &&
                       SAME(SHARE_READER, CLAIM_READER) && SAME(SHARE_STATION, CLAIM_STATION) &&
                       SAME(SHARE_ALL, CLAIMS_ALL),
        "the prompt calls claims by the same bits");

struct person {
        struct screen_question *on_screen; /* then none of the following */
        struct child *child;
        struct secret *frame;
        struct secret *pin; /* borrowed; NULL: no digits are wanted */
        person_done done;
        void *user;
        struct question question;
        struct person_answer answer; /* OUTCOME_INTERNAL until there is one */
        bool answered;
};

struct environment {
        char text[ENV_MAX][ENV_CHARS];
        const char *pointers[ENV_MAX + 1];
        size_t count;
};

/* ---- what the child is given --------------------------------------------------------------- */

static void env_add(struct environment *env, const char *name, const char *value)
{
        if (!value || !*value || env->count >= ENV_MAX)
                return;
        int len = snprintf(env->text[env->count], ENV_CHARS, "%s=%s", name, value);
        if (len < 0 || len >= ENV_CHARS)
                return;
        env->pointers[env->count] = env->text[env->count];
        env->count++;
}

static const char *language_of(const struct person_ui *ui)
{
        static const char *const names[] = { "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG" };
        const char *value = ui->language && *ui->language ? ui->language : NULL;
        for (size_t i = 0; !value && i < ARRAY_LEN(names); i++)
                value = getenv(names[i]) && *getenv(names[i]) ? getenv(names[i]) : NULL;
        return value && strncmp(value, "fa", 2) == 0 ? "fa" : "en";
}

static void env_fill(struct environment *env, const struct person_ui *ui)
{
        static const char *const inherited[] = { "PATH", "HOME", "XDG_RUNTIME_DIR",
                "DBUS_SESSION_BUS_ADDRESS" };
        for (size_t i = 0; i < ARRAY_LEN(inherited); i++)
                env_add(env, inherited[i], getenv(inherited[i]));
        env_add(env, "LC_ALL", "C.UTF-8");
        env_add(env, "LANGUAGE", language_of(ui));
        env_add(env, "TERM", ui->term);
        env_add(env, "DISPLAY", ui->display);
        env_add(env, "WAYLAND_DISPLAY", ui->wayland_display);
        env_add(env, "XAUTHORITY", ui->xauthority);
}

static int steer(struct question *to, const struct person_question *from)
{
        const struct {
                char *dst;
                size_t cap;
                const char *src;
        } rows[] = {
                { to->tty, sizeof to->tty, from->ui.tty },
                { to->term, sizeof to->term, from->ui.term },
                { to->display, sizeof to->display, from->ui.display },
                { to->language, sizeof to->language, language_of(&from->ui) },
                { to->pinentry, sizeof to->pinentry, from->pinentry },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (text_copy(rows[i].dst, rows[i].cap, rows[i].src) < 0)
                        return OUTCOME_NOBODY_TO_ASK;
        return 0;
}

static bool nothing_to_ask_on(const struct person_ui *ui)
{
        const char *const ways[] = { ui->tty, ui->display, ui->wayland_display };
        for (size_t i = 0; i < ARRAY_LEN(ways); i++)
                if (ways[i] && *ways[i])
                        return false;
        return true;
}

/* ---- what comes back ----------------------------------------------------------------------- */

static void on_frame(void *user, const uint8_t *data, size_t len)
{
        struct person *person = user;
        struct answer answer = { .outcome = OUTCOME_INTERNAL };
        bool good = !person->answered &&
                    answer_decode(data, len, &person->question, &answer) == 0 &&
                    (answer.pin.len == 0 || answer.pin.len <= person->pin->cap);
        if (person->pin)
                secret_wipe(person->pin);
        person->answer =
                good ? (struct person_answer){ answer.outcome, answer.released, answer.remember }
                     : (struct person_answer){ .outcome = OUTCOME_INTERNAL };
        person->answered = true;
        if (good && answer.pin.len > 0) {
                memcpy(person->pin->data, answer.pin.data, answer.pin.len);
                person->pin->len = answer.pin.len;
        }
        secret_wipe(person->frame);
}

static void on_exited(void *user, int status)
{
        struct person *person = user;
        bool alarmed = status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
        if (!person->answered && alarmed)
                person->answer.outcome = OUTCOME_TIMED_OUT;
        const struct person_answer answer = person->answer;
        person->done(person->user, &answer);
}

/* ---- starting ------------------------------------------------------------------------------ */

static int spawn(struct person *person, sd_event *event, const struct config *config,
        const struct person_question *question)
{
        static const struct child_callbacks callbacks = { .frame = on_frame, .exited = on_exited };
        char program[ENV_CHARS];
        const char *const argv[] = { program, NULL };
        _cleanup_free_ struct environment *env = calloc(1, sizeof *env);
        int r = env ? programs_path(config, "mohr-prompt", program, sizeof program) : -ENOMEM;
        if (r < 0)
                return r;
        env_fill(env, &question->ui);
        r = child_spawn(
                &person->child, event, argv, env->pointers, ANSWER_FRAME_MAX, &callbacks, person);
        return r < 0 ? r : child_use_secret(person->child, person->frame);
}

static int send_question(struct person *person)
{
        uint8_t frame[QUESTION_FRAME_MAX];
        size_t len = 0;
        int r = question_encode(&person->question, frame, sizeof frame, &len);
        return r < 0 ? r : child_send(person->child, frame, len);
}

static int start(struct person *person, sd_event *event, const struct config *config,
        const struct person_question *asked)
{
        struct question *question = &person->question;
        int r = person_state(asked, person->pin != NULL, question);
        if (r == 0)
                r = steer(question, asked);
        if (r == 0)
                r = secret_new(&person->frame, ANSWER_FRAME_MAX);
        if (r == 0)
                r = spawn(person, event, config, asked);
        return r == 0 ? send_question(person) : r;
}

static int ask_on_screen(struct person **ret, const struct person_question *question,
        struct secret *pin, person_done done, void *user)
{
        struct person *person = calloc(1, sizeof *person);
        if (!person)
                return -ENOMEM;
        int r = screen_ask(&person->on_screen, question->screen, question, pin, done, user);
        if (r == 0)
                *ret = person;
        else
                person_free(person);
        return r;
}

int person_ask(struct person **ret, sd_event *event, const struct config *config,
        const struct person_question *question, struct secret *pin, person_done done, void *user)
{
        if (screen_is_there(question->screen))
                return ask_on_screen(ret, question, pin, done, user);
        if (nothing_to_ask_on(&question->ui))
                return OUTCOME_NOBODY_TO_ASK;
        struct person *person = calloc(1, sizeof *person);
        if (!person)
                return -ENOMEM;
        *person = (struct person){
                .pin = pin, .done = done, .user = user, .answer = { .outcome = OUTCOME_INTERNAL }
        };
        int r = start(person, event, config, question);
        if (r != 0) {
                person_free(person);
                return r;
        }
        *ret = person;
        return 0;
}

struct person *person_free(struct person *person)
{
        if (!person)
                return NULL;
        screen_take_down(person->on_screen);
        child_free(person->child);
        secret_free(person->frame);
        free(person);
        return NULL;
}
