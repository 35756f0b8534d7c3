/* SPDX-License-Identifier: Apache-2.0 */
/* search.h: in which of these readers lies the card of this national number?
 *
 * Asked only after the person agreed that the cards in just these readers may be looked at. One card after
 * the other is identified and its certificates are read; the gate confirms it as it does in every request.
 * No PIN, no counter, no confirmation to the helper: nothing of the PIN family exists for it meanwhile. What
 * the cards said is forgotten card by card, but for an issuing CA that was seen to have signed (known.h): it is
 * nobody's. Of a holder only the one who is looked for leaves a mark: where the card lay, and the print of its
 * certificate, by which it must be known again.
 *
 * A reader that somebody else uses is left alone. A card that cannot be read, or takes too long over it, is
 * passed over and counted in the log.
 */
#ifndef MOHR_SEARCH_H
#define MOHR_SEARCH_H

#include "daemon/gate.h"
#include "daemon/request.h"

struct search;

/* 0, also when nothing was found, or a negative errno. The last thing a search does: it may be freed in it. */
typedef void (*search_done)(void *user, int result);

/* Nothing is touched yet. The names are copied; the context, the request's id and the number are borrowed. */
_must_check_ int search_new(struct search **ret, struct request_context *context, const char *id,
        const char *national_number, const char *const *readers, size_t count);
/* One callback, from the loop. */
_must_check_ int search_start(struct search *search, search_done done, void *user);
/* Gives the reader back that it has; no callback after. */
struct search *search_free(struct search *search);

/* Names of readers in which the card was found, borrowed; their number. NULL was never started. */
size_t search_found(const struct search *search, const char **ret, size_t cap);
/* Was the card with this certificate found in that reader? */
bool search_met(const struct search *search, const char *reader,
        const uint8_t print[static GATE_PRINT_SIZE]);

#endif
