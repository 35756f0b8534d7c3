/* SPDX-License-Identifier: Apache-2.0 */
/* pin_renew.c: mohr pin change and mohr pin unblock: a new PIN for a staff card.
 *
 * No PIN is an argument or comes from standard input: it is typed into the prompt, as always. This file asks mohrd and
 * finds the words for what became of it. One question is left open by a card that was pulled out at the wrong
 * moment: which PIN holds. Then that is said, and with which command the tries can be read for nothing.
 */
#include "client-sdk/cli/pin.h"

#include "client-sdk/assertion.h"
#include "client-sdk/client.h"
#include "client-sdk/members.h"

#define SECONDS_DEFAULT 180
#define SECONDS_MAX     600

struct wish {
        const char *method, *done;
        const char *reader;
        int seconds;
};

static int take_seconds(const struct cli *cli, const char *text, int *ret)
{
        char *end;
        long seconds = strtol(text, &end, 10);
        if (end == text || *end || seconds < 1 || seconds > SECONDS_MAX)
                return cli_usage(cli, _("--timeout takes seconds, 1 to 600."));
        *ret = (int)seconds;
        return 0;
}

static int parse(struct cli *cli, int argc, char **argv, struct wish *wish)
{
        static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                { "reader", required_argument, NULL, 'r' },
                { "timeout", required_argument, NULL, 't' }, { 0 } };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
                int r = option == 't' ? take_seconds(cli, optarg, &wish->seconds) : 0;
                if (r != 0)
                        return r;
                if (option == '?')
                        return cli_usage(
                                cli, _("This option is not known here, or lacks its value."));
                if (option == 'r')
                        wish->reader = optarg;
                cli->json = cli->json || option == 'j';
        }
        return optind < argc ? cli_usage(cli, _("This takes no arguments. A PIN is typed where it "
                                                "is asked for, and nowhere else."))
                             : 0;
}

static json_t *parameters_of(const struct cli *cli, const struct wish *wish)
{
        struct mohr_ui ui = { 0 };
        char tty[64];
        cli_describe_ui(cli, &ui, tty, sizeof tty);
        const struct member where[] = {
                { "tty", ui.tty },
                { "term", ui.term },
                { "display", ui.display },
                { "wayland_display", ui.wayland_display },
                { "xauthority", ui.xauthority },
                { "language", ui.language },
        };
        const struct member rows[] = { { "reader", wish->reader } };
        json_t *made = members_of(json_object(), rows, ARRAY_LEN(rows));
        json_t *limit = json_integer((json_int_t)wish->seconds * 1000);
        if (made && json_object_set_new(made, "timeout_ms", limit) == 0 &&
                json_object_set_new(
                        made, "ui", members_of(json_object(), where, ARRAY_LEN(where))) == 0)
                return made;
        json_decref(made);
        return NULL;
}

static int tell(const struct cli *cli, const struct mohr_client *client, const char *done)
{
        if (!cli->json) {
                printf("%s%s%s\n", cli_style(stdout, STYLE_GOOD), _(done),
                        cli_style(stdout, STYLE_PLAIN));
                return cli_flushed() ? 0 : OUTCOME_INTERNAL;
        }
        _cleanup_json_ json_t *object = json_pack("{s:s, s:i, s:s}", "outcome", "ok", "exit", 0,
                "request", mohr_client_request_id(client));
        _cleanup_free_ char *text = json_dumps(object, JSON_INDENT(2));
        printf("%s\n", text ? text : "{}");
        return text && cli_flushed() ? 0 : OUTCOME_INTERNAL;
}

/* What mohrd's detail says, whatever the outcome beside it. */
static const struct word {
        const char *detail, *text, *next;
} words[] = {
        { DETAIL_OFFICE,
                N_("The PIN of a national card is changed and unblocked by its service office "
                   "alone. Nothing was sent to the card."),
                N_("Go to the service office that issues the card. No program can do it, whatever "
                   "it promises.") },
        { DETAIL_READER_KEYS,
                N_("This card reader has keys for a PIN, and a new PIN is not typed there."),
                N_("Use a card reader without keys, or set pad = no below [pin] in mohr.conf.") },
        { DETAIL_NEW_PIN_AFAR,
                N_("A PIN is not changed or unblocked over a phone. Nobody was asked, and nothing "
                   "was sent to the card."),
                N_("Put the card into a card reader of this computer.") },
        { DETAIL_NEW_PIN_REFUSED, N_("The card refuses this new PIN. The old one still holds."),
                N_("Take another new PIN.") },
        { DETAIL_NO_NEW_PIN,
                N_("The card does not let its holder do this here. Its PIN is as it was."),
                N_("If it lies on a contactless reader, put it into a reader with contacts.") },
        { DETAIL_WRONG_PUK, N_("The unblocking code (PUK) was wrong."),
                N_("Do not guess: when the code is blocked, only whoever issued the card can "
                   "help.") },
        { DETAIL_PUK_BLOCKED, N_("The unblocking code (PUK) is blocked."),
                N_("Whoever issued the card can help.") },
        { DETAIL_WHICH_PIN,
                N_("It is not known which PIN the card has now: it may have taken the new one, and "
                   "a try may have been spent."),
                N_("See how many tries are left with: mohr pin status. Then try the new PIN once, "
                   "and the old one only if a try is left after that.") },
};

static int report(const struct cli *cli, int outcome, const struct mohr_client *client)
{
        const char *detail = mohr_client_detail(client);
        for (size_t i = 0; outcome > 0 && i < ARRAY_LEN(words); i++)
                if (strcmp(words[i].detail, detail) == 0)
                        return cli_report_as(cli, outcome, _(words[i].text), _(words[i].next),
                                cli->json ? detail : NULL, client);
        return cli_result(cli, outcome, client);
}

static int renew(struct cli *cli, int argc, char **argv, struct wish wish)
{
        _cleanup_client_ struct mohr_client *client = NULL;
        int r = parse(cli, argc, argv, &wish);
        if (r == 0)
                r = cli_connect(cli, &client);
        if (r != 0)
                return r;
        r = client_ask_holder(client, wish.method, parameters_of(cli, &wish), wish.seconds,
                isatty(STDERR_FILENO) ? cli_show_phase : NULL, NULL);
        return r == 0 ? tell(cli, client, wish.done) : report(cli, r, client);
}

int pin_change(struct cli *cli, int argc, char **argv)
{
        return renew(cli, argc, argv,
                (struct wish){ .method = "mohr.Identity.ChangePin",
                        .done = N_("The PIN of the staff card was changed."),
                        .seconds = SECONDS_DEFAULT });
}

int pin_unblock(struct cli *cli, int argc, char **argv)
{
        return renew(cli, argc, argv,
                (struct wish){ .method = "mohr.Identity.UnblockPin",
                        .done = N_("The staff card has a new PIN, and all tries again."),
                        .seconds = SECONDS_DEFAULT });
}
