/* SPDX-License-Identifier: Apache-2.0 */
/* input.c: a file that a person named, or what comes through a pipe, up to a bound.
 */
#include "client-sdk/cli/checking.h"

#include <fcntl.h>

/* `cap` bytes at most, whatever it is. */
static int read_all(int fd, char *buffer, size_t cap, size_t *ret_len)
{
        size_t len = 0;
        for (ssize_t got = 1; got != 0 && len < cap;) {
                got = read(fd, buffer + len, cap - len);
                if (got < 0 && errno != EINTR)
                        return -errno;
                len += got > 0 ? (size_t)got : 0;
        }
        *ret_len = len;
        return 0;
}

int checking_read_upto(const char *file, size_t cap, struct checking_input *ret)
{
        bool is_stdin = strcmp(file, "-") == 0;
        _cleanup_close_ int opened = is_stdin ? -1 : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        _cleanup_free_ char *buffer = malloc(cap);
        int fd = is_stdin ? STDIN_FILENO : opened;
        size_t len = 0;
        if (fd < 0)
                return -errno;
        int r = buffer ? read_all(fd, buffer, cap, &len) : -ENOMEM;
        if (r < 0)
                return r;
        *ret = (struct checking_input){ .buffer = buffer, .text = buffer, .len = len };
        buffer = NULL;
        return 0;
}
