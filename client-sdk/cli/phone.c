/* SPDX-License-Identifier: Apache-2.0 */
/* phone.c: mohr phone: a table of what can be done with the phones that this computer is paired with (docs/phone.md).
 *
 * Each of them works on files of this user alone (client-sdk/link/store.h); mohrd is not asked, and sees for itself what changed.
 */
#include "client-sdk/cli/phone.h"

#include "base/text.h"
#include "client-sdk/assertion.h"

#define LOOK_SECONDS 5 /* for one phone */

static const struct deed {
        const char *name;
        int (*run)(struct cli *cli, int argc, char **argv);
        const char *arguments, *help;
} deeds[] = {
        { "pair", phone_pair,
                "[--code] [--name NAME] [--qr terminal|FILE.png|FILE.svg]\n"
                "            [--address ADDRESS] [--port N] [--anywhere] [--timeout SECONDS]\n"
                "            [--json]",
                N_("Pair a phone of your own with this computer, by a QR code or by numbers to "
                   "compare") },
        { "list", phone_list, "[--check] [--json]",
                N_("Show the paired phones; with --check, call each of them") },
        { "forget", phone_forget, "[--yes] [--json] NAME|ID",
                N_("Forget a phone: from that moment on it is no reader any more") },
        { "rename", phone_rename, "[--json] NAME|ID NEW-NAME",
                N_("Give a phone another name on this computer") },
        { "renew", phone_renew, "[--timeout SECONDS] [--anywhere] [--json] NAME|ID",
                N_("Give both devices new keys for their pairing") },
        { "add-address", phone_add_address, "[--json] NAME|ID HOST[:PORT]",
                N_("Say where a phone is to be found") },
};

void phone_show_help(void)
{
        for (size_t i = 0; i < ARRAY_LEN(deeds); i++)
                printf("mohr phone %s %s\n    %s.\n", deeds[i].name, deeds[i].arguments,
                        _(deeds[i].help));
}

int command_phone(struct cli *cli, int argc, char **argv)
{
        const char *name = argc > 1 ? argv[1] : "";
        for (size_t i = 0; i < ARRAY_LEN(deeds); i++)
                if (strcmp(deeds[i].name, name) == 0)
                        return deeds[i].run(cli, argc - 1, argv + 1);
        return cli_usage(cli, _("This takes what to do with the phone. See: mohr help phone"));
}

static void look(const struct cli *cli, const struct link_peer *peer, char dst[static CLI_LINE_MAX],
        json_t *object)
{
        struct phone_talk talk = { 0 };
        struct meeting meeting = { .signals = -1 };
        char line[CLI_LINE_MAX];
        int r = meeting_open(&meeting, cli, LOOK_SECONDS, false);
        if (r == 0)
                r = phone_talk(&meeting, peer, LINK_ROLE_RENEW, true, &talk);
        json_object_set_new(object, "reached", json_boolean(r == 0));
        if (r == 0) {
                json_object_set_new(object, "round_trip_ms", json_integer(talk.ms));
                snprintf(line, sizeof line, _("yes, %d ms"), talk.ms);
                cli_digits(cli, dst, line);
        } else
                snprintf(dst, CLI_LINE_MAX, "%s (%.200s)", _("no"), talk.why);
        phone_talk_end(&meeting, &talk, r == 0);
        meeting_close(&meeting);
}

const struct paired_end phone_end = {
        .which = "phones",
        .none = N_("No phone is paired with this computer. Pair one with: mohr phone pair"),
        .unknown = N_("No paired phone is called %s: mohr phone list"),
        .question = N_("Forget the phone %s? Type yes:"),
        .forgotten = N_("The phone %s is forgotten, and no reader of this computer any more. Have "
                        "the phone forget this computer, too: mohr-relay forget"),
        .same = N_("There was a phone called %s before. If it is the same one, forget the older "
                   "pairing: mohr phone forget %s"),
        .renewal = N_("It ends soon. Renew it with: mohr phone renew"),
        .look = look,
};

int phone_list(struct cli *cli, int argc, char **argv)
{
        return paired_command_list(cli, argc, argv, &phone_end);
}

int phone_forget(struct cli *cli, int argc, char **argv)
{
        return paired_command_forget(cli, argc, argv, &phone_end);
}

/* ---- What a person may change of one ---- */

struct change {
        struct cli *cli;
        const char *value;
        int (*check)(const struct change *change, char dst[static LINK_ADDRESS_MAX]);
        bool address; /* and not the name */
        char text[LINK_ADDRESS_MAX];
};

static int check_name(const struct change *change, char dst[static LINK_ADDRESS_MAX])
{
        text_sanitize(dst, LINK_NAME_MAX, change->value, LINK_NAME_MAX);
        if (!dst[0] || strcmp(dst, change->value) != 0)
                return cli_usage(change->cli, _("A name has at most 64 bytes, and only characters "
                                                "that can be seen."));
        return 0;
}

static int check_address(const struct change *change, char dst[static LINK_ADDRESS_MAX])
{
        struct link_place address = { 0 };
        int r = link_place_read(change->value, strlen(change->value), LINK_PORT, &address);
        bool v6 = strchr(address.host, ':') != NULL;
        int len = snprintf(
                dst, LINK_ADDRESS_MAX, v6 ? "[%s]:%s" : "%s:%s", address.host, address.port);
        return r == 0 && len > 0 && len < LINK_ADDRESS_MAX
                       ? 0
                       : cli_usage(change->cli, _("An address is HOST:PORT or [IPv6]:PORT."));
}

static int apply(void *user, struct link_peer *peer)
{
        const struct change *change = user;
        char *dst = change->address ? peer->address : peer->name;
        snprintf(dst, change->address ? sizeof peer->address : sizeof peer->name, "%s",
                change->text);
        return 0;
}

static int tell_changed(const struct cli *cli, const struct link_peer *peer)
{
        char name[CLI_TEXT_MAX], address[CLI_TEXT_MAX];
        if (cli->json) {
                _cleanup_json_ json_t *object = paired_json(peer);
                return paired_print_json(cli, object);
        }
        printf("%s  %s  %s\n", cli_text(cli, name, peer->name), peer->id,
                cli_text(cli, address, peer->address));
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}

static int parse_change(struct cli *cli, int argc, char **argv)
{
        int r = cli_only_json(cli, argc, argv);
        if (r == 0 && argc - optind != 2)
                return cli_usage(
                        cli, _("This takes the phone's name or number (id), and what is to "
                               "be set."));
        return r;
}

static int change_one(struct change *change, int argc, char **argv)
{
        _cleanup_free_ char *folder = NULL;
        _cleanup_peer_ struct link_peer peer = { 0 };
        struct cli *cli = change->cli;
        int r = parse_change(cli, argc, argv);
        if (r == 0) {
                change->value = argv[optind + 1];
                r = change->check(change, change->text);
        }
        if (r == 0)
                r = paired_folder(cli, &phone_end, &folder);
        if (r == 0)
                r = paired_find(cli, &phone_end, folder, argv[optind], &peer);
        if (r == 0)
                r = paired_change(cli, folder, &peer, apply, change);
        return r == 0 ? tell_changed(cli, &peer) : r;
}

int phone_rename(struct cli *cli, int argc, char **argv)
{
        struct change change = { .cli = cli, .check = check_name };
        return change_one(&change, argc, argv);
}

int phone_add_address(struct cli *cli, int argc, char **argv)
{
        struct change change = { .cli = cli, .check = check_address, .address = true };
        return change_one(&change, argc, argv);
}
