/* SPDX-License-Identifier: Apache-2.0 */
/* works.h: the pieces of work of work.h as functions, and what they are given. */
#ifndef MOHR_DOCUMENT_WORKS_H
#define MOHR_DOCUMENT_WORKS_H

#include "client-sdk/document/files.h"
#include "client-sdk/document/work.h"

#include <jansson.h>

/* Sends one answer before the last one; takes the reference. */
typedef int (*task_tell)(void *user, json_t *answer);

struct task {
        const json_t *asked; /* an object */
        json_t *answer;      /* an object that gets the members of the last answer */
        struct source source;
        int output; /* the descriptor; nothing is known of it */
        struct verdict verdict;
        task_tell tell;
        void *user;
};

/* 0; OUTCOME_INVALID with task->verdict; -ENOMEM or another negative errno. */
_must_check_ int task_inspect(struct task *task);
_must_check_ int task_prepare(struct task *task);
_must_check_ int task_text(struct task *task);
_must_check_ int task_countersign(struct task *task);
_must_check_ int task_write(struct task *task);
_must_check_ int task_signatures(struct task *task);

/* ---- what they share (task.c) ---- */

static inline int task_no(struct task *task, const char *why)
{
        return verdict_no(&task->verdict, why, NULL);
}
/* Adds a member; steals the value. -ENOMEM if that failed or the value is NULL. */
_must_check_ int task_say(json_t *answer, const char *name, json_t *value);
_must_check_ int task_say_hex(json_t *answer, const char *name, const uint8_t *data, size_t len);
/* Members of what was asked: "question" if they are not there, of another type or out of bounds. A text that need not be there
 * is NULL then. */
_must_check_ int asked_int(
        struct task *task, const char *name, int64_t min, int64_t max, int64_t *ret);
_must_check_ int asked_text(
        struct task *task, const char *name, size_t max, bool needed, const char **ret);
_must_check_ int asked_base64(
        struct task *task, const char *name, size_t max, uint8_t **ret, size_t *ret_len);
_must_check_ int asked_hash(struct task *task, const EVP_MD **ret);

/* Frees, and forgets what the library remembers of an error. */
void digest_free(EVP_MD_CTX **digest);
#define _cleanup_digest_ _cleanup_(digest_free)
_must_check_ int digest_new(EVP_MD_CTX **ret, const EVP_MD *hash);
_must_check_ int digest_add(EVP_MD_CTX *digest, const void *data, size_t len);
/* Its hex as a member. */
_must_check_ int digest_say(EVP_MD_CTX *digest, json_t *answer, const char *name);

#endif
