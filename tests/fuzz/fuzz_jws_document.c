/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_jws_document.c: signed JSON documents from whoever wants to have been somebody else. 'W': the whole, compact or general. 'H': a header's
 * JSON that a genuine card signs. 'M': two to be put together, the first one's length in two bytes. No input of any kind is
 * an assertion and a document at once.
 */
#include "tests/unit/document_talk.h"

#include "client-sdk/jws_form.h"
#include "tests/fuzz/require.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct mohr_verify_options options = { .at = TESTPKI_NOW + 10 };

struct world {
        struct testpki *pki;
        struct mohr_trust *trust;
};

static const struct world *world(void)
{
        static struct world made; /* once for the whole run */
        if (!made.pki) {
                made.pki = testpki_new();
                made.trust = testpki_trust((X509 *[]){ made.pki->root, NULL });
        }
        return &made;
}

static void judge(const char *text, size_t len)
{
        struct mohr_signed *result = NULL;
        struct mohr_result *token = NULL;
        int fd = memfd_create("document", MFD_CLOEXEC);
        require(write(fd, text, len) == (ssize_t)len);
        const struct mohr_document document = { .form = MOHR_DOCUMENT_JWS, .content = fd };
        int r = mohr_document_verify(world()->trust, &document, &options, NULL, &result);
        require(r == 0 || r == 21 || r == 22);
        char *json = mohr_signed_json(result);
        require(json && (r != 0) == (strstr(json, "\"card_number\"") == NULL || r == 21));
        int as_token = mohr_verify(world()->trust, text, len, &options, &token);
        require(as_token == 21 || r == 21);
        free(json);
        mohr_signed_free(result);
        mohr_result_free(token);
        close(fd);
}

static void header(const char *json, size_t len)
{
        char text[8192];
        if (len >= sizeof text || memchr(json, '\0', len))
                return;
        memcpy(text, json, len);
        text[len] = '\0';
        char *jws = testpki_sign(text, "{}", world()->pki->leaf_key, "RS256");
        judge(jws, strlen(jws));
        free(jws);
}

static void put_together(const char *one, size_t one_len, const char *other, size_t other_len)
{
        char *both = NULL;
        const char *why = NULL;
        struct jws_form form;
        int r = jws_merge(one, one_len, other, other_len, &both, &why);
        require(r == 0 || (r == 21 && why));
        if (r == 0) {
                require(jws_read(both, strlen(both), &form, &why) == 0 && form.count >= 2);
                jws_form_clear(&form);
                judge(both, strlen(both));
        }
        free(both);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        const char *rest = (const char *)data;
        if (len < 3)
                return 0;
        size_t first = (size_t)data[1] << 8 | data[2];
        switch (data[0]) {
        case 'W': judge(rest + 1, len - 1); break;
        case 'H': header(rest + 1, len - 1); break;
        case 'M':
                if (first <= len - 3)
                        put_together(rest + 3, first, rest + 3 + first, len - 3 - first);
                break;
        }
        return 0;
}
