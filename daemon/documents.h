/* SPDX-License-Identifier: Apache-2.0 */
/* documents.h: what an app wants signed: the documents of one connection, from Add to the signature in its place.
 *
 * A document is described once, when it is added, and from then on only our own copy of it is used (for a detached
 * signature its digests are enough). It is read by a worker (worker.h): no byte of it is ever in this process. What is
 * signed goes the way of every request (request.h), one document after the other under one consent, and nothing is
 * written to where the result belongs before the history has the row that says so.
 *
 * Bounds: 64 documents of a connection, 256 of all; one worker at a time for a connection.
 */
#ifndef MOHR_DOCUMENTS_H
#define MOHR_DOCUMENTS_H

#include "client-sdk/cms.h"
#include "daemon/prompt/question.h"
#include "daemon/request.h"

#define DOCUMENTS_MAX     QUESTION_DOCUMENTS_MAX
#define DOCUMENTS_ALL_MAX 256

struct documents; /* those of one connection */
struct document;
struct signing; /* some of them on their way */

/* `all` counts the documents of every connection; both outlive it. */
_must_check_ int documents_new(
        struct documents **ret, struct request_context *context, size_t *all);
struct documents *documents_free(struct documents *documents);
bool documents_full(const struct documents *documents);
struct document *documents_find(const struct documents *documents, const char *handle);
void documents_drop(struct documents *documents, struct document *document); /* kills its worker */

#define DOCUMENT_LOCATION_MAX 128
struct document_stamp {
        unsigned int page; /* 0: none */
        int x, y, width, height;
};
struct document_asked { /* copied */
        const char *name, *location;
        enum question_form form;
        struct document_stamp stamp;
        enum cms_commitment commitment;
        struct cms_policy policy;
        bool no_time;
        unsigned int signer;
};
enum question_form document_form_named(const char *name); /* FORMS: there is none of this name */

/* outcome 0: it is described. OUTCOME_DOCUMENT: `why` is a stable word, the document is to be dropped as after any other
 * outcome. Texts are static. Never called from inside documents_add(). */
typedef void (*document_added)(void *user, int outcome, const char *why, const char *detail);
/* Both descriptors are taken over, also on failure: the document, and where the result goes. 0; OUTCOME_DOCUMENT with
 * *ret_why, a stable word; or a negative errno. */
_must_check_ int documents_add(struct document **ret, struct documents *documents,
        const struct document_asked *asked, int from, int to, document_added added, void *user,
        const char **ret_why);
/* {"document", "kind", "size", "digest", "pages"?, "signatures"?}; NULL: no memory. */
json_t *document_described(const struct document *document);
enum question_form document_form(const struct document *document);

struct signing_params { /* the texts are borrowed until its end */
        struct document *documents[DOCUMENTS_MAX];
        size_t count;
        const char *purpose, *reader;
        unsigned int timeout_ms; /* for each; 0: the default */
        struct person_ui ui;
        struct peer peer;
};
struct signing_end {
        int outcome;          /* 0: all are signed */
        const char *document; /* the one that was not; lent for the call, as all of these */
        const char *request;  /* its id, or NULL */
        const char *why;      /* of OUTCOME_DOCUMENT: a stable word; else NULL */
        const char *detail;   /* or NULL */
        int tries_left;       /* -1: not known */
};
struct signing_callbacks {
        void (*phase)(void *user, const char *document, const char *request, const char *phase);
        void (*done)(void *user, const struct signing_end *end); /* the last; it is gone then */
};
_must_check_ int signing_start(struct signing **ret, struct documents *documents,
        const struct signing_params *params, const struct signing_callbacks *callbacks, void *user);
struct signing *signing_cancel(struct signing *signing); /* no callback after */

#endif
