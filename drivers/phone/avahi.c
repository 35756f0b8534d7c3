/* SPDX-License-Identifier: Apache-2.0 */
/* avahi.c: see avahi.h. Avahi's D-Bus interface (org.freedesktop.Avahi.Server, .ServiceBrowser) by sd-bus: one browser for our
 * service, and one look-up for each thing that it finds.
 *
 * Avahi comes and goes: the bus tells, and a new browser is asked for; it is never started for our sake. Nothing is waited
 * for and nothing polls. An answer that never comes costs one of a few places, until the bus gives up for us.
 */
#include "drivers/phone/avahi.h"

#include "client-sdk/link/link.h"

#include <stdio.h>
#include <systemd/sd-bus.h>

#define AVAHI       "org.freedesktop.Avahi"
#define SERVER      AVAHI ".Server"
#define BROWSER     AVAHI ".ServiceBrowser"
#define ANY         (-1)
#define ASKING_MAX  16
#define TXT_STRINGS 64

struct asking { /* a look-up that is under way */
        struct avahi *avahi;
        sd_bus_slot *slot;
        struct heard_key key;
};

struct avahi {
        sd_bus *bus;
        sd_bus_slot *owner, *signals, *browser;
        struct heard *heard;
        struct asking asking[ASKING_MAX];
};

/* ---- what Avahi answers ---- */

static int read_txt(sd_bus_message *m, struct announcement *ret)
{
        int r = sd_bus_message_enter_container(m, 'a', "ay");
        for (int i = 0; r > 0 && i < TXT_STRINGS; i++) {
                const void *text;
                size_t len;
                r = sd_bus_message_read_array(m, 'y', &text, &len);
                if (r > 0)
                        announcement_txt(ret, text, len);
        }
        return r;
}

/* interface, protocol, name, type, domain, host, protocol of the address, address, port, TXT, flags */
static int read_resolved(sd_bus_message *m, struct announcement *ret)
{
        int32_t interface, protocol, of_address;
        const char *name, *type, *domain, *host, *number;
        uint16_t port;
        int r = sd_bus_message_read(m, "iissssisq", &interface, &protocol, &name, &type, &domain,
                &host, &of_address, &number, &port);
        if (r >= 0)
                r = announcement_address(ret, number, port);
        return r < 0 ? r : read_txt(m, ret);
}

static int on_resolved(sd_bus_message *m, void *user, sd_bus_error *error _unused_)
{
        struct asking *asking = user;
        struct announcement found = { .key = asking->key };
        asking->slot = sd_bus_slot_unref(asking->slot);
        if (!sd_bus_message_is_method_error(m, NULL) && read_resolved(m, &found) >= 0)
                (void)heard_put(asking->avahi->heard, &found);
        return 0;
}

/* ---- what it is asked ---- */

static struct asking *free_place(struct avahi *avahi)
{
        for (size_t i = 0; i < ASKING_MAX; i++)
                if (!avahi->asking[i].slot)
                        return &avahi->asking[i];
        return NULL;
}

static int new_call(const struct avahi *avahi, const char *method, sd_bus_message **ret)
{
        int r = sd_bus_message_new_method_call(avahi->bus, ret, AVAHI, "/", SERVER, method);
        return r < 0 ? r : sd_bus_message_set_auto_start(*ret, false);
}

static void look_up(struct avahi *avahi, const struct heard_key *key, const char *domain)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        struct asking *asking = free_place(avahi);
        if (!asking || new_call(avahi, "ResolveService", &m) < 0)
                return;
        asking->avahi = avahi;
        asking->key = *key;
        if (sd_bus_message_append(m, "iisssiu", key->interface, key->protocol, key->name,
                    LINK_SERVICE, domain, ANY, 0) >= 0)
                (void)!sd_bus_call_async(avahi->bus, &asking->slot, m, on_resolved, asking, 0);
}

static int on_signal(sd_bus_message *m, void *user, sd_bus_error *error _unused_)
{
        struct avahi *avahi = user;
        struct heard_key key = { 0 };
        const char *name, *type, *domain;
        bool came = sd_bus_message_is_signal(m, BROWSER, "ItemNew") > 0;
        if (!came && sd_bus_message_is_signal(m, BROWSER, "ItemRemove") <= 0)
                return 0;
        if (sd_bus_message_read(m, "iisss", &key.interface, &key.protocol, &name, &type, &domain) <
                        0 ||
                strcmp(type, LINK_SERVICE) != 0 || strlen(name) >= sizeof key.name)
                return 0;
        memcpy(key.name, name, strlen(name));
        if (came)
                look_up(avahi, &key, domain);
        else
                (void)heard_remove(avahi->heard, &key);
        return 0;
}

static int on_browsing(sd_bus_message *m _unused_, void *user, sd_bus_error *error _unused_)
{
        struct avahi *avahi = user;
        avahi->browser = sd_bus_slot_unref(avahi->browser);
        return 0;
}

static void browse(struct avahi *avahi)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        avahi->browser = sd_bus_slot_unref(avahi->browser);
        if (new_call(avahi, "ServiceBrowserNew", &m) >= 0 &&
                sd_bus_message_append(m, "iissu", ANY, ANY, LINK_SERVICE, "", 0) >= 0)
                (void)!sd_bus_call_async(avahi->bus, &avahi->browser, m, on_browsing, avahi, 0);
}

/* name, old owner, new owner */
static int on_owner(sd_bus_message *m, void *user, sd_bus_error *error _unused_)
{
        struct avahi *avahi = user;
        const char *name, *old, *new;
        if (sd_bus_message_read(m, "sss", &name, &old, &new) < 0)
                return 0;
        heard_clear(avahi->heard);
        if (*new)
                browse(avahi);
        return 0;
}

/* ---- life ---- */

static int subscribe(struct avahi *avahi)
{
        int r = sd_bus_add_match(avahi->bus, &avahi->owner,
                "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                "member='NameOwnerChanged',arg0='" AVAHI "'",
                on_owner, avahi);
        if (r >= 0)
                r = sd_bus_add_match(avahi->bus, &avahi->signals,
                        "type='signal',sender='" AVAHI "',interface='" BROWSER "'", on_signal,
                        avahi);
        return r < 0 ? r : 0;
}

int avahi_new(struct avahi **ret, sd_event *event, struct heard *heard)
{
        struct avahi *avahi = calloc(1, sizeof *avahi);
        if (!avahi)
                return -ENOMEM;
        avahi->heard = heard;
        int r = sd_bus_open_system(&avahi->bus);
        if (r >= 0)
                r = subscribe(avahi);
        if (r >= 0)
                r = sd_bus_attach_event(avahi->bus, event, 0);
        if (r >= 0) {
                browse(avahi);
                *ret = avahi;
                return 0;
        }
        avahi_free(avahi);
        if (r == -ENOMEM)
                return r;
        *ret = NULL;
        return 0;
}

struct avahi *avahi_free(struct avahi *avahi)
{
        if (!avahi)
                return NULL;
        for (size_t i = 0; i < ASKING_MAX; i++)
                sd_bus_slot_unref(avahi->asking[i].slot);
        sd_bus_slot_unref(avahi->browser);
        sd_bus_slot_unref(avahi->signals);
        sd_bus_slot_unref(avahi->owner);
        sd_bus_flush_close_unref(avahi->bus);
        free(avahi);
        return NULL;
}
