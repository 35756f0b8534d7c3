/* SPDX-License-Identifier: Apache-2.0 */
/* history_export.c: mohr history export: all rows in one file, if they are whole, for their owner to carry away.
 *
 * With --sign the holder's chip vouches for it in the one form that exists: an identity assertion, for the audience
 * of exports, whose nonce is the digest of the export. It is composed by mohrd like any other, consent and PIN
 * included, and is itself recorded, after what it is about.
 */
#include "client-sdk/cli/history.h"

#include "base/file.h"
#include "client-sdk/assertion.h"
#include "client-sdk/client.h"

struct exporting {
        const char *from, *out, *reader;
        bool sign, force;
        FILE *to; /* into `text` */
        char *text;
        size_t len;
        bool not_text; /* some row is none */
};

static void clear_exporting(struct exporting *e)
{
        if (e->to)
                fclose(e->to);
        free(e->text);
}

static int write_row(void *user, const struct ledger_row *row)
{
        struct exporting *e = user;
        int r = ledger_export_row(e->to, row);
        e->not_text |= r == -EILSEQ; /* which the check tells as well */
        if (r == 0 && ftello(e->to) > LEDGER_EXPORT_MAX)
                return -EFBIG;
        return r == -EILSEQ ? 0 : r;
}

/* A stream in memory that had none loses what it was given, and says so once. */
static int settle(FILE *to)
{
        return fflush(to) != 0 || ferror(to) ? -ENOMEM : 0;
}

static int refuse(const struct cli *cli)
{
        return cli_report_as(cli, OUTCOME_INVALID,
                _("The history was tampered with, or damaged. It is not exported."),
                _("See what is wrong with it: mohr history verify"), NULL, NULL);
}

static int read_all(const struct cli *cli, struct exporting *e)
{
        _cleanup_source_ struct history_source source = { 0 };
        bool none = false;
        int r = history_open(cli, e->from, &source);
        if (r == 0)
                r = history_read(cli, &source, write_row, e, &none);
        if (r != 0)
                return r;
        const struct ledger_sum *sum = ledger_check_sum(source.check);
        if (none || sum->rows == 0)
                return cli_report_as(cli, OUTCOME_USAGE, _("There is no history here."),
                        _("One begins with the first request; --from names another folder."),
                        source.folder, NULL);
        if (sum->findings > 0 || e->not_text)
                return refuse(cli);
        r = ledger_export_head(e->to, &sum->head);
        if (r == 0)
                r = settle(e->to);
        return cli_result(cli, r, NULL);
}

static int sign(const struct cli *cli, struct exporting *e)
{
        _cleanup_client_ struct mohr_client *client = NULL;
        _cleanup_free_ char *assertion = NULL;
        char nonce[LEDGER_NONCE_CAP];
        if (!ledger_export_nonce(e->text, e->len, nonce))
                return cli_result(cli, -ENOMEM, NULL);
        const struct mohr_request request = {
                .audience = LEDGER_EXPORT_AUDIENCE,
                .nonce = nonce,
                .purpose = _("To vouch for a copy of the history of this computer"),
                .reader = e->reader,
        };
        int r = cli_connect(cli, &client);
        if (r != 0)
                return r;
        r = cli_ask_holder(cli, client, &request, &assertion);
        if (r == 0)
                r = ledger_export_signature(e->to, assertion);
        if (r == 0)
                r = settle(e->to);
        return cli_result(cli, r, client);
}

static int in_the_way(const struct cli *cli)
{
        return cli_usage(cli, _("There is such a file already. To replace it: --force"));
}

static int keep(const struct cli *cli, const struct exporting *e)
{
        int r = e->force ? file_replace(e->out, e->text, e->len, 0600)
                         : file_create(e->out, e->text, e->len, 0600);
        if (r == -EEXIST)
                return in_the_way(cli);
        if (r < 0)
                return cli_result(cli, r, NULL);
        if (cli->json) {
                _cleanup_json_ json_t *told =
                        json_pack("{s:s, s:b}", "path", e->out, "signed", e->sign);
                return history_print_json(cli, told);
        }
        char text[CLI_TEXT_MAX];
        printf("%s %s\n", _("Written:"), cli_text(cli, text, e->out));
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}

static int parse(struct cli *cli, int argc, char **argv, struct exporting *ret)
{
        static const struct option options[] = { { "sign", no_argument, NULL, 's' },
                { "reader", required_argument, NULL, 'r' }, { "force", no_argument, NULL, 'f' },
                { "from", required_argument, NULL, 'o' }, { "json", no_argument, NULL, 'j' },
                { 0 } };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                switch (option) {
                case 's': ret->sign = true; break;
                case 'r': ret->reader = optarg; break;
                case 'f': ret->force = true; break;
                case 'o': ret->from = optarg; break;
                case 'j': cli->json = true; break;
                default:
                        return cli_usage(
                                cli, _("This option is not known here, or lacks its value."));
                }
        if (argc - optind != 1)
                return cli_usage(cli, _("This takes the name of the file to write."));
        ret->out = argv[optind];
        return 0;
}

int history_export(struct cli *cli, int argc, char **argv)
{
        _cleanup_(clear_exporting) struct exporting e = { 0 };
        int r = parse(cli, argc, argv, &e);
        if (r != 0)
                return r;
        if (!e.force && access(e.out, F_OK) == 0) /* before anybody is asked for a PIN */
                return in_the_way(cli);
        e.to = open_memstream(&e.text, &e.len);
        if (!e.to)
                return cli_result(cli, -errno, NULL);
        r = read_all(cli, &e);
        if (r == 0 && e.sign)
                r = sign(cli, &e);
        return r == 0 ? keep(cli, &e) : r;
}
