/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: mohr-reader-soft, the helper for the simulated card. A program of its own because the
 * card's key operations need libcrypto, which the helper for real readers must not carry.
 */
#include "drivers/helper/helper.h"

/* Not instrumented: before a function that does not return, the address sanitizer would ask the kernel
 * for what the sandbox forbids. */
__attribute__((no_sanitize_address)) int main(int argc, char **argv)
{
        static const struct driver *const drivers[] = { &driver_soft, NULL };
        _Exit(helper_main(drivers, argc, argv));
}
