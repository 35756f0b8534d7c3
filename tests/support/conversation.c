/* SPDX-License-Identifier: Apache-2.0 */
/* conversation.c: see conversation.h. Scripts are short; running out of room is a bug of the test. */
#include "tests/support/conversation.h"

#include <stdio.h>

#define LINES_MAX 128
#define BYTES_MAX 4200

struct line {
        uint8_t *command, *answer;
        size_t command_len, answer_len;
        int outcome;
};

struct conversation {
        struct apdu_link link;
        struct line lines[LINES_MAX];
        size_t count, next;
        char problem[1024];
};

static uint8_t *from_hex(const char *hex, size_t *ret_len)
{
        _cleanup_free_ char *packed = calloc(1, strlen(hex) + 1);
        uint8_t *bytes = calloc(1, BYTES_MAX);
        if (!packed || !bytes)
                abort();
        for (size_t n = 0; *hex; hex++)
                if (*hex != ' ')
                        packed[n++] = *hex;
        ssize_t len = hex_decode(bytes, BYTES_MAX, packed);
        if (len < 0)
                abort();
        *ret_len = (size_t)len;
        return bytes;
}

static void complain(struct conversation *c, const char *what, const uint8_t *bytes, size_t len)
{
        char hex[2 * 64 + 1];
        size_t used = strlen(c->problem);
        hex_encode(hex, bytes, base_min(len, 64));
        snprintf(c->problem + used, sizeof c->problem - used, "%s %s; ", what, hex);
}

static int transmit(
        void *ctx, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct conversation *c = ctx;
        struct line *line = &c->lines[c->next];
        if (c->next == c->count || line->command_len != cmd_len ||
                memcmp(line->command, cmd, cmd_len) != 0) {
                complain(c, "said", cmd, cmd_len);
                if (c->next < c->count)
                        complain(c, "expected", line->command, line->command_len);
                return -EPROTO;
        }
        c->next++;
        if (line->outcome != 0)
                return line->outcome;
        if (line->answer_len > cap)
                return -EMSGSIZE;
        memcpy(rsp, line->answer, line->answer_len);
        *ret_len = line->answer_len;
        return 0;
}

struct conversation *conversation_new(enum apdu_protocol protocol)
{
        struct conversation *c = calloc(1, sizeof *c);
        if (!c)
                abort();
        c->link = (struct apdu_link){ .transmit = transmit, .ctx = c, .protocol = protocol };
        return c;
}

struct conversation *conversation_free(struct conversation *c)
{
        for (size_t i = 0; c && i < c->count; i++) {
                free(c->lines[i].command);
                free(c->lines[i].answer);
        }
        free(c);
        return NULL;
}

void conversation_say(struct conversation *c, const char *command, const char *answer)
{
        if (c->count == LINES_MAX)
                abort();
        struct line *line = &c->lines[c->count++];
        line->command = from_hex(command, &line->command_len);
        if (answer[0] == '!')
                line->outcome = atoi(answer + 1);
        else
                line->answer = from_hex(answer, &line->answer_len);
}

void conversation_say_all(struct conversation *c, const struct said *lines, size_t count)
{
        for (size_t i = 0; i < count; i++)
                conversation_say(c, lines[i].command, lines[i].answer);
}

void conversation_say_reads(struct conversation *c, const uint8_t *file, size_t len, size_t unit)
{
        for (size_t at = 0; at < len; at += 0xF8) {
                char command[64], answer[2 * 0xF8 + 5];
                size_t part = base_min(len - at, 0xF8);
                snprintf(command, sizeof command, "00B0%04zX%02zX", at / unit, part);
                hex_encode(answer, file + at, part);
                memcpy(answer + 2 * part, "9000", 5);
                conversation_say(c, command, answer);
        }
}

struct apdu_link *conversation_link(struct conversation *c)
{
        return &c->link;
}

size_t conversation_count(const struct conversation *c)
{
        return c->next;
}

const char *conversation_problem(struct conversation *c)
{
        if (c->problem[0] == '\0' && c->next < c->count)
                complain(c, "never said", c->lines[c->next].command, c->lines[c->next].command_len);
        return c->problem[0] ? c->problem : NULL;
}
