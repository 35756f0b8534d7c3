/* SPDX-License-Identifier: Apache-2.0 */
/* asked.c: where the holder is asked, on behalf of the command that runs there, and how far it is. Not what is asked, and by whom.
 */
#include "client-sdk/cli/cli.h"

#include <sys/stat.h>
#include <unistd.h>

static const char *from_environment(const char *name)
{
        const char *value = getenv(name);
        return value && value[0] ? value : NULL;
}

/* The terminal the person types on. mohrd takes only one that belongs to its user, so one that su or
 * sudo brought along from somebody else is not named. */
static const char *terminal(const struct cli *cli, char *dst, size_t cap)
{
        static const int streams[] = { STDIN_FILENO, STDERR_FILENO };
        bool foreign = false;
        for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
                struct stat st;
                if (!isatty(streams[i]) || ttyname_r(streams[i], dst, cap) != 0)
                        continue;
                if (fstat(streams[i], &st) == 0 && st.st_uid == getuid())
                        return dst;
                foreign = true;
        }
        if (foreign)
                cli_warn(cli, _("This terminal belongs to another user (su, sudo): the PIN cannot "
                                "be asked for on it."));
        return NULL;
}

void cli_describe_ui(const struct cli *cli, struct mohr_ui *ui, char *tty, size_t cap)
{
        ui->tty = terminal(cli, tty, cap);
        ui->term = ui->tty ? from_environment("TERM") : NULL;
        ui->display = from_environment("DISPLAY");
        ui->wayland_display = from_environment("WAYLAND_DISPLAY");
        ui->xauthority = from_environment("XAUTHORITY");
        ui->language = cli->persian ? "fa" : "en";
}

void cli_show_phase(void *user, const char *phase)
{
        static const struct {
                const char *phase, *text;
        } phases[] = {
                { "reader", N_("Looking for the card reader ...") },
                { "choice", N_("Waiting for an answer to the question which card is meant ...") },
                { "queued",
                        N_("Another question is open on this computer. Waiting for its end ...") },
                { "search", N_("Looking for the card that is asked for. Leave all cards where they "
                               "are ...") },
                { "card", N_("Reading the card. Leave it where it is ...") },
                { "reading", N_("Making the document ready ...") },
                { "consent", N_("Waiting for the holder's consent ...") },
                { "pin", N_("The card checks the PIN. Leave it where it is ...") },
                { "pinpad", N_("Please type the PIN on the keys of the card reader ...") },
                { "phone", N_("Please enter the PIN on the phone ...") },
                { "sign", N_("The chip is signing. Leave the card where it is ...") },
                { "signed", N_("Signed.") },
        };
        (void)user;
        for (size_t i = 0; i < ARRAY_LEN(phases); i++)
                if (strcmp(phases[i].phase, phase) == 0)
                        fprintf(stderr, "%s%s%s\n", cli_style(stderr, STYLE_DIM), _(phases[i].text),
                                cli_style(stderr, STYLE_PLAIN));
}
