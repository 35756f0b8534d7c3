/* SPDX-License-Identifier: Apache-2.0 */
/* port.c: see port.h. What cannot be locked or is no line at all is no board.
 */
#include "drivers/nfc/port.h"

#include "base/outcome.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>

static int why_not_opened(int error)
{
        switch (error) {
        case EACCES:
        case EPERM: return OUTCOME_READER_SERVICE;
        case EBUSY: return OUTCOME_BUSY;
        case ENOMEM:
        case EMFILE: return -error;
        default: return OUTCOME_NO_READER;
        }
}

static int take(const char *path, int *ret_fd)
{
        _cleanup_close_ int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return why_not_opened(errno);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return OUTCOME_BUSY;
        if (!isatty(fd))
                return OUTCOME_NO_READER;
        *ret_fd = base_take_fd(&fd);
        return 0;
}

/* Where ":SPEED" begins, or the end. */
static size_t speed_of(const char *device)
{
        size_t len = strlen(device), digits = 0;
        while (digits < len && strchr("0123456789", device[len - 1 - digits]))
                digits++;
        bool speed = digits > 0 && digits < len && device[len - 1 - digits] == ':';
        return speed ? len - 1 - digits : len;
}

int port_take(const char *device, char *ret_name, size_t cap, int *ret_fd)
{
        char path[PATH_MAX], real[PATH_MAX];
        size_t path_len = speed_of(device);
        if (path_len >= sizeof path)
                return -EINVAL;
        memcpy(path, device, path_len);
        path[path_len] = '\0';
        if (!realpath(path, real))
                return why_not_opened(errno);
        const char *speed = device + path_len;
        if (strlen(real) + strlen(speed) >= cap || strchr(real, ':'))
                return -EINVAL;
        int r = take(real, ret_fd);
        if (r != 0)
                return r;
        memcpy(ret_name, real, strlen(real));
        memcpy(ret_name + strlen(real), speed, strlen(speed) + 1);
        return 0;
}
