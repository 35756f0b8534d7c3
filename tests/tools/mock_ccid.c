/* SPDX-License-Identifier: Apache-2.0 */
/* mock_ccid.c: a USB card reader that is not there, for programs under umockdev's preload.
 *
 *   mock_ccid --dir DIR [OPTION...] [-- COMMAND...]
 *
 *   --level tpdu|short|extended   (tpdu)     --protocols 0|1|01 (01)      --name TEXT
 *   --rates auto|pps (auto: the reader reads the ATR itself; pps: the host does PPS and SetParameters)
 *   --ifsd N (254; dwMaxIFSD)     --auto-ifsd                             --usb VVVV:PPPP (04e6:5116)
 *   --interrupt yes|no (yes)      --pinpad none|verify|modify|both        --serial TEXT
 *   --max-message N (271)         --wtx-ms N (400)                        --address N (2)
 *   --card-port N (0: any)        --log FILE                              --unplugged
 *
 * The card is another program: `mohr-softcard --vpcd 127.0.0.1:PORT ...` (a connection is a card that
 * lies on the reader; `card-port` in DIR holds the port when none was given). Several mocks may share
 * one DIR if their addresses are 10 apart. "ready" on standard output says that the reader is there.
 *
 * A program meets the reader with LD_PRELOAD=libumockdev-preload.so.0:PATH/mock_seek.so (built beside
 * this program) and UMOCKDEV_DIR=DIR: COMMAND is run so, and the mock ends with its exit status; without one it
 * ends with SIGTERM. DIR must be an existing folder with a short name; everything below is the mock's.
 *
 * DIR/control-ADDRESS is a SOCK_SEQPACKET socket; each packet is a line, each gets one answer:
 *   plug | unplug                  the device; it comes back under the next address
 *   insert | remove                the card, though its program goes on
 *   sleep                          the card loses its power, and nobody is told: a suspended machine
 *   stall-interrupt                the endpoint that tells of cards
 *   type DIGITS|cancel|timeout     on the PIN pad, for the next question
 *   fault KIND[=VALUE]@WHERE[/before][*TIMES] | clear
 *       KIND of the reader's answer: silent sequence short[=BYTES] oversize[=LENGTH] longer[=BYTES] slot
 *            type[=TYPE] error[=CODE] stall stall-out unplug[=MS until it is back] time[=EXTENSIONS]
 *            garbage twice power (off, unasked)
 *       KIND of the card's T=1 block: checksum nak lost wtx[=REQUESTS] block-short block-sequence
 *            block-length abort
 *       WHERE: N (the N-th transfer from now), verify, sign, ins:HH
 *   stats                          JSON: transfers, verifies, secures, struck (faults), powered, present, breaches, ...
 *
 * The log has a line for each thing that reached the card or the bus, with the monotonic time: "power
 * on", "power off", "apdu > LENGTH HEX" (digits redacted), "apdu < ...", "card in", "usb unplugged".
 */
#include "tests/tools/mock/mock.h"

#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

struct choice {
        const char *name;
        unsigned int value;
};

static int choose(const struct choice *choices, const char *name, unsigned int *ret)
{
        for (; choices->name; choices++)
                if (strcmp(choices->name, name) == 0) {
                        *ret = choices->value;
                        return 0;
                }
        return -EINVAL;
}

enum {
        OPT_DIR = 256,
        OPT_LEVEL,
        OPT_PROTOCOLS,
        OPT_RATES,
        OPT_IFSD,
        OPT_AUTO_IFSD,
        OPT_INTERRUPT,
        OPT_PINPAD,
        OPT_MAX,
        OPT_WTX,
        OPT_PORT,
        OPT_LOG,
        OPT_ADDRESS,
        OPT_NAME,
        OPT_SERIAL,
        OPT_USB,
        OPT_UNPLUGGED
};

static const struct option long_options[] = {
        { "dir", required_argument, NULL, OPT_DIR },
        { "level", required_argument, NULL, OPT_LEVEL },
        { "protocols", required_argument, NULL, OPT_PROTOCOLS },
        { "rates", required_argument, NULL, OPT_RATES },
        { "ifsd", required_argument, NULL, OPT_IFSD },
        { "auto-ifsd", no_argument, NULL, OPT_AUTO_IFSD },
        { "interrupt", required_argument, NULL, OPT_INTERRUPT },
        { "pinpad", required_argument, NULL, OPT_PINPAD },
        { "max-message", required_argument, NULL, OPT_MAX },
        { "wtx-ms", required_argument, NULL, OPT_WTX },
        { "card-port", required_argument, NULL, OPT_PORT },
        { "log", required_argument, NULL, OPT_LOG },
        { "address", required_argument, NULL, OPT_ADDRESS },
        { "name", required_argument, NULL, OPT_NAME },
        { "serial", required_argument, NULL, OPT_SERIAL },
        { "usb", required_argument, NULL, OPT_USB },
        { "unplugged", no_argument, NULL, OPT_UNPLUGGED },
        { NULL, 0, NULL, 0 },
};

static int take_number(const char *text, unsigned int max, unsigned int *ret)
{
        char *end = NULL;
        unsigned long value = strtoul(text, &end, 10);
        if (end == text || *end || value > max)
                return -EINVAL;
        *ret = (unsigned int)value;
        return 0;
}

static int take_choice(struct personality *p, int which, const char *value)
{
        static const struct choice levels[] = { { "tpdu", LEVEL_TPDU }, { "short", LEVEL_SHORT },
                { "extended", LEVEL_EXTENDED }, { NULL, 0 } };
        static const struct choice protocols[] = { { "0", 1 }, { "1", 2 }, { "01", 3 },
                { NULL, 0 } };
        static const struct choice pinpads[] = { { "none", 0 }, { "verify", 1 }, { "modify", 2 },
                { "both", 3 }, { NULL, 0 } };
        static const struct choice rates[] = { { "auto", 1 }, { "pps", 0 }, { NULL, 0 } };
        static const struct choice answers[] = { { "yes", 1 }, { "no", 0 }, { NULL, 0 } };
        unsigned int chosen = 0;
        int r;
        switch (which) {
        case OPT_LEVEL:
                r = choose(levels, value, &chosen);
                p->level = (enum level)chosen;
                return r;
        case OPT_PROTOCOLS: return choose(protocols, value, &p->protocols);
        case OPT_PINPAD: return choose(pinpads, value, &p->pinpad);
        case OPT_RATES:
                r = choose(rates, value, &chosen);
                p->auto_rates = chosen;
                return r;
        default:
                r = choose(answers, value, &chosen);
                p->interrupt = chosen;
                return r;
        }
}

static int take_option(struct personality *p, int which, const char *value)
{
        switch (which) {
        case OPT_DIR: p->dir = value; return 0;
        case OPT_LOG: p->log_path = value; return 0;
        case OPT_NAME: p->name = value; return 0;
        case OPT_SERIAL: p->serial = value; return 0;
        case OPT_AUTO_IFSD: p->auto_ifsd = true; return 0;
        case OPT_UNPLUGGED: p->unplugged = true; return 0;
        case OPT_IFSD: return take_number(value, 254, &p->max_ifsd);
        case OPT_MAX: return take_number(value, MOCK_MESSAGE, &p->max_message);
        case OPT_WTX: return take_number(value, 60000, &p->wtx_ms);
        case OPT_PORT: return take_number(value, 65535, &p->card_port);
        case OPT_ADDRESS: return take_number(value, 110, &p->address);
        case OPT_USB: return sscanf(value, "%4x:%4x", &p->vendor, &p->product) == 2 ? 0 : -EINVAL;
        case OPT_LEVEL:
        case OPT_PROTOCOLS:
        case OPT_RATES:
        case OPT_PINPAD:
        case OPT_INTERRUPT: return take_choice(p, which, value);
        default: return -EINVAL;
        }
}

static int parse(struct personality *p, int argc, char **argv)
{
        int which, r = 0;
        while (r == 0 && (which = getopt_long(argc, argv, "+", long_options, NULL)) != -1)
                r = take_option(p, which, optarg);
        return r == 0 && p->dir && p->address > 0 && p->max_message >= 64 ? 0 : -EINVAL;
}

/* Where the card connects to; the port is written to DIR/card-port. */
static int listen_for_card(struct personality *p)
{
        struct sockaddr_in at = { .sin_family = AF_INET,
                .sin_port = htons((uint16_t)p->card_port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof at;
        char path[MOCK_LINE];
        int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 1) < 0 ||
                getsockname(fd, (struct sockaddr *)&at, &len) < 0)
                return -errno;
        p->card_port = ntohs(at.sin_port);
        snprintf(path, sizeof path, "%s/card-port", p->dir);
        FILE *file = fopen(path, "we");
        if (file) {
                fprintf(file, "%u\n", p->card_port);
                fclose(file);
        }
        return fd;
}

static int start_reader(const struct personality *p, int listener, int *ret_bus)
{
        int pair[2], size = 1 << 18;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        for (int i = 0; i < 2; i++)
                (void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                close(pair[0]);
                _exit(reader_run(p, pair[1], listener) < 0);
        }
        close(pair[1]);
        *ret_bus = pair[0];
        return 0;
}

static pid_t start_command(const struct personality *p, char **argv, const sigset_t *signals)
{
        char self[MOCK_LINE] = "", preload[MOCK_LINE * 2];
        ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
        char *slash = len > 0 ? strrchr(self, '/') : NULL;
        if (slash)
                *slash = '\0';
        snprintf(preload, sizeof preload, "libumockdev-preload.so.0:%s/mock_seek.so", self);
        pid_t pid = fork();
        if (pid != 0)
                return pid;
        sigprocmask(SIG_UNBLOCK, signals, NULL);
        setenv("LD_PRELOAD", preload, 1);
        setenv("UMOCKDEV_DIR", p->dir, 1);
        execvp(argv[0], argv);
        fprintf(stderr, "mock_ccid: %s: %s\n", argv[0], strerror(errno));
        _exit(127);
}

static int run(struct personality *p, char **command)
{
        sigset_t set;
        int bus = -1, status = 0;
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        _cleanup_close_ int listener = listen_for_card(p);
        int r = listener < 0 ? listener : start_reader(p, listener, &bus);
        if (r < 0)
                return r;
        sigprocmask(SIG_BLOCK, &set, NULL);
        _cleanup_close_ int signals = signalfd(-1, &set, SFD_CLOEXEC);
        pid_t pid = *command ? start_command(p, command, &set) : 0;
        _cleanup_close_ int child = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
        r = bus_run(p, bus, signals, child);
        if (r == 0 && pid > 0 && waitpid(pid, &status, WNOHANG) == pid)
                return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return r;
}

int main(int argc, char **argv)
{
        struct personality p = { .name = "Mock Reader",
                .address = 2,
                .vendor = 0x04E6,
                .product = 0x5116,
                .protocols = 3,
                .max_message = 271,
                .max_ifsd = 254,
                .log = -1,
                .interrupt = true,
                .auto_rates = true,
                .wtx_ms = 400 };
        if (parse(&p, argc, argv) < 0) {
                fputs("usage: mock_ccid --dir DIR [OPTION...] [-- COMMAND...]; the source lists "
                      "them\n",
                        stderr);
                return 2;
        }
        if (p.log_path)
                p.log = open(p.log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        int r = p.log_path && p.log < 0 ? -errno : run(&p, argv + optind);
        if (r < 0)
                fprintf(stderr, "mock_ccid: %s\n", strerror(-r));
        return r < 0 ? 1 : r;
}
