/* SPDX-License-Identifier: Apache-2.0 */
/* tag.c: see store.h. A name of a pairing that only the two who know its id can tell for one: made anew each time. What is announced
 * to a whole network is another one than what a computer says when it connects, so that hearing the former opens nothing.
 */
#include "client-sdk/link/internal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#define HALF      8 /* bytes: of salt, and of tag */
#define LABEL_MAX 16
#define ANNOUNCED "mohr tag"
#define CALLED    "mohr call"

static int compute(const char *label, const char *id, const uint8_t salt[static HALF],
        uint8_t ret[static HALF])
{
        uint8_t text[LABEL_MAX + HALF], mac[EVP_MAX_MD_SIZE];
        struct out out = out_new(text, sizeof text);
        out_bytes(&out, label, strlen(label));
        out_bytes(&out, salt, HALF);
        if (!HMAC(EVP_sha256(), id, LINK_ID_LEN, text, out.len, mac, NULL))
                return -ENOMEM;
        memcpy(ret, mac, HALF);
        return 0;
}

static int make(const char *label, const char *id, char ret[static LINK_TAG_LEN + 1])
{
        uint8_t both[2 * HALF];
        if (!link_id_valid(id))
                return -EINVAL;
        if (RAND_bytes(both, HALF) != 1)
                return -EIO;
        int r = compute(label, id, both, both + HALF);
        if (r == 0)
                hex_encode(ret, both, sizeof both);
        return r;
}

static bool is(const char *label, const char *tag, const char *id)
{
        uint8_t both[2 * HALF], expected[HALF];
        return strlen(tag) == LINK_TAG_LEN && link_id_valid(id) &&
               hex_decode(both, sizeof both, tag) == sizeof both &&
               compute(label, id, both, expected) == 0 &&
               CRYPTO_memcmp(expected, both + HALF, HALF) == 0;
}

int link_tag_make(const char *id, char ret[static LINK_TAG_LEN + 1])
{
        return make(ANNOUNCED, id, ret);
}

bool link_tag_is(const char *tag, const char *id)
{
        return is(ANNOUNCED, tag, id);
}

int link_call_make(const char *id, char ret[static LINK_TAG_LEN + 1])
{
        return make(CALLED, id, ret);
}

bool link_call_is(const char *tag, const char *id)
{
        return is(CALLED, tag, id);
}
