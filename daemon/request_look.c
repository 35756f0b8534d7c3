/* SPDX-License-Identifier: Apache-2.0 */
/* request_look.c: the first visit to the card. Which card is it, is it confirmed, how many tries are
 * left, which key and method would sign: all of it without a side effect, in one transaction that is
 * over before a person is asked anything.
 *
 * What is known of this very laying-on of the card is not read again. It is recognised by two numbers,
 * which must both be the same: the watcher's, and the driver's count of insertions as the helper found
 * it at BEGIN. The watcher is a process of its own whose news may be late; without the second number a
 * card laid down in that moment would be taken for the confirmed one that lay there before. The first is taken when the
 * reader is; news that comes while the known card is begun with ends the request, since what was asked ahead of it is done by then.
 *
 * Files are read until leaf and issuing CA are known; a CA that an earlier card showed is known once the
 * leaf is read. What is left is read with the other free checks, once per leaf: no decision waits for it,
 * but a second signature certificate would undo the first. A leaf that was signed with before and is laid
 * down again has been through that: it brings nothing new.
 */
#include "daemon/request_internal.h"

#include "base/text.h"
#include "daemon/chain.h"
#include "daemon/keys.h"

#include <limits.h>
#include <time.h>

/* ---- the reader ---------------------------------------------------------------------------- */

static void on_waited(void *user)
{
        struct request *request = user;
        request->waited = true;
        request->wait = readers_wait_free(request->wait);
        request_run(request, AGAIN);
}

static int wait_for_readers(struct request *request)
{
        const struct request_context *context = request->context;
        int r = readers_wait_new(&request->wait, context->readers, context->event,
                context->config->card_timeout_ms * 1000ULL, on_waited, request);
        return r < 0 ? r : WAIT;
}

int look_reader(struct request *request, struct out *args)
{
        struct readers *readers = request->context->readers;
        (void)args;
        if (!request->waited && !readers_settled(readers))
                return wait_for_readers(request);
        return 0;
}

/* The reader that would be taken; NULL if there is none, or several. Borrowed until the next change. */
static const char *reader_meant(const struct request *request)
{
        struct reader_info card[2];
        if (request->reader_name)
                return request->reader_name;
        size_t count = readers_with_cards(request->context->readers, card, ARRAY_LEN(card));
        return count == 1 ? card[0].name : NULL;
}

bool look_must_queue(const struct request *request)
{
        const struct keys_turns *turns = request->context->reader_turns;
        const char *name = turns && !request->work->has_reader ? reader_meant(request) : NULL;
        return name && keys_turn_must_wait(turns, name);
}

/* The turn is given up at once: before anybody else is looked for, the next row has the reader. */
static void on_turn(void *user, int outcome)
{
        struct request *request = user;
        request->reader_turn = keys_turn_free(request->reader_turn);
        request_run(request, outcome);
}

/* As long as the request's own time allows. */
int look_queue(struct request *request, struct out *args)
{
        const char *name = reader_meant(request);
        (void)args;
        if (!name)
                return 0;
        int r = keys_turn_take(&request->reader_turn, request->context->reader_turns, name,
                UINT_MAX, on_turn, request);
        return r < 0 ? r : WAIT;
}

/* What is known of the card is taken now, since what is asked behind BEGIN builds on it (request_ahead.c). */
int look_take(struct request *request, struct out *args)
{
        const struct request_context *context = request->context;
        struct reader_info info;
        (void)args;
        int r = readers_acquire(
                context->readers, request->reader_name, &request->reader, &request->detail);
        if (r != 0)
                return r;
        reader_describe(request->reader, &info);
        request->events = info.events;
        request->simulated = info.simulated;
        const struct known_card *known = known_card_find(context->known, info.events, request->use);
        if (known)
                known_card_copy(&request->card, known);
        return 0;
}

int look_begun(struct request *request, int outcome, struct in *fields)
{
        struct driver_card card;
        struct reader_info info;
        (void)outcome;
        if (op_get_card(fields, &card) < 0)
                return -EBADMSG;
        reader_describe(request->reader, &info);
        bool moved = info.events != request->events;
        bool known = request->card.complete && request->card.insertion == card.insertion;
        request->events = info.events;
        request->insertion = card.insertion;
        request->simulated = info.simulated;
        request->pinpad = request->context->config->pinpad && (card.pinpad & PINPAD_VERIFY);
        if (known && moved) {
                request->detail = "the card was moved while it was looked at";
                return OUTCOME_CARD_REMOVED;
        }
        if (!known)
                known_card_clear(&request->card);
        if (request->card.tries > 0)
                request->tries_left = request->card.tries;
        return 0;
}

/* ---- what lies there ----------------------------------------------------------------------- */

bool look_has_note(const struct request *request)
{
        return request->card.complete && request->card.note_len > 0;
}

int look_note(struct request *request, struct out *args)
{
        out_u32(args, request->card.insertion);
        out_bytes16(args, request->card.note, request->card.note_len);
        return 0;
}

int look_resumed(struct request *request, int outcome, struct in *fields)
{
        if (in_done(fields) < 0)
                return -EBADMSG;
        request->resumed = outcome == 0;
        return 0; /* a note that does not fit costs an identification */
}

bool look_is_unknown(const struct request *request)
{
        return !request->resumed;
}

int look_confirm(struct request *request, struct out *args)
{
        out_u8(args, keys_raw_signature(request->context->config, request->card.identity.family));
        return 0;
}

int look_confirmed(struct request *request, int outcome, struct in *fields)
{
        struct view note = in_bytes16(fields, CARD_NOTE_MAX);
        (void)outcome;
        if (in_done(fields) < 0)
                return -EBADMSG;
        memcpy(request->card.note, note.data, note.len);
        request->card.note_len = note.len;
        return 0;
}

int look_identified(struct request *request, int outcome, struct in *fields)
{
        struct card_identity identity;
        (void)outcome;
        if (op_get_identity(fields, &identity) < 0)
                return -EBADMSG;
        if (!identity.supported) {
                request->detail = "this kind of card can only be looked at";
                return OUTCOME_CARD_NOT_SUPPORTED;
        }
        if (request->card.complete && !gate_same_kind(&identity, &request->card.identity))
                known_card_clear(&request->card);
        request->card.identity = identity;
        gate_chain_begin(&request->card.chain, identity.family, request->use);
        return 0;
}

bool look_is_new(const struct request *request)
{
        return !request->card.complete;
}

int look_dates(struct request *request, struct out *args)
{
        (void)request;
        out_u8(args, OBJECT_DATES);
        return 0;
}

/* The Gregorian day of a Jalali date, found by walking the days of that year. */
static bool from_jalali(const struct card_date *date, struct tm *ret)
{
        *ret = (struct tm){ .tm_year = date->year + 621 - 1900, .tm_mon = 2, .tm_mday = 18 };
        for (int day = 0; day < 372; day++, ret->tm_mday++) {
                timegm(ret); /* carries the day over into month and year */
                struct jalali j = text_jalali(ret->tm_year + 1900, ret->tm_mon + 1, ret->tm_mday);
                if (j.year == date->year && j.month == date->month && j.day == date->day)
                        return true;
        }
        return false;
}

/* ISO 8601 in the Gregorian calendar; false for a day that does not exist. */
static bool iso_date(const struct card_date *date, char dst[12])
{
        struct tm tm = {
                .tm_year = date->year - 1900, .tm_mon = date->month - 1, .tm_mday = date->day
        };
        if (date->year <= 0 || (date->jalali && !from_jalali(date, &tm)))
                return false;
        struct tm carried = tm;
        timegm(&carried);
        if (carried.tm_mday != tm.tm_mday || carried.tm_mon != tm.tm_mon)
                return false;
        return strftime(dst, 12, "%Y-%m-%d", &tm) > 0;
}

int look_dated(struct request *request, int outcome, struct in *fields)
{
        struct card_date issued, expires;
        struct view file = in_bytes16(fields, CARD_FILE_MAX);
        if (outcome != 0)
                return 0; /* a card without dates is a card all the same */
        if (in_done(fields) < 0)
                return -EBADMSG;
        if (nid_parse_dates(file, &issued, &expires) != 0)
                return 0;
        if (!iso_date(&expires, request->card.expiry))
                hex_encode(request->card.expiry_raw, expires.raw, base_min(expires.raw_len, 32));
        return 0;
}

/* ---- certificates -------------------------------------------------------------------------- */

static bool has_files(const struct request *request)
{
        return !request->card.complete &&
               request->file < gate_files(request->card.identity.family, request->use);
}

bool look_lacks_files(const struct request *request)
{
        return !request->leaf_known && has_files(request);
}

bool look_lacks_chain(const struct request *request)
{
        return has_files(request) && gate_chain_lacks(&request->card.chain);
}

static enum card_object object_of(const struct request *request, unsigned int file)
{
        return gate_file(request->card.identity.family, request->use, file);
}

int look_file(struct request *request, struct out *args)
{
        out_u8(args, (uint8_t)object_of(request, request->file));
        return 0;
}

int look_filed(struct request *request, int outcome, struct in *fields)
{
        static const char *const classes[] = {
                [LEAF_SIGNATURE] = "signature",
                [LEAF_AUTHENTICATION] = "authentication",
                [LEAF_CA] = "authority",
                [LEAF_OTHER] = "other",
                [LEAF_STAFF] = "staff",
        };
        struct view file = in_bytes16(fields, CARD_FILE_MAX);
        struct gate_chain *chain = &request->card.chain;
        enum card_object object = object_of(request, request->file++);
        enum leaf_class class;
        request->locked_file |= outcome == OUTCOME_NEEDS_ISSUER_KEYS;
        if (outcome != 0)
                return AGAIN; /* no such file, or not for us */
        if (in_done(fields) < 0)
                return -EBADMSG;
        int r = chain_take(request->context->known, request->card.identity.family, chain, object,
                file, &class);
        if (r == -EBADMSG)
                return AGAIN; /* no certificate in it */
        if (r < 0)
                return r;
        log_kv(request->context->log, LOG_LEVEL_DEBUG, request->id, "certificate file", "class",
                classes[class], NULL);
        if (chain->two_leaves) {
                request->detail = "two different signature certificates on one card";
                return OUTCOME_CARD_NOT_SUPPORTED;
        }
        return AGAIN;
}

/* ---- the gate ------------------------------------------------------------------------------ */

static int policy(struct request *request)
{
        const struct known_key *key =
                known_key_find(request->context->known, request->card.chain.print);
        if (work_signs(request) && request->context->config->unproven == UNPROVEN_NO &&
                gate_unproven(&request->card.identity, request->simulated)) {
                request->detail =
                        "signing with this card is unproven, and the configuration says no to that";
                return OUTCOME_POLICY;
        }
        int r = record_allows_card(request);
        if (r != 0)
                return r;
        if (request->expect_national_number && request->card.chain.wanted == LEAF_STAFF) {
                request->detail = "a staff card knows no national number to compare";
                return OUTCOME_CARD_NOT_SUPPORTED;
        }
        request->leaf_known = key != NULL;
        if (key)
                request->plan = *key;
        struct gate_step step;
        if (request->plan.step_count == 0 &&
                gate_step_known(&request->card.chain, &request->card.identity, &step)) {
                request->plan.steps[0] = step;
                request->plan.step_count = 1;
        }
        if (request->plan.needs_issuer_keys && work_signs(request)) {
                request->detail = "known from an earlier request";
                return OUTCOME_NEEDS_ISSUER_KEYS;
        }
        return 0;
}

/* A card that is complete is confirmed: neither its chain nor the anchors change while it lies there. What rules want of the reader
 * is known when the card is begun with. */
int look_foresee(struct request *guess)
{
        bool fit = guess->card.complete && !guess->decision.pinpad && choose_was_meant(guess) &&
                   record_allows_certificate(guess) == 0 && policy(guess) == 0;
        return fit ? 0 : REQUEST_WAIT;
}

int look_judge(struct request *request, struct out *args)
{
        (void)args;
        if (!choose_was_meant(request)) {
                request->detail = "another card lies there than the one that was found";
                return OUTCOME_CARD_REMOVED;
        }
        if (!request->card.chain.leaf && request->locked_file) {
                request->detail = "the card shows its certificate to the issuer's keys only";
                return OUTCOME_NEEDS_ISSUER_KEYS;
        }
        int r = chain_confirm(request->context->known, &request->card.chain,
                &request->card.identity, &request->detail);
        if (r == 0)
                r = record_allows_certificate(request);
        if (r == 0)
                r = policy(request);
        /* Whatever is wrong with the request itself must show before a person and a PIN are troubled. */
        return r != 0 || work_prepares(request) ? r : work_rehearse(request, NULL);
}
