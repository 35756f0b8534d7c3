/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_screen.c: a screen is asked and answers while memory and system calls fail. Whatever fails, the question ends
 * once or not at all, digits are in the secret only with a yes, and no descriptor is left.
 */
#include "tests/support/inject.h"

#include "daemon/prompt/question.h"
#include "tests/unit/screen_world.h"

#include <dirent.h>

#define PIN "27182818"

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

/* The loop turns with failures, the client speaks without. */
static const char *turn_and_hear(int fd)
{
        for (int i = 0; i < 40; i++)
                if (sd_event_run(world.event, 0) <= 0)
                        break;
        inject_pause();
        const char *heard = hear(fd);
        inject_resume();
        return heard;
}

static const char *calmly_say(int fd, const char *text, int passed)
{
        inject_pause();
        say(fd, text, passed);
        inject_resume();
        return turn_and_hear(fd);
}

static bool learn_ticket(void)
{
        const char *heard = turn_and_hear(world.serving);
        const char *at = strstr(heard, "'ticket':'");
        if (at)
                memcpy(world.ticket, at + strlen("'ticket':'"), SCREEN_TICKET_LEN);
        return at != NULL;
}

/* What was heard in answer to Answer; NULL: it did not come to that. */
static const char *converse(int client, int pipe)
{
        static char text[256];
        static const struct question_document document = { .name = "a.pdf", .pages = 1 };
        struct person_question question = plain();
        question.work = PERSON_DOCUMENTS; /* the most that is told */
        question.documents = &document;
        question.document_count = 1;
        if (strcmp(calmly_say(world.serving, SERVE, -1), SERVING) != 0)
                return NULL;
        int r = ask(&question, world.pin);
        assert_true(r <= 0 || r == OUTCOME_NOBODY_TO_ASK); /* the screen may be gone by now */
        assert_int_equal(r == 0, world.question != NULL);
        if (r != 0 || !learn_ticket())
                return NULL;
        snprintf(text, sizeof text,
                "{'method':'mohr.Person.Answer','parameters':{'ticket':'%s','decision':'sign'}}",
                world.ticket);
        return calmly_say(client, text, pipe);
}

static void attempt(struct inject *in)
{
        assert_int_equal(world_up(NULL), 0);
        int client = dial(), pipe = pipe_with(PIN, strlen(PIN), NULL);
        world.serving = dial();
        run_idle();
        inject_arm(in);
        const char *heard = converse(client, pipe);
        inject_disarm(in);
        run_idle();
        bool taken = heard && strcmp(heard, TAKEN) == 0;
        EXPECT(*in, world.dones <= 1);
        EXPECT(*in, in->failed || taken);
        EXPECT(*in, !taken || world.dones == 1);
        if (world.dones == 1 && world.answer.outcome == 0)
                EXPECT(*in, world.pin->len == 8 && memcmp(world.pin->data, PIN, 8) == 0);
        else
                EXPECT(*in, wiped());
        close(client);
        close(pipe);
        run_idle();
        world_down(NULL);
}

static void a_screen_answers_once_or_not_at_all(void **state)
{
        (void)state;
        static const struct inject sweeps[] = { INJECT(INJECT_MEMORY), INJECT(INJECT_SYSTEM) };
        unsigned int before = open_descriptors();
        FOR_EACH_FAILURE(in, sweeps)
        attempt(&in);
        assert_int_equal(open_descriptors(), before);
}

static void a_screen_is_made_or_not(void **state)
{
        (void)state;
        for (struct inject in = INJECT(INJECT_MEMORY); inject_next(&in);) {
                struct screen *screen = NULL;
                inject_arm(&in);
                int r = screen_new(&screen, NULL, &world.config, &quiet);
                inject_disarm(&in);
                EXPECT(in, (r == 0) == (screen != NULL) && (in.failed || r == 0));
                screen_free(screen);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_screen_answers_once_or_not_at_all),
                cmocka_unit_test(a_screen_is_made_or_not),
        };
        inject_init();
        return cmocka_run_group_tests_name("inject_screen", tests, NULL, NULL);
}
