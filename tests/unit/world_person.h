/* SPDX-License-Identifier: Apache-2.0 */
/* world_person.h: the person of request_world.h, and what happens to the card while they are asked. */
#ifndef MOHR_TESTS_WORLD_PERSON_H
#define MOHR_TESTS_WORLD_PERSON_H

#include "tests/unit/world_card.h"

struct person {
        sd_event_source *soon;
        struct secret *pin;
        person_done done;
        void *user;
};

static void do_mischief(void)
{
        X509 *swapped = world.files[0];
        switch (world.at_prompt) {
        case NOTHING: break;
        case SWAP:
                world.files[0] = world.other_leaf;
                world.other_leaf = swapped;
                world.events++;
                world.event_at_begin = CARD_IS_NEW;
                break;
        case LIFT:
                world.events++;
                world.event_at_begin = CARD_IS_NEW;
                break;
        case RESET: world.event_at_begin = CARD_WAS_RESET; break;
        case LOWER_TRIES: world.tries--; break;
        case PAD_GOES: world.pinpad = 0; break;
        case HELPER_DIES: process_ends(); break;
        case COUNT_ANEW:
                world.files[0] = world.other_leaf;
                world.other_leaf = swapped;
                world.insertion++;
                world.identified = world.confirmed = false;
                break;
        case READER_GOES:
                world.fail_at = world.total;
                world.fail_with = OUTCOME_NO_READER;
                world.fail_dead = true;
                break;
        }
}

static struct person_question last_question;

static void answer(struct person *person, int outcome)
{
        const struct person_answer said = { .outcome = outcome,
                .released = last_question.required |
                            (last_question.optional & (claimset)~world.declines),
                .remember = last_question.may_remember && world.remembers };
        person->done(person->user, &said);
}

static int on_prompt(sd_event_source *source, void *user)
{
        (void)source;
        struct person *person = user;
        if (last_question.search) {
                world.agreed = world.consent == 0;
                answer(person, world.consent);
                return 0;
        }
        if (last_question.choice) {
                bool meant = world.wanted && strcmp(last_question.reader, world.wanted) == 0;
                world.agreed |= meant;
                answer(person, world.person_outcome ? world.person_outcome
                               : meant              ? 0
                                                    : OUTCOME_NO_CARD);
                return 0;
        }
        do_mischief();
        if (world.person_outcome == 0 && world.proof) {
                person->pin->len = (size_t)snprintf((char *)person->pin->data, person->pin->cap,
                        "%c%s%s", (char)strlen(world.proof), world.proof, NEW);
        } else if (world.person_outcome == 0 && person->pin) {
                memcpy(person->pin->data, PIN, strlen(PIN));
                person->pin->len = strlen(PIN);
        }
        answer(person, world.person_outcome);
        return 0;
}

int person_ask(struct person **ret, sd_event *event, const struct config *config,
        const struct person_question *question, struct secret *pin, person_done done, void *user)
{
        (void)config;
        assert_false(world.open);                   /* no transaction across a human */
        if (question->choice || question->search) { /* nothing of a holder yet */
                assert_true(!pin && !question->given_name && !question->card_number);
                world.choices += question->choice;
                world.searches += question->search;
                world.asked_about = question->reader_count;
        } else {
                assert_true(pin ? pin->cap >= 64
                                : question->work == PERSON_CERTIFICATES ||
                                            (world.pinpad & PINPAD_VERIFY) != 0);
                world.consents += pin == NULL;
                world.prompts++;
        }
        last_question = *question;
        snprintf(world.shown_to, sizeof world.shown_to, "%s for %s",
                question->organization ? question->organization : "-", question->audience);
        if (!question->ui.tty)
                return OUTCOME_NOBODY_TO_ASK;
        WORLD_CALM();
        struct person *person = calloc(1, sizeof *person);
        *person = (struct person){ .pin = pin, .done = done, .user = user };
        assert_return_code(sd_event_add_defer(event, &person->soon, on_prompt, person), 0);
        WORLD_ON();
        *ret = person;
        return 0;
}

struct person *person_free(struct person *person)
{
        if (person)
                sd_event_source_disable_unref(person->soon);
        free(person);
        return NULL;
}

#endif
