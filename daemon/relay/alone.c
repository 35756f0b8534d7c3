/* SPDX-License-Identifier: Apache-2.0 */
/* alone.c: `mohr-relay assert`: a request in, an assertion out, and nothing else on standard output. It goes online for nobody: an
 * answer that a link wants is an address to be opened, and the person opens it.
 */
#include "daemon/relay/alone.h"
#include "daemon/relay/relay.h"

#include "base/file.h"
#include "client-sdk/cli/checking.h"

#include <signal.h>

enum { REQUEST, READER, DRIVER, USB_FD, CONFIG, TIMEOUT, OUT, JSON };

static const struct option options[] = {
        { "request", required_argument, NULL, REQUEST },
        { "reader", required_argument, NULL, READER },
        { "driver", required_argument, NULL, DRIVER },
        { "usb-fd", required_argument, NULL, USB_FD },
        { "config", required_argument, NULL, CONFIG },
        { "timeout", required_argument, NULL, TIMEOUT },
        { "out", required_argument, NULL, OUT },
        { "json", no_argument, NULL, JSON },
        { 0 },
};

#define TIMEOUT_MAX 600 /* s */

struct said { /* by the person */
        struct alone_setting setting;
        const char *request, *out;
};

/* ---- what was said ------------------------------------------------------------------------------ */

static int take_timeout(struct cli *cli, struct said *said)
{
        char *end;
        long value = strtol(optarg, &end, 10);
        if (end == optarg || *end || value < 1 || value > TIMEOUT_MAX)
                return cli_usage(cli, _("--timeout takes 1 to 600 seconds."));
        said->setting.timeout_s = (unsigned int)value;
        return 0;
}

static int take(struct cli *cli, struct said *said, int option)
{
        switch (option) {
        case REQUEST: said->request = optarg; return 0;
        case READER: said->setting.reader = optarg; return 0;
        case DRIVER: return relay_hand_on(cli, &said->setting.config, "--driver", optarg);
        case USB_FD: return relay_hand_on(cli, &said->setting.config, "--usb-fd", optarg);
        case CONFIG: return relay_hand_on(cli, &said->setting.config, "--config", optarg);
        case TIMEOUT: return take_timeout(cli, said);
        case OUT: said->out = strcmp(optarg, "-") == 0 ? NULL : optarg; return 0;
        case JSON: cli->json = true; return 0;
        }
        return cli_usage(cli, _("This option is not known here, or lacks its value."));
}

static int parse(struct cli *cli, int argc, char **argv, struct said *said)
{
        int r = 0;
        opterr = 0;
        optind = 1;
        said->setting.config = (struct relay_arguments){ .argv = { argv[0] }, .argc = 1 };
        for (int option; r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                r = take(cli, said, option);
        if (r == 0 && optind < argc)
                return cli_usage(cli, _("This takes no arguments."));
        if (r == 0 && !said->request)
                return cli_usage(cli, _("--request is needed: a file, - or a link mohr-request:"));
        if (r == 0 && said->out && access(said->out, F_OK) == 0)
                return cli_usage(cli, "%s: %s", said->out, strerror(EEXIST));
        return r;
}

/* ---- what is asked ------------------------------------------------------------------------------ */

static int read_request(struct cli *cli, const char *from, struct alone_request *ret)
{
        _cleanup_input_ struct checking_input input = { 0 };
        char why[ALONE_WHY_MAX] = "", text[CLI_TEXT_MAX];
        bool link = alone_is_link(from);
        int r = link ? 0 : checking_read_upto(from, ALONE_TEXT_MAX + 1, &input);
        if (r < 0)
                return cli_usage(cli, "%s: %s", from, strerror(-r));
        r = alone_request_read(link ? from : input.text, link ? strlen(from) : input.len, ret, why);
        if (r > 0)
                return cli_usage(
                        cli, "%s %s", _("This request is of no use:"), cli_text(cli, text, why));
        return r < 0 ? cli_result(cli, r, NULL) : 0;
}

/* ---- what they get ------------------------------------------------------------------------------ */

static char *as_json(const struct alone_result *result, const char *link)
{
        _cleanup_json_ json_t *object = json_pack("{s:s, s:i, s:s, s:s}", "outcome", "ok", "exit",
                0, "request", result->id, "assertion", result->assertion);
        if (object && link && json_object_set_new(object, "link", json_string(link)) < 0)
                return NULL;
        return json_dumps(object, JSON_INDENT(2));
}

static int write_out(const char *out, const char *text)
{
        _cleanup_free_ char *line = NULL;
        if (!out)
                return printf("%s\n", text) > 0 && cli_flushed() ? 0 : -EIO;
        int len = asprintf(&line, "%s\n", text);
        if (len < 0) {
                line = NULL;
                return -ENOMEM;
        }
        return file_create(out, line, (size_t)len, 0600);
}

static int give(const struct cli *cli, const struct said *said, const struct alone_request *request,
        const struct alone_result *result)
{
        _cleanup_free_ char *link = NULL, *json = NULL;
        if (request->reply[0])
                link = alone_reply_link(request->reply, result->assertion);
        if (cli->json)
                json = as_json(result, link);
        if ((request->reply[0] && !link) || (cli->json && !json))
                return -ENOMEM;
        int r = write_out(said->out, json ? json : link ? link : result->assertion);
        if (r == 0 && link && isatty(STDERR_FILENO))
                fprintf(stderr, "%s\n", _("Open this address to hand the answer over."));
        return r;
}

static int complain(struct cli *cli, int r, const struct alone_result *result)
{
        const struct cli_told told = { result->detail, result->id, result->tries_left };
        char text[CLI_TEXT_MAX];
        cli_tell(cli, r, &told);
        if (result->readers[0])
                fprintf(stderr, "      %s %s\n", _("The card readers here:"),
                        cli_text(cli, text, result->readers));
        return outcome_of(r);
}

/* As if nobody had caught it. */
static void die_of(int signal_number)
{
        sigset_t one;
        sigemptyset(&one);
        sigaddset(&one, signal_number);
        signal(signal_number, SIG_DFL);
        raise(signal_number);
        sigprocmask(SIG_UNBLOCK, &one, NULL);
}

int relay_assert(struct cli *cli, int argc, char **argv)
{
        _cleanup_(alone_request_clear) struct alone_request request = { 0 };
        struct said said = { 0 };
        struct alone_result result = { .tries_left = -1 };
        bool told = false;
        int r = parse(cli, argc, argv, &said);
        if (r == 0)
                r = read_request(cli, said.request, &request);
        if (r != 0)
                return r;
        r = alone_run(cli, &said.setting, &request, &result, &told);
        _cleanup_free_ char *assertion = result.assertion;
        if (result.stopped && !assertion) {
                die_of(result.stopped);
                return OUTCOME_INTERNAL;
        }
        if (r == 0)
                r = give(cli, &said, &request, &result);
        return r == 0 || told ? r : complain(cli, r, &result);
}
