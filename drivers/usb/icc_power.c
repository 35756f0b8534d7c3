/* SPDX-License-Identifier: Apache-2.0 */
/* icc_power.c: see icc.h. From no power to a card that can be asked something.
 *
 * Voltage: the reader's choice where it can, else from the lowest up (ISO/IEC 7816-3:2006 6.2.4).
 * Protocol: T=1 where the card offers it and the reader speaks it, as pcscd does, unless TA2 fixes
 * one. Speed: the card's TA1 if the reader reaches it, else the fastest it does reach with the card's
 * F. Who carries that out depends on the reader (dwFeatures, CCID rev 1.1, 5.1): one negotiates alone,
 * one makes the PPS when told the parameters, for others the PPS is made here. A card that refuses the
 * PPS is reset and left at the speed and the protocol it woke up with (ISO/IEC 7816-3:2006 9).
 */
#include "drivers/usb/icc.h"

#define PPSS       0xFF
#define PPS1_COMES 0x10

struct choice {
        enum apdu_protocol protocol;
        uint8_t fi_di;
};

static int ask(struct icc *icc, enum ccid_message type, uint8_t extra, struct view data,
        struct ccid_answer *ret)
{
        struct ccid_question question = { .type = type, .extra = { extra }, .data = data };
        return icc_outcome(ccid_ask(&icc->ccid, &question, ret));
}

int icc_look(struct icc *icc)
{
        struct ccid_answer answer;
        int r = icc_outcome(ccid_status(&icc->ccid, &answer));
        if (r != 0 || answer.card != CCID_CARD_ACTIVE)
                icc->ready = false;
        if (r != 0)
                return r;
        return answer.card == CCID_CARD_ABSENT ? OUTCOME_NO_CARD : 0;
}

int icc_power_off(struct icc *icc)
{
        struct ccid_answer answer;
        icc->ready = false;
        int r = ask(icc, CCID_POWER_OFF, 0, (struct view){ 0 }, &answer);
        if (r != 0)
                return r;
        return answer.failed && answer.card == CCID_CARD_ACTIVE ? OUTCOME_TIMED_OUT : 0;
}

/* Power and ATR */

static int try_power(struct icc *icc, uint8_t select, struct ccid_answer *ret)
{
        int r = ask(icc, CCID_POWER_ON, select, (struct view){ 0 }, ret);
        if (r != 0)
                return r;
        if (ret->card == CCID_CARD_ABSENT)
                return OUTCOME_NO_CARD;
        if (ret->failed || ret->data.len > sizeof icc->atr)
                return OUTCOME_TIMED_OUT;
        memcpy(icc->atr, ret->data.data, ret->data.len);
        icc->atr_len = ret->data.len;
        return atr_params_parse(icc->atr, icc->atr_len, &icc->params) == 0 ? 0 : OUTCOME_TIMED_OUT;
}

/* A mute card is one that nobody can talk to: to the person it is no card. */
static int power(struct icc *icc)
{
        static const struct {
                uint8_t supported, select;
        } ladder[] = { { CCID_1V8, 3 }, { CCID_3V, 2 }, { CCID_5V, 1 }, { 0, 0 } };
        bool by_itself = (icc->class.features & CCID_AUTO_VOLTAGE) || icc->class.voltages == 0;
        for (size_t i = by_itself ? ARRAY_LEN(ladder) - 1 : 0; i < ARRAY_LEN(ladder); i++) {
                struct ccid_answer answer;
                if (!by_itself && !(icc->class.voltages & ladder[i].supported))
                        continue;
                int r = try_power(icc, ladder[i].select, &answer);
                if (r != OUTCOME_TIMED_OUT || icc->ccid.lost)
                        return r;
                r = icc_power_off(icc);
                if (r != 0)
                        return r;
        }
        return OUTCOME_NO_CARD;
}

/* Choice */

static bool reaches(const struct icc *icc, uint8_t fi_di)
{
        unsigned int f = atr_f(fi_di), d = atr_d(fi_di);
        if (f == 0 || d == 0)
                return false;
        uint64_t rate = (uint64_t)icc->class.clock_khz * 1000 * d / f;
        if (rate > (uint64_t)icc->class.max_rate + 1)
                return false;
        for (size_t i = 0; i < icc->rate_count; i++)
                if (rate == icc->rates[i] || rate + 1 == icc->rates[i])
                        return true;
        return icc->rate_count == 0;
}

/* The speed is part of a PPS, so it lies between the default and what the card offers. */
static uint8_t fastest(const struct icc *icc)
{
        static const uint8_t by_d[] = { 7, 6, 9, 5, 8, 4, 3, 2 }; /* 64 32 20 16 12 8 4 2 */
        uint8_t offer = icc->params.fi_di;
        if (reaches(icc, offer))
                return offer;
        for (size_t i = 0; i < ARRAY_LEN(by_d); i++) {
                uint8_t slower = (uint8_t)((offer & 0xF0) | by_d[i]);
                if (atr_d(slower) < atr_d(offer) && reaches(icc, slower))
                        return slower;
        }
        return ATR_FI_DI;
}

static int choose(const struct icc *icc, struct choice *ret)
{
        const struct atr_params *params = &icc->params;
        unsigned int both = params->offered & icc->class.protocols;
        if (params->specific)
                both &= 1U << params->first;
        if (both == 0 || (params->specific && params->implicit))
                return OUTCOME_CARD_NOT_SUPPORTED;
        ret->protocol = (both & CCID_T1) ? APDU_T1 : APDU_T0;
        ret->fi_di = params->specific ? params->fi_di : fastest(icc);
        return 0;
}

/* PPS, ISO/IEC 7816-3:2006 9.2: the card repeats what it accepts. 0, -EIO if it does not, or an outcome. */
static int pps(struct icc *icc, struct choice *choice)
{
        uint8_t ask_for[] = { PPSS, (uint8_t)(PPS1_COMES | choice->protocol), choice->fi_di, 0 };
        uint8_t said[T1_BLOCK_MAX], sum = 0;
        size_t len = 0;
        ask_for[3] = (uint8_t)(ask_for[0] ^ ask_for[1] ^ ask_for[2]);
        int r = icc_block(icc, ask_for, sizeof ask_for, 0, said, sizeof said, &len);
        if (r != 0)
                return r;
        for (size_t i = 0; i < len; i++)
                sum ^= said[i];
        if (len == sizeof ask_for && memcmp(said, ask_for, len) == 0)
                return 0;
        /* Without PPS1 the card agrees to the protocol and stays at the default speed. */
        if (len != 3 || said[0] != PPSS || said[1] != choice->protocol || sum != 0)
                return -EIO;
        choice->fi_di = ATR_FI_DI;
        return 0;
}

static bool pps_is_ours(const struct icc *icc, const struct choice *choice)
{
        const struct atr_params *params = &icc->params;
        return icc->class.level == CCID_LEVEL_TPDU && !params->specific &&
               !(icc->class.features & (CCID_AUTO_NEGOTIATION | CCID_AUTO_PPS)) &&
               (choice->protocol != params->first || choice->fi_di != ATR_FI_DI);
}

/* What the reader must know of the card (CCID rev 1.1, 6.1.7). One that has these from the ATR may say
 * that it cannot change them: then they are right already. */
static int tell_reader(struct icc *icc, const struct choice *choice)
{
        const struct atr_params *params = &icc->params;
        uint8_t convention = params->inverse ? 2 : 0;
        uint8_t t1[] = { choice->fi_di, (uint8_t)(0x10 | convention | params->crc), params->guard,
                params->bwi_cwi, 0, params->ifsc, 0 };
        uint8_t t0[] = { choice->fi_di, convention, params->guard, params->waiting, 0 };
        struct view data = { t0, sizeof t0 };
        struct ccid_answer answer;
        if (choice->protocol == APDU_T1)
                data = (struct view){ t1, sizeof t1 };
        int r = ask(icc, CCID_SET_PARAMETERS, (uint8_t)choice->protocol, data, &answer);
        if (r != 0 || !answer.failed)
                return r;
        return answer.error < 0x80 ? 0 : icc_failure(&answer);
}

/* A reader that negotiates alone is asked what came of it; one that cannot say is believed to have done
 * what is done here. */
static int ask_reader(struct icc *icc, struct choice *choice)
{
        struct ccid_answer answer;
        int r = ask(icc, CCID_GET_PARAMETERS, 0, (struct view){ 0 }, &answer);
        if (r == 0 && answer.failed && answer.card != CCID_CARD_ACTIVE)
                return OUTCOME_CARD_REMOVED;
        if (r == 0 && !answer.failed && answer.extra <= APDU_T1)
                choice->protocol = (enum apdu_protocol)answer.extra;
        return r;
}

static int agree(struct icc *icc, struct choice *choice)
{
        if (icc->class.mute_parameters)
                return 0;
        if (icc->class.features & CCID_AUTO_NEGOTIATION)
                return ask_reader(icc, choice);
        int r = pps_is_ours(icc, choice) ? pps(icc, choice) : 0;
        return r == 0 ? tell_reader(icc, choice) : r;
}

static int start_t1(struct icc *icc)
{
        static const unsigned int limit = T1_IFS_MAX;
        struct t1_line line = { .block = icc_block, .ctx = icc };
        t1_init(&icc->t1, &line, icc->params.ifsc, icc->params.crc);
        unsigned int ifsd = icc->class.max_ifsd < limit ? icc->class.max_ifsd : limit;
        if (ifsd <= ATR_IFSC || (icc->class.features & CCID_AUTO_IFSD))
                return 0;
        return t1_set_ifsd(&icc->t1, (uint8_t)ifsd);
}

static int negotiate(struct icc *icc)
{
        struct choice choice;
        int r = choose(icc, &choice);
        if (r != 0)
                return r;
        r = agree(icc, &choice);
        if (r == -EIO) {
                r = icc_power_off(icc);
                if (r == 0)
                        r = power(icc);
                choice = (struct choice){ icc->params.first, ATR_FI_DI };
                if (r == 0 && !(icc->class.protocols & 1U << icc->params.first))
                        r = OUTCOME_CARD_NOT_SUPPORTED;
                if (r == 0)
                        r = tell_reader(icc, &choice);
        }
        icc->protocol = choice.protocol;
        return r;
}

int icc_power_on(struct icc *icc)
{
        icc->ready = false;
        int r = power(icc);
        if (r == 0)
                r = negotiate(icc);
        if (r == 0 && icc->class.level == CCID_LEVEL_TPDU && icc->protocol == APDU_T1)
                r = start_t1(icc);
        icc->ready = r == 0;
        return r;
}
