/* SPDX-License-Identifier: Apache-2.0 */
/* sd-event.h: what Mohr calls of sd-event(3), for systems whose libsystemd is not there: found by -Idaemon/portable, and by that
 * alone. Names, values and meanings are libsystemd's, and daemon/portable/ keeps them; where libsystemd has its own header the same
 * files are compiled against that.
 */
#ifndef MOHR_PORTABLE_SD_EVENT_H
#define MOHR_PORTABLE_SD_EVENT_H

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/types.h>
#include <time.h>

typedef struct sd_event sd_event;
typedef struct sd_event_source sd_event_source;

enum { SD_EVENT_OFF = 0, SD_EVENT_ON = 1, SD_EVENT_ONESHOT = -1 };
enum {
        SD_EVENT_PRIORITY_IMPORTANT = -100,
        SD_EVENT_PRIORITY_NORMAL = 0,
        SD_EVENT_PRIORITY_IDLE = 100
};

typedef int (*sd_event_handler_t)(sd_event_source *s, void *user);
typedef int (*sd_event_io_handler_t)(sd_event_source *s, int fd, uint32_t events, void *user);
typedef int (*sd_event_time_handler_t)(sd_event_source *s, uint64_t usec, void *user);
typedef int (*sd_event_signal_handler_t)(
        sd_event_source *s, const struct signalfd_siginfo *info, void *user);
typedef int (*sd_event_inotify_handler_t)(
        sd_event_source *s, const struct inotify_event *event, void *user);
typedef void (*sd_event_destroy_t)(void *user);

int sd_event_new(sd_event **ret);
sd_event *sd_event_ref(sd_event *e);
sd_event *sd_event_unref(sd_event *e);
int sd_event_run(sd_event *e, uint64_t usec);
int sd_event_loop(sd_event *e);
int sd_event_exit(sd_event *e, int code);
int sd_event_now(sd_event *e, clockid_t clock, uint64_t *ret);

int sd_event_add_io(sd_event *e, sd_event_source **ret, int fd, uint32_t events,
        sd_event_io_handler_t callback, void *user);
int sd_event_add_time(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
        uint64_t accuracy, sd_event_time_handler_t callback, void *user);
int sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
        uint64_t accuracy, sd_event_time_handler_t callback, void *user);
int sd_event_add_signal(sd_event *e, sd_event_source **ret, int sig,
        sd_event_signal_handler_t callback, void *user);
int sd_event_add_inotify(sd_event *e, sd_event_source **ret, const char *path, uint32_t mask,
        sd_event_inotify_handler_t callback, void *user);
int sd_event_add_defer(sd_event *e, sd_event_source **ret, sd_event_handler_t callback, void *user);
int sd_event_add_post(sd_event *e, sd_event_source **ret, sd_event_handler_t callback, void *user);

sd_event_source *sd_event_source_ref(sd_event_source *s);
sd_event_source *sd_event_source_unref(sd_event_source *s);
sd_event_source *sd_event_source_disable_unref(sd_event_source *s);
sd_event *sd_event_source_get_event(sd_event_source *s);
int sd_event_source_get_enabled(sd_event_source *s, int *ret);
int sd_event_source_set_enabled(sd_event_source *s, int enabled);
int sd_event_source_set_priority(sd_event_source *s, int64_t priority);
int sd_event_source_get_io_fd(sd_event_source *s);
int sd_event_source_set_io_fd_own(sd_event_source *s, int own);
int sd_event_source_set_io_events(sd_event_source *s, uint32_t events);
int sd_event_source_get_time(sd_event_source *s, uint64_t *ret);
int sd_event_source_set_time(sd_event_source *s, uint64_t usec);
int sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);
int sd_event_source_set_destroy_callback(sd_event_source *s, sd_event_destroy_t callback);
int sd_event_source_set_floating(sd_event_source *s, int floating);
int sd_event_source_set_ratelimit(sd_event_source *s, uint64_t interval_usec, unsigned burst);

#endif
