/* SPDX-License-Identifier: Apache-2.0 */
/* card.c: the table of compiled-in profiles and the life of a `struct card`.
 *
 * A profile is asked only "is this yours?", in the table's order. Which card it is in the end is
 * shown by its certificates, which this room cannot read: the caller's gate decides.
 *
 * Helpers live for one request, cards lie there for many. A note carries what identification found
 * from one process to the next, nothing that the card would have to be trusted for: a wrong note
 * leads to commands that the card refuses, and the gate has its own proof that the card never left.
 */
#include "apdu/card.h"

static const struct card_profile *const profiles[] = { &nid_profile };

static const char *const generation_names[] = {
        [GENERATION_UNKNOWN] = "mav",
        [GENERATION_MAV2] = "mav2",
        [GENERATION_MAV3] = "mav3",
        [GENERATION_MAV4] = "mav4",
        [GENERATION_PARDIS] = "pardis",
        [GENERATION_OMID] = "omid",
};

const char *card_generation_name(enum card_generation generation)
{
        size_t i = (size_t)generation;
        return i < ARRAY_LEN(generation_names) ? generation_names[i] : generation_names[0];
}

void card_init(struct card *card, struct apdu_link *link, const uint8_t *atr, size_t atr_len)
{
        *card = (struct card){ .link = link, .atr_len = base_min(atr_len, CARD_ATR_MAX) };
        if (card->atr_len > 0)
                memcpy(card->atr, atr, card->atr_len);
}

void card_forget(struct card *card)
{
        card->nid = (struct nid_state){
                .row = card->nid.row,
                .ias_aid = card->nid.ias_aid,
                .paths_work = card->nid.paths_work,
                .stepwise = card->nid.stepwise,
        };
}

int card_identify(struct card *card, struct card_identity *ret)
{
        card->nid = (struct nid_state){ 0 };
        card->profile = NULL;
        for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
                int r = profiles[i]->identify(card, ret);
                if (r == OUTCOME_CARD_NOT_SUPPORTED)
                        continue;
                if (r == 0)
                        card->profile = profiles[i];
                return r;
        }
        return OUTCOME_CARD_NOT_SUPPORTED;
}

size_t card_note(const struct card *card, uint8_t note[CARD_NOTE_MAX])
{
        return card->profile && card->profile->note ? card->profile->note(card, note) : 0;
}

int card_resume(struct card *card, const uint8_t *note, size_t len)
{
        for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
                if (profiles[i]->resume && profiles[i]->resume(card, note, len) == 0) {
                        card->profile = profiles[i];
                        return 0;
                }
        }
        return OUTCOME_CARD_NOT_SUPPORTED;
}
