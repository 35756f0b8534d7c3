/* SPDX-License-Identifier: Apache-2.0 */
/* request_ahead.c: what a request will probably ask next, so that a reader at the end of a slow link is waited for less
 * often (drivers/ops.h, readers.h).
 *
 * `guesses` stands beside the rows of request_table.c and is read together with them: which of their operations may be asked
 * before the answers to those before them are there, and what each answer will most likely change. The table of states is walked
 * with that on a copy of the request, which is then thrown away: nothing of what is assumed reaches the request, and what really comes
 * is taken by the rows in their order, as if nothing had been asked ahead.
 *
 * Three things are never asked so. What would send the card a command that it might not have been sent otherwise: where a guess
 * cannot be certain of that, the walk ends, or the helper's own table sees to it (drivers/helper/session.c: a file of a
 * card that is not supported, a probe of one that has no try left). CONFIRM and the counter behind it, unless mohrd has confirmed
 * this card before, and judged for this request what can be judged before the card is there; that it is this card, the helper
 * compares. And of what is done with a PIN nothing but the VERIFY behind the digits' own frame, which the person sent off.
 */
#include "daemon/request_internal.h"

/* ---- what answers will most likely change ---------------------------------------------------- */

static int no_change(struct request *guess)
{
        (void)guess;
        return 0;
}

/* What is known of it was looked up when the reader was taken: look_take(). */
static int begun(struct request *guess)
{
        if (guess->card.tries > 0)
                guess->tries_left = guess->card.tries;
        return 0;
}

static int resumed(struct request *guess)
{
        guess->resumed = true;
        return 0;
}

/* Whatever family it is, its first file of certificates is the same, or nothing is asked (first_file()). */
static int identified(struct request *guess)
{
        guess->card.identity.family = CARD_NID;
        gate_chain_begin(&guess->card.chain, CARD_NID, guess->use);
        return 0;
}

static int not_begun_again(struct request *guess)
{
        guess->lost_identity = guess->lost_leaf = false;
        return 0;
}

/* Which keys there are, the answer tells; where they are known, no method is tried. */
static int probed(struct request *guess)
{
        return guess->plan.step_count > 0 ? 0 : WAIT;
}

static int read_file(struct request *guess)
{
        guess->file++;
        return AGAIN;
}

/* ---- which are certain enough ---------------------------------------------------------------- */

static bool first_file(const struct request *request, const struct request *guess)
{
        return guess->file == 0 &&
               (request->state > STATE_IDENTIFY ||
                       gate_file(CARD_NID, guess->use, 0) == gate_file(CARD_PIV, guess->use, 0));
}

/* The answer to the counter decides whether anything more is read. */
static bool counted(const struct request *request, const struct request *guess)
{
        (void)guess;
        return request->state > STATE_COUNTER || !work_signs(request);
}

/* Before, and by RESUME the helper compares that it is this card; one that must identify itself again is judged again first. */
static bool confirmed(const struct request *request, const struct request *guess)
{
        (void)request;
        return guess->card.complete && guess->resumed;
}

/* Else it may be another end than this one. */
static bool can_sign(const struct request *request, const struct request *guess)
{
        return guess->plan.step_count > 0 || !work_signs(request);
}

/* ---- the table ------------------------------------------------------------------------------- */

/* clang-format off */
static const struct guess {
        bool ahead;                           /* may be asked before the answers to the rows above it are there ... */
        bool (*certain)(const struct request *request, const struct request *guess); /* ... if so; NULL: always */
        int (*assume)(struct request *guess); /* as the row's own function; WAIT or NULL: nothing is foreseen behind it */
} guesses[STATE_COUNT] = {
        [STATE_BEGIN]         = { false, NULL,       begun },
        [STATE_RESUME]        = { true,  NULL,       resumed },
        [STATE_IDENTIFY]      = { true,  NULL,       identified },
        [STATE_DATES]         = { true,  NULL,       no_change },
        [STATE_CERTIFICATE]   = { true,  first_file, NULL },
        [STATE_JUDGE]         = { true,  confirmed,  look_foresee },
        [STATE_CONFIRM]       = { true,  confirmed,  no_change },
        [STATE_COUNTER]       = { true,  NULL,       no_change },
        [STATE_PROBE]         = { true,  NULL,       probed },
        [STATE_METHOD]        = { true,  NULL,       look_assume_tried },
        [STATE_OTHER_FILES]   = { true,  counted,    read_file },
        [STATE_LEAVE]         = { true,  can_sign,   NULL },
        [STATE_ANNOUNCE]      = { false, NULL,       no_change },
        [STATE_BEGIN_AGAIN]   = { true,  NULL,       not_begun_again },
        [STATE_CONFIRM_AGAIN] = { false, NULL,       no_change },
        [STATE_COUNTER_AGAIN] = { true,  NULL,       NULL },
        [STATE_PIN]           = { false, NULL,       no_change },
        [STATE_VERIFY]        = { true,  NULL,       NULL },
        [STATE_CLEAR]         = { false, NULL,       no_change },
        [STATE_END]           = { true,  NULL,       NULL },
};
/* clang-format on */

bool ahead_may_ask(const struct request *request, const struct request *guess)
{
        const struct guess *row = &guesses[guess->state];
        return row->ahead && (!row->certain || row->certain(request, guess));
}

int ahead_assume(struct request *guess)
{
        const struct guess *row = &guesses[guess->state];
        return row->assume ? row->assume(guess) : WAIT;
}
