/* SPDX-License-Identifier: Apache-2.0 */
/* card.c: the piece of plastic: made, powered, lifted, laid back, spoken to.
 *
 * State that dies with power (selected application, PIN state, environment, waiting answer) sits in
 * struct softcard; try counters sit in struct softcard_nv, counted up before a PIN is compared, as a
 * card does that must survive being torn out. A lifted card that was laid back has no power until
 * power_on: whoever misses the moment still gets OUTCOME_CARD_REMOVED.
 */
#include "drivers/softcard/card.h"
#include "base/outcome.h"
#include "drivers/softcard/replay.h"

#include <poll.h>
#include <time.h>

#define NV_MAGIC   0x6D6F6872u
#define NV_VERSION 1u

bool setting_is(const struct softcard *card, enum switch_id id, const char *value)
{
        return strcmp(card->settings[id].text, value) == 0;
}

int64_t card_clock_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* poll only where somebody may wake us: the sandbox of a soft reader allows sleeping and no polling. */
void card_wait(const struct softcard *card, unsigned int ms)
{
        struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
        struct pollfd wake = { .fd = card->wake_fd, .events = POLLIN };
        if (ms == 0)
                return;
        if (card->wake_fd >= 0)
                (void)poll(&wake, 1, (int)ms);
        else
                while (clock_nanosleep(CLOCK_MONOTONIC, 0, &span, &span) == EINTR)
                        continue;
}

void card_drop_state(struct softcard *card)
{
        memset(card->verified, 0, sizeof card->verified);
        memset(&card->signing, 0, sizeof card->signing);
        card->chain_len = 0;
}

void card_reset(struct softcard *card)
{
        card_drop_state(card);
        card->pending_len = card->pending_pos = 0;
        card->app = card->profile->apps & HAS(APP_MANAGER)  ? APP_MANAGER
                    : card->profile->apps & HAS(APP_DOMAIN) ? APP_DOMAIN
                                                            : APP_NONE;
        card->df = card->ef = -1;
        card->mute_next_ms = 0;
        card->faults.exchange = 0;
        if (card->replay)
                replay_power_on(card->replay);
}

void softcard_power_on(struct softcard *card)
{
        if (!softcard_present(card))
                return;
        if (card->removed)
                card_change_holder(card);
        card->removed = false;
        card->powered = true;
        card_reset(card);
}

void softcard_power_off(struct softcard *card)
{
        card->powered = false;
        card_reset(card);
}

void card_lift(struct softcard *card, unsigned int back_in_ms)
{
        softcard_power_off(card);
        card->removed = true;
        card->back_at = back_in_ms ? card_clock_ms() + back_in_ms : 0;
}

void softcard_remove(struct softcard *card)
{
        card_lift(card, 0);
}

void softcard_insert(struct softcard *card)
{
        if (card->removed)
                card_change_holder(card);
        card->removed = false;
}

bool softcard_present(const struct softcard *card)
{
        return !card->removed || (card->back_at != 0 && card_clock_ms() >= card->back_at);
}

/* The card's own work: no faults, no clock. Returns the length in rsp, or OUTCOME_TIMED_OUT. */
static int play(
        struct softcard *card, const uint8_t *bytes, size_t len, struct out out, size_t *ret_len)
{
        int r = replay_answer(card->replay, bytes, len, &out);
        card->stats.strangers = replay_strangers(card->replay);
        if (r == OUTCOME_CARD_REMOVED)
                softcard_remove(card);
        *ret_len = out.len;
        return r;
}

static int work(struct softcard *card, const uint8_t *bytes, size_t len, uint8_t *rsp, size_t cap,
        size_t *ret_len)
{
        struct command cmd = { 0 };
        struct answer ans = { .sw = 0x9000 };
        if (card->replay)
                return play(card, bytes, len, out_new(rsp, cap), ret_len);
        ans.out = out_new(ans.bytes, sizeof ans.bytes);
        int sw = card->profile->t0 ? t0_parse(card, bytes, len, &cmd)
                                   : t1_parse(card, bytes, len, &cmd);
        if (sw < 0)
                return OUTCOME_TIMED_OUT;
        if (sw > 0)
                answer_sw(&ans, (uint16_t)sw);
        else
                card_run(card, &cmd, &ans);
        struct out out = out_new(rsp, cap);
        out_bytes(&out, ans.bytes, ans.out.len);
        out_u16(&out, ans.sw);
        if (out_done(&out) < 0)
                return -ENOSPC;
        *ret_len = out.len;
        return 0;
}

static int suffer(
        struct softcard *card, const struct fault *fault, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        if (fault_is_of_answer(fault)) {
                fault_spoil(fault, rsp, cap, ret_len);
                return 0;
        }
        if (fault->when != FAULT_AFTER)
                *ret_len = 0;
        return fault_strike(card, fault);
}

static void count(struct softcard *card, size_t in, size_t out)
{
        card->stats.exchanges++;
        card->stats.bytes_in += (unsigned int)in;
        card->stats.bytes_out += (unsigned int)out;
}

/* A status word of the surroundings, without the card having seen the command. */
static int forge(const struct fault *fault, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        if (cap < 2)
                return -ENOSPC;
        *ret_len = 2;
        fault_spoil(fault, rsp, cap, ret_len);
        return 0;
}

int softcard_transmit(struct softcard *card, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
        size_t cap, size_t *ret_len)
{
        if (card->removed || !card->powered)
                return OUTCOME_CARD_REMOVED;
        const struct fault *fault = fault_due(&card->faults, cmd, cmd_len);
        card_wait(card, card->settings[SWITCH_DELAY_MS].number);
        if (card->mute_next_ms > 0) {
                card_wait(card, card->mute_next_ms);
                card->mute_next_ms = 0;
                return OUTCOME_TIMED_OUT;
        }
        size_t len = 0;
        int r = 0;
        if (fault && fault->when == FAULT_BEFORE) {
                r = fault_is_of_answer(fault) ? forge(fault, rsp, cap, &len)
                                              : fault_strike(card, fault);
        } else {
                r = work(card, cmd, cmd_len, rsp, cap, &len);
                count(card, cmd_len, len);
                if (r == 0 && fault)
                        r = suffer(card, fault, rsp, cap, &len);
        }
        if (r == 0)
                *ret_len = len;
        return r;
}

const uint8_t *softcard_atr(const struct softcard *card, size_t *ret_len)
{
        *ret_len = card->atr_len;
        return card->atr;
}

bool softcard_is_t0(const struct softcard *card)
{
        return card->profile->t0;
}

const struct softcard_stats *softcard_stats(const struct softcard *card)
{
        return &card->stats;
}

bool softcard_pin_verified(const struct softcard *card)
{
        for (size_t i = 0; i < PIN_COPIES; i++)
                if (card->verified[i])
                        return true;
        return false;
}

/* The last option that begins so, which is the one that counts, or NULL. */
static const char *option_find(const char *const *options, const char *begin)
{
        const char *found = NULL;
        for (const char *const *option = options; option && *option; option++)
                if (strncmp(*option, begin, strlen(begin)) == 0)
                        found = *option;
        return found;
}

static int apply(struct softcard *card, const char *option)
{
        if (strncmp(option, "fault=", 6) == 0)
                return fault_parse(&card->faults, option + 6);
        return setting_parse(card->settings, option);
}

/* Defaults, then what the profile changes, then what was asked for. */
static int configure(struct softcard *card, const char *const *options, const char **ret_bad)
{
        int r = settings_default(card->settings);
        const char *profile = option_find(options, "profile=");
        card->profile = profile_find(profile ? profile + 8 : card->settings[SWITCH_PROFILE].text);
        if (r == 0 && card->profile)
                for (const char *const *o = card->profile->overrides; r == 0 && *o; o++)
                        r = setting_parse(card->settings, *o);
        for (const char *const *o = options; r == 0 && o && *o; o++) {
                r = apply(card, *o);
                if (r < 0)
                        *ret_bad = *o;
        }
        return r;
}

static int adopt_nv(struct softcard *card, struct softcard_nv *nv)
{
        static const struct softcard_nv blank;
        card->nv = nv ? nv : &card->own_nv;
        if (memcmp(card->nv, &blank, sizeof blank) == 0) {
                card->nv->magic = NV_MAGIC;
                card->nv->version = NV_VERSION;
        }
        bool ours = card->nv->magic == NV_MAGIC && card->nv->version == NV_VERSION;
        return ours ? 0 : -EBADMSG;
}

static void card_cleanup(struct softcard **slot)
{
        *slot = softcard_free(*slot);
}

int softcard_new(struct softcard **ret, const char *const *options, struct softcard_nv *nv,
        const char **ret_bad)
{
        _cleanup_(card_cleanup) struct softcard *card = calloc(1, sizeof *card);
        if (!card)
                return -ENOMEM;
        card->wake_fd = -1;
        *ret_bad = NULL;
        int r = configure(card, options, ret_bad);
        if (r < 0)
                return r;
        r = adopt_nv(card, nv);
        if (r < 0)
                return r;
        ssize_t len = hex_decode(card->atr, sizeof card->atr, card->profile->atr);
        if (len < 0)
                return (int)len;
        card->atr_len = (size_t)len;
        r = card_load_replay(card);
        if (r < 0) {
                *ret_bad = option_find(options, "replay=");
                return r;
        }
        r = card_personalise(card);
        if (r < 0) {
                const char *pki = option_find(options, "pki=");
                *ret_bad = pki ? pki : "pki=";
                return r;
        }
        card_fill_replay(card);
        softcard_power_on(card);
        *ret = card;
        card = NULL;
        return 0;
}

struct softcard *softcard_free(struct softcard *card)
{
        if (!card)
                return NULL;
        files_free(card);
        replay_free(card->replay);
        for (size_t i = 0; i < ARRAY_LEN(card->keys); i++)
                EVP_PKEY_free(card->keys[i].pkey);
        EVP_PKEY_free(card->spare.pkey);
        pivcard_free(card->piv);
        pivcard_free(card->piv_other);
        free(card->spare.data);
        explicit_bzero(card, sizeof *card);
        free(card);
        return NULL;
}
