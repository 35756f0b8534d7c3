/* SPDX-License-Identifier: Apache-2.0 */
/* seek.c: preloaded beside umockdev's library: a FIFO can be sought to its beginning.
 *
 * The mocked device's node is a FIFO (tests/tools/mock/bus.c says why), and libusb_wrap_sys_device()
 * seeks to the beginning of a node before it reads the descriptors. Those come from the mock then.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

off_t lseek(int fd, off_t offset, int whence)
{
        off_t at = (off_t)syscall(SYS_lseek, fd, offset, whence);
        return at < 0 && errno == ESPIPE && offset == 0 && whence == SEEK_SET ? 0 : at;
}

off64_t lseek64(int fd, off64_t offset, int whence)
{
        return lseek(fd, offset, whence);
}
