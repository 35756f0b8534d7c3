/* SPDX-License-Identifier: Apache-2.0 */
/* common.c: see cli.h. The exit code stands in brackets after each error, in Latin digits, so that
 * it can be read out over the telephone.
 */
#include "client-sdk/cli/cli.h"

#include "base/text.h"
#include "client-sdk/assertion.h"

#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#define FSI "\xE2\x81\xA8" /* first strong isolate */
#define PDI "\xE2\x81\xA9" /* pop directional isolate */
/* The project's name in Persian: a line that begins with it is laid out from the right. */
#define SEAL "\xD9\x85\xD9\x8F\xD9\x87\xD8\xB1"

const char *cli_text(const struct cli *cli, char dst[static CLI_TEXT_MAX], const char *text)
{
        char clean[CLI_TEXT_MAX - sizeof FSI - sizeof PDI];
        text_sanitize(clean, sizeof clean, text, sizeof clean);
        snprintf(dst, CLI_TEXT_MAX, "%s%s%s", cli->persian ? FSI : "", clean,
                cli->persian ? PDI : "");
        return dst;
}

const char *cli_time(const struct cli *cli, char dst[static 96], int64_t when)
{
        char tehran[24], iso[24], digits[64];
        text_tehran(tehran, when);
        text_iso8601(iso, when);
        text_persian_digits(digits, sizeof digits, tehran);
        if (cli->persian)
                snprintf(dst, 96, FSI "%s" PDI, digits);
        else
                snprintf(dst, 96, "%s (%s)", tehran, iso);
        return dst;
}

const char *cli_digits(const struct cli *cli, char dst[static CLI_LINE_MAX], const char *line)
{
        if (cli->persian)
                text_persian_digits(dst, CLI_LINE_MAX, line);
        else
                snprintf(dst, CLI_LINE_MAX, "%s", line);
        return dst;
}

const char *cli_tries(const struct cli *cli, char dst[static CLI_LINE_MAX], int tries)
{
        char line[CLI_LINE_MAX];
        snprintf(line, sizeof line,
                dngettext("mohr", "%d try is left.", "%d tries are left.", (unsigned long)tries),
                tries);
        return cli_digits(cli, dst, line);
}

/* Seconds until the next attempt, as mohrd's detail has them (request_keep_detail); 0: it names none. */
static unsigned int wait_of(const char *detail)
{
        unsigned int seconds = 0;
        const char *at = detail ? strstr(detail, "; again in ") : NULL;
        return at && sscanf(at, "; again in %u s", &seconds) == 1 ? seconds : 0;
}

/* Rounded up: who comes then has waited long enough. */
static const char *show_wait(const struct cli *cli, char dst[static CLI_LINE_MAX], unsigned int s)
{
        char line[CLI_LINE_MAX];
        unsigned int minutes = (s + 59) / 60, hours = (s + 3599) / 3600;
        if (s <= 90)
                snprintf(line, sizeof line,
                        dngettext("mohr", "Try again in %u second.", "Try again in %u seconds.", s),
                        s);
        else if (minutes <= 90)
                snprintf(line, sizeof line, _("Try again in %u minutes."), minutes);
        else
                snprintf(line, sizeof line, _("Try again in %u hours."), hours);
        return cli_digits(cli, dst, line);
}

const char *cli_style(FILE *stream, enum cli_style style)
{
        static const char *const codes[] = { [STYLE_PLAIN] = "\x1b[0m",
                [STYLE_GOOD] = "\x1b[32m",
                [STYLE_BAD] = "\x1b[31m",
                [STYLE_DIM] = "\x1b[2m" };
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
        bool plain = (no_color && no_color[0]) || !term || strcmp(term, "dumb") == 0 ||
                     !isatty(fileno(stream));
        return plain ? "" : codes[style];
}

static void add_text(json_t *object, const char *name, const char *text)
{
        if (text && text[0])
                json_object_set_new(object, name, json_string(text));
}

static void report_json(
        int outcome, const char *message, const char *next, const struct cli_told *told)
{
        _cleanup_json_ json_t *object = json_pack("{s:s, s:i, s:s}", "outcome",
                mohr_outcome_name(outcome), "exit", outcome, "message", message);
        add_text(object, "next", next);
        add_text(object, "detail", told->detail);
        add_text(object, "request", told->request);
        if (told->tries_left >= 0)
                json_object_set_new(object, "tries_left", json_integer(told->tries_left));
        if (wait_of(told->detail) > 0)
                json_object_set_new(object, "again_in_s", json_integer(wait_of(told->detail)));
        _cleanup_free_ char *text = json_dumps(object, JSON_INDENT(2));
        printf("%s\n", text ? text : "{}");
        fflush(stdout);
}

static const char *program_of(const struct cli *cli)
{
        return cli->program ? cli->program : "mohr";
}

void cli_headline(const struct cli *cli, const char *text, int outcome)
{
        char code[CLI_TEXT_MAX], digits[16];
        snprintf(digits, sizeof digits, "[%d]", outcome);
        fprintf(stderr, "%s%s: %s %s%s\n", cli_style(stderr, STYLE_BAD),
                cli->persian ? SEAL : program_of(cli), text, cli_text(cli, code, digits),
                cli_style(stderr, STYLE_PLAIN));
}

static struct cli_told told_by(const struct mohr_client *client, const char *detail)
{
        return (struct cli_told){ detail, client ? mohr_client_request_id(client) : NULL,
                client ? mohr_client_tries_left(client) : -1 };
}

static int report_as(const struct cli *cli, int outcome, const char *message, const char *next,
        const struct cli_told *told)
{
        char text[CLI_TEXT_MAX];
        if (cli->json)
                report_json(outcome, message, next, told);
        cli_headline(cli, message, outcome);
        if (told->tries_left >= 0)
                fprintf(stderr, "      %s\n", cli_tries(cli, text, told->tries_left));
        unsigned int wait_s = wait_of(told->detail);
        if (wait_s > 0)
                fprintf(stderr, "      %s\n", show_wait(cli, text, wait_s));
        if (next[0])
                fprintf(stderr, "      %s\n", next);
        if (told->detail && told->detail[0] && wait_s == 0) /* else it is said already */
                fprintf(stderr, "      %s(%s)%s\n", cli_style(stderr, STYLE_DIM),
                        cli_text(cli, text, told->detail), cli_style(stderr, STYLE_PLAIN));
        if (told->request && told->request[0])
                fprintf(stderr, "      %s %s\n", _("Request number:"),
                        cli_text(cli, text, told->request));
        return outcome;
}

static int report(const struct cli *cli, int outcome, const struct cli_told *told)
{
        bool last = outcome == OUTCOME_WRONG_PIN && told->tries_left == 1;
        const char *next =
                last ? _("One more wrong PIN blocks it. Who is not sure should not guess.")
                     : mohr_outcome_next(outcome);
        return report_as(cli, outcome, mohr_outcome_text(outcome), next, told);
}

int cli_report(
        const struct cli *cli, int outcome, const char *detail, const struct mohr_client *client)
{
        const struct cli_told told = told_by(client, detail);
        return report(cli, outcome, &told);
}

int cli_report_as(const struct cli *cli, int outcome, const char *message, const char *next,
        const char *detail, const struct mohr_client *client)
{
        const struct cli_told told = told_by(client, detail);
        return report_as(cli, outcome, message, next, &told);
}

/* What an outcome means more exactly, where mohrd's detail is this, or begins so and says more. */
static const struct special {
        int outcome;
        const char *detail, *text, *next;
        bool more;
} specials[] = {
        { OUTCOME_NO_READER, DETAIL_NO_SUCH_NAME, N_("There is no card reader of this name."),
                N_("See the names of the readers with: mohr status"), false },
        { OUTCOME_BUSY, DETAIL_SEVERAL_CARDS,
                N_("There are cards on several readers, and none was named."),
                N_("Name one with --reader. See their names with: mohr status"), false },
        { OUTCOME_NO_CARD, DETAIL_NOT_FOUND,
                N_("The card of this national number was not found in the card readers."),
                N_("Put it into a card reader, or name its reader with --reader."), false },
        { OUTCOME_BUSY, DETAIL_CROWDED, N_("More than one card lies on the card reader."),
                N_("Leave only one card there, then try again."), false },
        { OUTCOME_NO_READER, DETAIL_PHONE_AWAY, N_("The phone is not reached."),
                N_("Start mohr-relay serve on the phone. Phone and computer must be in the same "
                   "network."),
                false },
        { OUTCOME_NO_READER, DETAIL_PHONE_UNPAIRED,
                N_("What answers at the phone's address does not know this pairing."),
                N_("If it is your phone, pair the two again with: mohr phone pair"), false },
        { OUTCOME_NO_READER, DETAIL_PHONE_EXPIRED,
                N_("The pairing with the phone has ended, or a clock is wrong."),
                N_("Set date and time on both. If they are right, pair them again with: mohr phone "
                   "pair"),
                false },
        { OUTCOME_CARD_REMOVED, DETAIL_PHONE_LOST, N_("The connection to the phone broke."),
                N_("The phone ended what had begun there. Try again near the phone."), false },
        { OUTCOME_CARD_REMOVED, DETAIL_PHONE_LOST_ASKING,
                N_("The connection to the phone broke while it asked for the PIN."),
                N_("No PIN was heard to go to the card; what is written on the phone's screen "
                   "tells for certain. Try again near the phone."),
                false },
        { OUTCOME_CARD_REMOVED, DETAIL_TRY_AT_RISK,
                N_("The card, or the phone on which it lies, was gone before it had judged the "
                   "PIN."),
                N_("A try may have been spent: mohr pin status shows how many are left. Leave "
                   "everything where it is until the end, then try again."),
                false },
        { OUTCOME_BUSY, DETAIL_PHONE_BUSY,
                N_("The phone serves another computer, or still waits for a connection that "
                   "broke."),
                N_("Try again in ten seconds, or when the other computer has ended."), false },
        { OUTCOME_READER_SERVICE, DETAIL_PHONE_VERSION,
                N_("The phone runs another version of Mohr, which does not fit."),
                N_("Bring Mohr up to date on both."), false },
        { OUTCOME_TIMED_OUT, DETAIL_PHONE_NOBODY,
                N_("Nobody entered the PIN on the phone in time."),
                N_("Try again with the phone at hand. No try was spent."), false },
        { OUTCOME_REFUSED, DETAIL_PHONE_CANCELLED, N_("The request was refused on the phone."),
                N_("No try was spent."), false },
        { OUTCOME_NOBODY_TO_ASK, DETAIL_PHONE_NOTHING_TO_ASK_ON,
                N_("The phone has nothing to ask for the PIN on."),
                N_("Start mohr-relay serve in a terminal on the phone, and leave it open."),
                false },
        { OUTCOME_POLICY, DETAIL_PHONE_REFUSED,
                N_("The phone does not take this request from this computer."),
                N_("Look at the phone: mohr-relay serve says why."), false },
        { OUTCOME_POLICY, DETAIL_PHONE_ASKS,
                N_("The phone asks for the PIN itself, and this computer is set not to allow "
                   "that."),
                N_("Set pad = yes in [pin] of mohr.conf here, or have the PIN typed at the "
                   "computer: mohr-relay serve --pin computer"),
                false },
        { OUTCOME_LAST_TRY_DECLINED, DETAIL_PHONE_LAST_TRY,
                N_("Only one try is left, and the phone does not spend it where it cannot ask "
                   "about it itself."),
                N_("Let it ask: mohr-relay serve on a terminal or display there; or use a reader "
                   "of this computer. No try was spent."),
                false },
        { OUTCOME_POLICY, DETAIL_REQUEST_EXPIRED,
                N_("The signed request has expired, or a clock is wrong."),
                N_("Have the service make a new one: each is good for minutes."), false },
        { OUTCOME_POLICY, DETAIL_REQUEST_USED, N_("This signed request was used before."),
                N_("Have the service make a new one: each is good once."), false },
        { OUTCOME_POLICY, DETAIL_NO_RELYING_PARTIES,
                N_("Whose signed requests are believed is not set on this computer."),
                N_("An administrator sets it: [relying_parties] anchors in mohr.conf(5)."), false },
        { OUTCOME_POLICY, DETAIL_SIGNED_REQUEST, N_("The signed request was not accepted."),
                N_("Tell whoever runs the service what stands below."), true },
        { OUTCOME_POLICY, DETAIL_PAUSED,
                N_("After several wrong PINs in a row this app must wait."),
                N_("No try was spent now."), true },
        { OUTCOME_POLICY, DETAIL_TOO_OFTEN, N_("There were too many requests within an hour."),
                N_("How many there may be is set in mohr.conf(5), [limits]."), true },
};

static const struct special *special_of(int outcome, const char *detail)
{
        for (size_t i = 0; i < ARRAY_LEN(specials); i++) {
                const struct special *row = &specials[i];
                size_t len = row->more ? strlen(row->detail) : SIZE_MAX;
                if (row->outcome == outcome && strncmp(row->detail, detail, len) == 0)
                        return row;
        }
        return NULL;
}

int cli_tell(const struct cli *cli, int r, const struct cli_told *told)
{
        if (r == 0)
                return 0;
        struct cli_told more = *told;
        if (r < 0)
                more.detail = strerror(-r);
        const struct special *special = special_of(r, more.detail ? more.detail : "");
        if (!special)
                return report(cli, outcome_of(r), &more);
        if (!cli->json && !special->more)
                more.detail = NULL; /* it is said already: the detail is for programs then */
        return report_as(cli, r, _(special->text), _(special->next), &more);
}

int cli_result(const struct cli *cli, int r, const struct mohr_client *client)
{
        const struct cli_told told = told_by(client, client ? mohr_client_detail(client) : "");
        return cli_tell(cli, r, &told);
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
        char line[512];
        va_list args;
        va_start(args, format);
        vsnprintf(line, sizeof line, format, args);
        va_end(args);
        if (cli->json)
                report_json(OUTCOME_USAGE, mohr_outcome_text(OUTCOME_USAGE),
                        mohr_outcome_next(OUTCOME_USAGE), &(struct cli_told){ line, NULL, -1 });
        const char *program = program_of(cli);
        fprintf(stderr, "%s %s: %s [%d]\n", program, cli->command, line, OUTCOME_USAGE);
        fprintf(stderr, "      %s help %s\n", program, cli->command);
        return OUTCOME_USAGE;
}

int cli_only_json(struct cli *cli, int argc, char **argv)
{
        static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
                if (option != 'j')
                        return cli_usage(cli, _("This option is not known here."));
                cli->json = true;
        }
        return 0;
}

void cli_warn(const struct cli *cli, const char *text)
{
        fprintf(stderr, "%s%s: %s%s\n", cli_style(stderr, STYLE_BAD),
                cli->persian ? SEAL : program_of(cli), text, cli_style(stderr, STYLE_PLAIN));
}

bool cli_flushed(void)
{
        return fflush(stdout) == 0 && !ferror(stdout);
}

/* After su or sudo, the session's folder is that of somebody else, and so is the mohrd in it. */
static bool is_foreign(const char *folder)
{
        struct stat st;
        return stat(folder, &st) == 0 && st.st_uid != geteuid();
}

const char *cli_unreachable_next(void)
{
        const char *named = getenv("MOHR_SOCKET"), *runtime = getenv("XDG_RUNTIME_DIR");
        if (named && named[0])
                return _("MOHR_SOCKET says where mohrd is. Correct it or unset it, or start mohrd "
                         "with the same MOHR_SOCKET.");
        if (!runtime || runtime[0] != '/')
                return _("Log in to a session of your own, which sets XDG_RUNTIME_DIR, or set "
                         "MOHR_SOCKET to the socket of mohrd.");
        if (is_foreign(runtime))
                return _("The session (XDG_RUNTIME_DIR) is another user's. Run the command as that "
                         "user, without su or sudo.");
        return mohr_outcome_next(OUTCOME_UNREACHABLE);
}

int cli_connect(const struct cli *cli, struct mohr_client **ret)
{
        char problem[512] = "";
        int r = mohr_client_connect_why(ret, NULL, problem, sizeof problem);
        if (r != OUTCOME_UNREACHABLE)
                return cli_result(cli, r, NULL);
        return cli_report_as(cli, r, mohr_outcome_text(r), cli_unreachable_next(), problem, NULL);
}
