/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: mohr-softcard, a SIMULATED CARD in the virtual reader of a pcscd.
 *
 *   mohr-softcard --make-pki DIR
 *   mohr-softcard --vpcd HOST:PORT --profile NAME --pki DIR --pin DIGITS [NAME=VALUE ...]
 *   mohr-softcard --vpcd HOST:PORT --replay FILE --pki DIR
 *   mohr-softcard --list
 *
 * Every NAME=VALUE is a switch of --list or fault=...; --profile, --pki, --pin, --switch and --fault
 * are other spellings of the same. The log holds headers, lengths and status words, never data.
 * SIGTERM ends the program, SIGUSR1 writes the statistics, SIGUSR2 lifts the card off the reader and
 * lays it back.
 */
#include "base/clock.h"
#include "drivers/softcard/vpcd.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>

#define OPTIONS_MAX 96

struct program {
        const char *make_pki, *vpcd, *state, *stats, *log_path;
        const char *options[OPTIONS_MAX + 1];
        char *owned[OPTIONS_MAX];
        size_t option_count;
        int patience_ms;
        bool list, help;
        FILE *log;
        struct softcard *card;
        const struct softcard_nv *nv;
        int signals;
        struct timespec begun;
        bool verified;      /* as it was when it was looked at last */
        int64_t changed_ms; /* and since when, by CLOCK_MONOTONIC */
};

static void program_cleanup(struct program *program)
{
        softcard_free(program->card);
        for (size_t i = 0; i < program->option_count; i++)
                free(program->owned[i]);
        if (program->log)
                fclose(program->log);
        if (program->signals >= 0)
                close(program->signals);
}

static int usage(FILE *to, int code)
{
        fputs("mohr-softcard " MOHR_VERSION ": a SIMULATED CARD for tests\n"
              "  --make-pki DIR                    make the test keys and certificates in an empty "
              "folder\n"
              "  --list                            profiles, switches and faults\n"
              "  --vpcd HOST:PORT --profile NAME --pki DIR --pin DIGITS [NAME=VALUE ...]\n"
              "  --vpcd HOST:PORT --replay FILE --pki DIR    answer as a transcript does\n"
              "      --switch NAME=VALUE  --fault KIND@WHERE[:WHEN]\n"
              "      --state FILE    try counters, kept over restarts\n"
              "      --stats FILE    JSON, replaced after each exchange\n"
              "      --log FILE      a line per exchange: header, lengths, status word\n"
              "      --patience SECONDS  how long to try while no pcscd answers (10)\n",
                to);
        return code;
}

static int print_list(void)
{
        puts("profiles:");
        for (const char *const *name = softcard_profiles; *name; name++)
                printf("  %s\n", *name);
        puts("switches: name=values (default) [evidence] meaning");
        for (const struct softcard_switch *row = softcard_switches; row->name; row++)
                printf("  %s=%s (%s) %s  %s\n", row->name, row->values, row->fallback,
                        row->evidence, row->help);
        puts("faults: fault=KIND@WHERE[:WHEN]\n"
             "  KIND   removal[:MS] reset mute[:MS] truncate[:BYTES] sw-only oversize[:BYTES]\n"
             "         wrong-der-length[:LENGTH] garbage wrong-sw=XXXX\n"
             "  WHERE  N | total:N | NAME[#K]: select read verify empty-verify mse hash cds\n"
             "         get-response counter key-query get-data authenticate\n"
             "  WHEN   before | lost | after\n"
             "         (in a pcscd's reader a lifted card stays away for 1.2 s at least)");
        return 0;
}

static int add_option(struct program *program, const char *name, const char *value)
{
        char *text = NULL;
        if (program->option_count == OPTIONS_MAX)
                return -E2BIG;
        if (asprintf(&text, "%s%s%s", name, *name ? "=" : "", value) < 0)
                return -ENOMEM;
        program->owned[program->option_count] = text;
        program->options[program->option_count++] = text;
        return 0;
}

enum {
        OPT_MAKE_PKI = 256,
        OPT_VPCD,
        OPT_PROFILE,
        OPT_PKI,
        OPT_PIN,
        OPT_REPLAY,
        OPT_SWITCH,
        OPT_FAULT,
        OPT_STATE,
        OPT_STATS,
        OPT_LOG,
        OPT_LIST,
        OPT_PATIENCE,
        OPT_HELP
};

static const struct option long_options[] = {
        { "make-pki", required_argument, NULL, OPT_MAKE_PKI },
        { "vpcd", required_argument, NULL, OPT_VPCD },
        { "profile", required_argument, NULL, OPT_PROFILE },
        { "pki", required_argument, NULL, OPT_PKI },
        { "pin", required_argument, NULL, OPT_PIN },
        { "replay", required_argument, NULL, OPT_REPLAY },
        { "switch", required_argument, NULL, OPT_SWITCH },
        { "fault", required_argument, NULL, OPT_FAULT },
        { "state", required_argument, NULL, OPT_STATE },
        { "stats", required_argument, NULL, OPT_STATS },
        { "log", required_argument, NULL, OPT_LOG },
        { "list", no_argument, NULL, OPT_LIST },
        { "patience", required_argument, NULL, OPT_PATIENCE },
        { "help", no_argument, NULL, OPT_HELP },
        { NULL, 0, NULL, 0 },
};

static int take_patience(struct program *program, const char *text)
{
        size_t len = strlen(text);
        if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
                return -EINVAL;
        program->patience_ms = atoi(text) * 1000;
        return 0;
}

static int take_option(struct program *program, int which, const char *value)
{
        switch (which) {
        case OPT_MAKE_PKI: program->make_pki = value; return 0;
        case OPT_VPCD: program->vpcd = value; return 0;
        case OPT_PROFILE: return add_option(program, "profile", value);
        case OPT_PKI: return add_option(program, "pki", value);
        case OPT_PIN: return add_option(program, "pin", value);
        case OPT_REPLAY: return add_option(program, "replay", value);
        case OPT_SWITCH: return add_option(program, "", value);
        case OPT_FAULT: return add_option(program, "fault", value);
        case OPT_STATE: program->state = value; return 0;
        case OPT_STATS: program->stats = value; return 0;
        case OPT_LOG: program->log_path = value; return 0;
        case OPT_LIST: program->list = true; return 0;
        case OPT_PATIENCE: return take_patience(program, value);
        case OPT_HELP: program->help = true; return 0;
        default: return -EINVAL;
        }
}

static int parse(struct program *program, int argc, char **argv)
{
        int which, r = 0;
        while (r == 0 && (which = getopt_long(argc, argv, "", long_options, NULL)) != -1)
                r = take_option(program, which, optarg);
        for (; r == 0 && optind < argc; optind++)
                r = add_option(program, "", argv[optind]);
        return r;
}

/* The counters' own page, shared with the file: they survive even SIGKILL. The soft driver keeps more
 * behind them in the same file, which stays. */
static int map_state(const char *path, struct softcard_nv **ret)
{
        _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        struct stat now;
        if (fd < 0 || fstat(fd, &now) < 0)
                return -errno;
        if (now.st_size < (off_t)sizeof **ret && ftruncate(fd, sizeof **ret) < 0)
                return -errno;
        void *map = mmap(NULL, sizeof **ret, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
                return -errno;
        *ret = map;
        return 0;
}

static void print_stats(const struct program *program, FILE *to)
{
        const struct softcard_stats *s = softcard_stats(program->card);
        const struct softcard_nv *nv = program->nv;
        fprintf(to,
                "{\"simulated\": true, \"present\": %s, \"pin_verified\": %s, \"pin_changed_ms\": "
                "%lld, "
                "\"exchanges\": %u, "
                "\"bytes_in\": %u, \"bytes_out\": %u, \"verify_commands\": %u, \"writes\": %u, "
                "\"signatures\": %u, \"strangers\": %u, \"failures\": {\"ias\": %u, \"id\": %u, "
                "\"ev\": %u, "
                "\"ias01\": %u, \"piv\": %u, \"global\": %u, \"puk\": %u}, \"renewals\": %u}\n",
                softcard_present(program->card) ? "true" : "false",
                softcard_pin_verified(program->card) ? "true" : "false",
                (long long)program->changed_ms, s->exchanges, s->bytes_in, s->bytes_out,
                s->verify_commands, s->writes, s->signatures, s->strangers, nv->failures[0],
                nv->failures[1], nv->failures[2], nv->failures_01, nv->failures_piv,
                nv->failures_global, nv->failures_puk, s->renewals);
}

static void note_change(struct program *program)
{
        bool verified = softcard_pin_verified(program->card);
        if (verified != program->verified)
                program->changed_ms = clock_ms();
        program->verified = verified;
}

static void write_stats(struct program *program)
{
        char path[4096];
        note_change(program);
        int len = snprintf(path, sizeof path, "%s.new", program->stats ? program->stats : "");
        if (!program->stats || len < 0 || (size_t)len >= sizeof path)
                return;
        FILE *file = fopen(path, "we");
        if (!file)
                return;
        print_stats(program, file);
        if (fclose(file) == 0)
                (void)rename(path, program->stats);
}

static void on_before(void *user, const uint8_t *cmd _unused_, size_t len _unused_)
{
        struct program *program = user;
        clock_gettime(CLOCK_MONOTONIC, &program->begun);
}

static void log_exchange(const struct program *program, const uint8_t *cmd, size_t len,
        const uint8_t *rsp, size_t rsp_len, int result)
{
        struct timespec now;
        char header[9] = "-", sw[5] = "none";
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (len >= 4)
                hex_encode(header, cmd, 4);
        if (rsp_len >= 2)
                hex_encode(sw, rsp + rsp_len - 2, 2);
        long us = (now.tv_sec - program->begun.tv_sec) * 1000000 +
                  (now.tv_nsec - program->begun.tv_nsec) / 1000;
        fprintf(program->log, "%s len=%zu answer=%zu sw=%s result=%d us=%ld\n", header, len,
                rsp_len, sw, result, us);
        fflush(program->log);
}

static void on_after(
        void *user, const uint8_t *cmd, size_t len, const uint8_t *rsp, size_t rsp_len, int result)
{
        struct program *program = user;
        if (program->log)
                log_exchange(program, cmd, len, rsp, rsp_len, result);
        write_stats(program);
}

static void on_power(void *user, enum softcard_power what)
{
        static const char *const names[] = { "off", "on", "reset", "gone" };
        struct program *program = user;
        if (program->log) {
                fprintf(program->log, "power %s\n", names[what]);
                fflush(program->log);
        }
        write_stats(program);
}

static bool on_wake(void *user)
{
        struct program *program = user;
        struct signalfd_siginfo info;
        if (read(program->signals, &info, sizeof info) != (ssize_t)sizeof info)
                return false;
        if (info.ssi_signo == SIGUSR1)
                write_stats(program);
        if (info.ssi_signo == SIGUSR2 && softcard_present(program->card))
                softcard_remove(program->card);
        else if (info.ssi_signo == SIGUSR2)
                softcard_insert(program->card);
        return info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
}

static int watch_signals(struct program *program)
{
        static const int watched[] = { SIGTERM, SIGINT, SIGUSR1, SIGUSR2 };
        sigset_t set;
        sigemptyset(&set);
        for (size_t i = 0; i < ARRAY_LEN(watched); i++)
                sigaddset(&set, watched[i]);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        program->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return program->signals < 0 ? -errno : 0;
}

static int prepare(struct program *program)
{
        struct softcard_nv *nv = NULL;
        const char *bad = NULL;
        if (!program->state) {
                nv = mmap(NULL, sizeof *nv, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                        0);
                if (nv == MAP_FAILED)
                        return -errno;
        }
        int r = program->state ? map_state(program->state, &nv) : 0;
        if (r < 0) {
                fprintf(stderr, "mohr-softcard: %s: %s\n", program->state, strerror(-r));
                return r;
        }
        program->nv = nv;
        r = softcard_new(&program->card, program->options, nv, &bad);
        if (r < 0)
                fprintf(stderr, "mohr-softcard: %s: %s\n", bad ? bad : "card", strerror(-r));
        return r;
}

static int serve(struct program *program)
{
        static const struct softcard_hooks hooks = { on_before, on_after, on_power, on_wake };
        char host[256];
        const char *colon = strrchr(program->vpcd, ':');
        size_t len = colon ? (size_t)(colon - program->vpcd) : 0;
        if (len == 0 || len >= sizeof host)
                return usage(stderr, 2);
        memcpy(host, program->vpcd, len);
        host[len] = '\0';
        program->log = program->log_path ? fopen(program->log_path, "ae") : NULL;
        if ((program->log_path && !program->log) || watch_signals(program) < 0) {
                fprintf(stderr, "mohr-softcard: cannot start: %s\n", strerror(errno));
                return 1;
        }
        fputs("mohr-softcard: SIMULATED CARD. It proves nothing about anybody.\n", stderr);
        int r = softcard_vpcd_run(program->card, host, colon + 1, program->patience_ms,
                program->signals, &hooks, program);
        write_stats(program);
        if (softcard_stats(program->card)->strangers > 0)
                fprintf(stderr, "mohr-softcard: %u commands are not in the transcript\n",
                        softcard_stats(program->card)->strangers);
        if (r < 0)
                fprintf(stderr, "mohr-softcard: %s: %s\n", program->vpcd, strerror(-r));
        return r < 0 ? 1 : 0;
}

static int make_pki(const char *dir)
{
        int r = softcard_make_pki(dir);
        if (r < 0)
                fprintf(stderr, "mohr-softcard: %s: %s\n", dir, strerror(-r));
        return r < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
        _cleanup_(program_cleanup) struct program program = { .patience_ms = 10000, .signals = -1 };
        if (parse(&program, argc, argv) < 0)
                return usage(stderr, 2);
        if (program.help)
                return usage(stdout, 0);
        if (program.list)
                return print_list();
        if (program.make_pki)
                return make_pki(program.make_pki);
        if (!program.vpcd)
                return usage(stderr, 2);
        return prepare(&program) < 0 ? 2 : serve(&program);
}
