/* SPDX-License-Identifier: Apache-2.0 */
/* methods_person.c: mohr.Person in the server's table. The interface is always listed, so that its text can be read on
 * any machine; whether somebody may use it is root's configuration's to say, at each Serve.
 */
#include "daemon/methods_internal.h"

#include "daemon/screen.h"

void method_serve(void *user, struct call *call, json_t *parameters)
{
        const struct methods *m = user;
        screen_serve(m->context->screen, call, parameters);
}

void method_answer(void *user, struct call *call, json_t *parameters)
{
        const struct methods *m = user;
        screen_answer(m->context->screen, call, parameters);
}
