/* SPDX-License-Identifier: Apache-2.0 */
/* paired_list.c: the pairings of this device as rows for people and objects for programs. Keys and certificates stay where they are:
 * what is shown may be read out over the telephone.
 */
#include "client-sdk/cli/paired.h"

#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/link/renew.h"

#include <time.h>

#define DAY 86400

static int64_t days_left(const struct link_peer *peer)
{
        int64_t left = peer->expires_at - (int64_t)time(NULL);
        return left > 0 ? left / DAY : 0;
}

static enum link_age age(const struct link_peer *peer)
{
        return link_peer_age(peer, (int64_t)time(NULL));
}

json_t *paired_json(const struct link_peer *peer)
{
        static const char *const ages[] = {
                [LINK_AGE_GOOD] = "good", [LINK_AGE_OVER] = "over", [LINK_AGE_EARLY] = "early"
        };
        char paired[24], expires[24];
        text_iso8601(paired, peer->paired_at);
        text_iso8601(expires, peer->expires_at);
        return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s}", "id", peer->id, "name", peer->name,
                "address", peer->address, "paired_at", paired, "expires_at", expires, "days_left",
                (json_int_t)days_left(peer), "age", ages[age(peer)]);
}

static void print_row(const char *label, const char *value)
{
        printf("    %s %s\n", label, value);
}

/* Two years that are over, or a clock; only a person can tell. */
static void print_age(const struct cli *cli, enum link_age how)
{
        static const char *const words[] = {
                [LINK_AGE_OVER] = N_("It has ended: pair the two anew. But if it is not two years "
                                     "old, a clock is wrong: set that first."),
                [LINK_AGE_EARLY] = N_("It was made on a day that has not come yet: the clock of "
                                      "this device is wrong, or was then. Set date and time."),
        };
        char when[96], line[CLI_LINE_MAX];
        if (how == LINK_AGE_GOOD)
                return;
        printf("        %s\n", _(words[how]));
        snprintf(line, sizeof line, _("By this device's clock it is %s."),
                cli_time(cli, when, (int64_t)time(NULL)));
        printf("        %s\n", line);
}

static void print_end(
        const struct cli *cli, const struct paired_end *end, const struct link_peer *peer)
{
        char when[96], line[CLI_LINE_MAX], digits[CLI_LINE_MAX];
        int64_t left = days_left(peer);
        print_row(_("Certificate ends:"), cli_time(cli, when, peer->expires_at));
        snprintf(line, sizeof line,
                dngettext("mohr", "%d day left", "%d days left", (unsigned long)left), (int)left);
        printf("        %s\n", cli_digits(cli, digits, line));
        print_age(cli, age(peer));
        if (age(peer) != LINK_AGE_OVER && left * DAY < LINK_RENEW_BEFORE && end->renewal)
                printf("        %s\n", _(end->renewal));
}

static void print_peer(const struct cli *cli, const struct paired_end *end,
        const struct link_peer *peer, const char *seen)
{
        char text[CLI_TEXT_MAX], when[96];
        printf("%s\n", cli_text(cli, text, peer->name));
        print_row(_("Number (id):"), cli_text(cli, text, peer->id));
        if (peer->address[0])
                print_row(_("Address:"), cli_text(cli, text, peer->address));
        print_row(_("Paired:"), cli_time(cli, when, peer->paired_at));
        print_end(cli, end, peer);
        if (seen[0])
                print_row(_("Reached:"), seen);
}

static int list_one(const struct cli *cli, const struct paired_end *end,
        const struct link_peer *peer, bool check, json_t *array)
{
        char seen[CLI_LINE_MAX] = "";
        json_t *object = paired_json(peer);
        if (!object)
                return -ENOMEM;
        if (check)
                end->look(cli, peer, seen, object);
        if (!cli->json)
                print_peer(cli, end, peer, seen);
        return json_array_append_new(array, object) < 0 ? -ENOMEM : 0;
}

static int parse(
        struct cli *cli, int argc, char **argv, const struct paired_end *end, bool *ret_check)
{
        static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                { "check", no_argument, NULL, 'c' }, { 0 } };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
                if (option == 'j')
                        cli->json = true;
                else if (option == 'c' && end->look)
                        *ret_check = true;
                else
                        return cli_usage(cli, _("This option is not known here."));
        }
        return optind == argc ? 0 : cli_usage(cli, _("This takes no arguments."));
}

int paired_command_list(struct cli *cli, int argc, char **argv, const struct paired_end *end)
{
        _cleanup_free_ char *folder = NULL;
        _cleanup_paired_ struct paired_list list = { .count = 0 };
        _cleanup_json_ json_t *array = json_array();
        bool check = false;
        int r = parse(cli, argc, argv, end, &check);
        if (r == 0)
                r = paired_folder(cli, end, &folder);
        if (r == 0)
                r = paired_read(cli, folder, &list);
        if (r != 0)
                return r;
        for (size_t i = 0; r == 0 && i < list.count; i++)
                r = array ? list_one(cli, end, &list.peers[i], check, array) : -ENOMEM;
        if (r < 0)
                return cli_result(cli, r, NULL);
        if (cli->json)
                return paired_print_json(cli, array);
        if (list.count == 0)
                printf("%s\n", _(end->none));
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}
