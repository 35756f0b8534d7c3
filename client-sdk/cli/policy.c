/* SPDX-License-Identifier: Apache-2.0 */
/* policy.c: mohr policy check: what the rules would say to a request, and which of them.
 *
 * mohrd answers, from the configuration that it runs with: a file that was changed since counts from its next start on.
 * Nobody is asked for consent and no card is needed. The exit code is what `mohr assert` would meet: 0, or 16 where the
 * rules refuse; a limit that is reached is not known here.
 */
#include "client-sdk/cli/policy.h"

#include "client-sdk/assertion.h"
#include "client-sdk/cli/checking.h"
#include "client-sdk/client.h"
#include "client-sdk/members.h"

struct policy_asked {                                /* what the question was */
        const char *audience, *purpose, *who, *what; /* each may be NULL */
        const char *require, *claims;                /* as they were given, or NULL */
        const char *signed_file; /* or NULL; then it says all but `who` itself */
        char *signed_request;    /* owned */
};

static int parse(struct cli *cli, int argc, char **argv, struct policy_asked *asked)
{
        static const struct option options[] = { { "audience", required_argument, NULL, 'a' },
                { "purpose", required_argument, NULL, 'p' },
                { "claims", required_argument, NULL, 'c' },
                { "require", required_argument, NULL, 'r' },
                { "signed-request", required_argument, NULL, 's' },
                { "who", required_argument, NULL, 'w' }, { "for", required_argument, NULL, 'f' },
                { "json", no_argument, NULL, 'j' }, { 0 } };
        const struct {
                int option;
                const char **slot;
        } texts[] = { { 'a', &asked->audience }, { 'p', &asked->purpose }, { 'c', &asked->claims },
                { 'r', &asked->require }, { 's', &asked->signed_file }, { 'w', &asked->who },
                { 'f', &asked->what } };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
                if (option == '?')
                        return cli_usage(
                                cli, _("This option is not known here, or lacks its value."));
                cli->json = cli->json || option == 'j';
                for (size_t i = 0; i < ARRAY_LEN(texts); i++)
                        if (texts[i].option == option)
                                *texts[i].slot = optarg;
        }
        return optind < argc ? cli_usage(cli, _("This takes no arguments.")) : 0;
}

/* 0, or the outcome already reported. */
static int judge(const struct cli *cli, const struct policy_asked *asked)
{
        bool beside = asked->audience || asked->purpose || asked->claims || asked->require;
        bool other = asked->what && strcmp(asked->what, "assertions") != 0;
        if (other && (asked->signed_file || asked->audience || asked->claims || asked->require))
                return cli_usage(cli, _("Only assertions have an audience and claims: leave out "
                                        "--audience, --claims, --require and --signed-request."));
        if (asked->signed_file && beside)
                return cli_usage(cli, _("A signed request says itself what it is for: leave out "
                                        "--audience, --purpose, --claims and --require."));
        if (!asked->signed_file && !asked->audience && !other)
                return cli_usage(cli, _("--audience is needed: the address of the service that "
                                        "asks, such as https://bank.example"));
        return 0;
}

/* 0, or the outcome already reported. */
static int read_signed(const struct cli *cli, struct policy_asked *asked)
{
        _cleanup_(checking_free_input) struct checking_input input = { 0 };
        if (!asked->signed_file)
                return 0;
        int r = checking_read(asked->signed_file, &input);
        if (r < 0)
                return cli_usage(cli, "%s: %s", asked->signed_file, strerror(-r));
        asked->signed_request = strndup(input.text, input.len);
        return asked->signed_request ? 0 : cli_result(cli, -ENOMEM, NULL);
}

/* "card_expiry,reader", or "none"; NULL is none. Whether there are such claims is mohrd's to say. */
static json_t *make_list(const char *names)
{
        _cleanup_free_ char *copy = strdup(names && strcmp(names, "none") != 0 ? names : "");
        _cleanup_json_ json_t *list = copy ? json_array() : NULL;
        if (!list)
                return NULL;
        for (char *rest = *copy ? copy : NULL; rest;)
                if (json_array_append_new(list, json_string(strsep(&rest, ","))) < 0)
                        return NULL;
        return json_incref(list);
}

static json_t *make_claims(const struct policy_asked *asked)
{
        _cleanup_json_ json_t *claims = json_object();
        if (json_object_set_new(claims, "required", make_list(asked->require)) < 0 ||
                json_object_set_new(claims, "optional", make_list(asked->claims)) < 0)
                return NULL;
        return json_incref(claims);
}

static json_t *make_question(const struct policy_asked *asked)
{
        const struct member rows[] = { { "audience", asked->audience },
                { "purpose", asked->purpose }, { "signed_request", asked->signed_request },
                { "who", asked->who }, { "for", asked->what } };
        _cleanup_json_ json_t *question = members_of(json_object(), rows, ARRAY_LEN(rows));
        if ((asked->claims || asked->require) &&
                json_object_set_new(question, "claims", make_claims(asked)) < 0)
                return NULL;
        return json_incref(question);
}

static int print_json(const struct cli *cli, const json_t *reply)
{
        _cleanup_free_ char *text = members_text(reply, JSON_INDENT(2));
        if (!text)
                return cli_result(cli, -ENOMEM, NULL);
        printf("%s\n", text);
        return 0;
}

static int exit_of(const json_t *reply)
{
        const json_t *decision = json_object_get(reply, "decision");
        const char *consent = json_string_value(json_object_get(decision, "consent"));
        return consent && strcmp(consent, "refuse") == 0 ? OUTCOME_POLICY : 0;
}

static int ask(struct cli *cli, struct policy_asked *asked, json_t **ret)
{
        _cleanup_client_ struct mohr_client *client = NULL;
        int r = judge(cli, asked);
        if (r == 0)
                r = read_signed(cli, asked);
        if (r == 0)
                r = cli_connect(cli, &client);
        if (r != 0)
                return r;
        r = client_ask(client, "mohr.Identity.CheckPolicy", make_question(asked), ret);
        if (r == 0 && !json_is_object(json_object_get(*ret, "decision")))
                r = -EBADMSG;
        return cli_result(cli, r, client);
}

static int check(struct cli *cli, int argc, char **argv)
{
        struct policy_asked asked = { 0 };
        _cleanup_json_ json_t *reply = NULL;
        int r = parse(cli, argc, argv, &asked);
        if (r == 0)
                r = ask(cli, &asked, &reply);
        free(asked.signed_request);
        if (r == 0 && cli->json)
                r = print_json(cli, reply);
        else if (r == 0)
                policy_show(cli, reply);
        if (r != 0)
                return r;
        return cli_flushed() ? exit_of(reply) : OUTCOME_INTERNAL;
}

int command_policy(struct cli *cli, int argc, char **argv)
{
        if (argc > 1 && strcmp(argv[1], "check") == 0)
                return check(cli, argc - 1, argv + 1);
        return cli_usage(cli, _("This takes what to do: check. See: mohr help policy"));
}
