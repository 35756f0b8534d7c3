/* SPDX-License-Identifier: Apache-2.0 */
/* texts.c: see texts.h. Each page is a list of parts, in the order in which they are read; how they are made to
 * fit is parts.c's business. Here: what pages have in common, and those of the PIN. The pages of consent
 * are in texts_consent.c, those about readers in texts_readers.c.
 */
#include "daemon/prompt/texts_internal.h"

#include "base/text.h"

#include <inttypes.h>
#include <libintl.h>
#include <stdio.h>

#define _(text)  gettext(text)
#define N_(text) text

#define NAME_CHARS    64
#define REQUEST_SHOWN 8

/* ---- lines of several pages ---------------------------------------------------------------- */

bool texts_in_persian(const struct question *question)
{
        return strncmp(question->language, "fa", 2) == 0;
}

static const char *title_of(const struct question *question)
{
        static const char *const titles[WORKS] = {
                [WORK_SIGN] = N_("Mohr: proof of identity"),
                [WORK_CHANGE_PIN] = N_("Mohr: new PIN for a staff card"),
                [WORK_UNBLOCK_PIN] = N_("Mohr: new PIN for a staff card"),
                [WORK_DOCUMENTS] = N_("Mohr: electronic signature of documents"),
                [WORK_CERTIFICATES] = N_("Mohr: the certificates of the card"),
                [WORK_KEY] = N_("Mohr: use of a key of the card"),
        };
        return question->simulated ? _("Mohr: SIMULATED CARD, FOR TESTING ONLY")
                                   : _(titles[question->work]);
}

void texts_begin(struct parts *parts, const struct question *question, struct page *ret)
{
        *ret = (struct page){
                .title = title_of(question),
                .ok = _("_Continue"),
                .cancel = _("C_ancel"),
        };
        if (question->english_instead)
                parts_add(parts, _("This terminal cannot show Persian: English is used here."));
        if (question->simulated)
                parts_add(parts, _("SIMULATED CARD, FOR TESTING ONLY"));
        if (*question->computer)
                parts_outside(parts, _("The computer %s, which is paired with this phone, asks."),
                        CUT_END, question->computer);
}

void texts_name(char dst[static TEXTS_NAME_SIZE], const char *name)
{
        parts_clean(dst, TEXTS_NAME_SIZE, name, NAME_CHARS);
        dst[parts_fitting(dst, TEXTS_NAME_SIZE - 1) - dst] = '\0';
}

void texts_add_holder(struct parts *parts, const struct question *question)
{
        char given[TEXTS_NAME_SIZE], family[TEXTS_NAME_SIZE];
        texts_name(given, question->given_name);
        texts_name(family, question->family_name);
        struct part *part = parts_value(parts, _("Holder of the card: %s"), CUT_NEVER);
        snprintf(part->value, sizeof part->value, "%s%s%s", given, *given && *family ? " " : "",
                family);
}

void texts_number(char dst[static TEXTS_NUMBER_SIZE], const struct question *question, uint64_t n)
{
        char digits[24];
        snprintf(digits, sizeof digits, "%" PRIu64, n);
        if (texts_in_persian(question))
                text_persian_digits(dst, TEXTS_NUMBER_SIZE, digits);
        else
                memcpy(dst, digits, sizeof digits);
}

void texts_add_count(
        struct parts *parts, const char *format, const struct question *question, int n)
{
        struct part *part = parts_value(parts, format, CUT_NEVER);
        texts_number(part->value, question, (uint64_t)n);
}

void texts_add_request(struct parts *parts, const struct question *question)
{
        struct part *part = parts_value(parts, _("Request: %s"), CUT_NEVER);
        parts_clean(part->value, sizeof part->value, question->request, SIZE_MAX);
        part->value[parts_fitting(part->value, REQUEST_SHOWN) - part->value] = '\0';
        part->spare = true;
}

/* A phone chose its name itself, and takes what is typed here: it must not pass for a reader of this computer. */
void texts_add_reader(struct parts *parts, const struct question *question)
{
        parts_outside(parts, question->on_phone ? _("Phone: %s") : _("Card reader: %s"), CUT_END,
                question->reader);
        parts->part[parts->count - 1].spare = !question->on_phone;
}

void texts_add_audience(struct parts *parts, const struct question *question)
{
        if (*question->audience)
                parts_outside(parts, _("For whom: %s"), CUT_HOST, question->audience);
}

void texts_add_purpose(struct parts *parts, const struct question *question)
{
        if (*question->purpose)
                parts_outside(parts, _("Purpose: %s"), CUT_END, question->purpose);
}

void texts_add_shares(
        struct parts *parts, const struct question *question, const char *format, uint8_t shares)
{
        static const struct {
                uint8_t bit;
                const char *name;
        } names[] = {
                { SHARE_CARD_GENERATION, N_("the card's generation") },
                { SHARE_CARD_EXPIRY, N_("the card's expiry date") },
                { SHARE_READER, N_("the card reader's name") },
                { SHARE_STATION, N_("what the app says of the place") },
        };
        if (shares == 0)
                return;
        struct part *part = parts_value(parts, format, CUT_NEVER);
        const char *comma = "";
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                size_t used = strlen(part->value);
                if ((shares & names[i].bit) == 0)
                        continue;
                snprintf(part->value + used, sizeof part->value - used, "%s%s", comma,
                        _(names[i].name));
                comma = texts_in_persian(question) ? "، " : ", ";
        }
}

/* ---- before the PIN ------------------------------------------------------------------------ */

void texts_unproven(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        parts_add(&parts,
                _("Signing with Iranian national smart ID cards has not been proven in public: "
                  "it is unproven on real cards."));
        parts_add(&parts,
                _("Nothing is written to the card. A try is only spent if the PIN is wrong."));
        parts_add(&parts, _("Do you want to continue?"));
        (void)parts_render(&parts, ret->desc);
}

void texts_last_try(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->ok = _("_Use the last try");
        ret->notok = _("_Keep it");
        parts_add(&parts,
                question->tries_left < 0
                        ? _("It is not known how many tries are left. If this is the last one and "
                            "the PIN is wrong, the PIN of the card is blocked.")
                        : _("This is the last try. If the PIN is wrong now, the PIN of the card is "
                            "blocked."));
        texts_add_holder(&parts, question);
        texts_add_audience(&parts, question);
        texts_add_matter(&parts, question);
        parts_add(&parts, _("Do you want to use the last try?"));
        (void)parts_render(&parts, ret->desc);
}

/* ---- the PIN ------------------------------------------------------------------------------- */

void texts_add_tries(struct parts *parts, const struct question *question)
{
        if (question->tries_left >= 0) {
                texts_add_count(parts, _("Tries left: %s"), question, question->tries_left);
                return;
        }
        struct part *part = parts_value(parts, _("Tries left: %s"), CUT_NEVER);
        snprintf(part->value, sizeof part->value, "%s", _("unknown"));
}

/* Without a consent page it is said here who asks, what for, and how that ends. */
static void add_who(struct parts *parts, const struct question *question)
{
        texts_add_asker(parts, question);
        texts_add_purpose(parts, question);
        texts_add_shares(parts, question, _("Also goes along: %s"), question->required);
        if (question->granted && question->work != WORK_DOCUMENTS)
                parts_add(parts, _("You allowed this to be asked without further consent; mohr "
                                   "grants takes that back."));
}

static const char *words_pin(const struct question *question)
{
        if (question->staff)
                return _("Please enter the PIN of the staff card (PIV, 6 to 8 digits).");
        return _("Please enter the identification PIN of the national smart ID card "
                 "(4 to 8 digits, not the signature PIN).");
}

static const char *words_keys(const struct question *question)
{
        if (question->staff)
                return _("When you continue, the card reader asks for the PIN of the staff "
                         "card (PIV, 6 to 8 digits). Please type it on the keys of the card "
                         "reader, not here.");
        return _("When you continue, the card reader asks for the identification PIN "
                 "of the national smart ID card (4 to 8 digits, not the signature "
                 "PIN). Please type it on the keys of the card reader, not here.");
}

static const char *words_phone(const struct question *question)
{
        if (question->staff)
                return _("When you continue, the phone asks for the PIN of the staff card (PIV, 6 "
                         "to 8 digits). Please enter the PIN on the phone, not here.");
        return _("When you continue, the phone asks for the identification PIN of the national "
                 "smart ID card (4 to 8 digits, not the signature PIN). Please enter the PIN on "
                 "the phone, not here.");
}

void texts_add_pin(struct parts *parts, const struct question *question)
{
        parts_add(parts, !question->pinpad    ? words_pin(question)
                         : question->on_phone ? words_phone(question)
                                              : words_keys(question));
}

/* On a phone the person agreed at the computer, or somebody did: what to is all said once more, above the PIN. Rather than
 * that this takes two pages, the reader and the request's number stay out. */
static bool compose_on_phone(const struct question *question, struct page *ret)
{
        bool fits = false;
        for (int spares = 1; !fits && spares >= 0; spares--) {
                struct parts parts = { 0 };
                texts_begin(&parts, question, ret);
                texts_add_asker(&parts, question);
                texts_add_purpose(&parts, question);
                if (question->work == WORK_DOCUMENTS)
                        texts_add_document(&parts, question);
                if (question->work == WORK_KEY)
                        texts_add_key(&parts, question);
                else
                        texts_add_given_away(&parts, question);
                texts_add_pin(&parts, question);
                if (spares)
                        texts_add_reader(&parts, question);
                texts_add_tries(&parts, question);
                if (spares)
                        texts_add_request(&parts, question);
                fits = parts_render(&parts, ret->desc);
        }
        return fits;
}

/* The PIN's page, or the one that leads to the reader's keys. False if something had to be cut. */
static bool compose_entry(
        const struct question *question, bool with_who, bool with_record, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        texts_add_pin(&parts, question);
        if (with_who)
                add_who(&parts, question);
        else
                texts_add_audience(&parts, question);
        texts_add_matter(&parts, question);
        if (with_record)
                texts_add_record(&parts, question);
        texts_add_holder(&parts, question);
        texts_add_reader(&parts, question);
        texts_add_tries(&parts, question);
        texts_add_request(&parts, question);
        return parts_render(&parts, ret->desc);
}

static bool compose_all(const struct question *question, struct page *ret)
{
        bool key = question->work == WORK_KEY;
        if (*question->computer)
                return compose_on_phone(question, ret);
        /* for what was agreed to before, a page of its own for this line alone would be one too many */
        return compose_entry(question, true, question->work != WORK_DOCUMENTS, ret) ||
               (!key && compose_entry(question, true, false, ret));
}

bool texts_entry_is_long(const struct question *question)
{
        struct page page;
        return !compose_all(question, &page);
}

void texts_granted(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        add_who(&parts, question);
        texts_add_record(&parts, question);
        texts_add_request(&parts, question);
        (void)parts_render(&parts, ret->desc);
}

void texts_entry(const struct question *question, struct page *ret)
{
        bool all = question->granted || question->work == WORK_KEY || *question->computer;
        if (!all || !compose_all(question, ret))
                (void)compose_entry(question, false, false, ret);
        if (!question->pinpad)
                ret->prompt =
                        question->staff ? _("PIN of the staff card:") : _("Identification PIN:");
}

const char *texts_bad_pin(const struct question *question)
{
        if (question->staff)
                return _("The PIN of this card has 6 to 8 digits. Nothing was sent to the card; no "
                         "try was spent.");
        return _("A PIN has 4 to 8 digits. Nothing was sent to the card; no try was spent.");
}
