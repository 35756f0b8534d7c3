/* SPDX-License-Identifier: Apache-2.0 */
/* sheet.c: see sheet.h. What a clerk reads, in the order in which it is asked: who, for what, when, what is
 * proven, what is only said, and where the evidence is.
 *
 * A check that has no words (words.c) is shown by its name, so that nothing which was not checked is left
 * out. Digits that people read are Persian in Persian; codes that somebody may have to type keep Latin ones
 * and their direction. What the station says is under a heading that says so.
 */
#include "client-sdk/page/sheet.h"

#include "base/text.h"
#include "client-sdk/i18n.h"
#include "client-sdk/page/page.h"
#include "client-sdk/page/words.h"

#include <stdarg.h>
#include <stdio.h>

#define FSI "\xE2\x81\xA8" /* first strong isolate */
#define PDI "\xE2\x81\xA9" /* pop directional isolate */

struct writer {
        struct sheet *sheet;
        const struct facts *facts;
        bool full;
};

/* The next row, or a place that nobody reads when there is none left. */
static struct sheet_row *next_row(struct writer *writer, enum sheet_kind kind, const char *label)
{
        struct sheet *sheet = writer->sheet;
        writer->full |= sheet->count == SHEET_ROWS_MAX;
        if (!writer->full)
                sheet->count++;
        struct sheet_row *row = &sheet->rows[sheet->count - 1];
        row->kind = kind;
        row->label = label;
        row->text[0] = row->note[0] = '\0';
        return row;
}

_printf_(4, 5) static struct sheet_row *say(
        struct writer *writer, enum sheet_kind kind, const char *label, const char *format, ...)
{
        struct sheet_row *row = next_row(writer, kind, label);
        va_list args;
        va_start(args, format);
        vsnprintf(row->text, sizeof row->text, format, args);
        va_end(args);
        return row;
}

/* ---- texts ---- */

/* A text from outside. On a page that reads from the right it must not turn what stands beside it. */
static void tell(struct writer *writer, const char *label, const char *text)
{
        bool isolate = writer->sheet->persian;
        if (text[0])
                say(writer, SHEET_FIELD, label, "%s%s%s", isolate ? FSI : "", text,
                        isolate ? PDI : "");
}

/* Digits that a person reads. */
static const char *digits(bool persian, char *dst, size_t cap, const char *src)
{
        if (persian)
                text_persian_digits(dst, cap, src);
        else
                snprintf(dst, cap, "%s", src);
        return dst;
}

static void tell_number(struct writer *writer, const char *label, const char *number)
{
        char text[64];
        if (number[0])
                say(writer, SHEET_FIELD, label, "%s",
                        digits(writer->sheet->persian, text, sizeof text, number));
}

void sheet_moment(char dst[static SHEET_MOMENT_MAX], bool persian, int64_t when)
{
        char tehran[24], day[48], hour[48];
        text_tehran(tehran, when);
        char *space = strchr(tehran, ' ');
        if (space)
                *space = '\0';
        snprintf(dst, SHEET_MOMENT_MAX, _("%s at %s, Tehran time"),
                digits(persian, day, sizeof day, tehran),
                digits(persian, hour, sizeof hour, space ? space + 1 : ""));
}

/* `suffix`: what else there is to say of this moment, or "". */
static void tell_moment(struct writer *writer, const char *label, int64_t when, const char *suffix)
{
        char text[SHEET_MOMENT_MAX], iso[24];
        text_iso8601(iso, when);
        sheet_moment(text, writer->sheet->persian, when);
        struct sheet_row *row =
                say(writer, SHEET_FIELD, label, "%s%s%s", text, suffix[0] ? _("; ") : "", suffix);
        snprintf(row->note, sizeof row->note, "%s", iso);
}

static void tell_word(struct writer *writer, const char *label, enum words table, const char *key)
{
        const char *known = words_for(table, key);
        if (known)
                say(writer, SHEET_FIELD, label, "%s", known);
        else
                tell(writer, label, key);
}

static void tell_said(struct writer *writer, const char *label, enum facts_said said,
        const char *no, const char *yes)
{
        if (said != FACTS_UNSAID)
                say(writer, SHEET_FIELD, label, "%s", said == FACTS_YES ? yes : no);
}

/* ---- sections ---- */

static void write_head(struct writer *writer)
{
        const struct facts *facts = writer->facts;
        say(writer, SHEET_TITLE, NULL, "%s", _("Identity receipt"));
        say(writer, SHEET_REMARK, NULL, "%s", _("Kept in place of a photocopy of the card."));
        if (facts->simulated)
                say(writer, SHEET_NOTICE, NULL, "%s",
                        _("Simulated card, for testing only: this proves nothing about anybody."));
        if (facts->certificate_expired)
                say(writer, SHEET_NOTICE, NULL, "%s",
                        _("The certificate of this card has expired. All else holds; whoever keeps "
                          "this "
                          "receipt has decided to accept it."));
        if (strcmp(facts->revocation, "revoked") == 0)
                say(writer, SHEET_NOTICE, NULL, "%s",
                        _("The certificate of this card was revoked."));
        if (strcmp(facts->revocation_why, "revoked-later") == 0)
                say(writer, SHEET_NOTICE, NULL, "%s",
                        _("The certificate of this card was revoked after it had signed this."));
}

static void write_citizen(struct writer *writer)
{
        const struct facts *facts = writer->facts;
        bool isolate = writer->sheet->persian; /* the names may be of two scripts */
        say(writer, SHEET_NAME, NULL, isolate ? FSI "%s" PDI " " FSI "%s" PDI : "%s %s",
                facts->given_name, facts->family_name);
        tell(writer, _("Given name"), facts->given_name);
        tell(writer, _("Family name"), facts->family_name);
        tell_number(writer, _("Card number"), facts->card_number);
        tell_number(writer, _("National number (inferred from the card number)"),
                facts->national_number);
}

static void write_staff(struct writer *writer)
{
        const struct facts *facts = writer->facts;
        say(writer, SHEET_NAME, NULL, "%s", facts->name);
        say(writer, SHEET_FIELD, _("Kind of card"), "%s",
                _("an organisation's staff card, not a national card"));
        tell(writer, _("Organisation"), facts->organization);
        tell(writer, _("Employee number"), facts->employee_number);
        tell(writer, _("E-mail"), facts->email);
}

static void write_who(struct writer *writer)
{
        say(writer, SHEET_SECTION, NULL, "%s", _("Holder of the card"));
        if (writer->facts->holder == FACTS_STAFF)
                write_staff(writer);
        else
                write_citizen(writer);
}

static void write_what(struct writer *writer)
{
        const struct facts *facts = writer->facts;
        say(writer, SHEET_SECTION, NULL, "%s", _("Signed with the card"));
        tell(writer, _("For"), facts->audience);
        tell(writer, _("Purpose"), facts->purpose);
        if (facts->number_match[0])
                tell_word(writer, _("Expected national number matches"), WORDS_MATCH,
                        facts->number_match);
        tell_moment(writer, _("Signed"), facts->signed_at,
                facts->clock_synchronised == FACTS_YES  ? _("the station's clock, synchronised")
                : facts->clock_synchronised == FACTS_NO ? _("the station's clock, not synchronised")
                                                        : _("the station's clock"));
        tell_moment(writer, _("Received"), facts->received_at, _("the receiver's own clock"));
        if (facts->timestamp_at == FACTS_NO_TIME)
                say(writer, SHEET_FIELD, _("Timestamp"), "%s",
                        _("none: when it was received is the receiver's own word"));
        else
                tell_moment(writer, _("Timestamp"), facts->timestamp_at, "");
        tell(writer, _("Timestamp authority"), facts->timestamp_authority);
}

static void write_revocation(struct writer *writer)
{
        const struct facts *facts = writer->facts;
        const char *state = words_for(WORDS_REVOCATION, facts->revocation);
        const char *why = words_for(WORDS_WHY, facts->revocation_why);
        const bool unknown = facts->revocation_why[0] && !why;
        struct sheet_row *row = say(writer, SHEET_FIELD, _("Revocation"), "%s%s%s%s%s",
                state ? state : _("not checked"), facts->revocation_why[0] ? _("; ") : "",
                unknown ? FSI : "", why ? why : facts->revocation_why, unknown ? PDI : "");
        if (facts->revocation_as_of != FACTS_NO_TIME)
                text_iso8601(row->note, facts->revocation_as_of);
        if (facts->revocation_source[0])
                tell_word(writer, _("Revocation evidence"), WORDS_SOURCE, facts->revocation_source);
}

static void write_list(struct writer *writer, enum sheet_kind kind, const char *label,
        const struct facts_list *list)
{
        for (size_t i = 0; i < list->count; i++) {
                const char *known = words_for(WORDS_CHECK, list->names[i]);
                if (known)
                        say(writer, kind, label, "%s", known);
                else
                        say(writer, kind, label, FSI "%s" PDI, list->names[i]);
        }
}

static void write_checks(struct writer *writer)
{
        const struct facts *facts = writer->facts;
        say(writer, SHEET_SECTION, NULL, "%s", _("What was checked"));
        write_list(writer, SHEET_DONE, _("Checked"), &facts->checked);
        write_list(writer, SHEET_OPEN, _("Not checked"), &facts->not_checked);
        if (facts->holder == FACTS_CITIZEN)
                say(writer, SHEET_OPEN, _("Not checked"), "%s",
                        _("photo, date of birth, father's name, address: the card did not tell "
                          "them"));
        if (facts->acr[0])
                tell_word(writer, _("Assurance level"), WORDS_LEVEL, facts->acr);
        if (facts->identity_level[0])
                tell_word(writer, _("Identity level"), WORDS_IDENTITY_LEVEL, facts->identity_level);
        write_revocation(writer);
        if (facts->certificate_end != FACTS_NO_TIME)
                tell_moment(writer, _("Certificate valid until"), facts->certificate_end, "");
        tell(writer, _("Issued by"), facts->issuer);
}

static void write_station(struct writer *writer)
{
        const struct facts *facts = writer->facts;
        say(writer, SHEET_SECTION, NULL, "%s", _("Stated by the station, not proven by the chip"));
        tell(writer, _("Operator"), facts->operator_name);
        tell(writer, _("Branch"), facts->branch);
        tell(writer, _("Device"), facts->device);
        tell(writer, _("Case number"), facts->case_number);
        tell_said(writer, _("Face compared with the photo"), facts->photo_checked, _("no"),
                _("yes, by the operator"));
        tell(writer, _("Software"), facts->software);
        if (writer->sheet->rows[writer->sheet->count - 1].kind == SHEET_SECTION)
                writer->sheet->count--;
}

static void write_pointer(struct writer *writer)
{
        const char *hex = writer->facts->digest;
        struct sheet_row *row = say(writer, SHEET_POINTER, NULL, "%s",
                _("Paper is only a pointer: the evidence is the file embedded in this PDF. Keep "
                  "the PDF, and "
                  "check it with the command mohr verify. The code holds the SHA-256 of that "
                  "file:"));
        snprintf(row->note, sizeof row->note, "%.16s %.16s %.16s %.16s", hex, hex + 16, hex + 32,
                hex + 48);
        say(writer, SHEET_REMARK, NULL, "%s",
                _("Made by Mohr, free software. Mohr is not affiliated with the registry."));
}

int sheet_write(struct sheet *ret, const struct facts *facts)
{
        static void (*const parts[])(struct writer *) = { write_head, write_who, write_what,
                write_checks, write_station, write_pointer };
        struct writer writer = { .sheet = ret, .facts = facts };
        *ret = (struct sheet){ .persian = facts->persian,
                .size = facts->size,
                .made_at = facts->received_at,
                .title = _("Identity receipt"),
                .watermark = facts->simulated ? _("SIMULATED CARD") : NULL };
        snprintf(ret->code, sizeof ret->code, PAGE_QR_PREFIX "%s", facts->digest);
        for (size_t i = 0; i < ARRAY_LEN(parts); i++)
                parts[i](&writer);
        return writer.full ? -ENOSPC : 0;
}
