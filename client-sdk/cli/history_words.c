/* SPDX-License-Identifier: Apache-2.0 */
/* history_words.c: what is in a history, and what is wrong with one, in words for people. Each is a row of a table.
 * What apps wrote stands there as they wrote it, sanitised and isolated; it is never part of a sentence.
 */
#include "client-sdk/cli/history.h"

#include "client-sdk/assertion.h"

/* ---- What is wrong ---- */

static const char *const faults[LEDGER_FAULT_COUNT] = {
        [LEDGER_CHANGED] = N_("Row %1$lld was changed."),
        [LEDGER_REMOVED] = N_("Rows %1$lld to %2$lld were removed."),
        [LEDGER_CLOSED_UP] = N_("Before row %1$lld, rows were removed and the rest renumbered: "
                                "%2$lld."),
        [LEDGER_INSERTED] = N_("Before row %1$lld, rows were put in and the rest renumbered: "
                               "%2$lld."),
        [LEDGER_MOVED] = N_("Row %1$lld was moved: it was written as row %2$lld."),
        [LEDGER_REPLACED] = N_("Row %1$lld does not follow from the one before it: one of the two "
                               "was put in the place of another, or put in."),
        [LEDGER_CUT] = N_("All after row %1$lld was cut off: there were at least %2$lld rows."),
        [LEDGER_REWRITTEN] = N_("Row %1$lld is not the one that was there: rows after row %2$lld "
                                "were written anew."),
        [LEDGER_OTHER] = N_("This is not the history that was kept here: anchors are of another "
                            "one, with at least %1$lld rows. It was replaced as a whole."),
        [LEDGER_NO_HEAD] = N_("The file history.head, which holds the last anchor, was removed."),
        [LEDGER_BAD_HEAD] = N_("The file history.head is no anchor."),
        [LEDGER_BODY_GONE] = N_("What row %1$lld said was taken out, and nothing says that it was "
                                "due."),
        [LEDGER_FORM] = N_("Row %1$lld is no row of a history."),
        [LEDGER_ORDER] = N_("Row %1$lld cannot have been written where it stands."),
};

void history_explain(
        const struct cli *cli, const struct ledger_finding *finding, char *dst, size_t cap)
{
        char text[CLI_TEXT_MAX];
        long long row = finding->seq ? finding->seq : finding->other;
        int len = snprintf(dst, cap, _(faults[finding->fault]), row, (long long)finding->other);
        if (finding->why && len > 0 && (size_t)len < cap)
                snprintf(dst + len, cap - (size_t)len, " (%s)", cli_text(cli, text, finding->why));
}

/* ---- What is in it ---- */

static const struct label {
        const char *name, *label;
} labels[] = {
        { "at", N_("Time") },
        { "request", N_("Request number") },
        { "grant", N_("Permission") },
        { "method", N_("What was asked for") },
        { "app", N_("Who asked") },
        { "program", N_("Program") },
        { "uid", N_("User number") },
        { "pid", N_("Process number") },
        { "organization", N_("Verified organisation") },
        { "organization_key", N_("Fingerprint of its certificate") },
        { "audience", N_("For whom") },
        { "purpose", N_("Purpose") },
        { "document", N_("Document") },
        { "document_digest", N_("Digest of the document") },
        { "form", N_("Form of the signature") },
        { "consent", N_("Agreed to with request") },
        { "content", N_("What was to be signed") },
        { "key", N_("Key of the card") },
        { "signed_request", N_("Digest of the signed request") },
        { "rule", N_("Rule of the settings") },
        { "required", N_("Required besides the certificate") },
        { "optional", N_("Asked for besides, if you agree") },
        { "outcome", N_("Outcome") },
        { "detail", N_("Detail") },
        { "why", N_("Reason") },
        { "released", N_("Given besides the certificate") },
        { "declined", N_("Declined") },
        { "tries_left", N_("Tries left") },
        { "assertion", N_("Digest of the assertion") },
        { "signature", N_("Digest of the signature") },
        { "through", N_("Up to row") },
        { "id", N_("Number of this history") },
        { "values", N_("What the assertion said") },
};

/* Words of a history that people have other words for. */
static const char *word_of(const char *name)
{
        static const struct {
                const char *name, *text;
        } words[] = {
                { "card_generation", N_("the card's generation") },
                { "card_expiry", N_("the card's expiry date") },
                { "reader", N_("the card reader's name") },
                { "station", N_("what the app says of the place") },
                { "replayed", N_("this signed request was used before") },
                { "too_often", N_("it asked too often") },
                { "paused", N_("it is paused after several wrong PINs") },
                { "rule", N_("the settings of this computer forbid it") },
                { "bad_request", N_("its signed request is no good") },
                { "Assert", N_("a proof of identity") },
                { "ChangePin", N_("a new PIN, by the present one") },
                { "UnblockPin", N_("a new PIN, by the unblocking code (PUK)") },
                { "SignDocument", N_("a signature of a document") },
                { "ShowCertificates", N_("the card's certificates") },
                { "UseKey", N_("a signature by a key of the card") },
                { "cms", N_("a signature beside the document (CMS)") },
                { "cms-attached", N_("a signature with the document inside (CMS)") },
                { "pdf", N_("a signature in a PDF") },
                { "jws", N_("a signature of JSON (JWS)") },
                { "countersignature", N_("a countersignature") },
                { "tls", N_("a TLS login") },
                { "ssh", N_("an SSH login") },
                { "attributes", N_("the attributes of a CMS signature") },
                { "raw", N_("a digest, nobody can tell of what") },
                { "signature", N_("the key of assertions") },
                { "authentication", N_("the key for logins (PIV 9A)") },
                { "unknown", N_("unknown") },
        };
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (strcmp(words[i].name, name) == 0)
                        return _(words[i].text);
        return name;
}

/* Claims are told in words, but not in the middle of what somebody else wrote. */
static void list_value(const json_t *list, char *dst, size_t cap)
{
        size_t len = 0;
        dst[0] = '\0';
        for (size_t i = 0; i < json_array_size(list) && len < cap; i++) {
                const char *name = json_string_value(json_array_get(list, i));
                len += (size_t)snprintf(
                        dst + len, cap - len, "%s%s", i ? _(", ") : "", name ? word_of(name) : "?");
        }
}

/* Numbers, and what an assertion has in objects of its own. */
static void other_value(const json_t *value, char *dst, size_t cap)
{
        _cleanup_free_ char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        snprintf(dst, cap, "%s", text ? text : "?");
}

static void plain_value(const json_t *value, char *dst, size_t cap)
{
        dst[0] = '\0';
        if (json_is_string(value))
                snprintf(dst, cap, "%s", json_string_value(value));
        else if (json_is_array(value))
                list_value(value, dst, cap);
        else if (value)
                other_value(value, dst, cap);
}

static void print_line(const struct cli *cli, const char *label, const char *text)
{
        char clean[CLI_TEXT_MAX];
        printf("    %s: %s\n", label, cli_text(cli, clean, text));
}

static void print_values(const struct cli *cli, const char *label, json_t *values)
{
        const char *name;
        json_t *value;
        printf("    %s:\n", label);
        json_object_foreach (values, name, value) {
                char text[CLI_TEXT_MAX], clean[CLI_TEXT_MAX], clean_name[CLI_TEXT_MAX];
                plain_value(value, text, sizeof text);
                printf("        %s: %s\n", cli_text(cli, clean_name, name),
                        cli_text(cli, clean, text));
        }
}

/* ---- Members that have words of their own ---- */

static void print_time(const struct cli *cli, const char *label, const json_t *value)
{
        char when[96];
        printf("    %s: %s\n", label, cli_time(cli, when, json_integer_value(value)));
}

static void print_tries(const struct cli *cli, const char *label, const json_t *value)
{
        char text[32], digits[CLI_LINE_MAX];
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        printf("    %s: %s\n", label, cli_digits(cli, digits, text));
}

static void print_word(const struct cli *cli, const char *label, const json_t *value)
{
        print_line(cli, label, word_of(json_string_value(value)));
}

static const char *words_of_outcome(const char *name)
{
        if (strcmp(name, "Ok") == 0)
                return _("It was done.");
        if (strcmp(name, "Cancelled") == 0)
                return _("Who asked went away before it was answered.");
        return mohr_outcome_text(outcome_from_name(name));
}

static void print_outcome(const struct cli *cli, const char *label, const json_t *value)
{
        print_line(cli, label, words_of_outcome(json_string_value(value)));
}

/* An interpreter, a blank, and the script it runs; one that was given no script stands alone. */
static void print_script(const struct cli *cli, const char *label, const char *name)
{
        char by[CLI_TEXT_MAX], script[CLI_TEXT_MAX], clean[CLI_TEXT_MAX];
        size_t len = strcspn(name, " ");
        snprintf(by, sizeof by, "%.*s", (int)len, name);
        if (name[len] == '\0') {
                print_line(cli, label, by);
                return;
        }
        printf("    %s: ", label);
        printf(_("the script %s, run by %s"), cli_text(cli, script, name + len + 1),
                cli_text(cli, clean, by));
        printf("\n");
}

/* As daemon/peer.h calls a caller. Its name is isolated within the sentence, since a path that begins with a slash
 * would be turned around by Persian words before it. */
static void print_asker(const struct cli *cli, const char *label, const json_t *value)
{
        static const struct {
                const char *kind, *format;
        } kinds[] = {
                { "flatpak:", N_("the app %s (Flatpak)") },
                { "snap:", N_("the app %s (Snap)") },
                { "unit:", N_("the service %s") },
                { "program:", "%s" },
        };
        static const char script[] = "script:";
        const char *key = json_string_value(value);
        char name[CLI_TEXT_MAX];
        if (strncmp(key, script, sizeof script - 1) == 0) {
                print_script(cli, label, key + sizeof script - 1);
                return;
        }
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
                size_t len = strlen(kinds[i].kind);
                if (strncmp(key, kinds[i].kind, len) != 0)
                        continue;
                printf("    %s: ", label);
                printf(_(kinds[i].format), cli_text(cli, name, key + len));
                printf("\n");
                return;
        }
        print_word(cli, label, value);
}

static const struct special {
        const char *name;
        json_type type; /* of another one, it is shown as it is */
        void (*print)(const struct cli *cli, const char *label, const json_t *value);
} specials[] = {
        { "at", JSON_INTEGER, print_time },
        { "method", JSON_STRING, print_word },
        { "form", JSON_STRING, print_word },
        { "content", JSON_STRING, print_word },
        { "key", JSON_STRING, print_word },
        { "app", JSON_STRING, print_asker },
        { "outcome", JSON_STRING, print_outcome },
        { "why", JSON_STRING, print_word },
        { "tries_left", JSON_INTEGER, print_tries },
};

static void print_member(const struct cli *cli, const struct label *label, json_t *value)
{
        char text[CLI_TEXT_MAX];
        for (size_t i = 0; i < ARRAY_LEN(specials); i++)
                if (strcmp(label->name, specials[i].name) == 0 &&
                        json_typeof(value) == specials[i].type) {
                        specials[i].print(cli, _(label->label), value);
                        return;
                }
        if (json_is_object(value)) {
                print_values(cli, _(label->label), value);
                return;
        }
        plain_value(value, text, sizeof text);
        print_line(cli, _(label->label), text);
}

static bool is_wanted(const char *name, const char *const *names)
{
        for (; names && *names; names++)
                if (strcmp(*names, name) == 0)
                        return true;
        return !names;
}

void history_print_members(const struct cli *cli, const json_t *body, const char *const *names)
{
        for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
                json_t *value = json_object_get(body, labels[i].name);
                bool empty = json_is_array(value) && json_array_size(value) == 0;
                if (value && !empty && is_wanted(labels[i].name, names))
                        print_member(cli, &labels[i], value);
        }
}

static bool is(const json_t *body, const char *member, const char *text)
{
        const char *value = json_string_value(json_object_get(body, member));
        return value && strcmp(value, text) == 0;
}

const char *history_result(const json_t *asked, const json_t *end)
{
        if (!end)
                return _("No end is recorded: it still goes on, or the daemon ended in the middle. "
                         "No assertion was given.");
        if (is(end, "event", "interrupted"))
                return _("The daemon ended in the middle. No assertion was given.");
        if (json_object_get(end, "assertion") ||
                (is(asked, "method", "Assert") && is(end, "outcome", "Ok")))
                return _("An assertion was given.");
        if (json_object_get(end, "signature"))
                return _("It was signed.");
        if (is(asked, "method", "ShowCertificates") && is(end, "outcome", "Ok"))
                return _("The certificates were shown.");
        return words_of_outcome(json_string_value(json_object_get(end, "outcome")));
}

enum cli_style history_style(const json_t *end)
{
        return is(end, "outcome", "Ok") ? STYLE_GOOD : STYLE_BAD;
}
