/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c: prints the readers, now and at each change, until a card lies in one of them.
 *
 *      cc watch.c $(pkg-config --cflags --libs mohr) -o watch
 *
 * Nothing polls, and nothing of the holder is told: this is for a screen that says "lay down your card".
 */
#include <mohr.h>

#include <stdio.h>
#include <string.h>

#define A_CARD 1000 /* what our own callback ends the watch with: none of the library's */

static int changed(void *user, const char *json)
{
        (void)user;
        puts(json);
        fflush(stdout);
        return strstr(json, "\"state\": \"card\"") ? A_CARD : 0;
}

int main(void)
{
        struct mohr_client *client = NULL;
        char problem[256];
        int r = mohr_client_connect_why(&client, NULL, problem, sizeof problem);
        if (r == MOHR_OUTCOME_UNREACHABLE)
                fprintf(stderr, "%s\n%s\n", mohr_outcome_text(r), problem);
        if (r == MOHR_OUTCOME_OK)
                r = mohr_client_watch(client, changed, NULL);
        mohr_client_free(client);
        return r == A_CARD ? 0 : r < 0 ? MOHR_OUTCOME_INTERNAL : r;
}
