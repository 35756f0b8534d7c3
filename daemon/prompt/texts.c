/* SPDX-License-Identifier: Apache-2.0 */
/* texts.c: see texts.h. Each page is a list of parts, in the order in which they are read; how they are made to
 * fit is parts.c's business.
 */
#include "daemon/prompt/texts.h"

#include "base/text.h"

#include <libintl.h>
#include <stdio.h>

#define _(text) gettext(text)

#define NAME_CHARS    64
#define NAME_BYTES    128
#define REQUEST_SHOWN 8

static void add_holder(struct parts *parts, const struct question *question)
{
        char given[NAME_BYTES + 1], family[NAME_BYTES + 1];
        parts_clean(given, sizeof given, question->given_name, NAME_CHARS);
        parts_clean(family, sizeof family, question->family_name, NAME_CHARS);
        struct part *part = parts_value(parts, _("Holder of the card: %s"), CUT_NEVER);
        snprintf(part->value, sizeof part->value, "%s%s%s", given, *given && *family ? " " : "",
                family);
}

static void add_simulated(struct parts *parts, const struct question *question)
{
        if (question->simulated)
                parts_add(parts, _("SIMULATED CARD, FOR TESTING ONLY"));
}

static void add_count(
        struct parts *parts, const char *format, const struct question *question, int n)
{
        char digits[12];
        struct part *part = parts_value(parts, format, CUT_NEVER);
        snprintf(digits, sizeof digits, "%d", n);
        if (strncmp(question->language, "fa", 2) == 0)
                text_persian_digits(part->value, sizeof part->value, digits);
        else
                memcpy(part->value, digits, sizeof digits);
}

static void add_request(struct parts *parts, const struct question *question)
{
        struct part *part = parts_value(parts, _("Request: %s"), CUT_NEVER);
        parts_clean(part->value, sizeof part->value, question->request, SIZE_MAX);
        part->value[parts_fitting(part->value, REQUEST_SHOWN) - part->value] = '\0';
}

static void add_audience(struct parts *parts, const struct question *question)
{
        parts_outside(parts, _("For whom: %s"), CUT_END, question->audience);
}

static struct page page_new(const struct question *question)
{
        return (struct page){
                .title = question->simulated ? _("Mohr: SIMULATED CARD, FOR TESTING ONLY")
                                             : _("Mohr: proof of identity"),
                .ok = _("_Continue"),
                .cancel = _("C_ancel"),
        };
}

static void add_asker(struct parts *parts, const struct question *question)
{
        parts_outside(parts, _("Who is asking (unverified name): %s"), CUT_START,
                *question->app ? question->app : "?");
        add_audience(parts, question);
}

void texts_choice(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        *ret = page_new(question);
        ret->ok = _("_Use this card");
        ret->notok = _("_Another card");
        parts_add(&parts,
                _("There are cards on several card readers. Is the card on this one to be used?"));
        parts_outside(&parts, _("Card reader: %s"), CUT_END, question->reader);
        add_asker(&parts, question);
        add_request(&parts, question);
        parts_render(&parts, ret->desc);
}

/* One line for each reader that is named, and how many there are besides. */
static void add_readers(struct parts *parts, const struct question *question)
{
        int named = 0;
        for (const char *at = question->reader; *at && named < QUESTION_READERS_SHOWN; named++) {
                char name[QUESTION_READER_MAX];
                size_t len = strcspn(at, "\n");
                snprintf(name, sizeof name, "%.*s", (int)base_min(len, sizeof name - 1), at);
                parts_outside(parts, _("Card reader: %s"), CUT_END, name);
                at += len + (at[len] == '\n');
        }
        if (question->reader_count > named)
                add_count(parts, _("More card readers: %s"), question,
                        question->reader_count - named);
}

void texts_search(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        *ret = page_new(question);
        ret->ok = _("_Agree");
        ret->cancel = _("_Refuse");
        add_count(&parts,
                _("May Mohr look at the cards on these card readers (%s) for the one of the "
                  "national number below? No PIN is used for that. Who asks learns only whether "
                  "this card is here."),
                question, question->reader_count);
        struct part *number = parts_value(&parts, _("National number asked for: %s"), CUT_NEVER);
        parts_clean(number->value, sizeof number->value, question->card_number, 16);
        add_asker(&parts, question);
        if (*question->purpose)
                parts_outside(&parts, _("Purpose: %s"), CUT_END, question->purpose);
        add_readers(&parts, question);
        add_request(&parts, question);
        parts_render(&parts, ret->desc);
}

void texts_unproven(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        *ret = page_new(question);
        add_simulated(&parts, question);
        parts_add(&parts,
                _("Signing with Iranian national smart ID cards has not been proven in public: "
                  "it is "
                  "unproven on real cards."));
        parts_add(&parts,
                _("Nothing is written to the card. A try is only spent if the PIN is wrong."));
        parts_add(&parts, _("Do you want to continue?"));
        parts_render(&parts, ret->desc);
}

static void add_citizen(struct parts *parts, const struct question *question)
{
        struct part *number = parts_value(parts, _("Card number: %s"), CUT_NEVER);
        parts_clean(number->value, sizeof number->value, question->card_number, 16);
        parts_add(parts,
                _("Your name and card number always go with the chip's signature. The key is a "
                  "signature key."));
}

static void add_staff(struct parts *parts, const struct question *question)
{
        parts_add(parts, _("This is an organisation's staff card, not a national card."));
        if (*question->card_number) {
                struct part *number = parts_value(parts, _("Employee number: %s"), CUT_NEVER);
                parts_clean(number->value, sizeof number->value, question->card_number, 16);
        }
        parts_add(
                parts, _("Your name and all else that the card's certificate says of you always go "
                         "with the chip's signature."));
}

void texts_consent(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        *ret = page_new(question);
        ret->ok = _("_Agree");
        ret->cancel = _("_Refuse");
        add_simulated(&parts, question);
        add_asker(&parts, question);
        if (*question->purpose)
                parts_outside(&parts, _("Purpose: %s"), CUT_END, question->purpose);
        add_holder(&parts, question);
        if (question->staff)
                add_staff(&parts, question);
        else
                add_citizen(&parts, question);
        if (question->expired)
                parts_add(&parts, _("The certificate has expired."));
        add_request(&parts, question);
        parts_render(&parts, ret->desc);
}

void texts_last_try(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        *ret = page_new(question);
        add_simulated(&parts, question);
        parts_add(&parts, _("This is the last try. If the PIN is wrong now, the PIN of the card is "
                            "blocked."));
        add_holder(&parts, question);
        parts_add(&parts, _("Do you want to use the last try?"));
        parts_render(&parts, ret->desc);
}

static void add_tries(struct parts *parts, const struct question *question)
{
        if (question->tries_left >= 0) {
                add_count(parts, _("Tries left: %s"), question, question->tries_left);
                return;
        }
        struct part *part = parts_value(parts, _("Tries left: %s"), CUT_NEVER);
        snprintf(part->value, sizeof part->value, "%s", _("unknown"));
}

/* What stands under the first words of the PIN's page, and of the page that leads to the reader's keys. */
static void add_circumstances(struct parts *parts, const struct question *question)
{
        add_audience(parts, question);
        add_holder(parts, question);
        parts_outside(parts, _("Card reader: %s"), CUT_END, question->reader);
        add_tries(parts, question);
        add_request(parts, question);
}

void texts_pin(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        *ret = page_new(question);
        ret->prompt = question->staff ? _("PIN of the staff card:") : _("Identification PIN:");
        add_simulated(&parts, question);
        parts_add(&parts,
                question->staff
                        ? _("Please enter the PIN of the staff card (PIV, 6 to 8 digits).")
                        : _("Please enter the identification PIN of the national smart ID card "
                            "(4 to 8 digits, not the signature PIN)."));
        add_circumstances(&parts, question);
        parts_render(&parts, ret->desc);
}

void texts_keys(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        *ret = page_new(question);
        add_simulated(&parts, question);
        parts_add(&parts,
                question->staff
                        ? _("When you continue, the card reader asks for the PIN of the staff "
                            "card (PIV, 6 to 8 digits). Please type it on the keys of the card "
                            "reader, not here.")
                        : _("When you continue, the card reader asks for the identification PIN "
                            "of the national smart ID card (4 to 8 digits, not the signature "
                            "PIN). Please type it on the keys of the card reader, not here."));
        add_circumstances(&parts, question);
        parts_render(&parts, ret->desc);
}

const char *texts_bad_pin(const struct question *question)
{
        if (question->staff)
                return _("The PIN of this card has 6 to 8 digits. Nothing was sent to the card; no "
                         "try was spent.");
        return _("A PIN has 4 to 8 digits. Nothing was sent to the card; no try was spent.");
}
