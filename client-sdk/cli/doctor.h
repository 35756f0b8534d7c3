/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.h: what the parts of mohr doctor share: a look at one thing of this computer, and what was found.
 *
 * A look changes nothing, starts nobody and asks the network nothing. It sees the computer through `examination`: files below
 * a root that is "" for this computer, and mohrd's picture; so a test can show it any computer. Each
 * has a name that scripts may rely on.
 *
 *   doctor.c           the command: the looks in their order, words, JSON, exit code
 *   doctor_daemon.c    mohrd: session, socket, unit, configuration, version, bus
 *   doctor_reader.c    pcscd, polkit, readers, cards
 *   doctor_phone.c    paired phones
 *   doctor_held.c      who else holds a reader: programs, the kernel's drivers
 *   doctor_machine.c   clock, pinentry, memory, disk, parts of Mohr
 *   doctor_trust.c     anchors and bundles
 *   doctor_programs.c  PKCS#11, browsers
 *   doctor_place.c     files below the root
 *   doctor_card.c      mohr doctor --card, which does ask a card
 */
#ifndef MOHR_CLI_DOCTOR_H
#define MOHR_CLI_DOCTOR_H

#include "client-sdk/cli/cli.h"

#include <limits.h>
#include <sys/stat.h>

struct finding {
        int outcome; /* 0: good; else what a request would end with, as far as that can be said */
        bool advice; /* does not count for the exit code */
        const char *text;    /* untranslated or translated already */
        const char *next;    /* the same, what to do; before a command it ends in a colon */
        const char *command; /* that mends it, for a shell; NULL: none does */
        const char *data;    /* something to be shown as it is, or "" */
};

struct examination {
        const char *root;                               /* "" or the folder that stands for / */
        const char *trust;                              /* NULL: what mohr trust keeps */
        json_t *status;                                 /* mohrd's picture, or NULL */
        int status_outcome;                             /* of asking for it */
        char problem[512], unreached[512], shown[1024]; /* texts that findings point to */
};

typedef struct finding (*look_function)(struct examination *e);

/* doctor_place.c. False: the path is too long. */
_must_check_ bool place_path(
        char dst[static PATH_MAX], const struct examination *e, const char *path);
bool place_is(const struct examination *e, const char *path, struct stat *ret);
/* At most cap - 1 bytes and a NUL; false: not there, or not to be read. */
_must_check_ bool place_read(const struct examination *e, const char *path, char *dst, size_t cap);
/* The folder of this session's files, or NULL; MOHR_SOCKET, or NULL. */
const char *place_runtime(void);
const char *place_named_socket(void);
/* 0, or the errno of connecting to the socket of this path, which is not below the root. */
int place_connect(const char *path);
/* Beside this program in a build tree, else where it is installed. */
bool place_program(const struct examination *e, const char *name);

struct finding doctor_unseen(int outcome); /* this cannot be told without mohrd */
bool doctor_any_reader(const struct examination *e, const char *state, const char *why);
/* What mohrd says of the driver for pcscd; "": it is told to use others; NULL: it cannot be asked. */
const char *doctor_pcsc_state(const struct examination *e);

struct finding look_at_daemon(struct examination *e);
struct finding look_at_runtime(struct examination *e);
struct finding look_at_socket(struct examination *e);
struct finding look_at_unit(struct examination *e);
struct finding look_at_config(struct examination *e);
struct finding look_at_version(struct examination *e);
struct finding look_at_bus(struct examination *e);
struct finding look_at_pcscd(struct examination *e);
struct finding look_at_pcscd_start(struct examination *e);
struct finding look_at_polkit(struct examination *e);
struct finding look_at_reader(struct examination *e);
struct finding look_at_card(struct examination *e);
struct finding look_at_phones(struct examination *e);
struct finding look_at_holder(struct examination *e);
struct finding look_at_kernel(struct examination *e);
struct finding look_at_pinentry(struct examination *e);
struct finding look_at_clock(struct examination *e);
struct finding look_at_time(struct examination *e);
struct finding look_at_memory(struct examination *e);
struct finding look_at_disk(struct examination *e);
struct finding look_at_documents(struct examination *e);
struct finding look_at_page(struct examination *e);
struct finding look_at_root(struct examination *e);
struct finding look_at_anchors(struct examination *e);
struct finding look_at_bundles(struct examination *e);
struct finding look_at_module(struct examination *e);
struct finding look_at_browsers(struct examination *e);

/* Every look's finding as JSON, in their order; NULL without memory. With `cli`: shown as words as well. *ret_outcome is what
 * counts first. For the command and for the support bundle. */
json_t *doctor_examine(
        const struct cli *cli, const char *root, const char *trust, int *ret_outcome);

#endif
