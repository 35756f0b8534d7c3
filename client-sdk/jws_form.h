/* SPDX-License-Identifier: Apache-2.0 */
/* jws_form.h: a JWS over a document taken apart: compact (RFC 7515 7.1) or general JSON (7.2.1), nothing else, and
 * nothing unprotected but timestamps (ETSI TS 119 182-1 5.3.4: etsiU with sigTst). The texts are base64url and stay so; they borrow from `owner` or from the text that was read.
 */
#ifndef MOHR_JWS_FORM_H
#define MOHR_JWS_FORM_H

#include "client-sdk/compact.h"
#include "client-sdk/jws.h"

#include <jansson.h>

#define JWS_SIGNERS_MAX 32

#define JWS_STAMPS_MAX 4                       /* of one signature */
#define JWS_STAMP_MAX  (64 * 1024 / 3 * 4 + 4) /* letters of one */

struct jws_signature {
        struct compact_part header, signature;
        struct compact_part stamps[JWS_STAMPS_MAX]; /* base64 */
        size_t stamp_count;
};

struct jws_form {
        json_t *owner; /* owned; NULL: compact */
        struct compact_part payload;
        size_t count;
        struct jws_signature rows[JWS_SIGNERS_MAX];
};

/* 0, 21 with a static English `why`, or -ENOMEM. To be cleared. */
_must_check_ int jws_read(const char *text, size_t len, struct jws_form *ret, const char **ret_why);
/* The decoded header as JSON, to be released: 21 if it is none. */
_must_check_ int jws_read_header(struct compact_part header, json_t **ret);
static inline void jws_form_clear(struct jws_form *form)
{
        json_decref(form->owner);
}
#define _cleanup_jws_ _cleanup_(jws_form_clear)

#endif
