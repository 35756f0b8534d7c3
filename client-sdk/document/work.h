/* SPDX-License-Identifier: Apache-2.0 */
/* work.h: mohr-document, the program that looks into documents so that no other program has to.
 *
 * One piece of work for each process: `mohr-document WORK`, then it ends. Its descriptor 3 is a SEQPACKET channel: one
 * JSON object comes in, one (or, of "signatures", one for each and a last one) goes out, each at most DOCUMENT_FRAME_MAX
 * bytes. Descriptor 4 is the file to read, 5 the one to write. Before the first byte of a document is read, the process can open nothing,
 * connect nowhere and start nobody, and its memory and time are limited. What it says of a document is the document's word and hostile.
 *
 * Both descriptors are regular files: 4 open for reading, of any position; 5 open for writing (in inspect and prepare for reading, too), empty
 * and at its start, not the same file, and empty again if the work fails.
 *
 * Every answer has "ok": true, or false with "why", a stable word of document_refusals below, and "detail", one English sentence.
 *
 * inspect     4: what an app passed, read from its start to its end, once. 5: an empty file of the daemon's own, or closed.
 *             in:  {"copy": bool}
 *             out: {"size": int, "sha256": hex, "sha384": hex, "kind": "pdf"|"cms"|"json"|"other", "pages"?: int, "signatures"?: int,
 *                   "unfit"?: of a PDF, the word with which "prepare" would refuse it; a detached signature does not mind}
 *             With "copy" what was read is written to 5, and kind to unfit are of that copy.
 * prepare     4: such a copy of a PDF. 5: an empty file of the daemon's own, which becomes the PDF with room for one more signature.
 *             in:  {"hash": "sha256"|"sha384", "name": holder's name, "reason"?, "location"?, "at": seconds, "room": bytes of CMS,
 *                   "stamp"?: {"page": 1.., "x", "y", "width", "height": points from the lower left of the page as it is seen,
 *                   "content": base64 of what `mohr-page stamp` drew for that width and height}}
 *             out: {"digest": hex, "offset": int, "room": int, "size": int}: what is to be signed is everything but the room;
 *                   offset is that of its "<", and up to its ">" it is 2 * room + 2 bytes long
 * text        4: a copy. 5: closed. What a JWS of it signs: the header's text, ".", the base64url of the file.
 *             in:  {"hash", "header": text}     out: {"digest": hex}
 * countersign 4: a copy of a SignedData.  in: {"hash", "signer": int}
 *             out: {"digest": hex of the signature's value, "signer": name, "signers": int}
 * write       4: a copy, or what "prepare" made. 5: the app's file, which is complete and on its disk when the answer is ok.
 *             in:  {"form": "cms"|"cms-attached"|"pdf"|"jws"|"countersignature", "cms"?: base64, "offset"?: int, "room"?: int,
 *                   "header"?, "signature"?: base64url, "signer"?: int}
 *             out: {"size": int}
 * signatures  4: a PDF. For each signature in the order of what they cover: {"field", "range": [4 ints], "cms": base64, "offset", "room",
 *             "sub_filter", "name"?, "reason"?, "location"?, "at"?: text of /M, "covers": bytes from the start of the file that it covers, itself
 *             aside, "whole": is that all of the file?, "after": "nothing", "signed" (what was added later is covered by a later signature of
 *             this list) or "unsigned", "shown"?: after something was added, "same" if the pages show what they showed when it was made, "stamped" if
 *             only stamps of signatures came or went, or "changed"}. All of it is read from the very bytes that the signature covers. Instead of cms and what follows, "why"
 *             and "detail" of one that cannot be judged: "range" (its /ByteRange leaves out more than itself), "contents" (no single DER value),
 *             "revision" (what it covers is no PDF with this signature). Then {"ok": true, "pages": int, "size": int, "signatures": int,
 *             "last": true}. The first 64 are told, the number is of all.
 */
#ifndef MOHR_DOCUMENT_WORK_H
#define MOHR_DOCUMENT_WORK_H

/* A frame of this size needs a sender with SO_SNDBUF of as much: what a kernel gives without being asked is less. */
#define DOCUMENT_FRAME_MAX (256 * 1024)
#define DOCUMENT_CHANNEL   3
#define DOCUMENT_READ      4
#define DOCUMENT_WRITE     5
/* Bytes of CMS that a PDF gets room for: signer, chain and a timestamp. */
#define DOCUMENT_ROOM           24576
#define DOCUMENT_ROOM_MAX       (64 * 1024)
#define DOCUMENT_STAMP_MAX      (128 * 1024) /* as PAGE_STAMP_MAX */
#define DOCUMENT_SIGNATURES_MAX 64
#define DOCUMENT_TEXT_MAX       512 /* bytes of name, reason, location */

/* Why a document is refused: the stable word, and what it says to a person. */
#define DOCUMENT_REFUSALS(X)                                                                       \
        X("changed", "The document changed while it was read.")                                    \
        X("not-a-file", "The document is no regular file, or not open for reading.")               \
        X("output",                                                                                \
                "The result cannot go there: an empty regular file, open for writing, that is "    \
                "not the document itself is needed.")                                              \
        X("too-large", "The document is larger than can be worked on here.")                       \
        X("disk-full", "There is not enough room on the disk.")                                    \
        X("not-a-pdf", "The document is no PDF.")                                                  \
        X("encrypted", "The PDF is encrypted.")                                                    \
        X("damaged", "The PDF is damaged.")                                                        \
        X("certified",                                                                             \
                "Whoever signed the PDF first allows no change, not even one more signature.")     \
        X("page", "The PDF has no such page, or the stamp does not lie on it.")                    \
        X("stamp", "The stamp holds more than shapes and colours.")                                \
        X("no-room", "The signature is larger than the room that was made for it.")                \
        X("signer", "The document has no such signature.")                                         \
        X("not-its-signer", "The signature was not made by the one whose name stands there.")      \
        X("not-a-signature", "The document is no signature of a kind that is known here.")         \
        X("question", "The question is not one that this program answers.")                        \
        X("write", "The result could not be written.")                                             \
        X("read", "The document could not be read.")                                               \
        X("memory", "There was not enough memory.")                                                \
        X("internal", "Something went wrong.")

#endif
