/* SPDX-License-Identifier: Apache-2.0 */
/* keys_pss.c: EMSA-PSS-ENCODE (RFC 8017 9.1.1) for a modulus of 2048 bits, with MGF1 (B.2.1) over the same hash.
 *
 * The card does the RSA operation and nothing else, and OpenSSL pads only for keys that it holds. What is written here is
 * checked by OpenSSL's own verification of each signature before it leaves.
 */
#include "daemon/keys.h"

#include <openssl/rand.h>

#define BLOCK 256

/* block[0..len) ^= MGF1(seed) */
static bool mask(const EVP_MD *hash, struct view seed, uint8_t *block, size_t len)
{
        uint8_t input[EVP_MAX_MD_SIZE + 4], output[EVP_MAX_MD_SIZE];
        unsigned int size = 0;
        memcpy(input, seed.data, seed.len);
        for (size_t at = 0, counter = 0; at < len; at += size, counter++) {
                struct out out = out_new(input + seed.len, 4);
                out_u32(&out, (uint32_t)counter);
                if (EVP_Digest(input, seed.len + 4, output, &size, hash, NULL) != 1)
                        return false;
                for (size_t i = 0; i < size && at + i < len; i++)
                        block[at + i] ^= output[i];
        }
        return true;
}

/* H = Hash(eight zeros | digest | salt) */
static bool hash_of(const EVP_MD *hash, struct view digest, struct view salt, uint8_t *ret)
{
        static const uint8_t zeros[8] = { 0 };
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        bool done = md && EVP_DigestInit_ex(md, hash, NULL) == 1 &&
                    EVP_DigestUpdate(md, zeros, sizeof zeros) == 1 &&
                    EVP_DigestUpdate(md, digest.data, digest.len) == 1 &&
                    EVP_DigestUpdate(md, salt.data, salt.len) == 1 &&
                    EVP_DigestFinal_ex(md, ret, NULL) == 1;
        EVP_MD_CTX_free(md);
        return done;
}

/* zeros 01 salt, masked | H | BC, with the leading bit clear: emBits is one less than the modulus has. */
int keys_pss_encode(
        const EVP_MD *hash, struct view digest, size_t salt_len, uint8_t block[static BLOCK])
{
        size_t len = (size_t)EVP_MD_get_size(hash);
        if (digest.len != len || salt_len > BLOCK - 2 - len)
                return -EINVAL;
        size_t masked = BLOCK - 1 - len;
        uint8_t *salt = block + masked - salt_len, *h = block + masked;
        memset(block, 0, BLOCK);
        salt[-1] = 0x01;
        if ((salt_len > 0 && RAND_bytes(salt, (int)salt_len) != 1) ||
                !hash_of(hash, digest, (struct view){ salt, salt_len }, h) ||
                !mask(hash, (struct view){ h, len }, block, masked))
                return -ENOMEM;
        block[0] &= 0x7F;
        block[BLOCK - 1] = 0xBC;
        return 0;
}
