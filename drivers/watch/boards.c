/* SPDX-License-Identifier: Apache-2.0 */
/* boards.c: see boards.h. A connection string of libnfc is "driver", or "driver:" and what that driver
 * wants; for boards on a line this begins with the node's path. A node that udev does not announce (a
 * pseudo-terminal, or no path at all) is taken to be there: whether that is so, its helper finds out.
 */
#include "drivers/watch/boards.h"

#include "base/bytes.h"

#include <stdio.h>

#define CONNSTRING_MAX 100 /* so that its name fits too */
#define KEY            "device"
#define UNANNOUNCED    "/dev/pts/"

static const char *device_option(const char *option)
{
        const char *rest = option + strlen(KEY);
        if (strncmp(option, KEY, strlen(KEY)) != 0)
                return NULL;
        rest += strspn(rest, "0123456789");
        return *rest == '=' ? rest + 1 : NULL;
}

static bool plain(const char *text)
{
        for (; *text; text++)
                if (*text <= ' ' || *text > '~')
                        return false;
        return true;
}

static int read_path(struct board *board)
{
        const char *start = strchr(board->connstring, ':');
        size_t len = start ? strcspn(start + 1, ":") : 0;
        if (!start || start[1] != '/')
                return 0;
        if (len >= sizeof board->path)
                return -EINVAL;
        memcpy(board->path, start + 1, len);
        return 0;
}

static void look(struct board *board)
{
        _cleanup_free_ char *node = board->path[0] ? realpath(board->path, NULL) : NULL;
        board->there = node || strncmp(board->path, UNANNOUNCED, strlen(UNANNOUNCED)) == 0 ||
                       !board->path[0];
        snprintf(board->node, sizeof board->node, "%s", node ? node : board->path);
}

/* One line carries one board. */
static bool known(const struct boards *boards, const struct board *board)
{
        for (size_t i = 0; i < boards->count; i++)
                if (strcmp(boards->list[i].connstring, board->connstring) == 0 ||
                        (board->path[0] && strcmp(boards->list[i].path, board->path) == 0))
                        return true;
        return false;
}

static int add(struct boards *boards, const char *connstring)
{
        struct board board = { 0 };
        size_t len = strlen(connstring);
        if (len == 0 || len > CONNSTRING_MAX || !plain(connstring))
                return -EINVAL;
        memcpy(board.connstring, connstring, len);
        int r = read_path(&board);
        if (r < 0 || known(boards, &board))
                return r;
        if (boards->count == BOARDS_MAX)
                return -EINVAL;
        look(&board);
        boards->list[boards->count++] = board;
        return 0;
}

int boards_read(struct boards *boards, const char *const *options)
{
        int r = 0;
        for (; r == 0 && *options; options++) {
                const char *connstring = device_option(*options);
                if (connstring)
                        r = add(boards, connstring);
        }
        return r;
}

/* Is `word` one of the words of `list`, between single spaces? */
static bool listed(const char *list, const char *word)
{
        size_t len = strlen(word);
        for (const char *at = list; at && *at; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL)
                if (strncmp(at, word, len) == 0 && (at[len] == ' ' || at[len] == '\0'))
                        return true;
        return false;
}

void boards_take(struct boards *boards, news_get get, void *device, bool there)
{
        const char *node = get(device, "DEVNAME"), *links = get(device, "DEVLINKS");
        if (!node)
                return;
        for (size_t i = 0; i < boards->count; i++) {
                struct board *board = &boards->list[i];
                bool link = links && listed(links, board->path);
                if (!board->path[0] || (!link && strcmp(node, board->path) != 0 &&
                                               (there || strcmp(node, board->node) != 0)))
                        continue;
                board->there = there;
                if (there)
                        snprintf(board->node, sizeof board->node, "%s", node);
        }
}

/* The driver's word, and where the board hangs: two boards differ in one of them. */
static void name_board(const struct board *board, char *name, size_t cap)
{
        size_t driver = strcspn(board->connstring, ":");
        const char *rest = board->connstring + driver;
        const char *where = board->path[0] || !*rest ? board->path : rest + 1;
        struct out out = out_new(name, cap - 1);
        out_bytes(&out, "NFC ", 4);
        out_bytes(&out, board->connstring, driver);
        if (*where) {
                out_bytes(&out, " (", 2);
                out_bytes(&out, where, strlen(where));
                out_bytes(&out, ")", 1);
        }
}

size_t boards_list(const struct boards *boards, struct driver_reader *ret, size_t cap)
{
        size_t count = 0;
        for (size_t i = 0; i < boards->count && count < cap; i++) {
                const struct board *board = &boards->list[i];
                if (!board->there)
                        continue;
                struct driver_reader *reader = &ret[count++];
                memset(reader, 0, sizeof *reader);
                memcpy(reader->address, board->connstring, sizeof reader->address);
                name_board(board, reader->name, sizeof reader->name);
        }
        return count;
}
