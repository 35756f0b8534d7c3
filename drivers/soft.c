/* SPDX-License-Identifier: Apache-2.0 */
/* soft.c: one reader that holds the simulated card, inside the helper's own process.
 *
 * The card's options go to softcard_new() as they are (drivers/softcard/softcard.h). Three more are
 * this driver's own:
 *      state=FILE      what outlives a process: the PIN counters, and comings and goings of the card
 *      back=MS         how long a card stays away that a fault has lifted (default 300)
 *      faults=once     faults strike the first helper that uses FILE, not each one after it
 * FILE is mapped before the sandbox is closed. Through it the watcher, a process of its own, learns
 * that the card was lifted: it sleeps on a word in it (futex) and polls nothing. Without FILE there
 * is nothing to learn, and the card lies there for ever. What is wrong with the options is the helper's to
 * say: it has a reader to say it of.
 *
 * It is a driver like the others to everyone above, except that `simulated` says what it is.
 */
#include "base/log.h"
#include "drivers/driver.h"
#include "drivers/softcard/softcard.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#define READER_NAME     "Simulated reader (SIMULATED CARD)"
#define OPTIONS_MAX     48
#define BACK_DEFAULT_MS 300
#define BACK_MAX_MS     60000

/* The shared file. Zeroed means a new card that was never lifted. */
struct shared {
        struct softcard_nv nv;
        _Atomic int64_t back_at_ms; /* CLOCK_MONOTONIC: until then a lifted card stays away */
        _Atomic uint32_t lifts;     /* how often it was lifted; watchers sleep on it */
        _Atomic uint32_t faults_given;
};

struct options {
        const char *card[OPTIONS_MAX + 1];
        size_t count;
        const char *state;
        long back_ms;
        bool faults_once;
};

struct soft {
        struct softcard *card;
        struct shared *shared;
        long back_ms;
        enum card_event happened; /* since the last begin that succeeded */
        uint32_t lifts;           /* at that begin; a hand outside may lift the card, too */
};

struct soft_watch {
        struct shared *shared;
        uint32_t reported; /* the `events` of the last report, 0: none yet */
};

static const char *value_of(const char *option, const char *name)
{
        size_t len = strlen(name);
        return strncmp(option, name, len) == 0 && option[len] == '=' ? option + len + 1 : NULL;
}

static int take_back(struct options *options, const char *value)
{
        char *end;
        options->back_ms = strtol(value, &end, 10);
        bool valid =
                *value && *end == '\0' && options->back_ms >= 0 && options->back_ms <= BACK_MAX_MS;
        return valid ? 0 : -EINVAL;
}

static int take_option(struct options *options, const char *option)
{
        const char *value;
        if ((value = value_of(option, "back")))
                return take_back(options, value);
        if ((value = value_of(option, "state"))) {
                options->state = value;
                return 0;
        }
        if ((value = value_of(option, "faults"))) {
                options->faults_once = strcmp(value, "once") == 0;
                return options->faults_once || strcmp(value, "always") == 0 ? 0 : -EINVAL;
        }
        if (options->count == OPTIONS_MAX)
                return -EINVAL;
        options->card[options->count++] = option;
        return 0;
}

static int options_parse(struct options *options, const char *const *given, const char **ret_bad)
{
        *options = (struct options){ .back_ms = BACK_DEFAULT_MS };
        for (; given && *given; given++) {
                int r = take_option(options, *given);
                if (r < 0) {
                        *ret_bad = *given;
                        return r;
                }
        }
        return 0;
}

static void drop_faults(struct options *options)
{
        size_t kept = 0;
        for (size_t i = 0; i < options->count; i++)
                if (!value_of(options->card[i], "fault"))
                        options->card[kept++] = options->card[i];
        options->card[kept] = NULL;
        options->count = kept;
}

/* The state file, made if it is not there; without one, memory that nobody else sees. */
static int map_shared(struct shared **ret, const char *path)
{
        _cleanup_close_ int fd = -1;
        int flags = MAP_SHARED;
        if (path) {
                fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
                if (fd < 0 || ftruncate(fd, sizeof **ret) < 0)
                        return -errno;
        } else {
                flags |= MAP_ANONYMOUS;
        }
        void *map = mmap(NULL, sizeof **ret, PROT_READ | PROT_WRITE, flags, fd, 0);
        if (map == MAP_FAILED)
                return -errno;
        *ret = map;
        return 0;
}

static int64_t now_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t away_ms(const struct shared *shared)
{
        int64_t left = atomic_load(&shared->back_at_ms) - now_ms();
        return left > 0 && left <= BACK_MAX_MS ? left : 0;
}

static void tell_lifted(struct soft *soft)
{
        soft->happened = CARD_IS_NEW;
        atomic_store(&soft->shared->back_at_ms, now_ms() + soft->back_ms);
        atomic_fetch_add(&soft->shared->lifts, 1);
        (void)syscall(SYS_futex, &soft->shared->lifts, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* One reader */

static void soft_close(void *reader)
{
        struct soft *soft = reader;
        softcard_free(soft->card);
        munmap(soft->shared, sizeof *soft->shared);
        free(soft);
}

static void soft_close_cleanup(struct soft **slot)
{
        if (*slot)
                soft_close(*slot);
}

#define NOT_UNDERSTOOD "a setting in [soft] is not understood"
#define NO_STATE       "the file that [soft] state names cannot be used"
#define NO_PKI         "[soft] pki names no folder made by mohr-softcard --make-pki"

/* Still before the sandbox. Who writes [soft] is a developer and wants to know what is wrong with it: here which
 * setting, and in the reader's state that there is one. */
static int complain(const char *what, const char *bad)
{
        const struct log log = {
                .program = "mohr-reader", .max = LOG_LEVEL_INFO, .fd = STDERR_FILENO
        };
        log_kv(&log, LOG_LEVEL_ERR, NULL, what, "setting", bad ? bad : "", NULL);
        return OUTCOME_USAGE;
}

static int soft_open(void **ret_reader, const char *reader, const char *const *given)
{
        struct options options;
        const char *bad = NULL;
        if (strcmp(reader, READER_NAME) != 0)
                return OUTCOME_NO_READER;
        if (options_parse(&options, given, &bad) < 0)
                return complain(NOT_UNDERSTOOD, bad);
        struct shared *shared;
        int r = map_shared(&shared, options.state);
        if (r < 0)
                return options.state ? complain(NO_STATE, options.state) : r;
        _cleanup_(soft_close_cleanup) struct soft *soft = calloc(1, sizeof *soft);
        if (!soft) {
                munmap(shared, sizeof *shared);
                return -ENOMEM;
        }
        *soft = (struct soft){
                .shared = shared, .back_ms = options.back_ms, .happened = CARD_IS_NEW
        };
        if (options.faults_once && atomic_exchange(&shared->faults_given, 1) != 0)
                drop_faults(&options);
        r = softcard_new(&soft->card, options.card, &shared->nv, &bad);
        if (r < 0)
                return r == -ENOMEM ? r : complain(r == -ENOENT ? NO_PKI : NOT_UNDERSTOOD, bad);
        *ret_reader = soft;
        soft = NULL;
        return 0;
}

static int soft_begin(void *reader, struct driver_card *ret)
{
        struct soft *soft = reader;
        uint32_t lifts = atomic_load(&soft->shared->lifts);
        if (away_ms(soft->shared) > 0)
                return OUTCOME_NO_CARD;
        if (!softcard_present(soft->card))
                softcard_insert(soft->card);
        if (lifts != soft->lifts)
                soft->happened = CARD_IS_NEW;
        if (soft->happened != CARD_SAME)
                softcard_power_on(soft->card);
        soft->lifts = lifts;
        struct driver_card found = { .event = soft->happened, .insertion = lifts };
        const uint8_t *atr = softcard_atr(soft->card, &found.atr_len);
        found.protocol = softcard_is_t0(soft->card) ? APDU_T0 : APDU_T1;
        found.atr_len = base_min(found.atr_len, sizeof found.atr);
        memcpy(found.atr, atr, found.atr_len);
        soft->happened = CARD_SAME;
        *ret = found;
        return 0;
}

static int soft_transmit(
        void *reader, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct soft *soft = reader;
        int r = softcard_transmit(soft->card, cmd, cmd_len, rsp, cap, ret_len);
        if (r == OUTCOME_CARD_REMOVED && soft->happened == CARD_SAME)
                tell_lifted(soft);
        return r;
}

static int soft_end(void *reader, enum driver_end how)
{
        struct soft *soft = reader;
        if (how == DRIVER_LEAVE || soft->happened != CARD_SAME)
                return 0;
        softcard_power_on(soft->card);
        soft->happened = CARD_WAS_RESET;
        return 0;
}

/* The watcher */

static int soft_watch_open(void **ret_watch, const char *const *given)
{
        struct options options;
        const char *bad;
        if (options_parse(&options, given, &bad) < 0)
                options.state = NULL;
        _cleanup_free_ struct soft_watch *watch = calloc(1, sizeof *watch);
        if (!watch)
                return -ENOMEM;
        int r = map_shared(&watch->shared, options.state);
        if (r < 0)
                r = map_shared(&watch->shared, NULL);
        if (r < 0)
                return r;
        *ret_watch = watch;
        watch = NULL;
        return 0;
}

static void sleep_until_lifted(struct shared *shared, uint32_t lifts, int64_t away)
{
        const struct timespec limit = { .tv_sec = away / 1000,
                .tv_nsec = away % 1000 * 1000000 + 999999 };
        (void)syscall(
                SYS_futex, &shared->lifts, FUTEX_WAIT, lifts, away > 0 ? &limit : NULL, NULL, 0);
}

/* Odd events: the card lies there; even ones: it is away. */
static int soft_watch(void *opaque, struct driver_reader *ret, size_t *ret_count)
{
        struct soft_watch *watch = opaque;
        for (;;) {
                uint32_t lifts = atomic_load(&watch->shared->lifts);
                int64_t away = away_ms(watch->shared);
                uint32_t events = 2 * lifts + (away == 0);
                if (events != watch->reported) {
                        watch->reported = events;
                        *ret = (struct driver_reader){
                                .name = READER_NAME, .present = away == 0, .events = events
                        };
                        *ret_count = 1;
                        return 0;
                }
                sleep_until_lifted(watch->shared, lifts, away);
        }
}

const struct driver driver_soft = {
        .name = "soft",
        .simulated = true,
        .open = soft_open,
        .begin = soft_begin,
        .transmit = soft_transmit,
        .end = soft_end,
        .close = soft_close,
        .watch_open = soft_watch_open,
        .watch = soft_watch,
};
