/* SPDX-License-Identifier: Apache-2.0 */
/* session.h: which card operation is allowed when, as one table (session.c), without a socket.
 *
 *      IDLE -BEGIN-> OPEN -IDENTIFY-> IDENTIFIED -CONFIRM-> CONFIRMED -PIN-> ARMED -VERIFY-> VERIFIED
 *
 * RESUME stands for IDENTIFY where mohrd knows that the card never left since another helper found out.
 *
 * A frame that was asked ahead (ops.h) and is not allowed in the state then reached is skipped, and with it all others behind
 * it; so are those behind an answer which is neither a yes nor a refusal, since mohrd goes on from none such. The next
 * frame without OPS_AHEAD ends that.
 *
 * END leads back to IDLE from everywhere. A later BEGIN that finds the same card, neither reset nor
 * taken out, resumes at IDENTIFIED or CONFIRMED; any other starts at OPEN and the confirmation is
 * forgotten (card-facts 7.2 rule 2). A PIN is taken once in the life of a process, after the counter
 * of the PIN to be verified was read in the same transaction and showed a try; after that VERIFY
 * every END is a reset. The session does not judge: whether a card is confirmed is said by mohrd.
 */
#ifndef MOHR_SESSION_H
#define MOHR_SESSION_H

#include "drivers/driver.h"
#include "drivers/ops.h"

struct session;

/* Locks the memory for the PIN, so it comes before the sandbox. `reader` is borrowed. */
_must_check_ int session_new(struct session **ret, const struct driver *driver, void *reader);
/* Ends a transaction that is still open: by a reset if a PIN was sent, else leaving the card. */
struct session *session_free(struct session *session);
static inline void session_free_cleanup(struct session **slot)
{
        *slot = session_free(*slot);
}
#define _cleanup_session_ _cleanup_(session_free_cleanup)

/* Takes one frame, writes its answer. Returns the answer's length; -EBADMSG for a malformed frame
 * and -EPROTO for one out of place (unless asked ahead), after either of which the process must end. */
_must_check_ ssize_t session_step(
        struct session *session, const void *frame, size_t len, uint8_t *reply, size_t cap);
/* Between transactions, on a direct reader, with nothing asked ahead that waits: driver.h's wait(). Else returns at once,
 * nothing changed. */
_must_check_ int session_wait(
        struct session *session, int channel, bool *ret_changed, struct driver_presence *ret);
/* 0, or the outcome (NO_READER, READER_SERVICE) after which this process is of no more use. */
int session_gone(const struct session *session);

#endif
