/* SPDX-License-Identifier: Apache-2.0 */
/* policy_show.c: an answer of CheckPolicy in words: the decision, who decided it and where that stands, what would be left
 * out, and of each other rule why it did not count.
 *
 * Names from the answer are looked up in tables; one that no table holds is shown as it came.
 */
#include "client-sdk/cli/policy.h"

struct word {
        const char *name, *text;
};

static const struct word consents[] = {
        { "grant",
                N_("Allowed. If the holder gave permission before, the consent page is left out; "
                   "the PIN is asked for all the same.") },
        { "ask", N_("Allowed, and the holder is asked each time.") },
        { "refuse", N_("Refused, without asking anybody.") },
};

static const struct word lists[] = {
        { "administrator", N_("Rules of the administrator") },
        { "user", N_("Rules of this user") },
};

static const struct word whys[] = {
        { "for", N_("is for other things") },
        { "who", N_("is about somebody else") },
        { "audience", N_("is about another audience") },
        { "purpose", N_("is about another purpose") },
        { "users_unit",
                N_("grants to units of the system only, and this is one of the user's own") },
        { "earlier", N_("would match, but an earlier one did") },
};

static const struct word cards[] = {
        { "national", N_("Not with a national card: its key signs what programs hashed ([keys] "
                         "raw_hash).") },
        { "staff", N_("Not with a staff card: its key signs what programs hashed ([keys] "
                      "raw_hash).") },
        { "unproven", N_("Not with a real national card: signing with it is unproven ([card] "
                         "unproven).") },
};

static const char *word_of(const struct word *words, size_t count, const char *name)
{
        for (size_t i = 0; i < count; i++)
                if (strcmp(words[i].name, name) == 0)
                        return _(words[i].text);
        return name;
}
#define WORD(words, name) word_of(words, ARRAY_LEN(words), name)

static const char *text_of(const json_t *object, const char *name)
{
        const char *text = json_string_value(json_object_get(object, name));
        return text ? text : "";
}

/* "/etc/mohr/mohr.conf:12", isolated. */
static const char *place_of(
        const struct cli *cli, char dst[static CLI_TEXT_MAX], const json_t *rule)
{
        char place[512];
        snprintf(place, sizeof place, "%.400s:%lld", text_of(rule, "file"),
                (long long)json_integer_value(json_object_get(rule, "line")));
        return cli_text(cli, dst, place);
}

static void show_decision(const struct cli *cli, const json_t *reply, const json_t *decision)
{
        char text[CLI_TEXT_MAX];
        const char *consent = text_of(decision, "consent");
        bool refused = strcmp(consent, "refuse") == 0;
        printf("%s%s%s\n", cli_style(stdout, refused ? STYLE_BAD : STYLE_GOOD),
                WORD(consents, consent), cli_style(stdout, STYLE_PLAIN));
        printf("  %s: %s\n", _("Who would ask"), cli_text(cli, text, text_of(reply, "who")));
        if (json_object_get(reply, "organization"))
                printf("  %s: %s\n", _("Verified organisation"),
                        cli_text(cli, text, text_of(reply, "organization")));
        if (json_object_get(decision, "rule"))
                printf("  %s: %s\n", _("Decided by the rule"),
                        cli_text(cli, text, text_of(decision, "rule")));
        else
                printf("  %s\n", _("No rule speaks of this."));
}

static void show_claims(const struct cli *cli, const json_t *claims, const char *why)
{
        char text[CLI_TEXT_MAX];
        size_t i;
        const json_t *claim;
        json_array_foreach (claims, i, claim) {
                const char *name = json_string_value(claim);
                printf("  %s: %s\n", why, cli_text(cli, text, name ? name : ""));
        }
}

static void show_conditions(const json_t *decision)
{
        size_t i;
        const json_t *card;
        json_array_foreach (json_object_get(decision, "not_with"), i, card)
                printf("  %s\n",
                        WORD(cards, json_string_value(card) ? json_string_value(card) : ""));
        if (json_is_true(json_object_get(decision, "pinpad")))
                printf("  %s\n", _("Only with the PIN typed on the keys of the card reader."));
        if (json_is_false(json_object_get(decision, "simulated")))
                printf("  %s\n", _("Not with a simulated card."));
        const char *level = json_string_value(json_object_get(decision, "assurance"));
        if (level)
                printf("  %s: %s\n", _("The least level that the certificate must state"), level);
}

static void show_limit(
        const struct cli *cli, const char *text, const json_t *decision, const char *name)
{
        char number[32], digits[CLI_LINE_MAX];
        snprintf(number, sizeof number, "%lld",
                (long long)json_integer_value(json_object_get(decision, name)));
        printf("  %s: %s\n", text, cli_digits(cli, digits, number));
}

static void show_limits(const struct cli *cli, const json_t *decision)
{
        printf("%s\n", _("Limits"));
        show_limit(cli, _("Requests of this app in an hour"), decision, "app_per_hour");
        show_limit(cli, _("Requests of this user in an hour"), decision, "user_per_hour");
        show_limit(cli, _("Wrong PINs in a row that pause this app"), decision, "wrong_pins");
        show_limit(cli, _("Seconds of that pause"), decision, "pause_s");
}

static void show_behind(const struct cli *cli, const char *first)
{
        char name[CLI_TEXT_MAX];
        if (!*first)
                return;
        printf("    %s%s: %s%s\n", cli_style(stdout, STYLE_BAD),
                _("It never counts. This rule stands before it and matches all that it does"),
                cli_text(cli, name, first), cli_style(stdout, STYLE_PLAIN));
}

static void show_rule(const struct cli *cli, const json_t *rule)
{
        char name[CLI_TEXT_MAX], place[CLI_TEXT_MAX];
        bool matched = json_is_true(json_object_get(rule, "matched"));
        printf("  %s%s (%s): %s%s\n", matched ? cli_style(stdout, STYLE_GOOD) : "",
                cli_text(cli, name, text_of(rule, "name")), place_of(cli, place, rule),
                matched ? _("matches") : WORD(whys, text_of(rule, "why")),
                matched ? cli_style(stdout, STYLE_PLAIN) : "");
        show_behind(cli, text_of(rule, "behind"));
}

static void show_rules(const struct cli *cli, const json_t *rules, const struct word *list)
{
        size_t i, shown = 0;
        const json_t *rule;
        printf("%s\n", _(list->text));
        json_array_foreach (rules, i, rule) {
                if (strcmp(text_of(rule, "list"), list->name) != 0)
                        continue;
                show_rule(cli, rule);
                shown++;
        }
        if (!shown)
                printf("  %s\n", _("There are none."));
}

void policy_show(const struct cli *cli, const json_t *reply)
{
        const json_t *decision = json_object_get(reply, "decision");
        show_decision(cli, reply, decision);
        show_claims(
                cli, json_object_get(decision, "refused"), _("Required, but no rule allows it"));
        show_claims(
                cli, json_object_get(decision, "left_out"), _("Left out, since no rule allows it"));
        show_conditions(decision);
        show_limits(cli, decision);
        for (size_t i = 0; i < ARRAY_LEN(lists); i++)
                show_rules(cli, json_object_get(reply, "rules"), &lists[i]);
        printf("%s\n", _("This is the configuration that mohrd was started with; a file that was "
                         "changed since counts when mohrd is started again."));
}
