/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_prompt.c: one conversation of mohr-prompt while memory and system calls fail. It ends in an outcome, with
 * digits only where that is 0; no descriptor is left, and pinentry is gone.
 */
#include "tests/support/inject.h"
#include "tests/unit/prompt_talk.h"

#include <dirent.h>
#include <sys/wait.h>

static const struct inject everything = INJECT(INJECT_MEMORY | INJECT_SYSTEM);

static unsigned int open_descriptors(void)
{
        unsigned int count = 0;
        DIR *dir = opendir("/proc/self/fd");
        assert_non_null(dir);
        while (readdir(dir))
                count++;
        closedir(dir);
        return count;
}

/* The guard is nobody's to wait for but init's, or ours here. */
static void reap_all(void)
{
        while (waitpid(-1, NULL, 0) > 0)
                continue;
}

/* As mohr-prompt's own main() does it. */
static int converse(const struct question *question, struct secret **pin, struct answer *ret)
{
        char program[PATH_MAX] = "";
        _cleanup_dialogue_ struct dialogue *dialogue = NULL;
        if (readlink("/proc/self/exe", program, sizeof program - 16) <= 0)
                return -errno;
        strcpy(strrchr(program, '/'), "/pinentry-script");
        int r = secret_new(pin, ANSWER_FRAME_MAX);
        if (r == 0)
                r = dialogue_new(&dialogue, program, question);
        if (r == 0)
                *ret = course_run(dialogue, question, *pin);
        return r;
}

static void write_script(const char *folder)
{
        char path[128];
        snprintf(path, sizeof path, "%s/script", folder);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fprintf(file, "{\"record\": \"/dev/null\", \"getpin\": [\"2718\"]}");
        fclose(file);
        setenv("MOHR_PINENTRY_SCRIPT", path, 1);
}

static void whatever_fails_the_holder_is_not_misquoted(void **state)
{
        (void)state;
        char folder[] = "/tmp/mohr-inject-prompt-XXXXXX", path[128];
        struct question question = plain();
        bool done = false;
        assert_non_null(mkdtemp(folder));
        write_script(folder);
        question.optional = SHARE_READER;
        unsigned int before = open_descriptors();
        for (struct inject in = everything; inject_next(&in);) {
                struct secret *pin = NULL;
                struct answer answer = { .outcome = OUTCOME_INTERNAL };
                inject_arm(&in);
                int r = converse(&question, &pin, &answer);
                inject_disarm(&in);
                bool whole = r == 0 && answer.outcome == 0;
                EXPECT(in, in.failed || whole);
                EXPECT(in, r <= 0 || r == OUTCOME_NOBODY_TO_ASK);
                EXPECT(in, whole || (answer.released == 0 && (!pin || pin->len == 0)));
                EXPECT(in, !whole || (answer.released == SHARE_READER && pin->len == 4));
                secret_free(pin);
                reap_all();
                done = done || whole;
        }
        assert_true(done);
        assert_int_equal(open_descriptors(), before);
        snprintf(path, sizeof path, "%s/script", folder);
        unlink(path);
        rmdir(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(whatever_fails_the_holder_is_not_misquoted),
        };
        inject_init();
        bind_catalogue();
        speak("en");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
