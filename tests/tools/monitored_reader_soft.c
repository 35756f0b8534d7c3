/* SPDX-License-Identifier: Apache-2.0 */
/* monitored_reader_soft.c: mohr-reader-soft with a witness at its card.
 *
 *   monitored_reader_soft ...             as mohr-reader-soft
 *   monitored_reader_soft --lift FILE     a hand takes the card of state=FILE away, for a minute at most
 *   monitored_reader_soft --back FILE     and lays it back
 *   monitored_reader_soft --judge FILE    what the rule monitor has to say of all that was seen; 1 if anything
 *
 * It is that driver, source and all, but for three calls to the card, which pass through here. The card is
 * inside the helper, where nobody outside can ask it anything; so what it was told and what came of it stand
 * in a file beside its state (FILE.witness), mapped before the sandbox is closed. Statistics come first, as
 * JSON in a field of fixed size, then a line for each exchange, then what the next helper goes on from. The
 * monitor is shown the lines afterwards: one card may have had several helpers. One helper at a time has it,
 * and only that one writes; who reads meanwhile, or after it was killed, finds whole statistics and whole lines.
 */
#include "base/clock.h"
#include "drivers/helper/helper.h"
#include "drivers/softcard/softcard.h"
#include "tests/monitor/monitor.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

#define LOG_MAX      (1024 * 1024)
#define FRAME_MAX    4096
#define EXCHANGE_MAX (4 * FRAME_MAX + 128)
#define STATS_MAX    512

struct witness {
        char stats[STATS_MAX];
        char log[LOG_MAX];
        size_t log_len;
        struct softcard_stats total; /* of all helpers that had this card */
        bool verified;
        int64_t changed_ms; /* that, by CLOCK_MONOTONIC */
};

/* Of the process's card: a helper has one. */
static struct {
        struct witness *witness;
        struct softcard_stats before;
} here;

static void put_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void put_line(const char *format, ...)
{
        struct witness *w = here.witness;
        char line[EXCHANGE_MAX], *end = w->log + w->log_len;
        va_list args;
        va_start(args, format);
        int len = vsnprintf(line, sizeof line, format, args);
        va_end(args);
        if (len <= 0 || (size_t)len >= base_min(sizeof line, sizeof w->log - w->log_len))
                return;
        memcpy(end + 1, line + 1, (size_t)len);
        __atomic_store_n(end, line[0], __ATOMIC_RELEASE); /* until then the log ends before it */
        w->log_len += (size_t)len;
}

static void note_change(struct witness *witness, bool verified)
{
        if (verified != witness->verified)
                witness->changed_ms = clock_ms();
        witness->verified = verified;
}

static void tell_stats(const struct softcard *card)
{
        note_change(here.witness, softcard_pin_verified(card));
        const struct softcard_stats *now = softcard_stats(card), *before = &here.before;
        struct softcard_stats *total = &here.witness->total;
        total->exchanges = before->exchanges + now->exchanges;
        total->verify_commands = before->verify_commands + now->verify_commands;
        total->writes = before->writes + now->writes;
        total->signatures = before->signatures + now->signatures;
        total->renewals = before->renewals + now->renewals;
        char text[STATS_MAX] = "";
        (void)snprintf(text, sizeof text,
                "{\"pin_verified\": %s, \"pin_changed_ms\": %lld, \"exchanges\": %u, "
                "\"verify_commands\": %u, \"writes\": "
                "%u, \"signatures\": %u, \"renewals\": %u}",
                here.witness->verified ? "true" : "false", (long long)here.witness->changed_ms,
                total->exchanges, total->verify_commands, total->writes, total->signatures,
                total->renewals);
        memcpy(here.witness->stats, text, sizeof text);
}

static int map_witness(const char *state)
{
        char path[4096];
        struct witness *map;
        int len = snprintf(path, sizeof path, "%s.witness", state ? state : "");
        if (!state || len < 0 || (size_t)len >= sizeof path)
                return -EINVAL;
        _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || ftruncate(fd, sizeof *map) < 0)
                return -errno;
        map = mmap(NULL, sizeof *map, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
                return -errno;
        here.witness = map;
        here.before = map->total;
        return 0;
}

static int witnessed_new(struct softcard **ret, const char *const *options, struct softcard_nv *nv,
        const char **ret_bad, const char *state)
{
        int r = map_witness(state);
        if (r == 0)
                r = softcard_new(ret, options, nv, ret_bad);
        if (r < 0)
                return r;
        put_line("power on\n");
        tell_stats(*ret);
        return 0;
}

static void witnessed_power_on(struct softcard *card)
{
        softcard_power_on(card);
        put_line("power on\n");
        tell_stats(card);
}

static int witnessed_transmit(struct softcard *card, const uint8_t *cmd, size_t cmd_len,
        uint8_t *rsp, size_t cap, size_t *ret_len)
{
        char command[2 * FRAME_MAX + 1] = "", answer[2 * FRAME_MAX + 1] = "";
        size_t len = 0;
        int r = softcard_transmit(card, cmd, cmd_len, rsp, cap, &len);
        if (r == 0)
                *ret_len = len;
        if (cmd_len <= FRAME_MAX && len <= FRAME_MAX) {
                hex_encode(command, cmd, cmd_len);
                hex_encode(answer, rsp, len);
        }
        put_line("%.8s len=%zu answer=%zu sw=%s %s %s\n", command, cmd_len, len,
                len >= 2 ? answer + 2 * len - 4 : "none", command, answer);
        if (r == OUTCOME_CARD_REMOVED)
                put_line("power gone\n");
        tell_stats(card);
        return r;
}

/* ---- afterwards ---------------------------------------------------------------------------- */

/* True for an exchange. */
static bool show_line(struct monitor *monitor, const char *line)
{
        char command[2 * FRAME_MAX + 1], answer[2 * FRAME_MAX + 1] = "";
        uint8_t cmd[FRAME_MAX], rsp[FRAME_MAX];
        if (strncmp(line, "power ", 6) == 0)
                monitor_event(monitor,
                        strncmp(line, "power gone", 10) == 0 ? MONITOR_REMOVED : MONITOR_RESET);
        if (sscanf(line, "%*s len=%*u answer=%*u sw=%*s %8192[0-9a-f] %8192[0-9a-f]", command,
                    answer) < 1)
                return false;
        ssize_t cmd_len = hex_decode(cmd, sizeof cmd, command);
        ssize_t rsp_len = hex_decode(rsp, sizeof rsp, answer);
        if (cmd_len <= 0 || rsp_len < 0)
                return false;
        monitor_exchange(monitor, cmd, (size_t)cmd_len, rsp, (size_t)rsp_len);
        return true;
}

static int judge(const char *state)
{
        _cleanup_monitor_ struct monitor *monitor = NULL;
        size_t count = 0, shown = 0;
        if (map_witness(state) < 0 || monitor_new(&monitor) < 0)
                return 2;
        for (char *line = here.witness->log; *line; line = strchr(line, '\n') + 1)
                shown += show_line(monitor, line);
        const struct monitor_breach *breaches = monitor_breaches(monitor, &count);
        for (size_t i = 0; i < count; i++)
                printf("BREACH of rule %d at exchange %u: %s\n", breaches[i].rule,
                        breaches[i].exchange, breaches[i].what);
        printf("%zu exchanges\n", shown);
        return count > 0;
}

/* ---- the driver ---------------------------------------------------------------------------- */

#define softcard_new(ret, list, nv, bad) witnessed_new(ret, list, nv, bad, options.state)
#define softcard_power_on                witnessed_power_on
#define softcard_transmit                witnessed_transmit
#include "drivers/soft.c"

/* Either way the word on which the watcher sleeps is another one afterwards: it may be about to. */
static int by_hand(const char *state, bool lift)
{
        struct shared *shared;
        int r = map_shared(&shared, state);
        if (r < 0)
                return r;
        atomic_store(&shared->back_at_ms, lift ? now_ms() + BACK_MAX_MS : 0);
        atomic_fetch_add(&shared->lifts, 1);
        (void)syscall(SYS_futex, &shared->lifts, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
        munmap(shared, sizeof *shared);
        return 0;
}

/* Not instrumented: as drivers/reader-soft/main.c. */
__attribute__((no_sanitize_address)) int main(int argc, char **argv)
{
        static const struct driver *const drivers[] = { &driver_soft, NULL };
        const char *word = argc == 3 ? argv[1] : "";
        if (strcmp(word, "--judge") == 0)
                return judge(argv[2]);
        if (strcmp(word, "--lift") == 0 || strcmp(word, "--back") == 0)
                return by_hand(argv[2], word[2] == 'l') < 0;
        _Exit(helper_main(drivers, argc, argv));
}
