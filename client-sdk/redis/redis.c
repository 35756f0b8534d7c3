/* SPDX-License-Identifier: Apache-2.0 */
/* redis.c: see mohr-redis.h. One command decides: SET key token NX PX life, which a server carries out for
 * exactly one of those who send it. The token is drawn for each question, so that who lost the answer on a
 * broken connection can ask afterwards whether the key is theirs. Everything that is not a clear yes or no is
 * -EIO.
 *
 * The life is counted from now, not given as a date: the server's clock is nobody's. Machines may judge by
 * clocks that differ, so a key outlives its answer by the largest tolerance that a verifier can have.
 */
#include "client-sdk/redis/mohr-redis.h"
#include "client-sdk/mohr.h"

#include "base/base.h"
#include "client-sdk/lock.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>

#define PREFIX_DEFAULT  "mohr:replay:"
#define PREFIX_MAX      64
#define HOST_MAX        256
#define TIMEOUT_DEFAULT 1000
#define TIMEOUT_MAX     60000
#define MARGIN_S        600
#define TOKEN_BYTES     16

struct store {
        struct mohr_replay replay; /* what the caller holds */
        pthread_mutex_t lock;      /* of the connection */
        redisContext *redis;       /* NULL: none */
        struct timeval timeout;
        char host[HOST_MAX]; /* or the path of a socket, then port is 0 */
        int port;
        char *user, *password, *prefix;
};

struct question {
        char key[PREFIX_MAX + 64 + 1];
        uint8_t token[TOKEN_BYTES];
        char life_ms[24];
};

static void reply_cleanup(redisReply **reply)
{
        if (*reply)
                freeReplyObject(*reply);
}
#define _cleanup_reply_ _cleanup_(reply_cleanup)

/* hiredis writes without MSG_NOSIGNAL: a server that went away must not end the program. */
struct quiet {
        sigset_t before;
        bool was_pending;
};

static struct quiet pipe_quiet(void)
{
        struct quiet quiet;
        sigset_t one, pending;
        sigemptyset(&one);
        sigaddset(&one, SIGPIPE);
        sigpending(&pending);
        quiet.was_pending = sigismember(&pending, SIGPIPE) == 1;
        pthread_sigmask(SIG_BLOCK, &one, &quiet.before);
        return quiet;
}

static void pipe_loud_cleanup(struct quiet *quiet)
{
        const struct timespec at_once = { 0 };
        sigset_t one;
        sigemptyset(&one);
        sigaddset(&one, SIGPIPE);
        while (!quiet->was_pending && sigtimedwait(&one, NULL, &at_once) < 0 && errno == EINTR)
                continue;
        pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
}

static void hang_up(struct store *store)
{
        if (store->redis)
                redisFree(store->redis);
        store->redis = NULL;
}

static redisReply *say(
        struct store *store, int count, const char *const *words, const size_t *lengths)
{
        const char **argv = (const char **)(uintptr_t)words; /* hiredis only reads them */
        return redisCommandArgv(store->redis, count, argv, lengths);
}

static bool is_status(const redisReply *reply, const char *text)
{
        return reply && reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, text) == 0;
}

static bool authenticate(struct store *store)
{
        const char *const words[] = { "AUTH", store->user ? store->user : store->password,
                store->password };
        if (!store->password)
                return true;
        _cleanup_reply_ redisReply *reply = say(store, store->user ? 3 : 2, words, NULL);
        return is_status(reply, "OK");
}

static int get_connected(struct store *store)
{
        if (store->redis)
                return 0;
        store->redis = store->port
                               ? redisConnectWithTimeout(store->host, store->port, store->timeout)
                               : redisConnectUnixWithTimeout(store->host, store->timeout);
        if (!store->redis)
                return -ENOMEM;
        if (store->redis->err == 0 && fcntl(store->redis->fd, F_SETFD, FD_CLOEXEC) == 0 &&
                redisSetTimeout(store->redis, store->timeout) == REDIS_OK && authenticate(store))
                return 0;
        hang_up(store);
        return -EIO;
}

static redisReply *set(struct store *store, const struct question *q)
{
        const char *const words[] = { "SET", q->key, (const char *)q->token, "NX", "PX",
                q->life_ms };
        const size_t lengths[] = { 3, strlen(q->key), TOKEN_BYTES, 2, 2, strlen(q->life_ms) };
        return say(store, ARRAY_LEN(words), words, lengths);
}

/* After an answer was lost: 0 if it is our own token that is there, 1 if another's, -EIO. */
static int whose(struct store *store, const struct question *q)
{
        const char *const words[] = { "GET", q->key };
        const size_t lengths[] = { 3, strlen(q->key) };
        _cleanup_reply_ redisReply *reply = say(store, ARRAY_LEN(words), words, lengths);
        if (!reply || reply->type != REDIS_REPLY_STRING)
                return -EIO;
        return reply->len != TOKEN_BYTES || memcmp(reply->str, q->token, TOKEN_BYTES) != 0;
}

/* -EAGAIN: the connection broke, and nobody knows whether the server heard. */
static int ask(struct store *store, const struct question *q, bool again)
{
        int r = get_connected(store);
        if (r < 0)
                return r;
        _cleanup_reply_ redisReply *reply = set(store, q);
        if (!reply)
                return -EAGAIN;
        if (is_status(reply, "OK"))
                return 0;
        if (reply->type != REDIS_REPLY_NIL)
                return -EIO;
        return again ? whose(store, q) : 1;
}

static int draw(
        struct store *store, const char *key, int64_t now, int64_t until, struct question *q)
{
        int64_t life = until > now ? until - now : 0;
        if (strlen(key) != 64 || life > INT64_MAX / 1000 - MARGIN_S)
                return -EINVAL;
        snprintf(q->key, sizeof q->key, "%s%s", store->prefix, key);
        snprintf(q->life_ms, sizeof q->life_ms, "%lld", (long long)(life + MARGIN_S) * 1000);
        return getrandom(q->token, TOKEN_BYTES, 0) == TOKEN_BYTES ? 0 : -EIO;
}

static int take_from_server(void *user, const char *key, int64_t now, int64_t until)
{
        struct store *store = user;
        struct question q;
        int r = draw(store, key, now, until, &q);
        if (r < 0)
                return r;
        _cleanup_lock_ pthread_mutex_t *held = lock_take(&store->lock);
        _cleanup_(pipe_loud_cleanup) _unused_ struct quiet quiet = pipe_quiet();
        r = -EAGAIN;
        for (int i = 0; i < 2 && r == -EAGAIN; i++) {
                r = ask(store, &q, i > 0);
                if (r < 0)
                        hang_up(store);
        }
        return r == -EAGAIN ? -EIO : r;
}

/* "host:6379", "[::1]:6379"; false if it is neither. */
static bool read_host(struct store *store, const char *address)
{
        const char *colon = strrchr(address, ':');
        char *end = NULL;
        size_t len = colon ? (size_t)(colon - address) : 0;
        if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
                address++;
                len -= 2;
        }
        if (len == 0 || len >= HOST_MAX || strspn(colon + 1, "0123456789") != strlen(colon + 1))
                return false;
        long port = strtol(colon + 1, &end, 10);
        memcpy(store->host, address, len);
        store->port = (int)port;
        return end != colon + 1 && port > 0 && port < 65536;
}

static bool read_address(struct store *store, const char *address)
{
        static const char scheme[] = "unix:";
        if (!address || strncmp(address, scheme, sizeof scheme - 1) != 0)
                return address && read_host(store, address);
        const char *path = address + sizeof scheme - 1;
        if (path[0] != '/' || strlen(path) >= sizeof store->host)
                return false;
        memcpy(store->host, path, strlen(path));
        return true;
}

static bool copy_texts(struct store *store, const struct mohr_redis_options *options)
{
        store->prefix = strdup(options->prefix ? options->prefix : PREFIX_DEFAULT);
        store->user = options->user ? strdup(options->user) : NULL;
        store->password = options->password ? strdup(options->password) : NULL;
        return store->prefix && !store->user == !options->user &&
               !store->password == !options->password;
}

static bool are_good(const struct mohr_redis_options *options)
{
        return options->timeout_ms >= 0 && options->timeout_ms <= TIMEOUT_MAX &&
               (!options->user || options->password) &&
               (!options->prefix || strlen(options->prefix) <= PREFIX_MAX);
}

int mohr_replay_redis_new(struct mohr_replay **ret, const struct mohr_redis_options *options)
{
        if (!are_good(options))
                return -EINVAL;
        struct store *store = calloc(1, sizeof *store);
        if (!store)
                return -ENOMEM;
        int ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_DEFAULT;
        pthread_mutex_init(&store->lock, NULL);
        store->replay = (struct mohr_replay){ .take = take_from_server, .user = store };
        store->timeout =
                (struct timeval){ .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000 };
        int r = copy_texts(store, options) ? 0 : -ENOMEM;
        if (r == 0 && !read_address(store, options->address))
                r = -EINVAL;
        if (r < 0) {
                mohr_replay_redis_free(&store->replay);
                return r;
        }
        *ret = &store->replay;
        return 0;
}

struct mohr_replay *mohr_replay_redis_free(struct mohr_replay *replay)
{
        struct store *store = replay ? replay->user : NULL;
        if (!store)
                return NULL;
        hang_up(store);
        if (store->password)
                explicit_bzero(store->password, strlen(store->password));
        free(store->password);
        free(store->user);
        free(store->prefix);
        pthread_mutex_destroy(&store->lock);
        free(store);
        return NULL;
}
