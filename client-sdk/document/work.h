/* SPDX-License-Identifier: Apache-2.0 */
/* work.h: mohr-document, the program that looks into documents so that no other program has to.
 *
 * One piece of work for each process: `mohr-document WORK`, then it ends. Its descriptor 3 is a SEQPACKET channel: one
 * JSON object comes in, one (or, of "signatures", one for each and a last one) goes out, each at most DOCUMENT_FRAME_MAX
 * bytes. Descriptor 4 is the file to read, 5 the one to write. Before the first byte of a document is read, the process can open nothing,
 * connect nowhere and start nobody, and its memory and time are limited. What it says of a document is the document's word and hostile.
 *
 * Every answer has "ok": true, or false with "why", a stable word ("changed", "too-large", "encrypted", "not-a-pdf",
 * "damaged", "certified", "no-room", "write", "memory", ...), and "detail", one English sentence.
 *
 * inspect     4: what an app passed, read from its start to its end, once. 5: an empty file of the daemon's own, or closed.
 *             in:  {"copy": bool}
 *             out: {"size": int, "sha256": hex, "sha384": hex, "kind": "pdf"|"cms"|"json"|"other", "pages"?: int, "signatures"?: int}
 *             With "copy" what was read is written to 5, and kind to signatures are of that copy.
 * prepare     4: such a copy of a PDF. 5: an empty file of the daemon's own, which becomes the PDF with room for one more signature.
 *             in:  {"hash": "sha256"|"sha384", "name": holder's name, "reason"?, "location"?, "at": seconds, "room": bytes of CMS,
 *                   "stamp"?: {"page": 1.., "x", "y", "width", "height": points from the lower left, "content": base64}}
 *             out: {"digest": hex, "offset": int, "room": int, "size": int}: what is to be signed is everything but the room
 * text        4: a copy. 5: closed. What a JWS of it signs: the header's text, ".", the base64url of the file.
 *             in:  {"hash", "header": text}     out: {"digest": hex}
 * countersign 4: a copy of a SignedData.  in: {"hash", "signer": int}
 *             out: {"digest": hex of the signature's value, "signer": name, "signers": int}
 * write       4: a copy, or what "prepare" made. 5: the app's file, which is written from its present position on.
 *             in:  {"form": "cms"|"cms-attached"|"pdf"|"jws"|"countersignature", "cms"?: base64, "offset"?: int, "room"?: int,
 *                   "header"?, "signature"?: base64url, "signer"?: int}
 *             out: {"size": int}
 * signatures  4: a PDF. For each signature in the order of the file: {"field", "range": [4 ints], "cms": base64, "offset", "room", "sub_filter",
 *             "reason"?, "location"?, "at"?: text of /M, "covers": bytes of the file up to which it covers all but itself, "whole": bool},
 *             then {"ok": true, "pages": int, "size": int, "last": true}
 */
#ifndef MOHR_DOCUMENT_WORK_H
#define MOHR_DOCUMENT_WORK_H

#define DOCUMENT_FRAME_MAX (256 * 1024)
#define DOCUMENT_CHANNEL   3
#define DOCUMENT_READ      4
#define DOCUMENT_WRITE     5
#define DOCUMENT_ROOM                                                                              \
        24576 /* bytes of CMS that a PDF gets room for: signer, chain and a timestamp */
#define DOCUMENT_STAMP_MAX (128 * 1024)

#endif
