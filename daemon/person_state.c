/* SPDX-License-Identifier: Apache-2.0 */
/* person_state.c: the facts of a question in the form in which a prompt gets them: cleaned of what could move a
 * terminal or a page, capped, and without anything that steers programs. It starts nobody and asks nobody: a prompt here and one at the
 * other end of a link (announce.c) are told the same.
 */
#include "daemon/person.h"

#include "base/text.h"
#include "daemon/peer.h"
#include "daemon/prompt/question.h"

#include <stdio.h>

static void copy_shown(char *dst, size_t cap, const char *src)
{
        text_sanitize(dst, cap, src ? src : "", SIZE_MAX);
}

/* As many as are shown, one a line; a name holds no line feed once it is sanitised. */
static void name_readers(struct question *to, const struct person_question *from)
{
        size_t used = 0;
        for (size_t i = 0; i < base_min(from->reader_count, QUESTION_READERS_SHOWN); i++) {
                char name[QUESTION_READER_MAX];
                copy_shown(name, sizeof name, from->readers[i]);
                used += (size_t)snprintf(to->reader + used, sizeof to->reader - used, "%s%s",
                        i > 0 ? "\n" : "", name);
        }
        to->reader_count = (uint8_t)base_min(from->reader_count, UINT8_MAX);
}

/* The most telling name that the caller has; the same order as peer_key()'s. */
static void name_asker(struct question *to, const struct peer *peer)
{
        char unit[256];
        peer_unit_shown(peer, unit);
        const struct {
                const char *name;
                enum question_asker as;
        } names[] = {
                { peer->flatpak, ASKER_FLATPAK },
                { peer->snap, ASKER_SNAP },
                { unit, peer->system_unit ? ASKER_SERVICE : ASKER_USER_SERVICE },
                { peer->script, ASKER_SCRIPT },
        };
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (names[i].name[0]) {
                        copy_shown(to->asker_name, sizeof to->asker_name, names[i].name);
                        to->asker = names[i].as;
                        return;
                }
}

/* What a grant covers was decided when it was given: nothing is left to decline. */
static void state_consent(struct question *to, const struct person_question *from)
{
        copy_shown(to->organization, sizeof to->organization, from->organization);
        if (from->peer) {
                name_asker(to, from->peer);
        } else {
                to->asker = from->asker;
                copy_shown(to->asker_name, sizeof to->asker_name, from->asker_name);
        }
        to->required = from->required | (from->granted ? from->optional : CLAIMS_NONE);
        to->optional = from->optional & ~to->required;
        to->granted = from->granted;
        to->may_remember = from->may_remember && !from->granted && from->work != PERSON_DOCUMENTS &&
                           from->work != PERSON_KEY;
        to->recorded = from->recorded;
        to->recorded_identity = from->recorded_identity;
        to->recorded_by_station = from->recorded_by_station;
}

/* What the PIN or the yes is for. Which reader is meant is asked before that, and for every work alike. */
static int state_work(struct question *to, const struct person_question *from)
{
        static const enum question_work works[] = { [PERSON_SIGN] = WORK_SIGN,
                [PERSON_CHANGE_PIN] = WORK_CHANGE_PIN,
                [PERSON_UNBLOCK_PIN] = WORK_UNBLOCK_PIN,
                [PERSON_DOCUMENTS] = WORK_DOCUMENTS,
                [PERSON_CERTIFICATES] = WORK_CERTIFICATES,
                [PERSON_KEY] = WORK_KEY };
        if (from->choice || from->search)
                return 0;
        if (from->document_count > QUESTION_DOCUMENTS_MAX)
                return -E2BIG;
        to->work = works[from->work];
        to->document_count = (uint8_t)from->document_count;
        to->document_at = (uint8_t)base_min(from->document_at, UINT8_MAX);
        for (size_t i = 0; i < from->document_count; i++) {
                const struct question_document *document = &from->documents[i];
                to->documents[i] = *document;
                copy_shown(to->documents[i].name, sizeof document->name, document->name);
                copy_shown(to->documents[i].countersigned, sizeof document->countersigned,
                        document->countersigned);
                copy_shown(
                        to->documents[i].location, sizeof document->location, document->location);
        }
        to->content = from->content;
        copy_shown(to->content_text, sizeof to->content_text, from->content_text);
        copy_shown(to->content_host, sizeof to->content_host, from->content_host);
        to->authentication_key = from->authentication_key;
        return 0;
}

static void state_facts(struct question *to, const struct person_question *from)
{
        copy_shown(to->request, sizeof to->request, from->request);
        copy_shown(to->app, sizeof to->app, from->app);
        copy_shown(to->audience, sizeof to->audience, from->audience);
        copy_shown(to->purpose, sizeof to->purpose, from->purpose);
        copy_shown(to->given_name, sizeof to->given_name, from->given_name);
        copy_shown(to->family_name, sizeof to->family_name, from->family_name);
        copy_shown(to->card_number, sizeof to->card_number, from->card_number);
        copy_shown(to->reader, QUESTION_READER_MAX, from->reader);
        if (from->search) {
                copy_shown(to->card_number, sizeof to->card_number, from->expected_number);
                name_readers(to, from);
        }
        to->tries_left = from->tries_left;
        to->simulated = from->simulated;
        to->tell_unproven = from->tell_unproven;
        to->expired = from->expired;
        to->staff = from->staff;
        to->timeout_s = (uint16_t)base_min(from->timeout_s, 3600);
        copy_shown(to->computer, sizeof to->computer, from->computer);
        to->not_proven_here = from->not_proven_here;
}

int person_state(const struct person_question *asked, bool digits, struct question *ret)
{
        *ret = (struct question){ 0 };
        state_facts(ret, asked);
        state_consent(ret, asked);
        ret->choice = asked->choice;
        ret->search = asked->search;
        ret->pinpad =
                !digits && !asked->choice && !asked->search && asked->work != PERSON_CERTIFICATES;
        ret->on_phone = asked->on_phone;
        return state_work(ret, asked);
}
