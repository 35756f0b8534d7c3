/* SPDX-License-Identifier: Apache-2.0 */
/* readers.c: which readers there are, and in which a card lies, as mohrd's Status and Watch tell it.
 *
 * A slot is a reader's name: the number stays the name's while the module lives, also when the reader goes and comes back. The
 * picture is taken anew whenever a program looks at slots; from the first objects on a watch tells by itself when their card has
 * gone. A program that only looks keeps no connection: p11-kit loads the module into every program of a session.
 */
#include "client-sdk/pkcs11/p11.h"

#include <stdio.h>

#define STATUS_S 10

struct p11_slot *p11_slot(struct p11 *p11, CK_SLOT_ID id)
{
        return id < p11->slot_count ? &p11->slots[id] : NULL;
}

void p11_card_gone(struct p11 *p11, struct p11_slot *slot)
{
        p11_sessions_close(p11, (CK_SLOT_ID)(slot - p11->slots));
        slot->token = p11_token_free(slot->token);
        slot->asked = slot->logged_in = false;
}

/* ---- Pictures ---- */

static struct p11_slot *slot_of(struct p11 *p11, const char *name)
{
        for (size_t i = 0; i < p11->slot_count; i++)
                if (strcmp(p11->slots[i].name, name) == 0)
                        return &p11->slots[i];
        if (p11->slot_count == P11_SLOTS_MAX || !name[0] || strlen(name) > P11_NAME_MAX)
                return NULL;
        struct p11_slot *slot = &p11->slots[p11->slot_count++];
        snprintf(slot->name, sizeof slot->name, "%s", name);
        return slot;
}

struct seen {
        bool listed, present, busy, simulated;
};

static void take_reader(struct p11 *p11, const json_t *reader, struct seen seen[P11_SLOTS_MAX])
{
        const char *name = json_string_value(json_object_get(reader, "name"));
        const char *state = json_string_value(json_object_get(reader, "state"));
        struct p11_slot *slot = name && state ? slot_of(p11, name) : NULL;
        if (!slot)
                return;
        bool in_use = strcmp(state, "in_use") == 0;
        seen[slot - p11->slots] = (struct seen){
                .listed = true,
                .busy = in_use,
                .present = in_use || strcmp(state, "card") == 0 || strcmp(state, "busy") == 0,
                .simulated = json_is_true(json_object_get(reader, "simulated")),
        };
}

static void take_change(struct p11 *p11, struct p11_slot *slot, const struct seen *seen)
{
        bool changed = slot->listed != seen->listed || slot->present != seen->present;
        if (slot->present && !seen->present)
                p11_card_gone(p11, slot);
        slot->event |= changed && p11->pictured;
        slot->listed = seen->listed;
        slot->present = seen->present;
        slot->busy = seen->busy;
        slot->simulated = seen->simulated;
}

void p11_picture(struct p11 *p11, const json_t *picture)
{
        struct seen seen[P11_SLOTS_MAX] = { 0 };
        const json_t *readers = json_object_get(picture, "readers");
        for (size_t i = 0; i < json_array_size(readers); i++)
                take_reader(p11, json_array_get(readers, i), seen);
        for (size_t i = 0; i < p11->slot_count; i++)
                take_change(p11, &p11->slots[i], &seen[i]);
        p11->pictured = true;
}

/* Whatever happened in the meantime is asked when somebody searches; the same card keeps its objects. */
static void watch_ended(struct p11 *p11)
{
        p11_hang_up(p11, p11->watch);
        p11->watch = NULL;
        for (size_t i = 0; i < p11->slot_count; i++)
                p11->slots[i].asked = false;
}

void p11_notice(struct p11 *p11)
{
        enum mohr_step step = MOHR_STEP_MORE;
        while (p11->watch && step == MOHR_STEP_MORE) {
                int r = mohr_client_process(p11->watch, &step);
                if (r == 0 && step == MOHR_STEP_MORE)
                        p11_picture(p11, client_reply(p11->watch));
                if (r != 0 || step == MOHR_STEP_DONE)
                        watch_ended(p11);
        }
}

CK_RV p11_refresh(struct p11 *p11)
{
        struct mohr_client *client;
        p11_notice(p11);
        if (p11->watch)
                return CKR_OK;
        int r = p11_call(p11, "mohr.Identity.Status", json_object(), STATUS_S, &client);
        if (r >= 0)
                p11_picture(p11, r == 0 ? client_reply(client) : NULL);
        p11_hang_up(p11, client);
        bool settled;
        return r < 0 ? p11_result(r, NULL, &settled) : CKR_OK;
}
