/* SPDX-License-Identifier: Apache-2.0 */
/* request_revoke.c: a permission that is taken back while somebody waits by it.
 *
 * Whether there is a permission is asked of the history once, with the intent. Between that and the last page lie the
 * questions about readers, a card, and the PIN's own page, which may stay open for minutes. Whoever takes a permission back meanwhile
 * wants it to be gone: so the page of consent comes after all, in the place of a PIN's page that is open already. What
 * was typed into a page by then goes to no card.
 *
 * A PIN that was given stays given: its page named who asks, for whom and what for, and that nobody would be asked further.
 */
#include "daemon/request_internal.h"

void revoke_watch(struct request *request)
{
        request->next = request->context->open;
        request->context->open = request;
}

void revoke_unwatch(struct request *request)
{
        struct request **slot = &request->context->open;
        while (*slot && *slot != request)
                slot = &(*slot)->next;
        if (*slot)
                *slot = request->next;
}

/* The turn is still this one's. */
static void ask_again(struct request *request)
{
        request->person = person_free(request->person);
        request_forget_pin(request);
        sd_event_source_set_enabled(request->kick, SD_EVENT_ONESHOT);
}

static void go_without(struct request *request)
{
        request->told = (struct history_told){ 0 };
        request->may_remember = false; /* who just took one back is not asked for another */
        log_kv(request->context->log, LOG_LEVEL_INFO, request->id,
                "its permission was taken back: consent is asked for", "step",
                request_state_name(request), NULL);
        if (request->state == STATE_ASK && request->person)
                ask_again(request);
}

void request_revoked(struct request_context *context, const char *grant)
{
        for (struct request *request = context->open; request; request = request->next)
                if (request->told.granted && request->state <= STATE_ASK &&
                        strcmp(request->told.grant, grant) == 0)
                        go_without(request);
}
