/* SPDX-License-Identifier: Apache-2.0 */
/* documents_prepare.c: what a form needs once the card is known and before the person is asked: room for a signature in a PDF, the
 * digest of a JWS's text, the value of the signature that is countersigned. All of it is a worker's work; here its questions are
 * put and its answers judged.
 *
 * A stamp is drawn by mohr-page, which is a package of its own since it needs fonts: where it is not installed, that is said before anybody
 * is asked for a PIN.
 */
#include "daemon/documents_internal.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/fields.h"
#include "client-sdk/jws.h"
#include "client-sdk/members.h"

#define NO_STAMP    "a visible stamp is drawn by the package mohr-receipt, which is not installed"
#define NONSENSE    "the program that works on documents spoke nonsense"
#define CONTENT_MAX (DOCUMENT_STAMP_MAX / 3 * 4 + 4)

/* Ends the preparation. */
static void go_on(struct signing *signing, int outcome, const char *why, const char *detail)
{
        signing->worker = worker_free(signing->worker);
        signing->why = why;
        request_prepared(signing->request, outcome, detail);
}

static bool take_digest(struct signing *signing, const json_t *answer)
{
        const char *hex = json_string_value(json_object_get(answer, "digest"));
        size_t len = signing->digest_len;
        return hex && field_is_hex(hex, 2 * len, 2 * len) &&
               hex_decode(signing->digest, sizeof signing->digest, hex) == (ssize_t)len;
}

static int wait_for(int r)
{
        return r == 0 ? REQUEST_WAIT : r;
}

/* ---- JWS ----------------------------------------------------------------------------------- */

static void on_text(
        void *user, int outcome, const json_t *answer, const char *why, const char *detail)
{
        struct signing *signing = user;
        if (outcome == 0 && !take_digest(signing, answer))
                go_on(signing, OUTCOME_INTERNAL, NULL, NONSENSE);
        else
                go_on(signing, outcome, why, detail);
}

int prepare_text(struct signing *signing, const struct request_subject *subject)
{
        int r = jws_header(subject->leaf, subject->issuer, signing->when, &signing->header);
        if (r != 0)
                return r;
        json_t *question =
                json_pack("{s:s, s:s}", "hash", signing->hash, "header", signing->header);
        return wait_for(signing_ask_worker(
                signing, "text", question, signing_document(signing)->copy, -1, on_text));
}

/* ---- a counter signature ------------------------------------------------------------------- */

static void on_counter(
        void *user, int outcome, const json_t *answer, const char *why, const char *detail)
{
        struct signing *signing = user;
        struct question_document *shown = &signing->shown[signing->at];
        const char *signer = json_string_value(json_object_get(answer, "signer"));
        bool whole = outcome == 0 && signer && take_digest(signing, answer);
        if (whole)
                text_sanitize(shown->countersigned, sizeof shown->countersigned, signer,
                        sizeof shown->countersigned);
        if (outcome == 0 && !whole)
                go_on(signing, OUTCOME_INTERNAL, NULL, NONSENSE);
        else
                go_on(signing, outcome, why, detail);
}

int prepare_counter(struct signing *signing, const struct request_subject *subject)
{
        const struct document *document = signing_document(signing);
        (void)subject;
        json_t *question = json_pack(
                "{s:s, s:i}", "hash", signing->hash, "signer", (int)document->asked.signer);
        return wait_for(signing_ask_worker(
                signing, "countersign", question, document->copy, -1, on_counter));
}

/* ---- PDF ----------------------------------------------------------------------------------- */

static bool take_number(
        const json_t *answer, const char *name, int64_t min, int64_t max, uint64_t *ret)
{
        const json_t *value = json_object_get(answer, name);
        if (!json_is_integer(value) || json_integer_value(value) < min ||
                json_integer_value(value) > max)
                return false;
        *ret = (uint64_t)json_integer_value(value);
        return true;
}

static void on_room(
        void *user, int outcome, const json_t *answer, const char *why, const char *detail)
{
        struct signing *signing = user;
        bool whole = outcome == 0 && take_digest(signing, answer) &&
                     take_number(answer, "offset", 1, INT64_MAX, &signing->offset) &&
                     take_number(answer, "room", 1, DOCUMENT_ROOM_MAX, &signing->room);
        if (outcome == 0 && !whole)
                go_on(signing, OUTCOME_INTERNAL, NULL, NONSENSE);
        else
                go_on(signing, outcome, why, detail);
}

static json_t *stamp_place(const struct document_stamp *stamp)
{
        return json_pack("{s:i, s:i, s:i, s:i, s:i}", "page", (int)stamp->page, "x", stamp->x, "y",
                stamp->y, "width", stamp->width, "height", stamp->height);
}

static bool add_stamp(json_t *question, const struct signing *signing)
{
        const struct document_stamp *stamp = &signing_document(signing)->asked.stamp;
        if (stamp->page == 0)
                return true;
        json_t *place = stamp_place(stamp);
        if (!place || json_object_set(place, "content", signing->stamp) < 0) {
                json_decref(place);
                return false;
        }
        return json_object_set_new(question, "stamp", place) == 0;
}

static json_t *room_question(const struct signing *signing)
{
        const struct member rows[] = {
                { "hash", signing->hash },
                { "name", signing->holder },
                { "reason", signing->params.purpose },
                { "location", signing_document(signing)->asked.location },
        };
        json_t *question = members_of(
                json_pack("{s:I, s:i}", "at", (json_int_t)signing->when, "room", DOCUMENT_ROOM),
                rows, ARRAY_LEN(rows));
        if (question && add_stamp(question, signing))
                return question;
        json_decref(question);
        return NULL;
}

static int make_room(struct signing *signing)
{
        signing->prepared = file_nameless(signing->owner->context);
        if (signing->prepared < 0)
                return signing->prepared;
        return signing_ask_worker(signing, "prepare", room_question(signing),
                signing_document(signing)->copy, signing->prepared, on_room);
}

static void on_stamp(
        void *user, int outcome, const json_t *answer, const char *why, const char *detail)
{
        struct signing *signing = user;
        json_t *content = json_object_get(answer, "content");
        bool whole = outcome == 0 && json_is_string(content) &&
                     json_string_length(content) <= CONTENT_MAX;
        if (!whole) {
                go_on(signing, outcome ? outcome : OUTCOME_INTERNAL, why,
                        outcome ? detail : NONSENSE);
                return;
        }
        signing->stamp = json_incref(content);
        signing->worker = worker_free(signing->worker);
        int r = make_room(signing);
        if (r != 0)
                go_on(signing, r, NULL, NULL);
}

static int draw_stamp(struct signing *signing, bool simulated)
{
        const struct document_stamp *stamp = &signing_document(signing)->asked.stamp;
        const char *language = signing->params.ui.language;
        struct request_context *context = signing->owner->context;
        const struct member rows[] = {
                { "language", language ? language : "fa" },
                { "name", signing->holder },
                { "purpose", signing->params.purpose },
                { "location", signing_document(signing)->asked.location },
        };
        const struct worker_task task = {
                .program = "mohr-page",
                .work = "stamp",
                .question = members_of(
                        json_pack("{s:I, s:i, s:i, s:b}", "at", (json_int_t)signing->when, "width",
                                stamp->width, "height", stamp->height, "simulated", simulated),
                        rows, ARRAY_LEN(rows)),
                .files = { -1, -1 },
                .limit_us = file_limit_us(0),
        };
        return worker_start(
                &signing->worker, context->event, context->config, &task, on_stamp, signing);
}

int prepare_pdf(struct signing *signing, const struct request_subject *subject)
{
        const struct leaf *facts = subject->facts;
        if (facts->class == LEAF_STAFF)
                text_sanitize(signing->holder, sizeof signing->holder, facts->common_name,
                        sizeof facts->common_name);
        else {
                char both[sizeof signing->holder];
                snprintf(both, sizeof both, "%s %s", facts->given_name, facts->family_name);
                text_sanitize(signing->holder, sizeof signing->holder, both, sizeof both);
        }
        if (signing_document(signing)->asked.stamp.page == 0)
                return wait_for(make_room(signing));
        int r = draw_stamp(signing, subject->simulated);
        if (r != -ENOENT)
                return wait_for(r);
        signing->why = "no-stamp";
        signing->detail = NO_STAMP;
        return OUTCOME_DOCUMENT;
}
