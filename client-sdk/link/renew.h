/* SPDX-License-Identifier: Apache-2.0 */
/* renew.h: two paired devices take new keys, over the link that their old ones prove, in the role LINK_ROLE_RENEW.
 *
 *      computer: link_renew_ask()  ── LINK_RENEW: its next certificate ──▶  phone: link_renew_answer() writes it down besides
 *      computer: link_renew_finish() ◀── LINK_RENEWED: the phone's next ──  the certificate it believes, and makes its own
 *          uses its next from now on, and believes both of the phone's
 *          ── LINK_BYE(CLOSING): it is written down ──▶  phone: link_renew_kept() uses its next from now on
 *
 * Wherever that breaks off, the two still find each other: each side believes the other's old certificate and its next one until
 * it has seen the next (link_renew_seen(), after every handshake of either role), and nobody shows a certificate before the
 * other has it in its file. A renewal that broke off is begun anew. Nobody is asked, and nothing but the keys changes.
 */
#ifndef MOHR_LINK_RENEW_H
#define MOHR_LINK_RENEW_H

#include "client-sdk/link/link.h"

#define LINK_RENEW_BEFORE                                                                          \
        (60 * 86400) /* seconds before the end of a certificate that it should be renewed */

struct link_renewal;
struct link_renewal *link_renewal_free(struct link_renewal *renewal); /* wipes what was not kept */

/* The computer: makes its next key and sends the certificate. */
_must_check_ int link_renew_ask(struct link_renewal **ret, struct link *link);
/* The computer, with the body of LINK_RENEWED: writes the pairing, then says LINK_BYE. -EBADMSG: no certificate as ours are. */
_must_check_ int link_renew_finish(struct link_renewal *renewal, struct link *link,
        const char *folder, const void *body, size_t len);
/* The phone, with the body of LINK_RENEW: writes down what the computer will show, sends the certificate of its next key. */
_must_check_ int link_renew_answer(struct link_renewal **ret, struct link *link, const char *folder,
        const void *body, size_t len);
/* The phone, after LINK_BYE(CLOSING): uses that key from now on. */
_must_check_ int link_renew_kept(struct link_renewal *renewal, const char *folder);

/* Either side, after a handshake: if the other one showed its next certificate, that is the one from now on. */
_must_check_ int link_renew_seen(struct link *link, const char *folder);

#endif
