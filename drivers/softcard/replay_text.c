/* SPDX-License-Identifier: Apache-2.0 */
/* replay_text.c: reads a transcript (docs/transcript.md), strictly: a line that is none, an odd digit or a word
 * out of bounds makes the whole of it none. What follows the words of the head may be new and is stepped
 * over; nothing follows the line that says how a transcript was cut short.
 */
#include "drivers/softcard/replay_internal.h"

#include "base/outcome.h"

#define WITHHELD_MAX 65536

/* ---- tokens -------------------------------------------------------------------------------- */

static bool is_hex(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

int replay_token(const char **at, const char *end, struct token *ret)
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

uint8_t replay_hex_byte(const char *text)
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
                dst[i] = replay_hex_byte((const char *)word.data + 2 * i);
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
                head->piv = is_word(cut_word(&line), "piv");
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
        while ((r = replay_token(&at, end, &token)) == 0)
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

static int end_of(struct view line)
{
        if (is_word(line, "@ removed"))
                return OUTCOME_CARD_REMOVED;
        return is_word(line, "@ silent") ? OUTCOME_TIMED_OUT : 0;
}

static int take_line(struct replay *replay, struct view line, bool *in_body, uint8_t *file)
{
        if (replay->ends_in)
                return -EBADMSG;
        if (line.len > 0 && line.data[0] == '@') {
                *in_body = true;
                *file = file_of_step(line);
                replay->ends_in = end_of(line);
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
