/* SPDX-License-Identifier: Apache-2.0 */
/* pair_proof.c: digests and proofs of pairing (docs/phone.md, "Pairing, byte by byte").
 *
 * Each is made over a label of its own and parts with their lengths, so that no two of them can be taken for each other, and each
 * has the transcript in it: exporter of the connection, both certificates, both first messages. What holds on one connection
 * says nothing on another, and names that were changed on the way change everything.
 */
#include "client-sdk/link/pair_talk.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>

#define TEXT_MAX 1024
#define MODULUS  1000000U /* codes of PAIR_CODE_LEN digits */
#define CODE_TAKE                                                                                  \
        8 /* bytes: what is left of 2^64 by the modulus favours no code that anybody could tell */

static struct out label_new(uint8_t text[static TEXT_MAX], const char *label)
{
        struct out out = out_new(text, TEXT_MAX);
        out_bytes(&out, label, strlen(label) + 1);
        return out;
}

static void part(struct out *out, const void *data, size_t len)
{
        out_bytes16(out, data, len);
}

static int digest(const struct out *text, uint8_t ret[static PAIR_HASH])
{
        if (out_done(text) < 0)
                return -EINVAL;
        return EVP_Digest(text->data, text->len, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

int pair_make_transcript(struct pair_talk *talk, struct view reply)
{
        uint8_t text[TEXT_MAX], id[PAIR_HASH];
        struct out out = label_new(text, "mohr pair transcript");
        part(&out, talk->proven.exporter, PAIR_HASH);
        part(&out, talk->proven.phone, LINK_PRINT);
        part(&out, talk->proven.computer, LINK_PRINT);
        part(&out, talk->hello, talk->hello_len);
        part(&out, reply.data, reply.len);
        int r = digest(&out, talk->transcript);
        if (r < 0)
                return r;
        out = label_new(text, "mohr pair id");
        part(&out, talk->transcript, PAIR_HASH);
        r = digest(&out, id);
        if (r == 0)
                hex_encode(talk->id, id, LINK_ID_LEN / 2);
        return r;
}

int pair_make_proof(const struct pair_talk *talk, bool of_phone, uint8_t ret[static PAIR_HASH])
{
        uint8_t text[TEXT_MAX];
        struct out out = label_new(text,
                of_phone ? "mohr pair proof of the phone" : "mohr pair proof of the computer");
        part(&out, talk->transcript, PAIR_HASH);
        return HMAC(EVP_sha256(), talk->secret, PAIR_SECRET, text, out.len, ret, NULL) ? 0
                                                                                       : -ENOMEM;
}

int pair_make_commitment(const struct pair_talk *talk, const uint8_t computers[static PAIR_HASH],
        uint8_t ret[static PAIR_HASH])
{
        uint8_t text[TEXT_MAX];
        struct out out = label_new(text, "mohr pair commitment");
        part(&out, computers, PAIR_HASH);
        part(&out, talk->transcript, PAIR_HASH);
        return digest(&out, ret);
}

int pair_make_code(struct pair_talk *talk, const uint8_t computers[static PAIR_HASH],
        const uint8_t phones[static PAIR_HASH])
{
        uint8_t text[TEXT_MAX], hash[PAIR_HASH];
        struct out out = label_new(text, "mohr pair code");
        part(&out, talk->transcript, PAIR_HASH);
        part(&out, computers, PAIR_HASH);
        part(&out, phones, PAIR_HASH);
        int r = digest(&out, hash);
        if (r < 0)
                return r;
        struct in in = in_new(hash, CODE_TAKE);
        snprintf(talk->code, sizeof talk->code, "%06u", (unsigned int)(in_u64(&in) % MODULUS));
        return 0;
}

int pair_make_number(uint8_t ret[static PAIR_HASH])
{
        return RAND_bytes(ret, PAIR_HASH) == 1 ? 0 : -EIO;
}
