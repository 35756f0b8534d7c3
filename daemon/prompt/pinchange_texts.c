/* SPDX-License-Identifier: Apache-2.0 */
/* pinchange_texts.c: see pinchange.h. What is typed where is said on each page, since four pages ask for digits and
 * the wrong ones on the first may cost a try.
 */
#include "daemon/prompt/pinchange.h"
#include "daemon/prompt/texts_internal.h"

#include <libintl.h>

#define _(text) gettext(text)

static bool unblocks(const struct question *question)
{
        return question->work == WORK_UNBLOCK_PIN;
}

static void add_card(struct parts *parts, const struct question *question)
{
        texts_add_holder(parts, question);
        texts_add_reader(parts, question);
        texts_add_request(parts, question);
}

void pintexts_consent(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        texts_add_asker(&parts, question);
        parts_add(&parts,
                unblocks(question)
                        ? _("A new PIN shall be set for this staff card with its unblocking code "
                            "(PUK).")
                        : _("The PIN of this staff card shall be changed."));
        parts_add(&parts, _("Nothing else on the card is changed, and nothing is signed."));
        if (question->recorded)
                parts_add(
                        &parts, question->recorded_by_station
                                        ? _("This request is recorded in this station's register, "
                                            "without any PIN.")
                                        : _("This request is recorded in your history, without "
                                            "any PIN."));
        add_card(&parts, question);
        parts_add(&parts, _("Do you want to continue?"));
        (void)parts_render(&parts, ret->desc);
}

void pintexts_code_try(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->ok = _("_Use a try");
        ret->notok = _("_Keep it");
        parts_add(&parts,
                _("How many tries the unblocking code (PUK) has left, no card tells. If this is "
                  "the "
                  "last one and the code is wrong, the code is blocked for good, and only whoever "
                  "issued the card can help."));
        add_card(&parts, question);
        parts_add(&parts, _("Do you know the code for sure, and do you want to use a try?"));
        (void)parts_render(&parts, ret->desc);
}

void pintexts_proof(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->prompt = unblocks(question) ? _("Unblocking code:") : _("Present PIN:");
        parts_add(&parts,
                unblocks(question)
                        ? _("Please enter the unblocking code (PUK) of the staff card (8 digits).")
                        : _("Please enter the present PIN of the staff card (PIV, 6 to 8 "
                            "digits)."));
        if (question->tries_left >= 0)
                texts_add_count(&parts, _("Tries left: %s"), question, question->tries_left);
        add_card(&parts, question);
        (void)parts_render(&parts, ret->desc);
}

void pintexts_new_pin(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->prompt = _("New PIN:");
        parts_add(&parts, _("Please choose the new PIN of the staff card (6 to 8 digits). Do not "
                            "take a date, "
                            "a telephone number or a row like 123456."));
        add_card(&parts, question);
        (void)parts_render(&parts, ret->desc);
}

void pintexts_again(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->prompt = _("New PIN again:");
        parts_add(
                &parts, _("Please enter the new PIN once more. Nothing was sent to the card yet."));
        add_card(&parts, question);
        (void)parts_render(&parts, ret->desc);
}
