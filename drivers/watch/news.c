/* SPDX-License-Identifier: Apache-2.0 */
/* news.c: see news.h. libsystemd's sd-device: it takes messages from udev alone (the kernel vouches for
 * the sender's uid), and a message brings its properties along, so that the sandbox need not open files.
 *
 * When messages come faster than they are read, the kernel drops some; libsystemd keeps that to itself,
 * so the socket's own count of drops is looked at after each one.
 *
 * Where no udev runs (a container), devices are listed from sysfs as they are, and nothing is heard.
 */
#include "drivers/watch/news.h"

#include "base/outcome.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <systemd/sd-device.h>
#include <systemd/sd-event.h>

#define UDEV_RUNS "/run/udev/control"

struct news {
        sd_event *event;
        sd_device_monitor *monitor;
        int fd;
        uint32_t drops;
        news_take take;
        void *user;
};

static const char *property(void *device, const char *key)
{
        const char *value = NULL;
        return sd_device_get_property_value(device, key, &value) < 0 ? NULL : value;
}

static int on_message(sd_device_monitor *monitor, sd_device *device, void *user)
{
        struct news *news = user;
        sd_device_action_t action;
        (void)monitor;
        if (sd_device_get_action(device, &action) >= 0)
                news->take(news->user, property, device, action != SD_DEVICE_REMOVE);
        return 0;
}

/* 0 where the kernel does not say. */
static uint32_t count_drops(int fd)
{
        uint32_t info[SK_MEMINFO_VARS] = { 0 };
        socklen_t len = sizeof info;
        return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0 ? 0 : info[SK_MEMINFO_DROPS];
}

static int listen_to(struct news *news, const char *const *subsystems)
{
        int r = sd_event_new(&news->event);
        if (r >= 0)
                r = sd_device_monitor_new(&news->monitor);
        for (; r >= 0 && *subsystems; subsystems++)
                r = sd_device_monitor_filter_add_match_subsystem_devtype(
                        news->monitor, *subsystems, NULL);
        if (r >= 0)
                r = sd_device_monitor_attach_event(news->monitor, news->event);
        if (r >= 0)
                r = sd_device_monitor_start(news->monitor, on_message, news);
        if (r >= 0)
                r = news->fd = sd_event_source_get_io_fd(
                        sd_device_monitor_get_event_source(news->monitor));
        return r < 0 ? r : 0;
}

static int list(const struct news *news, const char *const *subsystems)
{
        _cleanup_(sd_device_enumerator_unrefp) sd_device_enumerator *all = NULL;
        int r = sd_device_enumerator_new(&all);
        for (; r >= 0 && *subsystems; subsystems++)
                r = sd_device_enumerator_add_match_subsystem(all, *subsystems, true);
        /* One that udev has not finished with is announced when it has. */
        if (r >= 0 && access(UDEV_RUNS, F_OK) < 0)
                r = sd_device_enumerator_allow_uninitialized(all);
        if (r < 0)
                return r;
        for (sd_device *device = sd_device_enumerator_get_device_first(all); device;
                device = sd_device_enumerator_get_device_next(all))
                news->take(news->user, property, device, true);
        return 0;
}

int news_open(struct news **ret, const char *const *subsystems, news_take take, void *user)
{
        _cleanup_news_ struct news *news = calloc(1, sizeof *news);
        if (!news)
                return -ENOMEM;
        news->take = take;
        news->user = user;
        int r = listen_to(news, subsystems);
        if (r == 0)
                r = list(news, subsystems);
        if (r < 0)
                return r;
        news->drops = count_drops(news->fd);
        *ret = news;
        news = NULL;
        return 0;
}

int news_wait(struct news *news)
{
        int r = sd_event_run(news->event, UINT64_MAX);
        if (r < 0)
                return r;
        return count_drops(news->fd) == news->drops ? 0 : OUTCOME_READER_SERVICE;
}

struct news *news_free(struct news *news)
{
        if (!news)
                return NULL;
        sd_device_monitor_unref(news->monitor);
        sd_event_unref(news->event);
        free(news);
        return NULL;
}
