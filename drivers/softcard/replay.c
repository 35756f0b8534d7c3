/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c: see replay.h. The text stays text: a line is two spans of it, compared with a command or
 * written out as an answer when it is needed, "[n]" being n bytes that anything fits or that a source
 * fills. A certificate is no longer as long as it was, so its file is served as a file.
 */
#include "drivers/softcard/replay.h"

#define INS_READ_BINARY  0xB0
#define INS_GET_RESPONSE 0xC0
#define KEY_QUERY_LEN    15
#define OTHER_KEY        0x5A /* a modulus that is nobody's */
#define WITHHELD_MAX     65536

struct span {
        uint16_t at, len;
};

struct line {
        struct span command, answer;
        uint8_t file; /* 1 + certificate file that is read in this step, 0 none */
};

struct replay {
        struct replay_head head;
        struct line lines[REPLAY_LINES_MAX];
        size_t count, next;
        uint8_t open; /* as `file` of the line that was answered last */
        struct view files[REPLAY_FILES], modulus, exponent, source;
        uint8_t filler; /* where there is no source, or no more of it */
        unsigned int strangers;
        size_t len;
        char text[REPLAY_TEXT_MAX];
};

/* ---- tokens: hex digits and [n] ------------------------------------------------------------ */

struct token {
        bool withheld;
        size_t count;     /* bytes */
        const char *text; /* of hex digits */
};

static bool is_hex(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* 0 with a token, 1 at the end, -EBADMSG. */
static int next_token(const char **at, const char *end, struct token *ret)
{
        const char *c = *at;
        *ret = (struct token){ .text = c };
        if (c == end)
                return 1;
        if (*c == '[') {
                for (c++; c < end && *c >= '0' && *c <= '9' && ret->count < WITHHELD_MAX; c++)
                        ret->count = ret->count * 10 + (size_t)(*c - '0');
                if (c == end || *c != ']' || ret->count == 0 || ret->count > WITHHELD_MAX)
                        return -EBADMSG;
                ret->withheld = true;
                *at = c + 1;
                return 0;
        }
        while (c < end && is_hex(*c))
                c++;
        if (c == *at || (c - *at) % 2 != 0)
                return -EBADMSG;
        ret->count = (size_t)(c - *at) / 2;
        *at = c;
        return 0;
}

static uint8_t hex_byte(const char *text)
{
        uint8_t high = (uint8_t)(text[0] <= '9' ? text[0] - '0' : text[0] - 'a' + 10);
        uint8_t low = (uint8_t)(text[1] <= '9' ? text[1] - '0' : text[1] - 'a' + 10);
        return (uint8_t)(high << 4 | low);
}

/* ---- reading the text ---------------------------------------------------------------------- */

static bool is_word(struct view line, const char *word)
{
        return view_eq(line, word, strlen(word));
}

/* The part up to the next space; `line` goes on behind it. */
static struct view cut_word(struct view *line)
{
        struct view word = { line->data, 0 };
        while (word.len < line->len && line->data[word.len] != ' ')
                word.len++;
        size_t gone = word.len + (word.len < line->len);
        line->data += gone;
        line->len -= gone;
        return word;
}

static int take_word(char *dst, size_t cap, struct view word)
{
        if (word.len == 0 || word.len >= cap)
                return -EBADMSG;
        for (size_t i = 0; i < word.len; i++)
                if (word.data[i] != '_' && (word.data[i] < 'a' || word.data[i] > 'z'))
                        return -EBADMSG;
        memcpy(dst, word.data, word.len);
        dst[word.len] = '\0';
        return 0;
}

static int take_hex(struct view word, uint8_t *dst, size_t cap, size_t *ret_len)
{
        if (word.len == 0 || word.len % 2 != 0 || word.len / 2 > cap)
                return -EBADMSG;
        for (size_t i = 0; i < word.len; i++)
                if (!is_hex((char)word.data[i]))
                        return -EBADMSG;
        for (size_t i = 0; i < word.len / 2; i++)
                dst[i] = hex_byte((const char *)word.data + 2 * i);
        *ret_len = word.len / 2;
        return 0;
}

static int take_files(struct replay_head *head, struct view rest)
{
        int r = 0;
        for (size_t i = 0; r == 0 && i < REPLAY_FILES; i++)
                r = take_word(head->files[i], sizeof head->files[i], cut_word(&rest));
        return r;
}

static int take_key(struct replay_head *head, struct view rest)
{
        uint8_t ref;
        size_t len;
        if (is_word(rest, "none"))
                return 0;
        int r = take_hex(rest, &ref, 1, &len);
        if (r == 0)
                head->key = ref;
        return r;
}

/* Words that mean nothing here are stepped over: a later version may know more. */
static int take_head(struct replay_head *head, struct view line)
{
        struct view name = cut_word(&line);
        if (is_word(name, "atr"))
                return take_hex(line, head->atr, sizeof head->atr, &head->atr_len);
        if (is_word(name, "protocol")) {
                head->t0 = is_word(line, "T=0");
                return head->t0 || is_word(line, "T=1") ? 0 : -EBADMSG;
        }
        if (is_word(name, "card")) {
                (void)cut_word(&line);
                (void)cut_word(&line);
                return take_word(head->verdict, sizeof head->verdict, line);
        }
        if (is_word(name, "files"))
                return take_files(head, line);
        if (is_word(name, "certificate"))
                return take_word(head->certificate, sizeof head->certificate, line);
        if (is_word(name, "issuer"))
                return take_word(head->issuer, sizeof head->issuer, line);
        if (is_word(name, "key"))
                return take_key(head, line);
        return 0;
}

static uint8_t file_of_step(struct view line)
{
        static const char *const steps[REPLAY_FILES] = { "@ read certificate-1",
                "@ read certificate-2", "@ read certificate-3" };
        for (uint8_t i = 0; i < REPLAY_FILES; i++)
                if (is_word(line, steps[i]))
                        return (uint8_t)(i + 1);
        return 0;
}

static int check_span(const struct replay *replay, struct span span)
{
        const char *at = replay->text + span.at, *end = at + span.len;
        struct token token;
        int r;
        while ((r = next_token(&at, end, &token)) == 0)
                ;
        return r == 1 && span.len > 0 ? 0 : -EBADMSG;
}

static struct span span_of(const struct replay *replay, struct view word)
{
        return (struct span){ .at = (uint16_t)((const char *)word.data - replay->text),
                .len = (uint16_t)word.len };
}

static int take_exchange(struct replay *replay, struct view line, uint8_t file)
{
        struct view command = cut_word(&line);
        if (replay->count == REPLAY_LINES_MAX)
                return -EBADMSG;
        struct line *row = &replay->lines[replay->count++];
        *row = (struct line){ span_of(replay, command), span_of(replay, line), file };
        int r = check_span(replay, row->command);
        return r < 0 || is_word(line, "-") ? r : check_span(replay, row->answer);
}

static int take_line(struct replay *replay, struct view line, bool *in_body, uint8_t *file)
{
        if (line.len > 0 && line.data[0] == '@') {
                *in_body = true;
                *file = file_of_step(line);
                return 0;
        }
        return *in_body ? take_exchange(replay, line, *file) : take_head(&replay->head, line);
}

static int read_text(struct replay *replay, unsigned int *ret_line)
{
        struct view rest = { (const uint8_t *)replay->text, replay->len };
        bool in_body = false;
        uint8_t file = 0;
        int r = 0;
        for (*ret_line = 1; r == 0 && rest.len > 0; ++*ret_line) {
                const uint8_t *end = memchr(rest.data, '\n', rest.len);
                struct view line = { rest.data, end ? (size_t)(end - rest.data) : 0 };
                if (!end)
                        return -EBADMSG;
                if (*ret_line == 1)
                        r = is_word(line, "mohr-transcript 1") ? 0 : -EBADMSG;
                else
                        r = take_line(replay, line, &in_body, &file);
                rest.data += line.len + 1;
                rest.len -= line.len + 1;
        }
        --*ret_line;
        return r == 0 && (replay->head.atr_len < 2 || replay->count == 0) ? -EBADMSG : r;
}

int replay_new(struct replay **ret, const char *text, size_t len, unsigned int *ret_line)
{
        *ret_line = 0;
        if (len > REPLAY_TEXT_MAX)
                return -EBADMSG;
        struct replay *replay = calloc(1, sizeof *replay);
        if (!replay)
                return -ENOMEM;
        replay->head.key = -1;
        replay->len = len;
        if (len > 0)
                memcpy(replay->text, text, len);
        int r = read_text(replay, ret_line);
        if (r < 0) {
                free(replay);
                return r;
        }
        *ret = replay;
        return 0;
}

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
        replay->source = (struct view){ 0 };
        replay->filler = 0;
}

unsigned int replay_strangers(const struct replay *replay)
{
        return replay->strangers;
}

/* ---- playing ------------------------------------------------------------------------------- */

static bool fits(const struct replay *replay, const struct line *line, struct view cmd)
{
        const char *at = replay->text + line->command.at, *end = at + line->command.len;
        struct token token;
        size_t done = 0;
        while (next_token(&at, end, &token) == 0) {
                if (token.count > cmd.len - done)
                        return false;
                for (size_t i = 0; !token.withheld && i < token.count; i++)
                        if (hex_byte(token.text + 2 * i) != cmd.data[done + i])
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

/* What stands where bytes were withheld: the certificate's key for its own query, else nobody's, else zeros. */
static void choose_source(struct replay *replay, struct view cmd)
{
        bool fetching = cmd.len >= 2 && cmd.data[0] == 0x00 && cmd.data[1] == INS_GET_RESPONSE;
        bool is_query = cmd.len >= KEY_QUERY_LEN && cmd.data[1] == 0xCB && cmd.data[5] == 0xB6;
        if (fetching)
                return;
        replay->source = (struct view){ 0 };
        replay->filler = is_query ? OTHER_KEY : 0;
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
        while (next_token(&at, end, &token) == 0) {
                for (size_t i = 0; !token.withheld && i < token.count; i++)
                        out_u8(out, hex_byte(token.text + 2 * i));
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

int replay_answer(struct replay *replay, const uint8_t *cmd, size_t cmd_len, struct out *out)
{
        struct view command = { cmd, cmd_len };
        bool reads = cmd_len == 5 && cmd[0] == 0x00 && cmd[1] == INS_READ_BINARY;
        struct view file = replay->open ? replay->files[replay->open - 1] : (struct view){ 0 };
        if (reads && file.len > 0)
                return serve_file(replay, file, command, out);
        const struct line *line = find(replay, command);
        if (!line) {
                replay->strangers++;
                out_u16(out, 0x6F00);
                return out_done(out) < 0 ? -ENOSPC : 0;
        }
        replay->open = line->file;
        choose_source(replay, command);
        return render(replay, line, out);
}
