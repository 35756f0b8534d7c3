/* SPDX-License-Identifier: Apache-2.0 */
/* mohr-history: keeps the history of one user's requests for the daemon that started it.
 *
 * Questions come in on descriptor 3, each gets one answer, see frame.h; the end of the channel is the end of the
 * process. It meets no card, no network and no person, and is the only part of Mohr that knows SQLite. What it
 * cannot read as a question it does not answer: it ends, and whoever sent that finds out.
 */
#include "daemon/history/clerk.h"
#include "daemon/history/confine.h"

#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#define CHANNEL 3

struct worker {
        struct clerk *clerk;
        struct history_reply reply;
        uint8_t in[HISTORY_FRAME_MAX + 1], out[HISTORY_FRAME_MAX];
};

/* Length, 0 at the end of the channel, or negative. */
static ssize_t receive(uint8_t *dst, size_t cap)
{
        ssize_t len;
        do
                len = recv(CHANNEL, dst, cap, MSG_TRUNC);
        while (len < 0 && errno == EINTR);
        return len < 0 ? -errno : len;
}

static int answer(struct worker *worker, size_t len)
{
        size_t out_len = 0;
        int r = clerk_answer(worker->clerk, worker->in, len, time(NULL), &worker->reply);
        if (r == 0)
                r = history_reply_encode(&worker->reply, worker->out, sizeof worker->out, &out_len);
        if (r < 0)
                return r;
        return send(CHANNEL, worker->out, out_len, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static bool somebody_asks(void)
{
        struct pollfd channel = { .fd = CHANNEL, .events = POLLIN };
        return poll(&channel, 1, 0) != 0;
}

static int serve(struct worker *worker)
{
        ssize_t len;
        while ((len = receive(worker->in, sizeof worker->in)) > 0) {
                int r = answer(worker, base_min((size_t)len, sizeof worker->in));
                if (r < 0 || clerk_is_stale(worker->clerk))
                        return r;
                while (!somebody_asks() && clerk_tidy(worker->clerk, time(NULL)))
                        ;
        }
        return (int)len;
}

static bool read_number(const char *text, unsigned int *ret)
{
        char *end = NULL;
        errno = 0;
        unsigned long number = strtoul(text, &end, 10);
        if (errno != 0 || end == text || *end || *text == '-' || number > 100000)
                return false;
        *ret = (unsigned int)number;
        return true;
}

static bool read_arguments(char **argv, const char **ret_dir, struct rows_setting *setting)
{
        *ret_dir = NULL;
        for (char **arg = argv + 1; *arg; arg++) {
                if (strcmp(*arg, "--values") == 0)
                        setting->values = true;
                else if (strcmp(*arg, "--station") == 0)
                        setting->station = true;
                else if (strcmp(*arg, "--dir") == 0 && arg[1])
                        *ret_dir = *++arg;
                else if (strcmp(*arg, "--keep-days") != 0 || !arg[1] ||
                         !read_number(*++arg, &setting->keep_days))
                        return false;
        }
        return *ret_dir && **ret_dir == '/';
}

/* What a library opens on its first use must be open before the folder is all there is. */
static int warm_up(void)
{
        uint8_t random[8], digest[EVP_MAX_MD_SIZE];
        if (sqlite3_initialize() != SQLITE_OK)
                return -ENOMEM;
        sqlite3_randomness(sizeof random, random);
        json_object_seed(0);
        return EVP_Digest(random, sizeof random, digest, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

static int run(const char *dir, const struct rows_setting *setting)
{
        _cleanup_free_ struct worker *worker = calloc(1, sizeof *worker);
        int r = worker ? confine_process() : -ENOMEM;
        if (r == 0)
                r = warm_up();
        if (r == 0)
                r = clerk_new(&worker->clerk, dir, setting, confine_to_folder);
        if (r == 0)
                r = serve(worker);
        if (worker)
                clerk_free(worker->clerk);
        return r;
}

int main(int argc, char **argv)
{
        struct rows_setting setting = { 0 };
        const char *dir;
        (void)argc;
        if (!read_arguments(argv, &dir, &setting)) {
                fputs("mohr-history is started by mohrd, see mohrd(8)\n", stderr);
                return 2;
        }
        return run(dir, &setting) < 0 ? 1 : 0;
}
