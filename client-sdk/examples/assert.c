/* SPDX-License-Identifier: Apache-2.0 */
/* assert.c: asks the holder of the card who they are, and prints the assertion.
 *
 *      cc assert.c $(pkg-config --cflags --libs mohr) -o assert
 *      ./assert https://bank.example "$NONCE"
 *
 * The nonce comes from whoever will check the assertion, normally a server, and is used once.
 */
#include <mohr.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void show(void *user, const char *phase)
{
        (void)user;
        fprintf(stderr, "... %s\n", phase);
}

/* Two sentences for people; the rest is for whoever looks after this computer. */
static void explain(int r, const struct mohr_client *client)
{
        fprintf(stderr, "%s\n%s\n", mohr_outcome_text(r), mohr_outcome_next(r));
        if (r < 0)
                fprintf(stderr, "(%s)\n", strerror(-r));
        else if (client)
                fprintf(stderr, "(%s %s %s)\n", mohr_outcome_name(r),
                        mohr_client_request_id(client), mohr_client_detail(client));
}

int main(int argc, char **argv)
{
        const struct mohr_ui ui = {
                .tty = ttyname(STDIN_FILENO),
                .term = getenv("TERM"),
                .display = getenv("DISPLAY"),
                .wayland_display = getenv("WAYLAND_DISPLAY"),
                .xauthority = getenv("XAUTHORITY"),
        };
        const struct mohr_request request = {
                .audience = argc > 1 ? argv[1] : NULL,
                .nonce = argc > 2 ? argv[2] : NULL,
                .purpose = "Opening an account",
                .ui = &ui,
        };
        struct mohr_client *client = NULL;
        char *assertion = NULL;

        int r = mohr_client_connect(&client, NULL);
        if (r == MOHR_OUTCOME_OK)
                r = mohr_client_assert(client, &request, show, NULL, &assertion);
        if (r == MOHR_OUTCOME_OK)
                puts(assertion);
        else
                explain(r, client);

        free(assertion);
        mohr_client_free(client);
        return r < 0 ? MOHR_OUTCOME_INTERNAL : r;
}
