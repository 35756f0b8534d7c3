/* SPDX-License-Identifier: Apache-2.0 */
/* policy.c: mohr policy check: what the rules would say to a request, and which of them.
 *
 * mohrd answers, from the configuration that it runs with: a file that was changed since counts from its next start on.
 * Nobody is asked for consent and no card is needed. The exit code is what `mohr assert` would meet: 0, or 16 where the
 * rules refuse; a limit that is reached is not known here.
 */
#include "client-sdk/cli/policy.h"

#include "client-sdk/assertion.h"
#include "client-sdk/client.h"
#include "client-sdk/members.h"

static bool add_claim(const char *name, claimset *set)
{
        for (unsigned int bit = 0; bit < CLAIMSET_COUNT; bit++)
                if (strcmp(claimset_name(bit), name) == 0) {
                        *set |= (claimset)(1u << bit);
                        return true;
                }
        return false;
}

static int take_option(struct cli *cli, int option, const char *value, struct policy_asked *asked)
{
        switch (option) {
        case 'a': asked->audience = value; return 0;
        case 'p': asked->purpose = value; return 0;
        case 'w': asked->who = value; return 0;
        case 'j': cli->json = true; return 0;
        case 'r':
        case 'o':
                return add_claim(value, option == 'r' ? &asked->required : &asked->optional)
                               ? 0
                               : cli_usage(cli, _("There is no such claim: %s"), value);
        default: return cli_usage(cli, _("This option is not known here, or lacks its value."));
        }
}

static int parse(struct cli *cli, int argc, char **argv, struct policy_asked *asked)
{
        static const struct option options[] = { { "audience", required_argument, NULL, 'a' },
                { "purpose", required_argument, NULL, 'p' },
                { "who", required_argument, NULL, 'w' },
                { "require", required_argument, NULL, 'r' },
                { "optional", required_argument, NULL, 'o' }, { "json", no_argument, NULL, 'j' },
                { 0 } };
        int r = 0;
        for (int option; r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                r = take_option(cli, option, optarg, asked);
        if (r == 0 && optind < argc)
                r = cli_usage(cli, _("This takes no arguments."));
        if (!asked->required && !asked->optional)
                asked->optional = CLAIMS_ALL; /* as mohr assert without a word of claims */
        if (r == 0 && !asked->audience)
                r = cli_usage(cli, _("--audience is needed: for whom the assertion would be."));
        return r;
}

static json_t *make_claims(const struct policy_asked *asked)
{
        _cleanup_json_ json_t *claims = json_object();
        if (json_object_set_new(claims, "required", claimset_json(asked->required)) < 0 ||
                json_object_set_new(claims, "optional", claimset_json(asked->optional)) < 0)
                return NULL;
        return json_incref(claims);
}

static json_t *make_question(const struct policy_asked *asked)
{
        const struct member rows[] = { { "audience", asked->audience },
                { "purpose", asked->purpose }, { "who", asked->who } };
        _cleanup_json_ json_t *question = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (json_object_set_new(question, "claims", make_claims(asked)) < 0)
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

static int check(struct cli *cli, int argc, char **argv)
{
        _cleanup_client_ struct mohr_client *client = NULL;
        _cleanup_json_ json_t *reply = NULL;
        struct policy_asked asked = { 0 };
        int r = parse(cli, argc, argv, &asked);
        if (r == 0)
                r = cli_connect(cli, &client);
        if (r != 0)
                return r;
        r = client_ask(client, "mohr.Identity.CheckPolicy", make_question(&asked), &reply);
        if (r == 0 && !json_is_object(json_object_get(reply, "decision")))
                r = -EBADMSG;
        if (r != 0)
                return cli_result(cli, r, client);
        if (cli->json)
                r = print_json(cli, reply);
        else
                policy_show(cli, &asked, reply);
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
