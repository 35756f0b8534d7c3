/* SPDX-License-Identifier: Apache-2.0 */
/* avahi.h: hears phones announce themselves, through Avahi, where it runs. */
#ifndef MOHR_PHONE_AVAHI_H
#define MOHR_PHONE_AVAHI_H

#include "drivers/phone/heard.h"
#include <systemd/sd-event.h>

struct avahi;

/* Keeps `heard` up to date from the loop. *ret NULL: there is no system bus, and nothing will be heard. Connects and
 * subscribes, so it comes before the sandbox. */
_must_check_ int avahi_new(struct avahi **ret, sd_event *event, struct heard *heard);
struct avahi *avahi_free(struct avahi *avahi);

#endif
