/* SPDX-License-Identifier: Apache-2.0 */
/* texts_consent.c: the pages of consent: who asks, for whom, what for, and what the holder gives away.
 *
 * They promise nothing false. Who asks is called unverified unless a signed request was proven to be an
 * organisation's; then the organisation is named, and the program that brought the request still is unverified. A phone that did not
 * prove it itself says whose word it is.
 * Name and number go with every signature of the chip, and no page offers to withhold them.
 */
#include "daemon/prompt/texts_internal.h"

#include <libintl.h>
#include <stdio.h>

#define _(text)  gettext(text)
#define N_(text) text

#define NUMBER_CHARS 16

/* ---- who ----------------------------------------------------------------------------------- */

struct asker_words {
        const char *alone, *for_organization;
        enum cut cut; /* a path is told by its end, a name by its beginning */
};

static const struct asker_words askers[ASKERS] = {
        [ASKER_PROGRAM] = { N_("Who is asking (unverified name): %s"),
                N_("Passed on by (unverified name): %s"), CUT_START },
        [ASKER_SCRIPT] = { N_("Who is asking (unverified name): the script %s, as its command "
                              "line says"),
                N_("Passed on by (unverified name): the script %s, as its command line says"),
                CUT_START },
        [ASKER_FLATPAK] = { N_("Who is asking (unverified name): the app %s (Flatpak)"),
                N_("Passed on by (unverified name): the app %s (Flatpak)"), CUT_END },
        [ASKER_SNAP] = { N_("Who is asking (unverified name): the app %s (Snap)"),
                N_("Passed on by (unverified name): the app %s (Snap)"), CUT_END },
        [ASKER_SERVICE] = { N_("Who is asking (unverified name): the system's service %s"),
                N_("Passed on by (unverified name): the system's service %s"), CUT_END },
        [ASKER_USER_SERVICE] = { N_("Who is asking (unverified name): this user's service %s"),
                N_("Passed on by (unverified name): this user's service %s"), CUT_END },
};

static void add_organization(struct parts *parts, const struct question *question)
{
        const char *format = question->not_proven_here
                                     ? _("Organisation, by that computer's word: %s")
                                     : _("Verified organisation: %s");
        texts_name(parts_value(parts, format, CUT_NEVER)->value, question->organization);
}

static void add_program(struct parts *parts, const struct question *question)
{
        const struct asker_words *words = &askers[question->asker];
        const char *format = *question->organization ? words->for_organization : words->alone;
        const char *name = question->asker == ASKER_PROGRAM ? question->app : question->asker_name;
        parts_outside(parts, _(format), words->cut, *name ? name : "?");
        if (question->asker == ASKER_SCRIPT)
                parts_outside(parts, _("The script is run by: %s"), CUT_START, question->app);
}

void texts_add_asker(struct parts *parts, const struct question *question)
{
        if (*question->organization)
                add_organization(parts, question);
        add_program(parts, question);
        texts_add_audience(parts, question);
}

/* ---- what ---------------------------------------------------------------------------------- */

static void add_number(struct parts *parts, const char *format, const char *number)
{
        struct part *part = parts_value(parts, format, CUT_NEVER);
        parts_clean(part->value, NUMBER_CHARS + 1, number, NUMBER_CHARS);
        part->value[parts_fitting(part->value, NUMBER_CHARS) - part->value] = '\0';
}

static void add_citizen(struct parts *parts, const struct question *question)
{
        add_number(parts, _("Card number: %s"), question->card_number);
        parts_add(parts,
                _("Your name and card number always go with the chip's signature. The key is a "
                  "signature key."));
}

static void add_staff(struct parts *parts, const struct question *question)
{
        parts_add(parts, _("This is an organisation's staff card, not a national card."));
        if (*question->card_number)
                add_number(parts, _("Employee number: %s"), question->card_number);
        parts_add(
                parts, _("Your name and all else that the card's certificate says of you always go "
                         "with the chip's signature."));
}

void texts_add_given_away(struct parts *parts, const struct question *question)
{
        texts_add_holder(parts, question);
        if (question->staff)
                add_staff(parts, question);
        else
                add_citizen(parts, question);
        texts_add_shares(parts, question, _("Also goes along: %s"), question->required);
        texts_add_shares(parts, question, _("You may leave out: %s"), question->optional);
        if (question->expired)
                parts_add(parts, _("The certificate has expired."));
}

void texts_add_record(struct parts *parts, const struct question *question)
{
        if (!question->recorded)
                return;
        parts_add(parts, question->recorded_by_station
                                 ? _("Kept in this station's register: who asks, what for, what "
                                     "you give or refuse; not your name or number.")
                         : question->recorded_identity
                                 ? _("Kept in your history: who asks, what for, what you give or "
                                     "refuse, your name and number.")
                                 : _("Kept in your history: who asks, what for, what you give or "
                                     "refuse."));
}

/* ---- pages --------------------------------------------------------------------------------- */

/* Everything on one page; false if something had to be cut for that. */
static bool compose_whole(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        texts_add_asker(&parts, question);
        texts_add_purpose(&parts, question);
        texts_add_given_away(&parts, question);
        texts_add_record(&parts, question);
        texts_add_request(&parts, question);
        return parts_render(&parts, ret->desc);
}

bool texts_consent_is_long(const struct question *question)
{
        struct page page;
        return !compose_whole(question, &page);
}

void texts_asked(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->cancel = _("_Refuse");
        texts_add_asker(&parts, question);
        texts_add_purpose(&parts, question);
        texts_add_record(&parts, question);
        parts_add(&parts, _("What would be given away stands on the next page."));
        texts_add_request(&parts, question);
        (void)parts_render(&parts, ret->desc);
}

static bool stands_whole(const char *desc, const struct question *question,
        void (*add)(struct parts *parts, const struct question *question))
{
        struct parts parts = { 0 };
        char line[PARTS_LINE_MAX];
        add(&parts, question);
        (void)parts_render(&parts, line);
        return strstr(desc, line) != NULL;
}

bool texts_asked_is_cut(const struct question *question)
{
        struct page page;
        texts_asked(question, &page);
        return !stands_whole(page.desc, question, texts_add_audience) ||
               !stands_whole(page.desc, question, texts_add_purpose);
}

void texts_what_for(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->cancel = _("_Refuse");
        texts_add_audience(&parts, question);
        texts_add_purpose(&parts, question);
        texts_add_request(&parts, question);
        (void)parts_render(&parts, ret->desc);
}

void texts_consent(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        if (!compose_whole(question, ret)) {
                texts_begin(&parts, question, ret);
                texts_add_audience(&parts, question);
                if (*question->purpose) { /* it stands on the page before */
                        texts_add_purpose(&parts, question);
                        parts.part[parts.count - 1].spare = true;
                }
                texts_add_given_away(&parts, question);
                texts_add_request(&parts, question);
                (void)parts_render(&parts, ret->desc);
        }
        ret->ok = question->optional ? _("_Agree to all") : _("_Agree");
        ret->notok = question->optional ? _("_Only the required") : NULL;
        ret->cancel = _("_Refuse");
}

void texts_consent_first(const struct question *question, struct page *ret)
{
        texts_consent(question, ret);
        ret->ok = _("_Agree");
        ret->notok = NULL;
}

void texts_optional(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->ok = _("_Agree to all");
        ret->cancel = _("_Only the required");
        texts_add_shares(&parts, question, _("You may leave out: %s"), question->optional);
        texts_add_audience(&parts, question);
        parts_add(&parts, _("Shall this go along as well?"));
        texts_add_request(&parts, question);
        (void)parts_render(&parts, ret->desc);
}

void texts_remember(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->ok = _("_Yes");
        ret->notok = _("_No");
        parts_add(&parts,
                question->work == WORK_CERTIFICATES
                        ? _("May this program see the certificates of this card again without "
                            "being asked about?")
                        : _("May this be asked again without the page of consent? The PIN is asked "
                            "for every time."));
        texts_add_asker(&parts, question);
        texts_add_purpose(&parts, question);
        parts_add(&parts, _("mohr grants shows what you allowed, and takes it back."));
        texts_add_request(&parts, question);
        (void)parts_render(&parts, ret->desc);
}
