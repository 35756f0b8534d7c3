/* SPDX-License-Identifier: Apache-2.0 */
/* bundle_store.h: what a bundle brings into the store, and what goes because the next one has it no more.
 *
 * Files that came from a bundle say so by their names (bundle-SIGNER-...), so that an administrator sees it
 * and what is added by hand is never touched. A record beside them says how old the newest one was that was
 * taken: an older one is refused, as whoever carries bundles could otherwise bring a withdrawn anchor back.
 */
#ifndef MOHR_BUNDLE_STORE_H
#define MOHR_BUNDLE_STORE_H

#include "client-sdk/bundle.h"
#include "client-sdk/store.h"

#define BUNDLE_PREFIX_MAX 32 /* "bundle-" and 16 digits and "-" and the NUL */

struct bundle_record {
        int64_t issued_at, next_update; /* 0: nothing was taken yet */
};

/* How the files of this signer's bundles begin, by its fingerprint. */
void bundle_prefix(const char *fingerprint, char dst[static BUNDLE_PREFIX_MAX]);
/* -EBADMSG if there is a record that cannot be read: then nothing older can be told. */
_must_check_ int bundle_record_read(
        enum store_level level, const char *fingerprint, struct bundle_record *ret);

struct bundle_change {
        bool added; /* else it goes */
        enum store_kind kind;
        const char *name;               /* of the file */
        const struct bundle_item *item; /* of what is added */
};

/* Tells every change between what is there and the bundle; what stays is not told. */
_must_check_ int bundle_changes(enum store_level level, const char *fingerprint,
        const struct bundle *bundle, int (*each)(void *user, const struct bundle_change *change),
        void *user);
/* Makes them: first what goes, then what is added, at last the record. Again after an end in the middle. */
_must_check_ int bundle_install(
        enum store_level level, const char *fingerprint, const struct bundle *bundle);
/* All that the bundles of this signer brought, and the record. */
_must_check_ int bundle_forget(enum store_level level, const char *fingerprint);

#endif
