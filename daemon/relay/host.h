/* SPDX-License-Identifier: Apache-2.0 */
/* host.h: `mohr-relay serve` as its parts see each other. Only serve*.c, door.c, guest*.c and publish.c include it.
 *
 *   serve.c        what is started and ended, in order; what the person reads
 *   serve_options.c  what the person said
 *   door.c         sockets that listen, who comes in, and how many
 *   guest.c        one connection: handshake, silence, farewell
 *   guest_frames.c what it says, guest_news.c what it is told unasked
 *   guest_world.c  what a visit needs of the world: reader, prompt, words
 *   publish.c      the name by which computers find this phone on the network
 */
#ifndef MOHR_RELAY_HOST_H
#define MOHR_RELAY_HOST_H

#include "client-sdk/cli/cli.h"
#include "client-sdk/link/renew.h"
#include "base/text.h"
#include "daemon/config.h"
#include "daemon/readers.h"
#include "daemon/relay/visit.h"
#include "daemon/relying.h"

#define HOST_GUESTS_MAX  8  /* computers that are connected */
#define HOST_SHAKING_MAX 8  /* connections that have not shown yet whose they are ... */
#define HOST_SHAKE_S     10 /* ... nor for longer than this */

struct guest;
struct door;
struct person;
struct publish;

struct host_options {
        const char *address, *reader; /* NULL: all; the one that holds the card */
        uint16_t port;
        bool anywhere, unpublished; /* --anywhere, --no-publish */
        enum config_relay_pin pin;
};

struct host {
        struct cli *cli;
        struct host_options options;
        char name[LINK_NAME_MAX]; /* of this phone, as computers are told */
        struct log log;
        sd_event *event;
        struct config *config;
        struct relying *relying;
        struct readers *readers;
        struct readers_watch *watch;
        sd_event_source *folder_watch;
        char *folder; /* of paired computers */
        struct mohr_ui ui;
        char tty[128];
        bool asks; /* the PIN is typed here */
        struct visit_notes notes;
        struct guest *asking; /* whose question is on the screen */
        uint32_t
                events_begin; /* what card events are counted from: other runs counted other cards */
        struct secret *inbox; /* each frame comes in here, and is wiped when it was dealt with */
        struct door *door;
        struct publish *publish;
};

/* door.c. What listens is said on stdout. OUTCOME_USAGE was told. */
_must_check_ int door_open(struct door **ret, struct host *host);
struct door *door_close(struct door *door); /* says goodbye to everybody */
/* Who stays and who goes when a guest has said who he is. */
_must_check_ enum link_reason door_admit(struct door *door, struct guest *guest);
void door_remove(struct door *door, struct guest *guest); /* and frees it */
void door_tell_readers(struct door *door);                /* readers changed */
void door_drop_unpaired(struct door *door);

enum guest_stage { GUEST_SHAKING, GUEST_GREETING, GUEST_OPEN, GUEST_RENEWING, GUEST_LEAVING };

struct guest { /* one connection */
        struct guest *next;
        struct host *host;
        struct link *link;
        enum guest_stage stage;
        uint8_t from[16];         /* the address; of IPv4 the first bytes */
        char name[LINK_NAME_MAX]; /* as the pairing calls the computer */
        sd_event_source *io, *clock, *later;
        int64_t heard_ms; /* by a clock that goes on while the phone sleeps */
        int64_t since_ms; /* when what lasts limit_s at most began */
        unsigned int limit_s;
        bool doubted; /* asked whether it is there, and has not said a word since */
        enum link_reason reason;
        const char *left; /* why, for the journal, as long as that has not been told */
        struct link_renewal *renewal;
        struct visit *visit;
        struct reader *reader;
        struct person *person;
        visit_answered answered;
        bool typed; /* digits are there, and wait until the computer was heard ... */
        bool sure;  /* ... which it was */
        struct driver_presence presence; /* as told last */
        struct op_link status;
        bool told;
};

/* guest.c */
_must_check_ int guest_new(struct guest **ret, struct host *host, int fd); /* owns fd */
struct guest *guest_free(struct guest *guest);
void guest_farewell(struct guest *guest, enum link_reason reason); /* its end comes from the loop */
void guest_hang_up(
        struct guest *guest); /* and ends its visit right now; never from inside that one */
void guest_doubt(struct guest *guest);         /* is anybody there? It has little time to answer */
void guest_heard(struct guest *guest);         /* it is there */
bool guest_is_near(const struct guest *guest); /* and was just now */
/* By a clock of milliseconds: how long until it is let go, if nothing more comes. INT64_MAX: it is not. */
int64_t guest_left_ms(struct guest *guest, int64_t at_ms);
_must_check_ int guest_send(struct guest *guest, enum link_type type, const void *body, size_t len);

/* guest_news.c */
_must_check_ int guest_welcome(struct guest *guest);
void guest_tell_readers(struct guest *guest);
_must_check_ int guest_tell_sending(struct guest *guest, bool sent); /* a PIN, to the card */

/* guest_frames.c. -EAGAIN: that was all; 0: more waits; else it is over, and *reason is what to say. */
_must_check_ int guest_read(struct guest *guest, enum link_reason *reason);

/* guest_world.c */
const struct visit_world *guest_world(bool asks);

/* publish.c: -ENOENT: there is no avahi-publish here. */
_must_check_ int publish_start(struct publish **ret, struct host *host);
struct publish *publish_stop(struct publish *publish);

/* serve_options.c: 0, or an exit code that was told of. */
_must_check_ int serve_options(struct host *host, int argc, char **argv);

/* serve.c: a line for the person, with a time. */
_printf_(2, 3) void host_say(const struct host *host, const char *format, ...);

#endif
