/* SPDX-License-Identifier: Apache-2.0 */
/* link.h: one connection between two paired devices: TLS 1.3 (RFC 8446), both sides' certificates pinned, frames inside.
 *
 * It knows who is at the other end and carries opaque frames; what they mean is nobody's business here. TLS is OpenSSL's;
 * there are no CA, no names, no dates to be judged: the other side is who its pairing's file says, by the certificate's
 * digest, or the handshake fails. No session tickets, no early data, no renegotiation.
 *
 * A frame is u16 length | u8 type | body; length counts type and body, big-endian. enum link_type is the whole list
 * (docs/phone.md). A LINK_SECRET's body is sealed once more, by AES-256-GCM under a key from the TLS exporter (RFC 5705), so
 * that digits of a PIN are never in the TLS library's buffers: link_send_secret() seals out of locked memory,
 * link_recv() opens into the locked memory it was given.
 *
 * Everything is non-blocking and single-threaded; the caller waits for link_fd() to be ready for link_wants(). `fd` is owned.
 */
#ifndef MOHR_LINK_H
#define MOHR_LINK_H

#include "base/bytes.h"
#include "base/secret.h"
#include "client-sdk/link/store.h"

#define LINK_VERSION 2
#define LINK_FRAME_MAX                                                                             \
        20992 /* type and body; room for a frame of drivers/ops.h (20480) and what seals it */
#define LINK_PORT    46647 /* where a phone listens unless told otherwise */
#define LINK_SERVICE "_mohr-relay._tcp"

enum link_type {
        LINK_HELLO =
                1, /* computer -> phone, first: u8 version, u8 enum link_role, text16 name of the computer */
        LINK_WELCOME, /* phone -> computer: u8 version, text16 name of the phone, then struct op_link of drivers/ops.h */
        LINK_OP,     /* either way: one frame of drivers/ops.h that is no secret */
        LINK_SECRET, /* computer -> phone: one that is (op_is_secret()), sealed */
        LINK_PING,   /* either way: u32 of the sender's choice */
        LINK_PONG,   /* the same u32, at once */
        LINK_STATUS, /* phone -> computer, unasked: struct op_link, when it changed */
        LINK_BYE,    /* either way, last: u8 enum link_reason */
        LINK_RENEW, /* in the role RENEW, computer -> phone: bytes16 DER of its next certificate; the phone keeps its print as next_print */
        LINK_RENEWED, /* phone -> computer: bytes16 DER of the phone's next certificate, whose key the phone keeps in memory. The computer
                       * keeps its print as next_print and shows its own next from then on, and says BYE(CLOSING) when that is on the
                       * disk: on this BYE the phone's next key takes the old one's place, and without it the old one stays. So
                       * whatever is lost, each shows what the other takes. Who sees the next (link_showed_next()) makes it peer_print. */
        LINK_PAIR_FIRST = 32, /* to 47: pairing, see pair.h */
        LINK_PAIR_LAST = 47
};
enum link_role { LINK_ROLE_READER = 1, LINK_ROLE_RENEW, LINK_ROLES };
enum link_reason {
        LINK_REASON_NONE,     /* the connection broke, nobody said why */
        LINK_REASON_CLOSING,  /* it goes away in order */
        LINK_REASON_VERSION,  /* it does not speak this version */
        LINK_REASON_PROTOCOL, /* what came is out of shape or out of place */
        LINK_REASON_UNPAIRED, /* the pairing was forgotten */
        LINK_REASON_TOO_MANY, /* connections */
        LINK_REASON_SILENT,   /* nothing came in time */
        LINK_REASON_FORBIDDEN, /* a PIN without an announced request, an operation that is not for links */
        LINK_REASONS
};

struct link;

/* The side that connects (the computer). Presents `own->certificate`, takes only `own->peer_print` or next_print. */
_must_check_ int link_connect(struct link **ret, int fd, const struct link_peer *own);
/* The side that listens (the phone): which pairing it is follows from the tag in the SNI, looked up in `folder` at that moment. */
_must_check_ int link_accept(struct link **ret, int fd, const char *folder);
struct link *link_free(struct link *link); /* closes without a word; wipes */

/* One step. 0: both sides are proven; -EAGAIN: wait; -EACCES: it is not the paired device, or knows no such pairing;
 * -EPROTO: it does not speak TLS 1.3 as we do; -ECONNRESET, -EPIPE: it is gone. */
_must_check_ int link_handshake(struct link *link);
/* Whose pairing it is, once link_handshake() was 0: id of the pairing; and whether it showed its next certificate. */
const char *link_id(const struct link *link);
bool link_showed_next(const struct link *link);
/* After -EACCES, of handshake or link_recv(): a certificate has expired, ours or theirs, and the two must be paired anew. */
bool link_expired(const struct link *link);

int link_fd(const struct link *link);
short link_wants(const struct link *link); /* POLLIN, POLLOUT */
/* Queues and sends what can be sent; -ENOBUFS when more than LINK_QUEUE_MAX bytes wait: it does not read us. */
#define LINK_QUEUE_MAX 262144
_must_check_ int link_send(struct link *link, enum link_type type, const void *body, size_t len);
_must_check_ int link_send_secret(struct link *link, const void *body, size_t len);
_must_check_ int link_flush(struct link *link); /* 0: all sent; -EAGAIN: some waits */
/* One whole frame, if there is one: 0, or -EAGAIN. Body into buf->data (cap >= LINK_FRAME_MAX), buf->len set; wiped by the
 * caller. -EBADMSG: a frame out of shape, -ECONNRESET: it ended; -EACCES: the phone did not take our certificate (the side that
 * connects is done with its handshake before the other has looked at it). A LINK_SECRET is opened; one that does not open
 * is -EBADMSG, and so is one from a phone. */
_must_check_ int link_recv(struct link *link, enum link_type *ret_type, struct secret *buf);
/* Bytes that came already and are not taken yet: POLLIN will not tell of them. */
bool link_pending(const struct link *link);

/* Is this the address of a machine on a local network (RFC 1918, 6598, 4193, link-local, loopback)? */
struct sockaddr;
bool link_is_local(const struct sockaddr *address);

#endif
