/* SPDX-License-Identifier: Apache-2.0 */
/* softcard_talk.h: what the software card's tests say to it: whole conversations as one string.
 *
 * A script is hex commands parted by spaces. An expectation is about one answer: exact hex, "9f7f*"
 * beginning, "*9000" end, "~aabb" somewhere, "#258" length in bytes, "!17" outcome of transmit.
 */
#ifndef MOHR_SOFTCARD_TALK_H
#define MOHR_SOFTCARD_TALK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/outcome.h"
#include "drivers/softcard/softcard.h"

#include <stdio.h>
#include <stdlib.h>

#define IAS     "00A4040C0CA0000000180C000001634200 "
#define DF5100  IAS "00A4000C023F00 00A4000C025100 "
#define LEAF    DF5100 "00A4020C025040 "
#define DF5000  IAS "00A4000C023F00 00A4000C025000 "
#define MPCOS   "00A4040C10A0000000183003010000000000000000 00A4000C023F00 "
#define ID_DF   MPCOS "00A4010C020200 "
#define EV_DF   MPCOS "00A4010C020500 "
#define INFO_DF MPCOS "00A4010C020300 "
#define MANAGER "00A4040C08A000000018434D00 "
#define PARDIS  "00A4040C0F5041524449532C4D41544952414E20 "
#define OMID    "00A4040C104D41544952414E204944204341524420 "
#define ASK     "00200081 "
#define PIN     "002000811032353830000000000000000000000000 " /* 2580 */
#define WRONG   "002000811031313131000000000000000000000000 "
#define MSE(aa)                                                                                    \
        "002241B60680"                                                                             \
        "01" aa "840103 "
#define HASH32   "1111111111111111111111111111111111111111111111111111111111111111"
#define HASH     "002A90A0229020" HASH32 " "
#define INFO     "3031300D060960864801650304020105000420" HASH32
#define HASHINFO "002A90A0359033" INFO " "
#define CDS      "002A9E9A00 "

struct talk {
        int result;
        uint8_t answer[4096];
        size_t len;
};

/* Says the whole script and keeps the last answer. */
static inline struct talk talk(struct softcard *card, const char *script)
{
        struct talk last = { 0 };
        while (*script) {
                char hex[1024];
                uint8_t cmd[512];
                size_t len = strcspn(script, " ");
                assert_true(len < sizeof hex);
                memcpy(hex, script, len);
                hex[len] = '\0';
                ssize_t cmd_len = hex_decode(cmd, sizeof cmd, hex);
                assert_true(cmd_len > 0);
                last.len = 0;
                last.result = softcard_transmit(
                        card, cmd, (size_t)cmd_len, last.answer, sizeof last.answer, &last.len);
                script += len + strspn(script + len, " ");
        }
        return last;
}

static inline bool talk_fits(const struct talk *talk, const char *expected)
{
        char hex[2 * sizeof talk->answer + 1];
        size_t len = strlen(expected);
        hex_encode(hex, talk->answer, talk->len);
        if (expected[0] == '!')
                return talk->result == atoi(expected + 1);
        if (talk->result != 0)
                return false;
        if (expected[0] == '#')
                return talk->len == (size_t)atoi(expected + 1);
        if (expected[0] == '~')
                return strstr(hex, expected + 1) != NULL;
        if (expected[0] == '*')
                return strlen(hex) >= len - 1 &&
                       strcmp(hex + strlen(hex) - (len - 1), expected + 1) == 0;
        if (len > 0 && expected[len - 1] == '*')
                return strncmp(hex, expected, len - 1) == 0;
        return strcmp(hex, expected) == 0;
}

/* Fails with what was said and heard. */
static inline void talk_expect(struct softcard *card, const char *script, const char *expected)
{
        struct talk heard = talk(card, script);
        char hex[2 * sizeof heard.answer + 1];
        hex_encode(hex, heard.answer, heard.len);
        if (!talk_fits(&heard, expected))
                fail_msg("%s\n  expected %s\n  heard    %.200s (%zu bytes, result %d)", script,
                        expected, hex, heard.len, heard.result);
}

/* `options` parted by spaces; the PKI's folder is added. */
static inline struct softcard *card_with(
        const char *pki, const char *options, struct softcard_nv *nv)
{
        char text[1024];
        const char *list[24] = { NULL }, *bad = NULL;
        size_t count = 0;
        struct softcard *card = NULL;
        snprintf(text, sizeof text, "pki=%s %s", pki, options);
        for (char *save = NULL, *at = strtok_r(text, " ", &save); at;
                at = strtok_r(NULL, " ", &save))
                list[count++] = at;
        int r = softcard_new(&card, list, nv, &bad);
        if (r < 0)
                fail_msg("%s: %d (%s)", options, r, bad ? bad : "-");
        return card;
}

static inline void card_done(struct softcard **slot)
{
        *slot = softcard_free(*slot);
}
#define _cleanup_card_ _cleanup_(card_done)

/* Fills an empty folder with what tests/run has made for all, if it has. */
static inline int pki_fill(const char *dir)
{
        char command[4096];
        const char *made = getenv("MOHR_TEST_PKI");
        if (!made)
                return softcard_make_pki(dir);
        snprintf(command, sizeof command, "cp '%s'/* %s", made, dir);
        return system(command);
}

/* Group fixtures: *state is the folder's name. */
static inline int pki_setup(void **state)
{
        char *dir = strdup("/tmp/softcard-test.XXXXXX");
        if (!dir || !mkdtemp(dir))
                return -1;
        *state = dir;
        return pki_fill(dir);
}

static inline int pki_teardown(void **state)
{
        char command[128];
        snprintf(command, sizeof command, "rm -rf %s", (char *)*state);
        int r = system(command);
        free(*state);
        return r;
}

#endif
