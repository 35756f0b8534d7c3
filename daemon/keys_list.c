/* SPDX-License-Identifier: Apache-2.0 */
/* keys_list.c: may this program see the certificates of the card? One question for all of them, and no PIN.
 *
 * A staff card has two. Whoever reads that of 9A reads that of 9C as well (gate.h), so the request is for 9A; where the card has
 * none that can be used, it is made again for 9C, of which nobody was asked anything by then. What was answered is kept while
 * the card lies there: a yes for this connection of this process, a no for the program.
 */
#include "daemon/keys.h"

#include "base/outcome.h"
#include "daemon/history.h"

#include <stdio.h>

struct keys_list {
        struct keys *keys;
        struct request *request;
        keys_done done;
        void *user;
        struct peer peer;
        uint64_t connection;
        struct request_params params;
        enum card_use use;
        struct keys_card found;
};

static struct keys_list *list_free(struct keys_list *list)
{
        if (!list)
                return NULL;
        keys_card_clear(&list->found);
        free(list);
        return NULL;
}

static int take_key(struct keys_list *list, const struct request_subject *subject,
        enum card_use use, X509 *leaf, X509 *issuer)
{
        struct keys_card *card = &list->found;
        int r = keys_key_init(&card->keys[card->count], keys_context(list->keys)->config,
                subject->family, use, leaf, issuer);
        card->count += r == 0;
        return r;
}

/* Mostly one CA issued both; the other's own is not looked for. */
static X509 *issuer_of(X509 *leaf, X509 *candidate)
{
        return candidate && X509_NAME_cmp(X509_get_issuer_name(leaf),
                                    X509_get_subject_name(candidate)) == 0
                       ? candidate
                       : NULL;
}

/* What there is to tell, once the card was confirmed; told after the yes. */
static int list_prepare(void *user, struct request *request, const struct request_subject *subject,
        const char **ret_detail)
{
        struct keys_list *list = user;
        enum card_use use = subject->family == CARD_PIV ? list->use : CARD_USE_SIGNATURE;
        (void)request, (void)ret_detail;
        keys_card_clear(&list->found);
        list->found.events = subject->events;
        list->found.simulated = subject->simulated;
        snprintf(list->found.request, sizeof list->found.request, "%s", subject->id);
        int r = subject->other ? take_key(list, subject, CARD_USE_SIGNATURE, subject->other,
                                         issuer_of(subject->other, subject->issuer))
                               : 0;
        return r == 0 ? take_key(list, subject, use, subject->leaf, subject->issuer) : r;
}

/* The key that was wanted: the other one's certificate, where there is one, comes along. */
static void list_record(void *user, struct history_asked *asked)
{
        const struct keys_card *card = &((const struct keys_list *)user)->found;
        bool opens = card->keys[card->count - 1].use == CARD_USE_AUTHENTICATION;
        asked->key = opens ? "authentication" : "signature";
}

static void list_ask(void *user, struct person_question *question)
{
        (void)user;
        question->work = PERSON_CERTIFICATES;
}

static const struct request_work list_work = {
        .method = "ShowCertificates",
        .policy = POLICY_KEYS,
        .has_reader = true,
        .no_pin = true,
        .prepare = list_prepare,
        .record = list_record,
        .ask = list_ask,
};

static void list_phase(void *user, const char *id, const char *phase)
{
        (void)user, (void)id, (void)phase;
}

/* A card or program that was answered no is not asked about again while it lies there. */
static int settle(struct keys_list *list, int outcome, const struct keys_card **ret)
{
        const struct keys_asker asker = { list->connection, &list->peer };
        uint32_t events = list->found.events;
        *ret = NULL;
        if (outcome == OUTCOME_REFUSED)
                keys_note_answer(list->keys, &asker, events, KEYS_NO);
        if (outcome != 0)
                return outcome;
        int r = keys_put_card(list->keys, &list->found, ret);
        if (r == 0)
                keys_note_answer(list->keys, &asker, events, KEYS_YES);
        return outcome_of(r);
}

static int begin(struct keys_list *list);

static void list_done(void *user, const char *id, int outcome, const char *assertion,
        int tries_left, const char *detail)
{
        struct keys_list *list = user;
        struct keys_end end = { .request = id, .detail = detail, .tries_left = -1 };
        (void)assertion, (void)tries_left;
        list->request = NULL;
        if (outcome == OUTCOME_CARD_NOT_SUPPORTED && list->use == CARD_USE_AUTHENTICATION) {
                list->use = CARD_USE_SIGNATURE;
                if (begin(list) == 0)
                        return;
        }
        end.outcome = settle(list, outcome, &end.card);
        list->done(list->user, &end);
        list_free(list);
}

static int begin(struct keys_list *list)
{
        static const struct request_callbacks callbacks = { list_phase, list_done };
        list->params.work = &list_work;
        list->params.use = list->use;
        list->params.work_user = list;
        return request_start(
                &list->request, keys_context(list->keys), &list->params, &callbacks, list);
}

int keys_list_start(struct keys_list **ret, struct keys *keys, const struct keys_call *call,
        keys_done done, void *user)
{
        struct keys_list *list = calloc(1, sizeof *list);
        if (!list)
                return -ENOMEM;
        *list = (struct keys_list){ .keys = keys,
                .done = done,
                .user = user,
                .peer = *call->asker.peer,
                .connection = call->asker.connection,
                .use = CARD_USE_AUTHENTICATION };
        list->params = (struct request_params){ .reader = call->reader,
                .timeout_ms = call->timeout_ms,
                .ui = call->ui,
                .peer = *call->asker.peer };
        int r = begin(list);
        if (r < 0) {
                list_free(list);
                return r;
        }
        *ret = list;
        return 0;
}

struct keys_list *keys_list_cancel(struct keys_list *list)
{
        if (list)
                request_cancel(list->request);
        return list_free(list);
}
