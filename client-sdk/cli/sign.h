/* SPDX-License-Identifier: Apache-2.0 */
/* sign.h: mohr sign, in parts:
 *
 *   sign.c        what was asked, and the one way through it
 *   sign_plan.c   which form each file gets, and where its result goes
 *   sign_place.c  a result that is there whole or not at all
 *   sign_ask.c    mohrd is asked, and what it says meanwhile
 *   sign_cms.c    a SignedData in a file, with its content inside or not; whose content a signature is of
 *   sign_more.c   one more signature beside those that are there
 *   sign_time.c   the timestamp
 *   sign_pdf.c    where in a PDF that goes: mohr-document is asked
 */
#ifndef MOHR_CLI_SIGN_H
#define MOHR_CLI_SIGN_H

#include "client-sdk/cli/cli.h"
#include "client-sdk/cms.h"

#include <openssl/x509.h>
#include <sys/types.h>

enum sign_form { SIGN_BY_CONTENT, SIGN_CMS, SIGN_ATTACHED, SIGN_PDF, SIGN_JWS, SIGN_COUNTER };

struct sign_item {
        const char *file;
        enum sign_form form;
        char *out;    /* owned: where the result goes */
        bool replace; /* what is there goes: it was asked for, or the result holds all of it */
        bool present; /* what is there is a result for this very content, and stays */
        int from, to; /* descriptors, or -1 */
        char *beside; /* owned: the name of `to` meanwhile; NULL: it has none */
        mode_t mode;
        char handle[64];
        uint64_t size;
        char digest[65];
        uint8_t value[512]; /* of the new signature, where a timestamp is wanted */
        size_t value_len;
        bool is_signed, stamped;
        int failed; /* what became of the result: a negative errno, or OUTCOME_DOCUMENT with ... */
        const char *failed_why;
};

struct sign {
        struct cli *cli;
        enum sign_form form;
        const char *out, *out_dir, *purpose, *reader, *location, *commitment, *add, *url, *tsa;
        char *policy;              /* owned: "OID", and behind its NUL the digest */
        const char *policy_digest; /* in it */
        struct mohr_stamp stamp;   /* page 0: none */
        int countersign;           /* which signature, from 1; 0: none */
        int timeout_s;
        bool no_time, resume, force;
        struct sign_item *items; /* owned */
        size_t count;
        struct mohr_client *client;     /* owned */
        struct mohr_trust *authorities; /* owned */
        struct sign_item *last;         /* the one that was told of last */
};

/* All of these return 0, or an outcome that is reported already. */
_must_check_ int sign_plan(struct sign *sign, char **files, size_t count);
_must_check_ int sign_ask(struct sign *sign);
_must_check_ int sign_timestamps(struct sign *sign);
_must_check_ int sign_authorities(struct sign *sign);

/* The other signatures of the same content, beside the new one: 0, OUTCOME_DOCUMENT with item->failed_why, or a negative errno. */
_must_check_ int sign_add_others(struct sign *sign, struct sign_item *item);
/* Is `add` a signature over this very document? */
_must_check_ int sign_check_others(const struct sign *sign, struct sign_item *item);

/* The socket's word for a form. */
const char *sign_form_name(enum sign_form form);
void sign_item_clear(struct sign_item *item);

/* sign_place.c: 0 or a negative errno. */
_must_check_ int place_open(struct sign_item *item); /* `to` */
/* Another one, to take its place with place_swap(), which takes both over. */
_must_check_ int place_anew(struct sign_item *item, char **ret_beside, int *ret);
void place_swap(struct sign_item *item, int fd, char *beside);
_must_check_ int place_put(struct sign_item *item); /* at `out` */
_must_check_ int place_copy(int from, uint64_t offset, uint64_t len, int to);

/* sign_cms.c: a SignedData in a file. 0, OUTCOME_DOCUMENT, or a negative errno. */
struct sign_cms {
        uint8_t *cms; /* owned, without its content */
        size_t len;
        uint64_t content, content_len; /* where that lies; 0: not in the file */
};
void sign_cms_clear(struct sign_cms *cms);
#define _cleanup_sign_cms_ _cleanup_(sign_cms_clear)
_must_check_ int sign_cms_read(int fd, struct sign_cms *ret);
/* The same file with another SignedData: `to` is empty. */
_must_check_ int sign_cms_write(
        int to, const uint8_t *cms, size_t len, int from, const struct sign_cms *content);
/* Has its signer of this number a timestamp? */
bool sign_is_stamped(const uint8_t *der, size_t len, unsigned int index);
/* Is the result at `fd` one of the very content of `from`? Signatures are checked, whom they are of is not. */
_must_check_ int sign_belongs(enum sign_form form, int fd, int from, bool *ret);
#define SIGN_JWS_MAX (64 * 1024 * 1024)
/* All of a small file, malloced, with a NUL behind it. -EFBIG. */
_must_check_ int sign_read_file(int fd, size_t max, char **ret, size_t *ret_len);

/* sign_pdf.c: the last signature of a PDF. Results as above. */
struct sign_room {
        uint8_t *cms; /* owned */
        size_t len;
        uint64_t offset, room;
};
_must_check_ int sign_pdf_room(int fd, struct sign_room *ret);

#endif
