/* SPDX-License-Identifier: Apache-2.0 */
/* pin.c: mohr pin: a table of what can be done with the PINs of a card.
 *
 * To look at them costs nothing and is all that exists for the national card. What changes a PIN exists for staff
 * cards alone, and mohrd, which knows which card lies there, is who says no.
 */
#include "client-sdk/cli/pin.h"

static const struct deed {
        const char *name;
        int (*run)(struct cli *cli, int argc, char **argv);
        const char *arguments, *help;
} deeds[] = {
        { "status", pin_status, "[--reader NAME] [--json]",
                N_("Show the tries left of each PIN, and whether it is still as it was issued") },
        { "change", pin_change, "[--reader NAME] [--timeout SECONDS] [--json]",
                N_("Change the PIN of a staff card; the old one is asked for") },
        { "unblock", pin_unblock, "[--reader NAME] [--timeout SECONDS] [--json]",
                N_("Set a new PIN for a staff card with its unblocking code (PUK)") },
};

void pin_show_help(void)
{
        for (size_t i = 0; i < ARRAY_LEN(deeds); i++)
                printf("mohr pin %s %s\n    %s\n", deeds[i].name, deeds[i].arguments,
                        _(deeds[i].help));
}

int command_pin(struct cli *cli, int argc, char **argv)
{
        const char *name = argc > 1 ? argv[1] : "";
        for (size_t i = 0; i < ARRAY_LEN(deeds); i++)
                if (strcmp(deeds[i].name, name) == 0)
                        return deeds[i].run(cli, argc - 1, argv + 1);
        return cli_usage(cli, _("This takes what to do with the PIN. See: mohr help pin"));
}
