/* SPDX-License-Identifier: Apache-2.0 */
/* card_world.h: a card's whole session in which the fuzzer plays the card and the caller, for every profile.
 *
 * The input is a stream: a setting, then steps of the caller; whenever the profile sends a command, the stream
 * says what the card answers. Between them stands a watcher, each profile's own. What is common is here: the
 * shapes an answer may have, what counts as tries told, the bounds of every result, and that one entry is one
 * VERIFY.
 */
#ifndef MOHR_FUZZ_CARD_WORLD_H
#define MOHR_FUZZ_CARD_WORLD_H

#include "apdu/card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 24

struct world {
        struct in in;
        struct card card;
        const struct world_rules *rules;
        bool usable;     /* identified, and its PIN may be used */
        bool here;       /* the application that takes the PIN is the one selected last */
        bool may_verify; /* the last empty VERIFY showed tries, nothing was selected since */
        unsigned int verifies, exchanges;
};

struct world_rules {
        const struct card_profile *profile;
        const char *pin;
        uint16_t words[16];         /* status words to choose from */
        unsigned int exchanges_max; /* of one step */
        void (*watch)(struct world *world, const uint8_t *cmd, size_t len);
        /* An answer's data in a shape of the profile's own (1 or 6); false: it has no such shape. */
        bool (*shape)(struct world *world, uint8_t choice, size_t le, struct out *out);
        void (*step)(struct world *world, uint8_t what);
};

static inline void check(bool holds)
{
        if (!holds)
                abort();
}

static inline bool contains(const uint8_t *data, size_t len, const char *what)
{
        return memmem(data, len, what, strlen(what)) != NULL;
}

/* VERIFY with `block`, or an empty one. */
static inline void watch_verify(
        struct world *world, const uint8_t *cmd, size_t len, uint8_t ref, struct view block)
{
        check(world->usable && world->here && cmd[0] == 0x00 && cmd[2] == 0x00 && cmd[3] == ref);
        bool empty = len <= 5;
        check(empty || (world->may_verify && len == 5 + block.len && cmd[4] == block.len));
        check(empty || memcmp(cmd + 5, block.data, block.len) == 0);
        world->may_verify = false;
        world->verifies += !empty;
}

/* A choice of shapes, so that deep states are found in reasonable time. */
static inline size_t world_answer(
        struct world *world, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp)
{
        uint8_t choice = in_u8(&world->in);
        struct out out = out_new(rsp, APDU_RSP_MAX);
        size_t le = cmd_len == 5 && cmd[1] != 0x20 ? (cmd[4] ? cmd[4] : 256) : 0;
        uint16_t sw = world->rules->words[choice & 15];
        struct view raw = { 0 };
        unsigned int what = choice >> 5;
        if ((what == 1 || what == 6) && !world->rules->shape(world, choice, le, &out))
                what = 7;
        if (what == 2)
                raw = in_bytes(&world->in, base_min(in_u8(&world->in), in_left(&world->in)));
        if (what == 3)
                sw = in_u16(&world->in);
        if (what == 4 || what == 5)
                sw = (uint16_t)((what == 4 ? 0x6100 : 0x6C00) | in_u8(&world->in));
        if (what == 7) { /* anything at all */
                raw = in_bytes(&world->in, base_min(in_u16(&world->in), in_left(&world->in)));
                out_bytes(&out, raw.data, base_min(raw.len, APDU_RSP_MAX));
                return out.len;
        }
        out_bytes(&out, raw.data, raw.len);
        out_u16(&out, sw);
        return out.len;
}

static inline int world_transmit(
        void *ctx, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct world *world = ctx;
        check(cmd_len >= 4 && ++world->exchanges <= world->rules->exchanges_max);
        check(cmd[1] == 0x20 || !contains(cmd, cmd_len, world->rules->pin));
        world->rules->watch(world, cmd, cmd_len);
        check(cap >= APDU_RSP_MAX);
        if (in_left(&world->in) == 0)
                return OUTCOME_CARD_REMOVED;
        size_t len = world_answer(world, cmd, cmd_len, rsp);
        bool told = len >= 2 && rsp[len - 2] == 0x63 && (rsp[len - 1] & 0xF0) == 0xC0 &&
                    (rsp[len - 1] & 15) > 0;
        bool asked = (cmd[1] == 0x20 && cmd_len <= 5) || (cmd[1] == 0xC0 && world->here);
        world->may_verify |= told && asked; /* tries in an answer that was fetched count as well */
        *ret_len = len;
        return 0;
}

static inline void check_result(int r)
{
        check(r == 0 || (r >= 10 && r <= 28) || r == -EPERM || r == -EINVAL || r == -ENOSPC);
}

static inline void read_once(struct world *world, uint8_t object)
{
        static uint8_t file[CARD_FILE_MAX];
        size_t len = 0;
        int r = world->rules->profile->read(&world->card, object, file, sizeof file, &len);
        check_result(r);
        check(r != 0 || (len > 0 && len <= sizeof file));
}

static inline void count_once(struct world *world, uint8_t copy)
{
        struct pin_counter counter = { 0 };
        int r = world->rules->profile->counter(&world->card, copy, &counter);
        check_result(r);
        check(r != 0 || !counter.known || (counter.tries >= 0 && counter.tries <= 15));
}

static inline void verify_once(struct world *world)
{
        const struct world_rules *rules = world->rules;
        const uint8_t *pin = (const uint8_t *)rules->pin;
        unsigned int before = world->verifies;
        int tries = 99;
        check_result(rules->profile->verify(&world->card, pin, strlen(rules->pin), &tries));
        check(world->verifies - before <= 1 && tries >= -1 && tries <= 15);
        check(rules->profile->verify(&world->card, pin, strlen(rules->pin), &tries) != 0);
        check(world->verifies - before <= 1);
}

static inline void identify_once(
        struct world *world, int (*identify)(struct card *card, struct card_identity *ret))
{
        struct card_identity identity = { 0 };
        world->usable = false;
        int r = identify(&world->card, &identity);
        check_result(r);
        world->usable = r == 0 && identity.supported;
}

static inline void world_go_on(struct world *world)
{
        for (int i = 0; i < STEPS_MAX && in_left(&world->in) > 0; i++) {
                world->exchanges = 0;
                world->rules->step(world, in_u8(&world->in));
        }
}

#endif
