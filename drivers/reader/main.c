/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: mohr-reader, the helper for real readers. It links neither libcrypto nor libsystemd, so
 * that it starts in a millisecond and has little in it that a hostile card could reach.
 */
#include "drivers/helper/helper.h"

int main(int argc, char **argv)
{
        static const struct driver *const drivers[] = { &driver_pcsc, NULL };
        _exit(helper_main(drivers, argc, argv));
}
