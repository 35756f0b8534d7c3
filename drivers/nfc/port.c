/* SPDX-License-Identifier: Apache-2.0 */
/* port.c: see port.h. The mark is what libnfc 1.8.0's serial code sets (an input flag that no driver knows),
 * our sign is the second end-of-line character, which only lines that are edited have.
 */
#include "drivers/nfc/port.h"

#include "base/outcome.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <termios.h>

#define CLAIMED_BY_LIBNFC 0x80000000U
#define OUR_SIGN          0x4D

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

static int unmark(int fd)
{
        struct termios now;
        if (tcgetattr(fd, &now) < 0)
                return OUTCOME_NO_READER;
        bool marked = now.c_iflag & CLAIMED_BY_LIBNFC;
        if (marked && now.c_cc[VEOL2] != OUR_SIGN)
                return OUTCOME_BUSY;
        now.c_iflag &= ~CLAIMED_BY_LIBNFC;
        now.c_cc[VEOL2] = OUR_SIGN;
        return tcsetattr(fd, TCSANOW, &now) < 0 ? OUTCOME_NO_READER : 0;
}

static int take(const char *path, int *ret_fd)
{
        _cleanup_close_ int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return why_not_opened(errno);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return OUTCOME_BUSY;
        int r = unmark(fd);
        if (r == 0)
                *ret_fd = base_take_fd(&fd);
        return r;
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

void port_give(int fd)
{
        struct termios now;
        if (tcgetattr(fd, &now) == 0) {
                now.c_cc[VEOL2] = 0;
                (void)tcsetattr(fd, TCSANOW, &now);
        }
        close(fd);
}
