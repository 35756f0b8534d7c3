/* SPDX-License-Identifier: Apache-2.0 */
/* pinentry-script: a scripted pinentry: says what a test wrote down, and writes down what it was told.
 *
 * Behaviour comes from PROGRAM.json beside the name it was started by (copy or link it into the test's own folder:
 * mohr-prompt passes no environment on), or from the file named by MOHR_PINENTRY_SCRIPT. Without either every question is
 * agreed to and no PIN is known.
 *
 *   "confirm": ["ok", "no", ...]   one entry per CONFIRM, the last one repeats; default ["ok"]
 *   "getpin":  ["1234", "cancel"]  one entry per GETPIN, the last one repeats; default ["cancel"]
 *   "greeting": "none" | "noise"   instead of "OK"
 *   "flavor": NAME                 what GETINFO flavor tells; default nothing
 *   "delay": SECONDS               before every answer to CONFIRM and GETPIN
 *   "until": FILE                  none of them is given before this is there
 *   "typed": FILE                  no answer to GETPIN is
 *   "stay": true                   ignore SIGTERM, BYE and the end of input
 *   "record": FILE                 default PROGRAM.log: one line each for PID, options and commands
 *
 * Entries other than digits: ok, no (not confirmed: notok's button), cancel, close (the window is closed, called "not
 * confirmed"), timeout, die, hang, noise, flood, split:TEXT (the text in two data lines), text:TEXT (the text as it is).
 *
 * It starts ten thousand times in one run of the tests, each time for one question: an interpreter's start was a tenth of what
 * they cost. For the same reason no build has sanitizers in it: it is the person, not what is tested.
 */
#include "base/base.h"

#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <time.h>

#define SOURCE_PINENTRY (5U << 24)
#define FLOOD_LINES     200
#define FLOOD_WIDTH     900

extern char **environ;

struct pinentry {
        json_t *script;
        FILE *record;
        size_t confirms, entries; /* asked so far */
};

static void nap(double seconds)
{
        struct timespec left = { .tv_sec = (time_t)seconds };
        left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
        while (nanosleep(&left, &left) < 0 && errno == EINTR)
                continue;
}

static void stay_forever(void)
{
        for (;;)
                pause();
}

static void say(const char *line)
{
        printf("%s\n", line);
        fflush(stdout);
}

/* ---- answers ------------------------------------------------------------------------------- */

static void say_error(unsigned number, const char *text)
{
        printf("ERR %u %s <Pinentry>\n", SOURCE_PINENTRY | number, text);
        fflush(stdout);
}

static void not_confirmed(void)
{
        say_error(114, "Not confirmed");
}

static void cancelled(void)
{
        say_error(99, "Operation cancelled");
}

static void timed_out(void)
{
        say_error(62, "Timeout");
}

static void closed(void)
{
        say("S BUTTON_INFO close");
        not_confirmed();
}

static void agreed(void)
{
        say("OK");
}

static void dies(void)
{
        _exit(1);
}

static void makes_noise(void)
{
        say("\x01\x02 NOT ASSUAN \x7f");
}

static void floods(void)
{
        char digits[FLOOD_WIDTH + 1];
        memset(digits, '1', FLOOD_WIDTH);
        digits[FLOOD_WIDTH] = '\0';
        for (int i = 0; i < FLOOD_LINES; i++)
                printf("D %s\n", digits);
        say("OK");
}

static const struct {
        const char *entry;
        void (*give)(void);
} answers[] = {
        { "ok", agreed },
        { "no", not_confirmed },
        { "cancel", cancelled },
        { "close", closed },
        { "timeout", timed_out },
        { "die", dies },
        { "hang", stay_forever },
        { "noise", makes_noise },
        { "flood", floods },
};

static const char *after(const char *entry, const char *prefix)
{
        size_t len = strlen(prefix);
        return strncmp(entry, prefix, len) == 0 ? entry + len : NULL;
}

static void answer(const char *entry)
{
        for (size_t i = 0; i < ARRAY_LEN(answers); i++)
                if (strcmp(answers[i].entry, entry) == 0) {
                        answers[i].give();
                        return;
                }
        const char *split = after(entry, "split:"), *text = after(entry, "text:");
        if (split)
                printf("D %.*s\nD %s\nOK\n", (int)(strlen(split) / 2), split,
                        split + strlen(split) / 2);
        else
                printf("D %s\nOK\n", text ? text : entry);
        fflush(stdout);
}

/* ---- the talk ------------------------------------------------------------------------------ */

static const char *text_of(const struct pinentry *pinentry, const char *name, const char *otherwise)
{
        const char *text = json_string_value(json_object_get(pinentry->script, name));
        return text ? text : otherwise;
}

static bool stays(const struct pinentry *pinentry)
{
        return json_is_true(json_object_get(pinentry->script, "stay"));
}

static void wait_for_file(const char *path)
{
        while (path && access(path, F_OK) < 0)
                nap(0.005);
}

/* The next of a list; its last one is for all that come after. */
static const char *next_of(
        const struct pinentry *pinentry, const char *list, size_t *asked, const char *otherwise)
{
        const json_t *entries = json_object_get(pinentry->script, list);
        size_t count = json_array_size(entries), at = (*asked)++;
        nap(json_number_value(json_object_get(pinentry->script, "delay")));
        wait_for_file(text_of(pinentry, "until", NULL));
        const char *entry = json_string_value(json_array_get(entries, at < count ? at : count - 1));
        return entry ? entry : otherwise;
}

/* False when the talk is over. */
static bool handle(struct pinentry *pinentry, const char *line)
{
        const char *flavor = text_of(pinentry, "flavor", NULL);
        size_t word = strcspn(line, " ");
        fprintf(pinentry->record, "%s\n", line);
        if (word == 7 && strncasecmp(line, "CONFIRM", word) == 0) {
                answer(next_of(pinentry, "confirm", &pinentry->confirms, "ok"));
                return true;
        }
        if (word == 6 && strncasecmp(line, "GETPIN", word) == 0) {
                wait_for_file(text_of(pinentry, "typed", NULL));
                answer(next_of(pinentry, "getpin", &pinentry->entries, "cancel"));
                return true;
        }
        if (flavor && strcmp(line, "GETINFO flavor") == 0)
                printf("D %s\n", flavor);
        say("OK");
        return word != 3 || strncasecmp(line, "BYE", word) != 0 || stays(pinentry);
}

static void greet(const struct pinentry *pinentry)
{
        const char *greeting = text_of(pinentry, "greeting", "ok");
        if (strcmp(greeting, "none") == 0)
                stay_forever();
        say(strcmp(greeting, "ok") == 0 ? "OK scripted" : "\x01 hello?");
}

static int compare(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static void record_start(const struct pinentry *pinentry)
{
        size_t count = 0;
        while (environ[count])
                count++;
        qsort(environ, count, sizeof *environ, compare);
        fprintf(pinentry->record, "PID %ld\n", (long)getpid());
        for (size_t i = 0; i < count; i++)
                fprintf(pinentry->record, "ENV %s\n", environ[i]);
}

static void talk(struct pinentry *pinentry)
{
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        bool goes_on = true;
        record_start(pinentry);
        greet(pinentry);
        for (ssize_t len; goes_on && (len = getline(&line, &size, stdin)) > 0;) {
                line[line[len - 1] == '\n' ? len - 1 : len] = '\0';
                goes_on = handle(pinentry, line);
        }
}

int main(void)
{
        const char *program = (const char *)getauxval(AT_EXECFN),
                   *named = getenv("MOHR_PINENTRY_SCRIPT");
        struct pinentry pinentry = { 0 };
        char beside[PATH_MAX], record[PATH_MAX];
        snprintf(beside, sizeof beside, "%s.json", program);
        snprintf(record, sizeof record, "%s.log", program);
        json_error_t error;
        const char *path = named && access(named, F_OK) == 0 ? named : beside;
        pinentry.script = json_load_file(path, 0, &error);
        if (!pinentry.script && access(path, F_OK) == 0) {
                fprintf(stderr, "%s: %s\n", path, error.text);
                return 1;
        }
        pinentry.record = fopen(text_of(&pinentry, "record", record), "ae");
        if (!pinentry.record)
                return 1;
        setvbuf(pinentry.record, NULL, _IOLBF, 0);
        if (stays(&pinentry))
                signal(SIGTERM, SIG_IGN);
        talk(&pinentry);
        if (stays(&pinentry))
                stay_forever();
        fclose(pinentry.record);
        json_decref(pinentry.script);
        return 0;
}
