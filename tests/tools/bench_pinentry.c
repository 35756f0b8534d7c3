/* SPDX-License-Identifier: Apache-2.0 */
/* bench_pinentry: a person who has already agreed. Says OK to everything and the PIN in PROGRAM.pin.
 *
 * The scripted pinentry of the tests is an interpreter that takes longer to start than the daemon takes
 * for the whole request: where prompts must not count, this one stands in for it.
 */
#include "base/base.h"

#include <stdio.h>

int main(int argc _unused_, char **argv)
{
        char path[512], pin[64] = "", line[1100];
        snprintf(path, sizeof path, "%s.pin", argv[0]);
        FILE *file = fopen(path, "re");
        if (!file || !fgets(pin, sizeof pin, file))
                return 1;
        fclose(file);
        setvbuf(stdout, NULL, _IOLBF, 0);
        puts("OK");
        while (fgets(line, sizeof line, stdin)) {
                if (strncmp(line, "GETPIN", 6) == 0)
                        printf("D %s\n", pin);
                puts("OK");
                if (strncmp(line, "BYE", 3) == 0)
                        break;
        }
        return 0;
}
