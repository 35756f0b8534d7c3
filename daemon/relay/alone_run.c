/* SPDX-License-Identifier: Apache-2.0 */
/* alone_run.c: mohrd's own request, once, in the process of who asks for it: the same table of states, the same gate, prompt, rules
 * and history, and the same order of what is started and ended (daemon/main.c). There is no socket, and nobody else to serve.
 *
 * Who asks is this very program, as far as anybody can tell: whoever opened a link or a file. For whom is proven by a signed
 * request alone, and the prompt says which it is.
 *
 * Ctrl-C, SIGTERM and the end of the terminal are heard by the loop and end it: the readers are let go, the request is cancelled
 * as by a client that hung up, and what was noted is written. A try that is under way is not cut off by Ctrl-Z (main.c).
 */
#include "daemon/relay/alone.h"

#include "daemon/assert_params.h"
#include "daemon/history.h"
#include "daemon/known.h"
#include "daemon/programs.h"
#include "daemon/relying.h"

#include <time.h>

struct alone {
        struct cli *cli;
        struct log log;
        struct config *config;
        struct request_context context;
        struct request *request;
        struct alone_result *result;
        int outcome;
};

/* ---- what the request says ---------------------------------------------------------------------- */

static void on_phase(void *user, const char *id, const char *phase)
{
        struct alone *alone = user;
        snprintf(alone->result->id, sizeof alone->result->id, "%s", id);
        if (isatty(STDERR_FILENO))
                cli_show_phase(NULL, phase);
}

/* The names of the readers, as --reader takes them. */
static void list_readers(const struct alone *alone, char *dst, size_t cap)
{
        struct reader_info readers[16];
        size_t count = readers_list(alone->context.readers, readers, ARRAY_LEN(readers)), used = 0;
        for (size_t i = 0; i < count && used < cap; i++)
                used += (size_t)snprintf(
                        dst + used, cap - used, "%s%s", i > 0 ? ", " : "", readers[i].name);
}

static void on_done(void *user, const char *id, int outcome, const char *assertion, int tries_left,
        const char *detail)
{
        struct alone *alone = user;
        struct alone_result *result = alone->result;
        snprintf(result->id, sizeof result->id, "%s", id);
        snprintf(result->detail, sizeof result->detail, "%s", detail ? detail : "");
        result->tries_left = outcome == OUTCOME_WRONG_PIN ? tries_left : -1;
        result->assertion = outcome == 0 ? strdup(assertion) : NULL;
        if (detail && (strcmp(detail, DETAIL_SEVERAL_CARDS) == 0 ||
                              strcmp(detail, DETAIL_NO_SUCH_NAME) == 0))
                list_readers(alone, result->readers, sizeof result->readers);
        alone->outcome = outcome == 0 && !result->assertion ? -ENOMEM : outcome;
        alone->request = NULL;
        (void)sd_event_exit(alone->context.event, 0);
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
        struct alone *alone = user;
        alone->result->stopped = (int)info->ssi_signo;
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* ---- start and end ------------------------------------------------------------------------------ */

static int open_parts(struct alone *alone, char *error, size_t error_cap)
{
        struct request_context *context = &alone->context;
        struct config *config = alone->config;
        context->config = config;
        context->log = &alone->log;
        int r = programs_new(&config->programs, config->libexecdir);
        if (r == 0)
                r = known_new(&context->known, config, &alone->log);
        if (r == 0)
                r = relying_new(&context->relying, config, error, error_cap);
        if (r == 0)
                r = history_new(&context->history, context->event, config, &alone->log);
        if (r == 0)
                r = readers_new(&context->readers, context->event, config, &alone->log);
        return r;
}

static void close_all(struct alone *alone)
{
        struct request_context *context = &alone->context;
        readers_end(context->readers);
        alone->request = request_cancel(alone->request);
        history_free(context->history);
        relying_free(context->relying);
        readers_free(context->readers);
        known_free(context->known);
        sd_event_unref(context->event);
        config_free(alone->config);
}

/* A signed request says only inside its signature for whom it is. One that is no good is refused where all are. */
static bool reply_is_elsewhere(const struct alone *alone, const char *jws, const char *reply)
{
        struct relying_request asked = { 0 };
        const char *detail;
        int r = relying_check(alone->context.relying, jws, time(NULL), &asked, &detail);
        bool elsewhere = r == 0 && !alone_may_reply(asked.audience, reply);
        relying_request_clear(&asked);
        return elsewhere;
}

static int begin(
        struct alone *alone, const struct alone_setting *setting, const struct alone_request *asked)
{
        static const struct request_callbacks callbacks = { on_phase, on_done };
        struct request_params params = { 0 };
        struct mohr_ui ui = { 0 };
        char tty[64];
        if (assert_params_read(asked->parameters, &params))
                return -EINVAL;
        if (params.signed_request && asked->reply[0] &&
                reply_is_elsewhere(alone, params.signed_request, asked->reply)) {
                snprintf(
                        alone->result->detail, sizeof alone->result->detail, "%s", ALONE_ELSEWHERE);
                return OUTCOME_POLICY;
        }
        cli_describe_ui(alone->cli, &ui, tty, sizeof tty);
        params.ui = (struct person_ui){ ui.tty, ui.term, ui.display, ui.wayland_display,
                ui.xauthority, ui.language };
        params.reader = setting->reader;
        params.timeout_ms = setting->timeout_s * 1000;
        peer_of_process(getpid(), geteuid(), &params.peer);
        int r = request_start(&alone->request, &alone->context, &params, &callbacks, alone);
        return r == 0 ? sd_event_loop(alone->context.event) : r;
}

int alone_run(struct cli *cli, const struct alone_setting *setting,
        const struct alone_request *request, struct alone_result *ret, bool *said)
{
        char error[1024] = "";
        struct alone alone = {
                .cli = cli,
                .result = ret,
                .log = { .program = "mohr-relay",
                        .fd = STDERR_FILENO,
                        .plain = !relay_is_journal(STDERR_FILENO) },
        };
        ret->tries_left = -1;
        int r = config_load(
                &alone.config, setting->config.argc, setting->config.argv, error, sizeof error);
        if (r == 0) {
                alone.log.max = relay_log_level(&alone.log, alone.config);
                r = relay_open_loop(&alone.context.event, on_stop, &alone);
        }
        if (r == 0)
                r = open_parts(&alone, error, sizeof error);
        if (r == 0)
                r = begin(&alone, setting, request);
        close_all(&alone);
        *said = error[0];
        if (error[0])
                return cli_usage(cli, "%s", error);
        return r != 0 ? r : alone.outcome;
}
