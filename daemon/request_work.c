/* SPDX-License-Identifier: Apache-2.0 */
/* request_work.c: where the one way of all requests meets what is asked for: struct request_work.
 *
 * Only what a kind of request needs to know is handed out, and for the length of a call: the confirmed certificates, the
 * reader, the time. It never sees the PIN, the helper or the table of states, and cannot move the request along but by
 * what it returns.
 */
#include "daemon/request_internal.h"

#include <time.h>

bool work_signs(const struct request *request)
{
        return !request->work->no_pin;
}

bool work_was_agreed(const struct request *request)
{
        const struct gate_chain *chain = &request->card.chain;
        return request->consent_of[0] && chain->leaf &&
               memcmp(request->consent_print, chain->print, GATE_PRINT_SIZE) == 0;
}

static struct request_subject subject_of(
        const struct request *request, struct reader_info *info, int64_t when)
{
        const struct gate_chain *chain = &request->card.chain;
        reader_describe(request->reader, info);
        return (struct request_subject){
                .id = request->id,
                .reader = info->name,
                .leaf = chain->leaf,
                .issuer = chain->issuer,
                .other = chain->other,
                .facts = &chain->facts,
                .print = chain->print,
                .family = request->card.identity.family,
                .simulated = request->simulated,
                .events = request->events,
                .when = when,
        };
}

bool work_prepares(const struct request *request)
{
        return request->work->prepare != NULL;
}

int work_prepare(struct request *request, struct out *args)
{
        struct reader_info info;
        struct request_subject subject = subject_of(request, &info, time(NULL));
        (void)args;
        return request->work->prepare(request->work_user, request, &subject, &request->detail);
}

void request_prepared(struct request *request, int result, const char *detail)
{
        if (result != 0)
                request->detail = detail;
        request_run(request, result);
}

int work_compose(struct request *request, int64_t when)
{
        struct reader_info info;
        struct request_subject subject = subject_of(request, &info, when);
        if (!request->work->compose)
                return 0;
        return request->work->compose(
                request->work_user, &subject, &request->to_sign, &request->detail);
}

int work_rehearse(struct request *request, struct out *args)
{
        (void)args;
        return work_compose(request, time(NULL));
}

int work_finish(struct request *request, const uint8_t *signature, size_t len)
{
        struct reader_info info;
        struct request_subject subject = subject_of(request, &info, request->auth_time);
        return request->work->finish(
                request->work_user, &subject, signature, len, &request->detail);
}
