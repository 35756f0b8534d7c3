/* SPDX-License-Identifier: Apache-2.0 */
/* session.c: see session.h. A reviewer reads the policy in `rows`, the rest only carries it out.
 *
 * Each row: the states an operation is allowed in, what else must hold, the shape of its arguments,
 * its handler, and where success and failure lead. What no row allows ends the process: mohrd never
 * sends it, so whoever did is not mohrd as we know it. An answer of the card, however bad, never
 * ends the process. What was asked ahead is a guess of mohrd's: there the same table says what is skipped
 * instead, and `ahead` what must hold besides, so that no card is asked what mohrd would not have asked in its time.
 *
 * A transmit that failed is final for its transaction: nothing more goes to the card until the next
 * BEGIN, which then does not count as finding the same card undisturbed. So a card that vanishes
 * between two commands of one operation cannot be met again in the middle of the next.
 *
 * A new PIN is taken only for a card whose profile can put it there, which the national card's cannot, and then the
 * one command ends as VERIFY does: the process is spent.
 *
 * What is said to the card may be written down (apdu/transcript.h). A process that writes takes no PIN.
 */
#include "drivers/helper/session_internal.h"

enum next {
        TO_IDLE = IDLE,
        TO_IDENTIFIED = IDENTIFIED,
        TO_CONFIRMED = CONFIRMED,
        TO_ARMED = ARMED,
        TO_VERIFIED = VERIFIED,
        TO_RENEWING = RENEWING,
        STAY = STATES, /* the state is kept */
        RESUME,        /* to what is still known of this card */
};

enum tail { NOTHING, BLOCK, DIGITS, NOTE };
enum need {
        SUPPORTED = 1,
        COUNTED = 2,
        UNSPENT = 4,
        KEYS = 8,
        UNWRITTEN = 16,
        TOLD = 32,
        RENEWABLE = 64,
        NEVER = 128
};
struct row {
        unsigned int states;   /* set of 1 << state */
        unsigned int needs;    /* set of enum need */
        unsigned int ahead;    /* the same, besides, of one asked ahead */
        unsigned int limit[2]; /* each u8 argument is below this; 0: no such argument */
        enum tail tail;
        handler *handler;
        enum next done, failed;
        bool always; /* the fields follow whatever the outcome */
};

static handler on_begin, on_identify, on_resume, on_read, on_confirm, on_probe, on_method, on_sign,
        on_clear, on_end, on_transcript, on_foreign;

#define IN(state) (1U << (state))
#define KNOWN     (IN(IDENTIFIED) | IN(CONFIRMED))
#define BEGUN     (IN(OPEN) | KNOWN | IN(ARMED) | IN(VERIFIED) | IN(RENEWING))
#define ANY_BYTE  256
#define MAY_PIN   (COUNTED | UNSPENT | UNWRITTEN)
#define MAY_RENEW (RENEWABLE | TOLD | UNSPENT | UNWRITTEN)

/* clang-format off */
static const struct row rows[OP_COUNT] = {
        /*                    states           needs             ahead      arguments                     handler      done           failed */
        [OP_BEGIN]       = { IN(IDLE),        0,                0,         { 0 }, NOTHING,               on_begin,            RESUME,        TO_IDLE,      false },
        [OP_IDENTIFY]    = { IN(OPEN),        0,                0,         { 0 }, NOTHING,               on_identify,         TO_IDENTIFIED, STAY,         false },
        [OP_RESUME]      = { IN(OPEN),        0,                0,         { 0 }, NOTE,                  on_resume,           TO_IDENTIFIED, STAY,         false },
        [OP_READ]        = { KNOWN,           0,                SUPPORTED, { OBJECT_COUNT }, NOTHING,    on_read,             STAY,          STAY,         false },
        [OP_CONFIRM]     = { KNOWN,           SUPPORTED,        0,         { 2 }, NOTHING,               on_confirm,          TO_CONFIRMED,  STAY,         false },
        [OP_COUNTER]     = { IN(CONFIRMED),   0,                0,         { PIN_COPY_COUNT }, NOTHING,  session_counter,     STAY,          STAY,         false },
        [OP_PROBE]       = { IN(CONFIRMED),   0,                COUNTED,   { 0 }, NOTHING,               on_probe,            STAY,          STAY,         false },
        [OP_METHOD]      = { IN(CONFIRMED),   0,                0,         { ANY_BYTE, SIGN_METHOD_COUNT }, NOTHING, on_method,           STAY,          STAY,         false },
        [OP_PIN]         = { IN(CONFIRMED),   MAY_PIN,          0,         { 0 }, DIGITS,                session_pin,         TO_ARMED,      STAY,         false },
        [OP_VERIFY]      = { IN(ARMED),       MAY_PIN,          0,         { 0 }, NOTHING,               session_verify,      TO_VERIFIED,   TO_CONFIRMED, true },
        [OP_PINPAD]      = { IN(CONFIRMED),   MAY_PIN | KEYS,   NEVER,     { PINPAD_FIRST_KEY_S + 1 }, NOTHING, session_pinpad,      TO_VERIFIED,   STAY,         true },
        [OP_SIGN]        = { IN(VERIFIED),    0,                NEVER,     { ANY_BYTE, SIGN_METHOD_COUNT }, BLOCK,   on_sign,             STAY,          STAY,         false },
        [OP_NEW_PIN]     = { IN(CONFIRMED),   MAY_RENEW,        0,         { 0 }, DIGITS,                session_pin,         TO_RENEWING,   STAY,         false },
        [OP_CHANGE_PIN]  = { IN(RENEWING),    MAY_RENEW | COUNTED, 0,         { 0 }, DIGITS,          session_change_pin,  TO_CONFIRMED, TO_CONFIRMED, true },
        [OP_UNBLOCK_PIN] = { IN(RENEWING),    MAY_RENEW,        0,         { 0 }, DIGITS,                session_unblock_pin, TO_CONFIRMED, TO_CONFIRMED, true },
        [OP_CLEAR]       = { KNOWN | IN(ARMED) | IN(VERIFIED) | IN(RENEWING), 0,                0,         { 0 }, NOTHING, on_clear,            RESUME,     RESUME,       false },
        [OP_END]         = { BEGUN,           0,                0,         { DRIVER_RESET + 1 }, NOTHING, on_end,              TO_IDLE,       TO_IDLE,      false },
        [OP_TRANSCRIPT]  = { IN(IDLE),        0,                NEVER,     { 2 }, NOTHING,               on_transcript,       STAY,        STAY,         false },
        [OP_FOREIGN]     = { IN(OPEN),        0,                NEVER,     { 0 }, NOTHING,               on_foreign,          STAY,          STAY,         false },
};
/* clang-format on */

/* What every exchange ends with. No status word: what is left of an answer that a reset swallowed. */
static int take_answer(struct session *session, int r, size_t len, size_t *ret_len)
{
        if (r == 0 && len < 2)
                r = OUTCOME_CARD_REMOVED;
        if (r == 0)
                *ret_len = len;
        if (r != 0) {
                session->lost = r;
                session->disturbed = true;
        }
        return r;
}

static int to_card(
        void *ctx, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct session *session = ctx;
        if (session->lost != 0)
                return session->lost;
        size_t len = 0;
        int r = session->driver->transmit(session->reader, cmd, cmd_len, rsp, cap, &len);
        writer_heard(&session->writer, cmd, cmd_len, r == 0 ? rsp : NULL, len);
        return take_answer(session, r, len, ret_len);
}

static int to_pinpad(
        void *ctx, const struct apdu_pinpad *how, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct session *session = ctx;
        struct apdu_pinpad asked = *how;
        if (session->lost != 0)
                return session->lost;
        size_t len = 0;
        asked.language = 0x0409; /* English: not every display can write Persian */
        asked.seconds = session->patience_s;
        int r = session->driver->verify_pinpad(session->reader, &asked, rsp, cap, &len);
        return take_answer(session, r, len, ret_len);
}

int session_new(struct session **ret, const struct driver *driver, void *reader)
{
        _cleanup_session_ struct session *session = calloc(1, sizeof *session);
        if (!session)
                return -ENOMEM;
        session->driver = driver;
        session->reader = reader;
        session->resume = OPEN;
        session->link = (struct apdu_link){ .transmit = to_card, .ctx = session };
        int r = secret_new(&session->pin, OPS_PIN_MAX);
        if (r < 0)
                return r;
        *ret = session;
        session = NULL;
        return 0;
}

static int end_transaction(struct session *session, enum driver_end how)
{
        secret_wipe(session->pin);
        if (session->spent)
                how = DRIVER_RESET;
        int r = session->driver->end(session->reader, how);
        if (r != 0 || how == DRIVER_RESET)
                session->disturbed = true;
        session->counted = session->told = false;
        session->looked = true;
        return r;
}

struct session *session_free(struct session *session)
{
        if (!session)
                return NULL;
        if (session->state != IDLE)
                (void)end_transaction(session, DRIVER_LEAVE);
        secret_free(session->pin);
        free(session);
        return NULL;
}

int session_gone(const struct session *session)
{
        return session->gone;
}

/* Handlers: 0, an outcome, or a negative errno, which mohrd sees as "internal". */

/* The driver tells what it noticed; what this process did to the card itself is added here. */
static enum card_event true_event(const struct session *session, const struct driver_card *found)
{
        const struct card *card = &session->card;
        bool same_atr = card->atr_len == found->atr_len &&
                        memcmp(card->atr, found->atr, found->atr_len) == 0;
        if (!same_atr || !card->link)
                return CARD_IS_NEW;
        if (found->event == CARD_SAME && session->disturbed)
                return CARD_WAS_RESET;
        return found->event;
}

static int on_begin(struct session *session, const struct args *args _unused_, struct out *fields)
{
        struct driver_card found = { 0 };
        int r = session->driver->begin(session->reader, &found);
        if (r != 0)
                return r;
        found.event = true_event(session, &found);
        session->link.protocol = found.protocol;
        if (!session->driver->verify_pinpad)
                found.pinpad &= (uint8_t)~PINPAD_VERIFY;
        session->link.pinpad = found.pinpad & PINPAD_VERIFY ? to_pinpad : NULL;
        if (found.event == CARD_SAME) {
                card_forget(&session->card);
        } else {
                card_init(&session->card, &session->link, found.atr, found.atr_len);
                session->resume = OPEN;
        }
        session->disturbed = false;
        session->lost = 0;
        session->insertion = found.insertion;
        session->locked_anew = false;
        op_put_card(fields, &found);
        return 0;
}

static int on_identify(
        struct session *session, const struct args *args _unused_, struct out *fields)
{
        struct card_identity identity = { 0 };
        int r = card_identify(&session->card, &identity);
        if (r != 0)
                return r;
        session->supported = identity.supported;
        session->resume = IDENTIFIED;
        op_put_identity(fields, &identity);
        return 0;
}

/* Only what identification would have found, and only of a supported card: no other leaves a note. That
 * this is the card it speaks of, mohrd has to know by the insertion, which was compared before mohrd could do so if this was asked
 * ahead; and the confirmation is mohrd's to repeat. */
static int on_resume(struct session *session, const struct args *args, struct out *fields _unused_)
{
        if (args->insertion != session->insertion)
                return OUTCOME_CARD_NOT_SUPPORTED;
        int r = card_resume(&session->card, args->bytes.data, args->bytes.len);
        if (r != 0)
                return r;
        session->supported = true;
        session->resume = IDENTIFIED;
        return 0;
}

static int on_read(struct session *session, const struct args *args, struct out *fields)
{
        size_t len = 0;
        int r = session->card.profile->read(
                &session->card, args->u8[0], session->file, sizeof session->file, &len);
        if (r == 0)
                out_bytes16(fields, session->file, len);
        return r;
}

static int on_confirm(struct session *session, const struct args *args, struct out *fields)
{
        uint8_t note[CARD_NOTE_MAX];
        session->card.raw_signature = args->u8[0] == 1;
        session->resume = CONFIRMED;
        out_bytes16(fields, note, card_note(&session->card, note));
        return 0;
}

static int on_probe(struct session *session, const struct args *args _unused_, struct out *fields)
{
        struct card_probe probe = { 0 };
        int r = session->card.profile->probe(&session->card, &probe);
        if (r == 0)
                op_put_probe(fields, &probe);
        return r;
}

static int on_method(struct session *session, const struct args *args, struct out *fields _unused_)
{
        return session->card.profile->select_method(&session->card, args->u8[0], args->u8[1]);
}

static int on_sign(struct session *session, const struct args *args, struct out *fields)
{
        uint8_t signature[CARD_SIG_MAX];
        size_t len = 0;
        int r = session->card.profile->sign(&session->card, args->u8[0], args->u8[1],
                args->bytes.data, args->bytes.len, signature, sizeof signature, &len);
        if (r == 0)
                out_bytes16(fields, signature, len);
        return r;
}

static int on_clear(
        struct session *session, const struct args *args _unused_, struct out *fields _unused_)
{
        secret_wipe(session->pin);
        session->counted = session->told = false;
        return session->card.profile->clear(&session->card);
}

static int on_end(struct session *session, const struct args *args, struct out *fields _unused_)
{
        return end_transaction(session, args->u8[0]);
}

static int on_transcript(struct session *session, const struct args *args, struct out *fields)
{
        writer_switch(&session->writer, args->u8[0] == 1, fields);
        return 0;
}

static int on_foreign(struct session *session, const struct args *args _unused_, struct out *fields)
{
        char name[CARD_LABEL_MAX] = "";
        int r = card_name_foreign(&session->card, name);
        out_text16(fields, name);
        return r;
}

/* One frame */

static bool digits(struct view view)
{
        size_t i = 0;
        while (i < view.len && view.data[i] >= '0' && view.data[i] <= '9')
                i++;
        return i == view.len && i >= 4 && i <= OPS_PIN_MAX;
}

static int args_decode(const struct row *row, struct view payload, struct args *ret)
{
        struct in in = in_new(payload.data, payload.len);
        for (size_t i = 0; i < ARRAY_LEN(row->limit) && row->limit[i] > 0; i++) {
                ret->u8[i] = in_u8(&in);
                if (ret->u8[i] >= row->limit[i])
                        return -EBADMSG;
        }
        if (row->tail == NOTE)
                ret->insertion = in_u32(&in);
        if (row->tail == BLOCK || row->tail == NOTE)
                ret->bytes = in_bytes16(&in, row->tail == BLOCK ? CARD_BLOCK_MAX : CARD_NOTE_MAX);
        if (row->tail == DIGITS)
                ret->bytes = in_bytes(&in, in_left(&in));
        if (row->tail == DIGITS && !digits(ret->bytes))
                return -EBADMSG;
        if (row->tail != NOTHING && ret->bytes.len == 0)
                return -EBADMSG;
        return in_done(&in);
}

static bool allowed(const struct session *session, const struct row *row, bool ahead)
{
        const struct card_profile *profile = session->card.profile;
        unsigned int holds = (session->supported ? SUPPORTED : 0) |
                             (profile && profile->renew ? RENEWABLE : 0) |
                             (session->told ? TOLD : 0) | (session->counted ? COUNTED : 0) |
                             (session->spent ? 0 : UNSPENT) | (session->link.pinpad ? KEYS : 0) |
                             (session->writer.on ? 0 : UNWRITTEN);
        unsigned int needs = row->needs | (ahead ? row->ahead : 0);
        return !(ahead && session->astray) && (row->states & IN(session->state)) != 0 &&
               (needs & ~holds) == 0;
}

static void advance(struct session *session, enum next next)
{
        if (next == RESUME)
                session->state = session->resume;
        else if (next != STAY)
                session->state = (enum state)next;
}

static ssize_t answer(const struct session *session, const struct op_frame *question, int outcome,
        const struct out *fields, uint8_t *reply, size_t cap)
{
        struct out payload = op_frame_begin(reply, cap, question->op, true, question->id);
        op_put_result(&payload, outcome, session->card.sw);
        if (outcome == OUTCOME_OK || (rows[question->op].always && outcome != OPS_SKIPPED))
                out_bytes(&payload, fields->data, fields->len);
        return op_frame_finish(reply, &payload);
}

static int carry_out(
        struct session *session, uint8_t op, const struct args *args, struct out *fields)
{
        const struct row *row = &rows[op];
        writer_step(&session->writer, op, args->u8[0]);
        int r = row->handler(session, args, fields);
        advance(session, r == 0 ? row->done : row->failed);
        if (r == OUTCOME_NO_READER || r == OUTCOME_READER_SERVICE)
                session->gone = r;
        if (out_done(fields) < 0)
                r = -EBADMSG;
        session->astray |= r != 0 && !outcome_is_refusal(r);
        return outcome_of(r);
}

ssize_t session_step(
        struct session *session, const void *frame, size_t len, uint8_t *reply, size_t cap)
{
        struct op_frame question;
        struct args args = { 0 };
        struct out fields = out_new(session->fields, sizeof session->fields);
        int r = op_frame_decode(frame, len, &question);
        if (r == 0 && (question.reply || !rows[question.op].handler))
                r = -EBADMSG;
        if (r == 0)
                r = args_decode(&rows[question.op], question.payload, &args);
        if (r < 0)
                return r;
        session->astray &= question.ahead;
        if (allowed(session, &rows[question.op], question.ahead))
                return answer(session, &question, carry_out(session, question.op, &args, &fields),
                        &fields, reply, cap);
        session->astray = true;
        return question.ahead ? answer(session, &question, OPS_SKIPPED, &fields, reply, cap)
                              : -EPROTO;
}

int session_wait(
        struct session *session, int channel, bool *ret_changed, struct driver_presence *ret)
{
        *ret_changed = false;
        if (session->state != IDLE || !session->driver->wait || ops_asked_ahead(channel))
                return 0;
        int r = session->driver->wait(session->reader, channel, ret_changed, ret);
        if (r <= 0)
                return r;
        session->gone = r; /* a reader that cannot even be watched is of no more use */
        *ret_changed = false;
        return 0;
}
