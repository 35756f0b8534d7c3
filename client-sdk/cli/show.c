/* SPDX-License-Identifier: Apache-2.0 */
/* show.c: readers and results as text for people. Everything from outside passes cli_text(). */
#include "client-sdk/cli/cli.h"

#include "client-sdk/assertion.h"

#include <time.h>

struct word {
        const char *key, *text;
};

static const struct word states[] = {
        { "empty", N_("no card") },
        { "card", N_("a card is there") },
        { "busy", N_("in use by another program") },
        { "in_use", N_("in use by a request") },
        { "unusable", N_("cannot be used") },
        { "running", N_("ready") },
        { "unavailable", N_("not available") },
        { "denied", N_("denies access to you") },
        { "paused", N_("let go while your session is not active") },
        { NULL, NULL },
};

/* Words of the result that a person reads; numbers and names stay as they are. */
static const struct word said[] = {
        { "yes", N_("yes") },
        { "no", N_("no") },
        { "unknown", N_("cannot be told") },
        { "unstated", N_("not stated by the certificate") },
        { NULL, NULL },
};

/* What keeps a reader from being used, and what to do about it. */
static const struct word reasons[] = {
        { "held", N_("Another program holds this reader, perhaps pcscd. Close it, or use the "
                     "reader through pcscd (driver pcsc).") },
        { "no-access", N_("You may not open this device. Install Mohr's udev rules, then plug the "
                          "reader in again.") },
        { "no-answer", N_("The reader does not answer. Unplug it and plug it in again.") },
        { "failed", N_("The program for this reader could not be started. The log of mohrd says "
                       "why.") },
        { "settings", N_("The settings of the simulated card ([soft] in mohr.conf) are not "
                         "understood. The log of mohrd names the one that is meant.") },
        { "sandbox", N_("The program for this reader could not shut itself in, so it is not used. "
                        "Plug the reader in again.") },
        { "not-reached", N_("The phone is not reached. Start mohr-relay serve on it, in the same "
                            "network.") },
        { "unpaired",
                N_("What answers at the phone's address does not know this pairing. If it is your "
                   "phone, pair the two again: mohr phone pair") },
        { "expired",
                N_("The pairing with the phone has ended, or a clock is wrong. mohr phone list "
                   "says when it ends and what this computer's clock says; set a wrong clock, "
                   "else pair the two again: mohr phone pair") },
        { "elsewhere", N_("The phone serves another computer, or still waits for a connection that "
                          "broke.") },
        { "version", N_("The phone runs a version of Mohr that does not fit this one. Bring both "
                        "up to date.") },
        { NULL, NULL },
};

/* The text for a key, or NULL. */
static const char *word_for(const struct word *words, const char *key)
{
        for (; words->key; words++)
                if (strcmp(words->key, key) == 0)
                        return _(words->text);
        return NULL;
}

const char *show_why(const char *why)
{
        return word_for(reasons, why);
}

static const char *member(const json_t *object, const char *name)
{
        const char *text = json_string_value(json_object_get(object, name));
        return text ? text : "";
}

/* What a phone says of itself, while it is reached. */
static void show_link(const struct cli *cli, const json_t *link)
{
        char text[CLI_TEXT_MAX], number[32], digits[CLI_LINE_MAX];
        const json_t *latency = json_object_get(link, "latency_ms");
        const char *reader = member(link, "reader");
        if (!json_is_integer(latency))
                return;
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(latency));
        printf("      ");
        printf(_("reader there: %s; there and back: %s ms; %s"),
                *reader ? cli_text(cli, text, reader) : _("none at the moment"),
                cli_digits(cli, digits, number),
                json_is_true(json_object_get(link, "asks_pin"))
                        ? _("the PIN is entered on the phone")
                        : _("the PIN is entered at this computer"));
        printf("\n");
}

/* "NAME (DRIVER): STATE", then why, or what a link says. */
static void show_row(const struct cli *cli, const json_t *row, const char *name, const char *driver)
{
        char name_text[CLI_TEXT_MAX], driver_text[CLI_TEXT_MAX], state_text[CLI_TEXT_MAX];
        const char *state = member(row, "state"), *text = word_for(states, state);
        const char *why = show_why(member(row, "why"));
        bool simulated = json_is_true(json_object_get(row, "simulated"));
        printf("%s", cli_text(cli, name_text, name));
        if (*driver)
                printf(" (%s)", cli_text(cli, driver_text, driver));
        printf(": %s%s\n", cli_text(cli, state_text, text ? text : state),
                simulated ? _(" (simulated card, for testing only)") : "");
        if (why)
                printf("      %s\n", why);
        show_link(cli, json_object_get(row, "link"));
}

/* True if every one of them is missing: then it is no wonder that there are no readers. */
static bool show_backends(const struct cli *cli, const json_t *backends)
{
        size_t index, missing = 0;
        json_t *row;
        json_array_foreach (backends, index, row)
                if (strcmp(member(row, "state"), "running") != 0) {
                        show_row(cli, row, member(row, "driver"), "");
                        missing++;
                }
        return missing > 0 && missing == json_array_size(backends);
}

void show_readers(const struct cli *cli, const char *json)
{
        size_t index;
        json_t *row;
        _cleanup_json_ json_t *all = json_loads(json, 0, NULL);
        json_t *readers = json_object_get(all, "readers");
        json_array_foreach (readers, index, row)
                show_row(cli, row, member(row, "name"), member(row, "driver"));
        bool missing = show_backends(cli, json_object_get(all, "backends"));
        if (json_array_size(readers) == 0)
                printf("%s\n",
                        mohr_outcome_text(missing ? OUTCOME_READER_SERVICE : OUTCOME_NO_READER));
}

static void show_line(const struct cli *cli, const char *label, const char *value)
{
        char text[CLI_TEXT_MAX];
        if (value && value[0])
                printf("  %s: %s\n", label, cli_text(cli, text, value));
}

static void show_word(const struct cli *cli, const char *label, const char *word)
{
        const char *text = word_for(said, word);
        show_line(cli, label, text ? text : word);
}

static void show_photo(const struct cli *cli, const json_t *checked)
{
        if (json_is_boolean(checked))
                show_line(cli, _("Face compared with the photo"),
                        json_is_true(checked) ? _("yes, by the operator") : _("no"));
}

static void show_time(const struct cli *cli, const char *label, const json_t *value)
{
        char text[96];
        if (json_is_integer(value))
                printf("  %s: %s\n", label, cli_time(cli, text, json_integer_value(value)));
}

/* ISO 8601 as the result writes it, in the calendar of the reader. */
static void show_date(const struct cli *cli, const char *label, const char *iso)
{
        char text[96];
        struct tm tm = { 0 };
        if (strptime(iso, "%Y-%m-%dT%H:%M:%SZ", &tm))
                printf("  %s: %s\n", label, cli_time(cli, text, timegm(&tm)));
        else
                show_line(cli, label, iso);
}

static void show_citizen(const struct cli *cli, const json_t *all)
{
        show_line(cli, _("Given name"), member(all, "given_name"));
        show_line(cli, _("Family name"), member(all, "family_name"));
        show_line(cli, _("Card number"), member(all, "card_number"));
        show_line(cli, _("National number (inferred from the card number)"),
                member(all, "national_number"));
}

static void show_staff(const struct cli *cli, const json_t *all)
{
        show_line(cli, _("Kind of card"), _("an organisation's staff card, not a national card"));
        show_line(cli, _("Name"), member(all, "name"));
        show_line(cli, _("Given name"), member(all, "given_name"));
        show_line(cli, _("Family name"), member(all, "family_name"));
        show_line(cli, _("Organisation"), member(all, "organization"));
        show_line(cli, _("Employee number"), member(all, "employee_number"));
        show_line(cli, _("E-mail"), member(all, "email"));
        show_line(cli, _("Account"), member(all, "upn"));
}

void show_person(const struct cli *cli, const json_t *names, const json_t *all, bool staff)
{
        if (staff)
                show_staff(cli, names);
        else
                show_citizen(cli, names);
        show_line(cli, _("Subject"), member(names, "sub"));
        show_word(cli, _("Assurance level"), member(names, "acr"));
        show_date(cli, _("Certificate valid until"),
                member(json_object_get(all, "certificate"), "not_after"));
        show_line(cli, _("Issued by"), member(json_object_get(all, "certificate"), "issuer"));
}

static void show_stated(const struct cli *cli, const json_t *all)
{
        const json_t *station = json_object_get(all, "station");
        printf("%s\n", _("Stated by the station, not proven by the chip:"));
        show_line(cli, _("For"), member(all, "aud"));
        show_line(cli, _("Purpose"), member(all, "purpose"));
        show_word(cli, _("Expected national number matches"), member(all, "national_number_match"));
        show_time(cli, _("PIN entered"), json_object_get(all, "auth_time"));
        show_time(cli, _("Signed"), json_object_get(all, "iat"));
        show_time(cli, _("Valid until"), json_object_get(all, "exp"));
        show_line(cli, _("Operator"), member(station, "operator"));
        show_line(cli, _("Branch"), member(station, "branch"));
        show_line(cli, _("Device"), member(station, "device"));
        show_line(cli, _("Case number"), member(station, "case_number"));
        show_photo(cli, json_object_get(station, "photo_checked"));
        show_line(cli, _("Software"), member(station, "software"));
}

void show_result(const struct cli *cli, const struct mohr_result *result)
{
        _cleanup_free_ char *json = mohr_result_json(result);
        _cleanup_json_ json_t *all = json ? json_loads(json, 0, NULL) : NULL;
        if (mohr_result_reason(result) == MOHR_REASON_OK)
                printf("%s%s%s\n", cli_style(stdout, STYLE_GOOD), mohr_reason_text(MOHR_REASON_OK),
                        cli_style(stdout, STYLE_PLAIN));
        printf("%s\n", _("From the certificate, signed for by the chip:"));
        show_person(cli, all, all, mohr_result_holder(result) == MOHR_HOLDER_STAFF);
        show_stated(cli, all);
        show_revocation(cli, all);
        show_evidence(cli, all);
}
