/* SPDX-License-Identifier: Apache-2.0 */
/* search.c: see search.h. A table of steps like a request's, walked once for each reader in turn. Whoever reads
 * it sees what a search can do to a card: begin, identify, read certificates, end. Without OP_CONFIRM
 * the helper itself refuses all else.
 *
 * A card may take as long for all of its steps as one operation may in a request, so that a slow one does not
 * keep the others from being found. All cards are looked at, also when the first one is right: two may carry
 * the number, and then it is the person who says which one is meant.
 *
 * A staff card is left after it said what it is: it carries no national number.
 */
#include "daemon/search.h"

#include "client-sdk/identity.h"
#include "daemon/chain.h"

#include <stdio.h>

enum { AGAIN = 1000, WAIT };

enum step {
        STEP_TAKE,
        STEP_BEGIN,
        STEP_IDENTIFY,
        STEP_FILE,
        STEP_END,
        STEP_JUDGE,
        STEP_NEXT,
        STEPS
};

struct place {
        char reader[sizeof((struct driver_reader *)0)->name];
        bool found;
        uint8_t print[GATE_PRINT_SIZE];
};

struct search {
        struct request_context *context;
        const char *id, *number;
        search_done done;
        void *user;
        sd_event_source *kick, *limit;
        int broken; /* out of memory: ends it, since a card would be passed over that may be the right one */

        /* the card in hand */
        enum step step;
        bool failed;
        struct reader *reader;
        struct known_card card;
        unsigned int file; /* next certificate file to read */

        unsigned int passed_over;
        size_t at, count;
        struct place places[];
};

static void run(struct search *search, int result);

/* ---- life ---------------------------------------------------------------------------------- */

int search_new(struct search **ret, struct request_context *context, const char *id,
        const char *national_number, const char *const *readers, size_t count)
{
        struct search *search = calloc(1, sizeof *search + count * sizeof search->places[0]);
        if (!search)
                return -ENOMEM;
        search->context = context;
        search->id = id;
        search->number = national_number;
        search->count = count;
        for (size_t i = 0; i < count; i++)
                snprintf(search->places[i].reader, sizeof search->places[i].reader, "%s",
                        readers[i]);
        *ret = search;
        return 0;
}

static void put_card_back(struct search *search)
{
        search->reader = reader_release(search->reader);
        known_card_clear(&search->card);
        search->file = 0;
        search->failed = false;
}

struct search *search_free(struct search *search)
{
        if (!search)
                return NULL;
        put_card_back(search);
        search->kick = sd_event_source_disable_unref(search->kick);
        search->limit = sd_event_source_disable_unref(search->limit);
        free(search);
        return NULL;
}

static int on_kick(sd_event_source *source, void *user)
{
        (void)source;
        run(user, AGAIN);
        return 0;
}

/* Giving the reader back kills the helper that is busy, and pcscd or its successor resets the card. */
static int on_limit(sd_event_source *source, uint64_t usec, void *user)
{
        (void)source, (void)usec;
        struct search *search = user;
        search->failed = true;
        search->step = STEP_NEXT;
        run(search, AGAIN);
        return 0;
}

int search_start(struct search *search, search_done done, void *user)
{
        sd_event *event = search->context->event;
        search->done = done;
        search->user = user;
        int r = sd_event_add_time_relative(
                event, &search->limit, CLOCK_MONOTONIC, 0, 0, on_limit, search);
        if (r >= 0)
                r = sd_event_source_set_enabled(search->limit, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_defer(event, &search->kick, on_kick, search);
        return r < 0 ? r : 0;
}

size_t search_found(const struct search *search, const char **ret, size_t cap)
{
        size_t n = 0;
        for (size_t i = 0; search && i < search->count && n < cap; i++)
                if (search->places[i].found)
                        ret[n++] = search->places[i].reader;
        return n;
}

bool search_met(const struct search *search, const char *reader,
        const uint8_t print[static GATE_PRINT_SIZE])
{
        for (size_t i = 0; i < search->count; i++)
                if (search->places[i].found && strcmp(search->places[i].reader, reader) == 0)
                        return memcmp(search->places[i].print, print, GATE_PRINT_SIZE) == 0;
        return false;
}

/* ---- one card ------------------------------------------------------------------------------ */

static int take(struct search *search, struct out *args)
{
        const struct request_context *context = search->context;
        const char *why = NULL;
        (void)args;
        int r = sd_event_source_set_time_relative(
                search->limit, context->config->card_timeout_ms * 1000ULL);
        if (r >= 0)
                r = sd_event_source_set_enabled(search->limit, SD_EVENT_ONESHOT);
        return r < 0 ? r
                     : readers_acquire(context->readers, search->places[search->at].reader,
                               &search->reader, &why);
}

/* A card of an earlier request that never left has shown its certificates already: see request_look.c. */
static int begun(struct search *search, int outcome, struct in *fields)
{
        struct driver_card card;
        struct reader_info info;
        (void)outcome;
        if (op_get_card(fields, &card) < 0)
                return -EBADMSG;
        reader_describe(search->reader, &info);
        const struct known_card *known =
                known_card_find(search->context->known, info.events, CARD_USE_SIGNATURE);
        if (known && known->insertion == card.insertion)
                known_card_copy(&search->card, known);
        return 0;
}

static bool is_unknown(const struct search *search)
{
        return !search->card.complete;
}

static int identified(struct search *search, int outcome, struct in *fields)
{
        struct card_identity *identity = &search->card.identity;
        (void)outcome;
        if (op_get_identity(fields, identity) < 0)
                return -EBADMSG;
        gate_chain_begin(&search->card.chain, identity->family, CARD_USE_SIGNATURE);
        return 0;
}

static bool is_national(const struct search *search)
{
        return search->card.identity.family == CARD_NID && search->card.identity.supported;
}

static bool lacks_chain(const struct search *search)
{
        const struct gate_chain *chain = &search->card.chain;
        return is_unknown(search) && is_national(search) &&
               search->file < gate_files(CARD_NID, CARD_USE_SIGNATURE) &&
               (!chain->leaf || !chain->issuer);
}

static int ask_file(struct search *search, struct out *args)
{
        out_u8(args, (uint8_t)gate_file(CARD_NID, CARD_USE_SIGNATURE, search->file));
        return 0;
}

static int filed(struct search *search, int outcome, struct in *fields)
{
        enum card_object object = gate_file(CARD_NID, CARD_USE_SIGNATURE, search->file++);
        enum leaf_class class;
        if (outcome != 0)
                return AGAIN; /* no such file, or not for us */
        struct view file = in_bytes16(fields, CARD_FILE_MAX);
        if (in_done(fields) < 0)
                return -EBADMSG;
        int r = chain_take(
                search->context->known, CARD_NID, &search->card.chain, object, file, &class);
        return r == -ENOMEM ? r : AGAIN;
}

static bool is_begun(const struct search *search)
{
        return search->reader && reader_in_transaction(search->reader);
}

static int leave(struct search *search, struct out *args)
{
        (void)search;
        out_u8(args, DRIVER_LEAVE);
        return 0;
}

static bool was_read(const struct search *search)
{
        return !search->failed && is_national(search);
}

static int judge(struct search *search, struct out *args)
{
        const struct known_card *card = &search->card;
        struct place *place = &search->places[search->at];
        const char *why = NULL;
        (void)args;
        int r = chain_confirm(search->context->known, &card->chain, &card->identity, &why);
        if (r != 0)
                return r;
        place->found = strcmp(identity_match(&card->chain.facts, search->number), "yes") == 0;
        if (place->found)
                memcpy(place->print, card->chain.print, sizeof place->print);
        return 0;
}

static int finish(struct search *search)
{
        char looked[16], passed_over[16];
        snprintf(looked, sizeof looked, "%zu", search->at);
        snprintf(passed_over, sizeof passed_over, "%u", search->passed_over);
        log_kv(search->context->log, LOG_LEVEL_INFO, search->id,
                "cards were looked at for the one asked for", "cards", looked, "passed-over",
                passed_over, NULL);
        search->done(search->user, search->broken);
        return WAIT;
}

static int next(struct search *search, struct out *args)
{
        (void)args;
        search->passed_over += search->failed;
        put_card_back(search);
        if (++search->at == search->count || search->broken) {
                sd_event_source_set_enabled(search->limit, SD_EVENT_OFF);
                return finish(search);
        }
        search->step = STEP_TAKE;
        return AGAIN;
}

/* ---- the table ----------------------------------------------------------------------------- */

/* clang-format off */
static const struct row {
        bool (*needed)(const struct search *search); /* NULL: always */
        enum op op;                                  /* 0: `start` does something else */
        int (*start)(struct search *search, struct out *args);
        int (*came)(struct search *search, int outcome, struct in *fields);
        bool may_refuse; /* a "no" of the card is an answer */
} rows[STEPS] = {
        [STEP_TAKE]     = { NULL,        0,           take,     NULL,       false },
        [STEP_BEGIN]    = { NULL,        OP_BEGIN,    NULL,     begun,      false },
        [STEP_IDENTIFY] = { is_unknown,  OP_IDENTIFY, NULL,     identified, false },
        [STEP_FILE]     = { lacks_chain, OP_READ,     ask_file, filed,      true  },
        [STEP_END]      = { is_begun,    OP_END,      leave,    NULL,       false },
        [STEP_JUDGE]    = { was_read,    0,           judge,    NULL,       false },
        [STEP_NEXT]     = { NULL,        0,           next,     NULL,       false },
};
/* clang-format on */

static void on_reply(void *user, int outcome, uint16_t sw, struct in *fields)
{
        struct search *search = user;
        const struct row *row = &rows[search->step];
        (void)sw;
        if (outcome == 0 || (row->may_refuse && outcome_is_refusal(outcome)))
                run(search, row->came ? row->came(search, outcome, fields) : 0);
        else
                run(search, outcome);
}

static int start(struct search *search)
{
        const struct row *row = &rows[search->step];
        uint8_t payload[8];
        struct out args = out_new(payload, sizeof payload);
        int r = row->start ? row->start(search, &args) : 0;
        if (r != 0 || row->op == 0)
                return r;
        r = out_done(&args);
        if (r == 0)
                r = reader_call(search->reader, row->op, args.data, args.len, on_reply, search);
        return r == 0 ? WAIT : r;
}

/* Whatever fails passes this card over; it is still left in order where that can be. */
static void choose_next(struct search *search, int result)
{
        if (result == 0) {
                search->step++;
        } else if (result != AGAIN) {
                search->failed = true;
                search->step = search->step < STEP_END ? STEP_END : STEP_NEXT;
        }
        if (result == -ENOMEM)
                search->broken = result;
        while (rows[search->step].needed && !rows[search->step].needed(search))
                search->step++;
}

static void run(struct search *search, int result)
{
        while (result != WAIT) {
                choose_next(search, result);
                result = start(search);
        }
}
