/* SPDX-License-Identifier: Apache-2.0 */
/* documents_sign.c: documents signed one after the other: a request for each, and its result put in place.
 *
 * The first request's page of consent lists them all; the others say whose consent they go by, and if meanwhile another card
 * lies there, its holder is shown what is left. Each asks for a PIN: nothing here remembers one. What was signed
 * stays signed, whatever becomes of the next.
 *
 * The result is written when the request has ended well, so its row is on disk. A result that cannot be written leaves a document that is
 * not signed: its signature is forgotten with it, and the row says that there was one.
 */
#include "daemon/documents_internal.h"

#include "base/outcome.h"
#include "daemon/varlink.h"

#include <stdio.h>

static int begin_next(struct signing *signing);

/* ---- the end ------------------------------------------------------------------------------- */

void signing_clear(struct signing *signing)
{
        signing->worker = worker_free(signing->worker);
        if (signing->prepared >= 0)
                close(base_take_fd(&signing->prepared));
        json_decref(signing->stamp);
        free(signing->attributes);
        free(signing->header);
        free(signing->jws);
        free(signing->cms);
        signing->stamp = NULL;
        signing->attributes = signing->cms = NULL;
        signing->header = signing->jws = NULL;
        signing->hash = signing->why = signing->detail = NULL;
        signing->attributes_len = signing->cms_len = signing->digest_len = 0;
        signing->offset = signing->room = 0;
        signing->when = 0;
        signing->id[0] = signing->holder[0] = signing->value[0] = '\0';
}

static void signing_free(struct signing *signing)
{
        signing->request = request_cancel(signing->request);
        signing_clear(signing);
        sd_event_source_disable_unref(signing->next);
        free(signing->shown);
        free(signing);
}

struct signing *signing_cancel(struct signing *signing)
{
        if (signing)
                signing_free(signing);
        return NULL;
}

static void end(struct signing *signing, const struct signing_end *how)
{
        signing->callbacks.done(signing->user, how);
        signing_free(signing);
}

static void fail(struct signing *signing, int outcome, const char *detail, int tries_left)
{
        char id[sizeof signing->id];
        const char *why = outcome == OUTCOME_DOCUMENT ? signing->why : NULL;
        memcpy(id, signing->id, sizeof id);
        const struct signing_end how = {
                .outcome = outcome,
                .document = signing_document(signing)->handle,
                .request = id[0] ? id : NULL,
                .why = why,
                .detail = detail,
                .tries_left = tries_left,
        };
        end(signing, &how);
}

/* ---- the result, in its place -------------------------------------------------------------- */

int signing_ask_worker(struct signing *signing, const char *work, json_t *question, int from,
        int to, worker_done done)
{
        struct request_context *context = signing->owner->context;
        const struct worker_task task = {
                .program = "mohr-document",
                .work = work,
                .question = question,
                .files = { from, to },
                .limit_us = file_limit_us(signing_document(signing)->size),
        };
        return worker_start(
                &signing->worker, context->event, context->config, &task, done, signing);
}

static int on_next(sd_event_source *source, void *user)
{
        struct signing *signing = user;
        (void)source;
        signing->next = sd_event_source_disable_unref(signing->next);
        int r = begin_next(signing);
        if (r != 0)
                fail(signing, outcome_of(r), NULL, -1);
        return 0;
}

/* What was agreed to holds for the next ones, on this very card. */
static void keep_consent(struct signing *signing)
{
        if (signing->consented &&
                memcmp(signing->consent_print, signing->print, sizeof signing->print) == 0)
                return;
        signing->consented = true;
        memcpy(signing->consent_of, signing->id, sizeof signing->consent_of);
        memcpy(signing->consent_print, signing->print, sizeof signing->print);
}

static void on_written(
        void *user, int outcome, const json_t *answer, const char *why, const char *detail)
{
        struct signing *signing = user;
        struct document *document = signing_document(signing);
        (void)answer;
        signing->worker = worker_free(signing->worker);
        if (outcome != 0) {
                signing->why = why;
                fail(signing, outcome, detail, -1);
                return;
        }
        signing->callbacks.phase(signing->user, document->handle, signing->id, "signed");
        keep_consent(signing);
        signing_clear(signing);
        documents_drop(signing->owner, document);
        if (++signing->at == signing->params.count)
                end(signing, &(struct signing_end){ .tries_left = -1 });
        else if (sd_event_add_defer(
                         signing->owner->context->event, &signing->next, on_next, signing) < 0)
                fail(signing, OUTCOME_INTERNAL, NULL, -1);
}

static int write_result(struct signing *signing)
{
        const struct document *document = signing_document(signing);
        const struct document_form *form = document_form_row(document->asked.form);
        int from = signing->prepared >= 0 ? signing->prepared
                   : form->copied         ? document->copy
                                          : document->from;
        json_t *question = json_pack("{s:s}", "form", form->name);
        if (question && !form->write(signing, question)) {
                json_decref(question);
                question = NULL;
        }
        return signing_ask_worker(signing, "write", question, from, document->to, on_written);
}

/* ---- a request ----------------------------------------------------------------------------- */

static void on_phase(void *user, const char *id, const char *phase)
{
        struct signing *signing = user;
        snprintf(signing->id, sizeof signing->id, "%s", id);
        signing->callbacks.phase(
                signing->user, signing_document(signing)->handle, signing->id, phase);
}

static void on_done(void *user, const char *id, int outcome, const char *assertion, int tries_left,
        const char *detail)
{
        struct signing *signing = user;
        (void)assertion;
        signing->request = NULL; /* it frees itself */
        snprintf(signing->id, sizeof signing->id, "%s", id);
        if (outcome == 0) {
                int r = write_result(signing);
                if (r != 0)
                        fail(signing, outcome_of(r), "the result could not be written", -1);
                return;
        }
        fail(signing, outcome, detail ? detail : signing->detail,
                outcome == OUTCOME_WRONG_PIN ? tries_left : -1);
}

static int begin_next(struct signing *signing)
{
        static const struct request_callbacks callbacks = { on_phase, on_done };
        const struct signing_params *asked = &signing->params;
        const struct request_params params = {
                .work = &document_work,
                .work_user = signing,
                .consent_of = signing->consented ? signing->consent_of : NULL,
                .consent_print = signing->consented ? signing->consent_print : NULL,
                .purpose = asked->purpose,
                .reader = asked->reader,
                .timeout_ms = asked->timeout_ms,
                .ui = asked->ui,
                .peer = asked->peer,
        };
        return request_start(
                &signing->request, signing->owner->context, &params, &callbacks, signing);
}

_Static_assert((int)COMMITMENT_ORIGIN == (int)CMS_COMMITMENT_ORIGIN &&
                       (int)COMMITMENTS == (int)CMS_COMMITMENTS,
        "the prompt's commitments are those that are signed");

/* All that an app may have stated with the signature: nothing of it is signed unseen. */
static struct question_document show(const struct document *document)
{
        const struct document_asked *asked = &document->asked;
        struct question_document shown = {
                .commitment = (enum question_commitment)asked->commitment,
                .stamp_page = asked->stamp.page,
                .kind = document->kind,
                .form = document->asked.form,
                .size = document->size,
                .pages = document->pages,
        };
        snprintf(shown.name, sizeof shown.name, "%s", document->name);
        snprintf(shown.policy, sizeof shown.policy, "%s", asked->policy.oid);
        snprintf(shown.location, sizeof shown.location, "%s",
                asked->location ? asked->location : "");
        memcpy(shown.digest, document->sha256, sizeof shown.digest);
        return shown;
}

int signing_start(struct signing **ret, struct documents *documents,
        const struct signing_params *params, const struct signing_callbacks *callbacks, void *user)
{
        struct signing *signing = calloc(1, sizeof *signing);
        if (!signing)
                return -ENOMEM;
        signing->owner = documents;
        signing->params = *params;
        signing->callbacks = *callbacks;
        signing->user = user;
        signing->prepared = -1;
        signing->shown = calloc(params->count, sizeof *signing->shown);
        for (size_t i = 0; signing->shown && i < params->count; i++)
                signing->shown[i] = show(params->documents[i]);
        int r = signing->shown ? begin_next(signing) : -ENOMEM;
        if (r < 0) {
                signing_free(signing);
                return r;
        }
        *ret = signing;
        return 0;
}
