/* SPDX-License-Identifier: Apache-2.0 */
/* descriptor.c: see descriptor.h.
 *
 * The room for control data is that of one descriptor to the byte (CMSG_LEN, not CMSG_SPACE, whose padding has
 * room for two): the kernel installs no more than fit and drops the others where they are, so that whoever sends
 * hundreds costs us one at most. That some were dropped, for want of room or because this process has no
 * descriptor left, is told by MSG_CTRUNC.
 */
#include "daemon/descriptor.h"

#include <sys/socket.h>

union control {
        char bytes[CMSG_LEN(sizeof(int))];
        struct cmsghdr aligned;
};

static int passed_in(struct msghdr *message)
{
        struct cmsghdr *header = CMSG_FIRSTHDR(message);
        int fd = -1;
        if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
                header->cmsg_len == CMSG_LEN(sizeof fd))
                memcpy(&fd, CMSG_DATA(header), sizeof fd);
        return fd;
}

ssize_t descriptor_receive(int socket, void *data, size_t cap, int *ret_fd)
{
        union control control;
        struct iovec bytes = { .iov_base = data, .iov_len = cap };
        struct msghdr message = {
                .msg_iov = &bytes,
                .msg_iovlen = 1,
                .msg_control = control.bytes,
                .msg_controllen = sizeof control.bytes,
        };
        ssize_t n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0)
                return -errno;
        _cleanup_close_ int fd = passed_in(&message);
        if (message.msg_flags & MSG_CTRUNC)
                return -EPROTO;
        *ret_fd = base_take_fd(&fd);
        return n;
}
