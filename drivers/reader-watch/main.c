/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: mohr-watch, the watcher of the direct drivers. A program of its own because it alone needs
 * libsystemd, and because it must not be able to talk to what it lists.
 */
#include "drivers/helper/helper.h"
#include "drivers/watch/watch.h"

/* Not instrumented: before a function that does not return, the address sanitizer would ask the kernel
 * for what the sandbox forbids. */
__attribute__((no_sanitize_address)) int main(int argc, char **argv)
{
        static const struct driver *const drivers[] = { &watch_usb, &watch_nfc, NULL };
        _Exit(helper_main(drivers, argc, argv));
}
