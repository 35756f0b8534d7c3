/* SPDX-License-Identifier: Apache-2.0 */
/* screen_pin.c: digits from a pipe into locked memory.
 *
 * The descriptor is a stranger's choice. It must be a pipe of pipe(2): a named one can be opened by whoever knows
 * its name, and anything else may not forget what was read. It is opened anew through /proc/self/fd, so that the
 * flag which keeps a read from waiting is ours alone: flags of a passed descriptor are shared with whoever passed
 * it, and could be taken away between poll and read. Then it is read into the secret and nowhere else, one
 * byte more than a PIN has at most, until its end; whatever is no PIN then is wiped. A pipe that says nothing, or
 * whose other end stays open, is waited for during two seconds, and nothing else waits with it.
 *
 * What cannot be seen here is somebody else with the same pipe who reads part of it first. Whoever can do that
 * has the PIN already.
 */
#include "daemon/screen_internal.h"

#include "base/outcome.h"
#include "daemon/descriptor.h"
#include "daemon/prompt/question.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/vfs.h>

struct screen_pin {
        int fd;
        size_t min;
        struct secret *pin; /* borrowed; NULL once it holds a PIN */
        sd_event_source *io, *limit;
        void (*done)(void *user, bool whole);
        void *user;
};

static void end(struct screen_pin *reading, bool whole)
{
        reading->io = sd_event_source_disable_unref(reading->io);
        reading->limit = sd_event_source_disable_unref(reading->limit);
        if (whole)
                reading->pin = NULL;
        else
                secret_wipe(reading->pin);
        reading->done(reading->user, whole);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *user)
{
        struct screen_pin *reading = user;
        struct secret *pin = reading->pin;
        (void)source, (void)events;
        ssize_t n = read(fd, pin->data + pin->len, QUESTION_PIN_MAX + 1 - pin->len);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n > 0)
                pin->len += (size_t)n;
        if (n > 0 && pin->len <= QUESTION_PIN_MAX)
                return 0; /* perhaps more, at least the end */
        end(reading, n == 0 && pin->len >= reading->min && answer_pin_valid(pin->data, pin->len));
        return 0;
}

static int on_limit(sd_event_source *source, uint64_t usec, void *user)
{
        (void)source, (void)usec;
        end(user, false);
        return 0;
}

/* 0 and a descriptor of our own on the same pipe, or OUTCOME_INVALID: it is no such pipe. */
static int open_pipe(int passed, int *ret)
{
        struct stat st;
        struct statfs fs;
        char path[32];
        if (fstat(passed, &st) < 0 || fstatfs(passed, &fs) < 0)
                return -errno;
        if (!S_ISFIFO(st.st_mode) || fs.f_type != PIPEFS_MAGIC)
                return OUTCOME_INVALID;
        snprintf(path, sizeof path, "/proc/self/fd/%d", passed);
        int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return errno == EACCES ? OUTCOME_INVALID : -errno; /* another user's pipe */
        *ret = fd;
        return 0;
}

static int add_sources(struct screen_pin *reading, sd_event *event)
{
        int r = sd_event_add_io(event, &reading->io, reading->fd, EPOLLIN, on_readable, reading);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &reading->limit, CLOCK_MONOTONIC,
                        SCREEN_PIN_US, 0, on_limit, reading);
        return r < 0 ? r : 0;
}

int screen_pin_new(struct screen_pin **ret, sd_event *event, int fd, size_t min, struct secret *pin,
        void (*done)(void *user, bool whole), void *user)
{
        _cleanup_close_ int own = -1;
        int r = open_pipe(fd, &own);
        descriptor_close(fd);
        if (r != 0)
                return r;
        struct screen_pin *reading = calloc(1, sizeof *reading);
        if (!reading)
                return -ENOMEM;
        *reading = (struct screen_pin){
                .fd = base_take_fd(&own), .min = min, .pin = pin, .done = done, .user = user
        };
        secret_wipe(pin);
        r = add_sources(reading, event);
        if (r < 0) {
                screen_pin_free(reading);
                return r;
        }
        *ret = reading;
        return 0;
}

struct screen_pin *screen_pin_free(struct screen_pin *reading)
{
        if (!reading)
                return NULL;
        sd_event_source_disable_unref(reading->io);
        sd_event_source_disable_unref(reading->limit);
        if (reading->pin)
                secret_wipe(reading->pin);
        close(reading->fd);
        free(reading);
        return NULL;
}
