/* SPDX-License-Identifier: Apache-2.0 */
/* serve_options.c: what the person said to `mohr-relay serve`, and the configuration of mohrd itself besides: a phone has one
 * mohr.conf, whichever program of ours reads it. Which readers are offered is [readers] drivers, except phones: a card is
 * passed on once, not from one phone to the next.
 */
#include "daemon/relay/common.h"
#include "daemon/relay/host.h"

#include "client-sdk/cli/dial.h"

#include <stdio.h>

enum { DRIVER, USB_FD, CONFIG, PORT, LISTEN, ANYWHERE, NAME, PIN, READER, NO_PUBLISH };

static const struct option options[] = {
        { "driver", required_argument, NULL, DRIVER },
        { "usb-fd", required_argument, NULL, USB_FD },
        { "config", required_argument, NULL, CONFIG },
        { "port", required_argument, NULL, PORT },
        { "listen", required_argument, NULL, LISTEN },
        { "anywhere", no_argument, NULL, ANYWHERE },
        { "name", required_argument, NULL, NAME },
        { "pin", required_argument, NULL, PIN },
        { "reader", required_argument, NULL, READER },
        { "no-publish", no_argument, NULL, NO_PUBLISH },
        { 0 },
};

static int take_port(struct host *host, const char *text)
{
        return link_port_read(text, strlen(text), &host->options.port) == 0
                       ? 0
                       : cli_usage(host->cli, _("--port takes a number from 1 to 65535."));
}

static int take_pin(struct host *host, const char *text)
{
        bool here = strcmp(text, "phone") == 0;
        if (!here && strcmp(text, "computer") != 0)
                return cli_usage(host->cli, _("--pin takes phone or computer."));
        host->options.pin = here ? RELAY_PIN_HERE : RELAY_PIN_THERE;
        return 0;
}

static int take_name(struct host *host, const char *text)
{
        if (!*text || text_copy(host->name, sizeof host->name, text) < 0)
                return cli_usage(host->cli, _("--name takes 1 to 64 bytes of text."));
        return 0;
}

static int take_driver(struct host *host, struct relay_arguments *config, char *value)
{
        if (strcmp(value, "phone") == 0)
                return cli_usage(host->cli, _("The reader of another phone is not passed on."));
        return relay_hand_on(host->cli, config, "--driver", value);
}

static int take(struct host *host, struct relay_arguments *config, int option)
{
        switch (option) {
        case DRIVER: return take_driver(host, config, optarg);
        case USB_FD: return relay_hand_on(host->cli, config, "--usb-fd", optarg);
        case CONFIG: return relay_hand_on(host->cli, config, "--config", optarg);
        case PORT: return take_port(host, optarg);
        case LISTEN: host->options.address = optarg; return 0;
        case ANYWHERE: host->options.anywhere = true; return 0;
        case NAME: return take_name(host, optarg);
        case PIN: return take_pin(host, optarg);
        case READER: host->options.reader = optarg; return 0;
        case NO_PUBLISH: host->options.unpublished = true; return 0;
        default:
                return cli_usage(
                        host->cli, _("This option is not known here, or lacks its value."));
        }
}

static void drop_phones(struct config *config)
{
        char **to = config->drivers;
        for (char **from = config->drivers; *from; from++)
                if (strcmp(*from, "phone") == 0)
                        free(*from);
                else
                        *to++ = *from;
        *to = NULL;
}

/* What was not said by an argument. */
static void adopt(struct host *host, const struct config_relay *from)
{
        struct host_options *to = &host->options;
        if (!to->port)
                to->port = (uint16_t)from->port;
        if (!to->address)
                to->address = from->address;
        if (to->pin == RELAY_PIN_ANY)
                to->pin = from->pin;
        if (!host->name[0] && from->name)
                snprintf(host->name, sizeof host->name, "%s", from->name);
        to->anywhere |= from->anywhere;
        to->unpublished |= !from->publish;
}

static int load(struct host *host, const struct relay_arguments *config)
{
        char error[1024] = "";
        int r = config_load(&host->config, config->argc, config->argv, error, sizeof error);
        if (r == 0)
                r = relying_load(
                        &host->relying, host->config->relying_anchors, 0, error, sizeof error);
        if (r != 0)
                return error[0] ? cli_usage(host->cli, "%s", error) : r;
        drop_phones(host->config);
        adopt(host, &host->config->relay);
        return host->config->drivers[0]
                       ? 0
                       : cli_usage(host->cli,
                                 _("No reader is asked for: --driver, or [readers] drivers."));
}

int serve_options(struct host *host, int argc, char **argv)
{
        struct relay_arguments config = { .argv = { argv[0] }, .argc = 1 };
        int r = 0;
        opterr = 0;
        optind = 1;
        for (int option; r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                r = take(host, &config, option);
        if (r == 0 && optind < argc)
                r = cli_usage(host->cli, _("This argument is not expected: %.60s"), argv[optind]);
        return r == 0 ? load(host, &config) : r;
}
