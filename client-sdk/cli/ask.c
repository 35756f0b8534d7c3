/* SPDX-License-Identifier: Apache-2.0 */
/* ask.c: a question whose yes changes what is trusted. The word is typed in full: what a finger does by itself says no.
 */
#include "client-sdk/cli/cli.h"

#define YES_FA    "\xD8\xA8\xD9\x84\xD9\x87" /* bale */
#define WORDS_MAX 64

bool cli_is_yes(const char *line)
{
        size_t len = strcspn(line, "\r\n");
        return (len == strlen("yes") && strncmp(line, "yes", len) == 0) ||
               (len == strlen(YES_FA) && strncmp(line, YES_FA, len) == 0);
}

bool cli_ask(const char *question, int *ret_outcome)
{
        char answer[WORDS_MAX] = "";
        if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
                *ret_outcome = OUTCOME_NOBODY_TO_ASK;
                return false;
        }
        fflush(stdout);
        fprintf(stderr, "%s ", question);
        if (!fgets(answer, sizeof answer, stdin))
                answer[0] = '\0';
        *ret_outcome = OUTCOME_REFUSED;
        return cli_is_yes(answer);
}
