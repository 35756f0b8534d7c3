/* SPDX-License-Identifier: Apache-2.0 */
/* anchor.c: the head of the chain as it was told elsewhere (docs/history.md, "Anchors"): in history.head, in lines
 * of mohrd's log, by hand.
 *
 * An anchor can only ever raise a doubt: more of them, whoever wrote them, never make a history look better than
 * fewer. So lines are taken from wherever they come, and those that are something else are passed over.
 */
#include "client-sdk/history/ledger.h"

#include "base/bytes.h"
#include "client-sdk/fields.h"

#include <fcntl.h>
#include <sys/stat.h>

#define HEAD_WORD "mohr-history-1 "
#define LOG_WORDS "history head "
#define LINE_CAP  4096
#define VALUE_CAP 80

void ledger_anchors_clear(struct ledger_anchors *anchors)
{
        free(anchors->rows);
        *anchors = (struct ledger_anchors){ 0 };
}

int ledger_anchors_add(struct ledger_anchors *to, const struct ledger_anchor *anchor)
{
        if (to->count == LEDGER_ANCHORS_MAX)
                return -E2BIG;
        if (to->count == to->cap) {
                size_t cap = to->cap ? 2 * to->cap : 16;
                struct ledger_anchor *rows = realloc(to->rows, cap * sizeof *rows);
                if (!rows)
                        return -ENOMEM;
                to->rows = rows;
                to->cap = cap;
        }
        to->rows[to->count++] = *anchor;
        return 0;
}

/* ---- One anchor ---- */

/* Copies up to `end` or the end of the text, at most cap-1 bytes; what follows it, or NULL. */
static const char *word(const char *from, char end, char *dst, size_t cap)
{
        size_t len = strcspn(from, (const char[]){ end, '\n', '\0' });
        if (len == 0 || len >= cap)
                return NULL;
        memcpy(dst, from, len);
        dst[len] = '\0';
        return from + len;
}

/* The number of a row: decimal, from 1, without zeros before it. */
static bool read_seq(const char *text, int64_t *ret)
{
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 18 || text[digits] != '\0' || text[0] == '0')
                return false;
        *ret = strtoll(text, NULL, 10);
        return true;
}

static bool assemble(const char *id, const char *seq, const char *link, struct ledger_anchor *ret)
{
        struct ledger_anchor anchor = { 0 };
        if ((id[0] && !field_is_hex(id, 32, 32)) || !field_is_hex(link, 64, 64) ||
                !read_seq(seq, &anchor.seq) ||
                hex_decode(anchor.link, sizeof anchor.link, link) != LEDGER_HASH)
                return false;
        snprintf(anchor.id, sizeof anchor.id, "%s", id);
        *ret = anchor;
        return true;
}

bool ledger_anchor_parse(const char *text, struct ledger_anchor *ret)
{
        char seq[VALUE_CAP];
        const char *rest = word(text, ':', seq, sizeof seq);
        return rest && *rest == ':' && assemble("", seq, rest + 1, ret);
}

/* "mohr-history-1 ID SEQ LINK" and nothing more. */
static bool parse_head(const char *line, struct ledger_anchor *ret)
{
        char id[VALUE_CAP], seq[VALUE_CAP], link[VALUE_CAP];
        const char *at = word(line + strlen(HEAD_WORD), ' ', id, sizeof id);
        at = at && *at == ' ' ? word(at + 1, ' ', seq, sizeof seq) : NULL;
        at = at && *at == ' ' ? word(at + 1, '\n', link, sizeof link) : NULL;
        return at && (*at == '\0' || strcmp(at, "\n") == 0) && assemble(id, seq, link, ret);
}

/* The value behind " key=", with or without quotes; "" if there is none. */
static void value_of(const char *line, const char *key, char dst[static VALUE_CAP])
{
        const char *at = strstr(line, key);
        dst[0] = '\0';
        if (!at)
                return;
        at += strlen(key);
        bool quoted = *at == '"';
        const char *end = word(at + quoted, quoted ? '"' : ' ', dst, VALUE_CAP);
        if (!end || (quoted && *end != '"'))
                dst[0] = '\0';
}

static bool parse_log(const char *words, struct ledger_anchor *ret)
{
        char id[VALUE_CAP], seq[VALUE_CAP], link[VALUE_CAP];
        value_of(words, " id=", id);
        value_of(words, " seq=", seq);
        value_of(words, " link=", link);
        return assemble(id, seq, link, ret);
}

/* The words of a log line itself: behind a quotation mark there are others', such as a program's name. */
static const char *log_words(const char *line)
{
        const char *words = strstr(line, LOG_WORDS);
        return words && !memchr(line, '"', (size_t)(words - line)) ? words : NULL;
}

int ledger_anchor_line(const char *line, struct ledger_anchor *ret)
{
        bool good;
        const char *words = log_words(line);
        if (strncmp(line, HEAD_WORD, strlen(HEAD_WORD)) == 0)
                good = parse_head(line, ret);
        else if (words)
                good = parse_log(words, ret);
        else
                return LEDGER_NO_ANCHOR;
        return good ? 0 : LEDGER_BAD_ANCHOR;
}

/* ---- Many of them ---- */

/* What is left of a line that is longer than any anchor's. */
static void skip_line(FILE *from)
{
        for (int c = 0; c != '\n' && c != EOF;)
                c = fgetc(from);
}

int ledger_anchors_read(struct ledger_anchors *to, FILE *from)
{
        char line[LINE_CAP];
        int r = 0;
        while (r >= 0 && fgets(line, sizeof line, from)) {
                struct ledger_anchor anchor;
                if (!strchr(line, '\n'))
                        skip_line(from);
                r = ledger_anchor_line(line, &anchor);
                to->unread += r == LEDGER_BAD_ANCHOR;
                if (r == 0)
                        r = ledger_anchors_add(to, &anchor);
        }
        if (r < 0)
                return r;
        return ferror(from) ? -EIO : 0;
}

static int read_some(int fd, char *dst, size_t cap)
{
        ssize_t got = read(fd, dst, cap - 1);
        if (got < 0)
                return -errno;
        dst[got] = '\0';
        return memchr(dst, '\0', (size_t)got) ? LEDGER_BAD_ANCHOR : 0;
}

int ledger_head(const char *folder, struct ledger_anchor *ret)
{
        _cleanup_free_ char *path = NULL;
        char line[LINE_CAP];
        struct stat st;
        if (asprintf(&path, "%s/history.head", folder) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0)
                return errno == ELOOP ? LEDGER_BAD_ANCHOR : -errno;
        if (!S_ISREG(st.st_mode))
                return LEDGER_BAD_ANCHOR;
        int r = read_some(fd, line, sizeof line);
        if (r != 0)
                return r;
        struct ledger_anchor head;
        if (strncmp(line, HEAD_WORD, strlen(HEAD_WORD)) != 0 || !parse_head(line, &head))
                return LEDGER_BAD_ANCHOR;
        head.head = true;
        *ret = head;
        return 0;
}
