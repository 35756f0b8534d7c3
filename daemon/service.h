/* SPDX-License-Identifier: Apache-2.0 */
/* service.h: from a method's name to its row, and org.varlink.service itself. Inner side of server.h. */
#ifndef MOHR_SERVICE_H
#define MOHR_SERVICE_H

#include "daemon/server.h"
#include "daemon/varlink.h"

struct service {
        const struct server_method *methods;
        const struct server_interface *interfaces;
        void *user;
};

void service_dispatch(
        const struct service *service, struct call *call, const struct varlink_call *message);

#endif
