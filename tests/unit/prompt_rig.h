/* SPDX-License-Identifier: Apache-2.0 */
/* prompt_rig.h: a conversation with a scripted pinentry (tests/tools/pinentry), and what it heard. Included once per
 * program.
 */
#ifndef MOHR_PROMPT_RIG_H
#define MOHR_PROMPT_RIG_H

#include "tests/unit/prompt_talk.h"

struct rig {
        char folder[64], script[128], record[128], program[PATH_MAX];
};

static inline int rig_up(void **state)
{
        struct rig *rig = calloc(1, sizeof *rig);
        ssize_t len = rig ? readlink("/proc/self/exe", rig->program, PATH_MAX - 16) : -1;
        if (len <= 0)
                return -1;
        strcpy(strrchr(rig->program, '/'), "/pinentry-script");
        SET(rig->folder, "/tmp/mohr-prompt-XXXXXX");
        if (!mkdtemp(rig->folder))
                return -1;
        snprintf(rig->script, sizeof rig->script, "%s/script", rig->folder);
        snprintf(rig->record, sizeof rig->record, "%s/record", rig->folder);
        setenv("MOHR_PINENTRY_SCRIPT", rig->script, 1);
        speak("en");
        *state = rig;
        return 0;
}

static inline int rig_down(void **state)
{
        struct rig *rig = *state;
        unlink(rig->script);
        unlink(rig->record);
        rmdir(rig->folder);
        free(rig);
        return 0;
}

static inline void script(const struct rig *rig, const char *answers)
{
        FILE *file = fopen(rig->script, "w");
        assert_non_null(file);
        fprintf(file, "{\"record\": \"%s\"%s%s}", rig->record, *answers ? ", " : "", answers);
        fclose(file);
        unlink(rig->record);
}

static inline char *recorded(const struct rig *rig)
{
        static char text[65536];
        FILE *file = fopen(rig->record, "r");
        assert_non_null(file);
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        return text;
}

/* One whole conversation; the digits that came back, or "". */
static inline struct answer converse_fully(
        const struct rig *rig, const struct question *question, char pin[static 16])
{
        struct answer answer = { 0 };
        _cleanup_secret_ struct secret *secret = NULL;
        _cleanup_dialogue_ struct dialogue *dialogue = NULL;
        assert_int_equal(secret_new(&secret, 64), 0);
        answer.outcome = dialogue_new(&dialogue, rig->program, question);
        if (answer.outcome == 0)
                answer = course_run(dialogue, question, secret);
        snprintf(pin, 16, "%.*s", (int)secret->len, (const char *)secret->data);
        return answer;
}

static inline int converse(
        const struct rig *rig, const struct question *question, char pin[static 16])
{
        return converse_fully(rig, question, pin).outcome;
}

/* One conversation, and what was asked in it. */
struct walk {
        const char *script;
        int outcome, confirms;
        const char *pin;
};

static inline void check_walk(
        const struct rig *rig, const struct question *question, const struct walk *walk)
{
        char pin[16];
        script(rig, walk->script);
        assert_int_equal(converse(rig, question, pin), walk->outcome);
        assert_string_equal(pin, walk->pin);
        assert_int_equal(count(recorded(rig), "\nCONFIRM"), walk->confirms);
        assert_int_equal(count(recorded(rig), "\nGETPIN") > 0, *walk->pin != '\0');
}

#endif
