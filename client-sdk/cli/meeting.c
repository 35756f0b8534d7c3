/* SPDX-License-Identifier: Apache-2.0 */
/* meeting.c: see meeting.h. What the other side says reaches nobody's eyes before both proofs have held, but for the number that is
 * compared; and a yes counts only if it was typed after the number was there.
 */
#include "client-sdk/cli/meeting.h"

#include "base/clock.h"
#include "base/text.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>

#define SHAKING_MS                                                                                 \
        20000 /* that a connection may take until there is something to compare, or an end */
#define FDS_MAX 8

/* ---- Time, and the way out ---- */

int meeting_open(struct meeting *ret, const struct cli *cli, int seconds, bool on_phone)
{
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGHUP);
        signal(SIGPIPE, SIG_IGN);
        int fd = sigprocmask(SIG_BLOCK, &set, NULL) < 0
                         ? -1
                         : signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd < 0)
                return -errno;
        *ret = (struct meeting){
                .cli = cli,
                .signals = fd,
                .until = clock_ms() + (int64_t)seconds * 1000,
                .on_phone = on_phone,
        };
        return 0;
}

void meeting_close(struct meeting *meeting)
{
        if (meeting->signals >= 0)
                close(base_take_fd(&meeting->signals));
}

int meeting_wait(const struct meeting *meeting, struct pollfd *fds, size_t count, int64_t until)
{
        struct pollfd all[FDS_MAX + 1] = { { .fd = meeting->signals, .events = POLLIN } };
        if (count > FDS_MAX)
                return -E2BIG;
        if (count > 0)
                memcpy(&all[1], fds, count * sizeof *fds);
        int64_t end = until < meeting->until ? until : meeting->until, left = end - clock_ms();
        int n = poll(all, (nfds_t)count + 1, left > 0 ? (int)left : 0);
        if (n < 0 && errno != EINTR)
                return -errno;
        if (n > 0 && all[0].revents)
                return OUTCOME_REFUSED;
        for (size_t i = 0; i < count; i++)
                fds[i].revents = n > 0 ? all[i + 1].revents : 0;
        return clock_ms() >= meeting->until ? OUTCOME_TIMED_OUT : 0; /* whoever talks on and on */
}

int meeting_seconds(const char *text, int *ret)
{
        char *end = NULL;
        errno = 0;
        long seconds = strtol(text, &end, 10);
        if (errno || end == text || *end || seconds < MEETING_SECONDS_MIN ||
                seconds > MEETING_SECONDS_MAX)
                return -EINVAL;
        *ret = (int)seconds;
        return 0;
}

void meeting_name(char dst[static LINK_NAME_MAX], const char *wish)
{
        char host[256] = "";
        if (!wish && gethostname(host, sizeof host - 1) < 0)
                host[0] = '\0';
        text_sanitize(dst, LINK_NAME_MAX, wish ? wish : host, LINK_NAME_MAX);
        if (!dst[0])
                snprintf(dst, LINK_NAME_MAX, "mohr");
}

void meeting_say(const char *line)
{
        fprintf(stderr, "%s%s%s\n", cli_style(stderr, STYLE_DIM), line,
                cli_style(stderr, STYLE_PLAIN));
}

/* ---- Words ---- */

#define SAME_NETWORK N_("See that both are in the same network and awake, and start again on both.")
#define SOMEBODY                                                                                   \
        N_("Somebody may stand between the two. Nothing was kept. Pair them in another network, "  \
           "or by the other way (QR code or numbers).")

/* Besides enum pair_failure. */
enum { LATE = PAIR_FAILURES, NO_PHONE };

static const struct ending {
        int outcome;
        const char *text, *next;
} endings[] = {
        [PAIR_NO_FAILURE] = { OUTCOME_REFUSED, N_("Cancelled. Nothing was kept."), "" },
        [PAIR_BROKE] = { OUTCOME_UNREACHABLE,
                N_("The connection broke off before both had agreed."), SAME_NETWORK },
        [PAIR_PROTOCOL] = { OUTCOME_POLICY,
                N_("The other side does not pair as Mohr does, and was turned away."),
                N_("See that the address is right, and that both devices have a current Mohr.") },
        [PAIR_CLOCKS] = { OUTCOME_POLICY,
                N_("The clock of one of the two devices is wrong: what was made for this pairing "
                   "just now has ended already by the other one's."),
                N_("Set date and time on both, then pair again.") },
        [PAIR_WRONG_CERTIFICATE] = { OUTCOME_POLICY,
                N_("Where the phone called, another device answered than the computer."),
                SOMEBODY },
        [PAIR_WRONG_SECRET] = { OUTCOME_POLICY,
                N_("The secret of the QR code was wrong, or it was used before."),
                N_("Each QR code is good for one try. Have the computer show a new one: mohr phone "
                   "pair") },
        [PAIR_WRONG_COMMITMENT] = { OUTCOME_POLICY,
                N_("The other side changed its number when it knew ours."), SOMEBODY },
        [PAIR_REFUSED_HERE] = { OUTCOME_REFUSED, N_("You did not say yes. Nothing was kept."),
                N_("If the numbers differ, somebody may stand between the two: pair them in "
                   "another network.") },
        [PAIR_REFUSED_THERE] = { OUTCOME_REFUSED,
                N_("The other side did not say yes. Nothing was kept."),
                N_("If the numbers differ, somebody may stand between the two: pair them in "
                   "another network.") },
        [PAIR_OTHER_VERSION] = { OUTCOME_POLICY,
                N_("The two have versions of Mohr that do not pair with each other."),
                N_("Bring the older one up to date.") },
        [PAIR_OTHER_WAY] = { OUTCOME_POLICY,
                N_("One side pairs by QR code, and the other by numbers."),
                N_("For numbers: mohr phone pair --code on the computer, and the address it shows "
                   "on the phone.") },
        [LATE] = { OUTCOME_TIMED_OUT,
                N_("Nothing was paired within the time, and nothing was kept."), SAME_NETWORK },
        [NO_PHONE] = { OUTCOME_POLICY,
                N_("What connected has no certificate of a phone, or did not take that of this "
                   "computer."),
                SOMEBODY },
};

static const struct ending *ending_of(
        const struct meeting *meeting, int outcome, enum pair_failure failure)
{
        if (failure == PAIR_NO_FAILURE && outcome == OUTCOME_TIMED_OUT)
                return &endings[LATE];
        if (failure == PAIR_WRONG_CERTIFICATE && !meeting->on_phone)
                return &endings[NO_PHONE];
        return failure < PAIR_FAILURES ? &endings[failure] : &endings[PAIR_PROTOCOL];
}

int meeting_report(const struct meeting *meeting, int outcome, enum pair_failure failure)
{
        if (outcome < 0)
                return cli_result(meeting->cli, outcome, NULL);
        const struct ending *ending = ending_of(meeting, outcome, failure);
        return cli_report_as(meeting->cli, ending->outcome, _(ending->text),
                ending->next[0] ? _(ending->next) : "", NULL, NULL);
}

int meeting_nobody(const struct cli *cli)
{
        return cli_report_as(cli, OUTCOME_NOBODY_TO_ASK,
                _("There is nobody to compare the numbers."),
                _("Run it in a terminal, or pair by the QR code."), NULL, NULL);
}

void meeting_note(const struct meeting *meeting, enum pair_failure failure)
{
        cli_warn(meeting->cli, _(ending_of(meeting, 0, failure)->text));
}

/* ---- The numbers ---- */

static void show_code(const struct meeting *meeting, const char *code)
{
        char text[CLI_TEXT_MAX], spaced[PAIR_CODE_LEN + 2];
        snprintf(spaced, sizeof spaced, "%.3s %.3s", code, code + 3);
        if (meeting->cli->json) {
                printf("{\"code\": \"%.6s\"}\n", code);
                fflush(stdout);
        }
        tcflush(STDIN_FILENO, TCIFLUSH);
        fprintf(stderr, "\n        %s\n\n%s\n%s ", cli_text(meeting->cli, text, spaced),
                meeting->on_phone ? _("The computer must show the same number. If it shows another "
                                      "one, or none, somebody stands between the two.")
                                  : _("The phone must show the same number. If it shows another "
                                      "one, or none, somebody stands between the two."),
                _("Is the number the same on both screens? Type yes:"));
        fflush(stderr);
}

/* One line of the terminal, which poll(2) said is there. */
static bool read_yes(void)
{
        char line[64];
        ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
        line[n > 0 ? n : 0] = '\0';
        return cli_is_yes(line);
}

static void answer(const struct meeting *meeting, struct pairing *pairing)
{
        bool same = read_yes();
        if (same)
                meeting_say(meeting->on_phone ? _("Waiting for the answer at the computer ...")
                                              : _("Waiting for the answer on the phone ..."));
        pair_answer(pairing, same);
}

/* ---- All of it ---- */

struct holding {
        const struct meeting *meeting;
        struct pairing *pairing;
        bool asked, answered;
        int64_t until; /* of this connection */
};

/* Waits for the other side, and for the person while they are asked. */
static int wait_step(struct holding *holding)
{
        const struct link *link = pair_link(holding->pairing);
        struct pollfd fds[2] = { { .fd = link_fd(link), .events = link_wants(link) },
                { .fd = STDIN_FILENO, .events = POLLIN } };
        bool asking = holding->asked && !holding->answered;
        int64_t until = holding->asked ? INT64_MAX : holding->until;
        int r = meeting_wait(holding->meeting, fds, asking ? 2 : 1, until);
        if (r == 0 && asking && fds[1].revents) {
                holding->answered = true;
                answer(holding->meeting, holding->pairing);
        }
        if (r == 0 && !holding->asked && clock_ms() >= holding->until)
                return OUTCOME_UNREACHABLE;
        return r;
}

static int hold(struct holding *holding, enum pair_failure *ret_failure)
{
        for (;;) {
                enum pair_state state = pair_step(holding->pairing);
                if (state == PAIR_DONE)
                        return 0;
                if (state == PAIR_FAILED) {
                        *ret_failure = pair_failure(holding->pairing);
                        return ending_of(holding->meeting, 0, *ret_failure)->outcome;
                }
                if (state == PAIR_COMPARE && !holding->asked) {
                        holding->asked = true;
                        show_code(holding->meeting, pair_code(holding->pairing));
                }
                int r = wait_step(holding);
                if (r == OUTCOME_UNREACHABLE)
                        *ret_failure = PAIR_BROKE;
                if (r != 0)
                        return r;
        }
}

int meeting_hold(
        const struct meeting *meeting, struct pairing *pairing, enum pair_failure *ret_failure)
{
        struct holding holding = {
                .meeting = meeting, .pairing = pairing, .until = clock_ms() + SHAKING_MS
        };
        *ret_failure = PAIR_NO_FAILURE;
        int r = hold(&holding, ret_failure);
        if (holding.asked && !holding.answered)
                fputc('\n', stderr); /* the question's line is open */
        return r;
}
