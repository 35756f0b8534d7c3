/* SPDX-License-Identifier: Apache-2.0 */
/* nid_select.c: getting to a file with the fewest exchanges, and knowing where the card stands.
 *
 * The state remembers the selected application and DF, and forgets both at the first sign that they
 * may be wrong: a failed SELECT, a failed transport. SELECT of an application drops the verified PIN
 * and the counter that was seen (card-facts 2.6), so both flags fall with it, before it is sent.
 *
 * A file below IAS is first tried by path, one exchange instead of three (documented, not observed:
 * 2.6). When a path is refused but the published steps find the file, paths are not tried again on
 * this card. A freshly selected application stands at its root, so the step to the MF is left out
 * there and made up for when the DF is not found. Selecting a wrong file does no harm: contents are
 * checked by whoever reads them.
 */
#include "apdu/nid.h"

#define P2_NO_ANSWER 0x0C
#define P2_INFO      0x00
#define P1_BY_ID     0x00
#define P1_EF_BELOW  0x02
#define P1_BY_NAME   0x04
#define P1_BY_PATH   0x08

int nid_send(struct card *card, const struct apdu_cmd *cmd, struct apdu_rsp *rsp)
{
        card->sw = 0;
        int r = apdu_exchange(card->link, cmd, rsp);
        if (r != 0) {
                card_forget(card);
                return r == -EBADMSG ? OUTCOME_CARD_NOT_SUPPORTED : r;
        }
        card->sw = rsp->sw;
        return 0;
}

int nid_send_plain(struct card *card, const struct apdu_cmd *cmd)
{
        struct apdu_rsp rsp = { 0 };
        return nid_send(card, cmd, &rsp);
}

bool nid_may_use(const struct card *card, enum nid_app app)
{
        for (size_t i = 0; card->nid.row && i < ARRAY_LEN(card->nid.row->uses); i++)
                if (card->nid.row->uses[i] == app)
                        return true;
        return false;
}

static void leave_app(struct nid_state *state)
{
        state->selected = NID_NONE;
        state->df = NID_DF_UNKNOWN;
        state->counter_seen = state->verified = state->pin_used = false;
}

/* 0 selected, OUTCOME_CARD_NOT_SUPPORTED refused (card->sw says how). `info` NULL: no answer wanted. */
static int select_command(
        struct card *card, uint8_t p1, const void *data, size_t len, struct apdu_rsp *info)
{
        struct apdu_rsp none = { 0 };
        struct apdu_cmd cmd = {
                .ins = 0xA4,
                .p1 = p1,
                .p2 = info ? P2_INFO : P2_NO_ANSWER,
                .data = { data, len },
                .le = info ? APDU_LE_MAX : APDU_NO_LE,
        };
        int r = nid_send(card, &cmd, info ? info : &none);
        if (r != 0)
                return r;
        return card->sw == 0x9000 ? 0 : OUTCOME_CARD_NOT_SUPPORTED;
}

int nid_reselect(struct card *card, enum nid_app app)
{
        const struct nid_application *application = &nid_applications[app];
        uint8_t known = app == NID_IAS ? card->nid.ias_aid : 0;
        int r = OUTCOME_CARD_NOT_SUPPORTED;
        leave_app(&card->nid);
        for (uint8_t i = 0; i < NID_AIDS_MAX && application->aids[i].len > 0; i++) {
                if (known > 0 && i + 1 != known)
                        continue;
                r = select_command(card, P1_BY_NAME, application->aids[i].bytes,
                        application->aids[i].len, NULL);
                if (r == 0) {
                        card->nid.selected = (uint8_t)app;
                        card->nid.df = NID_DF_ROOT;
                        if (app == NID_IAS)
                                card->nid.ias_aid = (uint8_t)(i + 1);
                }
                if (r == 0 || card->sw == 0)
                        return r;
        }
        return r;
}

int nid_select_app(struct card *card, enum nid_app app)
{
        return card->nid.selected == app ? 0 : nid_reselect(card, app);
}

static int select_id(struct card *card, uint8_t p1, uint16_t id, struct apdu_rsp *info)
{
        uint8_t bytes[2] = { (uint8_t)(id >> 8), (uint8_t)id };
        return select_command(card, p1, bytes, sizeof bytes, info);
}

static int select_root(struct card *card)
{
        int r = select_id(card, P1_BY_ID, NID_DF_ROOT, NULL);
        card->nid.df = r == 0 ? NID_DF_ROOT : NID_DF_UNKNOWN;
        return r;
}

static int select_df(struct card *card, const struct nid_file *file)
{
        uint8_t p1 = nid_applications[file->app].df_p1;
        bool at_root = card->nid.df == NID_DF_ROOT;
        if (card->nid.df == file->df)
                return 0;
        int r = at_root ? 0 : select_root(card);
        if (r == 0 && file->df != NID_DF_ROOT)
                r = select_id(card, p1, file->df, NULL);
        if (r == OUTCOME_CARD_NOT_SUPPORTED && card->sw != 0 && at_root) {
                r = select_root(card);
                if (r == 0)
                        r = select_id(card, p1, file->df, NULL);
        }
        card->nid.df = r == 0 ? file->df : NID_DF_UNKNOWN;
        return r;
}

static int select_steps(struct card *card, const struct nid_file *file, struct apdu_rsp *info)
{
        int r = select_df(card, file);
        if (r != 0)
                return r;
        r = select_id(card, P1_EF_BELOW, file->ef, info);
        if (r == OUTCOME_CARD_NOT_SUPPORTED && card->sw != 0 &&
                nid_applications[file->app].ef_by_id)
                r = select_id(card, P1_BY_ID, file->ef, info);
        if (r != 0)
                card->nid.df = NID_DF_UNKNOWN;
        return r;
}

static int select_path(struct card *card, const struct nid_file *file, struct apdu_rsp *info)
{
        uint8_t path[4];
        struct out out = out_new(path, sizeof path);
        out_u16(&out, file->df);
        out_u16(&out, file->ef);
        int r = select_command(card, P1_BY_PATH, path, out.len, info);
        if (r == 0)
                card->nid.df = file->df;
        card->nid.paths_work |= r == 0;
        return r;
}

static int select_file(struct card *card, const struct nid_file *file, struct apdu_rsp *info)
{
        int r = nid_select_app(card, file->app);
        if (r != 0)
                return r;
        if (!nid_applications[file->app].paths || card->nid.stepwise)
                return select_steps(card, file, info);
        r = select_path(card, file, info);
        bool final = info || sw_kind(card->sw) == SW_NOT_FOUND;
        if (r == 0 || card->sw == 0 || (card->nid.paths_work && final))
                return r;
        card->nid.stepwise = sw_kind(card->sw) == SW_NOT_SUPPORTED;
        r = select_steps(card, file, info);
        card->nid.stepwise |= r == 0;
        return r;
}

int nid_select_file(struct card *card, const struct nid_file *file)
{
        return select_file(card, file, NULL);
}

int nid_select_info(struct card *card, const struct nid_file *file, struct apdu_rsp *rsp)
{
        return select_file(card, file, rsp);
}
