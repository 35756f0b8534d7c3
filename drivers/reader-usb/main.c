/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: mohr-reader-usb, the helper for CCID readers that pcscd does not serve. A program of its
 * own because it alone is linked with libusb. `mohr-reader-usb --power-off [ADDRESS]...` is its other
 * life (usb.h): one question to each reader, without a channel.
 */
#include "drivers/helper/helper.h"

#include "drivers/usb/usb.h"

/* Not instrumented: before a function that does not return, the address sanitizer would ask the kernel
 * for what the sandbox forbids. */
__attribute__((no_sanitize_address)) int main(int argc, char **argv)
{
        static const struct driver *const drivers[] = { &driver_usb, NULL };
        if (argc > 1 && strcmp(argv[1], "--power-off") == 0)
                _Exit(usb_power_off(argv + 2));
        _Exit(helper_main(drivers, argc, argv));
}
