/* SPDX-License-Identifier: Apache-2.0 */
/* phone_renew.c: mohr phone renew: both sides of a pairing get a new key and certificate, over the pinned link.
 *
 * Whatever is lost on the way, each side shows what the other takes: the phone knows our next certificate before we show it, and
 * shows its own next only when we have said that its print is on our disk (LINK_BYE, client-sdk/link/link.h). The second call sees
 * whether both have moved; what it sees is what counts from then on.
 */
#include "client-sdk/cli/phone.h"

#include "base/bytes.h"
#include "client-sdk/assertion.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define RENEW_SECONDS 30
#define DER_MAX       2048

struct renewing {
        const struct cli *cli;
        struct meeting meeting;
        struct phone_talk talk;
        bool anywhere;
        char *folder;
        struct link_peer peer, next; /* of the latter, key and certificate alone */
};

static void renewing_clear(struct renewing *renewing)
{
        phone_talk_end(&renewing->meeting, &renewing->talk, false);
        meeting_close(&renewing->meeting);
        link_peer_clear(&renewing->peer);
        link_peer_clear(&renewing->next);
        free(renewing->folder);
}

static int report(const struct renewing *renewing, int r, const char *text)
{
        return r < 0 ? cli_result(renewing->cli, r, NULL)
                     : cli_report_as(renewing->cli, r, text,
                               _("See that the phone is awake and in the same network, and that "
                                 "mohr-relay "
                                 "serve runs there."),
                               renewing->talk.why, NULL);
}

/* ---- What is exchanged ---- */

static int certificate_der(const char *pem, uint8_t dst[static DER_MAX], size_t *ret_len)
{
        BIO *bio = BIO_new_mem_buf(pem, -1);
        X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
        int len = certificate ? i2d_X509(certificate, NULL) : -1;
        bool fits = len > 0 && len <= DER_MAX;
        if (fits)
                *ret_len = (size_t)i2d_X509(certificate, &dst);
        X509_free(certificate);
        BIO_free(bio);
        return fits ? 0 : -EINVAL;
}

static int offer(struct renewing *renewing)
{
        uint8_t der[DER_MAX], bytes[DER_MAX + 2];
        struct out out = out_new(bytes, sizeof bytes);
        size_t len = 0;
        int r = certificate_der(renewing->next.certificate, der, &len);
        out_bytes16(&out, der, len);
        if (r == 0)
                r = out_done(&out);
        return r == 0 ? link_send(renewing->talk.link, LINK_RENEW, bytes, out.len) : r;
}

/* The phone's next certificate: whole, and nothing behind it. */
static int take(struct renewing *renewing)
{
        struct in in = in_new(renewing->talk.buf->data, renewing->talk.buf->len);
        struct view der = in_bytes16(&in, DER_MAX);
        const uint8_t *at = der.data;
        X509 *certificate = in_done(&in) == 0 ? d2i_X509(NULL, &at, (long)der.len) : NULL;
        bool whole = certificate && at == der.data + der.len;
        X509_free(certificate);
        if (!whole)
                return -EBADMSG;
        return EVP_Digest(der.data, der.len, renewing->peer.next_print, NULL, EVP_sha256(), NULL) ==
                               1
                       ? 0
                       : -EIO;
}

/* Our next key and its certificate in the place of the old ones; the old go with `next`. */
static void step_over(struct renewing *renewing)
{
        char *key = renewing->peer.key, *certificate = renewing->peer.certificate;
        renewing->peer.key = renewing->next.key;
        renewing->peer.certificate = renewing->next.certificate;
        renewing->peer.expires_at = renewing->next.expires_at;
        renewing->next.key = key;
        renewing->next.certificate = certificate;
}

static int exchange(struct renewing *renewing)
{
        int r = link_identity_make(
                &renewing->next.key, &renewing->next.certificate, &renewing->next.expires_at);
        if (r == 0)
                r = phone_talk(&renewing->meeting, &renewing->peer, LINK_ROLE_RENEW,
                        renewing->anywhere, &renewing->talk);
        if (r == 0)
                r = offer(renewing);
        if (r == 0)
                r = phone_hear(&renewing->meeting, &renewing->talk, LINK_RENEWED);
        if (r == 0)
                r = take(renewing);
        if (r != 0)
                return report(renewing, r, _("The pairing was not renewed; it holds as before."));
        step_over(renewing);
        r = paired_keep(renewing->cli, renewing->folder, &renewing->peer, false);
        phone_talk_end(&renewing->meeting, &renewing->talk, r == 0);
        return r;
}

/* The new keys at work; what the phone shows now is what counts. */
static int prove(struct renewing *renewing)
{
        int r = phone_talk(&renewing->meeting, &renewing->peer, LINK_ROLE_RENEW, renewing->anywhere,
                &renewing->talk);
        if (r != 0)
                return report(renewing, r,
                        _("The pairing is renewed here, but the phone could not be called again. "
                          "It "
                          "is used with the next request."));
        bool moved = link_showed_next(renewing->talk.link);
        if (moved) {
                memcpy(renewing->peer.peer_print, renewing->peer.next_print, LINK_PRINT);
                memset(renewing->peer.next_print, 0, LINK_PRINT);
                r = paired_keep(renewing->cli, renewing->folder, &renewing->peer, false);
        }
        phone_talk_end(&renewing->meeting, &renewing->talk, true);
        if (r == 0 && !moved)
                return report(renewing, OUTCOME_UNREACHABLE,
                        _("This computer has a new key; the phone still has its old one. Run it "
                          "again."));
        return r;
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
