/* SPDX-License-Identifier: Apache-2.0 */
/* methods_keys.c: mohr.Keys, from the socket to keys.h and back. Shapes are checked here. What a program was answered about a card
 * while it lies there is answered again without a question. The log gets a line when a request ends: its id, the method, the
 * outcome; nothing of a certificate, and nothing of what was signed.
 */
#include "daemon/methods_internal.h"

#include "base/outcome.h"
#include "client-sdk/base64.h"
#include "daemon/keys.h"
#include "daemon/ui.h"

#include <stdio.h>

#define INTERFACE       "mohr.Keys"
#define TIMEOUT_MAX     600000 /* ms */
#define TIMEOUT_DEFAULT 180000
#define DATA_MAX        ((RECOGNISE_DATA_MAX + 2) / 3 * 4)
#define SALT_MAX        222
#define READERS         (DRIVER_READERS_MAX * CONFIG_DRIVERS_MAX)
#define DETAIL_NO       "the holder refused this program while this card lies there"
#define DETAIL_STALE    "no card of this number lies there: list it again"

struct keys_job {
        struct methods *methods;
        struct call *call;
        json_t *parameters; /* the call's, as long as it is there */
        void (*start)(struct keys_job *job, const struct keys_call *asked);
        struct keys_turn *turn;
        struct keys_list *list;
        struct keys_sign *sign;
};

/* ---- answers ------------------------------------------------------------------------------- */

/* Its own errors, or an outcome's. Outcomes that the interface does not declare cannot come of it. */
static void fail(struct call *call, const struct keys_end *end)
{
        static const char *const own[] = {
                [KEYS_NOT_RECOGNISED] = "NotRecognised",
                [KEYS_MECHANISM_INVALID] = "MechanismInvalid",
                [KEYS_CARD_CHANGED] = "CardChanged",
        };
        char error[64];
        json_t *details = method_details(end->request, end->tries_left, end->detail);
        if (end->error == KEYS_OUTCOME) {
                method_fail_as(call, INTERFACE, end->outcome, details);
                return;
        }
        snprintf(error, sizeof error, INTERFACE ".%s", own[end->error]);
        call_error(call, error, details);
}

static void fail_plain(struct call *call, int outcome, enum keys_error error, const char *detail)
{
        fail(call,
                &(struct keys_end){
                        .outcome = outcome, .error = error, .detail = detail, .tries_left = -1 });
}

/* NULL: no memory. */
static json_t *certificate_json(X509 *cert)
{
        unsigned char *der = NULL;
        int len = cert ? i2d_X509(cert, &der) : 0;
        json_t *text = len > 0 ? base64_json(der, (size_t)len) : NULL;
        OPENSSL_free(der);
        return text;
}

static json_t *key_json(const struct keys_key *key)
{
        EVP_PKEY *pkey = X509_get0_pubkey(key->leaf);
        bool authenticates = key->use == CARD_USE_AUTHENTICATION;
        json_t *json = keys_mechanisms_json(key);
        json_t *rest = json_pack("{s:s, s:s, s:s, s:o, s:o*, s:s, s:i}", "use",
                authenticates ? "authentication" : "signature", "id", key->id, "label",
                authenticates ? "Authentication" : "Digital signature", "certificate",
                certificate_json(key->leaf), "issuer", certificate_json(key->issuer), "key_type",
                EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA ? "rsa" : "ec", "bits",
                EVP_PKEY_get_bits(pkey));
        bool good = json && rest && json_object_update(json, rest) == 0;
        json_decref(rest);
        if (good)
                return json;
        json_decref(json);
        return NULL;
}

static json_t *card_json(const struct keys_card *card)
{
        _cleanup_message_ json_t *keys = json_array();
        for (size_t i = 0; i < card->count; i++)
                if (json_array_append_new(keys, key_json(&card->keys[i])) < 0)
                        return NULL; /* rather than a key less */
        return json_pack("{s:s, s:s, s:b, s:O}", "request", card->request, "card", card->number,
                "simulated", card->simulated, "keys", keys);
}

/* ---- jobs ---------------------------------------------------------------------------------- */

static void job_free(struct keys_job *job)
{
        keys_turn_free(job->turn);
        free(job);
}

static void hangup(void *user)
{
        struct keys_job *job = user;
        keys_list_cancel(job->list);
        keys_sign_cancel(job->sign);
        job_free(job);
}

/* What it has to say was said before anything of it began. */
static void refuse(struct keys_job *job, int outcome, enum keys_error error, const char *detail)
{
        fail_plain(job->call, outcome, error, detail);
        job_free(job);
}

static void done(void *user, const struct keys_end *end)
{
        struct keys_job *job = user;
        log_kv(job->methods->context->log, LOG_LEVEL_INFO, end->request, "request ended", "method",
                job->sign ? "UseKey" : "ShowCertificates", "outcome",
                end->outcome == 0 ? "Ok" : outcome_name(end->outcome), "detail",
                end->detail ? end->detail : "", NULL);
        if (end->outcome != 0)
                fail(job->call, end);
        else if (end->card)
                call_reply(job->call, card_json(end->card));
        else
                call_reply(job->call, json_pack("{s:s, s:o}", "request", end->request, "signature",
                                              base64_json(end->signature, end->len)));
        job_free(job);
}

/* ---- what both take ------------------------------------------------------------------------ */

#define READER                                                                                     \
        {                                                                                          \
                .name = "reader", .required = true, .min = 1, .max = METHODS_READER_MAX,           \
                .valid = param_is_text                                                             \
        }
#define TIMEOUT                                                                                    \
        {                                                                                          \
                .name = "timeout_ms", .type = PARAM_INT, .min = 1, .max = TIMEOUT_MAX              \
        }
#define UI                                                                                         \
        {                                                                                          \
                .name = "ui", .type = PARAM_OBJECT, .fields = ui_params                            \
        }

static unsigned int timeout_of(json_t *parameters)
{
        const json_t *given = json_object_get(parameters, "timeout_ms");
        return json_is_integer(given) ? (unsigned int)json_integer_value(given) : TIMEOUT_DEFAULT;
}

/* Of the card on this reader now; 0: there is no such reader. */
static uint32_t events_on(const struct methods *m, const char *reader)
{
        struct reader_info info[READERS];
        size_t count = readers_list(m->context->readers, info, ARRAY_LEN(info));
        for (size_t i = 0; i < count; i++)
                if (strcmp(info[i].name, reader) == 0)
                        return info[i].events;
        return 0;
}

static void on_turn(void *user, int outcome)
{
        struct keys_job *job = user;
        const struct peer *peer = call_peer(job->call);
        struct keys_call asked = {
                .asker = { call_connection(job->call), peer },
                .reader = param_string(job->parameters, "reader"),
                .timeout_ms = timeout_of(job->parameters),
        };
        if (outcome != 0)
                refuse(job, outcome, KEYS_OUTCOME, "another request uses this reader");
        else if (ui_read(&asked.ui, param_object(job->parameters, "ui"), peer))
                job->start(job, &asked);
        else
                refuse(job, OUTCOME_NOBODY_TO_ASK, KEYS_OUTCOME, NULL);
}

/* The call's job, which starts from the loop when the reader is its own. */
static void enqueue(struct methods *m, struct call *call, json_t *parameters,
        void (*start)(struct keys_job *job, const struct keys_call *asked))
{
        struct person_ui ui;
        if (!ui_read(&ui, param_object(parameters, "ui"), call_peer(call))) {
                method_invalid(call, "ui.tty");
                return;
        }
        struct keys_job *job = calloc(1, sizeof *job);
        int r = job ? 0 : -ENOMEM;
        if (r == 0) {
                *job = (struct keys_job){
                        .methods = m, .call = call, .parameters = parameters, .start = start
                };
                r = keys_wait_turn(&job->turn, m->keys, param_string(parameters, "reader"),
                        timeout_of(parameters), on_turn, job);
        }
        if (r == 0) {
                call_on_hangup(call, hangup, job);
                return;
        }
        free(job);
        fail_plain(call, outcome_of(r), KEYS_OUTCOME, NULL);
}

/* ---- List ---------------------------------------------------------------------------------- */

static const struct param list_params[] = { READER, TIMEOUT, UI, { 0 } };

/* What was answered before is answered now. */
static bool recall(struct methods *m, struct call *call, const char *reader)
{
        const struct keys_asker asker = { call_connection(call), call_peer(call) };
        uint32_t events = events_on(m, reader);
        const struct keys_card *card = keys_find_card(m->keys, events);
        enum keys_answer answer = keys_answered(m->keys, &asker, events);
        if (answer == KEYS_NO)
                fail_plain(call, OUTCOME_REFUSED, KEYS_OUTCOME, DETAIL_NO);
        else if (answer == KEYS_YES && card)
                call_reply(call, card_json(card));
        return answer == KEYS_NO || (answer == KEYS_YES && card);
}

/* The answer may have come while this one waited. */
static void start_list(struct keys_job *job, const struct keys_call *asked)
{
        if (recall(job->methods, job->call, asked->reader)) {
                job_free(job);
                return;
        }
        int r = keys_list_start(&job->list, job->methods->keys, asked, done, job);
        if (r != 0)
                refuse(job, outcome_of(r), KEYS_OUTCOME, NULL);
}

void method_list_keys(void *user, struct call *call, json_t *parameters)
{
        struct methods *m = user;
        if (params_accept(call, parameters, list_params) &&
                !recall(m, call, param_string(parameters, "reader")))
                enqueue(m, call, parameters, start_list);
}

/* ---- Sign ---------------------------------------------------------------------------------- */

static const struct param sign_params[] = {
        READER,
        { .name = "card",
                .required = true,
                .min = 1,
                .max = KEYS_CARD_LEN,
                .valid = param_graphic },
        { .name = "key", .required = true, .min = 1, .max = KEYS_ID_LEN, .valid = param_graphic },
        { .name = "mechanism", .required = true, .min = 1, .max = 32, .valid = param_graphic },
        { .name = "data", .required = true, .min = 0, .max = DATA_MAX, .valid = param_graphic },
        { .name = "hash", .min = 1, .max = 16, .valid = param_graphic },
        { .name = "salt", .type = PARAM_INT, .min = 0, .max = SALT_MAX },
        TIMEOUT,
        UI,
        { 0 },
};

/* The card of that number, if it still lies there; else NULL. */
static const struct keys_card *card_of(const struct methods *m, json_t *parameters)
{
        const struct keys_card *card =
                keys_find_card(m->keys, events_on(m, param_string(parameters, "reader")));
        return card && strcmp(card->number, param_string(parameters, "card")) == 0 ? card : NULL;
}

static const struct keys_key *key_named(const struct keys_card *card, const char *id)
{
        for (size_t i = 0; i < card->count; i++)
                if (strcmp(card->keys[i].id, id) == 0)
                        return &card->keys[i];
        return NULL;
}

/* The name of a parameter that is none; NULL: all are read. `data` is filled. */
static const char *read_params(
        struct keys_sign_params *ret, json_t *parameters, uint8_t data[static RECOGNISE_DATA_MAX])
{
        const json_t *text = json_object_get(parameters, "data");
        const json_t *salt = json_object_get(parameters, "salt");
        ssize_t len = base64_decode(BASE64_STANDARD, data, RECOGNISE_DATA_MAX,
                json_string_value(text), json_string_length(text));
        if (len < 0)
                return "data";
        ret->data = (struct view){ data, (size_t)len };
        ret->hash = param_string(parameters, "hash");
        ret->salt = json_is_integer(salt) ? (int)json_integer_value(salt) : -1;
        return keys_params_misfit(ret);
}

/* Everything that can be said without the card. True: it may go on, with *ret. Else it was answered. */
static bool read_sign(struct methods *m, struct call *call, json_t *parameters,
        struct keys_sign_job *ret, uint8_t data[static RECOGNISE_DATA_MAX])
{
        const struct keys_card *card = card_of(m, parameters);
        struct keys_end refusal = { .outcome = OUTCOME_INVALID, .tries_left = -1 };
        if (!card) {
                fail_plain(call, OUTCOME_CARD_REMOVED, KEYS_CARD_CHANGED, DETAIL_STALE);
                return false;
        }
        *ret = (struct keys_sign_job){ .key = key_named(card, param_string(parameters, "key")),
                .events = card->events };
        ret->params.mechanism = keys_mechanism(param_string(parameters, "mechanism"));
        const char *bad = ret->key ? NULL : "key";
        if (!bad && ret->params.mechanism)
                bad = read_params(&ret->params, parameters, data);
        if (bad) {
                method_invalid(call, bad);
                return false;
        }
        refusal.error = ret->params.mechanism ? keys_sign_refusal(ret, &refusal.detail)
                                              : KEYS_MECHANISM_INVALID;
        if (refusal.error != KEYS_OUTCOME)
                fail(call, &refusal);
        return refusal.error == KEYS_OUTCOME;
}

/* The card may have changed while this one waited. */
static void start_sign(struct keys_job *job, const struct keys_call *asked)
{
        struct keys_sign_job what;
        uint8_t data[RECOGNISE_DATA_MAX];
        if (!read_sign(job->methods, job->call, job->parameters, &what, data)) {
                job_free(job);
                return;
        }
        what.done = done;
        what.user = job;
        int r = keys_sign_start(&job->sign, job->methods->keys, asked, &what);
        if (r != 0)
                refuse(job, outcome_of(r), KEYS_OUTCOME, NULL);
}

void method_sign_by_key(void *user, struct call *call, json_t *parameters)
{
        struct methods *m = user;
        struct keys_sign_job what;
        uint8_t data[RECOGNISE_DATA_MAX];
        if (params_accept(call, parameters, sign_params) &&
                read_sign(m, call, parameters, &what, data))
                enqueue(m, call, parameters, start_sign);
}
