/* SPDX-License-Identifier: Apache-2.0 */
/* phone_invite.c: see phone_invite.h. The QR code's text is always there below the picture: who has no camera pastes it. It is a secret
 * for as long as the command runs: a picture of it is its owner's alone (0600) and goes when the command ends.
 */
#include "client-sdk/cli/phone_invite.h"

#include "base/file.h"
#include "client-sdk/assertion.h"
#include "client-sdk/cli/phone_qr.h"
#include "client-sdk/page/qr.h"

static const struct form {
        const char *ending;
        int (*make)(const struct qr *qr, uint8_t **ret, size_t *ret_len);
} forms[] = { { ".png", phone_qr_png }, { ".svg", phone_qr_svg } };

static const struct form *form_of(const char *file)
{
        size_t len = strlen(file);
        for (size_t i = 0; i < ARRAY_LEN(forms); i++)
                if (len > strlen(forms[i].ending) &&
                        strcmp(file + len - strlen(forms[i].ending), forms[i].ending) == 0)
                        return &forms[i];
        return NULL;
}

static bool is_terminal(const char *qr)
{
        return strcmp(qr, "terminal") == 0;
}

int phone_invite_check(const struct cli *cli, const char *qr)
{
        if (!qr || is_terminal(qr) || form_of(qr))
                return 0;
        return cli_usage(cli, _("--qr takes the word terminal, or a file whose name ends in .png "
                                "or .svg."));
}

/* ---- A file ---- */

static int report_file(const struct cli *cli, const char *file, int r)
{
        char detail[CLI_TEXT_MAX];
        snprintf(detail, sizeof detail, "%s: %s", file, strerror(-r));
        return cli_report_as(cli, OUTCOME_INTERNAL,
                _("The picture of the QR code cannot be written."),
                r == -EEXIST ? _("There is a file of this name already. Give another name: the "
                                 "picture is removed at the end.")
                             : _("Give a name in a folder that you may write to."),
                detail, NULL);
}

static int write_picture(const struct cli *cli, struct phone_invite *invite, const struct qr *qr)
{
        _cleanup_free_ uint8_t *data = NULL;
        char text[CLI_TEXT_MAX];
        size_t len = 0;
        int r = strlen(invite->qr) < sizeof invite->written
                        ? form_of(invite->qr)->make(qr, &data, &len)
                        : -ENAMETOOLONG;
        if (r == 0)
                r = file_create(invite->qr, data, len, 0600);
        if (r < 0)
                return report_file(cli, invite->qr, r);
        snprintf(invite->written, sizeof invite->written, "%s", invite->qr);
        if (!cli->json)
                printf("%s %s\n", _("The QR code is in this file until the end:"),
                        cli_text(cli, text, invite->qr));
        return 0;
}

void phone_invite_end(struct phone_invite *invite)
{
        if (invite->written[0] && file_remove(invite->written) < 0)
                perror(invite->written);
        invite->written[0] = '\0';
}

/* ---- The terminal ---- */

static void draw(const struct phone_invite *invite, const struct qr *qr)
{
        static const char *const reasons[] = {
                [PHONE_QR_NO_TERMINAL] = N_("No QR code can be shown here. Use the text below, or "
                                            "give --qr FILE.png."),
                [PHONE_QR_NARROW] =
                        N_("This window is too narrow for the QR code. Make it wider and "
                           "start again, or give --qr FILE.png."),
                [PHONE_QR_LOW] =
                        N_("This window is too low to show the whole QR code at once. Make "
                           "it taller, or give --qr FILE.png."),
        };
        enum phone_qr_fit fit = phone_qr_fit(stdout, qr);
        bool asked = invite->qr != NULL;
        if (fit == PHONE_QR_FITS || fit == PHONE_QR_LOW || (asked && fit == PHONE_QR_NO_TERMINAL))
                phone_qr_draw(stdout, qr, fit != PHONE_QR_NO_TERMINAL);
        fflush(stdout);
        if (fit != PHONE_QR_FITS && !(asked && fit == PHONE_QR_NO_TERMINAL))
                meeting_say(_(reasons[fit]));
}

static int show_uri(const struct cli *cli, struct phone_invite *invite)
{
        char uri[PAIR_URI_MAX];
        struct qr *qr = malloc(sizeof *qr);
        int r = qr ? pair_uri_write(invite->uri, uri) : -ENOMEM;
        if (r == 0)
                r = qr_make(qr, uri, QR_SCREEN);
        if (r < 0)
                r = cli_result(cli, r, NULL);
        else if (invite->qr && !is_terminal(invite->qr))
                r = write_picture(cli, invite, qr);
        else if (!cli->json)
                draw(invite, qr);
        free(qr);
        if (r != 0 || cli->json)
                return r;
        printf("\n%s\n\n%s\n\n", _("Scan it on the phone, or give its text to: mohr-relay pair"),
                uri); /* alone on its line: what is copied has nothing invisible around it */
        return 0;
}

/* ---- By numbers ---- */

static void show_addresses(const struct phone_listen *listen)
{
        printf("%s\n\n", listen->address_count > 1 ? _("Run one of these on the phone:")
                                                   : _("Run this on the phone:"));
        for (size_t i = 0; i < listen->address_count; i++)
                printf("        mohr-relay pair %s\n", listen->addresses[i]);
        printf("\n");
}

/* ---- Both ---- */

static int show_json(
        const struct cli *cli, const struct phone_invite *invite, const struct phone_listen *listen)
{
        char uri[PAIR_URI_MAX] = "";
        _cleanup_json_ json_t *object =
                json_pack("{s:[], s:i}", "addresses", "seconds", invite->seconds);
        json_t *addresses = json_object_get(object, "addresses");
        int r = invite->uri ? pair_uri_write(invite->uri, uri) : 0;
        for (size_t i = 0; i < listen->address_count; i++)
                json_array_append_new(addresses, json_string(listen->addresses[i]));
        if (uri[0])
                json_object_set_new(object, "pair", json_string(uri));
        _cleanup_free_ char *text = json_dumps(object, JSON_COMPACT);
        if (r < 0 || !text)
                return cli_result(cli, r < 0 ? r : -ENOMEM, NULL);
        printf("%s\n", text);
        return 0;
}

static void show_words(const struct cli *cli, int seconds)
{
        char line[CLI_LINE_MAX], digits[CLI_LINE_MAX];
        fprintf(stderr, "%s%s%s\n\n", cli_style(stderr, STYLE_BAD),
                _("Pair only devices that are your own, and never a phone with a stranger's "
                  "computer: a paired computer says what the phone's card is to sign."),
                cli_style(stderr, STYLE_PLAIN));
        snprintf(line, sizeof line, _("Waiting for the phone, %d seconds. Ctrl-C ends it."),
                seconds);
        meeting_say(cli_digits(cli, digits, line));
}

int phone_invite_show(
        const struct cli *cli, struct phone_invite *invite, const struct phone_listen *listen)
{
        int r = invite->uri ? show_uri(cli, invite) : 0;
        if (r == 0 && cli->json)
                r = show_json(cli, invite, listen);
        else if (r == 0 && !invite->uri)
                show_addresses(listen);
        if (r != 0)
                return r;
        if (!cli_flushed())
                return OUTCOME_INTERNAL;
        show_words(cli, invite->seconds);
        return 0;
}
