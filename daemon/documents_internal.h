/* SPDX-License-Identifier: Apache-2.0 */
/* documents_internal.h: a document's parts as they see each other. Only documents*.c include it.
 *
 *   documents.c          the documents of a connection: added, described, forgotten
 *   documents_file.c     what a stranger's descriptors must be; files of our own without a name
 *   documents_sign.c     some of them signed, one after the other: requests, and the result put in place
 *   documents_prepare.c  what a form needs before the person is asked: room in a PDF, a digest
 *   documents_form.c     what a chip signs of each form, and what becomes of its signature
 */
#ifndef MOHR_DOCUMENTS_INTERNAL_H
#define MOHR_DOCUMENTS_INTERNAL_H

#include "client-sdk/document/work.h"
#include "daemon/documents.h"
#include "daemon/gate.h"
#include "daemon/worker.h"

#define DOCUMENT_DIGEST_MAX 48

struct document {
        struct document *next;
        struct documents *owner;
        char handle[REQUEST_ID_LEN + 1];
        struct document_asked asked; /* its texts are the ones below */
        char *name, *location;
        int from, to, copy;   /* as it came; where the result goes; ours. -1: none */
        uint64_t size, taken; /* as described; as it was found, for time limits */
        uint32_t pages, signatures;
        bool has_signatures;
        enum question_kind kind;
        uint8_t sha256[32], sha384[48];
        struct worker *worker;
        document_added added;
        void *user;
};

struct documents {
        struct request_context *context;
        size_t *all, count;
        struct document *list;
};

/* What a form is, as a row. Functions are of the present document of a signing, and return as those of struct request_work. */
struct document_form {
        const char *name; /* of mohr.Documents.Add */
        const char *why;  /* another kind of document does not fit; NULL: any does */
        enum question_kind kind;
        bool copied; /* the document goes into the result */
        /* What is asked of a worker before the person is asked: REQUEST_WAIT. NULL: nothing. */
        int (*prepare)(struct signing *signing, const struct request_subject *subject);
        int (*compose)(struct signing *signing, const struct request_subject *subject,
                struct request_to_sign *ret);
        int (*finish)(struct signing *signing, const struct request_subject *subject,
                const uint8_t *signature, size_t len);
        /* What goes to `write` besides the form: added to `question`. */
        bool (*write)(const struct signing *signing, json_t *question);
};
const struct document_form *document_form_row(enum question_form form);

struct signing {
        struct documents *owner;
        struct signing_params params;
        struct signing_callbacks callbacks;
        void *user;
        size_t at; /* the present one */
        struct request *request;
        struct worker *worker;
        sd_event_source *next; /* to the next one, from the loop */
        char id[REQUEST_ID_LEN + 1];
        const char *why, *detail; /* of the worker's refusal; static */
        char consent_of[REQUEST_ID_LEN + 1];
        uint8_t consent_print[GATE_PRINT_SIZE], print[GATE_PRINT_SIZE];
        bool consented;
        struct question_document *shown; /* all of them, for the prompt */

        /* Of the present document. */
        const char *hash; /* "sha256" or "sha384" */
        int64_t when;     /* what it says of the time */
        int prepared;     /* a PDF with room, or -1 */
        json_t *stamp;    /* what was drawn for it, or NULL */
        char holder[LEAF_NAME_MAX * 2 + 2];
        uint8_t digest[DOCUMENT_DIGEST_MAX]; /* told by the worker, or the document's own */
        size_t digest_len;
        uint64_t offset, room;
        uint8_t *attributes; /* signed attributes of CMS */
        size_t attributes_len;
        char *header, *jws; /* of a JWS: its header; its signature */
        uint8_t *cms;       /* the signature */
        size_t cms_len;
        char value[65]; /* SHA-256 of the signature's value, for the history */
};
static inline struct document *signing_document(const struct signing *signing)
{
        return signing->params.documents[signing->at];
}

/* 0, or OUTCOME_DOCUMENT with *ret_why: what neither reading nor writing the file tells. */
_must_check_ int file_pair_fits(int from, int to, uint64_t *ret_size, const char **ret_why);
/* A file of ours without a name, on a disk; or a negative errno. */
_must_check_ int file_nameless(const struct request_context *context);
uint64_t file_limit_us(uint64_t size); /* how long reading or writing so much may take */

/* Starts a worker for the present document. */
_must_check_ int signing_ask_worker(struct signing *signing, const char *work, json_t *question,
        int from, int to, worker_done done);
void signing_clear(struct signing *signing); /* what belongs to the present document */

extern const struct request_work document_work; /* its user is the signing */
int prepare_pdf(struct signing *signing, const struct request_subject *subject);
int prepare_text(struct signing *signing, const struct request_subject *subject);
int prepare_counter(struct signing *signing, const struct request_subject *subject);

#endif
