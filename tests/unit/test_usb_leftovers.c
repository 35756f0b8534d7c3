/* SPDX-License-Identifier: Apache-2.0 */
/* test_usb_leftovers.c: drivers/usb/usb_leftovers.h over a kernel that this file plays: it writes into
 * whichever process collects the ends of a dead one's transfers. A real kernel: `./dev machine`.
 */
#include "drivers/usb/usb_leftovers.h"

#include <linux/usbdevice_fs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <cmocka.h>

static struct kernel {
        unsigned int released, interface, collected, left;
        bool endless, claimed;
} * kernel; /* shared with a child */

static volatile int somebodys = 7; /* at an address that the dead one used, too */

int ioctl(int fd, unsigned long request, ...)
{
        va_list rest;
        va_start(rest, request);
        void *argument = va_arg(rest, void *);
        va_end(rest);
        errno = EINVAL;
        if (fd != 4)
                return -1;
        if (request == USBDEVFS_RELEASEINTERFACE) {
                kernel->released++;
                kernel->interface = *(unsigned int *)argument;
                return kernel->claimed ? 0 : -1;
        }
        errno = EAGAIN;
        if (request != USBDEVFS_REAPURBNDELAY || (kernel->left == 0 && !kernel->endless))
                return -1;
        kernel->left -= kernel->left > 0;
        kernel->collected++;
        somebodys = -2;
        errno = EFAULT; /* every other one was nowhere here */
        return kernel->collected % 2 ? -1 : 0;
}

static int begin(void **state)
{
        (void)state;
        kernel = mmap(
                NULL, sizeof *kernel, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return kernel == MAP_FAILED ? -1 : 0;
}

static int end(void **state)
{
        (void)state;
        return munmap(kernel, sizeof *kernel);
}

static void what_was_under_way_is_collected_elsewhere(void **state)
{
        (void)state;
        kernel->left = 3;
        kernel->claimed = true;
        assert_int_equal(usb_leftovers_clear(4, 5), 0);
        assert_int_equal(kernel->released, 1);
        assert_int_equal(kernel->interface, 5);
        assert_int_equal(kernel->collected, 3);
        assert_int_equal(somebodys, 7);
}

static void a_descriptor_that_nobody_used_is_as_good(void **state)
{
        (void)state;
        assert_int_equal(usb_leftovers_clear(4, 0), 0);
        assert_int_equal(kernel->collected, 0);
}

static void ends_without_end_come_to_one(void **state)
{
        (void)state;
        kernel->endless = true;
        assert_int_equal(usb_leftovers_clear(4, 0), 0);
        assert_in_range(kernel->collected, 16, 1000);
        assert_int_equal(somebodys, 7);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        what_was_under_way_is_collected_elsewhere, begin, end),
                cmocka_unit_test_setup_teardown(
                        a_descriptor_that_nobody_used_is_as_good, begin, end),
                cmocka_unit_test_setup_teardown(ends_without_end_come_to_one, begin, end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
