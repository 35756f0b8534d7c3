/* SPDX-License-Identifier: Apache-2.0 */
/* paired.c: see paired.h: finding pairings, keeping and forgetting them. A pairing is a file (client-sdk/link/store.h): that it is
 * gone is all that forgetting needs, and whoever uses it watches the folder.
 */
#include "client-sdk/cli/paired.h"

#include "client-sdk/assertion.h"
#include "client-sdk/members.h"

void paired_clear(struct paired_list *list)
{
        for (size_t i = 0; i < list->count; i++)
                link_peer_clear(&list->peers[i]);
        list->count = 0;
}

int paired_print_json(const struct cli *cli, json_t *json)
{
        _cleanup_free_ char *text = json ? members_text(json, JSON_INDENT(2)) : NULL;
        if (!text)
                return cli_result(cli, -ENOMEM, NULL);
        printf("%s\n", text);
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}

/* ---- The folder ---- */

int paired_folder(const struct cli *cli, const struct paired_end *end, char **ret)
{
        int r = link_store_folder(end->which, ret);
        if (r == -ENOENT)
                return cli_usage(cli, _("No home folder is known: set HOME or XDG_DATA_HOME."));
        return r < 0 ? cli_result(cli, r, NULL) : 0;
}

static int report_folder(const struct cli *cli, const char *folder, int r)
{
        char detail[CLI_TEXT_MAX];
        bool open = r == -EPERM;
        snprintf(detail, sizeof detail, "%s: %s", folder, strerror(-r));
        if (r == -EBUSY)
                return cli_report_as(cli, OUTCOME_BUSY,
                        _("Another program has been changing the pairings for seconds."),
                        _("A mohr phone or mohr-relay that was stopped, perhaps: end it, then try "
                          "again."),
                        detail, NULL);
        return cli_report_as(cli, OUTCOME_INTERNAL,
                open ? _("The folder of the pairings is not private: others may read or change it.")
                     : _("The pairings cannot be read or changed."),
                open ? _("It must be yours alone (mode 0700). Who could read it could pass for "
                         "this device: forget all pairings and pair anew.")
                     : _("See what keeps this folder from being read and written."),
                detail, NULL);
}

/* Of several lines, each is one. */
static void warn_of(const struct cli *cli, char *lines)
{
        char text[CLI_TEXT_MAX], *rest = NULL;
        for (char *line = lines ? strtok_r(lines, "\n", &rest) : NULL; line;
                line = strtok_r(NULL, "\n", &rest))
                cli_warn(cli, cli_text(cli, text, line));
}

int paired_read(const struct cli *cli, const char *folder, struct paired_list *ret)
{
        _cleanup_free_ char *bad = NULL;
        ssize_t count = link_store_list(folder, ret->peers, &bad);
        if (count < 0)
                return report_folder(cli, folder, (int)count);
        ret->count = (size_t)count;
        warn_of(cli, bad);
        return 0;
}

static int report_full(const struct cli *cli)
{
        return cli_report_as(cli, OUTCOME_POLICY, _("There are as many pairings as there may be."),
                _("Forget one that is not used any more, then pair again."), NULL, NULL);
}

/* Whether the folder is ours alone, and can be written to, is seen before anything is promised to the other side. */
static int try_folder(const struct cli *cli, const char *folder)
{
        int r = link_store_try(folder);
        return r < 0 ? report_folder(cli, folder, r) : 0;
}

int paired_room(const struct cli *cli, const struct paired_end *end, char **ret)
{
        _cleanup_paired_ struct paired_list list = { .count = 0 };
        int r = paired_folder(cli, end, ret);
        if (r == 0)
                r = try_folder(cli, *ret);
        if (r == 0)
                r = paired_read(cli, *ret, &list);
        return r == 0 && list.count >= LINK_PEERS_MAX ? report_full(cli) : r;
}

/* ---- One of them ---- */

/* Hands the peer over: the list no longer owns what it points to. */
static void take(struct paired_list *list, size_t i, struct link_peer *ret)
{
        *ret = list->peers[i];
        list->peers[i] = (struct link_peer){ 0 };
}

int paired_find(const struct cli *cli, const struct paired_end *end, const char *folder,
        const char *wanted, struct link_peer *ret)
{
        _cleanup_paired_ struct paired_list list = { .count = 0 };
        char text[CLI_TEXT_MAX];
        size_t found = 0, at = 0;
        int r = paired_read(cli, folder, &list);
        if (r != 0)
                return r;
        for (size_t i = 0; i < list.count; i++) {
                if (strcmp(list.peers[i].id, wanted) == 0) {
                        take(&list, i, ret);
                        return 0;
                }
                if (strcmp(list.peers[i].name, wanted) == 0) {
                        found++;
                        at = i;
                }
        }
        if (found == 0)
                return cli_usage(cli, _(end->unknown), cli_text(cli, text, wanted));
        if (found > 1)
                return cli_usage(cli, _("Several have this name: give the number (id) instead."));
        take(&list, at, ret);
        return 0;
}

static bool is_taken(const struct paired_list *list, const struct link_peer *peer)
{
        for (size_t i = 0; i < list->count; i++)
                if (strcmp(list->peers[i].name, peer->name) == 0 &&
                        strcmp(list->peers[i].id, peer->id) != 0)
                        return true;
        return false;
}

/* "Pixel", then "Pixel 2": which is which must be said by name. */
static void make_unique(const struct paired_list *list, struct link_peer *peer)
{
        char name[LINK_NAME_MAX], tail[8];
        snprintf(name, sizeof name, "%s", peer->name);
        for (int i = 2; is_taken(list, peer) && i <= LINK_PEERS_MAX + 1; i++) {
                int room = (int)sizeof name - 1 - snprintf(tail, sizeof tail, " %d", i);
                while (room > 0 && ((unsigned char)name[room] & 0xC0) == 0x80)
                        room--; /* not through a character */
                snprintf(peer->name, sizeof peer->name, "%.*s%s", room, name, tail);
        }
}

/* Nobody can tell that it is the same device: each pairing has keys of its own, and a name is what somebody says. */
static void warn_of_same(
        const struct cli *cli, const struct paired_end *end, const struct link_peer *older)
{
        char name[CLI_TEXT_MAX], id[CLI_TEXT_MAX], line[3 * CLI_TEXT_MAX];
        snprintf(line, sizeof line, _(end->same), cli_text(cli, name, older->name),
                cli_text(cli, id, older->id));
        cli_warn(cli, line);
}

int paired_keep(const struct cli *cli, const struct paired_end *end, const char *folder,
        struct link_peer *peer)
{
        _cleanup_paired_ struct paired_list list = { .count = 0 };
        char said[LINK_NAME_MAX];
        int r = paired_read(cli, folder, &list);
        if (r != 0)
                return r;
        memcpy(said, peer->name, sizeof said);
        make_unique(&list, peer);
        r = link_store_put(folder, peer);
        if (r == -EUSERS)
                return report_full(cli);
        for (size_t i = 0; r == 0 && i < list.count; i++)
                if (strcmp(list.peers[i].name, said) == 0)
                        warn_of_same(cli, end, &list.peers[i]);
        return r < 0 ? report_folder(cli, folder, r) : 0;
}

int paired_change(const struct cli *cli, const char *folder, struct link_peer *peer,
        int (*change)(void *user, struct link_peer *peer), void *user)
{
        _cleanup_paired_ struct paired_list list = { .count = 0 };
        int r = paired_read(cli, folder, &list);
        if (r == 0)
                r = change(user, peer);
        if (r != 0)
                return r;
        if (is_taken(&list, peer))
                return cli_usage(cli, _("Another one has this name already."));
        r = link_store_change(folder, peer->id, change, user);
        return r < 0 ? report_folder(cli, folder, r) : r;
}

/* ---- forget ---- */

static int agree(const struct cli *cli, const struct paired_end *end, const struct link_peer *peer)
{
        char text[CLI_TEXT_MAX], line[CLI_TEXT_MAX + CLI_LINE_MAX];
        int outcome = 0;
        snprintf(line, sizeof line, _(end->question), cli_text(cli, text, peer->name));
        if (cli_ask(line, &outcome))
                return 0;
        return cli_report_as(cli, outcome, _("Nothing was changed."),
                outcome == OUTCOME_NOBODY_TO_ASK ? _("Give --yes to say so without being asked.")
                                                 : "",
                NULL, NULL);
}

static int parse_forget(struct cli *cli, int argc, char **argv, bool *ret_yes)
{
        static const struct option options[] = { { "yes", no_argument, NULL, 'y' },
                { "json", no_argument, NULL, 'j' }, { 0 } };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                switch (option) {
                case 'y': *ret_yes = true; break;
                case 'j': cli->json = true; break;
                default: return cli_usage(cli, _("This option is not known here."));
                }
        return argc - optind == 1 ? 0 : cli_usage(cli, _("This takes one name or number (id)."));
}

int paired_command_forget(struct cli *cli, int argc, char **argv, const struct paired_end *end)
{
        _cleanup_free_ char *folder = NULL;
        _cleanup_peer_ struct link_peer peer = { 0 };
        char text[CLI_TEXT_MAX], line[CLI_TEXT_MAX + CLI_LINE_MAX];
        bool yes = false;
        int r = parse_forget(cli, argc, argv, &yes);
        if (r == 0)
                r = paired_folder(cli, end, &folder);
        if (r == 0)
                r = paired_find(cli, end, folder, argv[optind], &peer);
        if (r == 0 && !yes)
                r = agree(cli, end, &peer);
        if (r != 0)
                return r;
        r = link_store_remove(folder, peer.id);
        if (r < 0)
                return report_folder(cli, folder, r);
        if (cli->json) {
                _cleanup_json_ json_t *told = json_pack("{s:s}", "forgotten", peer.id);
                return paired_print_json(cli, told);
        }
        snprintf(line, sizeof line, _(end->forgotten), cli_text(cli, text, peer.name));
        printf("%s\n", line);
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}
