/* SPDX-License-Identifier: Apache-2.0 */
/* assert_loop.c: the same in an event loop, which goes on with its own business meanwhile.
 *
 *      cc assert_loop.c $(pkg-config --cflags --libs mohr) -o assert_loop
 *      ./assert_loop https://bank.example "$NONCE"
 *
 * Its own business is the keyboard: "q" and Enter take the prompt away. Whatever the loop of a program is (glib, Qt,
 * libuv, epoll), it needs the same three calls: which descriptor, for what, and process.
 */
#include <mohr.h>

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Everything that is there, until nothing more is or the call has ended. */
static int process(struct mohr_client *client, bool *ended)
{
        enum mohr_step step = MOHR_STEP_MORE;
        int r = 0;
        while (r == 0 && step == MOHR_STEP_MORE) {
                r = mohr_client_process(client, &step);
                if (r == 0 && step == MOHR_STEP_MORE)
                        fprintf(stderr, "... %s\n", mohr_client_text(client));
        }
        *ended = r != 0 || step == MOHR_STEP_DONE;
        return r;
}

/* Whether the person wants to go on. */
static bool go_on(struct pollfd *keyboard)
{
        char line[64];
        if (keyboard->revents == 0)
                return true;
        ssize_t len = read(keyboard->fd, line, sizeof line);
        if (len <= 0)
                keyboard->fd = -1; /* nobody is there: poll() leaves it out */
        return len <= 0 || line[0] != 'q';
}

static int loop(struct mohr_client *client)
{
        struct pollfd fds[] = {
                { .fd = mohr_client_fd(client) },
                { .fd = STDIN_FILENO, .events = POLLIN },
        };
        bool ended = false;
        int r = 0;
        while (!ended) {
                fds[0].events = mohr_client_events(client);
                if (poll(fds, 2, -1) < 0)
                        continue; /* a signal */
                if (!go_on(&fds[1]))
                        return MOHR_OUTCOME_UNREACHABLE; /* freeing the client is the cancel */
                if (fds[0].revents)
                        r = process(client, &ended);
        }
        return r;
}

int main(int argc, char **argv)
{
        const struct mohr_ui ui = { .display = getenv("DISPLAY"),
                .wayland_display = getenv("WAYLAND_DISPLAY"),
                .xauthority = getenv("XAUTHORITY") };
        const struct mohr_request request = {
                .audience = argc > 1 ? argv[1] : NULL,
                .nonce = argc > 2 ? argv[2] : NULL,
                .purpose = "Opening an account",
                .ui = &ui,
        };
        struct mohr_client *client = NULL;

        int r = mohr_client_connect(&client, NULL);
        if (r == MOHR_OUTCOME_OK)
                r = mohr_client_start_assert(client, &request);
        if (r == MOHR_OUTCOME_OK)
                r = loop(client);
        if (r == MOHR_OUTCOME_OK)
                puts(mohr_client_text(client));
        else
                fprintf(stderr, "%s\n%s\n", mohr_outcome_text(r), mohr_outcome_next(r));

        mohr_client_free(client);
        return r < 0 ? MOHR_OUTCOME_INTERNAL : r;
}
