/* SPDX-License-Identifier: Apache-2.0 */
/* methods.c: mohr.Identity: Status and Watch from the supervisor, Assert from request.h.
 *
 * Status and Watch tell readers and states, never whose card it is: no serial number, no certificate,
 * not even an ATR. Assert checks shapes here, so that the request begins with facts; what a field means
 * is the request's and the assertion's business. A running call is one `struct job`; the client's
 * hang-up is the one way to cancel it. The log gets a line when a request starts and one when it ends:
 * its id, the caller's program by name, the outcome; not the audience, not the purpose, and nothing that
 * came from a card.
 */
#include "daemon/methods.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/fields.h"
#include "daemon/examine.h"
#include "daemon/interfaces.h"
#include "daemon/params.h"
#include "daemon/ui.h"
#include "daemon/varlink.h"
#include "drivers/ops.h"

#include <stdio.h>

#define INTERFACE       "mohr.Identity"
#define TIMEOUT_MAX     600000 /* ms */
#define BACKENDS_MAX    CONFIG_DRIVERS_MAX
#define READER_NAME_MAX 127 /* bytes, struct driver_reader */

struct job { /* an Assert, an Examine, or a Watch that goes on */
        struct methods *methods;
        struct call *call;
        struct request *request;     /* of an Assert */
        char id[33];                 /* the request's, once it was told */
        struct examine *examine;     /* of an Examine */
        struct readers_watch *watch; /* of a Watch */
        struct job *next;
};

struct methods {
        struct request_context *context;
        struct job *watches;
        bool draining;
};

/* --- Status and Watch --- */

static json_t *text_json(const char *text)
{
        char clean[4 * 128 + 4];
        text_sanitize(clean, sizeof clean, text, 128);
        return json_string(clean);
}

static json_t *readers_json(const struct readers *readers)
{
        struct reader_info info[DRIVER_READERS_MAX * BACKENDS_MAX];
        size_t count = readers_list(readers, info, ARRAY_LEN(info));
        _cleanup_message_ json_t *list = json_array();
        for (size_t i = 0; i < count; i++)
                if (json_array_append_new(list,
                            json_pack("{s:o, s:s, s:s, s:s*, s:b}", "name", text_json(info[i].name),
                                    "driver", info[i].driver, "state", info[i].state, "why",
                                    info[i].why, "simulated", info[i].simulated)) < 0)
                        return NULL; /* rather than a reader less */
        return json_incref(list);
}

static json_t *backends_json(const struct readers *readers)
{
        struct backend_info info[BACKENDS_MAX];
        size_t count = readers_backends(readers, info, ARRAY_LEN(info));
        _cleanup_message_ json_t *list = json_array();
        for (size_t i = 0; i < count; i++)
                if (json_array_append_new(list, json_pack("{s:s, s:s}", "driver", info[i].driver,
                                                        "state", info[i].state)) < 0)
                        return NULL;
        return json_incref(list);
}

static json_t *picture(const struct methods *m)
{
        const struct readers *readers = m->context->readers;
        return json_pack(
                "{s:o, s:o}", "readers", readers_json(readers), "backends", backends_json(readers));
}

static void method_status(void *user, struct call *call, json_t *parameters)
{
        static const struct param none[] = { { 0 } };
        struct methods *m = user;
        if (!params_accept(call, parameters, none))
                return;
        json_t *reply = picture(m);
        if (json_object_set_new(reply, "version", json_string(MOHR_VERSION)) < 0) {
                json_decref(reply);
                reply = NULL;
        }
        call_reply(call, reply);
}

static void watch_free(struct job *job)
{
        struct job **link = &job->methods->watches;
        while (*link && *link != job)
                link = &(*link)->next;
        if (*link)
                *link = job->next;
        readers_watch_free(job->watch);
        free(job);
}

static void watch_changed(void *user)
{
        struct job *job = user;
        call_reply_more(job->call, picture(job->methods));
}

static void watch_hangup(void *user)
{
        watch_free(user);
}

static int watch_begin(struct methods *m, struct call *call)
{
        struct job *job = calloc(1, sizeof *job);
        if (!job)
                return -ENOMEM;
        *job = (struct job){ .methods = m, .call = call };
        int r = readers_subscribe(m->context->readers, &job->watch, watch_changed, job);
        if (r < 0) {
                free(job);
                return r;
        }
        job->next = m->watches;
        m->watches = job;
        call_on_hangup(call, watch_hangup, job);
        return 0;
}

static void method_watch(void *user, struct call *call, json_t *parameters)
{
        static const struct param none[] = { { 0 } };
        struct methods *m = user;
        if (!params_accept(call, parameters, none))
                return;
        if (!call_wants_more(call) || m->draining)
                call_reply(call, picture(m));
        else if (watch_begin(m, call) < 0)
                call_error(call, INTERFACE ".Internal", NULL);
        else
                call_reply_more(call, picture(m));
}

/* --- Assert --- */

static bool is_text(const char *text)
{
        return field_is_text(text, FIELD_PURPOSE_MAX);
}

#define STATION_TEXT .min = 1, .max = FIELD_STATION_MAX, .valid = is_text

static const struct param station_params[] = {
        { .name = "operator", STATION_TEXT },
        { .name = "branch", STATION_TEXT },
        { .name = "device", STATION_TEXT },
        { .name = "case_number", STATION_TEXT },
        { .name = "photo_checked", .type = PARAM_BOOL },
        { 0 },
};

static const struct param assert_params[] = {
        { .name = "audience",
                .required = true,
                .min = 1,
                .max = FIELD_AUDIENCE_MAX,
                .valid = field_is_uri },
        { .name = "nonce",
                .required = true,
                .min = FIELD_NONCE_MIN,
                .max = FIELD_NONCE_MAX,
                .valid = field_is_nonce },
        { .name = "purpose", .min = 1, .max = FIELD_PURPOSE_MAX, .valid = is_text },
        { .name = "reader", .min = 1, .max = READER_NAME_MAX, .valid = is_text },
        { .name = "timeout_ms", .type = PARAM_INT, .min = 1, .max = TIMEOUT_MAX },
        { .name = "expect_national_number", .min = 10, .max = 10, .valid = param_digits },
        { .name = "station", .type = PARAM_OBJECT, .fields = station_params },
        { .name = "ui", .type = PARAM_OBJECT, .fields = ui_params },
        { 0 },
};

static const char *string_of(json_t *parameters, const char *name)
{
        return json_string_value(json_object_get(parameters, name));
}

/* A member that is null counts as absent, here as everywhere. */
static json_t *object_of(json_t *parameters, const char *name)
{
        json_t *object = json_object_get(parameters, name), *value;
        const char *key;
        void *next;
        if (!json_is_object(object))
                return NULL;
        json_object_foreach_safe(object, next, key, value)
        {
                if (json_is_null(value))
                        json_object_del(object, key);
        }
        return object;
}

/* The request has its id from its first word on. */
static void learn_id(struct job *job, const char *id)
{
        const struct peer *peer = call_peer(job->call);
        const char *slash = strrchr(peer->executable, '/');
        char pid[16];
        if (job->id[0])
                return;
        snprintf(job->id, sizeof job->id, "%s", id);
        snprintf(pid, sizeof pid, "%d", (int)peer->pid);
        log_kv(job->methods->context->log, LOG_LEVEL_INFO, id, "request started", "app",
                slash ? slash + 1 : "", "pid", pid, NULL);
}

static void assert_phase(void *user, const char *id, const char *phase)
{
        struct job *job = user;
        learn_id(job, id);
        call_reply_more(job->call, json_pack("{s:s, s:s}", "request", id, "phase", phase));
}

static json_t *error_details(const char *id, int tries_left, const char *detail)
{
        json_t *details = json_object();
        if (id)
                json_object_set_new(details, "request", json_string(id));
        if (detail)
                json_object_set_new(details, "detail", json_string(detail));
        if (tries_left >= 0)
                json_object_set_new(details, "tries_left", json_integer(tries_left));
        return details;
}

/* Only what the interface declares may go out; the client's own outcomes are none of ours. */
static const char *error_of(int outcome, char *dst, size_t cap)
{
        bool ours = outcome != OUTCOME_UNREACHABLE && outcome != OUTCOME_INVALID &&
                    outcome != OUTCOME_CERTIFICATE_EXPIRED;
        snprintf(dst, cap, INTERFACE ".%s", outcome_name(ours ? outcome : OUTCOME_INTERNAL));
        return dst;
}

static void assert_done(void *user, const char *id, int outcome, const char *assertion,
        int tries_left, const char *detail)
{
        struct job *job = user;
        char error[64];
        learn_id(job, id);
        log_kv(job->methods->context->log, LOG_LEVEL_INFO, id, "request ended", "outcome",
                outcome == 0 ? "Ok" : outcome_name(outcome), "detail", detail ? detail : "", NULL);
        if (outcome == 0)
                call_reply(
                        job->call, json_pack("{s:s, s:s}", "request", id, "assertion", assertion));
        else
                call_error(job->call, error_of(outcome, error, sizeof error),
                        error_details(id, outcome == OUTCOME_WRONG_PIN ? tries_left : -1, detail));
        free(job);
}

static void assert_hangup(void *user)
{
        struct job *job = user;
        request_cancel(job->request);
        free(job);
}

static void assert_begin(struct methods *m, struct call *call, const struct request_params *params)
{
        static const struct request_callbacks callbacks = { assert_phase, assert_done };
        struct job *job = calloc(1, sizeof *job);
        int r = job ? 0 : -ENOMEM;
        if (job) {
                *job = (struct job){ .methods = m, .call = call };
                call_on_hangup(call, assert_hangup, job);
                r = request_start(&job->request, m->context, params, &callbacks, job);
        }
        if (r == 0)
                return;
        char error[64];
        free(job);
        call_error(call, error_of(outcome_of(r), error, sizeof error), NULL);
}

static void invalid(struct call *call, const char *name)
{
        call_error(call, "org.varlink.service.InvalidParameter",
                json_pack("{s:s}", "parameter", name));
}

static void method_assert(void *user, struct call *call, json_t *parameters)
{
        struct methods *m = user;
        struct request_params params = { .peer = *call_peer(call) };
        if (!params_accept(call, parameters, assert_params))
                return;
        params.audience = string_of(parameters, "audience");
        params.nonce = string_of(parameters, "nonce");
        params.purpose = string_of(parameters, "purpose");
        params.reader = string_of(parameters, "reader");
        params.expect_national_number = string_of(parameters, "expect_national_number");
        params.timeout_ms =
                (unsigned int)json_integer_value(json_object_get(parameters, "timeout_ms"));
        params.station = object_of(parameters, "station");
        if (!ui_read(&params.ui, object_of(parameters, "ui"), params.peer.uid))
                invalid(call, "ui.tty");
        else
                assert_begin(m, call, &params);
}

/* --- Examine --- */

static const struct param examine_params[] = {
        { .name = "reader", .min = 1, .max = READER_NAME_MAX, .valid = is_text },
        { .name = "transcript", .type = PARAM_BOOL },
        { 0 },
};

static json_t *examined(const struct findings *findings, const char *body)
{
        _cleanup_message_ json_t *reply = json_pack("{s:o}", "card", examine_json(findings));
        _cleanup_free_ char *text = body ? examine_transcript(findings, body) : NULL;
        if (!reply || (body && (!text || json_object_set_new(
                                                 reply, "transcript", json_string(text)) < 0)))
                return NULL;
        return json_incref(reply);
}

/* The error, and what was written down until then. */
static json_t *cut_short(const struct findings *findings, const char *body, const char *detail)
{
        json_t *details = error_details(NULL, -1, detail);
        _cleanup_free_ char *text = body ? examine_transcript(findings, body) : NULL;
        if (text)
                json_object_set_new(details, "transcript", json_string(text));
        return details;
}

static void examine_ended(void *user, int outcome, const struct findings *findings,
        const char *transcript, const char *detail)
{
        struct job *job = user;
        char error[64];
        log_kv(job->methods->context->log, LOG_LEVEL_INFO, NULL, "card examined", "outcome",
                outcome == 0 ? findings->verdict : outcome_name(outcome), "detail",
                detail ? detail : "", NULL);
        if (outcome == 0)
                call_reply(job->call, examined(findings, transcript));
        else
                call_error(job->call, error_of(outcome, error, sizeof error),
                        cut_short(findings, transcript, detail));
        free(job);
}

static void examine_hangup(void *user)
{
        struct job *job = user;
        examine_cancel(job->examine);
        free(job);
}

static void method_examine(void *user, struct call *call, json_t *parameters)
{
        struct methods *m = user;
        char error[64];
        if (!params_accept(call, parameters, examine_params))
                return;
        const struct examine_params params = {
                .reader = string_of(parameters, "reader"),
                .transcript = json_is_true(json_object_get(parameters, "transcript")),
        };
        struct job *job = calloc(1, sizeof *job);
        int r = -ENOMEM;
        if (job) {
                *job = (struct job){ .methods = m, .call = call };
                call_on_hangup(call, examine_hangup, job);
                r = examine_start(&job->examine, m->context, &params, examine_ended, job);
        }
        if (r == 0)
                return;
        free(job);
        call_error(call, error_of(outcome_of(r), error, sizeof error), NULL);
}

/* --- the tables --- */

const struct server_method methods_table[] = {
        { INTERFACE ".Status", method_status },
        { INTERFACE ".Watch", method_watch },
        { INTERFACE ".Assert", method_assert },
        { INTERFACE ".Examine", method_examine },
        { 0 },
};

const struct server_interface methods_interfaces[] = {
        { INTERFACE, interface_mohr_identity },
        { 0 },
};

int methods_new(struct methods **ret, struct request_context *context)
{
        struct methods *m = calloc(1, sizeof *m);
        if (!m)
                return -ENOMEM;
        m->context = context;
        *ret = m;
        return 0;
}

struct methods *methods_free(struct methods *m)
{
        free(m);
        return NULL;
}

void methods_drain(struct methods *m)
{
        m->draining = true;
        while (m->watches) {
                struct job *job = m->watches;
                struct call *call = job->call;
                watch_free(job);
                call_reply(call, picture(m));
        }
}
