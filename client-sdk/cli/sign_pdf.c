/* SPDX-License-Identifier: Apache-2.0 */
/* sign_pdf.c: where in a PDF its last signature is. mohr-document is asked: this program reads no PDF. What it says of a place is the
 * document's word, so the place must hold that very signature before a byte is written there.
 */
#include "client-sdk/cli/sign.h"

#include "base/bytes.h"

#include "client-sdk/base64.h"
#include "client-sdk/cli/document_work.h"
#include "client-sdk/document/work.h"

#include <sys/stat.h>

static bool number(const json_t *answer, const char *name, uint64_t *ret)
{
        const json_t *value = json_object_get(answer, name);
        if (!json_is_integer(value) || json_integer_value(value) < 0)
                return false;
        *ret = (uint64_t)json_integer_value(value);
        return true;
}

static int take_cms(struct sign_room *room, const char *text)
{
        size_t len = strlen(text);
        if (len > 2 * DOCUMENT_ROOM_MAX)
                return OUTCOME_DOCUMENT;
        room->cms = malloc(len + 1);
        if (!room->cms)
                return -ENOMEM;
        ssize_t n = base64_decode(BASE64_STANDARD, room->cms, len, text, len);
        room->len = n > 0 ? (size_t)n : 0;
        return n > 0 ? 0 : OUTCOME_DOCUMENT;
}

/* The last one, which covers all of the file but itself. */
static int take_last(const json_t *rows, struct sign_room *ret)
{
        size_t count = json_array_size(rows);
        const json_t *last = count > 0 ? json_array_get(rows, count - 1) : NULL;
        const char *cms = json_string_value(json_object_get(last, "cms"));
        bool whole = cms && json_is_true(json_object_get(last, "whole")) &&
                     number(last, "offset", &ret->offset) && number(last, "room", &ret->room);
        return whole ? take_cms(ret, cms) : OUTCOME_DOCUMENT;
}

/* "<", the signature in hex, zeros, ">": that and nothing else is what may be written over. */
static int holds(int fd, const struct sign_room *room)
{
        size_t len = 2 * room->len;
        _cleanup_free_ char *there = malloc(len + 1), *hex = malloc(len + 1);
        struct stat st;
        char bracket = 0, end = 0;
        if (!there || !hex)
                return -ENOMEM;
        hex_encode(hex, room->cms, room->len);
        bool fits = room->room <= DOCUMENT_ROOM_MAX && room->len <= room->room &&
                    fstat(fd, &st) == 0 && room->offset < (uint64_t)st.st_size &&
                    pread(fd, &bracket, 1, (off_t)room->offset) == 1 && bracket == '<' &&
                    pread(fd, there, len, (off_t)room->offset + 1) == (ssize_t)len &&
                    pread(fd, &end, 1, (off_t)(room->offset + 1 + 2 * room->room)) == 1 &&
                    end == '>';
        there[fits ? len : 0] = '\0';
        return fits && strcasecmp(there, hex) == 0 ? 0 : OUTCOME_DOCUMENT;
}

int sign_pdf_room(int fd, struct sign_room *ret)
{
        char program[PATH_MAX];
        struct sign_room room = { .cms = NULL };
        _cleanup_work_ struct document_work work = { .rows = NULL };
        if (!cli_program(DOCUMENT_PROGRAM, program))
                return -ENOENT;
        int r = document_signatures(program, fd, &work);
        if (r == 0)
                r = take_last(work.rows, &room);
        if (r == 0)
                r = holds(fd, &room);
        if (r == 0)
                *ret = room;
        else
                free(room.cms);
        return r == OUTCOME_INVALID ? OUTCOME_DOCUMENT : r;
}
