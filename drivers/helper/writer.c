/* SPDX-License-Identifier: Apache-2.0 */
/* writer.c: see writer.h. It names the steps; what of their bytes may be kept, apdu/transcript.c decides.
 */
#include "drivers/helper/writer.h"

static const char *const names[OP_COUNT] = {
        [OP_BEGIN] = "begin",
        [OP_IDENTIFY] = "identify",
        [OP_FOREIGN] = "foreign",
        [OP_READ] = "read",
        [OP_CONFIRM] = "confirm",
        [OP_COUNTER] = "counter",
        [OP_PROBE] = "probe",
        [OP_METHOD] = "method",
        [OP_END] = "end",
};

void writer_switch(struct writer *writer, bool on, struct out *text)
{
        const struct transcript *t = &writer->transcript;
        if (!on)
                out_bytes16(text, (const uint8_t *)t->text, t->len);
        transcript_clear(&writer->transcript);
        writer->on = on;
}

/* Identification reads the dates in passing, and no other file. */
void writer_step(struct writer *writer, uint8_t op, uint8_t object)
{
        bool read = op == OP_READ;
        writer->object = read ? object : op == OP_IDENTIFY ? OBJECT_DATES : -1;
        if (writer->on && op < OP_COUNT && names[op])
                transcript_step(&writer->transcript, names[op], read ? object : -1);
}

void writer_heard(struct writer *writer, const uint8_t *cmd, size_t cmd_len, const uint8_t *rsp,
        size_t rsp_len)
{
        if (writer->on)
                transcript_add(&writer->transcript, writer->object, cmd, cmd_len, rsp, rsp_len);
}
