/* SPDX-License-Identifier: Apache-2.0 */
/* request_choose.c: which of several cards, when no reader was named.
 *
 * No card is read before somebody at this machine agreed to that: it would tell an application who is here.
 * So there are two ways. Without an expected holder the person is asked about one reader after the other, by
 * their names alone. With one the person is asked, likewise without a word from any card, whether the cards
 * in these readers may be looked at for it; after a yes search.h looks, and what it found is as good as named,
 * but for one thing: the certificate must be the one that was found. Two cards of one number are asked about
 * by their readers.
 *
 * An application learns whether the card it named is here, and of the others nothing: what they are, whether
 * they could be read, how many they were, leads to one and the same answer.
 */
#include "daemon/request_internal.h"

#include <stdio.h>

#define READERS_CAP (DRIVER_READERS_MAX * CONFIG_DRIVERS_MAX)
#define ROUNDS      2

/* Readers to be asked about: where the card was found, else those with a card if there are several cards.
 * The names are borrowed until the next change of readers. */
static size_t list_readers(const struct request *request, const char *names[READERS_CAP])
{
        struct reader_info all[READERS_CAP];
        size_t found = search_found(request->search, names, READERS_CAP), free = 0;
        if (found > 0)
                return found;
        size_t count = readers_with_cards(request->context->readers, all, READERS_CAP);
        for (size_t i = 0; count > 1 && i < count; i++)
                if (strcmp(all[i].state, "card") == 0)
                        names[free++] = all[i].name;
        return free;
}

bool choose_is_open(const struct request *request)
{
        const char *names[READERS_CAP];
        return !request->reader_name && list_readers(request, names) > 0;
}

static int ask(
        struct request *request, const struct person_question *question, person_done on_answer)
{
        const struct request_context *context = request->context;
        int r = person_ask(&request->person, context->event, context->config, question, NULL,
                on_answer, request);
        if (r != 0)
                ask_give_up_turn(request);
        return r == 0 ? WAIT : r;
}

/* ---- by reader ----------------------------------------------------------------------------- */

static int name_reader(struct request *request, const char *reader)
{
        request->reader_name = strdup(reader);
        return request->reader_name ? 0 : -ENOMEM;
}

static void on_choice(void *user, const struct person_answer *answer)
{
        int outcome = answer->outcome;
        struct request *request = user;
        request->person = person_free(request->person);
        ask_give_up_turn(request);
        request->offered += outcome == OUTCOME_NO_CARD;
        if (outcome == 0)
                outcome = name_reader(request, request->offer);
        if (outcome == OUTCOME_TIMED_OUT)
                request->detail = "nobody answered the prompt in time";
        request_run(request, outcome == OUTCOME_NO_CARD ? AGAIN : outcome);
}

int choose_ask(struct request *request, struct out *args)
{
        const char *names[READERS_CAP];
        size_t count = list_readers(request, names);
        (void)args;
        if (count == 0)
                return 0;
        if (request->offered >= ROUNDS * count)
                return OUTCOME_REFUSED;
        if (!ask_take_turn(request))
                return WAIT;
        snprintf(request->offer, sizeof request->offer, "%s", names[request->offered % count]);
        struct person_question question = ask_question(request);
        question.choice = true;
        question.reader = request->offer;
        int r = ask(request, &question, on_choice);
        return r == OUTCOME_NOBODY_TO_ASK ? 0 : r;
}

/* ---- by holder ----------------------------------------------------------------------------- */

bool choose_wants_search(const struct request *request)
{
        return request->expect_national_number && choose_is_open(request);
}

static void on_consent(void *user, const struct person_answer *answer)
{
        int outcome = answer->outcome;
        struct request *request = user;
        request->person = person_free(request->person);
        if (outcome != 0)
                ask_give_up_turn(request);
        if (outcome == OUTCOME_TIMED_OUT)
                request->detail = "nobody answered the prompt in time";
        request_run(request, outcome);
}

/* What will be looked at is fixed before it is asked: a reader that comes later was not agreed to. */
int choose_ask_to_search(struct request *request, struct out *args)
{
        const char *names[READERS_CAP];
        size_t count = list_readers(request, names);
        (void)args;
        if (count == 0)
                return 0;
        if (!ask_take_turn(request))
                return WAIT;
        int r = search_new(&request->search, request->context, request->id,
                request->expect_national_number, names, count);
        if (r < 0)
                return r;
        struct person_question question = ask_question(request);
        question.search = true;
        question.expected_number = request->expect_national_number;
        question.readers = names;
        question.reader_count = count;
        r = ask(request, &question, on_consent);
        if (r == WAIT)
                return WAIT;
        request->search = search_free(request->search);
        return r == OUTCOME_NOBODY_TO_ASK ? 0 : r;
}

bool choose_may_search(const struct request *request)
{
        return request->search != NULL;
}

static void on_searched(void *user, int result)
{
        struct request *request = user;
        const char *names[READERS_CAP];
        size_t count = search_found(request->search, names, READERS_CAP);
        ask_give_up_turn(request);
        if (result == 0 && count == 0) {
                request->detail = DETAIL_NOT_FOUND;
                result = OUTCOME_NO_CARD;
        }
        if (result == 0 && count == 1)
                result = name_reader(request, names[0]);
        request_run(request, result);
}

/* Meanwhile the turn is kept: two searches would stand in each other's way, reader by reader. */
int choose_search(struct request *request, struct out *args)
{
        (void)args;
        int r = search_start(request->search, on_searched, request);
        return r < 0 ? r : WAIT;
}

bool choose_was_meant(const struct request *request)
{
        struct reader_info info;
        reader_describe(request->reader, &info);
        return !request->search ||
               search_met(request->search, info.name, request->card.chain.print);
}
