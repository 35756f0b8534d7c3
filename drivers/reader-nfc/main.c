/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: mohr-reader-nfc, the helper for NFC boards: the one program that links libnfc.
 */
#include "drivers/helper/helper.h"

/* Not instrumented: before a function that does not return, the address sanitizer would ask the kernel
 * for what the sandbox forbids. */
__attribute__((no_sanitize_address)) int main(int argc, char **argv)
{
        static const struct driver *const drivers[] = { &driver_nfc, NULL };
        _Exit(helper_main(drivers, argc, argv));
}
