/* SPDX-License-Identifier: Apache-2.0 */
/* nid.c: which card of the family is it, and the profile's table of operations.
 *
 * Detection is free of side effects: SELECT, and one free read in passing. Rows whose historical
 * bytes fit are asked first, so that a Mav card is known after its two applications answered; the
 * others follow in the table's order, and no application is asked twice. Historical bytes never
 * make a card supported by themselves: the applications must answer, and the issuer's name in the
 * certificate is the caller's to check (card-facts 1.4, 1.5).
 */
#include "apdu/atr.h"
#include "apdu/nid.h"

struct presence {
        bool asked[NID_APP_COUNT], found[NID_APP_COUNT];
};

/* The dates lie in an application that is left for good once the certificates are read: reading them
 * while it is selected saves selecting it again. That they are absent is no news here. */
static int read_early(struct card *card, enum nid_app app)
{
        struct nid_state *state = &card->nid;
        size_t len = 0;
        if (nid_applications[app].early == 0)
                return 0;
        enum card_object object = (enum card_object)(nid_applications[app].early - 1);
        int r = nid_read(card, object, state->dates, sizeof state->dates, &len);
        if (r == 0)
                state->dates_len = (uint8_t)len;
        return r == OUTCOME_CARD_NOT_SUPPORTED ? 0 : r;
}

static int ask_app(struct card *card, enum nid_app app, struct presence *presence)
{
        if (presence->asked[app])
                return 0;
        presence->asked[app] = true;
        int r = nid_reselect(card, app);
        if (r == OUTCOME_CARD_NOT_SUPPORTED)
                return 0;
        if (r != 0)
                return r;
        presence->found[app] = true;
        return read_early(card, app);
}

static int row_fits(
        struct card *card, const struct nid_row *row, struct presence *presence, bool *ret)
{
        card->nid.row = row;
        for (size_t i = 0; i < ARRAY_LEN(row->needs) && row->needs[i] != NID_NONE; i++) {
                int r = ask_app(card, row->needs[i], presence);
                if (r != 0)
                        return r;
                if (!presence->found[row->needs[i]]) {
                        *ret = false;
                        return 0;
                }
        }
        *ret = true;
        return 0;
}

static bool history_fits(const struct card *card, const struct nid_row *row)
{
        struct view history = atr_historical(card->atr, card->atr_len);
        return row->history_len > 0 && history.len >= row->history_len &&
               memcmp(history.data, row->history, row->history_len) == 0;
}

static bool likely(const struct card *card)
{
        for (size_t i = 0; i < nid_row_count; i++)
                if (history_fits(card, &nid_rows[i]))
                        return true;
        return false;
}

static int find_row(
        struct card *card, bool hinted, struct presence *presence, const struct nid_row **ret)
{
        for (size_t i = 0; i < nid_row_count; i++) {
                const struct nid_row *row = &nid_rows[i];
                bool fits;
                if (hinted ? !history_fits(card, row) : row->by_history)
                        continue;
                int r = row_fits(card, row, presence, &fits);
                if (r != 0)
                        return r;
                if (fits) {
                        *ret = row;
                        return 0;
                }
        }
        return OUTCOME_CARD_NOT_SUPPORTED;
}

static int identify(struct card *card, struct card_identity *ret)
{
        struct presence presence = { 0 };
        const struct nid_row *row = NULL;
        card->nid = (struct nid_state){ 0 };
        int r = find_row(card, true, &presence, &row);
        if (r == OUTCOME_CARD_NOT_SUPPORTED)
                r = find_row(card, false, &presence, &row);
        card->nid.row = row;
        if (r != 0)
                return r;
        *ret = (struct card_identity){
                .family = CARD_NID,
                .generation = row->generation,
                .supported = row->supported,
                .evidence = row->evidence,
        };
        memcpy(ret->label, row->label, base_min(strlen(row->label), sizeof ret->label - 1));
        return 0;
}

static int clear(struct card *card)
{
        if (!card->nid.row)
                return -EPERM;
        return nid_may_use(card, NID_IAS) ? nid_reselect(card, NID_IAS)
                                          : OUTCOME_CARD_NOT_SUPPORTED;
}

enum note_at { NOTE_FAMILY, NOTE_ROW, NOTE_AID, NOTE_PATHS, NOTE_SIZE };
enum note_paths { PATHS_UNTRIED, PATHS_WORK, PATHS_REFUSED };

static size_t take_note(const struct card *card, uint8_t note[CARD_NOTE_MAX])
{
        const struct nid_state *state = &card->nid;
        if (!state->row || !state->row->supported)
                return 0;
        note[NOTE_FAMILY] = CARD_NID;
        note[NOTE_ROW] = (uint8_t)(state->row - nid_rows);
        note[NOTE_AID] = state->ias_aid;
        note[NOTE_PATHS] = state->stepwise     ? PATHS_REFUSED
                           : state->paths_work ? PATHS_WORK
                                               : PATHS_UNTRIED;
        return NOTE_SIZE;
}

static int resume(struct card *card, const uint8_t *note, size_t len)
{
        if (len != NOTE_SIZE || note[NOTE_FAMILY] != CARD_NID || note[NOTE_ROW] >= nid_row_count ||
                note[NOTE_AID] > NID_AIDS_MAX || note[NOTE_PATHS] > PATHS_REFUSED)
                return OUTCOME_CARD_NOT_SUPPORTED;
        const struct nid_row *row = &nid_rows[note[NOTE_ROW]];
        if (!row->supported || (row->by_history && !history_fits(card, row)))
                return OUTCOME_CARD_NOT_SUPPORTED;
        card->nid = (struct nid_state){
                .row = row,
                .ias_aid = note[NOTE_AID],
                .paths_work = note[NOTE_PATHS] == PATHS_WORK,
                .stepwise = note[NOTE_PATHS] == PATHS_REFUSED,
        };
        return 0;
}

const struct card_profile nid_profile = {
        .name = "nid",
        .likely = likely,
        .identify = identify,
        .read = nid_read,
        .counter = nid_counter,
        .probe = nid_probe,
        .select_method = nid_select_method,
        .verify = nid_verify,
        .sign = nid_sign,
        .clear = clear,
        .note = take_note,
        .resume = resume,
};
