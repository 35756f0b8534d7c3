/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_card.c: mohr doctor --card: what this card can do and cannot, and why, in plain words.
 *
 * mohrd examines, this file only finds the words: tables from its answer to a sentence and to the next
 * thing to do. The exit code is what `mohr assert` would meet with this card, as far as that can be known
 * without a PIN. A transcript is written as it came, readable by its owner only, to be looked at first; of a
 * card that was pulled too soon, too.
 */
#include "client-sdk/cli/cli.h"

#include "base/file.h"

#include "client-sdk/assertion.h"

#include <fcntl.h>
#include <libintl.h>
#include <unistd.h>

struct word {
        const char *name, *text, *next;
};

static const struct word kinds[] = {
        { "mav2", N_("A national smart ID card of Iran, second generation (Mav2)."), "" },
        { "mav3", N_("A national smart ID card of Iran, third generation (Mav3)."), "" },
        { "mav4", N_("A national smart ID card of Iran, fourth generation (Mav4)."), "" },
        { "mav",
                N_("A card of the same make as national smart ID cards; which country's and which "
                   "generation is not known."),
                "" },
        { "pardis", N_("A national smart ID card of Iran of the kind Pardis."), "" },
        { "omid", N_("A national smart ID card of Iran of the kind Omid."), "" },
        { "piv", N_("A staff token (PIV)."), "" },
        { "unknown", N_("Not a card that Mohr knows."), "" },
};

/* The evidence marks of card-facts, for somebody who has never heard of them. */
static const struct word evidence[] = {
        { "observed", N_("Others have published that reading such cards this way works."), "" },
        { "vendor",
                N_("How to read such cards is known from the vendor's program; nobody has "
                   "published that it works."),
                "" },
        { "documented", N_("How to use such cards is documented for their family."), "" },
        { "inferred", N_("How to read such cards is our own conclusion from similar cards."), "" },
};

static const struct word certificates[] = {
        { "valid", N_("The certificate is in date."), "" },
        { "expired",
                N_("The certificate has expired. The chip may still sign, but whoever checks "
                   "will see that."),
                "" },
        { "not_yet", N_("The certificate is not valid yet."),
                N_("Look at the clock of this computer.") },
        { "locked", N_("The card shows its certificate to its issuer only."), "" },
        { "none", N_("No certificate of a holder was found on this card."), "" },
        { "unpublished", N_("Where such a card keeps its certificate is not published."), "" },
};

static const struct word issuers[] = {
        { "signed",
                N_("It was issued in the national registry's name, and the issuer's "
                   "certificate is on the card."),
                "" },
        { "named",
                N_("It names the national registry, but the card does not carry the certificate "
                   "that proves it."),
                "" },
        { "other", N_("It was not issued in the national registry's name."), "" },
};

static const struct word verdicts[] = {
        { "ready", N_("Nothing speaks against identifying with this card and its PIN."), "" },
        { "expired", N_("The card can be used, but its certificate has expired."),
                N_("The holder can have the card renewed at the service office.") },
        { "foreign", N_("Mohr cannot use this card."),
                N_("Check that it is the national smart ID card and that it lies in the reader the "
                   "right way round.") },
        { "look_only",
                N_("Mohr can look at such a card and do no more: nobody has published how "
                   "it takes a PIN."),
                N_("You can help others with a transcript: mohr doctor --card --transcript FILE") },
        { "unknown_kind",
                N_("Which card this is cannot be told for sure, so Mohr only looks at it."), "" },
        { "not_confirmed",
                N_("The card could not be confirmed as a national card. It will never "
                   "be asked for a PIN."),
                "" },
        { "tries_unknown",
                N_("The card does not tell how many tries are left, so no PIN will be "
                   "sent to it."),
                "" },
        { "pin_blocked", N_("The PIN of this card is blocked."),
                N_("Only the service office that issues the card can unblock it. No program can, "
                   "whatever it promises.") },
        { "needs_issuer_keys", N_("This card needs the issuer's keys for signing."),
                N_("It cannot be used here. No try of the PIN was lost.") },
        { "no_method", N_("This card cannot make a standard signature."),
                N_("It cannot be used for this purpose.") },
        { "forbidden",
                N_("The settings of this computer do not allow signing with a card of "
                   "which nobody has published that it works."),
                N_("Ask the person who looks after this computer.") },
        { "keys_only",
                N_("The settings of this computer keep this card's key for other programs: it "
                   "makes no assertion here."),
                N_("Ask the person who looks after this computer.") },
};

/* What is otherwise with a staff card: nobody's service office has to do with it. */
static const struct word staff_verdicts[] = {
        { "expired", N_("The card can be used, but its certificate has expired."),
                N_("Whoever issued the card can renew it.") },
        { "unknown_kind",
                N_("The card is set up in a way that Mohr does not use, so Mohr only looks at it."),
                N_("Ask whoever issued the card.") },
        { "not_confirmed",
                N_("The card could not be confirmed as a staff card of an issuer that this "
                   "computer trusts. It will never be asked for a PIN."),
                N_("Ask the person who looks after this computer.") },
        { "tries_unknown",
                N_("The card does not tell how many tries are left, so no PIN will be "
                   "sent to it."),
                N_("If it lies on a contactless reader, put it into a reader with contacts.") },
        { "pin_blocked", N_("The PIN of this card is blocked."),
                N_("Whoever issued the card can unblock it.") },
};

static const struct word *find(const struct word *words, size_t count, const char *name)
{
        for (size_t i = 0; i < count; i++)
                if (strcmp(words[i].name, name) == 0)
                        return &words[i];
        return NULL;
}
#define FIND(words, name) find(words, ARRAY_LEN(words), name)

static const char *text_of(const json_t *card, const char *name)
{
        const char *text = json_string_value(json_object_get(card, name));
        return text ? text : "";
}

static bool is_staff(const json_t *card)
{
        return strcmp(text_of(card, "family"), "piv") == 0;
}

static void say(const struct word *word)
{
        if (!word)
                return;
        printf("  %s\n", _(word->text));
        if (word->next[0])
                printf("  %s\n", _(word->next));
}

const char *show_card_kind(const char *generation)
{
        const struct word *kind = FIND(kinds, generation);
        return _(kind ? kind->text : N_("Not a card that Mohr knows."));
}

static void show_kind(const struct cli *cli, const json_t *card)
{
        char text[CLI_TEXT_MAX];
        bool simulated = json_is_true(json_object_get(card, "simulated"));
        printf("%s%s%s\n", cli_style(stdout, STYLE_GOOD),
                show_card_kind(text_of(card, "generation")), cli_style(stdout, STYLE_PLAIN));
        if (simulated)
                printf("  %s\n", _("SIMULATED CARD, for testing only."));
        if (text_of(card, "label")[0])
                printf("  %s: %s\n", _("Kind"), cli_text(cli, text, text_of(card, "label")));
        if (text_of(card, "applet")[0])
                printf("  %s: %s\n", _("Application on the chip"),
                        cli_text(cli, text, text_of(card, "applet")));
        say(FIND(evidence, text_of(card, "evidence")));
        if (json_is_true(json_object_get(card, "unproven")))
                printf("  %s\n", _("That the chip signs with the PIN alone is documented for its "
                                   "family; nobody has published it for Iran's cards."));
}

static void show_certificate(const json_t *card)
{
        const struct word *word = FIND(certificates, text_of(card, "certificate"));
        if (!word)
                return;
        printf("%s\n", _("Certificate"));
        say(word);
        if (strcmp(text_of(card, "family"), "nid") == 0)
                say(FIND(issuers, text_of(card, "issuer")));
}

static void show_tries(const struct cli *cli, json_int_t tries)
{
        char line[CLI_LINE_MAX];
        printf("  %s\n", cli_tries(cli, line, (int)tries));
}

static void show_pin(const struct cli *cli, const json_t *card)
{
        const json_t *tries = json_object_get(json_object_get(card, "tries"), "sign");
        bool unset = json_is_false(json_object_get(card, "pin_changed")) ||
                     json_is_true(json_object_get(card, "id_pin_initial"));
        if (!json_is_true(json_object_get(card, "confirmed")))
                return;
        printf("%s\n", _("PIN"));
        if (strcmp(text_of(card, "family"), "nid") == 0)
                printf("  %s\n", _("Meant is the identification PIN (4 to 8 digits), not the "
                                   "signature PIN."));
        if (json_is_integer(tries) && json_integer_value(tries) >= 0 &&
                json_integer_value(tries) <= 15)
                show_tries(cli, json_integer_value(tries));
        if (unset)
                printf("  %s\n", _("The card says that this PIN is still as it was issued. If the "
                                   "holder never chose one, the service office sets it."));
        printf("  %s\n",
                is_staff(card) ? _("Who forgot the PIN should not guess: each wrong entry costs a "
                                   "try. Whoever issued the card sets a new one.")
                               : _("Who forgot the PIN should not guess: each wrong entry costs a "
                                   "try. The service office sets a new one."));
}

static void show_verdict(const json_t *card, int outcome)
{
        const char *name = text_of(card, "verdict");
        const struct word *staff = is_staff(card) ? FIND(staff_verdicts, name) : NULL;
        const struct word *verdict = staff ? staff : FIND(verdicts, name);
        enum cli_style style = outcome == 0 ? STYLE_GOOD : STYLE_BAD;
        printf("%s\n", _("What it can do"));
        printf("  %s%s%s\n", cli_style(stdout, style),
                verdict ? _(verdict->text) : mohr_outcome_text(outcome),
                cli_style(stdout, STYLE_PLAIN));
        if (verdict && verdict->next[0])
                printf("  %s\n", _(verdict->next));
        if (!verdict && mohr_outcome_next(outcome)[0])
                printf("  %s\n", mohr_outcome_next(outcome));
}

static void show_card(const struct cli *cli, const json_t *card, int outcome)
{
        char text[CLI_TEXT_MAX];
        show_kind(cli, card);
        show_certificate(card);
        show_pin(cli, card);
        show_verdict(card, outcome);
        if (text_of(card, "detail")[0])
                printf("  %s(%s)%s\n", cli_style(stdout, STYLE_DIM),
                        cli_text(cli, text, text_of(card, "detail")),
                        cli_style(stdout, STYLE_PLAIN));
}

/* ---- the transcript ------------------------------------------------------------------------ */

static int keep_transcript(const struct cli *cli, const char *path, const char *text)
{
        char shown[CLI_TEXT_MAX], line[CLI_TEXT_MAX + 256];
        int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
        _cleanup_close_ int fd = text[0] ? open(path, flags, 0600) : -1;
        int r = !text[0] ? -ENODATA : fd < 0 ? -errno : file_write(fd, text, strlen(text));
        if (r < 0) {
                snprintf(line, sizeof line, "%s: %s", path, strerror(-r));
                return cli_report_as(cli, OUTCOME_INTERNAL, _("The transcript was not written."),
                        "", line, NULL);
        }
        fprintf(stderr, "%s %s\n", _("Transcript:"), cli_text(cli, shown, path));
        fprintf(stderr, "  %s\n",
                _("It holds what was said to the card, without certificates, names, numbers and "
                  "keys. Look at it before you give it away."));
        return 0;
}

/* ---- the command --------------------------------------------------------------------------- */

static int report_failure(const struct cli *cli, int outcome, const struct mohr_client *client)
{
        const char *detail = outcome < 0 ? strerror(-outcome) : mohr_client_detail(client);
        if (outcome != OUTCOME_NO_CARD)
                return cli_result(cli, outcome, client);
        return cli_report_as(cli, outcome, mohr_outcome_text(outcome),
                _("Put the card in with the chip first, or hold it flat on the reader. A card "
                  "without a chip (no golden contacts) cannot be used: the service office "
                  "replaces it."),
                detail, client);
}

static int show(const struct cli *cli, const json_t *all)
{
        const json_t *card = json_object_get(all, "card");
        json_int_t exit_code = json_integer_value(json_object_get(card, "exit"));
        int outcome = exit_code >= 0 && exit_code < 100 ? (int)exit_code : OUTCOME_INTERNAL;
        if (cli->json) {
                _cleanup_free_ char *text = json_dumps(card, JSON_INDENT(2));
                printf("%s\n", text ? text : "{}");
        } else {
                show_card(cli, card, outcome);
        }
        return cli_flushed() ? outcome : OUTCOME_INTERNAL;
}

int doctor_card(struct cli *cli, const char *reader, const char *transcript)
{
        struct mohr_client *client = NULL;
        _cleanup_free_ char *json = NULL;
        int r = cli_connect(cli, &client);
        if (r != 0)
                return r;
        r = mohr_client_examine(client, reader, transcript != NULL, &json);
        _cleanup_json_ json_t *all = json ? json_loads(json, 0, NULL) : NULL;
        int kept = transcript && all ? keep_transcript(cli, transcript, text_of(all, "transcript"))
                                     : 0;
        if (kept == 0)
                kept = r == 0 ? show(cli, all) : report_failure(cli, r, client);
        mohr_client_free(client);
        return kept;
}
