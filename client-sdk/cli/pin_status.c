/* SPDX-License-Identifier: Apache-2.0 */
/* pin_status.c: mohr pin status: what a card tells of its PINs for nothing.
 *
 * mohrd examines (mohr.Identity.Examine), this file only finds the words. A row for each PIN that a card of that
 * family has, also for those of which it tells nothing: who reads "not told" must not take it for "three left".
 * How a national card's signature PIN or NMOC PIN, or the unblocking code of a staff card, could be asked is not published
 * or not standard, and a question that might be a try is not asked.
 *
 * The exit code is that of the PIN which Mohr asks for: 0, 14 where it is blocked, 12 where the card does not tell,
 * and for a card that is not confirmed what an Examine says of it.
 */
#include "client-sdk/cli/pin.h"

#include "client-sdk/assertion.h"
#include "client-sdk/client.h"
#include "client-sdk/members.h"

/* A PIN: who has it, where Examine tells of it, and what it is called. */
static const struct reference {
        const char *family, *name, *text;
        const char *tries;   /* member of `tries`; NULL: no free question is known */
        const char *changed; /* member: true when it is no longer as issued, or NULL */
        const char *initial; /* member: true when it is still as issued, or NULL */
        bool asked_for;      /* the one that Mohr asks for */
} references[] = {
        { "nid", "identification", N_("Identification PIN (the one that Mohr asks for)"), "sign",
                "pin_changed", "id_pin_initial", true },
        { "nid", "identification_id",
                N_("Identification PIN, its copy for the identity files (ID)"), "id", NULL, NULL,
                false },
        { "nid", "identification_ev",
                N_("Identification PIN, its copy for verification devices (EV)"), "ev", NULL, NULL,
                false },
        { "nid", "signature", N_("Signature PIN (Mohr never asks for it)"), NULL, NULL,
                "sign_pin_initial", false },
        { "nid", "nmoc",
                N_("NMOC PIN, for holders whose fingers the card does not compare (Mohr never asks "
                   "for it)"),
                NULL, NULL, "nmoc_pin_initial", false },
        { "piv", "piv", N_("PIN of the staff card (the one that Mohr asks for)"), "sign", NULL,
                NULL, true },
        { "piv", "puk", N_("Unblocking code (PUK)"), NULL, NULL, NULL, false },
};

static int tries_of(const json_t *card, const struct reference *reference)
{
        const json_t *tries = json_object_get(card, "tries");
        const json_t *value = reference->tries ? json_object_get(tries, reference->tries) : NULL;
        json_int_t number = json_integer_value(value);
        return json_is_integer(value) && number >= 0 && number <= 15 ? (int)number : -1;
}

enum state { STATE_UNTOLD, STATE_INITIAL, STATE_CHANGED };

/* "still as issued" is believed from either place; "changed" only if none says otherwise. */
static enum state state_of(const json_t *card, const struct reference *reference)
{
        const json_t *changed =
                reference->changed ? json_object_get(card, reference->changed) : NULL;
        const json_t *initial =
                reference->initial ? json_object_get(card, reference->initial) : NULL;
        if (json_is_false(changed) || json_is_true(initial))
                return STATE_INITIAL;
        return json_is_true(changed) || json_is_false(initial) ? STATE_CHANGED : STATE_UNTOLD;
}

static bool has(const json_t *card, const struct reference *reference)
{
        const char *family = json_string_value(json_object_get(card, "family"));
        return family && strcmp(family, reference->family) == 0;
}

static bool is_confirmed(const json_t *card)
{
        return json_is_true(json_object_get(card, "confirmed"));
}

static int exit_of(const json_t *card)
{
        json_int_t told = json_integer_value(json_object_get(card, "exit"));
        if (!is_confirmed(card))
                return told > 0 && told < 100 ? (int)told : OUTCOME_CARD_NOT_SUPPORTED;
        for (size_t i = 0; i < ARRAY_LEN(references); i++) {
                if (!references[i].asked_for || !has(card, &references[i]))
                        continue;
                int tries = tries_of(card, &references[i]);
                return tries < 0 ? OUTCOME_CARD_NOT_SUPPORTED : tries ? 0 : OUTCOME_PIN_BLOCKED;
        }
        return OUTCOME_CARD_NOT_SUPPORTED;
}

/* ---- for people ---------------------------------------------------------------------------- */

static void print_tries(const struct cli *cli, int tries)
{
        char line[CLI_LINE_MAX];
        if (tries < 0) {
                printf("  %s\n", _("How many tries are left, the card does not tell."));
                return;
        }
        if (tries == 0) {
                printf("  %s%s%s\n", cli_style(stdout, STYLE_BAD), _("It is blocked."),
                        cli_style(stdout, STYLE_PLAIN));
                return;
        }
        printf("  %s%s%s\n", cli_style(stdout, tries > 1 ? STYLE_GOOD : STYLE_BAD),
                cli_tries(cli, line, tries), cli_style(stdout, STYLE_PLAIN));
}

static void print_state(enum state state)
{
        static const char *const texts[] = {
                [STATE_UNTOLD] = N_("Whether it was ever changed, the card does not tell."),
                [STATE_INITIAL] = N_("The card says that it is still as it was issued."),
                [STATE_CHANGED] = N_("The card says that it was changed since it was issued."),
        };
        printf("  %s\n", _(texts[state]));
}

static void print_all(const struct cli *cli, const json_t *card)
{
        char text[CLI_TEXT_MAX];
        const char *reader = json_string_value(json_object_get(card, "reader"));
        const char *generation = json_string_value(json_object_get(card, "generation"));
        printf("%s\n", show_card_kind(generation ? generation : ""));
        printf("  %s: %s\n", _("Card reader"), cli_text(cli, text, reader ? reader : ""));
        if (json_is_true(json_object_get(card, "simulated")))
                printf("  %s\n", _("SIMULATED CARD, for testing only."));
        for (size_t i = 0; is_confirmed(card) && i < ARRAY_LEN(references); i++) {
                if (!has(card, &references[i]))
                        continue;
                printf("%s\n", _(references[i].text));
                print_tries(cli, tries_of(card, &references[i]));
                print_state(state_of(card, &references[i]));
        }
        if (!is_confirmed(card))
                printf("%s\n",
                        _("Nothing was asked about its PINs: the card could not be confirmed. What "
                          "is the matter with it says: mohr doctor --card"));
}

/* ---- for programs -------------------------------------------------------------------------- */

static json_t *reference_json(const json_t *card, const struct reference *reference)
{
        int tries = tries_of(card, reference);
        enum state state = state_of(card, reference);
        return json_pack("{s:s, s:o*, s:o*, s:o*, s:b}", "name", reference->name, "tries",
                tries < 0 ? NULL : json_integer(tries), "blocked",
                tries < 0 ? NULL : json_boolean(tries == 0), "changed",
                state == STATE_UNTOLD ? NULL : json_boolean(state == STATE_CHANGED), "asked_for",
                reference->asked_for);
}

static int print_json(const struct cli *cli, json_t *card)
{
        static const char *const kept[] = { "reader", "simulated", "family", "generation",
                "confirmed", "detail" };
        _cleanup_json_ json_t *all = json_object();
        _cleanup_json_ json_t *list = json_array();
        for (size_t i = 0; i < ARRAY_LEN(kept); i++)
                if (json_object_get(card, kept[i]))
                        json_object_set(all, kept[i], json_object_get(card, kept[i]));
        for (size_t i = 0; is_confirmed(card) && i < ARRAY_LEN(references); i++)
                if (has(card, &references[i]))
                        json_array_append_new(list, reference_json(card, &references[i]));
        json_object_set(all, "references", list);
        json_object_set_new(all, "exit", json_integer(exit_of(card)));
        _cleanup_free_ char *text = members_text(all, JSON_INDENT(2));
        if (!text)
                return cli_result(cli, -ENOMEM, NULL);
        printf("%s\n", text);
        return 0;
}

/* ---- the command --------------------------------------------------------------------------- */

static int parse(struct cli *cli, int argc, char **argv, const char **ret_reader)
{
        static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                { "reader", required_argument, NULL, 'r' }, { 0 } };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
                if (option == '?')
                        return cli_usage(
                                cli, _("This option is not known here, or lacks its value."));
                if (option == 'r')
                        *ret_reader = optarg;
                cli->json = cli->json || option == 'j';
        }
        return optind < argc ? cli_usage(cli, _("This takes no arguments.")) : 0;
}

int pin_status(struct cli *cli, int argc, char **argv)
{
        _cleanup_client_ struct mohr_client *client = NULL;
        _cleanup_free_ char *json = NULL;
        const char *reader = NULL;
        int r = parse(cli, argc, argv, &reader);
        if (r == 0)
                r = cli_connect(cli, &client);
        if (r != 0)
                return r;
        r = mohr_client_examine(client, reader, false, &json);
        if (r != 0)
                return cli_result(cli, r, client);
        _cleanup_json_ json_t *all = json_loads(json, 0, NULL);
        json_t *card = json_object_get(all, "card");
        if (!card)
                return cli_result(cli, -ENOMEM, client);
        if (cli->json)
                r = print_json(cli, card);
        else
                print_all(cli, card);
        if (r != 0)
                return r;
        return cli_flushed() ? exit_of(card) : OUTCOME_INTERNAL;
}
