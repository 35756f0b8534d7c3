/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c: see replay.h. A line is compared with a command, or written out as an answer when it is needed, "[n]"
 * being n bytes that anything fits or that a source fills. A certificate is no longer as long as it was: so
 * its file is served as a file, or as an object that comes in pieces, whatever the lines say.
 */
#include "drivers/softcard/replay_internal.h"

#include "base/outcome.h"

#define INS_READ_BINARY  0xB0
#define INS_GET_RESPONSE 0xC0
#define INS_GET_DATA     0xCB
#define KEY_QUERY_LEN    15
#define PIECE_MAX        256
#define OTHER_KEY        0x5A /* a modulus that is nobody's */

struct replay *replay_free(struct replay *replay)
{
        free(replay);
        return NULL;
}

const struct replay_head *replay_head(const struct replay *replay)
{
        return &replay->head;
}

void replay_put_file(struct replay *replay, size_t file, struct view der)
{
        if (file < REPLAY_FILES)
                replay->files[file] = der;
}

void replay_put_key(struct replay *replay, struct view modulus, struct view exponent)
{
        replay->modulus = modulus;
        replay->exponent = exponent;
}

void replay_power_on(struct replay *replay)
{
        replay->next = 0;
        replay->open = 0;
        replay->source = replay->object = (struct view){ 0 };
        replay->filler = 0;
}

unsigned int replay_strangers(const struct replay *replay)
{
        return replay->strangers;
}

/* ---- playing ------------------------------------------------------------------------------- */

static bool is_command(struct view cmd, uint8_t ins)
{
        return cmd.len >= 5 && cmd.data[0] == 0x00 && cmd.data[1] == ins;
}

static bool fits(const struct replay *replay, const struct line *line, struct view cmd)
{
        const char *at = replay->text + line->command.at, *end = at + line->command.len;
        struct token token;
        size_t done = 0;
        while (replay_token(&at, end, &token) == 0) {
                if (token.count > cmd.len - done)
                        return false;
                for (size_t i = 0; !token.withheld && i < token.count; i++)
                        if (replay_hex_byte(token.text + 2 * i) != cmd.data[done + i])
                                return false;
                done += token.count;
        }
        return done == cmd.len;
}

static const struct line *find(struct replay *replay, struct view cmd)
{
        for (size_t n = 0; n < replay->count; n++) {
                const struct line *line = &replay->lines[(replay->next + n) % replay->count];
                if (!fits(replay, line, cmd))
                        continue;
                replay->next = (size_t)(line - replay->lines) + 1;
                return line;
        }
        return NULL;
}

/* What stands where bytes were withheld: the certificate's key for its own query, else nobody's; the head of a
 * long certificate, where it was not read to its end; else zeros. */
static void choose_source(struct replay *replay, struct view cmd)
{
        static const uint8_t long_head[] = { 0x30, 0x82, 0x3F, 0xF8 };
        bool fetching = cmd.len >= 2 && cmd.data[0] == 0x00 && cmd.data[1] == INS_GET_RESPONSE;
        bool is_query = cmd.len >= KEY_QUERY_LEN && cmd.data[1] == 0xCB && cmd.data[5] == 0xB6;
        if (fetching)
                return;
        replay->source = (struct view){ 0 };
        replay->filler = is_query ? OTHER_KEY : 0;
        if (replay->open && is_command(cmd, INS_READ_BINARY) && (cmd.data[2] | cmd.data[3]) == 0)
                replay->source = (struct view){ long_head, sizeof long_head };
        if (is_query && cmd.data[9] == replay->head.key)
                replay->source = cmd.data[13] == 0x81 ? replay->modulus : replay->exponent;
}

static void put_made_up(struct replay *replay, size_t count, struct out *out)
{
        struct view *source = &replay->source;
        size_t known = base_min(count, source->len);
        if (known > 0) {
                out_bytes(out, source->data, known);
                source->data += known;
                source->len -= known;
        }
        for (size_t i = known; i < count && !out->error; i++)
                out_u8(out, replay->filler);
}

static int render(struct replay *replay, const struct line *line, struct out *out)
{
        const char *at = replay->text + line->answer.at, *end = at + line->answer.len;
        struct token token;
        if (line->answer.len == 1)
                return 0; /* "-" */
        while (replay_token(&at, end, &token) == 0) {
                for (size_t i = 0; !token.withheld && i < token.count; i++)
                        out_u8(out, replay_hex_byte(token.text + 2 * i));
                if (token.withheld)
                        put_made_up(replay, token.count, out);
        }
        return out_done(out) < 0 ? -ENOSPC : 0;
}

static int serve_file(
        const struct replay *replay, struct view file, struct view cmd, struct out *out)
{
        size_t offset = (size_t)(cmd.data[2] << 8 | cmd.data[3]);
        size_t wanted = cmd.data[4] ? cmd.data[4] : 256;
        if (offset >= file.len) {
                out_u16(out, 0x6B00);
        } else if (replay->head.t0 && wanted > file.len - offset) {
                out_u16(out, (uint16_t)(0x6C00 | (file.len - offset)));
        } else {
                out_bytes(out, file.data + offset, base_min(wanted, file.len - offset));
                out_u16(out, 0x9000);
        }
        return out_done(out) < 0 ? -ENOSPC : 0;
}

/* The next piece, and how much is left in the status word, where 00 means 256 or more. */
static int serve_piece(struct replay *replay, size_t most, struct out *out)
{
        struct view *left = &replay->object;
        size_t len = base_min(most, left->len);
        out_bytes(out, left->data, len);
        left->data += len;
        left->len -= len;
        out_u16(out,
                left->len == 0 ? 0x9000 : (uint16_t)(0x6100 | (left->len > 0xFF ? 0 : left->len)));
        return out_done(out) < 0 ? -ENOSPC : 0;
}

/* A command with an answer gets that in the next one over T=0. */
static int serve_object(struct replay *replay, struct view object, struct out *out)
{
        replay->object = object;
        return serve_piece(replay, replay->head.t0 ? 0 : PIECE_MAX, out);
}

static struct view file_of(const struct replay *replay, uint8_t file)
{
        return file ? replay->files[file - 1] : (struct view){ 0 };
}

static int stranger(struct replay *replay, struct out *out)
{
        replay->strangers++;
        out_u16(out, 0x6F00);
        return out_done(out) < 0 ? -ENOSPC : 0;
}

int replay_answer(struct replay *replay, const uint8_t *cmd, size_t cmd_len, struct out *out)
{
        struct view command = { cmd, cmd_len }, file = file_of(replay, replay->open);
        if (is_command(command, INS_READ_BINARY) && cmd_len == 5 && file.len > 0)
                return serve_file(replay, file, command, out);
        if (is_command(command, INS_GET_RESPONSE) && replay->object.len > 0)
                return serve_piece(replay, cmd[4] ? cmd[4] : PIECE_MAX, out);
        replay->object = (struct view){ 0 };
        const struct line *line = find(replay, command);
        bool over = line ? replay->next == replay->count : replay->next + 1 == replay->count;
        if (replay->ends_in && over)
                return replay->ends_in;
        if (!line)
                return stranger(replay, out);
        replay->open = line->file;
        file = file_of(replay, line->file);
        if (is_command(command, INS_GET_DATA) && file.len > 0)
                return serve_object(replay, file, out);
        choose_source(replay, command);
        return render(replay, line, out);
}
