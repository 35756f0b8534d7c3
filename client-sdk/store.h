/* SPDX-License-Identifier: Apache-2.0 */
/* store.h: where trusted certificates and what belongs to them are kept: plain files in plain folders.
 *
 *      /etc/mohr/ and $XDG_CONFIG_HOME/mohr/ (~/.config/mohr/)
 *              anchors/         behind national cards
 *              staff-anchors/   behind staff cards
 *              bundle-signers/  who may sign offline bundles
 *              bundles/         which bundles were taken, how old they are
 *              crls/            CRLs and OCSP responses
 *
 * Who can write there says whom to believe. So a folder or a file that another user owns (root apart) or
 * everybody may write to is refused, as a whole: nobody verifies with half of what was configured.
 */
#ifndef MOHR_STORE_H
#define MOHR_STORE_H

#include "client-sdk/trust.h"

#include "base/base.h"

enum store_level { STORE_SYSTEM, STORE_USER, STORE_LEVELS };
enum store_kind {
        STORE_ANCHORS,
        STORE_STAFF,
        STORE_SIGNERS,
        STORE_BUNDLES,
        STORE_CRLS,
        STORE_KINDS
};

/* The folder, to be freed; it need not be there. -ENOENT: this user has no home. */
_must_check_ int store_folder(enum store_level level, enum store_kind kind, char **ret);
/* Where mohrd keeps issuing CAs that led to an anchor: $XDG_STATE_HOME/mohr/issuers. The same. */
_must_check_ int store_issuers(char **ret);
/* Writes FOLDER/name whole, readable for all, in folders that are made where they lack. *ret_path, to be
 * freed, may be NULL. */
_must_check_ int store_put(enum store_level level, enum store_kind kind, const char *name,
        const void *data, size_t len, char **ret_path);

/* Holds the folder of bundles, which is made where it lacks, against another who changes what is in the
 * store by a bundle; until *ret_fd is closed. Waits. */
_must_check_ int store_hold(enum store_level level, int *ret_fd);

/* One certificate of the store. */
struct store_entry {
        enum store_level level;
        enum store_kind kind;
        const char *path;
        const uint8_t *der;
        size_t len;
};

/* Every certificate of a kind at one level, by name; other than 0 ends the reading and is returned. 21
 * with the problem when the folder cannot be relied on. A folder that lacks is empty. */
_must_check_ int store_read(enum store_level level, enum store_kind kind,
        int (*each)(void *user, const struct store_entry *entry), void *user, char *problem,
        size_t problem_cap);

/* The anchors of one scope, of both levels; *ret stays as it is if there are none. */
_must_check_ int store_load(
        struct mohr_trust **ret, enum trust_scope scope, char *problem, size_t problem_cap);
/* Of both scopes. */
_must_check_ int store_load_all(struct mohr_trust **ret, char *problem, size_t problem_cap);

#endif
