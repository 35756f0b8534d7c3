/* SPDX-License-Identifier: Apache-2.0 */
/* store.h: the devices that this one is paired with, as plain files in one folder: ID.json, mode 0600.
 *
 * A pairing is one file, and each has a key and a certificate of its own, made for it: to forget a device is to remove
 * its file, and two devices cannot tell that they know the same third one. A computer keeps its phones in
 * $XDG_DATA_HOME/mohr/phones, a phone its computers in $XDG_DATA_HOME/mohr/computers; the form is the same.
 * A folder or file that others than its owner can write to or read is refused, by name. Writing is by a new file that
 * takes the old one's place. Whoever must know at once that a pairing is gone watches the folder.
 * The form of the file is in docs/phone.md.
 */
#ifndef MOHR_LINK_STORE_H
#define MOHR_LINK_STORE_H

#include "base/base.h"

#define LINK_ID_LEN      16  /* hex digits: names the pairing, the same on both sides; random */
#define LINK_NAME_MAX    65  /* UTF-8 with its NUL: as the other device calls itself */
#define LINK_ADDRESS_MAX 280 /* "host:port", "[v6]:port" */
#define LINK_PRINT       32  /* SHA-256 of a certificate's DER bytes */
#define LINK_PEM_MAX     4096
#define LINK_PEERS_MAX   16
#define LINK_DAYS        730 /* that a certificate made here is valid */

struct link_peer {
        char id[LINK_ID_LEN + 1];
        char name[LINK_NAME_MAX];
        char address[LINK_ADDRESS_MAX]; /* of a phone: where it was met last; "" unknown */
        uint8_t peer_print[LINK_PRINT]; /* the certificate that the other side must show ... */
        uint8_t next_print
                [LINK_PRINT]; /* ... or, while a renewal is under way, this one; all zero: none */
        char *key, *certificate; /* our own for this pairing, PEM; the key is wiped when freed */
        int64_t paired_at, expires_at; /* seconds since 1970; the latter of our own certificate */
};
void link_peer_clear(struct link_peer *peer); /* wipes; zero is fine */

/* What a clock (seconds since 1970) makes of a pairing: it is over; or it was made on a day that has not come yet: the clock is
 * behind, or was ahead then. */
enum link_age { LINK_AGE_GOOD, LINK_AGE_OVER, LINK_AGE_EARLY };
enum link_age link_peer_age(const struct link_peer *peer, int64_t now);

/* $XDG_DATA_HOME/mohr/WHICH ("phones" or "computers"), or below HOME; -ENOENT if neither is set. malloc'ed. */
_must_check_ int link_store_folder(const char *which, char **ret);
/* All of a folder, sorted by name; none if it is not there. What cannot be read is left out and named in *ret_bad
 * (one line for people, or NULL; malloc'ed). Returns the count, or a negative errno. */
_must_check_ ssize_t link_store_list(
        const char *folder, struct link_peer ret[static LINK_PEERS_MAX], char **ret_bad);
/* -ENOENT: there is none; -EPERM: others than its owner can read or change file or folder; -EBADMSG: it is no file of a pairing. */
_must_check_ int link_store_get(const char *folder, const char *id, struct link_peer *ret);
/* Whoever writes waits LINK_STORE_WAIT_MS at most for others who do: then -EBUSY. */
#define LINK_STORE_WAIT_MS 2000
/* Could one be kept? Makes the folder (0700), writes a file of that size into it and removes that. -EROFS, -ENOSPC and so on. */
_must_check_ int link_store_try(const char *folder);
/* Adds or replaces; makes the folder (0700). -EUSERS: LINK_PEERS_MAX are there; -ENOSPC: the disk is full. */
_must_check_ int link_store_put(const char *folder, const struct link_peer *peer);
/* Reads one, has it changed, and writes it, while nobody else who writes here does: for all that is no new pairing, so that
 * nothing that others changed is undone and nothing that was removed comes back. Other than 0 of `change` is returned, and nothing
 * is written. */
_must_check_ int link_store_change(const char *folder, const char *id,
        int (*change)(void *user, struct link_peer *peer), void *user);
/* -ENOENT: there is none. -EBUSY: it is removed, but who changes it just now may bring it back: say it again. */
_must_check_ int link_store_remove(
        const char *folder, const char *id); /* the key's bytes are overwritten first */

/* A P-256 key and a self-signed certificate for it, valid LINK_DAYS, which names nobody; and its print. */
_must_check_ int link_identity_make(
        char **ret_key, char **ret_certificate, int64_t *ret_expires_at);
_must_check_ int link_identity_print(const char *certificate, uint8_t ret[static LINK_PRINT]);

/* What is said in the clear (mDNS; the SNI's is made likewise) instead of an id: salt and HMAC-SHA256(id, "mohr tag" || salt), cut; so that nobody
 * else can tell that it is the same pairing as yesterday. Written as hex of salt, then of the tag. */
#define LINK_TAG_LEN 32 /* 8 bytes of salt, 8 of tag */
_must_check_ int link_tag_make(const char *id, char ret[static LINK_TAG_LEN + 1]);
bool link_tag_is(const char *tag, const char *id);

#endif
