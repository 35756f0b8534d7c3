/* SPDX-License-Identifier: Apache-2.0 */
/* sign_pdf.c: where in a PDF its last signature is. mohr-document is asked: this program reads no PDF. What it says of a place is the
 * document's word, so the place must hold that very signature before a byte is written there.
 */
#include "client-sdk/cli/sign.h"

#include "base/bytes.h"

#include "client-sdk/base64.h"
#include "client-sdk/cli/sign_work.h"
#include "client-sdk/document/work.h"

#include <sys/stat.h>

struct looking {
        struct sign_room room;
        bool whole; /* of the last one: it covers all of the file */
};

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
        uint8_t *cms = len <= 2 * DOCUMENT_ROOM_MAX ? malloc(len + 1) : NULL;
        if (!cms)
                return len <= 2 * DOCUMENT_ROOM_MAX ? -ENOMEM : -EBADMSG;
        ssize_t n = base64_decode(BASE64_STANDARD, cms, len, text, len);
        free(room->cms);
        room->cms = cms;
        room->len = n > 0 ? (size_t)n : 0;
        return n > 0 ? 0 : -EBADMSG;
}

static int on_signature(void *user, const json_t *answer)
{
        struct looking *looking = user;
        const char *cms = json_string_value(json_object_get(answer, "cms"));
        if (json_object_get(answer, "ok"))
                return 0;
        looking->whole = cms && json_is_true(json_object_get(answer, "whole")) &&
                         number(answer, "offset", &looking->room.offset) &&
                         number(answer, "room", &looking->room.room);
        return looking->whole ? take_cms(&looking->room, cms) : 0;
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
        struct looking looking = { .whole = false };
        const char *why = NULL, *detail = NULL;
        int r = sign_work(
                "signatures", json_object(), fd, -1, on_signature, &looking, &why, &detail);
        if (r == 0)
                r = looking.whole ? holds(fd, &looking.room) : OUTCOME_DOCUMENT;
        if (r == 0)
                *ret = looking.room;
        else
                free(looking.room.cms);
        return r;
}
