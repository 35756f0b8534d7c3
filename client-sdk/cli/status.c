/* SPDX-License-Identifier: Apache-2.0 */
/* status.c: mohr status and mohr watch. Neither ever says whose card it is: mohrd does not tell. */
#include "client-sdk/cli/cli.h"

#include "client-sdk/assertion.h"
#include "client-sdk/client.h"

#include <time.h>

static int parse(struct cli *cli, int argc, char **argv)
{
        int r = cli_only_json(cli, argc, argv);
        if (r != 0)
                return r;
        return optind < argc ? cli_usage(cli, _("This takes no arguments.")) : 0;
}

static int show_picture(const struct cli *cli, const char *json)
{
        if (cli->json)
                printf("%s\n", json);
        else
                show_readers(cli, json);
        return cli_flushed() ? 0 : -EIO;
}

/* A picture among others. For people: when it was taken, and a line between it and the next. With --json:
 * one line, so that a script reads line by line. */
static int show_change(void *user, const char *json)
{
        const struct cli *cli = user;
        char when[96];
        if (!cli->json) {
                printf("%s%s%s\n", cli_style(stdout, STYLE_DIM), cli_time(cli, when, time(NULL)),
                        cli_style(stdout, STYLE_PLAIN));
                show_readers(cli, json);
                printf("\n");
                return cli_flushed() ? 0 : -EIO;
        }
        _cleanup_json_ json_t *picture = json_loads(json, 0, NULL);
        _cleanup_free_ char *line = picture ? json_dumps(picture, JSON_COMPACT) : NULL;
        if (!line)
                return -ENOMEM;
        return show_picture(cli, line);
}

int command_status(struct cli *cli, int argc, char **argv)
{
        _cleanup_client_ struct mohr_client *client = NULL;
        _cleanup_free_ char *json = NULL;
        int r = parse(cli, argc, argv);
        if (r == 0)
                r = cli_connect(cli, &client);
        if (r != 0)
                return r;
        r = mohr_client_status(client, &json);
        if (r == 0)
                r = show_picture(cli, json);
        return cli_result(cli, r, client);
}

int command_watch(struct cli *cli, int argc, char **argv)
{
        _cleanup_client_ struct mohr_client *client = NULL;
        int r = parse(cli, argc, argv);
        if (r == 0)
                r = cli_connect(cli, &client);
        if (r != 0)
                return r;
        return cli_result(cli, mohr_client_watch(client, show_change, cli), client);
}
