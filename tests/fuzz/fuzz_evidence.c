/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_evidence.c: bundles from whoever wants the file to say something else. The first byte chooses the way in:
 *   'T' the whole text,  'C' a content, put into its one form with a checksum that fits,
 *   'M' NAME 00 JSON: one member of a genuine content replaced,
 *   'F' four bytes each, place and change: bytes of a genuine bundle changed, with a checksum that fits.
 * What is accepted tells the leaf's identity, and its assertion is the genuine one.
 */
#include "client-sdk/evidence.h"

/* Fuzz targets link rooms only; the test PKI is part of this one. */
#include "tests/support/testpki.c"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct mohr_verify_options asked = {
        .audience = "https://bank.example", .nonce = "n-0S6_WzA2Mj", .at = TESTPKI_NOW + 10
};
static const struct mohr_verify_options later = { .at = TESTPKI_NOW + 86400 };

struct world {
        struct testpki *pki;
        struct mohr_trust *trust;
        char *assertion, *bundle;
};

static void make_world(struct world *made)
{
        struct mohr_result *result = NULL;
        made->pki = testpki_new();
        made->trust = testpki_trust((X509 *[]){ made->pki->root, NULL });
        made->assertion = testpki_assertion(made->pki, made->pki->leaf, made->pki->ca, NULL);
        require(mohr_evidence_make(made->trust, made->assertion, strlen(made->assertion), &asked,
                        &result, &made->bundle) == 0);
        mohr_result_free(result);
}

static const struct world *world(void)
{
        static struct world made; /* once for the whole run */
        if (!made.pki)
                make_world(&made);
        return &made;
}

static void judge(const char *text, size_t len)
{
        struct mohr_result *result = NULL;
        int r = mohr_evidence_verify(world()->trust, text, len, &later, NULL, &result);
        require(r == 0 || r == 21);
        if (r == 0) {
                require(strcmp(mohr_result_claim(result, "given_name"), TESTPKI_GIVEN) == 0);
                require(strcmp(mohr_result_claim(result, "card_number"), "0099900007") == 0);
                require(memmem(text, len, world()->assertion, strlen(world()->assertion)));
        } else {
                require(!mohr_result_claim(result, "given_name"));
        }
        char *json = mohr_result_json(result);
        require(json != NULL);
        free(json);
        mohr_result_free(result);
}

static void judge_content(json_t *content, const json_t *timestamps)
{
        char *text = evidence_file(content, timestamps, json_array_size(timestamps));
        if (text)
                judge(text, strlen(text));
        free(text);
}

static void content(const char *json, size_t len)
{
        json_t *all = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
        if (json_is_object(all))
                judge_content(all, NULL);
        json_decref(all);
}

static void member(const char *text, size_t len)
{
        const char *end = memchr(text, '\0', len);
        if (!end)
                return;
        json_t *all = json_loads(world()->bundle, 0, NULL),
               *inside = json_object_get(all, "content"), *timestamps = NULL;
        json_t *value = json_loadb(end + 1, len - (size_t)(end + 1 - text), JSON_DECODE_ANY, NULL);
        if (value && strcmp(text, "timestamps") == 0)
                timestamps = json_incref(value);
        else if (value)
                json_object_set(inside, text, value);
        if (value)
                judge_content(inside, timestamps);
        json_decref(timestamps);
        json_decref(value);
        json_decref(all);
}

static void flips(const uint8_t *edits, size_t len)
{
        size_t size = strlen(world()->bundle);
        char *text = strdup(world()->bundle),
             *at = strstr(text, "\"mohr_evidence\":1,\"sha256\":\"");
        char sha256[65];
        for (size_t i = 0; i + 4 <= len; i += 4) {
                size_t place = ((size_t)edits[i] << 8 | edits[i + 1]) % size;
                text[place] = (char)(text[place] ^ edits[i + 3]);
        }
        char *body = malloc(size + 1);
        memcpy(body, text, size + 1);
        size_t before = (size_t)(at - text) + strlen("\"mohr_evidence\":1");
        memmove(body + before, body + before + 76, size - before - 76 + 1);
        require(mohr_evidence_digest(body, size - 76, sha256));
        memcpy(text + before + 11, sha256, 64);
        judge(text, size);
        free(body);
        free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        const char *rest = (const char *)data + 1;
        if (len == 0)
                return 0;
        switch (data[0]) {
        case 'T': judge(rest, len - 1); break;
        case 'C': content(rest, len - 1); break;
        case 'M': member(rest, len - 1); break;
        case 'F': flips(data + 1, len - 1); break;
        }
        return 0;
}
