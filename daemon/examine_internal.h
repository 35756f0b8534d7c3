/* SPDX-License-Identifier: Apache-2.0 */
/* examine_internal.h: an examination's parts as they see each other. Only examine*.c include it.
 *
 *   examine.c        life, the reader, the table of steps, the conclusion
 *   examine_steps.c  what is asked in each step and what is made of the answer
 *   examine_view.c   the words in which it leaves the daemon
 */
#ifndef MOHR_EXAMINE_INTERNAL_H
#define MOHR_EXAMINE_INTERNAL_H

#include "daemon/examine.h"

enum { AGAIN = 1000, WAIT };

enum step {
        STEP_READER,
        STEP_WRITE,
        STEP_BEGIN,
        STEP_IDENTIFY,
        STEP_FOREIGN,
        STEP_FILE,
        STEP_JUDGE,
        STEP_CONFIRM,
        STEP_COUNTER,
        STEP_PROBE,
        STEP_METHOD,
        STEP_VERSIONS,
        STEP_FLAGS,
        STEP_END,
        STEP_TRANSCRIPT,
        STEP_DONE,
        STEP_COUNT,
};

struct examine {
        struct request_context *context;
        examine_done done;
        void *user;
        char *reader_name, *transcript;
        bool write, waited, failed;
        bool writer_lives; /* when it failed: the helper that wrote is still in its transaction */
        sd_event_source *kick;
        struct readers_wait *wait;
        struct reader *reader;
        enum step step;
        unsigned int file, copy, trial;
        int outcome;
        const char *detail;
        struct findings findings;
};

/* Row functions: is the step needed, its arguments, what came back. */
bool exam_wants_transcript(const struct examine *e);
bool exam_is_unknown(const struct examine *e);
bool exam_has_files(const struct examine *e);
bool exam_is_confirmed(const struct examine *e);
bool exam_has_copies(const struct examine *e);
bool exam_has_trials(const struct examine *e);
bool exam_is_national(const struct examine *e);
bool exam_is_begun(const struct examine *e);
bool exam_has_transcript(const struct examine *e);
/* The word for a card that did not wait for the end, NULL for any other outcome. */
const char *exam_cut_short(const struct examine *e);
int exam_start_writing(struct examine *e, struct out *args);
int exam_ask_file(struct examine *e, struct out *args);
int exam_judge(struct examine *e, struct out *args);
int exam_ask_counter(struct examine *e, struct out *args);
int exam_ask_method(struct examine *e, struct out *args);
int exam_ask_versions(struct examine *e, struct out *args);
int exam_ask_flags(struct examine *e, struct out *args);
int exam_leave(struct examine *e, struct out *args);
int exam_stop_writing(struct examine *e, struct out *args);
int exam_begun(struct examine *e, int outcome, struct in *fields);
int exam_identified(struct examine *e, int outcome, struct in *fields);
int exam_named(struct examine *e, int outcome, struct in *fields);
int exam_filed(struct examine *e, int outcome, struct in *fields);
int exam_confirm(struct examine *e, struct out *args);
int exam_confirmed(struct examine *e, int outcome, struct in *fields);
int exam_counted(struct examine *e, int outcome, struct in *fields);
int exam_probed(struct examine *e, int outcome, struct in *fields);
int exam_tried(struct examine *e, int outcome, struct in *fields);
int exam_versioned(struct examine *e, int outcome, struct in *fields);
int exam_flagged(struct examine *e, int outcome, struct in *fields);
int exam_written(struct examine *e, int outcome, struct in *fields);

#endif
