/* SPDX-License-Identifier: Apache-2.0 */
/* transcript.c: see transcript.h. Two tables decide what is kept: one by command, one by file.
 *
 * Kept are answers that are the same for all cards of a kind (control information, labels, versions),
 * counters and flags, which PIN of a PIV card its holder uses, and the frame of what belongs to a person:
 * tags, those that are named, and lengths of dates and keys.
 * Certificates, serial numbers, the CRN, dates, moduli, challenges and signatures are withheld, and of
 * a command's data all but file ids, names and references. The rest of an answer that comes in pieces
 * is kept only where all of it is.
 */
#include "apdu/transcript.h"

#define INS_GET_RESPONSE 0xC0
#define INS_SELECT       0xA4
#define P2_NO_ANSWER     0x0C
#define ANY              0x10000U

enum keep {
        KEEP_NOTHING, /* what a table does not name */
        KEEP_ALL,
        KEEP_TWO,    /* the first two bytes: the MPCOS counter */
        KEEP_FLAT,   /* tags that are named and their lengths, one byte each */
        KEEP_POLICY, /* a PIV card's discovery object in the standard's own form, or nothing */
        KEEP_KEY,    /* B6, 83 with its value, 7F49, then the tag and length of a number */
        KEEP_OBJECT, /* as the file's row says */
};

static const struct {
        uint8_t cla, ins;
        unsigned int p1p2;
        const char *data; /* how the command's data begins */
        bool data_kept;
        enum keep answer;
} commands[] = {
        { 0x00, 0xA4, ANY, "", true, KEEP_ALL },        /* SELECT */
        { 0x00, 0xB0, ANY, "", false, KEEP_OBJECT },    /* READ BINARY */
        { 0x00, 0x22, 0x41B6, "", true, KEEP_NOTHING }, /* MSE SET */
        { 0x00, 0xCA, 0xDF30, "", false, KEEP_ALL },    /* label */
        { 0x00, 0xCA, 0x7F30, "", false, KEEP_ALL },
        { 0x00, 0xCB, 0x00FF, "\xA0", true, KEEP_ALL },                     /* counter */
        { 0x00, 0xCB, 0x00FF, "\xB6", true, KEEP_KEY },                     /* public key */
        { 0x00, 0xCB, 0x3FFF, "\x5C\x01\x7E", true, KEEP_POLICY },          /* PIV: which PIN */
        { 0x00, 0xCB, 0x3FFF, "\x5C\x03\x5F\xC1\x0A", true, KEEP_NOTHING }, /* certificate 9C */
        { 0x00, 0xCB, 0x3FFF, "\x5C\x03\x5F\xC1\x05", true, KEEP_NOTHING }, /* and 9A */
        { 0x80, 0xC0, 0x0205, "", false, KEEP_TWO },                        /* MPCOS counter */
};

static const uint8_t objects[OBJECT_COUNT] = {
        [OBJECT_DATES] = KEEP_FLAT,
        [OBJECT_AFIS] = KEEP_FLAT,
        [OBJECT_VERSIONS] = KEEP_ALL,
        [OBJECT_PIN_FLAGS] = KEEP_ALL,
};

static const char *const object_names[OBJECT_COUNT] = {
        [OBJECT_CERTIFICATE_1] = "certificate-1",
        [OBJECT_CERTIFICATE_2] = "certificate-2",
        [OBJECT_CERTIFICATE_3] = "certificate-3",
        [OBJECT_DATES] = "dates",
        [OBJECT_AFIS] = "afis",
        [OBJECT_VERSIONS] = "versions",
        [OBJECT_PIN_FLAGS] = "pin-flags",
};

/* ---- text ---------------------------------------------------------------------------------- */

void transcript_clear(struct transcript *transcript)
{
        explicit_bzero(transcript, sizeof *transcript);
}

static void put(struct transcript *t, const char *text)
{
        size_t len = strlen(text);
        t->cut |= len > TRANSCRIPT_MAX - t->len;
        if (t->cut)
                return;
        memcpy(t->text + t->len, text, len + 1);
        t->len += len;
}

static void put_hex(struct transcript *t, const uint8_t *data, size_t len)
{
        char hex[2 * 32 + 1];
        for (size_t at = 0; at < len; at += 32) {
                hex_encode(hex, data + at, base_min(32, len - at));
                put(t, hex);
        }
}

static void put_withheld(struct transcript *t, size_t len)
{
        char digits[24], *at = digits + sizeof digits - 1;
        if (len == 0)
                return;
        *at = '\0';
        *--at = ']';
        for (; len > 0; len /= 10)
                *--at = (char)('0' + len % 10);
        *--at = '[';
        put(t, at);
}

/* A line is whole or is not there. */
static void end_line(struct transcript *t, size_t start)
{
        static const char cut[] = "@ cut\n";
        put(t, "\n");
        if (!t->cut)
                return;
        t->len = start + sizeof cut - 1;
        memcpy(t->text + start, cut, sizeof cut);
}

/* ---- what is kept -------------------------------------------------------------------------- */

static bool flat_tag(uint8_t tag)
{
        static const uint8_t named[] = { 0xAD, 0xB2, 0xB3 }; /* card-facts 3.5, 3.7 */
        return memchr(named, tag, sizeof named) != NULL;
}

static void put_flat(struct transcript *t, const uint8_t *data, size_t len)
{
        size_t at = 0, withheld = 0;
        while (len - at >= 2 && data[at + 1] <= len - at - 2) {
                if (flat_tag(data[at])) {
                        put_withheld(t, withheld);
                        put_hex(t, data + at, 2);
                        withheld = 0;
                } else {
                        withheld += 2;
                }
                withheld += data[at + 1];
                at += 2U + data[at + 1];
        }
        put_withheld(t, withheld + len - at);
}

/* SP 800-73-4 part 1, 3.3.2: 7E { 4F application, 5F2F two bytes }. No other element, no other application. */
static bool is_policy(const uint8_t *data, size_t len)
{
        static const uint8_t application[] = { 0xA0, 0, 0, 0x03, 0x08, 0, 0, 0x10, 0 };
        static const uint8_t policy[] = { 0x5F, 0x2F, 2 };
        const size_t most = sizeof application + 2; /* its version, if it has one */
        if (len < 4 + sizeof application + sizeof policy + 2 || data[0] != 0x7E || data[2] != 0x4F)
                return false;
        size_t name = data[3];
        return data[1] == len - 2 && name >= sizeof application && name <= most &&
               len == 4 + name + sizeof policy + 2 &&
               memcmp(data + 4, application, sizeof application) == 0 &&
               memcmp(data + 4 + name, policy, sizeof policy) == 0;
}

/* Bytes of a tag and its length, 0 if there is no room; the tag is the first byte, or the two of 7F49. */
static size_t head_of(const uint8_t *data, size_t len)
{
        size_t tag = len >= 2 && data[0] == 0x7F && data[1] == 0x49 ? 2 : 1;
        if (len <= tag)
                return 0;
        size_t more = data[tag] == 0x81 ? 1 : data[tag] == 0x82 ? 2 : 0;
        return len >= tag + 1 + more ? tag + 1 + more : 0;
}

static void put_key(struct transcript *t, const uint8_t *data, size_t len)
{
        size_t at = 0, head;
        while ((head = head_of(data + at, len - at)) > 0) {
                uint8_t tag = data[at];
                bool reference = tag == 0x83 && data[at + 1] == 1 && len - at >= 3;
                if (tag != 0xB6 && tag != 0x7F && !reference)
                        break;
                put_hex(t, data + at, head + reference);
                at += head + reference;
        }
        bool number = head > 0 && (data[at] == 0x81 || data[at] == 0x82);
        if (number)
                put_hex(t, data + at, head);
        put_withheld(t, len - at - (number ? head : 0));
}

static void put_answer(struct transcript *t, uint8_t keep, const uint8_t *data, size_t len)
{
        bool whole = keep == KEEP_ALL || (keep == KEEP_POLICY && is_policy(data, len));
        size_t kept = whole ? len : keep == KEEP_TWO ? base_min(2, len) : 0;
        if (t->continued && keep != KEEP_ALL)
                put_withheld(t, len);
        else if (keep == KEEP_FLAT)
                put_flat(t, data, len);
        else if (keep == KEEP_KEY)
                put_key(t, data, len);
        else {
                put_hex(t, data, kept);
                put_withheld(t, len - kept);
        }
}

static size_t row_of(const uint8_t *cmd, size_t len)
{
        for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
                size_t begin = strlen(commands[i].data);
                if (len < 4 || cmd[0] != commands[i].cla || cmd[1] != commands[i].ins)
                        continue;
                if (commands[i].p1p2 != ANY &&
                        commands[i].p1p2 != (unsigned int)(cmd[2] << 8 | cmd[3]))
                        continue;
                if (len >= 5 + begin && memcmp(cmd + 5, commands[i].data, begin) == 0)
                        return i;
                if (begin == 0)
                        return i;
        }
        return ARRAY_LEN(commands);
}

/* Short commands only; the data of any other form counts as data. */
static void put_command(struct transcript *t, const uint8_t *cmd, size_t len, bool data_kept)
{
        size_t head = base_min(len, 5), lc = len > 5 ? cmd[4] : 0;
        bool fits = len == 5 + lc || len == 6 + lc;
        if (data_kept && fits) {
                put_hex(t, cmd, len);
                return;
        }
        put_hex(t, cmd, head);
        put_withheld(t, fits ? lc : len - head);
        if (fits && len == 6 + lc)
                put_hex(t, cmd + len - 1, 1);
}

/* ---- lines --------------------------------------------------------------------------------- */

void transcript_step(struct transcript *t, const char *step, int object)
{
        size_t start = t->len;
        bool named = object >= 0 && object < OBJECT_COUNT && object_names[object];
        if (t->cut)
                return;
        put(t, "@ ");
        put(t, step);
        put(t, named ? " " : "");
        put(t, named ? object_names[object] : "");
        end_line(t, start);
}

/* A SELECT that wants no answer. What comes all the same may name the one card, as an OpenPGP card's serial
 * number does in the name of its application. */
static bool unasked(const uint8_t *cmd, size_t len)
{
        return len >= 4 && cmd[1] == INS_SELECT && cmd[3] == P2_NO_ANSWER;
}

static void take_rule(struct transcript *t, int object, const uint8_t *cmd, size_t len, size_t row)
{
        bool fetching = len >= 4 && cmd[0] == 0x00 && cmd[1] == INS_GET_RESPONSE;
        if (fetching)
                return;
        t->continued = false;
        t->keep = row < ARRAY_LEN(commands) ? (uint8_t)commands[row].answer : KEEP_NOTHING;
        if (t->keep == KEEP_OBJECT)
                t->keep = object >= 0 && object < OBJECT_COUNT ? objects[object] : KEEP_NOTHING;
        if (t->keep == KEEP_FLAT &&
                (cmd[2] | cmd[3]) != 0) /* the middle of a file: of a value, perhaps */
                t->keep = KEEP_NOTHING;
        if (unasked(cmd, len))
                t->keep = KEEP_NOTHING;
}

void transcript_add(struct transcript *t, int object, const uint8_t *cmd, size_t cmd_len,
        const uint8_t *rsp, size_t rsp_len)
{
        size_t start = t->len, row = row_of(cmd, cmd_len);
        if (t->cut)
                return;
        take_rule(t, object, cmd, cmd_len, row);
        put_command(t, cmd, cmd_len, row < ARRAY_LEN(commands) && commands[row].data_kept);
        put(t, " ");
        if (!rsp || rsp_len < 2) {
                put(t, "-");
        } else {
                put_answer(t, t->keep, rsp, rsp_len - 2);
                put_hex(t, rsp + rsp_len - 2, 2);
                t->continued |= rsp_len > 2;
        }
        end_line(t, start);
}
