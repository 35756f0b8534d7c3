/* SPDX-License-Identifier: Apache-2.0 */
/* methods.h: mohr.Identity over the socket: what each method takes, and who does the work. */
#ifndef MOHR_METHODS_H
#define MOHR_METHODS_H

#include "daemon/request.h"
#include "daemon/server.h"

struct methods;

/* The context is borrowed and must outlive it. */
_must_check_ int methods_new(struct methods **ret, struct request_context *context);
/* After the server is freed: no call may be left. */
struct methods *methods_free(struct methods *methods);
/* Ends the streams, which would never end by themselves; running requests go on. */
void methods_drain(struct methods *methods);

extern const struct server_method methods_table[]; /* `user` is the struct methods */
extern const struct server_interface methods_interfaces[];

#endif
