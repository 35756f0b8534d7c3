/* SPDX-License-Identifier: Apache-2.0 */
/* input.c: a file that a person named, or what comes through a pipe, up to a bound.
 */
#include "client-sdk/cli/checking.h"

#include "base/file.h"

#include <fcntl.h>

int checking_read_upto(const char *file, size_t cap, struct checking_input *ret)
{
        bool is_stdin = strcmp(file, "-") == 0;
        _cleanup_close_ int opened = is_stdin ? -1 : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        int fd = is_stdin ? STDIN_FILENO : opened;
        if (fd < 0)
                return -errno;
        _cleanup_free_ char *buffer = malloc(cap);
        ssize_t len = buffer ? file_read_upto(fd, buffer, cap) : -ENOMEM;
        if (len < 0)
                return (int)len;
        *ret = (struct checking_input){ .buffer = buffer, .text = buffer, .len = (size_t)len };
        buffer = NULL;
        return 0;
}
