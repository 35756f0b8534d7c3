/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: mohr-relay, the phone's side: a table of commands, each in a file of its own.
 *
 * Born closed as mohrd is, since the same passes through it: umask 077, not dumpable, no core file, before anything is
 * read. Ctrl-Z is not heard: a card must not be left with its PIN verified by a program that was stopped. A program without systemd: nothing starts it but the person, and it ends with its command.
 */
#include "daemon/relay/relay.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const struct command {
        const char *name;
        int (*run)(struct cli *cli, int argc, char **argv);
        const char *arguments, *help;
} commands[] = {
        { "serve", relay_serve,
                "[--driver NAME[=ADDRESS]]... [--usb-fd N] [--reader NAME] [--port N] [--listen "
                "ADDRESS]\n"
                "        [--anywhere] [--name NAME] [--pin phone|computer] [--no-publish] "
                "[--config FILE]",
                N_("Offer this phone's card readers to the computers it is paired with") },
        { "pair", relay_pair,
                "[--name NAME] [--port N] [--timeout SECONDS] [--anywhere] [--json]\n"
                "            [TEXT|HOST:PORT|-]",
                N_("Pair this phone with a computer of your own: by the text of the QR code that "
                   "it "
                   "shows, or by numbers to compare") },
        { "list", relay_list, "[--json]", N_("Show the computers that may use this phone") },
        { "forget", relay_forget, "[--yes] [--json] NAME|ID",
                N_("Forget a computer: from that moment on it cannot use this phone") },
        { "assert", relay_assert,
                "--request FILE|-|LINK [--reader NAME] [--driver NAME]... [--usb-fd N]\n"
                "            [--config FILE] [--timeout SECONDS] [--out FILE] [--json]",
                N_("Ask the holder of the card who they are, here and without a computer; print "
                   "the signed assertion") },
        { 0 },
};

static const struct command *find(const char *name)
{
        for (const struct command *c = commands; c->name; c++)
                if (strcmp(c->name, name) == 0)
                        return c;
        return NULL;
}

static void show_overview(FILE *stream)
{
        fprintf(stream, "mohr-relay COMMAND ...\n\n");
        for (const struct command *c = commands; c->name; c++)
                fprintf(stream, "  %-8s  %s\n", c->name, _(c->help));
        fprintf(stream, "\n%s\n", _("Exit codes and everything else: man mohr-relay"));
}

static int show_help(const char *name)
{
        const struct command *command = name ? find(name) : NULL;
        if (command)
                printf("mohr-relay %s %s\n\n%s.\n", command->name, command->arguments,
                        _(command->help));
        else
                show_overview(stdout);
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}

static bool is_any(const char *text, const char *a, const char *b)
{
        return text && (strcmp(text, a) == 0 || strcmp(text, b) == 0);
}

static bool asks_for_help(int argc, char **argv)
{
        for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
                if (is_any(argv[i], "--help", "-h"))
                        return true;
        return false;
}

static int close_doors(void)
{
        const struct rlimit none = { 0, 0 };
        umask(077);
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
                signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGTSTP, SIG_IGN) == SIG_ERR ||
                signal(SIGTTOU, SIG_IGN) == SIG_ERR)
                return -errno;
        return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
        const char *name = argc > 1 ? argv[1] : "";
        const struct command *command = find(name);
        char text[CLI_TEXT_MAX], line[CLI_TEXT_MAX + 256];
        if (command) {
                cli->command = command->name;
                return asks_for_help(argc - 1, argv + 1) ? show_help(name)
                                                         : command->run(cli, argc - 1, argv + 1);
        }
        if (argc < 2) {
                show_overview(stderr);
                return OUTCOME_USAGE;
        }
        snprintf(line, sizeof line, _("There is no such command: %s"), cli_text(cli, text, name));
        cli_headline(cli, line, OUTCOME_USAGE);
        fprintf(stderr, "      mohr-relay help\n");
        return OUTCOME_USAGE;
}

int main(int argc, char **argv)
{
        struct cli cli = { .program = "mohr-relay", .command = "", .persian = cli_set_language() };
        int r = close_doors();
        if (r < 0)
                return cli_result(&cli, r, NULL);
        if (argc == 2 && is_any(argv[1], "--version", "version")) {
                printf("mohr-relay %s\n", MOHR_VERSION);
                return cli_flushed() ? 0 : OUTCOME_INTERNAL;
        }
        if (argc > 1 && (is_any(argv[1], "--help", "-h") || strcmp(argv[1], "help") == 0))
                return show_help(argc > 2 ? argv[2] : NULL);
        return run(&cli, argc, argv);
}
