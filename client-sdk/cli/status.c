/* SPDX-License-Identifier: Apache-2.0 */
/* status.c: mohr status and mohr watch. Neither ever says whose card it is: mohrd does not tell. */
#include "client-sdk/cli/cli.h"

static int parse(struct cli *cli, int argc, char **argv)
{
        static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
                if (option != 'j')
                        return cli_usage(cli, _("This option is not known here."));
                cli->json = true;
        }
        return optind < argc ? cli_usage(cli, _("This takes no arguments.")) : 0;
}

static void free_client(struct mohr_client **client)
{
        *client = mohr_client_free(*client);
}

/* One picture of the readers. With --json it is printed as it came. */
static int show(void *user, const char *json)
{
        const struct cli *cli = user;
        if (cli->json)
                printf("%s\n", json);
        else
                show_readers(cli, json);
        return cli_flushed() ? 0 : -EIO;
}

int command_status(struct cli *cli, int argc, char **argv)
{
        _cleanup_(free_client) struct mohr_client *client = NULL;
        _cleanup_free_ char *json = NULL;
        int r = parse(cli, argc, argv);
        if (r == 0)
                r = cli_connect(cli, &client);
        if (r != 0)
                return r;
        r = mohr_client_status(client, &json);
        if (r == 0)
                r = show(cli, json);
        return cli_result(cli, r, client);
}

int command_watch(struct cli *cli, int argc, char **argv)
{
        _cleanup_(free_client) struct mohr_client *client = NULL;
        int r = parse(cli, argc, argv);
        if (r == 0)
                r = cli_connect(cli, &client);
        if (r != 0)
                return r;
        return cli_result(cli, mohr_client_watch(client, show, cli), client);
}
