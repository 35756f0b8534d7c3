/* SPDX-License-Identifier: Apache-2.0 */
/* grants.c: mohr grants: which apps and organisations may ask without the page of consent, and taking that back.
 * mohrd is asked, as it is the one that keeps to it; the rows are in the history as well.
 */
#include "client-sdk/cli/history.h"

#include "client-sdk/assertion.h"
#include "client-sdk/client.h"

static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };

static void print_grants(const struct cli *cli, const json_t *grants)
{
        static const char *const names[] = { "at", "app", "organization", "organization_key",
                "audience", "purpose", "released", NULL };
        for (size_t i = 0; i < json_array_size(grants); i++) {
                const json_t *grant = json_array_get(grants, i);
                const char *number = json_string_value(json_object_get(grant, "grant"));
                char text[CLI_TEXT_MAX];
                printf("%s\n", cli_text(cli, text, number ? number : ""));
                history_print_members(cli, grant, names);
        }
        if (json_array_size(grants) > 0)
                printf("%s\n", _("The PIN is asked for all the same. Take one back with: mohr "
                                 "grants revoke NUMBER"));
        else
                printf("%s\n", _("Nobody may ask without the page of consent."));
}

/* What cannot be listed, since the history cannot be read. */
static int report(const struct cli *cli, int r, const struct mohr_client *client)
{
        if (r != OUTCOME_CANNOT_RECORD)
                return cli_result(cli, r, client);
        return cli_report_as(cli, r,
                _("Which permissions there are cannot be told: they stand in the history."),
                _("See what is wrong with it: mohr history verify"), mohr_client_detail(client),
                client);
}

static int list(const struct cli *cli, struct mohr_client *client)
{
        _cleanup_free_ char *json = NULL;
        int r = mohr_client_grants(client, &json);
        if (r != 0)
                return report(cli, r, client);
        _cleanup_json_ json_t *all = json_loads(json, 0, NULL);
        if (!all)
                return cli_result(cli, -ENOMEM, NULL);
        if (cli->json)
                return history_print_json(cli, all);
        print_grants(cli, json_object_get(all, "grants"));
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}

/* A number, or how one and no other begins: nobody types 32 digits. */
#define NUMBER_LEN    32
#define BEGINNING_MIN 4

static size_t find(const json_t *grants, const char *said, char ret[static NUMBER_LEN + 1])
{
        size_t found = 0;
        for (size_t i = 0; i < json_array_size(grants); i++) {
                const json_t *grant = json_object_get(json_array_get(grants, i), "grant");
                const char *number = json_string_value(grant);
                if (!number || strncmp(number, said, strlen(said)) != 0)
                        continue;
                snprintf(ret, NUMBER_LEN + 1, "%s", number);
                found++;
        }
        return found;
}

/* Where there is none that begins so, mohrd is to say it. */
static int complete(const struct cli *cli, struct mohr_client *client, const char **said,
        char number[static NUMBER_LEN + 1])
{
        _cleanup_free_ char *json = NULL;
        if (strlen(*said) >= NUMBER_LEN || strlen(*said) < BEGINNING_MIN)
                return 0;
        int r = mohr_client_grants(client, &json);
        if (r != 0)
                return report(cli, r, client);
        _cleanup_json_ json_t *all = json_loads(json, 0, NULL);
        size_t found = find(json_object_get(all, "grants"), *said, number);
        if (found == 1)
                *said = number;
        return found <= 1 ? 0
                          : cli_usage(cli, _("The numbers of several permissions begin with this: "
                                             "mohr grants"));
}

static int take_back(const struct cli *cli, struct mohr_client *client, const char *grant)
{
        char number[NUMBER_LEN + 1];
        int r = complete(cli, client, &grant, number);
        if (r != 0)
                return r;
        r = mohr_client_revoke_grant(client, grant);
        if (r == OUTCOME_USAGE)
                return cli_usage(cli, _("There is no permission of this number: mohr grants"));
        if (r != 0)
                return cli_result(cli, r, client);
        if (cli->json) {
                _cleanup_json_ json_t *told = json_pack("{s:s}", "revoked", grant);
                return history_print_json(cli, told);
        }
        printf("%s\n", _("The permission was taken back. From now on you are asked again."));
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}

int command_grants(struct cli *cli, int argc, char **argv)
{
        _cleanup_client_ struct mohr_client *client = NULL;
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
                if (option != 'j')
                        return cli_usage(cli, _("This option is not known here."));
                cli->json = true;
        }
        const char *what = optind < argc ? argv[optind] : "list";
        bool is_list = strcmp(what, "list") == 0 && argc - optind <= 1;
        bool is_revoke = strcmp(what, "revoke") == 0 && argc - optind == 2;
        if (!is_list && !is_revoke)
                return cli_usage(cli, _("This takes list, or revoke and the number of a "
                                        "permission."));
        int r = cli_connect(cli, &client);
        if (r != 0)
                return r;
        return is_list ? list(cli, client) : take_back(cli, client, argv[optind + 1]);
}
