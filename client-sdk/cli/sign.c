/* SPDX-License-Identifier: Apache-2.0 */
/* sign.c: mohr sign: documents signed by the chip of the holder's card, in the forms that others check without Mohr.
 *
 * What can be wrong is found before anybody is asked: files, places, forms. Then each result appears in its place when it is complete, the
 * one consent is for all that are listed, and the PIN is asked for each. The timestamp, if one is wanted, is fetched last, since it alone
 * goes online.
 */
#include "client-sdk/cli/sign.h"

#include "client-sdk/assertion.h"
#include "client-sdk/cli/checking.h"
#include "client-sdk/fields.h"

#include <unistd.h>

#define TIMEOUT_MAX  600
#define POINTS_MAX   14400
#define SIGNERS_MAX  CMS_SIGNERS_MAX
#define LOCATION_MAX 128

enum {
        FORM = 256,
        OUT,
        OUT_DIR,
        PURPOSE,
        READER,
        TIMEOUT,
        STAMP,
        LOCATION,
        COMMITMENT,
        POLICY,
        NO_TIME,
        ADD,
        COUNTERSIGN,
        TIMESTAMP,
        TSA,
        RESUME,
        FORCE,
        JSON
};

static const struct option options[] = {
        { "form", required_argument, NULL, FORM },
        { "out", required_argument, NULL, OUT },
        { "out-dir", required_argument, NULL, OUT_DIR },
        { "purpose", required_argument, NULL, PURPOSE },
        { "reader", required_argument, NULL, READER },
        { "timeout", required_argument, NULL, TIMEOUT },
        { "stamp", optional_argument, NULL, STAMP },
        { "location", required_argument, NULL, LOCATION },
        { "commitment", required_argument, NULL, COMMITMENT },
        { "policy", required_argument, NULL, POLICY },
        { "no-time", no_argument, NULL, NO_TIME },
        { "add", required_argument, NULL, ADD },
        { "countersign", required_argument, NULL, COUNTERSIGN },
        { "timestamp", required_argument, NULL, TIMESTAMP },
        { "tsa-anchors", required_argument, NULL, TSA },
        { "resume", no_argument, NULL, RESUME },
        { "force", no_argument, NULL, FORCE },
        { "json", no_argument, NULL, JSON },
        { 0 },
};

static void sign_clear(struct sign *sign)
{
        for (size_t i = 0; i < sign->count; i++)
                sign_item_clear(&sign->items[i]);
        free(sign->items);
        free(sign->policy);
        mohr_client_free(sign->client);
        mohr_trust_free(sign->authorities);
}

/* ---- what was asked ------------------------------------------------------------------------ */

/* From `min` to `max`, and nothing behind it; -1: it is no such number. */
static int number(const char *text, long min, long max)
{
        char *end;
        errno = 0;
        long value = strtol(text, &end, 10);
        return end != text && *end == '\0' && errno == 0 && value >= min && value <= max
                       ? (int)value
                       : -1;
}

static int take_form(struct sign *sign, const char *name)
{
        static const struct {
                const char *name;
                enum sign_form form;
        } forms[] = { { "cms", SIGN_CMS }, { "attached", SIGN_ATTACHED }, { "pdf", SIGN_PDF },
                { "jws", SIGN_JWS } };
        for (size_t i = 0; i < ARRAY_LEN(forms); i++)
                if (strcmp(forms[i].name, name) == 0) {
                        sign->form = forms[i].form;
                        return 0;
                }
        return cli_usage(sign->cli, _("--form takes cms, attached, pdf or jws."));
}

/* "PAGE,X,Y,WIDTH,HEIGHT"; without it a place at the foot of the first page. */
static int take_stamp(struct sign *sign, const char *text)
{
        struct mohr_stamp stamp = { 1, 36, 36, 220, 80 };
        char rest;
        if (!text || (sscanf(text, "%d,%d,%d,%d,%d%c", &stamp.page, &stamp.x, &stamp.y,
                              &stamp.width, &stamp.height, &rest) == 5 &&
                             stamp.page >= 1 && stamp.x >= 0 && stamp.y >= 0 && stamp.width >= 1 &&
                             stamp.height >= 1 && stamp.x <= POINTS_MAX && stamp.y <= POINTS_MAX &&
                             stamp.width <= POINTS_MAX && stamp.height <= POINTS_MAX)) {
                sign->stamp = stamp;
                return 0;
        }
        return cli_usage(sign->cli, _("--stamp takes PAGE,X,Y,WIDTH,HEIGHT: the page from 1, the "
                                      "rest in points from its lower left corner."));
}

static int take_policy(struct sign *sign, const char *text)
{
        char *copy = strdup(text), *colon = copy ? strchr(copy, ':') : NULL;
        free(sign->policy);
        sign->policy = copy;
        if (!copy)
                return cli_result(sign->cli, -ENOMEM, NULL);
        if (!colon || !field_is_hex(colon + 1, 64, 64))
                return cli_usage(
                        sign->cli, _("--policy takes OID:SHA256: the number of a signature "
                                     "policy and the digest of its text in hex."));
        *colon = '\0';
        sign->policy_digest = colon + 1;
        return 0;
}

/* A place that stands in a word of its own. */
static const char *stamp_words(int argc, char **argv)
{
        if (optarg || optind >= argc || !argv[optind][0] ||
                strspn(argv[optind], "0123456789,") != strlen(argv[optind]) ||
                !strchr(argv[optind], ','))
                return optarg;
        return argv[optind++];
}

static int take_number(struct sign *sign, int option)
{
        bool timeout = option == TIMEOUT;
        int value = number(optarg, 1, timeout ? TIMEOUT_MAX : SIGNERS_MAX);
        *(timeout ? &sign->timeout_s : &sign->countersign) = value;
        if (value > 0)
                return 0;
        return cli_usage(sign->cli, "%s",
                timeout ? _("--timeout takes 1 to 600 seconds.")
                        : _("--countersign takes the number of a signature, from 1."));
}

static int take_text(struct sign *sign, int option)
{
        const struct {
                int option;
                const char **slot;
        } texts[] = { { OUT, &sign->out }, { OUT_DIR, &sign->out_dir }, { PURPOSE, &sign->purpose },
                { READER, &sign->reader }, { LOCATION, &sign->location },
                { COMMITMENT, &sign->commitment }, { ADD, &sign->add }, { TIMESTAMP, &sign->url },
                { TSA, &sign->tsa } };
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
                if (texts[i].option == option) {
                        *texts[i].slot = optarg;
                        return 0;
                }
        return cli_usage(sign->cli, _("This option is not known here, or lacks its value."));
}

static int take(struct sign *sign, int option, int argc, char **argv)
{
        switch (option) {
        case FORM: return take_form(sign, optarg);
        case STAMP: return take_stamp(sign, stamp_words(argc, argv));
        case POLICY: return take_policy(sign, optarg);
        case TIMEOUT:
        case COUNTERSIGN: return take_number(sign, option);
        case NO_TIME: sign->no_time = true; return 0;
        case RESUME: sign->resume = true; return 0;
        case FORCE: sign->force = true; return 0;
        case JSON: sign->cli->json = true; return 0;
        }
        return take_text(sign, option);
}

static int check(const struct sign *sign, size_t count)
{
        enum cms_commitment commitment;
        const struct {
                bool good;
                const char *complaint;
        } rows[] = {
                { count > 0, N_("Name the files to be signed.") },
                { !sign->out || (count == 1 && !sign->out_dir),
                        N_("--out is for one file; several results go to --out-dir.") },
                { !sign->add || (count == 1 && sign->countersign == 0),
                        N_("--add puts one more signature of one file beside those in another.") },
                { !sign->add || sign->form != SIGN_PDF,
                        N_("A PDF is simply signed once more, without --add.") },
                { sign->countersign == 0 || sign->form == SIGN_BY_CONTENT,
                        N_("--countersign has no --form: it takes a .p7s or .p7m file.") },
                { !sign->purpose || field_is_text(sign->purpose, FIELD_PURPOSE_MAX),
                        N_("--purpose takes up to 256 bytes of plain text.") },
                { !sign->reader || sign->reader[0],
                        N_("--reader takes the name of a reader, as mohr status shows it.") },
                { !sign->location || field_is_text(sign->location, LOCATION_MAX),
                        N_("--location takes up to 128 bytes of plain text.") },
                { !sign->commitment || cms_commitment_named(sign->commitment, &commitment),
                        N_("--commitment takes origin, receipt, delivery, sender, approval or "
                           "creation.") },
                { !sign->url || sign->tsa,
                        N_("--timestamp needs --tsa-anchors: the roots of the timestamping "
                           "authorities you trust.") },
                { !sign->url || sign->countersign == 0,
                        N_("A countersignature gets no timestamp.") },
                { !sign->resume || (!sign->force && !sign->add && sign->countersign == 0),
                        N_("--resume stands without --force, --add and --countersign.") },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (!rows[i].good)
                        return cli_usage(sign->cli, "%s", _(rows[i].complaint));
        return 0;
}

static int parse(struct sign *sign, int argc, char **argv)
{
        int r = 0;
        for (int option; r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                r = take(sign, option, argc, argv);
        return r == 0 ? check(sign, (size_t)(argc - optind)) : r;
}

/* ---- what came of it ----------------------------------------------------------------------- */

static json_t *told(const struct sign_item *item)
{
        const char *state = item->present ? "present" : item->is_signed ? "signed" : "not-signed";
        json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:b}", "file", item->file, "form",
                sign_form_name(item->form), "state", state, "result", item->out, "timestamp",
                item->stamped);
        if (row && item->digest[0] &&
                json_object_set_new(row, "digest", json_string(item->digest)) < 0) {
                json_decref(row);
                return NULL;
        }
        return row;
}

static int tell_json(const struct sign *sign)
{
        json_t *list = json_array();
        for (size_t i = 0; i < sign->count; i++)
                if (json_array_append_new(list, told(&sign->items[i])) < 0) {
                        json_decref(list);
                        return -ENOMEM;
                }
        _cleanup_json_ json_t *all =
                json_pack("{s:s, s:i, s:o}", "outcome", "ok", "exit", 0, "documents", list);
        _cleanup_free_ char *text = all ? json_dumps(all, JSON_INDENT(2)) : NULL;
        if (!text)
                return -ENOMEM;
        printf("%s\n", text);
        return 0;
}

/* One line for each result, so that a script has their names: also of those that were there before it broke off. */
static void tell_names(const struct sign *sign)
{
        for (size_t i = 0; !sign->cli->json && i < sign->count; i++)
                if (sign->items[i].is_signed || sign->items[i].present)
                        printf("%s\n", sign->items[i].out);
}

static int tell(const struct sign *sign)
{
        int r = sign->cli->json ? tell_json(sign) : 0;
        return r == 0 && !cli_flushed() ? -EIO : r;
}

int command_sign(struct cli *cli, int argc, char **argv)
{
        _cleanup_(sign_clear) struct sign sign = { .cli = cli };
        int r = parse(&sign, argc, argv);
        if (r == 0)
                r = sign_authorities(&sign);
        if (r == 0)
                r = sign_plan(&sign, argv + optind, (size_t)(argc - optind));
        if (r == 0 && sign.add)
                r = sign_check_others(&sign, &sign.items[0]);
        if (r == 0)
                r = sign_ask(&sign);
        if (r == 0)
                r = sign_timestamps(&sign);
        tell_names(&sign);
        return r == 0 ? cli_result(cli, tell(&sign), NULL) : r;
}
