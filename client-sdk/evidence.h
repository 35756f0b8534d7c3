/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.h: the evidence bundle of docs/evidence.md, taken apart.
 *
 * A bundle is one JSON object in the canonical form of RFC 8785: members sorted, nothing between them. There
 * is one text for one content, so it is compared byte for byte and nothing in it can be spelled otherwise.
 * What a bundle contains is hostile until it is judged: being in the file makes nothing true.
 */
#ifndef MOHR_EVIDENCE_H
#define MOHR_EVIDENCE_H

#include "client-sdk/assertion.h"
#include "client-sdk/mohr.h"

#define EVIDENCE_VERSION        1
#define EVIDENCE_CHAIN_MAX      8
#define EVIDENCE_PROOFS_MAX     16
#define EVIDENCE_TIMESTAMPS_MAX 16

struct evidence {
        json_t *content;    /* owned; all below borrow from it */
        json_t *timestamps; /* owned array, may be empty; texts in base64 */
        const char *assertion;
        const json_t *chain, *proofs; /* arrays of texts in base64 */
        const json_t *report;
        struct mohr_verify_options terms; /* as asked when it was received; `at` is received_at */
};

void evidence_clear(struct evidence *evidence);
#define _cleanup_evidence_ _cleanup_(evidence_clear)

/* 0 with *ret_reason; *ret only if that is MOHR_REASON_OK. *ret_detail: which member, static, or "". */
_must_check_ int evidence_read(const char *text, size_t len, struct evidence *ret,
        enum mohr_reason *ret_reason, const char **ret_detail);
/* The content of a bundle about to be made; takes no reference. `report` may be NULL. NULL: no memory. */
json_t *evidence_content(const char *assertion, size_t len, const json_t *chain,
        const json_t *proofs, const struct mohr_verify_options *terms, const json_t *report);
/* The options that a content's terms are. False: they are none. */
bool evidence_terms(const json_t *content, struct mohr_verify_options *ret);

/* The file's text with the first `count` timestamps; NULL: no memory. A timestamp is over the body, which is
 * the same without the checksum, with those before it. */
char *evidence_file(const json_t *content, const json_t *timestamps, size_t count);
/* That file, if it is none too long to be read again: 0, -EFBIG, -ENOMEM. */
_must_check_ int evidence_seal(
        const json_t *content, const json_t *timestamps, size_t count, char **ret);
char *evidence_body(const json_t *content, const json_t *timestamps, size_t count);

/* The bytes of a text as base64_json() makes it, malloced; -EBADMSG, -ENOMEM. */
_must_check_ int evidence_unpack(const json_t *text, size_t cap, uint8_t **ret, size_t *ret_len);

/* evidence_world.c: a trust object that knows the anchors of `trust`, what the bundle holds, and nothing else:
 * what was found in it once is found in it again. 21 with the member's name in *ret_detail. */
_must_check_ int evidence_world(const struct mohr_trust *trust, const struct evidence *evidence,
        struct mohr_trust **ret, const char **ret_detail);
/* mohr_verify() of its assertion by the same anchors and issuers, and by what `trust` knows of revocation. */
_must_check_ int evidence_hindsight(const struct mohr_trust *trust, const struct evidence *evidence,
        const struct mohr_verify_options *terms, struct mohr_result **ret);
/* What version 1 of the format keeps of a result, whatever else later versions of Mohr come to tell. NULL: no
 * memory. */
json_t *evidence_report(const struct mohr_result *result);
/* Are the kept issuers those above this signer's leaf? One of the two chains may go on where the other has its
 * anchor. 0, 21, -ENOMEM. */
struct signer;
_must_check_ int evidence_chain_fits(const json_t *chain, const struct signer *signer);
/* The issuers above the leaf, in base64; NULL: no memory. */
json_t *evidence_chain_of(const struct signer *signer);

/* evidence_time.c: the timestamps of a bundle, each judged as of the next one's time, the last as of `at`.
 * Nobody vouches where `authorities` is NULL. *ret_told: an array for people; *ret_first: when the first
 * was made, 0 where there is none that can be believed. 21 with *ret_detail. */
_must_check_ int evidence_time(const struct evidence *evidence,
        const struct mohr_trust *authorities, int64_t at, json_t **ret_told, int64_t *ret_first,
        char detail[static 64]);

static inline void evidence_trust_cleanup(struct mohr_trust **trust)
{
        *trust = mohr_trust_free(*trust);
}
static inline void evidence_result_cleanup(struct mohr_result **result)
{
        *result = mohr_result_free(*result);
}
#define _cleanup_trust_  _cleanup_(evidence_trust_cleanup)
#define _cleanup_result_ _cleanup_(evidence_result_cleanup)

#endif
