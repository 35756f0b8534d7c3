/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: mohr: a table of subcommands, each in a file of its own. */
#include "client-sdk/cli/cli.h"
#include "client-sdk/cli/history.h"
#include "client-sdk/cli/phone.h"
#include "client-sdk/cli/pin.h"
#include "client-sdk/cli/support.h"
#include "client-sdk/cli/trust.h"

static const struct command {
        const char *name;
        int (*run)(struct cli *cli, int argc, char **argv);
        const char *arguments, *help;
} commands[] = {
        { "status", command_status, "[--json]",
                N_("Show the card readers and whether a card is there") },
        { "watch", command_watch, "[--json]", N_("Show the same at each change") },
        { "assert", command_assert,
                "--audience URI --nonce TEXT [--purpose TEXT] [--reader NAME]\n"
                "            [--expect-national-number DIGITS] [--claims LIST] [--require LIST]\n"
                "            [--remember] [--operator TEXT] [--branch TEXT] [--device TEXT]\n"
                "            [--case-number TEXT] [--photo-checked yes|no] [--timeout SECONDS]\n"
                "            [--json]\n"
                "mohr assert --signed-request FILE [--reader NAME] [--remember] [--timeout "
                "SECONDS]\n"
                "            [--json]",
                N_("Ask the holder of the card who they are; print the signed assertion") },
        { "verify", command_verify,
                "[--trust FILE-or-DIR] [--staff-anchors FILE-or-DIR] [--audience URI]\n"
                "            [--nonce TEXT] [--asked-at TIME] [--at TIME] [--issuers FILE-or-DIR]\n"
                "            [--expired-cert refuse|report|accept] [--json]\n"
                "            [--revocation require|prefer|off] [--revocation-from FILE-or-DIR]\n"
                "            [--revocation-age DAYS] [--tsa-anchors FILE-or-DIR]\n"
                "            [--content FILE] [FILE|-]",
                N_("Check an assertion, a bundle or receipt that keeps one, or a signed document; "
                   "print what it says of its holder or signers") },
        { "sign", command_sign,
                "[--form cms|attached|pdf|jws] [--out FILE | --out-dir DIR]\n"
                "          [--purpose TEXT] [--reader NAME] [--timeout SECONDS]\n"
                "          [--stamp[=PAGE,X,Y,WIDTH,HEIGHT]] [--location TEXT]\n"
                "          [--commitment NAME] [--policy OID:SHA256] [--no-time]\n"
                "          [--timestamp URL --tsa-anchors FILE-or-DIR]\n"
                "          [--resume | --force] [--json] FILE ...\n"
                "mohr sign --add SIGNATURE [--form cms|attached|jws] ... FILE\n"
                "mohr sign --countersign NUMBER [--out FILE] ... SIGNATURE ...",
                N_("Sign documents with the card: a signature in a file of its own, around the "
                   "document, in a PDF, or of JSON") },
        { "receipt", command_receipt,
                "[--out NAME.pdf] [--bundle NAME.json] [--force]\n"
                "            [--size a4|80mm] [--lang fa|en]\n"
                "            [--timestamp URL --tsa-anchors FILE-or-DIR]\n"
                "            [--trust FILE-or-DIR] [--staff-anchors FILE-or-DIR] [--audience URI]\n"
                "            [--nonce TEXT] [--asked-at TIME] [--at TIME] [--issuers FILE-or-DIR]\n"
                "            [--expired-cert refuse|report|accept] [--json]\n"
                "            [--revocation require|prefer|off] [--revocation-from FILE-or-DIR]\n"
                "            [--revocation-age DAYS] [FILE|-]\n"
                "mohr receipt --renew FILE --timestamp URL --tsa-anchors FILE-or-DIR ...",
                N_("Keep an assertion as evidence: a page for the file with everything inside that "
                   "it takes to check it again") },
        { "trust", command_trust, "SUBCOMMAND ...",
                N_("Look at certificates before they are trusted, and keep those that are; mohr "
                   "trust help") },
        { "history", command_history, "[SUBCOMMAND] ...",
                N_("Show who asked for what and what became of it, and check that this record is "
                   "whole; mohr history help") },
        { "grants", command_grants, "[list|revoke GRANT] [--json]",
                N_("Show which apps and organisations may ask without the page of consent, and "
                   "take that back") },
        { "doctor", command_doctor,
                "[--trust FILE-or-DIR] [--root DIR] [--json]\n"
                "mohr doctor --card [--reader NAME] [--transcript FILE] [--json]",
                N_("Look for what is missing on this computer, and say what to do; with --card, "
                   "what the card in the reader can do") },
        { "support-bundle", command_support_bundle, "[--out FILE.tar.gz]",
                N_("Collect what somebody who helps needs to know of this computer, without PINs, "
                   "names and numbers") },
        { "pin", command_pin, "SUBCOMMAND ...",
                N_("Show the PINs of a card at no cost, and change that of a staff card; mohr help "
                   "pin") },
        { "phone", command_phone, "SUBCOMMAND ...",
                N_("Pair a phone with this computer, so that its reader is one of this computer's; "
                   "mohr "
                   "help phone") },
        { "policy", command_policy,
                "check --audience URI [--purpose TEXT] [--claims LIST] [--require LIST]\n"
                "            [--who WHO] [--json]\n"
                "mohr policy check --signed-request FILE [--who WHO] [--json]\n"
                "mohr policy check --for documents|keys [--purpose TEXT] [--who WHO] [--json]",
                N_("Say what the rules of this computer would answer to a request, and which rule "
                   "it is") },
        { "version", command_version, "", N_("Show the version") },
        { "help", command_help, "[COMMAND]", N_("Show this, or how a command is used") },
};

static const struct command *find(const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(commands); i++)
                if (strcmp(commands[i].name, name) == 0)
                        return &commands[i];
        return NULL;
}

static void show_overview(FILE *stream)
{
        fprintf(stream, "mohr COMMAND ...\n\n");
        for (size_t i = 0; i < ARRAY_LEN(commands); i++)
                fprintf(stream, "  %-8s  %s\n", commands[i].name, _(commands[i].help));
        fprintf(stream, "\n%s\n", _("Exit codes and everything else: man mohr"));
}

static void say_unknown(const struct cli *cli, const char *name)
{
        char text[CLI_TEXT_MAX], line[CLI_TEXT_MAX + 256];
        snprintf(line, sizeof line, _("There is no such command: %s"), cli_text(cli, text, name));
        cli_headline(cli, line, OUTCOME_USAGE);
        fprintf(stderr, "      %s\n", mohr_outcome_next(OUTCOME_USAGE));
}

static int show_help(const char *name)
{
        const struct command *command = find(name);
        if (!command)
                return -ENOENT;
        printf("mohr %s %s\n\n%s.\n", command->name, command->arguments, _(command->help));
        if (command->run == command_trust) {
                printf("\n");
                trust_show_help();
        }
        if (command->run == command_history) {
                printf("\n");
                history_show_help();
        }
        if (command->run == command_phone) {
                printf("\n");
                phone_show_help();
        }
        if (command->run == command_pin) {
                printf("\n");
                pin_show_help();
        }
        return cli_flushed() ? 0 : -EIO;
}

int command_help(struct cli *cli, int argc, char **argv)
{
        if (argc < 2) {
                show_overview(stdout);
                return cli_flushed() ? 0 : OUTCOME_INTERNAL;
        }
        if (argc > 2)
                return cli_usage(cli, _("This takes the name of one command."));
        int r = show_help(argv[1]);
        if (r == -ENOENT) {
                say_unknown(cli, argv[1]);
                return OUTCOME_USAGE;
        }
        return r == 0 ? 0 : OUTCOME_INTERNAL;
}

int command_version(struct cli *cli, int argc, char **argv)
{
        (void)argv;
        if (argc > 1)
                return cli_usage(cli, _("This takes no arguments."));
        printf("mohr %s\n", mohr_version());
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}

static bool asks_for_help(int argc, char **argv)
{
        for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
                if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
                        return true;
        return false;
}

int main(int argc, char **argv)
{
        struct cli cli = { .command = "", .persian = cli_set_language() };
        const char *name = argc > 1 ? argv[1] : "";
        if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
                name = "help";
        if (strcmp(name, "--version") == 0)
                name = "version";
        const struct command *command = find(name);
        if (!command) {
                if (argc > 1)
                        say_unknown(&cli, name);
                else
                        show_overview(stderr);
                return OUTCOME_USAGE;
        }
        cli.command = command->name;
        if (command->run != command_help && asks_for_help(argc - 1, argv + 1))
                return show_help(command->name) == 0 ? 0 : OUTCOME_INTERNAL;
        return command->run(&cli, argc - 1, argv + 1);
}
