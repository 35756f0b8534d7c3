/* SPDX-License-Identifier: Apache-2.0 */
/* http.c: see http.h. OpenSSL's client speaks; what it leaves open is bounded here.
 *
 * It has a time for the whole, but looks at it only while it waits, and it counts a body, but not what
 * comes before it: a server that never stops sending header lines would be listened to for ever. So the
 * connection gets a callback that counts every byte and looks at the clock at each reading, and reads in
 * slices of a second. Looking up a name is the C library's, with its own patience.
 */
#include "client-sdk/http.h"

#include "base/clock.h"
#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/shortage.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/http.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>

#define HEADERS_MAX 65536
#define CHUNK       16384

struct budget {
        int64_t deadline; /* by the monotonic clock, in milliseconds */
        size_t bytes;     /* that may still come: first of header lines, then of the body */
        bool late, flooded;
};

struct fetch {
        const struct http_request *request;
        struct budget budget;
        char *host, *port, *path;
        char *problem;
        size_t problem_cap;
};

static int complain(struct fetch *fetch, const char *what)
{
        if (fetch->problem_cap > 0)
                snprintf(fetch->problem, fetch->problem_cap, "%s: %s",
                        fetch->host ? fetch->host : "the URL", what);
        return OUTCOME_INVALID;
}

/* What OpenSSL said first, the cause, and what it quotes of the server, as far as a person can read it. */
static int complain_of_answer(struct fetch *fetch, const char *fallback)
{
        const char *data = NULL;
        int flags = 0;
        unsigned long error = ERR_peek_error_all(NULL, NULL, NULL, &data, &flags);
        const char *words = ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error))
                            : error                 ? ERR_reason_error_string(error)
                                                    : NULL;
        char said[120] = "", line[256];
        if (data && (flags & ERR_TXT_STRING))
                text_sanitize(said, sizeof said, data, sizeof said);
        snprintf(line, sizeof line, "%s%s%s%s", words ? words : fallback, said[0] ? " (" : "", said,
                said[0] ? ")" : "");
        if (fetch->budget.late)
                return complain(fetch, "it took too long");
        return complain(fetch, fetch->budget.flooded ? "it sends more than is allowed" : line);
}

/* OpenSSL asks again until the time is over, whatever the reason, and keeps none of them. */
static int complain_of_connection(struct fetch *fetch)
{
        if (ERR_GET_REASON(ERR_peek_error()) != BIO_R_CONNECT_TIMEOUT)
                return complain_of_answer(fetch, "nobody answers");
        return complain(fetch, "no connection: no such name, nobody there, or no network");
}

/* ---- the connection ------------------------------------------------------------------------ */

static long refuse(BIO *bio)
{
        BIO_clear_retry_flags(bio); /* or it would be tried again */
        return -1;
}

static long count_bytes(BIO *bio, int oper, const char *argp, size_t len, int argi, long argl,
        int ret, size_t *processed)
{
        struct budget *budget = (struct budget *)(void *)BIO_get_callback_arg(bio);
        bool reads = oper == BIO_CB_READ || oper == BIO_CB_GETS;
        bool has_read =
                oper == (BIO_CB_READ | BIO_CB_RETURN) || oper == (BIO_CB_GETS | BIO_CB_RETURN);
        (void)argp, (void)len, (void)argi, (void)argl;
        budget->late = budget->late || clock_ms() >= budget->deadline;
        if (has_read && ret > 0 && processed)
                budget->bytes -= base_min(budget->bytes, *processed);
        budget->flooded = budget->flooded || budget->bytes == 0;
        if (reads && (budget->late || budget->flooded))
                return refuse(bio);
        return ret;
}

/* Once connected: every call returns within a second, so that the clock is looked at. */
static BIO *bind_budget(BIO *bio, void *arg, int connecting, int detail)
{
        const struct timeval slice = { .tv_sec = 1 };
        int fd = -1;
        (void)detail;
        if (!connecting)
                return bio;
        if (BIO_get_fd(bio, &fd) < 0 || BIO_socket_nbio(fd, 0) != 1 ||
                setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof slice) < 0 ||
                setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &slice, sizeof slice) < 0)
                return NULL;
        BIO_set_callback_ex(bio, count_bytes);
        BIO_set_callback_arg(bio, arg);
        return bio;
}

/* A server that hangs up must not end the program that asked it. */
struct pipe_guard {
        sigset_t before;
        bool blocked;
};

static struct pipe_guard pipe_guard_take(void)
{
        struct pipe_guard guard = { .blocked = false };
        sigset_t pipe_only;
        sigemptyset(&pipe_only);
        sigaddset(&pipe_only, SIGPIPE);
        guard.blocked = pthread_sigmask(SIG_BLOCK, &pipe_only, &guard.before) == 0;
        return guard;
}

static void pipe_guard_give(struct pipe_guard *guard)
{
        const struct timespec at_once = { 0 };
        sigset_t pipe_only;
        if (!guard->blocked || sigismember(&guard->before, SIGPIPE) == 1)
                return;
        sigemptyset(&pipe_only);
        sigaddset(&pipe_only, SIGPIPE);
        while (sigtimedwait(&pipe_only, NULL, &at_once) == SIGPIPE) {
        }
        pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}

/* ---- the URL ------------------------------------------------------------------------------- */

static bool is_plain_text(const char *url)
{
        for (const char *c = url; *c; c++)
                if (*c <= 0x20 || *c >= 0x7F)
                        return false;
        return true;
}

static const char *wrong_url(const char *url)
{
        const char *rest = url + 7;
        if (strlen(url) > HTTP_URL_MAX || !is_plain_text(url))
                return "longer than a URL can be here, or not plain ASCII";
        if (strncasecmp(url, "https://", 8) == 0)
                return "https is not used here: what is fetched is signed by itself; give its "
                       "http:// URL";
        if (strncasecmp(url, "http://", 7) != 0)
                return "only http:// can be fetched";
        return memchr(rest, '@', strcspn(rest, "/?#")) ? "a URL with a user name in it" : NULL;
}

static void drop_url(struct fetch *fetch)
{
        OPENSSL_free(fetch->host);
        OPENSSL_free(fetch->port);
        OPENSSL_free(fetch->path);
        fetch->host = fetch->port = fetch->path = NULL;
}

static int take_url(struct fetch *fetch, const char *url)
{
        int ssl = 0;
        const char *wrong = wrong_url(url);
        drop_url(fetch);
        if (wrong)
                return complain(fetch, wrong);
        if (OSSL_HTTP_parse_url(url, &ssl, NULL, &fetch->host, &fetch->port, NULL, &fetch->path,
                    NULL, NULL) != 1)
                return complain(fetch, "it cannot be read");
        return 0;
}

/* ---- one exchange -------------------------------------------------------------------------- */

static void free_exchange(OSSL_HTTP_REQ_CTX **exchange)
{
        OSSL_HTTP_REQ_CTX_free(*exchange);
}

static void free_bio(BIO **bio)
{
        BIO_free_all(*bio);
}

static void free_text(char **text)
{
        OPENSSL_free(*text);
}

/* Until the announced length, or the end if none was announced. */
static int read_body(
        struct fetch *fetch, BIO *from, size_t announced, uint8_t **ret, size_t *ret_len)
{
        size_t cap = fetch->request->cap, len = 0, room = 0, got = 0;
        _cleanup_free_ uint8_t *body = NULL;
        if (announced > cap)
                return complain(fetch, "it sends more than is allowed");
        while (announced == 0 || len < announced) {
                if (len == room) {
                        room = base_min(room ? 2 * room : CHUNK, cap + 1);
                        uint8_t *larger = realloc(body, room);
                        if (!larger)
                                return -ENOMEM;
                        body = larger;
                }
                size_t want = announced ? base_min(room - len, announced - len) : room - len;
                if (BIO_read_ex(from, body + len, want, &got) == 1)
                        len += got;
                else if (!BIO_should_retry(from))
                        break;
                if (len > cap)
                        return complain(fetch, "it sends more than is allowed");
        }
        if (fetch->budget.late || fetch->budget.flooded)
                return complain_of_answer(fetch, "");
        if (len == 0 || len < announced)
                return complain(fetch, "it sent less than it announced, or nothing");
        *ret = body;
        *ret_len = len;
        body = NULL;
        return 0;
}

static OSSL_HTTP_REQ_CTX *connect_to(struct fetch *fetch)
{
        int64_t left = fetch->budget.deadline - clock_ms();
        fetch->budget.late = left <= 0;
        fetch->budget.bytes = HEADERS_MAX;
        return left <= 0 ? NULL
                         : OSSL_HTTP_open(fetch->host, fetch->port, NULL, NULL, 0, NULL, NULL,
                                   bind_budget, &fetch->budget, 0, (int)((left + 999) / 1000));
}

/* 0 with the body, or with *ret_elsewhere: where it is instead. */
static int exchange_once(struct fetch *fetch, uint8_t **ret, size_t *ret_len, char **ret_elsewhere)
{
        const struct http_request *request = fetch->request;
        _cleanup_(free_exchange) OSSL_HTTP_REQ_CTX *exchange = connect_to(fetch);
        if (!exchange)
                return complain_of_connection(fetch);
        _cleanup_(free_bio) BIO *body =
                request->content_type ? BIO_new_mem_buf(request->body, (int)request->body_len)
                                      : NULL;
        if (request->content_type && !body)
                return -ENOMEM;
        /* Its time and its cap are given again, as they are not kept from opening. */
        if (OSSL_HTTP_set1_request(exchange, fetch->path, NULL, request->content_type, body,
                    request->expect, 0, request->cap, -1, 0) != 1)
                return complain_of_answer(fetch, "the request could not be made");
        _cleanup_(free_bio) BIO *answer = OSSL_HTTP_exchange(exchange, ret_elsewhere);
        if (*ret_elsewhere)
                return 0;
        if (!answer)
                return complain_of_answer(fetch, "it gave no answer");
        fetch->budget.bytes = request->cap + CHUNK;
        return read_body(fetch, answer, OSSL_HTTP_REQ_CTX_get_resp_len(exchange), ret, ret_len);
}

static int follow(struct fetch *fetch, uint8_t **ret, size_t *ret_len)
{
        int r = take_url(fetch, fetch->request->url);
        for (int i = 0; r == 0 && i <= HTTP_REDIRECTS; i++) {
                _cleanup_(free_text) char *elsewhere = NULL;
                r = exchange_once(fetch, ret, ret_len, &elsewhere);
                if (r != 0 || !elsewhere)
                        return r;
                r = take_url(fetch, elsewhere);
        }
        return r != 0 ? r : complain(fetch, "it redirects too often");
}

int http_fetch(const struct http_request *request, uint8_t **ret, size_t *ret_len, char *problem,
        size_t problem_cap)
{
        int timeout = request->timeout_s ? request->timeout_s : HTTP_TIMEOUT;
        if (timeout < 0 || timeout > HTTP_TIMEOUT_MAX || request->cap == 0 ||
                request->body_len > INT32_MAX)
                return -EINVAL;
        struct fetch fetch = { .request = request,
                .budget = { .deadline = clock_ms() + timeout * INT64_C(1000) },
                .problem = problem,
                .problem_cap = problem_cap };
        _cleanup_(pipe_guard_give) _unused_ struct pipe_guard guard = pipe_guard_take();
        ERR_clear_error();
        int r = follow(&fetch, ret, ret_len);
        drop_url(&fetch);
        return shortage_seen() < 0 && r > 0 ? -ENOMEM : r;
}
