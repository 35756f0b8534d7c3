/* SPDX-License-Identifier: Apache-2.0 */
/* test_redis.c: replays in a real Redis server of the test's own, on a socket that nobody else sees; and in
 * servers that are away, slow, lose an answer or say something else than yes or no. Never a yes that the
 * server did not give, and never a replay that was only an answer lost on the way.
 */
#include "client-sdk/mohr.h"
#include "client-sdk/redis/mohr-redis.h"
#include "tests/support/testpki.h"

#include "base/base.h"
#include "base/outcome.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

#define AUD "https://bank.example"
/* The server by the name under which Debian's redis-tools has it: the package redis-server would start one. */
#define SERVER  "/usr/bin/redis-check-rdb"
#define KEY     "00112233445566778899aabbccddeeff00112233445566778899aabbccddee"
#define NOW     1000
#define PATIENT 60000 /* ms: on a busy machine only a dead server is late */

struct fixture {
        char dir[64], socket[96], address[104];
        pid_t server; /* 0: none, and the tests are skipped */
};

static void start_server(struct fixture *f, const char *password)
{
        pid_t parent = getpid();
        unlink(f->socket);
        f->server = fork();
        assert_true(f->server >= 0);
        if (f->server > 0)
                return;
        int null = open("/dev/null", O_RDWR);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent || dup2(null, 0) < 0 || dup2(null, 1) < 0)
                _exit(126);
        execl(SERVER, "redis-server", "--port", "0", "--unixsocket", f->socket, "--save", "",
                "--appendonly", "no", "--dir", f->dir, "--loglevel", "warning",
                password ? "--requirepass" : NULL, password, NULL);
        _exit(127);
}

static void stop_server(struct fixture *f)
{
        if (f->server <= 0)
                return;
        kill(f->server, SIGKILL);
        waitpid(f->server, NULL, 0);
        f->server = 0;
}

static struct mohr_replay *store_at(const char *address, int timeout_ms)
{
        const struct mohr_redis_options options = { .address = address, .timeout_ms = timeout_ms };
        struct mohr_replay *store = NULL;
        assert_int_equal(mohr_replay_redis_new(&store, &options), 0);
        return store;
}

static int take(const struct mohr_replay *store, unsigned int number)
{
        char key[65];
        snprintf(key, sizeof key, KEY "%02x", number);
        return store->take(store->user, key, NOW, NOW + 60);
}

/* Until it answers; that it ever does is the time limit of whoever runs this. */
static void wait_for_server(const struct fixture *f)
{
        struct mohr_replay *store = store_at(f->address, PATIENT);
        for (int r = -EIO; r < 0;) {
                assert_int_equal(waitpid(f->server, NULL, WNOHANG), 0); /* it is still there */
                nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
                r = store->take(store->user,
                        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", NOW,
                        NOW + 1);
        }
        mohr_replay_redis_free(store);
}

static void need_server(const struct fixture *f)
{
        if (f->server == 0)
                skip();
}

static void the_first_is_new_and_all_others_are_not(void **state)
{
        struct fixture *f = *state;
        need_server(f);
        struct mohr_replay *one = store_at(f->address, PATIENT),
                           *other = store_at(f->address, PATIENT);
        for (unsigned int i = 0; i < 20; i++) {
                assert_int_equal(take(i % 2 ? one : other, i), 0);
                assert_int_equal(take(one, i), 1);
                assert_int_equal(take(other, i), 1);
        }
        assert_int_equal(one->take(one->user, "short", NOW, NOW + 1), -EINVAL);
        assert_null(mohr_replay_redis_free(one));
        assert_null(mohr_replay_redis_free(other));
}

/* Each process is told when to start by the end of a pipe. */
static pid_t race(struct fixture *f, struct mohr_trust *trust, const char *jws, const int start[2])
{
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid > 0)
                return pid;
        char byte;
        struct mohr_result *result = NULL;
        struct mohr_replay *store = NULL;
        const struct mohr_redis_options where = { .address = f->address, .timeout_ms = PATIENT };
        if (mohr_replay_redis_new(&store, &where) != 0)
                _exit(4);
        const struct mohr_verify_options options = {
                .audience = AUD, .at = TESTPKI_NOW + 10, .replay = store
        };
        close(start[1]);
        while (read(start[0], &byte, 1) < 0)
                continue;
        int r = mohr_verify(trust, jws, strlen(jws), &options, &result);
        if (r == OUTCOME_INVALID)
                r = mohr_result_reason(result) == MOHR_REASON_REPLAYED ? 1 : 2;
        mohr_result_free(result);
        mohr_replay_redis_free(store);
        _exit(r < 0 ? 3 : r);
}

static void of_two_processes_exactly_one_wins(void **state)
{
        enum { ROUNDS = 8, PROCESSES = 2 };
        struct fixture *f = *state;
        need_server(f);
        struct testpki *pki = testpki_new();
        struct mohr_trust *trust = testpki_trust((X509 *[]){ pki->ca, NULL });
        json_t *header = testpki_header("RS256", pki->leaf, NULL, NULL);
        json_t *payload = testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
        for (int round = 0; round < ROUNDS; round++) {
                int start[2], count[2] = { 0 };
                char nonce[32];
                pid_t pids[PROCESSES];
                snprintf(nonce, sizeof nonce, "question-%d", round);
                json_object_set_new(payload, "nonce", json_string(nonce));
                char *jws = testpki_sign_json(header, payload, pki->leaf_key, "RS256");
                assert_int_equal(pipe(start), 0);
                for (int i = 0; i < PROCESSES; i++)
                        pids[i] = race(f, trust, jws, start);
                close(start[0]);
                close(start[1]); /* now */
                for (int i = 0; i < PROCESSES; i++) {
                        int status;
                        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
                        assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
                        count[WEXITSTATUS(status)]++;
                }
                assert_int_equal(count[0], 1);
                free(jws);
        }
        json_decref(header);
        json_decref(payload);
        mohr_trust_free(trust);
        testpki_free(pki);
}

static void a_server_that_is_away_is_no_yes_and_one_that_came_back_is_found(void **state)
{
        struct fixture *f = *state;
        need_server(f);
        struct mohr_replay *store = store_at(f->address, PATIENT);
        assert_int_equal(take(store, 30), 0);
        stop_server(f);
        assert_int_equal(take(store, 31), -EIO);
        assert_int_equal(take(store, 31), -EIO);
        start_server(f, NULL);
        wait_for_server(f);
        assert_int_equal(take(store, 31), 0);
        assert_int_equal(take(store, 31), 1);
        stop_server(f);
        start_server(f, NULL);
        wait_for_server(f);
        assert_int_equal(take(store, 32), 0); /* the old connection is dead, a new one is made */
        mohr_replay_redis_free(store);
}

static void a_server_that_says_nothing_is_waited_for_only_so_long(void **state)
{
        struct fixture *f = *state;
        need_server(f);
        struct mohr_replay *store = store_at(f->address, 50),
                           *patient = store_at(f->address, PATIENT);
        assert_int_equal(take(patient, 40), 0);
        kill(f->server, SIGSTOP);
        assert_int_equal(take(store, 41), -EIO);
        kill(f->server, SIGCONT);
        wait_for_server(f);
        mohr_replay_redis_free(store);
        mohr_replay_redis_free(patient);
}

static void a_password_opens_the_server(void **state)
{
        struct fixture *f = *state;
        static const struct {
                const char *user, *password;
                int answer;
        } rows[] = { { NULL, "right", 0 }, /* from here on it has started */
                { NULL, NULL, -EIO }, { NULL, "wrong", -EIO }, { "default", "right", 1 },
                { "nobody", "right", -EIO } };
        need_server(f);
        stop_server(f);
        start_server(f, "right");
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const struct mohr_redis_options options = { .address = f->address,
                        .timeout_ms = PATIENT,
                        .user = rows[i].user,
                        .password = rows[i].password };
                struct mohr_replay *store = NULL;
                assert_int_equal(mohr_replay_redis_new(&store, &options), 0);
                int r = take(store, 50);
                for (int tries = 0; r == -EIO && i == 0 && tries < 3000; tries++) {
                        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL); /* it starts */
                        r = take(store, 50);
                }
                assert_int_equal(r, rows[i].answer);
                mohr_replay_redis_free(store);
        }
        stop_server(f);
        start_server(f, NULL);
        wait_for_server(f);
}

/* ---- a server in the middle ---- */

struct middle {
        struct sockaddr_un here, there;
        int listener;
        const char *
                script; /* one letter a connection: 'r' relays, 'l' loses the answer, else see said[] */
};

static const struct {
        char letter;
        const char *said;
} answers[] = {
        { 'h', "" }, /* hangs up */
        { 'e', "-OOM command not allowed\r\n" },
        { 'q', "+QUEUED\r\n" },
        { 'i', ":1\r\n" },
        { 'b', "$2\r\nOK\r\n" },
        { 'a', "*1\r\n+OK\r\n" },
        { 'g', "HTTP/1.1 400 Bad Request\r\n\r\n" },
        { 'c', "+O" },
};

static struct sockaddr_un name_of(const char *path)
{
        struct sockaddr_un name = { .sun_family = AF_UNIX };
        assert_true(strlen(path) < sizeof name.sun_path);
        memcpy(name.sun_path, path, strlen(path) + 1);
        return name;
}

/* One request there, its answer back; false when either side is done. */
static bool relay(int from, int to)
{
        char text[512];
        ssize_t len = recv(from, text, sizeof text, 0);
        return len > 0 && send(to, text, (size_t)len, MSG_NOSIGNAL) == len;
}

static void converse(const struct middle *m, int fd, char letter)
{
        char text[512];
        for (size_t i = 0; i < ARRAY_LEN(answers); i++)
                if (answers[i].letter == letter && recv(fd, text, sizeof text, 0) > 0)
                        (void)send(fd, answers[i].said, strlen(answers[i].said), MSG_NOSIGNAL);
        if (letter != 'r' && letter != 'l')
                return;
        int up = socket(AF_UNIX, SOCK_STREAM, 0);
        if (up >= 0 && connect(up, (const struct sockaddr *)&m->there, sizeof m->there) == 0) {
                if (letter == 'l')
                        (void)(relay(fd, up) && recv(up, text, sizeof text, 0));
                while (letter == 'r' && relay(fd, up) && relay(up, fd))
                        continue;
        }
        close(up);
}

static void *stand_between(void *user)
{
        const struct middle *m = user;
        for (const char *letter = m->script; *letter; letter++) {
                int fd = accept(m->listener, NULL, NULL);
                if (fd < 0)
                        break;
                converse(m, fd, *letter);
                close(fd);
        }
        close(m->listener);
        return NULL;
}

static int take_through(struct fixture *f, const char *script, unsigned int number)
{
        char path[104], address[112];
        snprintf(path, sizeof path, "%s/middle", f->dir);
        snprintf(address, sizeof address, "unix:%s", path);
        unlink(path);
        struct middle m = { .here = name_of(path), .there = name_of(f->socket), .script = script };
        m.listener = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(bind(m.listener, (struct sockaddr *)&m.here, sizeof m.here), 0);
        assert_int_equal(listen(m.listener, 8), 0);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, stand_between, &m), 0);
        struct mohr_replay *store = store_at(address, PATIENT);
        int r = take(store, number);
        mohr_replay_redis_free(store);
        pthread_join(thread, NULL);
        return r;
}

static void an_answer_that_was_lost_is_no_replay(void **state)
{
        struct fixture *f = *state;
        need_server(f);
        assert_int_equal(take_through(f, "lr", 60), 0); /* it was ours */
        assert_int_equal(take_through(f, "lr", 60), 1); /* it was another's */
        assert_int_equal(take_through(f, "hr", 61), 0); /* it was never heard */
        assert_int_equal(take_through(f, "hr", 61), 1);
        assert_int_equal(take_through(f, "ll", 62), -EIO);
}

static void only_a_clear_yes_is_one(void **state)
{
        static const char *const scripts[] = { "e", "q", "i", "b", "a", "gg", "cc", "hh", "le",
                "lh", "hi" };
        struct fixture *f = *state;
        need_server(f);
        for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
                if (take_through(f, scripts[i], 70 + (unsigned int)i) != -EIO)
                        fail_msg("%s", scripts[i]);
}

static void addresses_and_options_have_bounds(void **state)
{
        static const char *const bad[] = { "", "unix:", "unix:relative", "host", "host:", ":1",
                "host:0", "host:65536", "host:12x", "host:-1", "[]:1" };
        static const char *const good[] = { "host:1", "[::1]:6379", "unix:/x", "10.0.0.1:65535" };
        struct mohr_replay *store = NULL;
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                const struct mohr_redis_options options = { .address = bad[i] };
                if (mohr_replay_redis_new(&store, &options) != -EINVAL)
                        fail_msg("%s", bad[i]);
        }
        const struct mohr_redis_options odd[] = { { .address = NULL },
                { .address = "h:1", .timeout_ms = -1 }, { .address = "h:1", .timeout_ms = 60001 },
                { .address = "h:1", .user = "without a password" },
                { .address = "h:1", .prefix = KEY KEY } };
        for (size_t i = 0; i < ARRAY_LEN(odd); i++)
                assert_int_equal(mohr_replay_redis_new(&store, &odd[i]), -EINVAL);
        assert_null(store);
        for (size_t i = 0; i < ARRAY_LEN(good); i++)
                assert_null(mohr_replay_redis_free(store_at(good[i], 1)));
        assert_null(mohr_replay_redis_free(NULL));
}

static int set_up(void **state)
{
        static struct fixture fixture = { .dir = "/tmp/mohr-redis-XXXXXX" };
        assert_non_null(mkdtemp(fixture.dir));
        snprintf(fixture.socket, sizeof fixture.socket, "%s/redis", fixture.dir);
        snprintf(fixture.address, sizeof fixture.address, "unix:%s", fixture.socket);
        *state = &fixture;
        if (access(SERVER, X_OK) < 0)
                return 0;
        start_server(&fixture, NULL);
        wait_for_server(&fixture);
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;
        char path[104];
        stop_server(f);
        snprintf(path, sizeof path, "%s/middle", f->dir);
        unlink(path);
        unlink(f->socket);
        return rmdir(f->dir);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_first_is_new_and_all_others_are_not),
                cmocka_unit_test(of_two_processes_exactly_one_wins),
                cmocka_unit_test(a_server_that_is_away_is_no_yes_and_one_that_came_back_is_found),
                cmocka_unit_test(a_server_that_says_nothing_is_waited_for_only_so_long),
                cmocka_unit_test(a_password_opens_the_server),
                cmocka_unit_test(an_answer_that_was_lost_is_no_replay),
                cmocka_unit_test(only_a_clear_yes_is_one),
                cmocka_unit_test(addresses_and_options_have_bounds),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
