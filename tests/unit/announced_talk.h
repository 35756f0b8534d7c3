/* SPDX-License-Identifier: Apache-2.0 */
/* announced_talk.h: announcements as a computer makes them, and an organisation that both sides may know. For the tests and
 * the fuzz target of daemon/relay/announced.c; included once per program.
 */
#ifndef MOHR_ANNOUNCED_TALK_H
#define MOHR_ANNOUNCED_TALK_H

#include "daemon/prompt/question.h"
#include "daemon/relay/announced.h"
#include "daemon/relying.h"
#include "drivers/ops.h"
#include "tests/support/testorg.h"

#include <stdio.h>

#define SET(array, text) snprintf(array, sizeof array, "%s", text)

struct announcement {
        uint8_t bytes[OPS_FRAME_MAX];
        size_t len;
};

/* What mohrd says of an assertion for the organisation's signed request, and of one that nobody signed. */
static inline struct question announced_plain(void)
{
        return (struct question){
                .request = "0123456789abcdef0123456789abcdef",
                .app = "/usr/bin/office",
                .audience = "https://office.example",
                .purpose = "opening an account",
                .given_name = "نمونه",
                .family_name = "آزمایشی",
                .card_number = "0099900007",
                .reader = "Sara's phone",
                .tries_left = 3,
                .timeout_s = 60,
        };
}

static inline struct question announced_signed(void)
{
        struct question question = announced_plain();
        SET(question.organization, TESTORG_NAME);
        SET(question.audience, TESTORG_URI);
        SET(question.purpose, "open an account");
        question.required = SHARE_CARD_EXPIRY | SHARE_READER;
        return question;
}

/* False: no frame can say this question. */
static inline bool announced_say(
        struct announcement *ret, const struct question *question, const char *jws)
{
        static uint8_t frame[QUESTION_FRAME_MAX];
        size_t len = 0;
        struct out out = out_new(ret->bytes, sizeof ret->bytes);
        if (question_encode(question, frame, sizeof frame, &len) < 0)
                return false;
        op_put_announce(&out, &(struct op_announce){ { frame, len },
                                      { (const uint8_t *)jws, jws ? strlen(jws) : 0 } });
        ret->len = out.len;
        return out_done(&out) == 0;
}

/* The anchors of this organisation, as a phone has them configured; NULL: it could not be written down. */
static inline struct relying *announced_anchors(const struct testorg *org)
{
        char path[] = "/tmp/mohr-announced-XXXXXX", error[256] = "";
        struct relying *relying = NULL;
        int fd = mkstemp(path);
        if (fd < 0)
                return NULL;
        close(fd);
        testpki_write_pem(path, (X509 *[]){ org->root, NULL });
        int r = relying_load(&relying, path, geteuid(), error, sizeof error);
        unlink(path);
        return r == 0 ? relying : NULL;
}

#endif
