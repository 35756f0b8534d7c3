/* SPDX-License-Identifier: Apache-2.0 */
/* screen.h: the role mohr.Person: one client, named by root's configuration, that shows questions in the daemon's stead
 * and brings the answers, the PIN through a pipe that it passes. mohr.Person.varlink is the agreement.
 *
 * While somebody holds the role every question goes there, and to nobody else when it goes away: an open question
 * then ends as refused. Nothing here decides anything: what may be answered to which question is checked as if a
 * stranger had answered.
 */
#ifndef MOHR_SCREEN_H
#define MOHR_SCREEN_H

#include "daemon/config.h"
#include "daemon/person.h"
#include "daemon/server.h"

struct screen;
struct screen_question;

_must_check_ int screen_new(
        struct screen **ret, sd_event *event, const struct config *config, const struct log *log);
struct screen *screen_free(struct screen *screen);
bool screen_is_there(const struct screen *screen); /* somebody holds the role */
/* As person_ask(), which calls it. Digits go from the pipe into `pin` and nowhere else. */
_must_check_ int screen_ask(struct screen_question **ret, struct screen *screen,
        const struct person_question *question, struct secret *pin, person_done done, void *user);
struct screen_question *screen_take_down(struct screen_question *question); /* no callback after */

/* Ends the role, and an open question as when the screen goes. */
void screen_drain(struct screen *screen);

/* Methods of mohr.Person; `user` is the screen. A call of Answer may bring one descriptor. */
void screen_serve(void *user, struct call *call, json_t *parameters);
void screen_answer(void *user, struct call *call, json_t *parameters);

#endif
