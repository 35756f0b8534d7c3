/* SPDX-License-Identifier: Apache-2.0 */
/* screen_answer.c: what may be answered to which question, checked as if a stranger had answered.
 *
 * Whatever does not fit is an error, and the question stays open: nothing was decided, and nothing went to a card. What
 * a screen leaves out is never more than it asked: without `released` only what is required goes along, and
 * without `last_try` the last try is not used. Digits are read only when all else fits.
 */
#include "daemon/screen_internal.h"

#include "base/outcome.h"
#include "daemon/params.h"

#include <openssl/crypto.h>

#define ANY_KIND (SCREEN_SIGNS | SCREEN_CHOICE | SCREEN_SEARCH | SCREEN_CERTIFICATES)

static const struct param answer_params[] = {
        { .name = "ticket",
                .required = true,
                .min = SCREEN_TICKET_LEN,
                .max = SCREEN_TICKET_LEN,
                .valid = param_graphic },
        { .name = "decision", .required = true, .min = 1, .max = 32, .valid = param_graphic },
        { .name = "released", .type = PARAM_CLAIMS },
        { .name = "remember", .type = PARAM_BOOL },
        { .name = "last_try", .type = PARAM_BOOL },
        { 0 },
};

static const struct decision {
        const char *name;
        unsigned int kinds; /* of questions */
        int outcome;
        bool of_last_try;
} decisions[] = {
        { "sign", SCREEN_SIGNS, 0, false },
        { "yes", SCREEN_CHOICE | SCREEN_SEARCH | SCREEN_CERTIFICATES, 0, false },
        { "another", SCREEN_CHOICE, OUTCOME_NO_CARD, false },
        { "refuse", ANY_KIND, OUTCOME_REFUSED, false },
        { "decline_last_try", SCREEN_SIGNS, OUTCOME_LAST_TRY_DECLINED, true },
        { "cannot", ANY_KIND, OUTCOME_NOBODY_TO_ASK, false },
};

/* What does not fit: an error's name, and for InvalidParameter the parameter's. */
struct misfit {
        const char *error, *parameter;
};
static const struct misfit fits;

static struct misfit wrong(const char *parameter)
{
        return (struct misfit){ "org.varlink.service.InvalidParameter", parameter };
}

static struct misfit error(const char *name)
{
        return (struct misfit){ name, NULL };
}

/* ---- the parts of an answer ---------------------------------------------------------------- */

static struct misfit judge_decision(
        const struct screen_question *question, json_t *parameters, struct person_answer *ret)
{
        const char *name = json_string_value(json_object_get(parameters, "decision"));
        for (size_t i = 0; i < ARRAY_LEN(decisions); i++) {
                const struct decision *row = &decisions[i];
                if (strcmp(row->name, name) != 0 || !(row->kinds & question->kind) ||
                        (row->of_last_try && !question->last_try))
                        continue;
                ret->outcome = row->outcome;
                return fits;
        }
        return wrong("decision");
}

static bool given(json_t *parameters, const char *name)
{
        json_t *value = json_object_get(parameters, name);
        return value && !json_is_null(value);
}

/* Nothing but a yes to a signature says more than that; one to certificates may be remembered. */
static struct misfit judge_nothing_more(json_t *parameters, bool may_be_remembered)
{
        static const char *const names[] = { "released", "last_try", "remember" };
        for (size_t i = 0; i < ARRAY_LEN(names) - may_be_remembered; i++)
                if (given(parameters, names[i]))
                        return wrong(names[i]);
        return fits;
}

static struct misfit judge_remember(
        const struct screen_question *question, json_t *parameters, struct person_answer *ret)
{
        ret->remember = json_is_true(json_object_get(parameters, "remember"));
        return ret->remember && !question->may_remember ? wrong("remember") : fits;
}

static struct misfit judge_released(
        const struct screen_question *question, json_t *parameters, struct person_answer *ret)
{
        claimset all = question->required | question->optional;
        claimset released = question->required; /* PARAM_CLAIMS has seen to its form */
        if (given(parameters, "released"))
                (void)claimset_read(json_object_get(parameters, "released"), &released);
        if ((released & all) != released || (released & question->required) != question->required)
                return wrong("released");
        ret->released = released;
        return fits;
}

static struct misfit judge_signature(
        const struct screen_question *question, json_t *parameters, struct person_answer *ret)
{
        bool last_try = json_is_true(json_object_get(parameters, "last_try"));
        struct misfit misfit = judge_released(question, parameters, ret);
        if (misfit.error)
                return misfit;
        if (last_try && !question->last_try)
                return wrong("last_try"); /* a screen that always says so has not asked */
        if (question->last_try && !last_try)
                return error(SCREEN_INTERFACE ".LastTryNotConfirmed");
        return fits;
}

static struct misfit judge(const struct screen_question *question, const struct call *call,
        json_t *parameters, struct person_answer *ret)
{
        struct misfit misfit = judge_decision(question, parameters, ret);
        bool yes = !misfit.error && ret->outcome == 0;
        bool signs = yes && (question->kind & SCREEN_SIGNS);
        if (signs)
                misfit = judge_signature(question, parameters, ret);
        else if (!misfit.error)
                misfit = judge_nothing_more(
                        parameters, yes && question->kind == SCREEN_CERTIFICATES);
        if (!misfit.error && yes)
                misfit = judge_remember(question, parameters, ret);
        if (!misfit.error && (call_fds(call) > 0) != (signs && !question->pinpad))
                misfit = error(SCREEN_INTERFACE ".PinNotPassed");
        return misfit;
}

/* ---- whose answer, and to what ------------------------------------------------------------- */

/* The ticket tells which question, and that it was heard; the process, that nobody overheard it. */
static struct misfit find_question(const struct screen *screen, const struct call *call,
        json_t *parameters, struct screen_question **ret)
{
        const char *ticket = json_string_value(json_object_get(parameters, "ticket"));
        struct screen_question *open = screen->open;
        if (!screen->serving || call_peer(call)->pid != screen->pid)
                return error(SCREEN_INTERFACE ".PermissionDenied");
        if (!open || open->answering || CRYPTO_memcmp(ticket, open->ticket, SCREEN_TICKET_LEN) != 0)
                return error(SCREEN_INTERFACE ".NoSuchQuestion");
        *ret = open;
        return fits;
}

static void refuse(struct call *call, const struct misfit *misfit)
{
        call_error(call, misfit->error,
                misfit->parameter ? json_pack("{s:s}", "parameter", misfit->parameter) : NULL);
}

/* ---- the digits ---------------------------------------------------------------------------- */

static void stop_reading(struct screen_question *question)
{
        question->passing = screen_pin_free(question->passing);
        question->answering = NULL;
}

static void on_hangup(void *user)
{
        stop_reading(user);
}

void screen_answer_drop(struct screen_question *question)
{
        const struct misfit gone = error(SCREEN_INTERFACE ".NoSuchQuestion");
        struct call *call = question->answering;
        stop_reading(question);
        if (call)
                refuse(call, &gone);
}

static void on_digits(void *user, bool whole)
{
        struct screen_question *question = user;
        const struct misfit none = error(SCREEN_INTERFACE ".PinNotPassed");
        const struct person_answer answer = question->answer;
        struct call *call = question->answering;
        stop_reading(question);
        if (!whole) {
                refuse(call, &none);
                return;
        }
        call_reply(call, json_object());
        screen_settle(question, &answer);
}

static void read_digits(
        struct screen_question *question, struct call *call, const struct person_answer *answer)
{
        int r = screen_pin_new(&question->passing, question->screen->event, call_take_fd(call),
                screen_pin_min(question->staff), question->pin, on_digits, question);
        if (r != 0) {
                const struct misfit failed = error(
                        r < 0 ? SCREEN_INTERFACE ".Internal" : SCREEN_INTERFACE ".PinNotPassed");
                refuse(call, &failed);
                return;
        }
        question->answer = *answer;
        question->answering = call;
        call_on_hangup(call, on_hangup, question);
}

void screen_answer(void *user, struct call *call, json_t *parameters)
{
        struct screen *screen = user;
        struct screen_question *question = NULL;
        struct person_answer answer = { 0 };
        if (!params_accept(call, parameters, answer_params))
                return;
        struct misfit misfit = find_question(screen, call, parameters, &question);
        if (!misfit.error)
                misfit = judge(question, call, parameters, &answer);
        if (misfit.error) {
                refuse(call, &misfit);
        } else if (call_fds(call) > 0) {
                read_digits(question, call, &answer);
        } else {
                call_reply(call, json_object());
                screen_settle(question, &answer);
        }
}
