/* SPDX-License-Identifier: Apache-2.0 */
/* descriptor.c: see descriptor.h.
 *
 * The room for control data is that of two descriptors to the byte (CMSG_LEN, not CMSG_SPACE, whose padding may have
 * room for more): the kernel installs no more than fit and drops the others where they are, so that whoever sends
 * hundreds costs us two at most. That some were dropped, for want of room or because this process has no
 * descriptor left, is told by MSG_CTRUNC.
 *
 * Whoever holds the last of a descriptor waits for its end, and for some that takes long: a TCP socket lingers for as
 * many seconds as its sender liked (SO_LINGER), whether it waits else or not. That is so for what is closed, for what
 * the kernel drops in the middle of a read, and for what lies unread in a socket that is closed. A signal ends such a
 * wait; so around each of these calls a timer sends some.
 */
#include "daemon/descriptor.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#define PATIENCE_US 10000

static void on_alarm(int number)
{
        (void)number; /* that it came is all */
}

/* The alarm goes on, in case that one thing after the other waits. */
static void set_alarm(struct sigaction *before)
{
        const struct sigaction wake = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
        const struct itimerval soon = { { 0, PATIENCE_US }, { 0, PATIENCE_US } };
        (void)sigaction(SIGALRM, &wake, before);
        (void)setitimer(ITIMER_REAL, &soon, NULL);
}

/* One that is still on its way is dropped, and does not meet whatever waits for alarms otherwise. */
static void unset_alarm(const struct sigaction *before)
{
        const struct sigaction drop = { .sa_handler = SIG_IGN };
        (void)setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
        (void)sigaction(SIGALRM, &drop, NULL);
        (void)sigaction(SIGALRM, before, NULL);
}

void descriptor_close(int fd)
{
        struct sigaction before = { 0 };
        set_alarm(&before);
        close(fd);
        unset_alarm(&before);
}

void descriptors_close(struct descriptors *all)
{
        for (size_t i = 0; i < all->count; i++)
                descriptor_close(all->fd[i]);
        all->count = 0;
}

int descriptors_take(struct descriptors *all)
{
        if (all->count == 0)
                return -1;
        int fd = all->fd[0];
        all->count--;
        memmove(all->fd, all->fd + 1, all->count * sizeof all->fd[0]);
        return fd;
}

union control {
        char bytes[CMSG_LEN(DESCRIPTORS_MAX * sizeof(int))];
        struct cmsghdr aligned;
};

static struct descriptors passed_in(struct msghdr *message)
{
        struct descriptors all = { .count = 0 };
        struct cmsghdr *header = CMSG_FIRSTHDR(message);
        if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
                header->cmsg_len < CMSG_LEN(0) || header->cmsg_len > CMSG_LEN(sizeof all.fd))
                return all;
        all.count = (header->cmsg_len - CMSG_LEN(0)) / sizeof all.fd[0];
        memcpy(all.fd, CMSG_DATA(header), all.count * sizeof all.fd[0]);
        return all;
}

static ssize_t receive(int socket, struct msghdr *message)
{
        struct sigaction before = { 0 };
        set_alarm(&before);
        ssize_t n = recvmsg(socket, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        int error = errno;
        unset_alarm(&before);
        return n < 0 ? -error : n;
}

ssize_t descriptor_receive(int socket, void *data, size_t cap, struct descriptors *ret)
{
        union control control;
        struct iovec bytes = { .iov_base = data, .iov_len = cap };
        struct msghdr message = {
                .msg_iov = &bytes,
                .msg_iovlen = 1,
                .msg_control = control.bytes,
                .msg_controllen = sizeof control.bytes,
        };
        ssize_t n = receive(socket, &message);
        if (n < 0)
                return n;
        struct descriptors passed = passed_in(&message);
        if (!(message.msg_flags & MSG_CTRUNC)) {
                *ret = passed;
                return n;
        }
        descriptors_close(&passed);
        return -EPROTO;
}
