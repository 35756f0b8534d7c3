/* SPDX-License-Identifier: Apache-2.0 */
/* tick.c: see tick.h. The handler finds its board in the clock's own word, so that nothing is global. What it
 * calls, nfc_abort_command(), closes a pipe and makes another, which a handler may do; a tick that comes
 * before libnfc looks at the pipe is followed by the next one.
 */
#include "drivers/nfc/tick.h"

#include <poll.h>

#define TICK_MS   400 /* with what follows, less than a second */
#define TICKS_MAX 15  /* before mohrd loses its patience */

static void set_clock(const struct tick *tick, long ms)
{
        const struct timespec every = { .tv_nsec = ms * 1000000 };
        const struct itimerspec when = { .it_interval = every, .it_value = every };
        (void)timer_settime(tick->clock, 0, &when, NULL);
}

static bool is_alone(const struct tick *tick)
{
        struct pollfd fd = { .fd = tick->channel };
        return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR));
}

static void on_tick(int number, siginfo_t *info, void *context)
{
        struct tick *tick = info->si_value.sival_ptr;
        int saved = errno;
        (void)number, (void)context;
        tick->left--;
        if (tick->left <= 0)
                tick_stop(tick);
        if (tick->left <= 0 || is_alone(tick))
                (void)nfc_abort_command(tick->device);
        errno = saved;
}

int tick_make(struct tick *tick, nfc_device *device)
{
        struct sigaction action = { .sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART };
        struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
        event.sigev_value.sival_ptr = tick;
        tick->device = device;
        tick->channel = -1;
        if (sigaction(SIGALRM, &action, NULL) < 0 ||
                timer_create(CLOCK_MONOTONIC, &event, &tick->clock) < 0)
                return -errno;
        return 0;
}

void tick_start(struct tick *tick)
{
        tick->left = TICKS_MAX;
        set_clock(tick, TICK_MS);
}

void tick_stop(const struct tick *tick)
{
        set_clock(tick, 0);
}
