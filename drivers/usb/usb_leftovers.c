/* SPDX-License-Identifier: Apache-2.0 */
/* usb_leftovers.c: see usb_leftovers.h.
 *
 * A transfer belongs to the open file that it was submitted through. Where a helper opened the device itself,
 * the kernel ends its transfers together with it. A descriptor that was handed over (--usb-fd) is the same
 * open file for each helper in turn, and mohrd holds it: what a killed helper had under way stays there, above all
 * the question to the interrupt endpoint. Its end is then told to the next process that collects ends, at the
 * addresses that the dead one gave: the news of a card that went would go to nobody, and the kernel
 * would write into memory that means something else by now.
 *
 * So all of it is called off by releasing the interface, and the ends are collected by a child whose memory does
 * not matter. Resetting the device would do as well, and take the card's power and a second.
 */
#include "drivers/usb/usb_leftovers.h"

#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#define ENDS_MAX 64

static void collect(int fd)
{
        void *whose = NULL;
        for (int i = 0; i < ENDS_MAX; i++)
                if (ioctl(fd, USBDEVFS_REAPURBNDELAY, &whose) < 0 && errno != EFAULT)
                        return; /* EAGAIN: no more */
}

int usb_leftovers_clear(int fd, uint8_t interface)
{
        unsigned int number = interface;
        (void)ioctl(fd, USBDEVFS_RELEASEINTERFACE, &number); /* EINVAL: nobody had claimed it */
        pid_t child = fork();
        if (child < 0)
                return -errno;
        if (child == 0) {
                collect(fd);
                _exit(0);
        }
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
                ;
        return 0;
}
