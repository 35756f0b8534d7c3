/* SPDX-License-Identifier: Apache-2.0 */
/* service.c: see service.h. The errors are those of the interface org.varlink.service, each with the
 * one member it declares. `upgrade` turns a connection over to another protocol; no method here does
 * that, so it is answered like a method that this service does not have.
 */
#include "daemon/service.h"

#include "daemon/interfaces.h"
#include "daemon/params.h"

#define SERVICE "org.varlink.service"

static const struct server_interface service_interface = { SERVICE, interface_org_varlink_service };

static void error_with(struct call *call, const char *error, const char *member, json_t *value)
{
        call_error(call, error, json_pack("{s:o}", member, value));
}

bool params_accept(struct call *call, json_t *parameters, const struct param *table)
{
        json_t *bad = NULL;
        bool fit = params_fit(parameters, table, &bad);
        if (!fit)
                error_with(call, SERVICE ".InvalidParameter", "parameter",
                        bad ? bad : json_string(""));
        return fit;
}

static void get_info(const struct service *service, struct call *call, json_t *parameters)
{
        static const struct param none[] = { { 0 } };
        if (!params_accept(call, parameters, none))
                return;
        json_t *names = json_pack("[s]", SERVICE);
        for (const struct server_interface *i = service->interfaces; i->name; i++)
                json_array_append_new(names, json_string(i->name));
        call_reply(call, json_pack("{s:s, s:s, s:s, s:s, s:o}", "vendor", "Mohr", "product",
                                 "mohrd", "version", MOHR_VERSION, "url", "", "interfaces", names));
}

static const struct server_interface *find_interface(
        const struct service *service, const char *name, size_t len)
{
        if (strlen(SERVICE) == len && memcmp(SERVICE, name, len) == 0)
                return &service_interface;
        for (const struct server_interface *i = service->interfaces; i->name; i++)
                if (strlen(i->name) == len && memcmp(i->name, name, len) == 0)
                        return i;
        return NULL;
}

static void get_interface_description(
        const struct service *service, struct call *call, json_t *parameters)
{
        static const struct param table[] = {
                { .name = "interface",
                        .type = PARAM_STRING,
                        .required = true,
                        .min = 1,
                        .max = 255 },
                { 0 },
        };
        if (!params_accept(call, parameters, table))
                return;
        json_t *name = json_object_get(parameters, "interface");
        const struct server_interface *found =
                find_interface(service, json_string_value(name), json_string_length(name));
        if (!found)
                error_with(call, SERVICE ".InterfaceNotFound", "interface", json_incref(name));
        else
                call_reply(call, json_pack("{s:s}", "description", found->description));
}

static const struct {
        const char *name;
        void (*handle)(const struct service *service, struct call *call, json_t *parameters);
} own_methods[] = {
        { SERVICE ".GetInfo", get_info },
        { SERVICE ".GetInterfaceDescription", get_interface_description },
};

static bool dispatch_own(
        const struct service *service, struct call *call, const struct varlink_call *message)
{
        for (size_t i = 0; i < ARRAY_LEN(own_methods); i++)
                if (strcmp(own_methods[i].name, message->method) == 0) {
                        own_methods[i].handle(service, call, message->parameters);
                        return true;
                }
        return false;
}

static const struct server_method *find_method(const struct service *service, const char *name)
{
        for (const struct server_method *m = service->methods; m->name; m++)
                if (strcmp(m->name, name) == 0)
                        return m;
        return NULL;
}

/* A name without a row brings none. */
static bool misplaced_fds(const struct server_method *method, const struct call *call)
{
        size_t count = call_fds(call);
        return method ? count < method->fds_min || count > method->fds_max : count > 0;
}

void service_dispatch(
        const struct service *service, struct call *call, const struct varlink_call *message)
{
        const char *name = message->method;
        const struct server_method *method = find_method(service, name);
        if (message->upgrade) {
                error_with(call, SERVICE ".MethodNotImplemented", "method", json_string(name));
                return;
        }
        if (misplaced_fds(method, call)) {
                error_with(
                        call, SERVICE ".InvalidParameter", "parameter", json_string("descriptor"));
                return;
        }
        if (dispatch_own(service, call, message))
                return;
        if (method && method->handle)
                method->handle(service->user, call, message->parameters);
        else if (method)
                error_with(call, SERVICE ".MethodNotImplemented", "method", json_string(name));
        else if (find_interface(service, name, message->interface_len))
                error_with(call, SERVICE ".MethodNotFound", "method", json_string(name));
        else
                error_with(call, SERVICE ".InterfaceNotFound", "interface",
                        json_stringn(name, message->interface_len));
}
