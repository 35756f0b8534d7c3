/* SPDX-License-Identifier: Apache-2.0 */
/* documents_work.c: the kind of request that signs a document: struct request_work, over the present document of a signing. What differs
 * from form to form is documents_form.c's.
 */
#include "daemon/documents_internal.h"

#include "base/outcome.h"
#include "daemon/history.h"

static const struct document_form *form_of(const struct signing *signing)
{
        return document_form_row(signing_document(signing)->asked.form);
}

/* The digest of the document itself, where no worker tells another one. */
static void take_own_digest(struct signing *signing)
{
        const struct document *document = signing_document(signing);
        bool long_one = strcmp(signing->hash, "sha384") == 0;
        signing->digest_len = long_one ? sizeof document->sha384 : sizeof document->sha256;
        memcpy(signing->digest, long_one ? document->sha384 : document->sha256,
                signing->digest_len);
}

static int prepare(void *user, struct request *request, const struct request_subject *subject,
        const char **ret_detail)
{
        struct signing *signing = user;
        (void)request;
        signing->hash = cms_hash_name(subject->leaf);
        if (!signing->hash) {
                *ret_detail = "documents are signed with RSA, P-256 and P-384 keys";
                return OUTCOME_CARD_NOT_SUPPORTED;
        }
        memcpy(signing->print, subject->print, sizeof signing->print);
        signing->when = subject->when;
        take_own_digest(signing);
        int r = form_of(signing)->prepare ? form_of(signing)->prepare(signing, subject) : 0;
        if (r > 0 && r != REQUEST_WAIT)
                *ret_detail = signing->detail;
        return r;
}

static void record(void *user, struct history_asked *asked)
{
        struct signing *signing = user;
        const struct document *document = signing_document(signing);
        hex_encode(signing->value, document->sha256, sizeof document->sha256);
        asked->document = document->name;
        asked->document_digest = signing->value; /* for this call; later it is the signature's */
        asked->form = form_of(signing)->name;
}

/* What is agreed to: all of them; after a change of cards, those that are left. */
static void ask(void *user, struct person_question *question)
{
        const struct signing *signing = user;
        size_t from = question->granted ? 0 : signing->at;
        question->work = PERSON_DOCUMENTS;
        question->documents = signing->shown + from;
        question->document_count = signing->params.count - from;
        question->document_at = signing->at - from;
}

static int compose(void *user, const struct request_subject *subject, struct request_to_sign *ret,
        const char **ret_detail)
{
        struct signing *signing = user;
        (void)ret_detail;
        ret->method = SIGN_METHOD_COUNT;
        return form_of(signing)->compose(signing, subject, ret);
}

static int finish(void *user, const struct request_subject *subject, const uint8_t *signature,
        size_t len, const char **ret_detail)
{
        struct signing *signing = user;
        (void)ret_detail;
        return form_of(signing)->finish(signing, subject, signature, len);
}

static void end(void *user, struct history_ended *ended)
{
        const struct signing *signing = user;
        ended->signature = signing->cms || signing->jws ? signing->value : NULL;
}

const struct request_work document_work = {
        .method = "SignDocument",
        .policy = POLICY_DOCUMENT,
        .prepare = prepare,
        .record = record,
        .ask = ask,
        .compose = compose,
        .finish = finish,
        .end = end,
};
