/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c: checks an assertion, on a machine that has neither card nor daemon.
 *
 *      cc verify.c $(pkg-config --cflags --libs mohr) -o verify
 *      ./verify national-root.pem https://bank.example "$NONCE" <assertion
 *
 * A service does this many times: it keeps the trust object, and a memory of replays beside it, for as long as it runs.
 */
#include <mohr.h>

#include <stdio.h>
#include <string.h>

/* One line without its end. */
static size_t read_line(char *line, size_t cap)
{
        size_t len = fgets(line, (int)cap, stdin) ? strcspn(line, "\r\n") : 0;
        line[len] = '\0';
        return len;
}

/* Names are the certificate's: what the payload alone says of a person counts for nothing. */
static void tell(const struct mohr_result *result)
{
        const char *number = mohr_result_claim(result, "national_number");
        printf("%s %s%s%s\n", mohr_result_claim(result, "given_name"),
                mohr_result_claim(result, "family_name"), number ? ", " : "", number ? number : "");
}

static int check(struct mohr_trust *trust, char **argv, const struct mohr_replay *replay)
{
        char assertion[32768];
        const struct mohr_verify_options options = {
                .audience = argv[2],
                .nonce = argv[3],
                .replay = replay,
        };
        struct mohr_result *result = NULL;
        size_t len = read_line(assertion, sizeof assertion);
        int r = mohr_verify(trust, assertion, len, &options, &result);
        if (r == MOHR_OUTCOME_OK)
                tell(result);
        else if (r > 0)
                fprintf(stderr, "%s (%s %s)\n", mohr_reason_text(mohr_result_reason(result)),
                        mohr_reason_name(mohr_result_reason(result)), mohr_result_detail(result));
        else
                fprintf(stderr, "%s\n", strerror(-r)); /* no verdict: never a yes */
        mohr_result_free(result);
        return r;
}

int main(int argc, char **argv)
{
        struct mohr_trust *trust = NULL;
        struct mohr_replay *replay = NULL;
        char problem[256] = "";
        if (argc != 4) {
                fprintf(stderr, "usage: verify ROOT AUDIENCE NONCE <ASSERTION\n");
                return MOHR_OUTCOME_USAGE;
        }
        int r = mohr_trust_load(&trust, argv[1], problem, sizeof problem);
        if (r == MOHR_OUTCOME_OK)
                r = mohr_replay_memory_new(&replay, 10000);
        if (r == MOHR_OUTCOME_OK)
                r = check(trust, argv, replay);
        else
                fprintf(stderr, "%s\n", problem);
        mohr_replay_memory_free(replay);
        mohr_trust_free(trust);
        return r < 0 ? MOHR_OUTCOME_INTERNAL : r;
}
