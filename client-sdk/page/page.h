/* SPDX-License-Identifier: Apache-2.0 */
/* page.h: mohr-page, which draws the one page of a receipt, and the contract it is run by.
 *
 * It is a program of its own because it is the only one that needs fonts, shaping and drawing
 * libraries: whoever verifies, needs none of them. It decides nothing and verifies nothing; it shows what a
 * verifier told it, in words, once, on one page. It opens no file but fonts, translations and the C
 * library's own, and no socket.
 *
 * stdin: one JSON object of at most PAGE_INPUT_MAX bytes with exactly these members:
 *
 *   "language"      "fa" or "en": the language of the page, whatever the environment says
 *   "size"          "a4", or "80mm" for the roll of a receipt printer
 *   "digest"        64 lower-case hex digits: SHA-256 of the evidence bundle; becomes the QR code
 *                   "mohr-evidence:sha256:DIGEST"
 *   "holder"        "citizen" or "staff", by the certificate
 *   "claims"        what mohr_result_json() tells, with or without its member "verification". Read here:
 *                   given_name, family_name, card_number, national_number, name, organization,
 *                   employee_number, email, aud (required), purpose, acr, national_number_match,
 *                   assurance.identity_level,
 *                   card.certificate_expiry, certificate.{issuer, not_after, expired}, clock.synchronised,
 *                   station.{operator, branch, device, case_number, photo_checked, software}
 *   "signed_at"     seconds since the epoch, the station's clock
 *   "received_at"   seconds since the epoch, the clock of the office that keeps the bundle
 *   "verification"  outcome, reason, checked[], not_checked[] as mohr_result_json() writes them
 *   "revocation"    null, or its member of the same name: state ("good", "revoked", else not checked), and
 *                   optionally source, as_of, why
 *   "timestamp"     null, or {"at": seconds since the epoch, "authority": text}
 *   "simulated"     true for a card in software: the page says so across its whole face
 *
 * Members of the inner objects that are not named here are passed over: a verifier may come to tell
 * more than a page has room for. Those that are named have their type and their bounds (facts.c). A moment in
 * `claims` or `revocation` is ISO 8601 in UTC, as the verifier writes it, or seconds since the epoch.
 *
 * stdout: a PDF 1.4 of one page with a classic cross-reference table, so that the bundle can be embedded by
 * an incremental update. Nothing at all unless the exit code is 0.
 * Exit code: 0 done; 2 the input is not as above, and one line on stderr names the member; 70 broken, and one
 * line says what is missing (a font, memory).
 *
 * `mohr-page stamp` draws the stamp of a signature in a PDF instead. It is asked and answers as mohr-document is
 * (client-sdk/document/work.h), on the channel that is descriptor 3:
 *   in:  {"language": "fa..." for Persian, anything else for English, "name": of the holder, "purpose"?, "location"?, "at": seconds
 *         since the epoch, "width", "height": points, PAGE_STAMP_MIN to PAGE_STAMP_SIDE, "simulated"?: true of a card in software: then the stamp says so}
 *   out: {"ok": true, "content": base64 of a content stream that holds outlines and colours and nothing else}, or
 *        {"ok": false, "why": "no-stamp", "detail": English text}
 */
#ifndef MOHR_PAGE_H
#define MOHR_PAGE_H

#include "base/base.h"

#define PAGE_INPUT_MAX  (256 * 1024)
#define PAGE_STAMP_MIN  24
#define PAGE_STAMP_SIDE 14400
#define PAGE_STAMP_MAX  (128 * 1024) /* bytes of the content stream */
#define PAGE_QR_PREFIX  "mohr-evidence:sha256:"

#endif
