/* SPDX-License-Identifier: Apache-2.0 */
/* seat.c: see seat.h. Asked is not for one session but for the user: mohrd runs once for all sessions of
 * its user. A user who has a session at a seat, none of which is in front, lets go; one without a seat (a
 * service, ssh, lingering) has nobody to make room for and keeps its readers.
 *
 * Nothing polls: logind writes a file, and the kernel tells.
 */
#include "daemon/seat.h"

#include "daemon/readers.h"

#include <sys/epoll.h>
#include <systemd/sd-login.h>

struct seat {
        sd_login_monitor *monitor;
        sd_event_source *source;
        struct readers *readers;
};

enum which { ALL_SEATS = -1, ACTIVE_SEATS = 1 };

static void judge(struct seat *seat)
{
        uid_t uid = geteuid();
        bool away = sd_uid_get_seats(uid, ALL_SEATS, NULL) > 0 &&
                    sd_uid_get_seats(uid, ACTIVE_SEATS, NULL) <= 0;
        readers_pause(seat->readers, away);
}

static int on_change(sd_event_source *source, int fd, uint32_t events, void *user)
{
        (void)source, (void)fd, (void)events;
        struct seat *seat = user;
        int r = sd_login_monitor_flush(seat->monitor);
        judge(seat);
        return r;
}

int seat_new(struct seat **ret, sd_event *event, struct readers *readers)
{
        sd_login_monitor *monitor = NULL;
        if (!readers_direct(readers) || sd_login_monitor_new("uid", &monitor) < 0)
                return 0;
        struct seat *seat = calloc(1, sizeof *seat);
        if (!seat) {
                sd_login_monitor_unref(monitor);
                return -ENOMEM;
        }
        seat->monitor = monitor;
        seat->readers = readers;
        int r = sd_event_add_io(
                event, &seat->source, sd_login_monitor_get_fd(monitor), EPOLLIN, on_change, seat);
        if (r < 0) {
                seat_free(seat);
                return r;
        }
        judge(seat);
        *ret = seat;
        return 0;
}

struct seat *seat_free(struct seat *seat)
{
        if (!seat)
                return NULL;
        sd_event_source_disable_unref(seat->source);
        sd_login_monitor_unref(seat->monitor);
        free(seat);
        return NULL;
}
