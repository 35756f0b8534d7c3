/* SPDX-License-Identifier: Apache-2.0 */
/* texts_readers.c: the two pages that come before any card was looked at closely: which of several cards is
 * meant, and may they be looked at. They know of readers, and nothing of a holder.
 */
#include "daemon/prompt/texts_internal.h"

#include <libintl.h>
#include <stdio.h>

#define _(text) gettext(text)

void texts_choice(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->ok = _("_Use this card");
        ret->notok = _("_Another card");
        parts_add(&parts,
                _("There are cards on several card readers. Is the card on this one to be used?"));
        parts_outside(&parts, _("Card reader: %s"), CUT_END, question->reader);
        texts_add_asker(&parts, question);
        texts_add_request(&parts, question);
        (void)parts_render(&parts, ret->desc);
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
                texts_add_count(parts, _("More card readers: %s"), question,
                        question->reader_count - named);
}

void texts_search(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->ok = _("_Agree");
        ret->cancel = _("_Refuse");
        texts_add_count(&parts,
                _("May Mohr look at the cards on these card readers (%s) for the one of the "
                  "national number below? No PIN is used for that. Who asks learns only whether "
                  "this card is here."),
                question, question->reader_count);
        struct part *number = parts_value(&parts, _("National number asked for: %s"), CUT_NEVER);
        parts_clean(number->value, sizeof number->value, question->card_number, 16);
        texts_add_asker(&parts, question);
        texts_add_purpose(&parts, question);
        add_readers(&parts, question);
        texts_add_request(&parts, question);
        (void)parts_render(&parts, ret->desc);
}
