/* SPDX-License-Identifier: Apache-2.0 */
/* readers_internal.h: the supervisor's parts as they see each other. Only readers*.c include it.
 *
 *   readers.c         the list, its subscribers, taking and giving back a reader
 *   readers_watch.c   one watcher process per backend: restarts, and what a report changes
 *   readers_helper.c  one helper process per reader: its life
 *   readers_ask.c     one question to it
 *   readers_call.c    what it is asked: the one running operation, and those asked ahead of it
 *   readers_stage.c   how far a helper has come, and what may happen to it there
 *   readers_direct.c  readers that no service shares: what keeps one from being of use, letting go
 *   readers_doze.c    a backend of linked readers while nobody is paired
 *   readers_linked.c  those of them at the other end of a link: what it tells of itself, when it is tried again
 */
#ifndef MOHR_READERS_INTERNAL_H
#define MOHR_READERS_INTERNAL_H

#include "daemon/child.h"
#include "daemon/readers.h"

#define RESTART_MIN_US  250000ULL
#define RESTART_MAX_US  30000000ULL
#define TIMER_EXACT_US  1000ULL
#define HANDED_OVER     "fd:4" /* the address of a device that came with --usb-fd */
#define HELPER_ENV_MAX  8
#define HELPER_ARGV_MAX (2 * CONFIG_OPTIONS_MAX + 8)

/* Which programs serve a driver, and what they must say of themselves. `direct`: the helper holds the
 * device and tells whether a card lies there; the watcher only lists devices (drivers/driver.h). `linked`: the
 * device is a phone, which may play the card itself, and says so. */
struct driver_row {
        const char *driver, *helper, *watcher;
        bool simulated, direct, linked;
};

struct backend {
        struct readers *readers;
        const struct driver_row *row;
        struct child *watcher;
        sd_event_source *restart;
        uint64_t delay_us;
        bool spoken, running, denied;
        bool dozing; /* of linked readers: nobody is paired */
        sd_event_source *doze;
        bool paused; /* the person's session is not active: direct readers are others' now */
};

/* How far a reader's helper has come. From FRESH to HOLDING each one is more than the one before. */
enum helper_stage {
        HELPER_DOWN,     /* there is none, or it was told to die */
        HELPER_STARTING, /* it has not said yet that its sandbox is closed */
        HELPER_FRESH,    /* it is ready, and has answered nothing */
        HELPER_PROVEN,   /* it has answered, and met no card */
        HELPER_USED,     /* it has met a card, or writes down what it says to one */
        HELPER_HOLDING,  /* it is in a transaction with a card */
        HELPER_UNUSABLE, /* its sandbox is not closed; none is started here any more */
        HELPER_LEAVING,  /* it was asked to take the power off its card and go */
        HELPER_STAGES
};

enum again { AGAIN_AT_ONCE, AGAIN_LATER, AGAIN_NEVER };

struct stage {
        bool hears;       /* what it says counts */
        bool serves;      /* what it is asked is sent at once */
        bool spent;       /* it is replaced when the reader is given back */
        bool final;       /* it cannot be told to make room for another one */
        enum again again; /* when the next one starts, after its end */
        int lost;         /* how its end is told to a call that runs; 0: the next one gets it */
};

#define NOT_TOLD (-1)

struct ask {
        struct ask *next;
        uint8_t op;
        uint16_t id;
        bool ahead, passed; /* passed: another mohrd's, who is told what was skipped */
        bool sent, answered;
        bool dropped;       /* nobody will call for it */
        unsigned int depth; /* of waiting, one answer after the other, until its own is there */
        int outcome;
        uint16_t sw;
        uint8_t *fields; /* after the result head; kept */
        size_t fields_len;
        size_t len;
        uint8_t question[]; /* never digits */
};

struct op_call {
        bool active;
        int fail;        /* why it is ended early, or 0 */
        struct ask *ask; /* what was asked for it; NULL: nothing, or of a helper that is no more */
        reader_done done;
        void *user;
};

struct reader {
        struct reader *next;
        struct backend *backend;
        struct driver_reader seen;
        uint32_t serial;
        bool taken; /* by a request, which may outlive the reader */
        int gone;   /* 0, or why the reader is no more: NO_READER, READER_SERVICE */
        struct child *helper;
        enum helper_stage stage;
        sd_event_source *respawn;
        sd_event_source *deadline; /* of the first question that is not answered */
        uint64_t delay_us;
        int trouble; /* of a direct reader: NOT_TOLD whether a card lies there; why no helper can hold it, or 0 */
        bool claimed;        /* the kernel says that some program holds it, perhaps our helper */
        struct op_link link; /* of a linked reader: as its helper told last */
        int64_t told_ms;     /* of it: when it was heard last, as far as its helper told */
        bool looking;        /* its helper was asked whether it is there */
        uint32_t heard;      /* of it: `events` of the watcher's last report */
        int64_t ready_ms;    /* of a direct reader: when its helper was */
        uint16_t last_id;
        struct op_call call;
        struct ask *asks;   /* in the order in which they were asked */
        struct ask *last;   /* the one behind which reader_ahead() goes on */
        size_t kept;        /* bytes of answers that nobody has called for yet */
        unsigned int depth; /* reader_flights() */
        bool again;         /* what was asked last was asked of two helpers already */
        bool cut; /* the transaction of what was called is over by what was asked ahead of it */
        sd_event_source *soon; /* ends a call from the loop, not from inside reader_call() */
};

struct readers_watch {
        struct readers_watch *next;
        struct readers *readers;
        void (*changed)(void *user);
        void *user;
};

struct readers {
        sd_event *event;
        const struct config *config;
        const struct log *log;
        struct backend backends[CONFIG_DRIVERS_MAX];
        size_t backend_count;
        struct reader *list;    /* those that are there; a gone one lives on with who took it */
        struct reader *leaving; /* gone ones whose helper still takes the power off */
        uint32_t last_serial;
        struct readers_watch *watches, *cursor;
        sd_event_source *notify, *first_look; /* the latter until it is over */
        char *env[HELPER_ENV_MAX + 1];
};

/* readers.c */
void readers_changed(struct readers *readers); /* subscribers hear of it from the loop, once */
_must_check_ int readers_timer(struct readers *readers, sd_event_source **ret,
        sd_event_time_handler_t fired, void *user); /* made disarmed */
void readers_arm(sd_event_source *timer, uint64_t after_us);
uint64_t readers_next_delay(uint64_t delay_us);
/* Fills argv: program, --driver NAME, extra..., --option K=V... */
void readers_argv(const struct backend *backend, const char *program, const char *const extra[2],
        const char **argv);

/* readers_watch.c */
void reader_update(struct reader *reader, const struct driver_reader *now);
_must_check_ int backend_start(
        struct readers *readers, struct backend *backend, const char *driver);
void backend_stop(struct backend *backend);
void backend_start_watcher(struct backend *backend);
void backend_stop_watcher(struct backend *backend);

/* readers_helper.c */
_must_check_ int reader_new(
        struct reader **ret, struct backend *backend, const struct driver_reader *seen);
struct reader *reader_free(struct reader *reader);
void reader_vanish(
        struct reader *reader, int outcome); /* unlinked by the caller; freed unless taken */
void reader_replace_helper(struct reader *reader);
void reader_respawn_later(struct reader *reader);
void reader_complain(const struct reader *reader, enum log_level level, const char *what);

/* readers_ask.c */
struct ask *ask_free(struct ask *ask);
static inline void ask_free_cleanup(struct ask **slot)
{
        *slot = ask_free(*slot);
}
#define _cleanup_ask_ _cleanup_(ask_free_cleanup)
/* At the end of the reader's list, whose it is. */
_must_check_ int ask_new(struct reader *reader, enum op op, const void *data, size_t len,
        bool ahead, struct ask **ret);
struct ask *ask_take(struct reader *reader, struct ask *ask); /* off the list, the caller's */
void ask_remove(struct reader *reader, struct ask *ask);      /* and frees it */
struct ask *asks_first(const struct reader *reader);          /* that has no answer */
void asks_time(struct reader *reader); /* from here on the helper works on that one */
_must_check_ int ask_send(
        struct reader *reader, struct ask *ask); /* or keeps it for the next helper */
_must_check_ int ask_send_secret(
        struct reader *reader, struct ask *ask, const void *digits, size_t len);
bool ask_has_ended(int r); /* the helper is dying right now: its end answers what it was asked */

/* readers_call.c */
_must_check_ int calls_new(struct reader *reader);
void calls_free(struct reader *reader);
_must_check_ int calls_ready(struct reader *reader); /* sends what has waited for the helper */
_must_check_ int calls_reply(struct reader *reader, const struct op_frame *frame);
/* Its helper is told to die, or has died: nothing of what it was asked is answered any more. */
void calls_lost(struct reader *reader);
/* Instead: the next helper is asked the same, and nothing had happened. True only once, of a BEGIN that nobody answered. */
_must_check_ bool calls_again(struct reader *reader);
bool calls_let_go(struct reader *reader); /* is the helper in the middle of something? */
/* The running one, if any and not answered; from the loop. */
void reader_fail_call(struct reader *reader, int outcome);

/* readers_stage.c */
const struct stage *reader_stage(const struct reader *reader);
void reader_advance(struct reader *reader, uint8_t op, int outcome); /* after an answer */

/* readers_direct.c */
_must_check_ int direct_presence(struct reader *reader, const struct op_frame *frame);
void direct_ready(struct reader *reader);
void direct_ended(struct reader *reader, int status, enum helper_stage before);
bool direct_waits_for_news(const struct reader *reader);
uint64_t direct_first_start(struct reader *reader, const struct driver_reader *seen);
_must_check_ bool direct_report(struct reader *reader, const struct driver_reader *now);
void direct_left(struct reader *reader); /* frees it unless taken */
void direct_forget_all(struct readers *readers);

/* readers_doze.c */
_must_check_ bool backend_dozes(
        struct backend *backend); /* there is nothing to start a watcher for */
bool backend_has_pairings(const struct backend *backend);
void backend_end_doze(struct backend *backend);

/* readers_linked.c */
_must_check_ int linked_told(struct reader *reader, const struct op_frame *frame);
_must_check_ bool linked_report(struct reader *reader, const struct driver_reader *now);
const char *linked_why(const struct reader *reader, const char **ret_state);
int linked_refuses(const struct reader *reader, const char **ret_detail);
int linked_trouble(int status);
bool linked_known(const struct reader *reader, int status);

#endif
