/* SPDX-License-Identifier: Apache-2.0 */
/* writer.h: writes down what is said to the card, if mohrd wants it: steps and lines of a transcript. */
#ifndef MOHR_WRITER_H
#define MOHR_WRITER_H

#include "apdu/transcript.h"
#include "drivers/ops.h"

struct writer {
        bool on;
        int object; /* being read, or -1 */
        struct transcript transcript;
};

/* Begins anew, or ends: then what was written goes to `text`, and is wiped here. */
void writer_switch(struct writer *writer, bool on, struct out *text);
/* What is said next is said for this operation. `object`: of OP_READ. */
void writer_step(struct writer *writer, uint8_t op, uint8_t object);
/* `rsp` NULL: no answer came. */
void writer_heard(struct writer *writer, const uint8_t *cmd, size_t cmd_len, const uint8_t *rsp,
        size_t rsp_len);

#endif
