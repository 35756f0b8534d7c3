/* SPDX-License-Identifier: Apache-2.0 */
/* support_log.c: the last lines of mohrd's log, as the journal has them, for somebody who must not learn whom they are about.
 *
 * What is left of a line is redact.h's to say; lines that were not written by mohrd's code are counted.
 */
#include "client-sdk/cli/support.h"

#include "client-sdk/assertion.h"

#define JOURNAL_MAX (1024 * 1024)
#define LINES       "400"

static bool add_entry(struct redacted *to, const char *line)
{
        _cleanup_json_ json_t *entry = json_loads(line, 0, NULL);
        const char *message = json_string_value(json_object_get(entry, "MESSAGE"));
        const char *when = json_string_value(json_object_get(entry, "__REALTIME_TIMESTAMP"));
        return message && when && redact_log_line(to, message, strtoll(when, NULL, 10) / 1000000);
}

void support_log(struct redacted *to)
{
        static const char *const argv[] = { "journalctl", "--user", "--identifier=mohrd",
                "--lines=" LINES, "--output=json", "--output-fields=MESSAGE", "--no-pager",
                "--quiet", NULL };
        _cleanup_free_ char *text = malloc(JOURNAL_MAX);
        size_t left_out = 0;
        if (!text || !support_run(argv, text, JOURNAL_MAX)) {
                redact_add(to, "The journal could not be read.\n");
                return;
        }
        char *rest = text;
        for (char *line; (line = strsep(&rest, "\n"));)
                if (*line)
                        left_out += !add_entry(to, line);
        redact_add(to, "%zu lines of another form were left out.\n", left_out);
}
