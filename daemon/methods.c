/* SPDX-License-Identifier: Apache-2.0 */
/* methods.c: mohr.Identity: its tables, what its methods share, and Status and Watch, which tell readers and states,
 * never whose card it is: no serial number, no certificate, not even an ATR.
 */
#include "daemon/methods_internal.h"

#include "base/outcome.h"
#include "base/text.h"
#include "daemon/interfaces.h"
#include "daemon/keys.h"
#include "daemon/screen.h"
#include "drivers/ops.h"

#include <stdio.h>

#define BACKENDS_MAX CONFIG_DRIVERS_MAX

struct watch { /* a Watch that goes on, or a Status that waits for what is being looked for */
        struct methods *methods;
        struct call *call;
        struct readers_watch *readers;
        bool once;
        struct watch *next;
};

/* --- what the methods share --- */

json_t *method_details(const char *id, int tries_left, const char *detail)
{
        json_t *details = json_object();
        if (id)
                json_object_set_new(details, "request", json_string(id));
        if (detail)
                json_object_set_new(details, "detail", json_string(detail));
        if (tries_left >= 0)
                json_object_set_new(details, "tries_left", json_integer(tries_left));
        return details;
}

void method_fail_as(struct call *call, const char *interface, int outcome, json_t *details)
{
        char error[64];
        bool ours = outcome > 0 && outcome != OUTCOME_UNREACHABLE && outcome != OUTCOME_INVALID &&
                    outcome != OUTCOME_CERTIFICATE_EXPIRED;
        snprintf(error, sizeof error, "%s.%s", interface,
                outcome_name(ours ? outcome : OUTCOME_INTERNAL));
        call_error(call, error, details);
}

void method_fail(struct call *call, int outcome, json_t *details)
{
        method_fail_as(call, METHODS_INTERFACE, outcome, details);
}

void method_invalid(struct call *call, const char *parameter)
{
        call_error(call, "org.varlink.service.InvalidParameter",
                json_pack("{s:s}", "parameter", parameter));
}

/* --- Status and Watch --- */

static json_t *text_json(const char *text)
{
        char clean[4 * 128 + 4];
        text_sanitize(clean, sizeof clean, text, 128);
        return json_string(clean);
}

/* Of a reader at the other end of a link; NULL for any other, or without memory. */
static json_t *link_json(const struct reader_info *info)
{
        if (!info->linked)
                return NULL;
        json_t *link = json_pack("{s:b}", "asks_pin", info->asks_pin);
        bool failed =
                *info->remote && json_object_set_new(link, "reader", text_json(info->remote)) < 0;
        json_int_t latency_ms = (info->latency_us + 999) / 1000;
        failed |= latency_ms > 0 &&
                  json_object_set_new(link, "latency_ms", json_integer(latency_ms)) < 0;
        if (!failed)
                return link;
        json_decref(link);
        return NULL;
}

static json_t *reader_json(const struct reader_info *info)
{
        json_t *link = link_json(info);
        if (info->linked && !link)
                return NULL;
        return json_pack("{s:o, s:s, s:s, s:s*, s:b, s:o*}", "name", text_json(info->name),
                "driver", info->driver, "state", info->state, "why", info->why, "simulated",
                info->simulated, "link", link);
}

static json_t *readers_json(const struct readers *readers)
{
        struct reader_info info[DRIVER_READERS_MAX * BACKENDS_MAX];
        size_t count = readers_list(readers, info, ARRAY_LEN(info));
        _cleanup_message_ json_t *list = json_array();
        for (size_t i = 0; i < count; i++)
                if (json_array_append_new(list, reader_json(&info[i])) < 0)
                        return NULL; /* rather than a reader less */
        return json_incref(list);
}

static json_t *backends_json(const struct readers *readers)
{
        struct backend_info info[BACKENDS_MAX];
        size_t count = readers_backends(readers, info, ARRAY_LEN(info));
        _cleanup_message_ json_t *list = json_array();
        for (size_t i = 0; i < count; i++)
                if (json_array_append_new(list, json_pack("{s:s, s:s}", "driver", info[i].driver,
                                                        "state", info[i].state)) < 0)
                        return NULL;
        return json_incref(list);
}

static json_t *picture(const struct methods *m)
{
        const struct readers *readers = m->context->readers;
        return json_pack(
                "{s:o, s:o}", "readers", readers_json(readers), "backends", backends_json(readers));
}

static void reply_status(struct methods *m, struct call *call)
{
        json_t *reply = picture(m);
        if (json_object_set_new(reply, "version", json_string(MOHR_VERSION)) < 0) {
                json_decref(reply);
                reply = NULL;
        }
        call_reply(call, reply);
}

/* Is it being found out which readers there are, or whether a phone is? */
static bool looking(const struct methods *m)
{
        const struct readers *readers = m->context->readers;
        return readers_first_look(readers) || readers_looking(readers);
}

static void watch_free(struct watch *watch)
{
        struct watch **link = &watch->methods->watches;
        while (*link && *link != watch)
                link = &(*link)->next;
        if (*link)
                *link = watch->next;
        readers_watch_free(watch->readers);
        free(watch);
}

static void watch_end(struct watch *watch)
{
        struct methods *m = watch->methods;
        struct call *call = watch->call;
        bool once = watch->once;
        watch_free(watch);
        if (once)
                reply_status(m, call);
        else
                call_reply(call, picture(m));
}

static void watch_changed(void *user)
{
        struct watch *watch = user;
        if (!watch->once)
                call_reply_more(watch->call, picture(watch->methods));
        else if (!looking(watch->methods))
                watch_end(watch);
}

static void watch_hangup(void *user)
{
        watch_free(user);
}

static int watch_begin(struct methods *m, struct call *call, bool once)
{
        struct watch *watch = calloc(1, sizeof *watch);
        if (!watch)
                return -ENOMEM;
        *watch = (struct watch){ .methods = m, .call = call, .once = once };
        int r = readers_subscribe(m->context->readers, &watch->readers, watch_changed, watch);
        if (r < 0) {
                free(watch);
                return r;
        }
        watch->next = m->watches;
        m->watches = watch;
        call_on_hangup(call, watch_hangup, watch);
        return 0;
}

/* A card on a phone that went without a word is no card that is there: it is looked for before that is said. Nor is a reader missing
 * because nobody has looked yet: the call of Status may be what started the service. */
static void method_status(void *user, struct call *call, json_t *parameters)
{
        static const struct param none[] = { { 0 } };
        struct methods *m = user;
        if (!params_accept(call, parameters, none))
                return;
        if (!m->draining)
                (void)readers_look(m->context->readers);
        if (m->draining || !looking(m) || watch_begin(m, call, true) < 0)
                reply_status(m, call);
}

static void method_watch(void *user, struct call *call, json_t *parameters)
{
        static const struct param none[] = { { 0 } };
        struct methods *m = user;
        if (!params_accept(call, parameters, none))
                return;
        if (!call_wants_more(call) || m->draining)
                call_reply(call, picture(m));
        else if (watch_begin(m, call, false) < 0)
                call_error(call, METHODS_INTERFACE ".Internal", NULL);
        else
                call_reply_more(call, picture(m));
        (void)readers_look(m->context->readers);
}

/* --- the tables --- */

const struct server_method methods_table[] = {
        /* and how many descriptors, at least and at most */
        { METHODS_INTERFACE ".Status", method_status, 0, 0 },
        { METHODS_INTERFACE ".Watch", method_watch, 0, 0 },
        { METHODS_INTERFACE ".Assert", method_assert, 0, 0 },
        { METHODS_INTERFACE ".Examine", method_examine, 0, 0 },
        { METHODS_INTERFACE ".ChangePin", method_change_pin, 0, 0 },
        { METHODS_INTERFACE ".UnblockPin", method_unblock_pin, 0, 0 },
        { METHODS_INTERFACE ".CheckPolicy", method_check_policy, 0, 0 },
        { METHODS_INTERFACE ".ListGrants", method_list_grants, 0, 0 },
        { METHODS_INTERFACE ".RevokeGrant", method_revoke_grant, 0, 0 },
        { "mohr.Person.Serve", method_serve, 0, 0 },
        { "mohr.Person.Answer", method_answer, 0, 1 },
        { "mohr.Documents.Add", method_add_document, 2, 2 },
        { "mohr.Documents.Sign", method_sign_documents, 0, 0 },
        { "mohr.Documents.Remove", method_remove_document, 0, 0 },
        { "mohr.Keys.List", method_list_keys, 0, 0 },
        { "mohr.Keys.Sign", method_sign_by_key, 0, 0 },
        { 0 },
};

const struct server_interface methods_interfaces[] = {
        { METHODS_INTERFACE, interface_mohr_identity },
        { "mohr.Person", interface_mohr_person },
        { "mohr.Documents", interface_mohr_documents },
        { "mohr.Keys", interface_mohr_keys },
        { 0 },
};

int methods_new(struct methods **ret, struct request_context *context)
{
        struct methods *m = calloc(1, sizeof *m);
        if (!m)
                return -ENOMEM;
        m->context = context;
        int r = keys_new(&m->keys, context);
        if (r < 0) {
                free(m);
                return r;
        }
        *ret = m;
        return 0;
}

struct methods *methods_free(struct methods *m)
{
        if (m)
                keys_free(m->keys);
        free(m);
        return NULL;
}

void methods_drain(struct methods *m)
{
        m->draining = true;
        while (m->watches)
                watch_end(m->watches);
        screen_drain(m->context->screen);
}
