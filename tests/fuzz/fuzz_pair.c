/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pair.c: what a device may say that is to be paired with. The first byte chooses the side and the way. Then steps: the
 * next word of an honest other side, the same with a byte changed, a word of the input's own, or the person's answer. A
 * pairing must not come about without a yes, nor after a no, nor when anything that was said was changed.
 */
#include "client-sdk/link/pair_talk.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define SAID_MAX 16

struct said {
        uint8_t type, body[PAIR_BODY_MAX];
        size_t len;
};

struct side {
        struct pair_talk talk;
        struct said said[SAID_MAX];
        size_t count, heard;
};

static int note(void *user, enum pair_type type, const void *body, size_t len)
{
        struct side *side = user;
        require(side->count < SAID_MAX && len <= PAIR_BODY_MAX);
        struct said *said = &side->said[side->count++];
        said->type = (uint8_t)type;
        said->len = len;
        if (len > 0)
                memcpy(said->body, body, len);
        return 0;
}

static void start(struct side *side, bool phone, bool by_code)
{
        static const uint8_t secret[PAIR_SECRET] = { 4 };
        static const struct pair_proven proven = { { 1 }, { 2 }, { 3 } };
        const struct pair_side own = { .name = phone ? "phone" : "computer",
                .port = phone ? LINK_PORT : 0,
                .secret = by_code ? NULL : secret };
        require(pair_talk_prepare(&side->talk, phone, &own) == 0);
        side->talk.send = note;
        side->talk.user = side;
        pair_talk_begin(&side->talk, &proven);
}

static void tell(struct side *side, const struct said *said)
{
        pair_talk_take(&side->talk, said->type, (struct view){ said->body, said->len });
}

struct history {
        bool yes, no, meddled;
};

/* The honest side hears all that it is told, and its person says yes. */
static void let_answer(struct side *honest, struct side *it)
{
        while (honest->heard < it->count)
                tell(honest, &it->said[honest->heard++]);
        if (honest->talk.stage == PAIR_AT_PERSON)
                pair_talk_answer(&honest->talk, true);
}

static void pass_on(
        struct side *it, struct side *honest, uint8_t at, uint8_t with, struct history *h)
{
        let_answer(honest, it);
        if (it->heard == honest->count)
                return;
        struct said word = honest->said[it->heard++];
        if (with && word.len > 0) {
                word.body[at % word.len] ^= with;
                h->meddled = true;
        }
        tell(it, &word);
}

static void say(struct side *it, struct in *in, struct history *h)
{
        struct said word = { .type = in_u8(in), .len = in_u8(in) };
        struct view body = in_bytes(in, base_min(word.len, in_left(in)));
        word.len = body.len;
        if (in->error)
                return;
        if (body.len > 0)
                memcpy(word.body, body.data, body.len);
        h->meddled = true;
        tell(it, &word);
}

static void answer(struct side *it, bool yes, struct history *h)
{
        h->yes = h->yes || (yes && it->talk.stage == PAIR_AT_PERSON);
        h->no = h->no || (!yes && it->talk.stage != PAIR_AT_END);
        pair_talk_answer(&it->talk, yes);
}

static void require_sense(const struct side *it, const struct history *h)
{
        const struct pair_talk *talk = &it->talk;
        require(talk->stage <= PAIR_AT_END && talk->failure < PAIR_FAILURES);
        require_text(talk->peer_name, sizeof talk->peer_name);
        require_text(talk->code, sizeof talk->code);
        if (talk->stage != PAIR_AT_END || talk->failure != PAIR_NO_FAILURE)
                return;
        require(!h->no && (h->yes || talk->way == PAIR_BY_SECRET));
        require(strlen(talk->id) == LINK_ID_LEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct side it = { 0 }, honest = { 0 };
        struct history h = { 0 };
        struct in in = in_new(data, len);
        uint8_t kind = in_u8(&in);
        start(&it, kind & 1, kind & 2);
        start(&honest, !(kind & 1), kind & 2);
        for (int steps = 0; in_left(&in) > 0 && steps < 64; steps++) {
                uint8_t step = in_u8(&in);
                switch (step % 8) {
                case 0: say(&it, &in, &h); break;
                case 1: answer(&it, true, &h); break;
                case 2: answer(&it, false, &h); break;
                case 3: pass_on(&it, &honest, in_u8(&in), in_u8(&in), &h); break;
                default: pass_on(&it, &honest, 0, 0, &h);
                }
                require_sense(&it, &h);
        }
        let_answer(&honest, &it);
        if (honest.talk.stage == PAIR_AT_END && honest.talk.failure == PAIR_NO_FAILURE &&
                !h.meddled && !h.no) /* a no after the yes may come too late */
                require(it.talk.failure == PAIR_NO_FAILURE &&
                        strcmp(it.talk.id, honest.talk.id) == 0);
        return 0;
}
