/* SPDX-License-Identifier: Apache-2.0 */
/* announce.c: see announce.h. The question is put together by the functions that put the prompt's together, and then made smaller:
 * a second wording of the facts could drift from what the person at the computer agreed to.
 */
#include "daemon/announce.h"

#include "daemon/prompt/question.h"
#include "daemon/request_internal.h"

_Static_assert(OPS_ANNOUNCE_SIGNED_MAX == RELYING_REQUEST_MAX, "the same text in both");
_Static_assert(ANNOUNCE_MAX <= OPS_FRAME_MAX - OPS_HEADER, "it is one frame");

/* Consent was given: what goes along is settled, and where it was asked for is nobody's business over there. */
static void settle(struct person_question *told, const struct request *request)
{
        told->ui = (struct person_ui){ 0 };
        told->pinentry = NULL;
        told->required = request->released;
        told->optional = CLAIMS_NONE;
        told->granted = told->may_remember = told->recorded = told->on_phone = false;
        told->recorded_identity = told->recorded_by_station = false;
        if (told->document_count > 0) {
                told->documents += told->document_at;
                told->document_count = 1;
                told->document_at = 0;
        }
}

int announce_make(const struct request *request, struct out *args)
{
        struct reader_info reader;
        uint8_t frame[ANNOUNCE_MAX - RELYING_REQUEST_MAX];
        size_t len = 0;
        _cleanup_free_ struct question *question = calloc(1, sizeof *question);
        if (!question)
                return -ENOMEM;
        reader_describe(request->reader, &reader);
        struct person_question told = ask_told(request, &reader);
        settle(&told, request);
        int r = person_state(&told, true, question);
        if (r == 0)
                r = question_encode(question, frame, sizeof frame, &len);
        if (r < 0)
                return r;
        const char *jws = request->signed_request;
        op_put_announce(args, &(struct op_announce){ { frame, len },
                                      { (const uint8_t *)jws, jws ? strlen(jws) : 0 } });
        return out_done(args);
}
