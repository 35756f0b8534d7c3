/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: mohr-watch-phone, the watcher of paired phones. A program of its own because it alone talks to Avahi, and because
 * it must not be able to reach what it lists.
 */
#include "drivers/helper/helper.h"
#include "drivers/phone/phone.h"

/* Not instrumented: before a function that does not return, the address sanitizer would ask the kernel
 * for what the sandbox forbids. */
__attribute__((no_sanitize_address)) int main(int argc, char **argv)
{
        static const struct driver *const drivers[] = { &watch_phone, NULL };
        _Exit(helper_main(drivers, argc, argv));
}
