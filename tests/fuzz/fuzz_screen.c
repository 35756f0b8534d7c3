/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_screen.c: whatever a screen may answer. First byte: the question; second: how many bytes of the pipe
 * follow; the rest is the text of Answer's parameters, in which 32 times '#' stand for the ticket. These hold: a
 * question ends once or stays open; a yes releases what is required, and nothing that was not asked for; the last
 * try is used only if that was said; the secret holds a PIN after a yes to a signature, and nothing otherwise. The
 * socket is left out: fuzz_varlink.c has it.
 */
#include "daemon/peer.h"
#include "daemon/prompt/question.h"
#include "daemon/screen_internal.h"
#include "daemon/varlink.h"
#include "tests/fuzz/require.h"

#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct call { /* what server.h promises, as far as a screen can see it */
        struct peer peer;
        bool more;
        int fd;
        unsigned int ended;
        const char *error;
        char ticket[SCREEN_TICKET_LEN + 1]; /* of the last question that it was told */
};

struct scene {
        sd_event *event;
        struct screen *screen;
        struct screen_question *question;
        struct secret *pin;
        unsigned int dones;
        struct person_answer answer;
};

const char *screen_refusal(const struct config *config, const struct peer *peer)
{
        require(config && peer);
        return NULL;
}

const struct peer *call_peer(const struct call *call)
{
        return &call->peer;
}

bool call_wants_more(const struct call *call)
{
        return call->more;
}

void call_on_hangup(struct call *call, void (*hangup)(void *user), void *user)
{
        (void)call, (void)hangup, (void)user;
}

void call_reply_more(struct call *call, json_t *parameters)
{
        const char *ticket = json_string_value(json_object_get(parameters, "ticket"));
        require(parameters && !call->ended);
        if (ticket)
                memcpy(call->ticket, ticket, sizeof call->ticket);
        json_decref(parameters);
}

void call_reply(struct call *call, json_t *parameters)
{
        require(parameters && call->ended++ == 0);
        json_decref(parameters);
}

void call_error(struct call *call, const char *error, json_t *parameters)
{
        require(call->ended++ == 0);
        call->error = error;
        json_decref(parameters);
}

size_t call_fds(const struct call *call)
{
        return call->fd >= 0;
}

int call_take_fd(struct call *call)
{
        return base_take_fd(&call->fd);
}

static void done(void *user, const struct person_answer *answer)
{
        struct scene *scene = user;
        scene->dones++;
        scene->answer = *answer;
        scene->question = screen_take_down(scene->question);
}

static bool takes_pin(const struct person_question *question)
{
        return !question->choice && !question->search && question->work != PERSON_CERTIFICATES;
}

/* The three kinds besides an assertion stand where a choice with other bits would mean nothing new. */
static enum person_work work_of(uint8_t bits)
{
        static const enum person_work works[] = { PERSON_SIGN, PERSON_DOCUMENTS,
                PERSON_CERTIFICATES, PERSON_KEY };
        return (bits & 3) == 3 ? works[bits >> 3 & 3] : PERSON_SIGN;
}

static struct person_question question_of(uint8_t bits)
{
        static const struct question_document document = { .name = "a.pdf" };
        return (struct person_question){
                .work = work_of(bits),
                .documents = &document,
                .document_count = 1,
                .choice = (bits & 3) == 1,
                .search = (bits & 3) == 2,
                .tries_left = bits & 4 ? 1 : 3,
                .may_remember = bits & 8,
                .staff = bits & 16,
                .required = bits & 64 ? CLAIM_CARD_EXPIRY : CLAIMS_NONE,
                .optional = CLAIM_READER | CLAIM_STATION,
                .request = "r",
                .app = "",
                .audience = "https://o.example",
                .timeout_s = 3600,
        };
}

static int pipe_of(const uint8_t *bytes, size_t len)
{
        int ends[2];
        require(pipe2(ends, 0) == 0 && write(ends[1], bytes, len) == (ssize_t)len);
        close(ends[1]);
        return ends[0];
}

/* The parameters that the text is, or NULL. */
static json_t *parameters_of(const uint8_t *data, size_t len, const char *ticket)
{
        static const char mark[SCREEN_TICKET_LEN + 1] = "################################";
        char text[TEXT_MAX];
        len = base_min(len, sizeof text);
        memcpy(text, data, len);
        char *at = memmem(text, len, mark, SCREEN_TICKET_LEN);
        if (at)
                memcpy(at, ticket, SCREEN_TICKET_LEN);
        json_t *parameters = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
        if (json_is_object(parameters))
                return parameters;
        json_decref(parameters);
        return NULL;
}

static void check(const struct scene *scene, const struct person_question *question,
        const struct call *call, json_t *parameters, bool digits)
{
        const struct person_answer *answer = &scene->answer;
        bool yes = scene->dones == 1 && answer->outcome == 0;
        bool signs = yes && takes_pin(question);
        require(call->ended == 1 && scene->dones == (call->error ? 0 : 1));
        require((scene->question != NULL) == (scene->dones == 0));
        require(!answer->remember || question->may_remember);
        if (signs) {
                require((answer->released & question->required) == question->required);
                require(!(answer->released & ~(question->required | question->optional)));
                require(question->tries_left != 1 ||
                        json_is_true(json_object_get(parameters, "last_try")));
        }
        require(signs && digits ? scene->pin->len >= 4 && scene->pin->len <= 8
                                : scene->pin->len == 0);
        for (size_t i = 0; i < scene->pin->cap; i++)
                require(i < scene->pin->len
                                ? scene->pin->data[i] >= '0' && scene->pin->data[i] <= '9'
                                : scene->pin->data[i] == 0);
}

static void play(struct scene *scene, struct call *serve, const uint8_t *data, size_t len)
{
        const struct person_question question = question_of(data[0]);
        bool digits = takes_pin(&question) && !(data[0] & 32);
        size_t piped = base_min(data[1] & 15, len - 2);
        struct call answer = { .peer = { .pid = getpid() }, .fd = -1 };
        require(screen_ask(&scene->question, scene->screen, &question, digits ? scene->pin : NULL,
                        done, scene) == 0);
        json_t *parameters = parameters_of(data + 2 + piped, len - 2 - piped, serve->ticket);
        if (parameters) {
                answer.fd = data[1] & 128 ? pipe_of(data + 2, piped) : -1;
                screen_answer(scene->screen, &answer, parameters);
                while (sd_event_run(scene->event, 0) > 0)
                        ;
                check(scene, &question, &answer, parameters, digits);
                if (answer.fd >= 0)
                        close(answer.fd);
        }
        json_decref(parameters);
        scene->question = screen_take_down(scene->question);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static const struct config config = { 0 };
        static const struct log quiet = { .program = "fuzz", .max = 0, .fd = 2 };
        struct scene scene = { 0 };
        struct call serve = { .peer = { .pid = getpid() }, .more = true, .fd = -1 };
        if (len < 2)
                return 0;
        require(sd_event_new(&scene.event) >= 0 && secret_new(&scene.pin, 64) == 0);
        require(screen_new(&scene.screen, scene.event, &config, &quiet) == 0);
        json_t *nothing = json_object();
        screen_serve(scene.screen, &serve, nothing);
        play(&scene, &serve, data, len);
        screen_drain(scene.screen);
        require(serve.ended == 1 && !serve.error);
        json_decref(nothing);
        screen_free(scene.screen);
        secret_free(scene.pin);
        sd_event_unref(scene.event);
        return 0;
}
