/* SPDX-License-Identifier: Apache-2.0 */
/* show_document.c: signatures of a document for people: each signer by itself, with whether it holds before anything else, what the
 * signer only claims under words that say so, and of a PDF how much of it the signature covers.
 */
#include "client-sdk/cli/cli.h"

#include "client-sdk/assertion.h"

#include <time.h>

static const char *member(const json_t *object, const char *name)
{
        const char *text = json_string_value(json_object_get(object, name));
        return text ? text : "";
}

static void show_line(const struct cli *cli, const char *label, const char *value)
{
        char text[CLI_TEXT_MAX];
        if (value[0])
                printf("  %s: %s\n", label, cli_text(cli, text, value));
}

/* ISO 8601 as the report writes it, in the calendar of the reader. */
static const char *moment(const struct cli *cli, char dst[static 96], const char *iso)
{
        struct tm tm = { 0 };
        dst[0] = '\0';
        return strptime(iso, "%Y-%m-%dT%H:%M:%SZ", &tm) ? cli_time(cli, dst, timegm(&tm)) : dst;
}

/* The same of a PDF's date (ISO 32000-1 7.9.4), with all its parts; any other stays what the document says. */
static const char *pdf_moment(const struct cli *cli, char dst[static 96], const char *date)
{
        struct tm tm = { 0 };
        int hours = 0, minutes = 0, end = 0;
        char sign = 'Z';
        const char *zone = strptime(date, "D:%Y%m%d%H%M%S", &tm);
        if (!zone || (strcmp(zone, "Z") != 0 &&
                             (sscanf(zone, "%c%2d'%2d%n", &sign, &hours, &minutes, &end) != 3 ||
                                     (sign != '+' && sign != '-') || hours < 0 || hours > 23 ||
                                     minutes < 0 || minutes > 59 ||
                                     (zone[end] && strcmp(zone + end, "'") != 0))))
                return date;
        int64_t off = (int64_t)hours * 3600 + minutes * 60;
        return cli_time(cli, dst, timegm(&tm) - (sign == '-' ? -off : off));
}

static void show_number(const struct cli *cli, const char *label, const json_t *value)
{
        char line[CLI_LINE_MAX], number[32];
        if (!json_is_integer(value))
                return;
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        printf("  %s: %s\n", label, cli_digits(cli, line, number));
}

static const char *word_of(const char *key)
{
        static const struct {
                const char *key, *text;
        } words[] = {
                { "cms", N_("a file of its own, with its signature beside it") },
                { "cms-attached", N_("inside the signature") },
                { "jws", N_("JSON, inside the signature") },
                { "pdf", N_("PDF") },
                { "origin", N_("proof of origin") },
                { "receipt", N_("proof of receipt") },
                { "delivery", N_("proof of delivery") },
                { "sender", N_("proof of sender") },
                { "approval", N_("approval of the content") },
                { "creation", N_("creation of the content") },
        };
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (strcmp(words[i].key, key) == 0)
                        return _(words[i].text);
        return key;
}

/* ---- one signature ---- */

static void show_verdict(const struct cli *cli, const json_t *row)
{
        char text[CLI_TEXT_MAX], name[160];
        const json_t *verdict = json_object_get(row, "verification");
        json_int_t exit = json_integer_value(json_object_get(verdict, "exit"));
        snprintf(name, sizeof name, "%s%s%s", member(verdict, "reason"),
                member(verdict, "detail")[0] ? ": " : "", member(verdict, "detail"));
        if (exit == 0)
                printf("  %s%s%s\n", cli_style(stdout, STYLE_GOOD), _("It holds."),
                        cli_style(stdout, STYLE_PLAIN));
        else
                printf("  %s%s%s%s (%s)\n", cli_style(stdout, STYLE_BAD),
                        exit == OUTCOME_INVALID ? _("It does not hold: ") : "",
                        member(verdict, "message"), cli_style(stdout, STYLE_PLAIN),
                        cli_text(cli, text, name));
}

static void show_claims(const struct cli *cli, const json_t *row)
{
        char when[96];
        const json_t *said = json_object_get(row, "claimed"), *pdf = json_object_get(row, "pdf");
        show_line(cli, _("When, as the signer says"),
                moment(cli, when, member(said, "signing_time")));
        show_line(cli, _("What for, as the signer says"), word_of(member(said, "commitment")));
        show_line(cli, _("By the policy"), member(said, "policy"));
        show_line(cli, _("Reason, as the document says"), member(pdf, "reason"));
        show_line(cli, _("Place, as the document says"), member(pdf, "location"));
        show_line(cli, _("When, as the document says"), pdf_moment(cli, when, member(pdf, "at")));
}

static void show_stamp(const struct cli *cli, const json_t *stamp)
{
        char when[96], text[CLI_TEXT_MAX];
        if (!stamp)
                return;
        printf("  %s: %s, %s%s\n", _("Timestamp"), moment(cli, when, member(stamp, "at")),
                cli_text(cli, text, member(stamp, "authority")),
                json_is_true(json_object_get(stamp, "trusted"))
                        ? ""
                        : _(" (not checked; use --tsa-anchors)"));
}

static const char *shown_words(const char *shown)
{
        if (strcmp(shown, "same") == 0)
                return _("The pages show what they showed when it was signed.");
        if (strcmp(shown, "stamped") == 0)
                return _("The pages show what they showed when it was signed, but for stamps of "
                         "signatures: look what these cover.");
        return _("The pages show something else than when it was signed.");
}

static void show_cover(const struct cli *cli, const json_t *pdf)
{
        const char *after = member(pdf, "after");
        if (!json_is_integer(json_object_get(pdf, "covers")))
                return;
        if (json_is_true(json_object_get(pdf, "whole"))) {
                printf("  %s\n", _("It covers the whole document."));
                return;
        }
        printf("  %s\n",
                _("It covers an earlier state of the document; something was added later."));
        show_number(cli, _("Bytes that it covers"), json_object_get(pdf, "covers"));
        printf("  %s\n", strcmp(after, "signed") == 0
                                 ? _("What was added is covered by a later signature.")
                                 : _("Nobody signed what was added."));
        printf("  %s\n", shown_words(member(pdf, "shown")));
}

static void show_strangers(const struct cli *cli, const json_t *row)
{
        const json_t *list = json_object_get(row, "not_understood");
        for (size_t i = 0; i < json_array_size(list); i++)
                show_line(cli, _("Also there, and not understood here"),
                        json_string_value(json_array_get(list, i)));
}

static void show_signature(const struct cli *cli, const json_t *row)
{
        const json_t *names = json_object_get(row, "signer");
        bool staff = strcmp(member(json_object_get(row, "certificate"), "holder"), "staff") == 0;
        show_verdict(cli, row);
        if (names)
                show_person(cli, names, row, staff);
        show_claims(cli, row);
        show_stamp(cli, json_object_get(row, "timestamp"));
        show_cover(cli, json_object_get(row, "pdf"));
        show_strangers(cli, row);
        if (json_object_get(row, "revocation"))
                show_revocation(cli, row);
}

/* ---- the whole ---- */

static void show_heading(const struct cli *cli, const char *what, size_t number, size_t count)
{
        char line[CLI_LINE_MAX], digits[CLI_LINE_MAX];
        snprintf(line, sizeof line, what, number, count);
        printf("\n%s\n", cli_digits(cli, digits, line));
}

static void show_all(const struct cli *cli, const json_t *list, const char *heading)
{
        size_t count = json_array_size(list);
        for (size_t i = 0; i < count; i++) {
                const json_t *row = json_array_get(list, i);
                show_heading(cli, heading, i + 1, count);
                show_signature(cli, row);
                show_all(cli, json_object_get(row, "countersignatures"),
                        _("Countersignature %zu of %zu, over that one:"));
        }
}

void show_document(const struct cli *cli, const json_t *all)
{
        const json_t *document = json_object_get(all, "document");
        bool good = json_integer_value(
                            json_object_get(json_object_get(all, "verification"), "exit")) == 0;
        if (good)
                printf("%s%s%s\n", cli_style(stdout, STYLE_GOOD), mohr_reason_text(MOHR_REASON_OK),
                        cli_style(stdout, STYLE_PLAIN));
        printf("%s\n", _("The document:"));
        show_line(cli, _("Form"), word_of(member(document, "form")));
        show_number(cli, _("Pages"), json_object_get(document, "pages"));
        show_number(cli, _("Size in bytes"), json_object_get(document, "size"));
        show_line(cli, "SHA-256", member(document, "sha256"));
        show_all(cli, json_object_get(all, "signatures"), _("Signature %zu of %zu:"));
}
