/* SPDX-License-Identifier: Apache-2.0 */
/* inject.h: makes the n-th thing that can fail fail.
 *
 * What can fail is everything our own objects ask of the machine: memory (also OpenSSL's and jansson's,
 * and the event loop's sources) and system calls. Programs named tests/unit/test_inject_*.c are linked so
 * that these calls come here first (tests/support/inject.wrap); nothing fails while nothing is armed.
 *
 *      for (struct inject in = INJECT(INJECT_MEMORY); inject_next(&in);) {
 *              ... set up, calmly ...
 *              inject_arm(&in);
 *              r = the_operation();
 *              inject_disarm(&in);
 *              ... in.failed tells whether anything was made to fail; in.what names it ...
 *      }
 *
 * The loop goes on until an attempt met no failure: n = 1, 2, 3... with the n-th call failing alone, then
 * once more with the n-th and all that follow, as when memory is really gone.
 */
#ifndef MOHR_TESTS_INJECT_H
#define MOHR_TESTS_INJECT_H

#include "base/base.h"

/* OpenSSL asks thousands of times for one certificate: those failures are sampled, by a step. */
enum inject_kind { INJECT_MEMORY = 1, INJECT_SYSTEM = 2, INJECT_OPENSSL = 4 };

struct inject {
        unsigned int kinds;
        unsigned long n, step; /* which call fails; how far to go to the next attempt */
        bool onwards;          /* the second half: all from the n-th on */
        bool failed;           /* in the last attempt */
        const char *what;      /* the name of the first call that was made to fail, or "nothing" */
};

#define INJECT(kinds_) INJECT_EVERY(kinds_, 1)
#define INJECT_EVERY(kinds_, step_)                                                                \
        {                                                                                          \
                .kinds = (kinds_), .step = (step_), .what = "nothing"                              \
        }

/* Runs the block that follows once per attempt, for each row of a table of the above. */
#define FOR_EACH_FAILURE(in, sweeps)                                                               \
        for (size_t in##_row = 0; in##_row < ARRAY_LEN(sweeps); in##_row++)                        \
                for (struct inject in = (sweeps)[in##_row]; inject_next(&in);)

/* Fails the test with the call that brought it there, and with a word more where there is one to say (cmocka.h). */
#define EXPECT(in, condition) EXPECT_TELLING(in, "", condition)
#define EXPECT_TELLING(in, more, condition)                                                        \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        fail_msg("call %lu%s (%s)%s: %s", (in).n, (in).onwards ? " and on" : "",   \
                                (in).what, more, #condition);                                      \
        } while (0)

/* Before anything else of the program: puts OpenSSL's and jansson's memory under our hand. */
void inject_init(void);
bool inject_next(struct inject *in);
void inject_arm(const struct inject *in);
void inject_disarm(struct inject *in);
/* For what a test itself does in the middle of an attempt. They nest. */
void inject_pause(void);
void inject_resume(void);
/* Asked about every mapping that our own objects give back, before it goes. */
void inject_watch_munmap(void (*going)(const uint8_t *at, size_t len));
/* For those who are asked: whether what can still be read of it holds this text. */
bool inject_mapping_holds(const uint8_t *at, size_t len, const char *text);

#endif
