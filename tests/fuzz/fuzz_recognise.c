/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_recognise.c: any bytes as what an app wants signed by a key that makes assertions. What is recognised is no signing input of a
 * JWS, carries a text that can be shown, and is not recognised any more with a byte behind it or without its last one.
 */
#include "client-sdk/base64.h"
#include "daemon/recognise.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A key as SSH writes it, for P-256; its point is nobody's. */
static const uint8_t blob[] = "\0\0\0\x13"
                              "ecdsa-sha2-nistp256\0\0\0\x08nistp256\0\0\0\x41\x04"
                              "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/* Its first part would have to be the base64url of a JSON object (RFC 7515 5.1). */
static bool begins_as_jws(const uint8_t *data, size_t len)
{
        uint8_t start[3];
        size_t head = base_min(len, 4);
        if (head < 2 || base64_decode(BASE64_URL, start, sizeof start, (const char *)data,
                                head - (head == 3 ? 1 : 0)) < 1)
                return false;
        return start[0] == '{' || start[0] == ' ' || start[0] == '\t' || start[0] == '\r' ||
               start[0] == '\n';
}

static bool is_recognised(const uint8_t *data, size_t len, struct recognised *ret)
{
        const struct view key = { blob, sizeof blob - 1 };
        return recognise((struct view){ data, len }, key, ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct recognised found = { 0 }, other;
        if (!is_recognised(data, len, &found))
                return 0;
        uint8_t *more = malloc(len + 1);
        require(more && len > 0 && len <= RECOGNISE_DATA_MAX);
        memcpy(more, data, len);
        more[len] = 0;
        require(!is_recognised(data, len - 1, &other));
        require(!is_recognised(more, len + 1, &other));
        require(!begins_as_jws(data, len));
        require(data[0] == ' ' || data[0] == 0x00 || data[0] == 0x31);
        require(found.content == CONTENT_TLS || found.content == CONTENT_SSH ||
                found.content == CONTENT_CMS);
        require((found.text[0] != '\0') == (found.content != CONTENT_TLS));
        require_text(found.text, sizeof found.text);
        require(found.host_len <= sizeof found.host);
        require(found.host_len == 0 || (found.content == CONTENT_SSH && found.host_len > 4));
        free(more);
        return 0;
}
