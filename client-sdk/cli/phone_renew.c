/* SPDX-License-Identifier: Apache-2.0 */
/* phone_renew.c: mohr phone renew: both sides of a pairing get a new key and certificate, over the pinned link
 * (client-sdk/link/renew.h, which has the order that no break in the middle can turn into a lock-out).
 *
 * Two calls: the first exchanges the certificates, the second sees whether both sides show the new ones. What the second sees is what is told.
 */
#include "client-sdk/cli/phone.h"

#include "client-sdk/assertion.h"
#include "client-sdk/link/renew.h"

#define RENEW_SECONDS 30

struct renewing {
        const struct cli *cli;
        struct meeting meeting;
        struct phone_talk talk;
        struct link_renewal *renewal;
        bool anywhere;
        char *folder;
        struct link_peer peer;
};

static void renewing_clear(struct renewing *renewing)
{
        phone_talk_end(&renewing->meeting, &renewing->talk, false);
        meeting_close(&renewing->meeting);
        link_renewal_free(renewing->renewal);
        link_peer_clear(&renewing->peer);
        free(renewing->folder);
}

static int report(const struct renewing *renewing, int r, const char *text)
{
        return r < 0 ? cli_result(renewing->cli, r, NULL)
                     : cli_report_as(renewing->cli, r, text,
                               _("See that the phone is awake and in the same network, and that "
                                 "mohr-relay serve runs there."),
                               renewing->talk.why, NULL);
}

static int call(struct renewing *renewing)
{
        return phone_talk(&renewing->meeting, &renewing->peer, LINK_ROLE_RENEW, renewing->anywhere,
                &renewing->talk);
}

static int exchange(struct renewing *renewing)
{
        struct phone_talk *talk = &renewing->talk;
        int r = call(renewing);
        if (r == 0)
                r = link_renew_ask(&renewing->renewal, talk->link);
        if (r == 0)
                r = phone_hear(&renewing->meeting, talk, LINK_RENEWED);
        if (r == 0)
                r = link_renew_finish(renewing->renewal, talk->link, renewing->folder,
                        talk->buf->data, talk->buf->len);
        if (r != 0)
                return report(renewing, r, _("The pairing was not renewed; it holds as before."));
        (void)!phone_hear(&renewing->meeting, talk, LINK_BYE); /* until it has written it down */
        phone_talk_end(&renewing->meeting, talk, false);
        return 0;
}

/* The new keys at work. */
static int prove(struct renewing *renewing)
{
        char id[LINK_ID_LEN + 1];
        memcpy(id, renewing->peer.id, sizeof id);
        link_peer_clear(&renewing->peer);
        int r = link_store_get(renewing->folder, id, &renewing->peer);
        if (r == 0)
                r = call(renewing);
        if (r != 0)
                return report(renewing, r,
                        _("The pairing is renewed here, but the phone could not be called again. "
                          "It is used with the next request."));
        bool moved = link_showed_next(renewing->talk.link);
        r = link_renew_seen(renewing->talk.link, renewing->folder);
        phone_talk_end(&renewing->meeting, &renewing->talk, true);
        if (r == 0 && !moved)
                return report(renewing, OUTCOME_UNREACHABLE,
                        _("This computer has a new key; the phone still has its old one. Run it "
                          "again."));
        return r < 0 ? cli_result(renewing->cli, r, NULL) : 0;
}

/* ---- The command ---- */

static int parse(struct cli *cli, int argc, char **argv, int *ret_seconds, bool *ret_anywhere)
{
        static const struct option options[] = { { "timeout", required_argument, NULL, 't' },
                { "anywhere", no_argument, NULL, 'w' }, { "json", no_argument, NULL, 'j' }, { 0 } };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                switch (option) {
                case 'j': cli->json = true; break;
                case 'w': *ret_anywhere = true; break;
                case 't':
                        if (meeting_seconds(optarg, ret_seconds) == 0)
                                break;
                        return cli_usage(cli, _("--timeout takes seconds, from %d to %d."),
                                MEETING_SECONDS_MIN, MEETING_SECONDS_MAX);
                default:
                        return cli_usage(
                                cli, _("This option is not known here, or lacks its value."));
                }
        return argc - optind == 1 ? 0 : cli_usage(cli, _("This takes one name or number (id)."));
}

static int tell(const struct renewing *renewing)
{
        char text[CLI_TEXT_MAX], line[CLI_TEXT_MAX + CLI_LINE_MAX];
        if (renewing->cli->json) {
                _cleanup_json_ json_t *object = paired_json(&renewing->peer);
                return paired_print_json(renewing->cli, object);
        }
        snprintf(line, sizeof line, _("The pairing with %s has new keys on both sides."),
                cli_text(renewing->cli, text, renewing->peer.name));
        printf("%s\n", line);
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}

int phone_renew(struct cli *cli, int argc, char **argv)
{
        _cleanup_(renewing_clear) struct renewing renewing = { .cli = cli,
                .meeting = { .signals = -1 } };
        int seconds = RENEW_SECONDS, r = parse(cli, argc, argv, &seconds, &renewing.anywhere);
        if (r == 0)
                r = paired_folder(cli, &phone_end, &renewing.folder);
        if (r == 0)
                r = paired_find(cli, &phone_end, renewing.folder, argv[optind], &renewing.peer);
        if (r != 0)
                return r;
        r = meeting_open(&renewing.meeting, cli, seconds, false);
        if (r < 0)
                return cli_result(cli, r, NULL);
        r = exchange(&renewing);
        if (r == 0)
                r = prove(&renewing);
        return r == 0 ? tell(&renewing) : r;
}
