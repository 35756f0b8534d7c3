/* SPDX-License-Identifier: Apache-2.0 */
/* card.c: the table of compiled-in profiles and the life of a `struct card`.
 *
 * A profile is asked only "is this yours?", in the table's order, or earlier where the ATR makes it likely.
 * A chip may answer to several: national cards, foreign eID and PIV applications share chip families. So
 * an answer of "mine, but I can only look at it" is kept while the others are asked, unless the ATR spoke
 * for it. Which card it is in the end is shown by its certificates, which this room cannot read: the
 * caller's gate decides.
 *
 * Helpers live for one request, cards lie there for many. A note carries what identification found
 * from one process to the next, nothing that the card would have to be trusted for: a wrong note
 * leads to commands that the card refuses, and the gate has its own proof that the card never left.
 */
#include "apdu/card.h"

static const struct card_profile *const profiles[] = { &nid_profile, &piv_profile };

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
        card->piv.selected = card->piv.counter_seen = card->piv.counter_told = card->piv.verified =
                false;
}

/* One round over the profiles that are, or are not, likely. 0 when nobody is left to be asked. */
static int ask_profiles(struct card *card, bool likely, struct card_identity *ret, bool *ret_done)
{
        for (size_t i = 0; i < ARRAY_LEN(profiles) && !*ret_done; i++) {
                struct card_identity identity = { 0 };
                if (profiles[i]->likely(card) != likely)
                        continue;
                int r = profiles[i]->identify(card, &identity);
                if (card->profile) /* its application is no longer the one that is selected */
                        card_forget(card);
                if (r == OUTCOME_CARD_NOT_SUPPORTED)
                        continue;
                if (r != 0)
                        return r;
                if (identity.supported || !card->profile) {
                        card->profile = profiles[i];
                        *ret = identity;
                }
                *ret_done = likely || identity.supported;
        }
        return 0;
}

int card_identify(struct card *card, struct card_identity *ret)
{
        struct card_identity identity = { 0 };
        bool done = false;
        card->nid = (struct nid_state){ 0 };
        card->piv = (struct piv_state){ 0 };
        card->profile = NULL;
        int r = ask_profiles(card, true, &identity, &done);
        if (r == 0)
                r = ask_profiles(card, false, &identity, &done);
        if (r != 0) {
                card->profile = NULL;
                return r;
        }
        if (!card->profile)
                return OUTCOME_CARD_NOT_SUPPORTED;
        *ret = identity;
        return 0;
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
