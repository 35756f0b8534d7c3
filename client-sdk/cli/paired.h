/* SPDX-License-Identifier: Apache-2.0 */
/* paired.h: what can be done with the devices that this one is paired with, as both programs have it: `mohr phone` with
 * phones, `mohr-relay` with computers. What differs is a row of words.
 */
#ifndef MOHR_CLI_PAIRED_H
#define MOHR_CLI_PAIRED_H

#include "client-sdk/cli/cli.h"
#include "client-sdk/link/store.h"

struct paired_end {
        const char *which;     /* the folder: "phones", "computers" */
        const char *none;      /* nothing is paired */
        const char *unknown;   /* %s is none of them */
        const char *question;  /* forget %s? */
        const char *forgotten; /* %s is no more */
        const char *same;      /* a second %s, whose older pairing %s forgets */
        const char *renewal; /* how a certificate that ends soon is renewed; NULL: not from here */
        /* Says of one of them whether it is there, in words and as a member of the object; NULL: this end cannot tell. */
        void (*look)(const struct cli *cli, const struct link_peer *peer,
                char dst[static CLI_LINE_MAX], json_t *object);
};

struct paired_list {
        struct link_peer peers[LINK_PEERS_MAX];
        size_t count;
};
void paired_clear(struct paired_list *list);
#define _cleanup_paired_ _cleanup_(paired_clear)
#define _cleanup_peer_   _cleanup_(link_peer_clear)

/* These report what is wrong and return 0 or the exit code. */
_must_check_ int paired_folder(const struct cli *cli, const struct paired_end *end, char **ret);
/* The folder, if one more may be kept in it. */
_must_check_ int paired_room(const struct cli *cli, const struct paired_end *end, char **ret);
/* All there are; files that are no pairings are warned of. */
_must_check_ int paired_read(const struct cli *cli, const char *folder, struct paired_list *ret);
/* The one of this name or id. */
_must_check_ int paired_find(const struct cli *cli, const struct paired_end *end,
        const char *folder, const char *wanted, struct link_peer *ret);
/* Keeps a new one, under a name that no other has; `peer` is then what was kept. If its name was another's, that is told. */
_must_check_ int paired_keep(const struct cli *cli, const struct paired_end *end,
        const char *folder, struct link_peer *peer);
/* Changes one that is kept, unless its name would then be another's; `peer` as well. */
_must_check_ int paired_change(const struct cli *cli, const char *folder, struct link_peer *peer,
        int (*change)(void *user, struct link_peer *peer), void *user);
/* What is known of one, as JSON. NULL: no memory. */
json_t *paired_json(const struct link_peer *peer);

/* The commands. */
int paired_command_list(struct cli *cli, int argc, char **argv, const struct paired_end *end);
int paired_command_forget(struct cli *cli, int argc, char **argv, const struct paired_end *end);
/* One JSON value on stdout; the exit code. */
int paired_print_json(const struct cli *cli, json_t *json);

#endif
