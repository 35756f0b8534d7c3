/* SPDX-License-Identifier: Apache-2.0 */
/* pair_talk.c: the order of pairing, as a table: who may say what at which stage, and what follows.
 *
 * A message that stands in no row ends it, and so does a second one in the place of one. Whatever ends it is told the other side
 * once, and nothing that comes later counts. The computer has the last word: the phone says yes, the computer that has heard
 * it says that it keeps the pairing, and only who heard that keeps it, too. If the last word is lost, a computer keeps a
 * pairing whose phone does not know it: it will find no phone there, and nobody else has the key.
 */
#include "client-sdk/link/pair_talk.h"

#include "base/text.h"

#include <openssl/crypto.h>

#define VERSION 1

/* ---- ends ---- */

/* What the other side is told, and what it makes of that. */
static const struct {
        enum pair_failure here, there;
        uint8_t said;
} reasons[] = {
        { PAIR_PROTOCOL, PAIR_PROTOCOL, 1 },
        { PAIR_WRONG_SECRET, PAIR_WRONG_SECRET, 2 },
        { PAIR_WRONG_COMMITMENT, PAIR_WRONG_COMMITMENT, 3 },
        { PAIR_REFUSED_HERE, PAIR_REFUSED_THERE, 4 },
        { PAIR_OTHER_VERSION, PAIR_OTHER_VERSION, 5 },
        { PAIR_OTHER_WAY, PAIR_OTHER_WAY, 6 },
};

static void end(struct pair_talk *talk, enum pair_failure failure)
{
        talk->stage = PAIR_AT_END;
        talk->failure = failure;
}

static void say(struct pair_talk *talk, enum pair_type type, const void *body, size_t len)
{
        if (talk->stage != PAIR_AT_END && talk->send(talk->user, type, body, len) < 0)
                end(talk, PAIR_BROKE);
}

/* Whether it can be told or not. */
void pair_talk_fail(struct pair_talk *talk, enum pair_failure failure)
{
        if (talk->stage == PAIR_AT_END)
                return;
        for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
                if (reasons[i].here == failure)
                        (void)!talk->send(talk->user, PAIR_NO, &reasons[i].said, 1);
        end(talk, failure);
}

static void hear_no(struct pair_talk *talk, struct view body)
{
        enum pair_failure failure = PAIR_PROTOCOL;
        for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
                if (view_eq(body, &reasons[i].said, 1))
                        failure = reasons[i].there;
        end(talk, failure);
}

/* Of something that should not have failed here. */
static bool worked(struct pair_talk *talk, int r)
{
        if (r < 0)
                end(talk, PAIR_BROKE);
        return r == 0;
}

/* ---- the first words ---- */

static struct out greet(const struct pair_talk *talk, uint8_t body[static PAIR_BODY_MAX])
{
        struct out out = out_new(body, PAIR_BODY_MAX);
        out_u8(&out, VERSION);
        out_u8(&out, (uint8_t)talk->way);
        if (talk->phone)
                out_u16(&out, talk->port);
        out_text16(&out, talk->name);
        return out;
}

int pair_talk_prepare(struct pair_talk *talk, bool phone, const struct pair_side *side)
{
        if (text_copy(talk->name, sizeof talk->name, side->name) < 0 ||
                !text_utf8_valid(talk->name, strlen(talk->name)) || phone != (side->port != 0))
                return -EINVAL;
        talk->phone = phone;
        talk->port = side->port;
        talk->way = side->secret ? PAIR_BY_SECRET : PAIR_BY_CODE;
        talk->stage = phone ? PAIR_AT_REPLY : PAIR_AT_HELLO;
        if (side->secret)
                memcpy(talk->secret, side->secret, PAIR_SECRET);
        return 0;
}

void pair_talk_begin(struct pair_talk *talk, const struct pair_proven *proven)
{
        talk->proven = *proven;
        if (!talk->phone)
                return;
        struct out out = greet(talk, talk->hello);
        talk->hello_len = out.len;
        say(talk, PAIR_HELLO, talk->hello, talk->hello_len);
}

/* Version and way of the other side, before anything that another version may write otherwise. */
static bool speaks_the_same(struct pair_talk *talk, struct in *in)
{
        uint8_t version = in_u8(in), way = in_u8(in);
        if (in->error)
                pair_talk_fail(talk, PAIR_PROTOCOL);
        else if (version != VERSION)
                pair_talk_fail(talk, PAIR_OTHER_VERSION);
        else if (way != talk->way)
                pair_talk_fail(talk, PAIR_OTHER_WAY);
        return talk->stage != PAIR_AT_END;
}

static void commit(struct pair_talk *talk)
{
        if (!worked(talk, pair_make_number(talk->number)) ||
                !worked(talk, pair_make_commitment(talk, talk->number, talk->commitment)))
                return;
        talk->stage = PAIR_AT_NUMBER;
        say(talk, PAIR_COMMITMENT, talk->commitment, PAIR_HASH);
}

static void take_hello(struct pair_talk *talk, struct view body)
{
        uint8_t reply[PAIR_BODY_MAX];
        struct in in = in_new(body.data, body.len);
        if (!speaks_the_same(talk, &in))
                return;
        talk->port = in_u16(&in);
        in_text16(&in, talk->peer_name, sizeof talk->peer_name);
        if (in_done(&in) < 0 || talk->port == 0 || body.len > sizeof talk->hello) {
                pair_talk_fail(talk, PAIR_PROTOCOL);
                return;
        }
        memcpy(talk->hello, body.data, body.len);
        talk->hello_len = body.len;
        struct out out = greet(talk, reply);
        if (!worked(talk, pair_make_transcript(talk, (struct view){ reply, out.len })))
                return;
        say(talk, PAIR_REPLY, reply, out.len);
        if (talk->stage == PAIR_AT_END)
                return;
        if (talk->way == PAIR_BY_CODE)
                commit(talk);
        else
                talk->stage = PAIR_AT_PROOF;
}

/* ---- by secret ---- */

static void prove(struct pair_talk *talk)
{
        uint8_t proof[PAIR_HASH];
        if (worked(talk, pair_make_proof(talk, talk->phone, proof)))
                say(talk, PAIR_PROOF, proof, sizeof proof);
}

static void take_reply(struct pair_talk *talk, struct view body)
{
        struct in in = in_new(body.data, body.len);
        if (!speaks_the_same(talk, &in))
                return;
        in_text16(&in, talk->peer_name, sizeof talk->peer_name);
        if (in_done(&in) < 0)
                pair_talk_fail(talk, PAIR_PROTOCOL);
        else if (worked(talk, pair_make_transcript(talk, body))) {
                talk->stage = talk->way == PAIR_BY_CODE ? PAIR_AT_COMMITMENT : PAIR_AT_PROOF;
                if (talk->way == PAIR_BY_SECRET)
                        prove(talk);
        }
}

static bool proves(struct pair_talk *talk, struct view body)
{
        uint8_t expected[PAIR_HASH];
        if (!worked(talk, pair_make_proof(talk, !talk->phone, expected)))
                return false;
        if (CRYPTO_memcmp(expected, body.data, PAIR_HASH) == 0)
                return true;
        pair_talk_fail(talk, PAIR_WRONG_SECRET);
        return false;
}

static void take_proof(struct pair_talk *talk, struct view body)
{
        talk->spent = true;
        if (!proves(talk, body))
                return;
        if (talk->phone)
                say(talk, PAIR_YES, NULL, 0);
        else
                prove(talk);
        if (talk->stage != PAIR_AT_END)
                talk->stage = talk->phone ? PAIR_AT_KEPT : PAIR_AT_YES;
}

/* ---- by code ---- */

static void take_commitment(struct pair_talk *talk, struct view body)
{
        memcpy(talk->commitment, body.data, PAIR_HASH);
        if (!worked(talk, pair_make_number(talk->number)))
                return;
        talk->stage = PAIR_AT_NUMBER;
        say(talk, PAIR_NUMBER, talk->number, PAIR_HASH);
}

/* The computer opens its number only now, when the phone's can be changed no more. */
static void take_phones_number(struct pair_talk *talk, struct view body)
{
        if (!worked(talk, pair_make_code(talk, talk->number, body.data)))
                return;
        say(talk, PAIR_NUMBER, talk->number, PAIR_HASH);
        if (talk->stage != PAIR_AT_END)
                talk->stage = PAIR_AT_PERSON;
}

static void take_computers_number(struct pair_talk *talk, struct view body)
{
        uint8_t expected[PAIR_HASH];
        if (!worked(talk, pair_make_commitment(talk, body.data, expected)))
                return;
        if (CRYPTO_memcmp(expected, talk->commitment, PAIR_HASH) != 0)
                pair_talk_fail(talk, PAIR_WRONG_COMMITMENT);
        else if (worked(talk, pair_make_code(talk, body.data, talk->number)))
                talk->stage = PAIR_AT_PERSON;
}

static void take_number(struct pair_talk *talk, struct view body)
{
        if (talk->phone)
                take_computers_number(talk, body);
        else
                take_phones_number(talk, body);
}

/* ---- yes ---- */

static void keep(struct pair_talk *talk)
{
        say(talk, PAIR_KEPT, NULL, 0);
        if (talk->stage != PAIR_AT_END)
                end(talk, PAIR_NO_FAILURE);
}

static void take_early_yes(struct pair_talk *talk, struct view body)
{
        (void)body;
        if (talk->peer_yes)
                pair_talk_fail(talk, PAIR_PROTOCOL);
        talk->peer_yes = true;
}

static void take_yes(struct pair_talk *talk, struct view body)
{
        (void)body;
        keep(talk);
}

static void take_kept(struct pair_talk *talk, struct view body)
{
        (void)body;
        end(talk, PAIR_NO_FAILURE);
}

static void agree(struct pair_talk *talk)
{
        if (talk->phone) {
                say(talk, PAIR_YES, NULL, 0);
                if (talk->stage != PAIR_AT_END)
                        talk->stage = PAIR_AT_KEPT;
        } else if (talk->peer_yes)
                keep(talk);
        else
                talk->stage = PAIR_AT_YES;
}

void pair_talk_answer(struct pair_talk *talk, bool same)
{
        if (!same)
                pair_talk_fail(talk, PAIR_REFUSED_HERE);
        else if (talk->stage == PAIR_AT_PERSON)
                agree(talk);
}

/* ---- the order ---- */

#define ANY_LEN SIZE_MAX

static const struct {
        bool phone; /* who hears it */
        enum pair_stage stage;
        enum pair_type type;
        size_t len;
        void (*take)(struct pair_talk *talk, struct view body);
} order[] = {
        { false, PAIR_AT_HELLO, PAIR_HELLO, ANY_LEN, take_hello },
        { true, PAIR_AT_REPLY, PAIR_REPLY, ANY_LEN, take_reply },
        { false, PAIR_AT_PROOF, PAIR_PROOF, PAIR_HASH, take_proof },
        { true, PAIR_AT_PROOF, PAIR_PROOF, PAIR_HASH, take_proof },
        { true, PAIR_AT_COMMITMENT, PAIR_COMMITMENT, PAIR_HASH, take_commitment },
        { false, PAIR_AT_NUMBER, PAIR_NUMBER, PAIR_HASH, take_number },
        { true, PAIR_AT_NUMBER, PAIR_NUMBER, PAIR_HASH, take_number },
        { false, PAIR_AT_PERSON, PAIR_YES, 0, take_early_yes },
        { false, PAIR_AT_YES, PAIR_YES, 0, take_yes },
        { true, PAIR_AT_KEPT, PAIR_KEPT, 0, take_kept },
};

void pair_talk_take(struct pair_talk *talk, uint8_t type, struct view body)
{
        if (talk->stage == PAIR_AT_END)
                return;
        if (type == PAIR_NO) {
                hear_no(talk, body);
                return;
        }
        for (size_t i = 0; i < ARRAY_LEN(order); i++)
                if (order[i].phone == talk->phone && order[i].stage == talk->stage &&
                        order[i].type == type &&
                        (order[i].len == body.len || order[i].len == ANY_LEN)) {
                        order[i].take(talk, body);
                        return;
                }
        pair_talk_fail(talk, PAIR_PROTOCOL);
}
