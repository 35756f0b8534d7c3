/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_announced.c: what a paired computer announces to a phone that knows an organisation, and to one that knows none. The first
 * byte chooses: 'R' the payload as it stands; 'Q' a question alone, with the organisation's good request beside it, so that
 * comparing is reached. Whatever is believed can be asked by this phone's prompt, and says nothing that was not proven.
 */
#include "tests/fuzz/require.h"
#include "tests/unit/announced_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct world {
        struct testorg *org;
        struct relying *known;
        char *jws;
};

static const struct world *world(void)
{
        static struct world made; /* once for the whole run */
        if (made.org)
                return &made;
        made.org = testorg_new();
        made.known = announced_anchors(made.org);
        made.jws =
                testorg_sign(made.org, testorg_header(made.org, "RS256", NULL), testorg_payload());
        require(made.known != NULL);
        return &made;
}

static void check(const struct announced *announced, bool known)
{
        static struct question got;
        static uint8_t frame[QUESTION_FRAME_MAX];
        char line[512];
        size_t frame_len = 0;
        struct person_question told = announced_question(announced);
        require(told.computer && strcmp(told.computer, "counter-3") == 0);
        require(!told.granted && !told.may_remember && told.optional == 0 && !told.ui.tty &&
                !told.pinentry && told.document_count <= 1);
        require(person_state(&told, true, &got) == 0);
        require(question_encode(&got, frame, sizeof frame, &frame_len) == 0);
        require(!known || !told.not_proven_here);
        if (known && told.organization) {
                require(strcmp(told.organization, TESTORG_NAME) == 0);
                require(strcmp(told.audience, TESTORG_URI) == 0);
                require(strcmp(told.purpose, "open an account") == 0);
                require((told.required & ~(CLAIM_CARD_EXPIRY | CLAIM_READER)) == 0);
        }
        announced_line(announced, line, sizeof line);
        require(strncmp(line, "counter-3: ", 11) == 0);
}

static void judge(struct view payload, const struct relying *relying)
{
        struct announced *announced = NULL;
        const char *detail = NULL;
        const struct announced_by by = { "counter-3", relying, TESTPKI_NOW };
        int r = announced_take(&announced, payload, &by, &detail);
        require(r == 0 || r == -EBADMSG || r == 16 || r == 21);
        require((r == 0) == (announced != NULL) && (r > 0) == (detail != NULL));
        if (announced)
                check(announced, relying != NULL);
        announced_free(announced);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static uint8_t payload[OPS_FRAME_MAX];
        struct out out = out_new(payload, sizeof payload);
        const char *jws = world()->jws;
        if (len < 1 || len > sizeof payload)
                return 0;
        if (data[0] == 'Q')
                op_put_announce(&out, &(struct op_announce){ { data + 1, len - 1 },
                                              { (const uint8_t *)jws, strlen(jws) } });
        else
                out_bytes(&out, data + 1, len - 1);
        if (out_done(&out) < 0)
                return 0;
        judge((struct view){ payload, out.len }, world()->known);
        judge((struct view){ payload, out.len }, NULL);
        return 0;
}
