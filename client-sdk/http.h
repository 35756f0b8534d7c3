/* SPDX-License-Identifier: Apache-2.0 */
/* http.h: one small request over plain HTTP, for what is signed by itself: CRLs, OCSP, time stamps.
 *
 * Everything is bounded: bytes, redirections, and the time of the whole. https is refused in words: what
 * is fetched here is believed for its own signature, and a second stack to be trusted would prove nothing
 * more. The environment's http_proxy and no_proxy hold, as for other programs. Called by commands that
 * were told to go online, never by the verifier.
 */
#ifndef MOHR_HTTP_H
#define MOHR_HTTP_H

#include "base/base.h"

#define HTTP_REDIRECTS   3
#define HTTP_TIMEOUT     20 /* seconds, when the caller names none */
#define HTTP_TIMEOUT_MAX 600
#define HTTP_URL_MAX     1024

struct http_request {
        const char *url;          /* http://host[:port]/path */
        const char *content_type; /* of the body; NULL: GET */
        const void *body;
        size_t body_len;
        const char *expect; /* the answer's Content-Type, or NULL: any */
        size_t cap;         /* bytes of the answer at most */
        int timeout_s; /* of the whole, connecting and redirections included; 0: HTTP_TIMEOUT */
};

/* 0 with the body, to be freed. 21: no good answer; `problem` then holds an English line for operators
 * that names the host and what it did. Negative errno. */
_must_check_ int http_fetch(const struct http_request *request, uint8_t **ret, size_t *ret_len,
        char *problem, size_t problem_cap);

#endif
