/* SPDX-License-Identifier: Apache-2.0 */
/* pair.h: two devices that never met become a pair. The computer listens for as long as a person looks at it, the phone
 * connects; TLS 1.3 with both (new) certificates shown and none of them believed yet; then one of two proofs, each bound to
 * this very TLS connection by its exporter E (RFC 5705, label "EXPORTER-mohr-pair") and to both certificates:
 *
 *  by secret   the computer shows a QR code with its addresses, its certificate's digest and 16 random bytes s. The phone takes no other
 *              certificate, and proves s by HMAC-SHA256; the computer proves it back. One wrong proof, or one use, and s is
 *              void: pairing ends.
 *  by code     the computer commits itself to a random number before the phone shows its own, then opens it (as Bluetooth's numeric
 *              comparison does); both show six digits made of all of it, and a person at each side says that they are the same.
 *              A stranger in the middle has one chance in a million for each attempt, and PAIR_ATTEMPTS of them.
 *
 * Only when both sides said yes does either of them keep anything. This file promises the order; sockets, screens and questions are
 * the caller's. The messages, byte by byte, are in docs/phone.md. */
#ifndef MOHR_LINK_PAIR_H
#define MOHR_LINK_PAIR_H

#include "client-sdk/link/link.h"

#define PAIR_SECRET    16
#define PAIR_CODE_LEN  6
#define PAIR_ATTEMPTS  3
#define PAIR_ADDRESSES 4
#define PAIR_URI_MAX   1024

/* mohr-pair:HOST:PORT,HOST:PORT?v=1&c=BASE64URL&s=BASE64URL&n=NAME (percent-encoded), what the QR code says. */
struct pair_uri {
        char addresses[PAIR_ADDRESSES][LINK_ADDRESS_MAX];
        size_t address_count;
        uint8_t print[LINK_PRINT], secret[PAIR_SECRET];
        char name[LINK_NAME_MAX];
};
_must_check_ int pair_uri_write(const struct pair_uri *uri, char ret[static PAIR_URI_MAX]);
_must_check_ int pair_uri_read(
        const char *text, struct pair_uri *ret); /* -EINVAL; spaces around it are fine */

enum pair_state {
        PAIR_WORKING, /* wait for link_fd() of pair_link() */
        PAIR_COMPARE, /* show pair_code(), ask, then pair_answer() */
        PAIR_DONE,    /* pair_take() */
        PAIR_FAILED   /* pair_failure() */
};
enum pair_failure {
        PAIR_NO_FAILURE,
        PAIR_BROKE,             /* the connection */
        PAIR_PROTOCOL,          /* what came is out of shape or place */
        PAIR_WRONG_CERTIFICATE, /* not the one of the QR code: somebody else answered there */
        PAIR_WRONG_SECRET,      /* or used before */
        PAIR_WRONG_COMMITMENT,  /* the other side tried to choose its number after it knew ours */
        PAIR_REFUSED_HERE,
        PAIR_REFUSED_THERE,
        PAIR_OTHER_VERSION, /* of this protocol */
        PAIR_CLOCKS,        /* a certificate made for this pairing is over already */
        PAIR_OTHER_WAY,     /* one side pairs by secret, the other by code */
        PAIR_FAILURES
};

struct pair_side {
        const char *name;              /* of this device */
        uint16_t port;                 /* where this phone listens; 0 on a computer */
        const uint8_t *secret;         /* PAIR_SECRET bytes, or NULL: by code */
        const uint8_t *print;          /* phone, by secret: the certificate to expect; else NULL */
        const char *key, *certificate; /* of this pairing: link_identity_make() */
};

struct pairing;
_must_check_ int pair_listen(struct pairing **ret, int fd,
        const struct pair_side *side); /* the computer; fd is accepted, owned */
_must_check_ int pair_connect(
        struct pairing **ret, int fd, const struct pair_side *side); /* the phone */
struct pairing *pair_free(struct pairing *pairing);
struct link *pair_link(struct pairing *pairing);
_must_check_ enum pair_state pair_step(
        struct pairing *pairing);                     /* after each readiness; never blocks */
const char *pair_code(const struct pairing *pairing); /* six ASCII digits */
/* No ends it at any time; then pair_step(), as after readiness: it tells what came of it. */
void pair_answer(struct pairing *pairing, bool same);
/* Somebody has tried to prove the secret, right or wrong: no other connection may be tried with it. */
bool pair_spent(const struct pairing *pairing);
enum pair_failure pair_failure(const struct pairing *pairing);
/* Everything for link_store_put(); the phone's address is that of the connection with its port. When the connection breaks at the very
 * end, the computer may be done and the phone not: then the computer keeps a pairing that no phone knows and nobody else has
 * the key of, until it is forgotten. Never the other way round. */
_must_check_ int pair_take(struct pairing *pairing, struct link_peer *ret);

#endif
