/* SPDX-License-Identifier: Apache-2.0 */
/* text.h: what a JWS signs of a file: header, full stop, the file's base64url, to wherever it is to go. */
#ifndef MOHR_DOCUMENT_TEXT_H
#define MOHR_DOCUMENT_TEXT_H

#include "client-sdk/document/works.h"

struct text {
        files_piece put;
        void *user;
        uint8_t wait[3]; /* zeroed with the rest at the start */
        size_t waiting;
};

_must_check_ int text_of_file(struct text *text, const char *header, const struct source *source,
        struct verdict *verdict);

#endif
