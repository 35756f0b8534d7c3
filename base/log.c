/* SPDX-License-Identifier: Apache-2.0 */
/* log.c: see log.h. A line is built in one bounded buffer and written with one write(), so lines of
 * several processes on one stderr never mix, and a full pipe loses a line rather than blocking twice.
 */
#include "base/log.h"

#include "base/bytes.h"
#include "base/text.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>

#define LINE_MAX_BYTES  1024
#define VALUE_MAX_CHARS 256

static void put_text(struct out *line, const char *text)
{
        out_bytes(line, text, strlen(text));
}

static void put_value(struct out *line, const char *value)
{
        char clean[4 * VALUE_MAX_CHARS + 4];
        text_sanitize(clean, sizeof clean, value, VALUE_MAX_CHARS);
        put_text(line, "\"");
        for (const char *c = clean; *c; c++) {
                if (*c == '"' || *c == '\\')
                        put_text(line, "\\");
                out_bytes(line, c, 1);
        }
        put_text(line, "\"");
}

static void emit(const struct log *log, struct out *line)
{
        line->error = 0; /* a line too long is cut at its last whole pair */
        line->cap += 1;  /* kept back by begin() */
        out_bytes(line, "\n", 1);
        struct pollfd out = { .fd = log->fd, .events = POLLOUT };
        if (log->hasty && poll(&out, 1, 0) != 1)
                return;
        ssize_t written = write(log->fd, line->data, line->len);
        (void)written; /* nowhere to report a log that cannot be written */
}

static struct out begin(
        const struct log *log, enum log_level level, const char *request, uint8_t *buf)
{
        char head[128], number[16] = "";
        if (!log->plain)
                snprintf(number, sizeof number, "<%d>", (int)level);
        if (request)
                snprintf(head, sizeof head, "%s%s[%.32s]: ", number, log->program, request);
        else
                snprintf(head, sizeof head, "%s%s: ", number, log->program);
        struct out line = out_new(buf, LINE_MAX_BYTES - 1);
        put_text(&line, head);
        return line;
}

void log_kv(
        const struct log *log, enum log_level level, const char *request, const char *message, ...)
{
        if (level > log->max)
                return;
        uint8_t buf[LINE_MAX_BYTES];
        struct out line = begin(log, level, request, buf);
        put_text(&line, message);
        va_list pairs;
        va_start(pairs, message);
        for (const char *key; (key = va_arg(pairs, const char *)) != NULL;) {
                const char *value = va_arg(pairs, const char *);
                if (!value || !*value)
                        continue;
                size_t whole = line.len;
                put_text(&line, " ");
                put_text(&line, key);
                put_text(&line, "=");
                put_value(&line, value);
                if (line.error)
                        line.len = whole;
        }
        va_end(pairs);
        emit(log, &line);
}

void log_apdu(const struct log *log, const uint8_t header[4], uint16_t sw)
{
        if (LOG_LEVEL_DEBUG > log->max)
                return;
        uint8_t buf[LINE_MAX_BYTES];
        char text[32];
        struct out line = begin(log, LOG_LEVEL_DEBUG, NULL, buf);
        snprintf(text, sizeof text, "apdu %02x%02x%02x%02x sw=%04x", header[0], header[1],
                header[2], header[3], sw);
        put_text(&line, text);
        emit(log, &line);
}

int log_level_parse(const char *name, enum log_level *ret)
{
        static const struct {
                const char *name;
                enum log_level level;
        } levels[] = {
                { "error", LOG_LEVEL_ERR },
                { "warning", LOG_LEVEL_WARNING },
                { "notice", LOG_LEVEL_NOTICE },
                { "info", LOG_LEVEL_INFO },
                { "debug", LOG_LEVEL_DEBUG },
        };
        for (size_t i = 0; i < ARRAY_LEN(levels); i++)
                if (strcmp(levels[i].name, name) == 0) {
                        *ret = levels[i].level;
                        return 0;
                }
        return -EINVAL;
}
