/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: mohr-reader, the helper for real readers. It links neither libcrypto nor libsystemd, so
 * that it starts in a millisecond and has little in it that a hostile card could reach.
 */
#include "drivers/helper/helper.h"

/* Not instrumented: before a function that does not return, the address sanitizer would ask the kernel
 * for what the sandbox forbids. */
__attribute__((no_sanitize_address)) int main(int argc, char **argv)
{
        static const struct driver *const drivers[] = { &driver_pcsc, NULL };
        _Exit(helper_main(drivers, argc, argv));
}
