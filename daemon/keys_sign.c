/* SPDX-License-Identifier: Apache-2.0 */
/* keys_sign.c: one signature by one key, told to the holder as far as it can be, with a PIN for it.
 *
 * Whether the key has the mechanism, and whether what it shall sign is known, is settled before a card is touched or
 * anybody asked. The card must then be the very laying-on that was listed, and its certificate the same; if it is lifted and laid back
 * while the prompt is open, the certificate is what must still be the same, as with every request.
 */
#include "daemon/keys.h"

#include "base/outcome.h"
#include "client-sdk/base64.h"
#include "daemon/history.h"

#include <openssl/sha.h>

#define DETAIL_CHANGED "another card lies there now, or it was laid down again: list it again"
#define DETAIL_UNKNOWN                                                                             \
        "neither a TLS 1.3 client authentication nor an SSH login nor signed attributes of CMS"
#define DETAIL_DATA "this key and mechanism cannot sign data of this length and form"

struct keys_sign {
        struct keys *keys;
        struct request *request;
        keys_done done;
        void *user;
        uint32_t events;
        struct keys_key key;
        struct recognised recognised;
        struct keys_sign_params params;
        uint8_t data[RECOGNISE_DATA_MAX];
        enum keys_error error;
        uint8_t signature[ALGORITHM_SIG_MAX];
        size_t len;
        char print[2 * SHA256_DIGEST_LENGTH + 1];
        char host[QUESTION_HOST_MAX]; /* "": nobody's, or there was none */
};

static struct keys_sign *sign_free(struct keys_sign *sign)
{
        if (!sign)
                return NULL;
        keys_key_clear(&sign->key);
        free(sign);
        return NULL;
}

/* ---- the request's own questions ------------------------------------------------------------- */

static int sign_prepare(void *user, struct request *request, const struct request_subject *subject,
        const char **ret_detail)
{
        struct keys_sign *sign = user;
        (void)request;
        if (subject->events == sign->events && X509_cmp(subject->leaf, sign->key.leaf) == 0)
                return 0;
        sign->error = KEYS_CARD_CHANGED;
        *ret_detail = DETAIL_CHANGED;
        return OUTCOME_CARD_REMOVED;
}

static void sign_record(void *user, struct history_asked *asked)
{
        static const char *const words[CONTENTS] = {
                [CONTENT_RAW] = "raw",
                [CONTENT_TLS] = "tls",
                [CONTENT_SSH] = "ssh",
                [CONTENT_CMS] = "attributes",
        };
        const struct keys_sign *sign = user;
        asked->content = words[sign->recognised.content];
        asked->key = sign->key.use == CARD_USE_AUTHENTICATION ? "authentication" : "signature";
}

static void sign_ask(void *user, struct person_question *question)
{
        const struct keys_sign *sign = user;
        question->work = PERSON_KEY;
        question->content = (uint8_t)sign->recognised.content;
        question->content_text = sign->recognised.text[0] ? sign->recognised.text : NULL;
        question->content_host = sign->host[0] ? sign->host : NULL;
        question->authentication_key = sign->key.use == CARD_USE_AUTHENTICATION;
}

static int sign_compose(void *user, const struct request_subject *subject,
        struct request_to_sign *ret, const char **ret_detail)
{
        struct keys_sign *sign = user;
        (void)subject;
        int r = keys_compose(&sign->key, &sign->params, ret);
        if (r != OUTCOME_INVALID)
                return r;
        sign->error = KEYS_MECHANISM_INVALID;
        *ret_detail = DETAIL_DATA;
        return r;
}

static int sign_finish(void *user, const struct request_subject *subject, const uint8_t *signature,
        size_t len, const char **ret_detail)
{
        struct keys_sign *sign = user;
        unsigned char print[SHA256_DIGEST_LENGTH];
        (void)subject, (void)ret_detail;
        int r = keys_finish(&sign->key, &sign->params, signature, len, sign->signature, &sign->len);
        if (r != 0)
                return r;
        if (!SHA256(sign->signature, sign->len, print))
                return -ENOMEM;
        hex_encode(sign->print, print, sizeof print);
        return 0;
}

static void sign_end(void *user, struct history_ended *ended)
{
        const struct keys_sign *sign = user;
        ended->signature = sign->print;
}

static const struct request_work sign_work = {
        .method = "UseKey",
        .policy = POLICY_KEYS,
        .has_reader = true,
        .prepare = sign_prepare,
        .record = sign_record,
        .ask = sign_ask,
        .compose = sign_compose,
        .finish = sign_finish,
        .end = sign_end,
};

/* ---- start and end ------------------------------------------------------------------------- */

static void sign_phase(void *user, const char *id, const char *phase)
{
        (void)user, (void)id, (void)phase;
}

static void sign_done(void *user, const char *id, int outcome, const char *assertion,
        int tries_left, const char *detail)
{
        struct keys_sign *sign = user;
        const struct keys_end end = {
                .request = id,
                .outcome = outcome,
                .error = sign->error,
                .detail = detail,
                .tries_left = outcome == OUTCOME_WRONG_PIN ? tries_left : -1,
                .signature = outcome == 0 ? sign->signature : NULL,
                .len = sign->len,
        };
        (void)assertion;
        sign->done(sign->user, &end);
        sign_free(sign);
}

/* What the data is, if it is given whole and known. */
static bool recognise_for(
        const struct keys_key *key, const struct keys_sign_params *params, struct recognised *ret)
{
        uint8_t blob[RECOGNISE_BLOB_MAX];
        return keys_mechanism_hashes(params->mechanism) &&
               recognise(params->data, (struct view){ blob, keys_blob(key, blob) }, ret);
}

enum keys_error keys_sign_refusal(const struct keys_sign_job *job, const char **ret_detail)
{
        struct recognised recognised;
        struct request_to_sign trial;
        *ret_detail = NULL;
        if (!keys_mechanism_fits(job->params.mechanism, job->key))
                return KEYS_MECHANISM_INVALID;
        *ret_detail = DETAIL_UNKNOWN;
        if (job->key->role == KEYS_ASSERTS && !recognise_for(job->key, &job->params, &recognised))
                return KEYS_NOT_RECOGNISED;
        *ret_detail = DETAIL_DATA;
        return keys_compose(job->key, &job->params, &trial) == OUTCOME_INVALID
                       ? KEYS_MECHANISM_INVALID
                       : KEYS_OUTCOME;
}

static int begin(struct keys_sign *sign, const struct keys_call *call)
{
        static const struct request_callbacks callbacks = { sign_phase, sign_done };
        const struct request_params params = {
                .work = &sign_work,
                .use = sign->key.use,
                .work_user = sign,
                .reader = call->reader,
                .timeout_ms = call->timeout_ms,
                .ui = call->ui,
                .peer = *call->asker.peer,
        };
        return request_start(&sign->request, keys_context(sign->keys), &params, &callbacks, sign);
}

static int sign_new(
        struct keys_sign **ret, const struct keys_key *key, const struct keys_sign_params *params)
{
        struct keys_sign *sign = calloc(1, sizeof *sign);
        if (!sign)
                return -ENOMEM;
        sign->key = *key;
        X509_up_ref(key->leaf);
        if (key->issuer)
                X509_up_ref(key->issuer);
        sign->params = *params;
        if (params->data.len > 0)
                memcpy(sign->data, params->data.data, params->data.len);
        sign->params.data.data = sign->data;
        *ret = sign;
        return 0;
}

/* As people know it from ssh and ssh-keygen: SHA-256 in base64 without the padding. */
static int name_host(const struct recognised *recognised, char dst[static QUESTION_HOST_MAX])
{
        static const char before[] = "SHA256:";
        unsigned char print[SHA256_DIGEST_LENGTH];
        const size_t at = sizeof before - 1;
        if (recognised->host_len == 0)
                return 0;
        if (!SHA256(recognised->host, recognised->host_len, print))
                return -ENOMEM;
        memcpy(dst, before, sizeof before);
        base64_encode(BASE64_STANDARD, dst + at, print, sizeof print);
        dst[at + strcspn(dst + at, "=")] = '\0';
        return 0;
}

int keys_sign_start(struct keys_sign **ret, struct keys *keys, const struct keys_call *call,
        const struct keys_sign_job *job)
{
        struct keys_sign *sign = NULL;
        int r = sign_new(&sign, job->key, &job->params);
        if (r < 0)
                return r;
        sign->keys = keys;
        sign->events = job->events;
        sign->done = job->done;
        sign->user = job->user;
        (void)recognise_for(&sign->key, &sign->params, &sign->recognised);
        r = name_host(&sign->recognised, sign->host);
        if (r == 0)
                r = begin(sign, call);
        if (r < 0) {
                sign_free(sign);
                return r;
        }
        *ret = sign;
        return 0;
}

struct keys_sign *keys_sign_cancel(struct keys_sign *sign)
{
        if (sign)
                request_cancel(sign->request);
        return sign_free(sign);
}
