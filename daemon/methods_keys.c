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

#define INTERFACE    "mohr.Keys"
#define TIMEOUT_MAX  600000 /* ms */
#define DATA_MAX     ((RECOGNISE_DATA_MAX + 2) / 3 * 4)
#define SALT_MAX     222
#define READERS      (DRIVER_READERS_MAX * CONFIG_DRIVERS_MAX)
#define DETAIL_NO    "the holder refused this program while this card lies there"
#define DETAIL_STALE "no card of this number lies there: list it again"

struct keys_job {
        struct methods *methods;
        struct call *call;
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
        bool ours = end->outcome > 0 && end->outcome != OUTCOME_UNREACHABLE &&
                    end->outcome != OUTCOME_INVALID && end->outcome != OUTCOME_CERTIFICATE_EXPIRED;
        const char *name = end->error != KEYS_OUTCOME
                                   ? own[end->error]
                                   : outcome_name(ours ? end->outcome : OUTCOME_INTERNAL);
        snprintf(error, sizeof error, INTERFACE ".%s", name);
        call_error(call, error, method_details(end->request, end->tries_left, end->detail));
}

static void fail_plain(struct call *call, int outcome, enum keys_error error, const char *detail)
{
        fail(call,
                &(struct keys_end){
                        .outcome = outcome, .error = error, .detail = detail, .tries_left = -1 });
}

/* NULL: no memory. */
static json_t *bytes_json(const uint8_t *bytes, size_t len)
{
        _cleanup_free_ char *text = malloc(base64_encoded_len(BASE64_STANDARD, len) + 1);
        if (!text)
                return NULL;
        base64_encode(BASE64_STANDARD, text, bytes, len);
        return json_string(text);
}

static json_t *certificate_json(X509 *cert)
{
        unsigned char *der = NULL;
        int len = cert ? i2d_X509(cert, &der) : 0;
        json_t *text = len > 0 ? bytes_json(der, (size_t)len) : NULL;
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

static void hangup(void *user)
{
        struct keys_job *job = user;
        keys_list_cancel(job->list);
        keys_sign_cancel(job->sign);
        free(job);
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
                                              bytes_json(end->signature, end->len)));
        free(job);
}

static struct keys_job *job_new(struct methods *m, struct call *call)
{
        struct keys_job *job = calloc(1, sizeof *job);
        if (!job)
                return NULL;
        *job = (struct keys_job){ .methods = m, .call = call };
        call_on_hangup(call, hangup, job);
        return job;
}

/* ---- what both take ------------------------------------------------------------------------ */

#define READER                                                                                     \
        {                                                                                          \
                .name = "reader", .required = true, .min = 1, .max = METHODS_READER_MAX,           \
                .valid = method_is_text                                                            \
        }
#define TIMEOUT                                                                                    \
        {                                                                                          \
                .name = "timeout_ms", .type = PARAM_INT, .min = 1, .max = TIMEOUT_MAX              \
        }
#define UI                                                                                         \
        {                                                                                          \
                .name = "ui", .type = PARAM_OBJECT, .fields = ui_params                            \
        }

/* False: it was answered. */
static bool read_call(struct keys_call *ret, struct call *call, json_t *parameters)
{
        const struct peer *peer = call_peer(call);
        *ret = (struct keys_call){
                .asker = { call_connection(call), peer },
                .reader = method_string(parameters, "reader"),
                .timeout_ms =
                        (unsigned int)json_integer_value(json_object_get(parameters, "timeout_ms")),
        };
        if (ui_read(&ret->ui, method_object(parameters, "ui"), peer->uid))
                return true;
        method_invalid(call, "ui.tty");
        return false;
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

/* ---- List ---------------------------------------------------------------------------------- */

static const struct param list_params[] = { READER, TIMEOUT, UI, { 0 } };

/* What was answered before is answered now. */
static bool recall(struct methods *m, struct call *call, const struct keys_call *asked)
{
        uint32_t events = events_on(m, asked->reader);
        const struct keys_card *card = keys_find_card(m->keys, events);
        enum keys_answer answer = keys_answered(m->keys, &asked->asker, events);
        if (answer == KEYS_NO)
                fail_plain(call, OUTCOME_REFUSED, KEYS_OUTCOME, DETAIL_NO);
        else if (answer == KEYS_YES && card)
                call_reply(call, card_json(card));
        return answer == KEYS_NO || (answer == KEYS_YES && card);
}

void method_list_keys(void *user, struct call *call, json_t *parameters)
{
        struct methods *m = user;
        struct keys_call asked;
        if (!params_accept(call, parameters, list_params) || !read_call(&asked, call, parameters) ||
                recall(m, call, &asked))
                return;
        struct keys_job *job = job_new(m, call);
        int r = job ? keys_list_start(&job->list, m->keys, &asked, done, job) : -ENOMEM;
        if (r == 0)
                return;
        free(job);
        fail_plain(call, outcome_of(r), KEYS_OUTCOME, NULL);
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
        ret->hash = method_string(parameters, "hash");
        ret->salt = json_is_integer(salt) ? (int)json_integer_value(salt) : -1;
        return keys_params_misfit(ret);
}

static void begin(struct methods *m, struct call *call, const struct keys_call *asked,
        struct keys_sign_job *what)
{
        struct keys_end refusal = { .tries_left = -1 };
        struct keys_job *job = job_new(m, call);
        what->done = done;
        what->user = job;
        int r = job ? keys_sign_start(&job->sign, m->keys, asked, what, &refusal) : -ENOMEM;
        if (r == 0)
                return;
        free(job);
        if (r == OUTCOME_INVALID)
                fail(call, &refusal);
        else
                fail_plain(call, outcome_of(r), KEYS_OUTCOME, NULL);
}

void method_sign_by_key(void *user, struct call *call, json_t *parameters)
{
        struct methods *m = user;
        struct keys_call asked;
        uint8_t data[RECOGNISE_DATA_MAX];
        if (!params_accept(call, parameters, sign_params) || !read_call(&asked, call, parameters))
                return;
        const struct keys_card *card = keys_find_card(m->keys, events_on(m, asked.reader));
        if (!card || strcmp(card->number, method_string(parameters, "card")) != 0) {
                fail_plain(call, OUTCOME_CARD_REMOVED, KEYS_CARD_CHANGED, DETAIL_STALE);
                return;
        }
        struct keys_sign_job what = { .key = key_named(card, method_string(parameters, "key")),
                .events = card->events };
        what.params.mechanism = keys_mechanism(method_string(parameters, "mechanism"));
        const char *bad = what.key ? NULL : "key";
        if (!bad && what.params.mechanism)
                bad = read_params(&what.params, parameters, data);
        if (bad)
                method_invalid(call, bad);
        else if (!what.params.mechanism)
                fail_plain(call, OUTCOME_INVALID, KEYS_MECHANISM_INVALID, NULL);
        else
                begin(m, call, &asked, &what);
}
