/* SPDX-License-Identifier: Apache-2.0 */
/* card_resume.c: a card identified in one process, used in the next.
 *
 * Helpers live for one request, cards lie there for many. A note carries what identification found,
 * nothing that the card would have to be trusted for: a wrong note leads to commands that the card
 * refuses, and the gate above has its own proof that the card never left.
 */
#include "apdu/card.h"

static const struct card_profile *const profiles[] = { &nid_profile };

size_t card_note(const struct card *card, uint8_t note[CARD_NOTE_MAX])
{
        return card->profile && card->profile->note ? card->profile->note(card, note) : 0;
}

int card_resume(struct card *card, const uint8_t *note, size_t len)
{
        for (size_t i = 0; i < ARRAY_LEN(profiles); i++)
                if (profiles[i]->resume && profiles[i]->resume(card, note, len) == 0) {
                        card->profile = profiles[i];
                        return 0;
                }
        return OUTCOME_CARD_NOT_SUPPORTED;
}
